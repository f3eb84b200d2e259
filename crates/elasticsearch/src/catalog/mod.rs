//! What a cluster holds: the indices that were asked for, each with its definition as the server prints it and the
//! identity of its shards. Never reads a document, never changes anything but to refresh.

pub(crate) mod batches;
mod matcher;
mod selection;
mod shards;
mod sight;
mod source;
mod state;

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;
use serde_json::value::RawValue;

pub use matcher::Matcher;
pub use selection::Selection;
pub use shards::ShardIdentity;

pub(crate) use selection::choose;
pub(crate) use state::{Listed, blocks, listing, read_listing};

use crate::{
    client::Client,
    data_streams::{self, DataStream},
    entries::Entries,
    error::{Error, Result},
    request::Request,
};
use batches::batches;
use shards::Shards;

/// The indices that were asked for.
#[derive(Debug)]
pub struct Catalog {
    /// In the order of names.
    pub indices: Vec<Index>,
    /// The data streams of which all backing indices are among these, in the order of names.
    pub streams: Vec<DataStream>,
    /// Names of the indices left out only because they are hidden or the system's.
    pub left_out_system: Vec<String>,
}

/// One index, open and with all primaries at work.
#[derive(Debug, Clone)]
pub struct Index {
    /// Its name.
    pub name: String,
    /// Its UUID.
    pub uuid: String,
    /// How many primary shards it has.
    pub shards: u32,
    /// Lucene documents of the primaries, nested ones included: for progress, not for counting.
    pub documents: u64,
    /// Bytes on disk of the primaries.
    pub bytes: u64,
    /// `{"index":{…}}`, exactly as the server printed it.
    pub settings: Box<RawValue>,
    /// The mappings, exactly as the server printed them; before 7.0 they name types.
    pub mappings: Box<RawValue>,
    /// The aliases, exactly as the server printed them.
    pub aliases: Box<RawValue>,
    /// Whether it is hidden, or the server's own.
    pub hidden: bool,
    /// The most hits that a search may ask for.
    pub max_result_window: u32,
    /// Whether replicas may lag behind the primary.
    pub segment_replication: bool,
    /// One for each shard, by number; none where the server has no sequence numbers.
    pub identities: Vec<ShardIdentity>,
}

impl Client {
    /// The indices that `selection` chooses, all of which can be read now. Checkpoints are as of this call: refresh
    /// after it, so that a read sees everything up to them.
    ///
    /// # Errors
    /// [`Error::Unreadable`] naming a wanted index that does not exist, is closed, lacks a primary, keeps no
    /// `_source`, or of which this login sees only a part; else as [`Client::send`].
    pub async fn catalog(&self, selection: &Selection) -> Result<Catalog> {
        let (chosen, left_out_system) = choose(state::list(self).await?, selection)?;
        chosen.iter().try_for_each(Listed::check_readable)?;
        let mut indices = Vec::with_capacity(chosen.len());
        let mut rest = chosen.as_slice();
        for names in batches(chosen.iter().map(|index| index.name.as_str())) {
            let (batch, behind) = rest.split_at(names.split(',').count());
            indices.extend(describe(self, &names, batch).await?);
            rest = behind;
        }
        Ok(Catalog { indices, streams: streams(&chosen), left_out_system })
    }

    /// The names of the indices that `selection` chooses, whether they can be read or not.
    ///
    /// # Errors
    /// [`Error::Unreadable`] naming a wanted index that does not exist; else as [`Client::send`].
    pub async fn list(&self, selection: &Selection) -> Result<Vec<String>> {
        let (chosen, _) = choose(state::list(self).await?, selection)?;
        Ok(chosen.into_iter().map(|index| index.name).collect())
    }

