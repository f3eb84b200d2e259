//! One shard of a server that knows points in time and scrolls, and does with chosen pages whatever a test wants.

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex},
};

use elasticsearch::{Client, Error, Index, ReadOptions, Retry, scan};
use serde_json::value::RawValue;

use super::{ROOT_6_8, ROOT_7_14, Reply, Seen, Server};

/// How many documents the shard holds.
pub const DOCUMENTS: usize = 1_000;

/// Which kind of context the server knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    PointInTime,
    Scroll,
}

/// What happens to a page: its number since the server started, from 0, and the good answer.
pub type Fault = dyn Fn(usize, Reply) -> Reply + Send + Sync;

#[derive(Default)]
struct State {
    pages: usize,
    opened: usize,
    open: BTreeSet<String>,
    /// Where each scroll stands, and its page size.
    scrolls: std::collections::BTreeMap<String, (usize, usize)>,
}

/// The server and what is open on it.
pub struct Shard {
    pub server: Server,
    state: Arc<Mutex<State>>,
}

impl Shard {
    pub async fn start(kind: Kind, fault: impl Fn(usize, Reply) -> Reply + Send + Sync + 'static) -> Self {
        let state = Arc::new(Mutex::new(State::default()));
        let shared = state.clone();
        let server = Server::start(move |seen: &Seen| answer(kind, &shared, &fault, seen)).await;
        Self { server, state }
    }

    /// Contexts open now.
    pub fn open(&self) -> usize {
        self.state.lock().expect("not poisoned").open.len()
    }

    /// Contexts ever opened.
    pub fn opened(&self) -> usize {
        self.state.lock().expect("not poisoned").opened
    }

