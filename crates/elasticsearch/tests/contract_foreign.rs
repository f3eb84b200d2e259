//! The real multielasticdump loads what we write, and we read what it dumps, each version that the lab has.
//! `LARDER_TEST_ES` names a 7.14.0, `LARDER_TEST_ELASTICDUMP_6_76_0` and `…_6_125_1` the programs.

use std::{fs, path::Path, process::Command};

use elasticsearch::{
    Client, Connection, DefinitionKind, Request,
    load::{LoadOptions, Loader, OnConflict, foreign},
    scan,
};
use serde_json::{Value, json, value::RawValue};

const PROGRAMS: [&str; 2] = ["LARDER_TEST_ELASTICDUMP_6_76_0", "LARDER_TEST_ELASTICDUMP_6_125_1"];

/// One index of each kind that matters: with everything, and with nothing.
const RICH: &str = "foreign-rich";
const BARE: &str = "foreign-bare";

fn url() -> String {
    let list = std::env::var("LARDER_TEST_ES").expect("LARDER_TEST_ES names the servers to test with");
    let url = list.split(',').find_map(|server| server.strip_prefix("7.14.0="));
    url.expect("LARDER_TEST_ES names a 7.14.0").to_owned()
}

async fn loader() -> Loader {
    let client = Client::connect(Connection::new(vec![url().parse().expect("a URL")])).await.expect("connected");
    Loader::new(client, LoadOptions::default())
}

fn multielasticdump(program: &str, direction: &str, from: &str, to: &str) {
    let program = std::env::var(program).unwrap_or_else(|_| panic!("{program} names multielasticdump"));
    let output = Command::new(&program)
        .args([&format!("--direction={direction}"), &format!("--input={from}"), &format!("--output={to}")])
        .args(["--match=^foreign-(rich|bare)$", "--includeType=data,mapping,alias,settings,template"])
        .args(["--interval=100", "--limit=1000"])
        .output()
        .expect("multielasticdump runs");
    let log = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{program} {direction}: {log}");
}

fn raw(value: &Value) -> Box<RawValue> {
    serde_json::value::to_raw_value(value).expect("JSON")
}

fn rich() -> Value {
    json!({
        "settings": { "index": {
            "number_of_shards": "3", "number_of_replicas": "0", "refresh_interval": "17s",
            "analysis": {
                "filter": { "mine": { "type": "stop", "stopwords": ["a", "the"] } },
                "analyzer": { "mine": { "type": "custom", "tokenizer": "whitespace", "filter": ["lowercase", "mine"] } }
            }
        }},
        "mappings": {
            "dynamic": "strict", "_routing": { "required": false }, "_meta": { "by": ["é\n"] },
            "dynamic_templates": [{ "k": { "match_mapping_type": "string", "mapping": { "type": "keyword" } } }],
            "properties": { "t": { "type": "text", "analyzer": "mine" }, "n": { "type": "double" } }
        },
        "aliases": {
            "foreign-filter": { "filter": { "term": { "t": { "value": "x", "boost": 1.5 } } } },
            "foreign-write": { "index_routing": "1", "search_routing": "1", "is_write_index": true }
        }
    })
}

/// What is compared: everything but what belongs to the server.
async fn shown(loader: &Loader, index: &str) -> Value {
    let mut shown: Value = loader.client().ask(Request::get(&[index])).await.expect("the index");
    let settings = shown[index]["settings"]["index"].as_object_mut().expect("settings");
    for own in ["uuid", "creation_date", "provided_name", "version"] {
        settings.remove(own);
    }
    shown[index].take()
}

async fn documents(loader: &Loader, index: &str) -> Vec<(String, Option<String>, Vec<u8>)> {
    loader.refresh_and_count(index).await.expect("counted");
    let search = Request::get(&[index, "_search"]).query("sort", "n");
    let answer = loader.client().send(search).await.expect("found").body;
    let text = |raw: &[u8]| serde_json::from_slice::<String>(raw).expect("text");
    let hits = scan::hits(&answer).expect("an answer").map(|hit| hit.expect("a hit"));
    hits.map(|hit| (text(hit.id.expect("an id")), hit.routing.map(text), hit.source.expect("a source").to_vec()))
        .collect()
}

async fn clean(loader: &Loader) {
    for index in [RICH, BARE] {
        loader.delete_index(index).await.expect("deleted");
    }
    let _ = loader.client().send(Request::delete(&["_template", "foreign-template"])).await;
}

fn template() -> Value {
    json!({ "index_patterns": ["foreign-none-*"], "order": 3, "settings": { "index": { "number_of_shards": "2" } },
        "mappings": { "properties": { "n": { "type": "long" } } }, "aliases": {} })
}

