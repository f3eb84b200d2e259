//! Catalog, definitions and reading on real servers: `LARDER_TEST_ES` lists them as `NAME=URL,NAME=URL`.
//! Fails when it is unset: a tier that cannot run must not look as if it had.

use std::{
    collections::BTreeMap,
    fmt::Write as _,
    time::{Duration, Instant},
};

use elasticsearch::{
    Catalog, Client, Connection, DefinitionKind, Error, Index, Method, ReadOptions, Request, Selection, scan,
};
use serde_json::{Value, json};

/// Documents written first; every tenth is deleted afterwards and every seventh written again.
const DOCUMENTS: u64 = 20_000;

/// How long a server may take to report that contexts are closed.
const PATIENCE: Duration = Duration::from_secs(30);

async fn servers() -> Vec<(String, Client)> {
    let list = std::env::var("LARDER_TEST_ES").expect("LARDER_TEST_ES must list servers as NAME=URL,NAME=URL");
    let mut servers = Vec::new();
    for entry in list.split(',') {
        let (name, url) = entry.split_once('=').expect("NAME=URL");
        let connection = Connection::new(vec![url.parse().expect("a URL")]);
        servers.push((name.to_owned(), Client::connect(connection).await.expect("a server")));
    }
    servers
}

async fn json_of(client: &Client, request: Request) -> Value {
    let answer = client.send(request).await.expect("an answer");
    serde_json::from_slice(&answer.body).expect("JSON")
}

async fn remove(client: &Client, index: &str) {
    if let Err(error) = client.send(Request::delete(&[index])).await {
        assert_eq!(error.status(), Some(404), "{error}");
    }
}

fn only(name: &str) -> Selection {
    Selection { include: vec![name.to_owned()], ..Selection::default() }
}

fn mappings(client: &Client) -> Value {
    let plain = json!({ "properties": {
        "n": { "type": "long" },
        "text": { "type": "text" },
        "parts": { "type": "nested", "properties": { "size": { "type": "integer" } } }
    } });
    if client.can().types { json!({ "_doc": plain }) } else { plain }
}

/// What of a document must come back: version of the content, and its routing.
type Documents = BTreeMap<String, (String, Option<String>)>;

/// Fills `index` and gives what it holds at the end.
async fn fill(client: &Client, index: &str) -> Documents {
    remove(client, index).await;
    let settings = json!({ "number_of_shards": 3, "number_of_replicas": 0 });
    let body =
        json!({ "settings": settings, "mappings": mappings(client), "aliases": { format!("{index}-alias"): {} } });
    client.send(Request::put(&[index]).json(body.to_string())).await.expect("created");
    let mut documents = Documents::new();
    let all: Vec<u64> = (0..DOCUMENTS).collect();
    for ids in all.chunks(2_000) {
        write(client, index, ids, 1, &mut documents).await;
    }
    let again: Vec<u64> = (0..DOCUMENTS).step_by(7).collect();
    write(client, index, &again, 2, &mut documents).await;
    let gone: Vec<u64> = (0..DOCUMENTS).step_by(10).collect();
    let lines = gone.iter().map(|n| action(client, "delete", *n)).collect();
    bulk(client, index, lines).await;
    for n in gone {
        documents.remove(&n.to_string());
    }
    documents
}

fn routing(n: u64) -> Option<String> {
    n.is_multiple_of(3).then(|| format!("r{}", n % 11))
}

fn action(client: &Client, verb: &str, n: u64) -> String {
    let mut meta = json!({ "_id": n.to_string() });
    if client.can().types {
        meta["_type"] = "_doc".into();
    }
    if let Some(routing) = routing(n) {
        meta["routing"] = routing.into();
    }
    format!("{}\n", json!({ verb: meta }))
}

async fn write(client: &Client, index: &str, ids: &[u64], round: u32, documents: &mut Documents) {
    let mut lines = String::new();
    for n in ids {
        // Number text, order and space must survive: 1.0 is not 1, and 2^53+1 is no double.
        let source = format!(
            r#"{{"round":{round}, "n":9007199254740993,"y":1.0,"x":-0.0,"text":"ü \"{n}\" }}]","parts":[{{"size":1}},{{"size":2}}]}}"#
        );
        lines += &action(client, "index", *n);
        writeln!(lines, "{source}").expect("text");
        documents.insert(n.to_string(), (source, routing(*n)));
    }
    bulk(client, index, lines).await;
}