    /// Makes everything written before visible to searches.
    ///
    /// # Errors
    /// [`Error::Unreadable`] if a shard did not refresh; else as [`Client::send`].
    pub async fn refresh<'a>(&self, indices: impl IntoIterator<Item = &'a str>) -> Result<()> {
        for names in batches(indices.into_iter()) {
            let refreshed: Refreshed = self.ask(Request::post(&[&names, "_refresh"]).idempotent(true)).await?;
            if refreshed.shards.failed > 0 {
                return Err(Error::Unreadable {
                    what: format!("refresh of {names}"),
                    why: format!("{} shards failed", refreshed.shards.failed),
                });
            }
        }
        Ok(())
    }
}

/// The data streams that are chosen as a whole.
fn streams(chosen: &[Listed]) -> Vec<DataStream> {
    let names: BTreeSet<&str> = chosen.iter().map(|index| index.name.as_str()).collect();
    data_streams::whole(chosen.iter().filter_map(|index| index.stream.clone()), &names)
}

#[derive(Deserialize)]
struct Refreshed {
    #[serde(rename = "_shards")]
    shards: ShardCounts,
}

#[derive(Deserialize)]
struct ShardCounts {
    failed: u64,
}

#[derive(Deserialize)]
struct WithSettings {
    settings: Box<RawValue>,
}

#[derive(Deserialize)]
struct WithMappings {
    mappings: Box<RawValue>,
}

#[derive(Deserialize)]
struct WithAliases {
    aliases: Box<RawValue>,
}

/// Everything about one batch of indices. Definitions first: a document read later may need a mapping that is newer,
/// and dynamic mapping will make it again.
async fn describe(client: &Client, names: &str, listed: &[Listed]) -> Result<Vec<Index>> {
    let mut shards = shards::shards(client, names, listed).await?;
    // Before the mappings that are shown, so that a field which comes meanwhile is not taken for a hidden one.
    let kept = if client.has_login() { sight::mappings(client, names).await? } else { BTreeMap::new() };
    let mut settings = one_each::<WithSettings>(client, names, "_settings").await?;
    let mut mappings = one_each::<WithMappings>(client, names, "_mapping").await?;
    let mut aliases = one_each::<WithAliases>(client, names, "_alias").await?;
    let mut described = Vec::with_capacity(listed.len());
    for index in listed {
        let name = index.name.as_str();
        let mappings = take(&mut mappings, name)?.mappings;
        source::check_kept(name, &mappings)?;
        if let Some(kept) = kept.get(name) {
            sight::check_fields(name, kept, &mappings)?;
        }
        let shards = shards.remove(name).ok_or_else(|| gone(name))?;
        let settings = take(&mut settings, name)?.settings;
        let aliases = take(&mut aliases, name)?.aliases;
        described.push(assemble(index, shards, settings, mappings, aliases));
    }
    if client.has_login() {
        sight::check_documents(client, names, &described).await?;
    }
    Ok(described)
}

fn assemble(
    index: &Listed,
    shards: Shards,
    settings: Box<RawValue>,
    mappings: Box<RawValue>,
    aliases: Box<RawValue>,
) -> Index {
    let Shards { documents, bytes, identities } = shards;
    Index {
        name: index.name.clone(),
        uuid: index.uuid.clone(),
        shards: index.shards,
        documents,
        bytes,
        settings,
        mappings,
        aliases,
        hidden: index.hidden,
        max_result_window: index.max_result_window,
        segment_replication: index.segment_replication,
        identities,
    }
}

async fn one_each<T: serde::de::DeserializeOwned>(
    client: &Client,
    names: &str,
    what: &str,
) -> Result<Vec<(String, T)>> {
    let entries: Entries<T> = client.ask(Request::get(&[names, what]).query("expand_wildcards", "all")).await?;
    Ok(entries.0)
}

fn take<T>(entries: &mut Vec<(String, T)>, name: &str) -> Result<T> {
    let at = entries.iter().position(|(key, _)| key == name).ok_or_else(|| gone(name))?;
    Ok(entries.swap_remove(at).1)
}

fn gone(name: &str) -> Error {
    Error::Unreadable { what: format!("index {name}"), why: "it went away while it was looked at; try again".into() }
}
