//! What each shard's primary says of itself: history, checkpoints, size, and when it came to be. Only reads.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::state::Listed;
use crate::{
    client::Client,
    entries::Entries,
    error::{Error, Result},
    request::Request,
};

/// Under an unchanged identity, sequence numbers at or below the checkpoint mean what they meant before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShardIdentity {
    /// The index's UUID: changes with delete and create, restore, split, shrink.
    pub index_uuid: String,
    /// The shard's number.
    pub shard: u32,
    /// How many shards the index has.
    pub shards: u32,
    /// The history's UUID: changes when a shard is restored or forced to an old copy.
    pub history_uuid: String,
    /// Rises whenever a primary starts or changes.
    pub primary_term: u64,
    /// When the primary's recovery began, in ms since 1970: changes even if the term comes back.
    pub recovery_start_ms: u64,
    /// All operations up to this number are on all copies; -1 where there are none.
    pub global_checkpoint: i64,
    /// The largest number given; -1 where there is none.
    pub max_seq_no: i64,
}

/// Size and identity of an index's shards.
pub(super) struct Shards {
    pub(super) documents: u64,
    pub(super) bytes: u64,
    /// One for each shard, by number; none where the server has no sequence numbers.
    pub(super) identities: Vec<ShardIdentity>,
}

/// Asks about `names` (joined by commas), which are `listed`.
pub(super) async fn shards(client: &Client, names: &str, listed: &[Listed]) -> Result<BTreeMap<String, Shards>> {
    let stats: Stats = client.ask(Request::get(&[names, "_stats", "docs,store"]).query("level", "shards")).await?;
    let recoveries: BTreeMap<String, Recoveries> = if client.can().sequence_numbers {
        client.ask(Request::get(&[names, "_recovery"])).await?
    } else {
        BTreeMap::new()
    };
    let mut found = BTreeMap::new();
    for index in listed {
        let stats = stats.indices.get(&index.name).ok_or_else(|| lost(index))?;
        let recoveries = recoveries.get(&index.name);
        found.insert(index.name.clone(), one(index, stats, recoveries, client.can().sequence_numbers)?);
    }
    Ok(found)
}

#[derive(Deserialize)]
struct Stats {
    #[serde(default)]
    indices: Entries<IndexStats>,
}

#[derive(Deserialize)]
struct IndexStats {
    shards: BTreeMap<u32, Vec<Copy>>,
}

#[derive(Deserialize)]
struct Copy {
    routing: Routing,
    docs: Option<Docs>,
    store: Option<Store>,
    commit: Option<Commit>,
    seq_no: Option<SeqNo>,
}

#[derive(Deserialize)]
struct Routing {
    primary: bool,
    node: Option<String>,
}

#[derive(Deserialize)]
struct Docs {
    count: u64,
}

#[derive(Deserialize)]
struct Store {
    size_in_bytes: u64,
}

#[derive(Deserialize)]
struct Commit {
    #[serde(default)]
    user_data: BTreeMap<String, String>,
}

#[derive(Deserialize)]
struct SeqNo {
    max_seq_no: i64,
    global_checkpoint: i64,
}

#[derive(Deserialize)]
struct Recoveries {
    shards: Vec<Recovery>,
}

#[derive(Deserialize)]
struct Recovery {
    id: u32,
    start_time_in_millis: u64,
    target: Node,
}

#[derive(Deserialize)]
struct Node {
    id: Option<String>,
}

fn one(index: &Listed, stats: &IndexStats, recoveries: Option<&Recoveries>, numbered: bool) -> Result<Shards> {
    let mut shards = Shards { documents: 0, bytes: 0, identities: Vec::new() };
    for shard in 0..index.shards {
        let copies = stats.shards.get(&shard).map(Vec::as_slice).unwrap_or_default();
        let primary = copies.iter().find(|copy| copy.routing.primary).ok_or_else(|| lost(index))?;
        shards.documents += primary.docs.as_ref().map_or(0, |docs| docs.count);
        shards.bytes += primary.store.as_ref().map_or(0, |store| store.size_in_bytes);
        if numbered {
            shards.identities.push(identity(index, shard, primary, recoveries).ok_or_else(|| lost(index))?);
        }
    }
    Ok(shards)
}

/// The recovery is found by the primary's node: a replica that was promoted is still listed as a replica there.
fn identity(index: &Listed, shard: u32, primary: &Copy, recoveries: Option<&Recoveries>) -> Option<ShardIdentity> {
    let on_node = |recovery: &&Recovery| recovery.id == shard && recovery.target.id == primary.routing.node;
    let seq_no = primary.seq_no.as_ref()?;
    Some(ShardIdentity {
        index_uuid: index.uuid.clone(),
        shard,
        shards: index.shards,
        history_uuid: primary.commit.as_ref()?.user_data.get("history_uuid")?.clone(),
        primary_term: *index.primary_terms.get(&shard)?,
        recovery_start_ms: recoveries?.shards.iter().filter(on_node).map(|r| r.start_time_in_millis).max()?,
        global_checkpoint: seq_no.global_checkpoint,
        max_seq_no: seq_no.max_seq_no,
    })
}

fn lost(index: &Listed) -> Error {
    Error::Unreadable {
        what: format!("index {}", index.name),
        why: "the primary of one of its shards went away while it was looked at; try again".into(),
    }
}
