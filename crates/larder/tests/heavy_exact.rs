//! Random documents of every shape that a server takes go round and come back equal: id, routing, version, and the bytes
//! of the source. 20,000 of them on each server that `LARDER_TEST_ES` lists, or as many as `LARDER_EXACT_DOCUMENTS` says, in
//! rounds. What was found goes to the file that `LARDER_EXACT_REPORT` names, a line of JSON for each server.

#![allow(clippy::unwrap_used)] // a test that cannot go on fails

mod heavy_support;

use std::{collections::BTreeMap, env, fs, io::Write as _, thread};

use heavy_support::{
    dataset::read_all,
    documents::{Document, Shape, documents},
    http::Http,
    larder::Larder,
    seed,
    server::Server,
};
use serde_json::{Value, json};

/// On each server.
const DOCUMENTS: usize = 20_000;
/// Most at once: all of them are held in memory.
const ROUND: usize = 20_000;
/// Sent in one request, but for what cannot stand in one.
const BULK: usize = 1_000;
/// What was sent again, so that its version counts.
const AGAIN_EVERY: usize = 50;

/// What servers took and refused, by shape.
type Tally = BTreeMap<Shape, (usize, usize)>;

#[test]
fn random_documents_come_back_byte_by_byte() {
    let seed = seed();
    let wanted = env::var("LARDER_EXACT_DOCUMENTS").ok().map(|many| many.parse().expect("LARDER_EXACT_DOCUMENTS"));
    let wanted = wanted.unwrap_or(DOCUMENTS);
    let servers = Server::all();
    let found: Vec<Value> = thread::scope(|scope| {
        let of = |(number, server)| scope.spawn(move || rounds(server, wanted, seed + 1_000 * number));
        let threads: Vec<_> = (0_u64..).zip(&servers).map(of).collect();
        threads.into_iter().map(|thread| thread.join().expect("nothing differs")).collect()
    });
    if let Some(report) = env::var_os("LARDER_EXACT_REPORT") {
        let mut report = fs::OpenOptions::new().create(true).append(true).open(report).unwrap();
        found.iter().for_each(|line| writeln!(report, "{line}").unwrap());
    }
}

/// As many as are wanted, with a new seed each round; gives what it came to.
fn rounds(server: &Server, wanted: usize, seed: u64) -> Value {
    let mut tally = Tally::new();
    let joins = server.knows_field("exact-join", &join());
    let mappings = mappings(joins);
    for (round, done) in (0_u64..).zip((0..wanted).step_by(ROUND)) {
        round_trip(server, ROUND.min(wanted - done), seed + round, &mappings, &mut tally);
    }
    let shapes: BTreeMap<String, Value> = tally
        .iter()
        .map(|(shape, (taken, refused))| (format!("{shape:?}"), json!({ "taken": taken, "refused": refused })))
        .collect();
    let found = json!({ "server": server.name, "seed": seed, "documents": wanted, "joins": joins, "shapes": shapes });
    println!("{found}");
    found
}

fn round_trip(server: &Server, wanted: usize, seed: u64, mappings: &Value, tally: &mut Tally) {
    let folder = tempfile::tempdir().expect("a folder");
    let index = "exact";
    server.create(index, 3, mappings);
    let sent = fill(server, index, wanted, seed, tally);
    assert_eq!(sent.len(), wanted);
    check(server, index, &sent, "as it was indexed");

    let larder = Larder::init(folder.path(), "repository", &server.url);
    let saved = larder.run(&["backup", "--index", index]).good();
    assert_eq!(saved.number("documents"), wanted as u64);
    server.remove(index);
    let restored = larder.run(&["restore"]).good();
    assert_eq!(restored.number("documents"), wanted as u64);
    check(server, index, &sent, "as it was restored");
    larder.run(&["verify", "latest", "--against", &server.url]).good();
    server.remove(index);
}

/// Fields that are looked into, and one that is not.
fn mappings(joins: bool) -> Value {
    let mut mappings = json!({ "dynamic": "false", "properties": {
        "any": { "type": "object", "enabled": false },
        "k": { "type": "keyword", "ignore_above": 8_000 },
        "l": { "type": "long" },
        "nested": { "type": "nested", "properties": { "k": { "type": "keyword" } } },
    } });
    if joins {
        mappings["properties"]["join"] = join();
    }
    mappings
}

fn join() -> Value {
    json!({ "type": "join", "relations": { "question": "answer" } })
}

