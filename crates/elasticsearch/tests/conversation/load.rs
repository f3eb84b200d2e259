//! The load against servers that misbehave: when it says that documents are stored, they are; what is not stored is
//! among the rejected or makes the load fail.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use elasticsearch::{
    load::{BulkBatch, BulkTarget, LoadOptions, Loaded, Loader},
    scan,
};

use crate::support::{ROOT_7_14, Reply, Seen, Server};

/// Documents of every test.
const DOCUMENTS: usize = 40;

/// What the server does with one `_bulk`.
#[derive(Clone)]
enum Fault {
    /// Answers so and stores nothing.
    Before(Reply),
    /// Stores everything, then answers so.
    After(Reply),
    /// Stores everything and answers with so many bytes missing at the end.
    Cut(usize),
    /// Refuses these documents with this status and stores the others.
    Items(fn(usize) -> Option<u16>),
    /// Refuses bodies longer than this with that answer.
    LongerThan(usize, Reply),
    /// Stores everything and changes the text of the answer.
    Changed(fn(String) -> String),
}

/// A server with an index in it.
struct Target {
    server: Server,
    stored: Arc<Mutex<BTreeMap<String, Vec<u8>>>>,
}

impl Target {
    /// Turn after turn one fault; behind the last none, or the last for ever.
    async fn start(faults: Vec<Fault>, for_ever: bool) -> Self {
        let stored = Arc::new(Mutex::new(BTreeMap::new()));
        let (index, turn) = (stored.clone(), AtomicUsize::new(0));
        let server = Server::start(move |seen: &Seen| {
            if seen.target == "/" {
                return Reply::json(200, ROOT_7_14);
            }
            let at = turn.fetch_add(1, Ordering::SeqCst);
            let at = if for_ever { at.min(faults.len() - 1) } else { at };
            let mut index = index.lock().expect("not poisoned");
            if seen.method == "PUT" {
                put(seen, faults.get(at), &mut index)
            } else {
                bulk(seen, faults.get(at), &mut index)
            }
        })
        .await;
        Self { server, stored }
    }

    async fn loader(&self) -> Loader {
        let options = LoadOptions {
            give_up: Duration::from_secs(2),
            pause: Duration::from_millis(2),
            in_flight_max: 4,
            ..LoadOptions::default()
        };
        Loader::new(self.server.client().await, options)
    }

    /// Every document is stored, bytes and all, or among the rejected.
    fn check(&self, name: &str, loaded: &Loaded) {
        let stored = self.stored.lock().expect("not poisoned");
        assert_eq!(loaded.indexed, u64::try_from(stored.len()).expect("few"), "{name}");
        assert_eq!(loaded.indexed + loaded.rejected_count, 40, "{name}");
        for number in 0..DOCUMENTS {
            let id = number.to_string();
            let rejected = loaded.rejected.iter().any(|rejected| rejected.id == id);
            match stored.get(&id) {
                Some(source) => assert_eq!(source, source_of(number).as_bytes(), "{name}"),
                None => assert!(rejected, "{name}: document {id} is missing"),
            }
        }
    }
}

