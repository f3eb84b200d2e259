//! Creating, finishing and counting indices on servers that misbehave: an index that somebody else made is never
//! filled, and one of ours is recognised after a lost answer.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use elasticsearch::load::{CreatedIndex, LoadError, LoadOptions, Loader};
use serde_json::{Value, json, value::RawValue};

use crate::support::{ROOT_7_14, Reply, Seen, Server};

/// What the server does with one `PUT /i`.
#[derive(Clone)]
enum Turn {
    /// Creates the index and says so.
    Create,
    /// Creates the index, then answers so.
    Created(Reply),
    /// Answers so and creates nothing.
    Not(Reply),
    /// Loses the request while somebody else creates the index.
    Stranger,
}

type Index = Arc<Mutex<Option<Value>>>;

/// A server with at most one index, `i`.
async fn server(turns: Vec<Turn>) -> (Server, Index) {
    let index: Index = Arc::default();
    let (state, turn) = (index.clone(), AtomicUsize::new(0));
    let server = Server::start(move |seen: &Seen| {
        let mut index = state.lock().expect("not poisoned");
        match seen.line().as_str() {
            "GET /" => Reply::json(200, ROOT_7_14),
            "GET /i" => match &*index {
                Some(settings) => Reply::json(
                    200,
                    json!({ "i": { "settings": settings, "mappings": {}, "aliases": {} } }).to_string(),
                ),
                None => Reply::json(
                    404,
                    r#"{"error":{"type":"index_not_found_exception","reason":"no such index"},"status":404}"#,
                ),
            },
            "PUT /i" => {
                let turn = turns.get(turn.fetch_add(1, Ordering::SeqCst)).cloned().unwrap_or(Turn::Create);
                create(seen, turn, &mut index)
            }
            "PUT /i/_settings" => Reply::json(200, r#"{"acknowledged":true}"#),
            other => panic!("{other}"),
        }
    })
    .await;
    (server, index)
}

fn create(seen: &Seen, turn: Turn, index: &mut Option<Value>) -> Reply {
    let reply = match turn {
        Turn::Not(reply) => return reply,
        Turn::Stranger => {
            *index = Some(json!({ "index.uuid": "theirs" }));
            return Reply::reset();
        }
        _ if index.is_some() => {
            return Reply::json(
                400,
                r#"{"error":{"type":"resource_already_exists_exception","reason":"index [i/u] already exists"},"status":400}"#,
            );
        }
        Turn::Created(reply) => reply,
        Turn::Create => Reply::json(200, r#"{"acknowledged":true,"shards_acknowledged":true,"index":"i"}"#),
    };
    let mut body: Value = serde_json::from_slice(&seen.body).expect("JSON");
    body["settings"]["index.uuid"] = json!("ours");
    *index = Some(body["settings"].take());
    reply
}

async fn loader(server: &Server) -> Loader {
    let options =
        LoadOptions { give_up: Duration::from_secs(2), pause: Duration::from_millis(2), ..LoadOptions::default() };
    Loader::new(server.client().await, options)
}

fn raw(text: &str) -> Box<RawValue> {
    RawValue::from_string(text.into()).expect("JSON")
}

async fn create_index(server: &Server) -> Result<CreatedIndex, LoadError> {
    let settings = raw(r#"{"index":{"number_of_shards":"1","blocks":{"write":"true"}}}"#);
    loader(server).await.create_index("i", &settings, &raw("{}")).await
}

fn refusal(status: u16, kind: &str, reason: &str) -> Reply {
    Reply::json(status, json!({ "error": { "type": kind, "reason": reason }, "status": status }).to_string())
}

#[tokio::test]
async fn a_creation_whose_answer_was_lost_is_recognised_or_repeated() {
    let unacknowledged = || Reply::json(200, r#"{"acknowledged":false,"shards_acknowledged":false}"#);
    let busy = || refusal(503, "process_cluster_event_timeout_exception", "timed out");
    let unknown =
        || refusal(400, "illegal_argument_exception", "unknown setting [index.number_of_shards] please check");
    let cases: Vec<(&str, Vec<Turn>, usize)> = vec![
        ("no fault", vec![], 1),
        ("created, then a reset", vec![Turn::Created(Reply::reset())], 1),
        ("created, then nothing", vec![Turn::Created(Reply::hang())], 1),
        ("created, then 503", vec![Turn::Created(busy())], 1),
        ("created, then half an answer", vec![Turn::Created(Reply::json(200, r#"{"acknow"#))], 1),
        ("not acknowledged", vec![Turn::Created(unacknowledged())], 1),
        ("lost", vec![Turn::Not(Reply::reset()), Turn::Not(Reply::close())], 3),
        ("busy", vec![Turn::Not(busy()), Turn::Not(busy())], 3),
        ("not known", vec![Turn::Not(unknown())], 2),
        ("lost, then created and lost", vec![Turn::Not(Reply::reset()), Turn::Created(Reply::reset())], 2),
    ];
    for (name, turns, puts) in cases {
        let (server, index) = server(turns).await;
        let created = create_index(&server).await.unwrap_or_else(|e| panic!("{name}: {e}"));
        assert_eq!(server.count("PUT /i"), puts, "{name}");
        assert_eq!(created.changes.len(), usize::from(name == "not known"), "{name}: {:?}", created.changes);
        assert!(index.lock().expect("not poisoned").is_some(), "{name}");
    }
}

#[tokio::test]
async fn an_index_of_somebody_else_is_never_taken_for_ours() {
    let exists = || refusal(400, "resource_already_exists_exception", "index [i/u] already exists");
    let alias = || refusal(400, "invalid_index_name_exception", "Invalid index name [i], already exists as alias");
    for (name, turns) in [
        ("there before", vec![Turn::Not(exists())]),
        ("an alias", vec![Turn::Not(alias())]),
        ("made while our request was lost", vec![Turn::Stranger]),
    ] {
        let (server, _) = server(turns).await;
        let error = create_index(&server).await.expect_err(name);
        assert!(matches!(error, LoadError::Exists { .. }), "{name}: {error}");
    }
}

#[tokio::test]
async fn what_cannot_be_created_is_told_in_time() {
    for (name, turn) in [
        ("a wrong mapping", Turn::Not(refusal(400, "mapper_parsing_exception", "no handler for type [x]"))),
        ("a setting that is never known", Turn::Not(refusal(400, "x", "unknown setting [index.other] please check"))),
        ("no right", Turn::Not(refusal(403, "security_exception", "no"))),
        ("a server that is never ready", Turn::Not(refusal(503, "x", "y"))),
    ] {
        let (server, _) = server(vec![turn; 2_000]).await;
        let error = create_index(&server).await.expect_err(name).to_string();
        assert!(error.contains("creating index i"), "{name}: {error}");
    }
}

#[tokio::test]
async fn an_index_that_was_replaced_gets_no_settings() {
    let (server, index) = server(vec![]).await;
    let created = create_index(&server).await.expect("created");
    let loader = loader(&server).await;
    loader.put_back_settings(&created).await.expect("put back");
    loader.put_back_blocks(&created).await.expect("put back");
    let bodies: Vec<String> =
        server.seen().iter().filter(|seen| seen.line() == "PUT /i/_settings").map(Seen::text).collect();
    assert_eq!(bodies.len(), 2, "{bodies:?}");
    assert!(bodies[0].contains(r#""index.refresh_interval":null"#) && !bodies[0].contains("blocks"), "{bodies:?}");
    assert_eq!(bodies[1], r#"{"index.blocks.write":"true"}"#);
    *index.lock().expect("not poisoned") = Some(json!({ "index.uuid": "theirs" }));
    assert!(matches!(loader.put_back_settings(&created).await, Err(LoadError::Replaced { .. })));
    assert!(matches!(loader.put_back_blocks(&created).await, Err(LoadError::Replaced { .. })));
    assert_eq!(server.count("PUT /i/_settings"), 2);
}

#[tokio::test]
async fn a_count_that_lacks_a_shard_is_no_count() {
    for (refreshed, counted) in [
        (r#"{"_shards":{"failed":1}}"#, r#"{"count":5,"_shards":{"total":2,"successful":2,"failed":0}}"#),
        (r#"{"_shards":{"failed":0}}"#, r#"{"count":5,"_shards":{"total":2,"successful":1,"failed":1}}"#),
        (r#"{"_shards":{"failed":0}}"#, r#"{"count":5,"_shards":{"total":2,"successful":1,"failed":0}}"#),
        (r#"{"_shards":{"failed":0}}"#, r#"{"_shards":{"total":2,"successful":2,"failed":0}}"#),
        (r#"{"_shards":{"failed":0}}"#, r#"{"count":5}"#),
    ] {
        let server = Server::start(move |seen: &Seen| match seen.line().as_str() {
            "GET /" => Reply::json(200, ROOT_7_14),
            "POST /i/_refresh" => Reply::json(200, refreshed),
            _ => Reply::json(200, counted),
        })
        .await;
        let error = loader(&server).await.refresh_and_count("i").await.expect_err(counted).to_string();
        assert!(error.contains("counting index i"), "{error}");
    }
}