/// What should be found: by id, routing, version and source.
type Sent = BTreeMap<String, (Option<String>, u64, String)>;

/// Sends documents until the server has taken as many as wanted, and counts what it took and refused.
fn fill(server: &Server, index: &str, wanted: usize, seed: u64, tally: &mut Tally) -> Sent {
    let mut http = server.connect();
    let mut sent = Sent::new();
    let mut more = documents(seed);
    while sent.len() < wanted {
        let batch: Vec<Document> = more.by_ref().take(BULK.min(wanted - sent.len())).collect();
        for (document, version) in batch.iter().zip(send(server, &mut http, index, &batch)) {
            let (taken, refused) = tally.entry(document.shape).or_default();
            match version {
                None => *refused += 1,
                Some(version) => {
                    *taken += 1;
                    note(&mut sent, document, version);
                }
            }
        }
        let again: Vec<Document> =
            batch.iter().filter(|one| one.external.is_none()).step_by(AGAIN_EVERY).cloned().collect();
        for (document, version) in again.iter().zip(send(server, &mut http, index, &again)) {
            if let Some(version) = version {
                note(&mut sent, document, version);
            }
        }
    }
    sent
}

fn note(sent: &mut Sent, document: &Document, version: u64) {
    let source = document.source.trim_matches([' ', '\t', '\r', '\n']).to_owned();
    sent.insert(document.id.clone(), (document.routing.clone(), version, source));
}

/// The versions that the server gave; `None` for what it refused.
fn send(server: &Server, http: &mut Http, index: &str, batch: &[Document]) -> Vec<Option<u64>> {
    let mut versions = vec![None; batch.len()];
    let mut body = Vec::new();
    let in_bulk = |document: &&Document| !document.source.contains('\n');
    for document in batch.iter().filter(in_bulk) {
        body.extend_from_slice(json!({ "index": action(document) }).to_string().as_bytes());
        body.push(b'\n');
        body.extend_from_slice(document.source.as_bytes());
        body.push(b'\n');
    }
    let mut items = Vec::new();
    if !body.is_empty() {
        items = match http.bulk(&server.bulk_target(index), &body).good().json()["items"].take() {
            Value::Array(items) => items,
            other => panic!("no items: {other}"),
        };
    }
    let mut items = items.iter().map(|item| &item["index"]);
    for (version, document) in versions.iter_mut().zip(batch) {
        if in_bulk(&document) {
            let item = items.next().expect("an answer for each document");
            *version = if item["status"].as_u64() < Some(300) { item["_version"].as_u64() } else { None };
        } else {
            let answer = http.put(&document_target(server, index, document), &document.source);
            *version = if answer.status < 300 { answer.json()["_version"].as_u64() } else { None };
        }
    }
    versions
}

fn action(document: &Document) -> Value {
    let mut action = json!({ "_id": document.id });
    if let Some(routing) = &document.routing {
        action["routing"] = json!(routing);
    }
    if let Some(version) = document.external {
        action["version"] = json!(version);
        action["version_type"] = json!("external");
    }
    action
}

fn document_target(server: &Server, index: &str, document: &Document) -> String {
    let mut target = format!("{}/{}?", server.document_target(index), encode(&document.id));
    if let Some(routing) = &document.routing {
        target += &format!("routing={}&", encode(routing));
    }
    if let Some(version) = document.external {
        target += &format!("version={version}&version_type=external&");
    }
    target
}

fn encode(text: &str) -> String {
    text.bytes().map(|byte| format!("%{byte:02X}")).collect::<Vec<_>>().concat()
}

/// Compares all that is in the index with what was sent.
fn check(server: &Server, index: &str, sent: &Sent, when: &str) {
    let mut found = read_all(&mut server.connect(), index);
    for (id, (routing, version, source)) in sent {
        let place = || format!("{}: document {id:?} {when}", server.name);
        let hit = found.remove(id).unwrap_or_else(|| panic!("{} is missing", place()));
        assert_eq!(&hit.routing, routing, "routing of {}", place());
        assert_eq!(hit.version, *version, "version of {}", place());
        let end = |text: &str| text.chars().take(2_000).collect::<String>();
        let bytes = hit.source.get();
        assert!(bytes == source, "source of {}:\n{}\nshould be\n{}", place(), end(bytes), end(source));
    }
    assert!(found.is_empty(), "{}: nobody sent {:?}", server.name, found.keys().take(5).collect::<Vec<_>>());
}