async fn bulk(client: &Client, index: &str, lines: String) {
    let answer = json_of(client, Request::post(&[index, "_bulk"]).ndjson(lines)).await;
    assert_eq!(answer["errors"], false, "{answer}");
}

async fn one(client: &Client, name: &str) -> Index {
    let catalog = client.catalog(&only(name)).await.expect("a catalog");
    client.refresh(catalog.indices.iter().map(|index| index.name.as_str())).await.expect("refreshed");
    catalog.indices.into_iter().next().expect("the index")
}

/// Reads a shard, checks each hit, and gives what came.
async fn read(client: &Client, index: &Index, shard: u32, options: &ReadOptions, into: &mut Documents) -> u64 {
    let mut reader = client.read_shard(index, shard, options).await.expect("a reader");
    let mut count = 0;
    while let Some(page) = reader.next_page().await.expect("a page") {
        for hit in scan::hits(&page).expect("hits") {
            let hit = hit.expect("a hit");
            assert!(hit.seq_no.is_some() && hit.primary_term >= Some(1) && hit.version >= Some(1), "{hit:?}");
            let text =
                |raw: &[u8]| String::from_utf8(scan::unescape(raw).expect("a string").into_owned()).expect("UTF-8");
            let source = String::from_utf8(hit.source.expect("a source").to_vec()).expect("UTF-8");
            let id = text(hit.id.expect("an id"));
            assert_eq!(into.insert(id.clone(), (source, hit.routing.map(text))), None, "{id} came twice");
            count += 1;
        }
    }
    assert_eq!(reader.expected(), Some(count), "shard {shard}");
    reader.close().await.expect("closed");
    count
}

async fn open_contexts(client: &Client) -> u64 {
    let stats = json_of(client, Request::get(&["_nodes", "stats", "indices", "search"])).await;
    let nodes = stats["nodes"].as_object().expect("nodes");
    nodes.values().map(|node| node["indices"]["search"]["open_contexts"].as_u64().expect("a number")).sum()
}