    /// Waits until nothing is open any more.
    pub async fn all_closed(&self) {
        while self.open() > 0 {
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
    }
}

fn answer(kind: Kind, state: &Mutex<State>, fault: &Fault, seen: &Seen) -> Reply {
    let mut state = state.lock().expect("not poisoned");
    match seen.line().as_str() {
        "GET /" => Reply::json(200, if kind == Kind::Scroll { ROOT_6_8 } else { ROOT_7_14 }),
        "POST /i/_pit" => {
            let id = open(&mut state);
            Reply::json(200, format!(r#"{{"id":"{id}"}}"#))
        }
        "DELETE /_pit" | "DELETE /_search/scroll" => {
            let body: serde_json::Value = serde_json::from_slice(&seen.body).expect("JSON");
            let id = body["id"].as_str().or_else(|| body["scroll_id"][0].as_str()).expect("an id");
            let status = if state.open.remove(id) { 200 } else { 404 };
            Reply::json(status, "{}")
        }
        "POST /_search" => page(&mut state, fault, |state| point_in_time_page(state, &seen.body)),
        "POST /i/_search" if !seen.target.contains("scroll=") => page(&mut state, fault, |_| single(&seen.body)),
        "POST /i/_search" => page(&mut state, fault, |state| first_scroll_page(state, &seen.body)),
        "POST /_search/scroll" => page(&mut state, fault, |state| scroll_page(state, &seen.body)),
        other => panic!("{other} was not expected"),
    }
}

fn open(state: &mut State) -> String {
    state.opened += 1;
    let id = format!("context-{}", state.opened);
    state.open.insert(id.clone());
    id
}

fn page(state: &mut State, fault: &Fault, good: impl FnOnce(&mut State) -> Reply) -> Reply {
    let number = state.pages;
    state.pages += 1;
    let good = good(state);
    fault(number, good)
}

fn point_in_time_page(state: &State, body: &[u8]) -> Reply {
    let body: serde_json::Value = serde_json::from_slice(body).expect("JSON");
    let id = body["pit"]["id"].as_str().expect("an id");
    if !state.open.contains(id) {
        return lost();
    }
    let from = body["search_after"][0].as_u64().map_or(0, |after| narrow(after) + 1);
    let total = body["track_total_hits"].as_bool().expect("a bool");
    hits("pit_id", id, from, narrow(body["size"].as_u64().expect("a size")), total)
}

fn single(body: &[u8]) -> Reply {
    let body: serde_json::Value = serde_json::from_slice(body).expect("JSON");
    hits("unused", "", 0, narrow(body["size"].as_u64().expect("a size")), true)
}

fn first_scroll_page(state: &mut State, body: &[u8]) -> Reply {
    let body: serde_json::Value = serde_json::from_slice(body).expect("JSON");
    let size = narrow(body["size"].as_u64().expect("a size"));
    let id = open(state);
    state.scrolls.insert(id.clone(), (size, size));
    hits("_scroll_id", &id, 0, size, true)
}

fn scroll_page(state: &mut State, body: &[u8]) -> Reply {
    let body: serde_json::Value = serde_json::from_slice(body).expect("JSON");
    let id = body["scroll_id"].as_str().expect("an id");
    if !state.open.contains(id) {
        return lost();
    }
    // As a real scroll: it moves on even if the answer never arrives.
    let (at, size) = state.scrolls.get_mut(id).expect("a scroll");
    let from = *at;
    *at += *size;
    hits("_scroll_id", id, from, *size, true)
}

fn narrow(number: u64) -> usize {
    usize::try_from(number).expect("a small number")
}

/// What a server says of a context that it does not know.
pub fn lost() -> Reply {
    let cause = r#"{"type":"search_context_missing_exception","reason":"No search context found for id [1]"}"#;
    let error = format!(
        r#"{{"root_cause":[{cause}],"type":"search_phase_execution_exception","reason":"all shards failed","failed_shards":[{{"shard":-1,"reason":{cause}}}]}}"#
    );
    Reply::json(404, format!(r#"{{"error":{error},"status":404}}"#))
}

/// A refusal by the server.
pub fn refusal(status: u16, kind: &str) -> Reply {
    Reply::json(
        status,
        format!(r#"{{"error":{{"root_cause":[],"type":"{kind}","reason":"because"}},"status":{status}}}"#),
    )
}

fn hits(id_name: &str, id: &str, from: usize, size: usize, total: bool) -> Reply {
    let hit = |n: usize| {
        format!(
            r#"{{"_index":"i","_id":"{n}","_version":1,"_seq_no":{n},"_primary_term":1,"_score":null,"_source":{{"n":{n}}},"sort":[{n}]}}"#
        )
    };
    let list: Vec<String> = (from..DOCUMENTS.min(from + size)).map(hit).collect();
    let total = if total { format!(r#""total":{{"value":{DOCUMENTS},"relation":"eq"}},"#) } else { String::new() };
    Reply::json(
        200,
        format!(
            r#"{{"{id_name}":"{id}","took":1,"timed_out":false,"_shards":{{"total":1,"successful":1,"skipped":0,"failed":0}},"hits":{{{total}"max_score":null,"hits":[{}]}}}}"#,
            list.join(",")
        ),
    )
}

/// The index that the shard belongs to.
pub fn index() -> Index {
    let empty = || RawValue::from_string("{}".into()).expect("JSON");
    Index {
        name: "i".into(),
        uuid: "u".into(),
        shards: 1,
        documents: DOCUMENTS as u64,
        bytes: 0,
        settings: empty(),
        mappings: empty(),
        aliases: empty(),
        hidden: false,
        max_result_window: 10_000,
        segment_replication: false,
        identities: Vec::new(),
    }
}

/// Pages of 100 documents: ten of them.
pub fn options() -> ReadOptions {
    ReadOptions { page_documents: 100, ..ReadOptions::default() }
}

/// Reads the shard once, as whoever takes care of documents does: every hit is looked at, and counts are compared.
pub async fn read_once(client: &Client) -> Result<Vec<u64>, String> {
    read(client).await.map_err(|error| error.to_string())
}

/// Reads the shard, and again from its beginning where that is what the error asks for.
pub async fn read_with_reopening(client: &Client) -> Result<Vec<u64>, String> {
    let mut last = String::new();
    for _ in 0..4 {
        match read(client).await {
            Ok(found) => return Ok(found),
            Err(error) if error.retry() == Retry::Reopen => last = error.to_string(),
            Err(error) => return Err(error.to_string()),
        }
    }
    Err(last)
}

async fn read(client: &Client) -> Result<Vec<u64>, Error> {
    let mut reader = client.read_shard(&index(), 0, &options()).await?;
    let mut found = Vec::new();
    let outcome = loop {
        match reader.next_page().await {
            Ok(Some(page)) => found.extend(sequence_numbers(&page)?),
            Ok(None) => break Ok(reader.expected().expect("known at the end")),
            Err(error) => break Err(error),
        }
    };
    let closed = reader.close().await;
    let expected = outcome?;
    closed?;
    if expected != found.len() as u64 {
        let why = format!("{} documents came of {expected}", found.len());
        return Err(Error::Partial { index: "i".into(), shard: 0, why });
    }
    Ok(found)
}

fn sequence_numbers(page: &[u8]) -> Result<Vec<u64>, Error> {
    let broken = |source| Error::Page { index: "i".into(), shard: 0, source };
    let hits = scan::hits(page).map_err(broken)?;
    hits.map(|hit| hit.map(|hit| hit.seq_no.expect("a number")).map_err(broken)).collect()
}

/// Every document, once.
pub fn everything() -> Vec<u64> {
    (0..DOCUMENTS as u64).collect()
}