fn source_of(number: usize) -> String {
    format!(r#"{{"n":{number}.0,"pad":"{}"}}"#, "x".repeat(20_000))
}

fn batch() -> BulkBatch {
    let mut batch =
        BulkBatch::new(&BulkTarget { index: "i".into(), stream: None, doc_type: None, parents: false }, 1 << 20);
    for number in 0..DOCUMENTS {
        let line = format!(r#"{{"_id":"{number}","_source":{}}}"#, source_of(number));
        batch.push(&scan::hit(line.as_bytes(), 0).expect("a hit").0).expect("pushed");
    }
    batch
}

/// Pairs of lines: id and source.
fn documents(body: &[u8]) -> Vec<(String, Vec<u8>)> {
    let mut lines = body.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
    let mut documents = Vec::new();
    while let (Some(action), Some(source)) = (lines.next(), lines.next()) {
        let action: serde_json::Value = serde_json::from_slice(action).expect("an action");
        documents.push((action["index"]["_id"].as_str().expect("an id").to_owned(), source.to_vec()));
    }
    documents
}

fn bulk(seen: &Seen, fault: Option<&Fault>, index: &mut BTreeMap<String, Vec<u8>>) -> Reply {
    let refuse: fn(usize) -> Option<u16> = match fault {
        Some(Fault::Before(reply)) => return reply.clone(),
        Some(Fault::LongerThan(limit, reply)) if seen.body.len() > *limit => return reply.clone(),
        Some(Fault::Items(refuse)) => *refuse,
        _ => |_| None,
    };
    let (mut items, mut errors) = (Vec::new(), false);
    for (id, source) in documents(&seen.body) {
        if let Some(status) = refuse(id.parse().expect("a number")) {
            errors = true;
            items.push(format!(r#"{{"index":{{"status":{status},"error":{{"type":"t","reason":"r"}}}}}}"#));
        } else {
            index.insert(id, source);
            items.push(r#"{"index":{"status":201}}"#.to_owned());
        }
    }
    let text = format!(r#"{{"errors":{errors},"items":[{}]}}"#, items.join(","));
    let answer = Reply::json(200, &text);
    match fault {
        Some(Fault::After(reply)) => reply.clone(),
        Some(Fault::Cut(missing)) => answer.clone().cut(answer.len() - missing),
        Some(Fault::Changed(change)) => Reply::json(200, change(text)),
        _ => answer,
    }
}

fn put(seen: &Seen, fault: Option<&Fault>, index: &mut BTreeMap<String, Vec<u8>>) -> Reply {
    if let Some(Fault::Before(reply)) = fault {
        return reply.clone();
    }
    index.insert(seen.line().rsplit('/').next().expect("a path").to_owned(), seen.body.clone());
    if let Some(Fault::After(reply)) = fault { reply.clone() } else { Reply::json(201, r#"{"result":"created"}"#) }
}

fn refusal(status: u16) -> Reply {
    Reply::json(status, format!(r#"{{"error":{{"type":"some_exception","reason":"because"}},"status":{status}}}"#))
}

fn html(status: u16) -> Reply {
    Reply::with(status, &[("content-type", "text/html")], "<html>a proxy's page</html>")
}

#[tokio::test]
async fn what_passes_is_survived_with_every_document() {
    const HALF: fn(usize) -> Option<u16> = |number| (number % 2 == 0).then_some(429);
    let cases: Vec<(&str, Vec<Fault>)> = vec![
        ("no fault", vec![]),
        ("a storm of 429", vec![Fault::Before(refusal(429)); 6]),
        ("503 of a proxy", vec![Fault::Before(html(503)); 3]),
        ("502 and 504", vec![Fault::Before(html(502)), Fault::Before(refusal(504))]),
        ("a reset before", vec![Fault::Before(Reply::reset()); 2]),
        ("a reset after the body was taken", vec![Fault::After(Reply::reset()); 2]),
        ("a close after the body was taken", vec![Fault::After(Reply::close()); 2]),
        ("no answer", vec![Fault::After(Reply::hang())]),
        ("a cut answer", vec![Fault::Cut(7), Fault::Cut(1)]),
        ("a cut answer of the right length", vec![Fault::Changed(|text| text[..text.len() - 9].to_owned())]),
        ("half of the items full", vec![Fault::Items(HALF); 3]),
        ("all of the items full", vec![Fault::Items(|_| Some(429)); 3]),
        ("no shard for some", vec![Fault::Items(|number| (number > 30).then_some(503)); 2]),
    ];
    for (name, faults) in cases {
        let target = Target::start([faults, vec![Fault::Cut(0)]].concat(), false).await;
        let mut batch = batch();
        let loaded = target.loader().await.load(&mut batch).await.unwrap_or_else(|e| panic!("{name}: {e}"));
        target.check(name, &loaded);
        assert_eq!(loaded.rejected_count, 0, "{name}");
        assert!(batch.is_empty() && batch.bytes() == 0, "{name}");
    }
}

#[tokio::test]
async fn bodies_that_are_too_large_are_split_until_they_pass() {
    let limit = 100_000;
    for (name, reply) in [("413", refusal(413)), ("413 of a proxy", html(413))] {
        let target = Target::start(vec![Fault::LongerThan(limit, reply)], true).await;
        let loader = target.loader().await;
        let account = loader.load(&mut batch()).await.unwrap_or_else(|e| panic!("{name}: {e}"));
        target.check(name, &account);
        assert_eq!(account.rejected_count, 0, "{name}");
        assert!(loader.batch_bytes() < 200_000, "{name}: {}", loader.batch_bytes());
    }
    let target = Target::start(vec![Fault::LongerThan(300_000, Reply::reset())], true).await;
    let loaded = target.loader().await.load(&mut batch()).await.expect("loaded");
    target.check("a proxy that breaks off", &loaded);
}

#[tokio::test]
async fn documents_that_are_never_taken_are_rejected_by_name() {
    let cases: [(&str, Vec<Fault>, u64); 3] = [
        ("mapping errors", vec![Fault::Items(|number| (number == 7).then_some(400))], 1),
        ("mixed", vec![Fault::Items(|number| [Some(400), Some(429), None, Some(409)][number % 4])], 20),
        ("everything too large", vec![Fault::LongerThan(0, refusal(413)); 200], 40),
    ];
    for (name, faults, rejected) in cases {
        let target = Target::start(faults, false).await;
        let loaded = target.loader().await.load(&mut batch()).await.unwrap_or_else(|e| panic!("{name}: {e}"));
        target.check(name, &loaded);
        assert_eq!(loaded.rejected_count, rejected, "{name}");
    }
}

#[tokio::test]
async fn what_cannot_be_believed_is_never_a_success() {
    let gzip = [("content-type", "application/json"), ("content-encoding", "gzip")];
    let cases: Vec<(&str, Fault)> = vec![
        ("an item missing", Fault::Changed(|text| text.replacen(r#"{"index":{"status":201}},"#, "", 1))),
        ("an item too many", Fault::Changed(|text| text.replacen('[', r#"[{"index":{"status":201}},"#, 1))),
        ("errors without one", Fault::Changed(|text| text.replace("false", "true"))),
        ("no items", Fault::Changed(|_| r#"{"errors":false,"items":[]}"#.into())),
        ("a status that is none", Fault::Changed(|text| text.replacen("201", "42", 1))),
        ("a page with status 200", Fault::After(html(200))),
        ("an empty object for ever", Fault::Changed(|_| "{}".into())),
        ("cut for ever", Fault::Cut(7)),
        ("429 for ever", Fault::Before(refusal(429))),
        ("items full for ever", Fault::Items(|_| Some(429))),
        ("a redirect", Fault::Before(Reply::with(302, &[("location", "http://127.0.0.1:1/")], ""))),
        ("compressed garbage", Fault::After(Reply::with(200, &gzip, "\u{1f}garbage"))),
        ("no right to write", Fault::Before(refusal(403))),
        ("a password that expired", Fault::Before(refusal(401))),
        ("a fault of the server", Fault::Before(refusal(500))),
        ("a request that it does not understand", Fault::Before(refusal(400))),
    ];
    for (name, fault) in cases {
        let target = Target::start(vec![fault], true).await;
        let result = target.loader().await.load(&mut batch()).await;
        let error = result.expect_err(name).to_string();
        assert!(error.contains("index i"), "{name}: {error}");
    }
}

#[tokio::test]
async fn refusals_slow_the_load_down_for_all_who_share_it() {
    let target = Target::start(vec![Fault::Before(refusal(429)); 4], false).await;
    let loader = target.loader().await;
    for _ in 0..30 {
        loader.load(&mut batch()).await.expect("loaded");
    }
    let grown = loader.in_flight();
    let refusing = Target::start(vec![Fault::Before(refusal(429)); 4], false).await;
    let other = refusing.loader().await;
    other.load(&mut batch()).await.expect("loaded");
    assert!(grown > other.in_flight(), "{grown} {}", other.in_flight());
}

#[tokio::test]
async fn a_source_with_line_breaks_is_stored_by_itself_and_byte_by_byte() {
    let line = "{\"_id\":\"a b\",\"_routing\":\"r\",\"_version\":5,\"_source\":{\n \"n\" :\t1.0\r\n}}";
    let cases: Vec<(&str, Vec<Fault>)> = vec![
        ("no fault", vec![]),
        ("full", vec![Fault::Before(refusal(429)); 3]),
        ("lost", vec![Fault::After(Reply::reset()), Fault::After(Reply::hang())]),
    ];
    for (name, faults) in cases {
        let target = Target::start(faults, false).await;
        let mut batch =
            BulkBatch::new(&BulkTarget { index: "i".into(), stream: None, doc_type: None, parents: false }, 1 << 20);
        batch.push(&scan::hit(line.as_bytes(), 0).expect("a hit").0).expect("pushed");
        let loaded = target.loader().await.load(&mut batch).await.unwrap_or_else(|e| panic!("{name}: {e}"));
        assert_eq!((loaded.indexed, loaded.rejected_count), (1, 0), "{name}");
        let stored = target.stored.lock().expect("not poisoned");
        assert_eq!(stored["a%20b"], b"{\n \"n\" :\t1.0\r\n}", "{name}");
        let seen = target.server.seen().pop().expect("a request");
        assert_eq!(seen.target, "/i/_doc/a%20b?routing=r&version=5&version_type=external_gte", "{name}");
    }
    let target = Target::start(vec![Fault::Before(refusal(400))], true).await;
    let mut batch =
        BulkBatch::new(&BulkTarget { index: "i".into(), stream: None, doc_type: None, parents: false }, 1 << 20);
    batch.push(&scan::hit(line.as_bytes(), 0).expect("a hit").0).expect("pushed");
    let loaded = target.loader().await.load(&mut batch).await.expect("accounted for");
    assert_eq!((loaded.indexed, loaded.rejected[0].id.as_str()), (0, "a b"));
}