async fn all_closed(client: &Client) {
    let began = Instant::now();
    while open_contexts(client).await > 0 {
        assert!(began.elapsed() < PATIENCE, "contexts stay open");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// One test for all, one server after the other: `open_contexts` counts those of a whole node.
#[tokio::test]
async fn real_servers_give_every_document_once_and_keep_nothing_open() {
    for (name, client) in servers().await {
        println!("{name}: {}", client.server());
        let documents = fill(&client, "larder-dump").await;
        every_document_comes_once(&client, &documents).await;
        writes_during_a_read_are_not_seen(&client, &documents).await;
        a_lost_context_is_noticed(&client).await;
        a_dropped_reader_closes_its_context(&client).await;
        identity_follows_the_shards(&client).await;
        lagging_replicas_are_not_asked(&client).await;
        what_cannot_be_read_is_named(&client).await;
        system_indices_are_left_out(&client).await;
        definitions_come_as_printed(&client).await;
        many_indices_take_few_requests(&client).await;
        remove(&client, "larder-dump").await;
    }
}

async fn every_document_comes_once(client: &Client, documents: &Documents) {
    let index = one(client, "larder-dump-alias").await;
    assert_eq!((index.name.as_str(), index.shards), ("larder-dump", 3));
    assert!(index.settings.get().starts_with("{\"index\":{"), "{}", index.settings);
    assert!(index.mappings.get().contains("\"nested\"") && index.aliases.get().contains("larder-dump-alias"));
    for options in [
        ReadOptions::default(),
        ReadOptions { page_documents: 333, ..ReadOptions::default() },
        ReadOptions { page_bytes: 20_000, ..ReadOptions::default() },
    ] {
        let mut found = Documents::new();
        for shard in 0..index.shards {
            read(client, &index, shard, &options, &mut found).await;
        }
        assert_eq!(found.len(), documents.len());
        assert!(found == *documents, "contents differ");
        all_closed(client).await;
    }
}

async fn writes_during_a_read_are_not_seen(client: &Client, documents: &Documents) {
    let index = one(client, "larder-dump").await;
    let options = ReadOptions { page_documents: 100, ..ReadOptions::default() };
    let mut reader = client.read_shard(&index, 0, &options).await.expect("a reader");
    let first = reader.next_page().await.expect("a page").expect("hits");
    // Everything deleted, other documents written, segments merged: nothing of it may be seen.
    let query =
        Request::post(&["larder-dump", "_delete_by_query"]).query("refresh", "true").query("conflicts", "proceed");
    if client.send(query.json(r#"{"query":{"match_all":{}}}"#)).await.is_err() {
        // Some servers of the lab come without this module; then every document is deleted by its id.
        let ids = documents.keys().map(|id| id.parse().expect("a number"));
        bulk(client, "larder-dump", ids.map(|n| action(client, "delete", n)).collect()).await;
    }
    let mut newer = Documents::new();
    write(client, "larder-dump", &(100_000..101_000).collect::<Vec<_>>(), 3, &mut newer).await;
    client.send(Request::post(&["larder-dump", "_refresh"])).await.expect("refreshed");
    client.send(Request::post(&["larder-dump", "_forcemerge"]).query("max_num_segments", "1")).await.expect("merged");
    let mut count = scan::hits(&first).expect("hits").count() as u64;
    while let Some(page) = reader.next_page().await.expect("a page") {
        for hit in scan::hits(&page).expect("hits") {
            let hit = hit.expect("a hit");
            let id = String::from_utf8_lossy(hit.id.expect("an id")).trim_matches('"').to_owned();
            assert!(documents.contains_key(&id), "{id} was written after the read began");
            count += 1;
        }
    }
    assert_eq!(reader.expected(), Some(count));
    reader.close().await.expect("closed");
    all_closed(client).await;
    let mut found = Documents::new();
    let index = one(client, "larder-dump").await;
    for shard in 0..index.shards {
        read(client, &index, shard, &ReadOptions::default(), &mut found).await;
    }
    assert!(found == newer, "a new read sees what is there now");
}

async fn a_lost_context_is_noticed(client: &Client) {
    let index = one(client, "larder-dump").await;
    let options = ReadOptions { page_documents: 10, ..ReadOptions::default() };
    let mut reader = client.read_shard(&index, 1, &options).await.expect("a reader");
    reader.next_page().await.expect("a page");
    // Closing the index takes its contexts away.
    client.send(Request::post(&["larder-dump", "_close"])).await.expect("closed");
    let error = loop {
        match reader.next_page().await {
            Ok(page) => assert!(page.is_some(), "the end came without all documents"),
            Err(error) => break error,
        }
    };
    println!("  lost context: {error}");
    reader.close().await.expect("nothing left to close is closed");
    client.send(Request::post(&["larder-dump", "_open"])).await.expect("opened");
    started(client, "larder-dump").await;
}

async fn started(client: &Client, index: &str) {
    let request =
        Request::get(&["_cluster", "health", index]).query("wait_for_status", "yellow").query("timeout", "60s");
    assert_eq!(json_of(client, request).await["timed_out"], false);
}

async fn a_dropped_reader_closes_its_context(client: &Client) {
    let index = one(client, "larder-dump").await;
    let options = ReadOptions { page_documents: 10, ..ReadOptions::default() };
    let mut reader = client.read_shard(&index, 0, &options).await.expect("a reader");
    reader.next_page().await.expect("a page");
    assert!(open_contexts(client).await > 0);
    drop(reader);
    all_closed(client).await;
}

async fn identity_follows_the_shards(client: &Client) {
    let before = one(client, "larder-dump").await.identities;
    assert_eq!(before.len(), 3);
    assert!(before.iter().all(|id| id.global_checkpoint >= 0 && id.global_checkpoint <= id.max_seq_no), "{before:?}");
    assert_eq!(one(client, "larder-dump").await.identities, before, "nothing happened in between");
    client.send(Request::post(&["larder-dump", "_close"])).await.expect("closed");
    client.send(Request::post(&["larder-dump", "_open"])).await.expect("opened");
    started(client, "larder-dump").await;
    let after = one(client, "larder-dump").await.identities;
    for (before, after) in before.iter().zip(&after) {
        assert_eq!((&before.index_uuid, &before.history_uuid), (&after.index_uuid, &after.history_uuid));
        assert!(after.primary_term > before.primary_term, "{before:?} {after:?}");
        assert!(after.recovery_start_ms > before.recovery_start_ms, "{before:?} {after:?}");
    }
}

/// Where replicas copy segments, reads go to the primary; the server must take that together with the shard.
async fn lagging_replicas_are_not_asked(client: &Client) {
    if !client.can().segment_replication {
        return;
    }
    remove(client, "larder-segments").await;
    let settings = json!({ "number_of_shards": 2, "number_of_replicas": 0, "replication.type": "SEGMENT" });
    let create = Request::put(&["larder-segments"]).json(json!({ "settings": settings }).to_string());
    client.send(create).await.expect("created");
    let mut written = Documents::new();
    write(client, "larder-segments", &(0..500).collect::<Vec<_>>(), 1, &mut written).await;
    let index = one(client, "larder-segments").await;
    assert!(index.segment_replication);
    for page_documents in [5_000, 20] {
        let options = ReadOptions { page_documents, ..ReadOptions::default() };
        let mut found = Documents::new();
        for shard in 0..index.shards {
            read(client, &index, shard, &options, &mut found).await;
        }
        assert!(found == written, "contents differ");
    }
    remove(client, "larder-segments").await;
}

async fn what_cannot_be_read_is_named(client: &Client) {
    let unreadable = async |selection: &Selection, named: &[&str]| {
        let error = client.catalog(selection).await.expect_err("an error");
        assert!(matches!(error, Error::Unreadable { .. }), "{error}");
        assert!(named.iter().all(|part| error.to_string().contains(part)), "{error}");
    };
    unreadable(&only("larder-no-such"), &["larder-no-such"]).await;

    client.send(Request::post(&["larder-dump", "_close"])).await.expect("closed");
    unreadable(&only("larder-dump*"), &["larder-dump", "closed"]).await;
    let excluded = Selection { exclude: vec!["larder-dump".into()], ..only("larder-*") };
    assert!(client.catalog(&excluded).await.expect("a catalog").indices.is_empty());
    client.send(Request::post(&["larder-dump", "_open"])).await.expect("opened");
    started(client, "larder-dump").await;

    remove(client, "larder-red").await;
    let nowhere = json!({ "settings": { "number_of_shards": 1, "index.routing.allocation.require._name": "nobody" } });
    let request = Request::put(&["larder-red"]).query("wait_for_active_shards", "0").json(nowhere.to_string());
    client.send(request).await.expect("created");
    unreadable(&only("larder-red"), &["larder-red", "shard 0", "UNASSIGNED"]).await;
    remove(client, "larder-red").await;

    remove(client, "larder-sourceless").await;
    let off = json!({ "_source": { "enabled": false } });
    let off = if client.can().types { json!({ "_doc": off }) } else { off };
    let body = json!({ "mappings": off, "settings": { "number_of_replicas": 0 } });
    client.send(Request::put(&["larder-sourceless"]).json(body.to_string())).await.expect("created");
    unreadable(&only("larder-sourceless"), &["larder-sourceless", "_source"]).await;
    remove(client, "larder-sourceless").await;
}

async fn system_indices_are_left_out(client: &Client) {
    let names = |catalog: &Catalog| catalog.indices.iter().map(|index| index.name.clone()).collect::<Vec<_>>();
    remove(client, ".larder-system").await;
    remove(client, "larder-hidden").await;
    let settings = json!({ "settings": { "number_of_shards": 1, "number_of_replicas": 0 } });
    client.send(Request::put(&[".larder-system"]).json(settings.to_string())).await.expect("created");
    let mut hidden = settings;
    if client.can().hidden_indices {
        hidden["settings"]["index.hidden"] = true.into();
    }
    client.send(Request::put(&["larder-hidden"]).json(hidden.to_string())).await.expect("created");
    let catalog = client.catalog(&Selection::default()).await.expect("a catalog");
    assert!(catalog.left_out_system.contains(&".larder-system".to_owned()), "{:?}", catalog.left_out_system);
    assert_eq!(!client.can().hidden_indices, names(&catalog).contains(&"larder-hidden".to_owned()));
    assert_eq!(names(&client.catalog(&only(".larder-*")).await.expect("a catalog")), [".larder-system"]);
    assert_eq!(names(&client.catalog(&only("larder-hidden")).await.expect("a catalog")), ["larder-hidden"]);
    let all = Selection { include_system: true, ..Selection::default() };
    let all = client.catalog(&all).await.expect("a catalog");
    assert!(names(&all).contains(&".larder-system".to_owned()) && all.left_out_system.is_empty());
    remove(client, ".larder-system").await;
    remove(client, "larder-hidden").await;
}

async fn definitions_come_as_printed(client: &Client) {
    let put = async |path: &[&str], body: Value| {
        client.send(Request::put(path).json(body.to_string())).await.expect("defined");
    };
    put(&["_template", "larder-legacy"], json!({ "index_patterns": ["larder-l-*"], "order": 7 })).await;
    put(&["_ingest", "pipeline", "larder-pipeline"], json!({ "description": "nothing", "processors": [] })).await;
    let mut wanted = vec![
        (DefinitionKind::LegacyTemplate, "larder-legacy", "\"order\":7"),
        (DefinitionKind::Pipeline, "larder-pipeline", "\"description\":\"nothing\""),
    ];
    if client.can().composable_templates {
        put(&["_component_template", "larder-part"], json!({ "template": { "settings": { "number_of_shards": 2 } } }))
            .await;
        let whole = json!({ "index_patterns": ["larder-c-*"], "composed_of": ["larder-part"], "priority": 900 });
        put(&["_index_template", "larder-whole"], whole).await;
        wanted.push((DefinitionKind::ComponentTemplate, "larder-part", "\"number_of_shards\":\"2\""));
        wanted.push((DefinitionKind::IndexTemplate, "larder-whole", "\"composed_of\":[\"larder-part\"]"));
    }
    let all = client.definitions(&DefinitionKind::ALL).await.expect("definitions");
    for (kind, name, part) in wanted {
        let found = all.iter().find(|d| d.kind == kind && d.name == name).unwrap_or_else(|| panic!("{kind:?} {name}"));
        assert!(found.body.get().contains(part) && !found.system, "{}", found.body);
    }
    let gone: &[&[&str]] = &[&["_index_template", "larder-whole"], &["_component_template", "larder-part"]];
    let gone = if client.can().composable_templates { gone } else { &[] };
    for path in gone.iter().chain(&[&["_template", "larder-legacy"][..], &["_ingest", "pipeline", "larder-pipeline"]]) {
        client.send(Request::new(Method::DELETE, path)).await.expect("removed");
    }
}

async fn many_indices_take_few_requests(client: &Client) {
    let names: Vec<String> = (0..40).map(|n| format!("larder-many-{n}-{}", "x".repeat(150))).collect();
    for name in &names {
        remove(client, name).await;
        let body = json!({ "settings": { "number_of_shards": 1, "number_of_replicas": 0 } });
        client.send(Request::put(&[name]).json(body.to_string())).await.expect("created");
    }
    for name in &names {
        started(client, name).await;
    }
    let catalog = client.catalog(&only("larder-many-*")).await.expect("a catalog");
    client.refresh(names.iter().map(String::as_str)).await.expect("refreshed");
    let mut sorted = names.clone();
    sorted.sort_unstable();
    assert_eq!(catalog.indices.iter().map(|index| index.name.clone()).collect::<Vec<_>>(), sorted);
    for index in &catalog.indices {
        assert_eq!(index.identities.len(), 1);
        assert!(index.settings.get().contains(&format!("\"provided_name\":\"{}\"", index.name)), "{}", index.settings);
    }
    let mut reader = client.read_shard(&catalog.indices[0], 0, &ReadOptions::default()).await.expect("a reader");
    assert!(reader.next_page().await.expect("an end").is_none());
    assert_eq!(reader.expected(), Some(0));
    reader.close().await.expect("closed");
    for name in &names {
        remove(client, name).await;
    }
}
