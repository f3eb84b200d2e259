//! Data streams on a server that loses answers: no generation is made twice, no document is called rejected that was stored
//! before, and a stream of somebody else is left alone.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex},
    time::Duration,
};

use elasticsearch::{
    DataStream,
    load::{BulkBatch, CreatedIndex, Generation, LoadError, LoadOptions, Loaded, Loader},
    scan,
};
use serde_json::{Value, json, value::RawValue};

use crate::support::{ROOT_7_14, Reply, Seen, Server};

/// What the server does when it is asked for the first time.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Fault {
    None,
    /// Does what it is asked, and loses the answer.
    Lost,
    /// Is busy, and does nothing.
    Busy,
}

#[derive(Default)]
struct State {
    template: Value,
    /// Settings of each backing index, oldest first.
    indices: Vec<Value>,
    /// Ids in the write index.
    ids: BTreeSet<String>,
    /// How often each path was asked.
    asked: BTreeMap<String, usize>,
}

fn ok() -> Reply {
    Reply::json(200, r#"{"acknowledged":true}"#)
}

fn name_of(at: usize) -> String {
    format!(".ds-s-2026.01.01-{:06}", at + 1)
}

impl State {
    fn answer(&mut self, seen: &Seen, fault: Fault) -> Reply {
        let line = seen.line();
        let asked = self.asked.entry(line.clone()).or_insert(0);
        *asked += 1;
        let fault = if *asked == 1 { fault } else { Fault::None };
        let changes = ["PUT /_data_stream/s", "POST /s/_rollover", "POST /s/_bulk"].contains(&line.as_str());
        if changes && fault == Fault::Busy {
            return Reply::json(503, r#"{"error":{"type":"busy","reason":"busy"},"status":503}"#);
        }
        let reply = match line.as_str() {
            "GET /" => Reply::json(200, ROOT_7_14),
            "PUT /_index_template/larder-restore-s" => {
                self.template = serde_json::from_slice(&seen.body).expect("JSON");
                ok()
            }
            "GET /_data_stream/s" => self.shown(),
            "PUT /_data_stream/s" if !self.indices.is_empty() => Reply::json(
                400,
                r#"{"error":{"type":"resource_already_exists_exception","reason":"data_stream [s] already exists"},"status":400}"#,
            ),
            "PUT /_data_stream/s" | "POST /s/_rollover" => {
                let mut settings = self.template["template"]["settings"].clone();
                settings["index.uuid"] = format!("u{}", self.indices.len()).into();
                self.indices.push(settings);
                self.ids.clear();
                ok()
            }
            "POST /s/_bulk" => self.bulk(&seen.text()),
            other => {
                let at = (0..self.indices.len()).find(|at| other == format!("GET /{}", name_of(*at)));
                let at = at.unwrap_or_else(|| panic!("{other}"));
                Reply::json(200, json!({ name_of(at): { "settings": self.indices[at], "mappings": {} } }).to_string())
            }
        };
        if changes && fault == Fault::Lost { Reply::reset() } else { reply }
    }

    fn shown(&self) -> Reply {
        if self.indices.is_empty() {
            return Reply::json(404, r#"{"error":{"type":"index_not_found_exception","reason":"s"},"status":404}"#);
        }
        let indices: Vec<_> = (0..self.indices.len()).map(|at| json!({ "index_name": name_of(at) })).collect();
        let stream = json!({ "name": "s", "generation": indices.len(), "indices": indices });
        Reply::json(200, json!({ "data_streams": [stream] }).to_string())
    }

    /// Creates only what is not there.
    fn bulk(&mut self, body: &str) -> Reply {
        let mut items = Vec::new();
        for action in body.lines().step_by(2) {
            let action: Value = serde_json::from_str(action).expect("an action");
            let id = action["create"]["_id"].as_str().expect("an id").to_owned();
            items.push(if self.ids.insert(id) {
                json!({ "create": { "status": 201 } })
            } else {
                let error = json!({ "type": "version_conflict_engine_exception", "reason": "document already exists" });
                json!({ "create": { "status": 409, "error": error } })
            });
        }
        let errors = items.iter().any(|item| item["create"]["status"] == 409);
        Reply::json(200, json!({ "errors": errors, "items": items }).to_string())
    }
}

async fn serving(state: State, fault: Fault) -> (Server, Arc<Mutex<State>>, Loader) {
    let state = Arc::new(Mutex::new(state));
    let answering = Arc::clone(&state);
    let server = Server::start(move |seen: &Seen| answering.lock().expect("not poisoned").answer(seen, fault)).await;
    let options =
        LoadOptions { give_up: Duration::from_secs(2), pause: Duration::from_millis(2), ..LoadOptions::default() };
    let loader = Loader::new(server.client().await, options);
    (server, state, loader)
}

async fn add(loader: &Loader, newest: Option<&str>) -> Result<CreatedIndex, LoadError> {
    let stream = DataStream {
        name: "s".into(),
        timestamp_field: "@timestamp".into(),
        generation: 1,
        indices: Vec::new(),
        hidden: false,
        allow_custom_routing: false,
        beyond: Vec::new(),
        system: false,
    };
    let json = |text: &str| RawValue::from_string(text.to_owned()).expect("JSON");
    let (settings, mappings) = (json(r#"{"index":{"refresh_interval":"7s"}}"#), json("{}"));
    loader.add_generation(&stream, newest, Generation { settings: &settings, mappings: &mappings, aliases: None }).await
}

async fn load(loader: &Loader, index: &CreatedIndex, ids: [&str; 3]) -> Loaded {
    let mut batch = BulkBatch::new(&index.target(), 1 << 20);
    for id in ids {
        let line = format!(r#"{{"_id":"{id}","_version":2,"_source":{{"n":1.0}}}}"#);
        batch.push(&scan::hit(line.as_bytes(), 0).expect("a hit").0).expect("pushed");
    }
    loader.load(&mut batch).await.expect("loaded")
}

#[tokio::test]
async fn no_generation_is_made_twice_and_no_stored_document_is_rejected() {
    for fault in [Fault::None, Fault::Lost, Fault::Busy] {
        let (_server, state, loader) = serving(State::default(), fault).await;
        let first = add(&loader, None).await.unwrap_or_else(|error| panic!("{fault:?}: {error}"));
        let loaded = load(&loader, &first, ["1", "2", "3"]).await;
        assert_eq!((loaded.indexed, loaded.rejected_count, loaded.unversioned), (3, 0, 3), "{fault:?}");
        let second = add(&loader, Some(first.name())).await.unwrap_or_else(|error| panic!("{fault:?}: {error}"));
        assert_eq!([first.name(), second.name()], [name_of(0), name_of(1)], "{fault:?}");
        assert_eq!(state.lock().expect("not poisoned").indices.len(), 2, "{fault:?}");
        // What is sent for the first time, and there, is nothing of ours.
        let loaded = load(&loader, &second, ["1", "2", "1"]).await;
        assert_eq!((loaded.indexed, loaded.rejected_count), (2, 1), "{fault:?}");
        assert_eq!((loaded.rejected[0].index.as_str(), loaded.rejected[0].status), (second.name(), 409), "{fault:?}");
    }
}

#[tokio::test]
async fn a_stream_that_somebody_else_made_or_rolled_over_is_left_alone() {
    let theirs = State { indices: vec![json!({ "index.uuid": "theirs" })], ..State::default() };
    let (_server, state, loader) = serving(theirs, Fault::None).await;
    let error = add(&loader, None).await.expect_err("not ours");
    assert!(matches!(error, LoadError::Exists { what: "data stream", .. }), "{error}");
    let error = add(&loader, Some(".ds-s-2025.12.31-000001")).await.expect_err("not ours");
    assert!(matches!(error, LoadError::Replaced { .. }), "{error}");
    assert_eq!(state.lock().expect("not poisoned").indices.len(), 1);
}
