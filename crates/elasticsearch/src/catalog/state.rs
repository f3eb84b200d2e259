//! All indices and their condition, from the cluster's state in one request. Takes nothing from it that is stored:
//! settings and mappings come from where the server prints them exactly.

use std::{collections::BTreeMap, sync::Arc};

use serde::Deserialize;

use super::selection::Choosable;
use crate::{
    client::Client,
    data_streams::{DataStream, StreamsState},
    entries::Entries,
    error::{Error, Result},
    request::Request,
};

/// What is taken of the state; without this, it would hold every mapping.
const PARTS: &str = "blocks.global.*.retryable,metadata.indices.*.state,metadata.indices.*.system,metadata.indices.*.aliases,\
    metadata.indices.*.primary_terms,metadata.indices.*.settings.index.uuid,\
    metadata.indices.*.settings.index.number_of_shards,metadata.indices.*.settings.index.hidden,\
    metadata.indices.*.settings.index.max_result_window,metadata.indices.*.settings.index.replication.type,metadata.data_stream,\
    routing_table.indices.*.shards.*.state,routing_table.indices.*.shards.*.primary";

/// What a page may hold unless the index says otherwise.
const MAX_RESULT_WINDOW: u32 = 10_000;

/// One index as the cluster's state has it.
#[derive(Debug)]
pub(crate) struct Listed {
    pub(super) name: String,
    pub(super) open: bool,
    pub(super) hidden: bool,
    /// The data stream that it belongs to.
    pub(super) stream: Option<Arc<DataStream>>,
    pub(super) aliases: Vec<String>,
    pub(super) uuid: String,
    pub(super) shards: u32,
    pub(super) max_result_window: u32,
    pub(super) segment_replication: bool,
    pub(super) primary_terms: BTreeMap<u32, u64>,
    /// Shards whose primary does not work, with its state.
    pub(super) broken: Vec<(u32, String)>,
}

impl Choosable for Listed {
    fn name(&self) -> &str {
        &self.name
    }
    fn aliases(&self) -> &[String] {
        &self.aliases
    }
    /// Backing indices are hidden all of them: what counts is the stream.
    fn hidden(&self) -> bool {
        self.stream.as_ref().map_or(self.hidden, |stream| stream.hidden || stream.system)
    }
    fn stream(&self) -> Option<&str> {
        Some(self.stream.as_ref()?.name.as_str())
    }
}

impl Listed {
    /// Whether every document of the index can be read now.
    ///
    /// # Errors
    /// [`Error::Unreadable`] saying why not and what to do.
    pub(super) fn check_readable(&self) -> Result<()> {
        if self.open {
            return self.check_primaries();
        }
        let why = "it is closed; open it, or exclude it".to_owned();
        Err(Error::Unreadable { what: format!("index {}", self.name), why })
    }

    /// Whether all primaries of the index are at work, if it is open.
    ///
    /// # Errors
    /// [`Error::Unreadable`] naming one that is not.
    pub(crate) fn check_primaries(&self) -> Result<()> {
        let Some((shard, state)) = self.broken.first().filter(|_| self.open) else { return Ok(()) };
        let why = format!(
            "the primary of shard {shard} is {state}; wait until it has started, repair it, or exclude the index"
        );
        Err(Error::Unreadable { what: format!("index {}", self.name), why })
    }
}

/// Every index of the cluster, in the order of names.
pub(super) async fn list(client: &Client) -> Result<Vec<Listed>> {
    read_listing(&client.send(listing()).await?.body)
}

/// Asks for all indices.
pub(crate) fn listing() -> Request {
    state("blocks,metadata,routing_table")
}

/// Asks for no index, only for what a cluster is kept from.
pub(crate) fn blocks() -> Request {
    state("blocks")
}

fn state(metrics: &str) -> Request {
    Request::get(&["_cluster", "state", metrics]).query("expand_wildcards", "all").query("filter_path", PARTS)
}

/// The indices in an answer, in the order of names.
///
/// # Errors
/// [`Error::NotRecovered`] where the cluster does not know yet what it holds; [`Error::Answer`].
pub(crate) fn read_listing(body: &[u8]) -> Result<Vec<Listed>> {
    let not_understood = |why| Error::Answer { method: "GET".into(), path: "/_cluster/state".into(), why };
    let state: State = serde_json::from_slice(body).map_err(|e| not_understood(e.to_string()))?;
    // Without a master, or before the state is recovered, there seems to be no index at all. What a person blocks is not
    // retryable, and stands in nobody's way here.
    if state.blocks.global.values().any(|block| block.retryable) {
        return Err(Error::NotRecovered);
    }
    listed(state).map_err(not_understood)
}

#[derive(Deserialize)]
struct State {
    #[serde(default)]
    blocks: Blocks,
    #[serde(default)]
    metadata: WholeMetadata,
    #[serde(default)]
    routing_table: RoutingTable,
}

#[derive(Default, Deserialize)]
struct Blocks {
    #[serde(default)]
    global: BTreeMap<String, Block>,
}

#[derive(Deserialize)]
struct Block {
    retryable: bool,
}

#[derive(Default, Deserialize)]
struct WholeMetadata {
    #[serde(default)]
    indices: Entries<Metadata>,
    #[serde(default)]
    data_stream: StreamsState,
}