async fn fill(loader: &Loader) {
    let put = |segments: &[&str], body: &Value| loader.client().send(Request::put(segments).json(body.to_string()));
    put(&[RICH], &rich()).await.expect("created");
    put(&[BARE], &json!({ "settings": { "number_of_replicas": 0 } })).await.expect("created");
    put(&["_template", "foreign-template"], &template()).await.expect("put");
    let lines = "{\"index\":{\"_id\":\"a/b é\",\"routing\":\"r 1\"}}\n{\"t\":\"x\",\"n\":1.5}\n{\"index\":{\"_id\":\"2\"}}\n{\"n\":2}\n";
    let bulk = Request::post(&[RICH, "_bulk"]).ndjson(lines).query("refresh", "true");
    loader.client().send(bulk).await.expect("loaded");
    let pretty =
        Request::put(&[RICH, "_doc", "pretty"]).json("{\n \"t\": \"y\",\r\n \"n\": 3\n}").query("refresh", "true");
    loader.client().send(pretty).await.expect("loaded");
}

/// Writes the directory as a backup of ours would.
async fn write(loader: &Loader, dir: &Path) {
    let definitions = loader.client().definitions(&DefinitionKind::ALL).await.expect("definitions");
    let ours: Vec<_> = definitions.into_iter().filter(|definition| definition.name == "foreign-template").collect();
    for index in [RICH, BARE] {
        let shown: Value = loader.client().ask(Request::get(&[index])).await.expect("the index");
        let shown = &shown[index];
        let file =
            |kind: &str, bytes: Vec<u8>| fs::write(dir.join(format!("{index}{kind}.json")), bytes).expect("written");
        file(".settings", foreign::write_settings(index, &raw(&shown["settings"])).expect("settings"));
        file(".mapping", foreign::write_mapping(index, &raw(&shown["mappings"])));
        file(".alias", foreign::write_alias(index, &raw(&shown["aliases"])));
        file(".template", foreign::write_template(&ours));
        let search = Request::get(&[index, "_search"]);
        let answer = loader.client().send(search).await.expect("found").body;
        let mut data = Vec::new();
        for hit in scan::hits(&answer).expect("an answer").map(|hit| hit.expect("a hit")) {
            let routing = hit.routing.map(|routing| [&b",\"_routing\":"[..], routing].concat()).unwrap_or_default();
            let id = hit.id.expect("an id");
            let head =
                [&b"{\"_index\":\"x\",\"_type\":\"_doc\",\"_id\":"[..], id, &routing, &b",\"_source\":"[..]].concat();
            data.extend([head, hit.source.expect("a source").to_vec(), b"}\n".to_vec()].concat());
        }
        file("", data);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn both_ways_between_us_and_multielasticdump() {
    let loader = loader().await;
    for program in PROGRAMS {
        clean(&loader).await;
        fill(&loader).await;
        let before = [shown(&loader, RICH).await, shown(&loader, BARE).await];
        let documents_before = documents(&loader, RICH).await;
        assert_eq!(documents_before.len(), 3);

        let (ours, theirs) = (tempfile::tempdir().expect("a folder"), tempfile::tempdir().expect("a folder"));
        let path = |dir: &tempfile::TempDir| dir.path().to_str().expect("text").to_owned();
        write(&loader, ours.path()).await;
        multielasticdump(program, "dump", &url(), &path(&theirs));

        // Ours, by theirs.
        clean(&loader).await;
        multielasticdump(program, "load", &path(&ours), &url());
        assert_eq!([shown(&loader, RICH).await, shown(&loader, BARE).await], before, "{program}");
        let documents_after = documents(&loader, RICH).await;
        for ((id, routing, source), (expected_id, expected_routing, expected)) in
            documents_after.iter().zip(&documents_before)
        {
            assert_eq!((id, routing), (expected_id, expected_routing), "{program}");
            // It prints numbers and white space its own way.
            let value = |source| serde_json::from_slice::<Value>(source).expect("JSON");
            assert_eq!(value(source), value(expected), "{program} {id}");
        }
        assert_eq!(documents_after.len(), 3, "{program}");
        assert_eq!(loader.refresh_and_count(BARE).await.expect("counted"), 0);
        let definitions = loader.client().definitions(&DefinitionKind::ALL).await.expect("definitions");
        assert!(definitions.iter().any(|definition| definition.name == "foreign-template"), "{program}");

        // Theirs, by us.
        clean(&loader).await;
        for (index, before) in [RICH, BARE].iter().zip(&before) {
            let file = |kind: &str| fs::read(theirs.path().join(format!("{index}{kind}.json"))).unwrap_or_default();
            for template in foreign::parse_template(&file(".template"), index).expect("templates") {
                loader.put_definition(&template, OnConflict::Fail).await.expect("put");
            }
            let settings = foreign::parse_settings(&file(".settings"), index).expect("settings").expect("some");
            let mapping = foreign::parse_mapping(&file(".mapping"), index).expect("mapping");
            let mapping = mapping.unwrap_or_else(|| raw(&json!({})));
            let created = loader.create_index(index, &settings, &mapping).await.expect("created");
            assert_eq!(created.changes, [""; 0], "{program}");
            assert_eq!(loader.put_back_settings(&created).await.expect("put back"), [""; 0], "{program}");
            if let Some(aliases) = foreign::parse_alias(&file(".alias"), index).expect("aliases") {
                loader.put_aliases(index, &aliases).await.expect("aliases");
            }
            assert_eq!(&shown(&loader, index).await, before, "{program}");
        }
        clean(&loader).await;
    }
}