#[derive(Default, Deserialize)]
struct RoutingTable {
    #[serde(default)]
    indices: Entries<Routing>,
}

#[derive(Deserialize)]
struct Metadata {
    state: String,
    #[serde(default)]
    system: bool,
    #[serde(default)]
    aliases: Vec<String>,
    #[serde(default)]
    primary_terms: BTreeMap<u32, u64>,
    settings: Settings,
}

#[derive(Deserialize)]
struct Settings {
    index: IndexSettings,
}

#[derive(Deserialize)]
struct IndexSettings {
    uuid: String,
    number_of_shards: String,
    hidden: Option<String>,
    max_result_window: Option<String>,
    replication: Option<Replication>,
}

#[derive(Deserialize)]
struct Replication {
    #[serde(rename = "type")]
    kind: Option<String>,
}

#[derive(Deserialize)]
struct Routing {
    shards: BTreeMap<u32, Vec<Copy>>,
}

#[derive(Deserialize)]
struct Copy {
    state: String,
    primary: bool,
}

fn listed(state: State) -> Result<Vec<Listed>, String> {
    let mut listed = Vec::with_capacity(state.metadata.indices.0.len());
    let mut streams = state.metadata.data_stream.by_index();
    let mut routing = state.routing_table.indices.0.into_iter().collect::<BTreeMap<_, _>>();
    for (name, metadata) in state.metadata.indices.0 {
        let routing = routing.remove(&name);
        let stream = streams.remove(&name);
        listed.push(Listed { stream, ..one(name, metadata, routing)? });
    }
    listed.sort_unstable_by(|a, b| a.name.cmp(&b.name));
    Ok(listed)
}

fn one(name: String, metadata: Metadata, routing: Option<Routing>) -> Result<Listed, String> {
    let Metadata { state, system, aliases, primary_terms, settings: Settings { index: settings } } = metadata;
    let shards = number(&name, "number_of_shards", &settings.number_of_shards)?;
    let window = settings.max_result_window.as_deref();
    Ok(Listed {
        open: state == "open",
        hidden: system || settings.hidden.as_deref() == Some("true"),
        stream: None,
        aliases,
        uuid: settings.uuid,
        shards,
        max_result_window: window.map_or(Ok(MAX_RESULT_WINDOW), |n| number(&name, "max_result_window", n))?,
        segment_replication: settings.replication.is_some_and(|r| r.kind.as_deref() == Some("SEGMENT")),
        primary_terms,
        broken: broken(shards, routing),
        name,
    })
}

fn number(index: &str, setting: &str, value: &str) -> Result<u32, String> {
    value.parse().map_err(|_| format!("index {index} has {setting} {value:?}"))
}

fn broken(shards: u32, routing: Option<Routing>) -> Vec<(u32, String)> {
    let routing = routing.map(|routing| routing.shards).unwrap_or_default();
    let state = |shard| {
        let primary = routing.get(&shard).and_then(|copies| copies.iter().find(|copy| copy.primary));
        primary.map_or("missing", |copy| copy.state.as_str())
    };
    let works = |state: &str| matches!(state, "STARTED" | "RELOCATING");
    (0..shards).filter(|s| !works(state(*s))).map(|s| (s, state(s).to_owned())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn indices_and_their_condition_are_read() {
        let body = br#"{"metadata":{"indices":{
            "b":{"state":"open","settings":{"index":{"number_of_shards":"2","uuid":"B","hidden":"true","max_result_window":"50"}},
                 "aliases":["x"],"primary_terms":{"0":3,"1":1}},
            "a":{"state":"close","settings":{"index":{"number_of_shards":"1","uuid":"A","replication":{"type":"SEGMENT"}}},"aliases":[]}}},
          "routing_table":{"indices":{"b":{"shards":{
            "0":[{"state":"STARTED","primary":false},{"state":"RELOCATING","primary":true}],
            "1":[{"state":"UNASSIGNED","primary":true}]}}}}}"#;
        let listed = read_listing(body).expect("indices");
        assert_eq!(listed.iter().map(|i| i.name.as_str()).collect::<Vec<_>>(), ["a", "b"]);
        assert!(listed[0].segment_replication && listed[0].max_result_window == 10_000);
        assert!(listed[1].hidden && listed[1].max_result_window == 50 && listed[1].primary_terms[&0] == 3);
        let why = |i: usize| listed[i].check_readable().expect_err("unreadable").to_string();
        assert!(why(0).contains("index a: it is closed"), "{}", why(0));
        assert!(why(1).contains("shard 1 is UNASSIGNED"), "{}", why(1));
    }

    #[test]
    fn an_empty_cluster_has_no_indices() {
        assert!(read_listing(b"{}").expect("indices").is_empty());
    }

    #[test]
    fn a_cluster_that_does_not_know_yet_what_it_holds_is_not_empty() {
        let blocked = |retryable| format!(r#"{{"blocks":{{"global":{{"1":{{"retryable":{retryable}}}}}}}}}"#);
        assert!(matches!(read_listing(blocked(true).as_bytes()), Err(Error::NotRecovered)));
        assert!(read_listing(blocked(false).as_bytes()).is_ok());
    }
}
