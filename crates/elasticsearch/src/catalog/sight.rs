//! Whether a login sees all that an index holds. Security plugins cut what a search and a mapping show, by document and by field,
//! and say nothing of it: so what they show is compared with what the cluster's state and the shards' statistics say, which they
//! leave whole. Works alike for x-pack, Search Guard and OpenSearch; masked values of fields cannot be seen in this way.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::{Index, ShardCounts};
use crate::{
    client::Client,
    entries::Entries,
    error::{Error, Result},
    load,
    request::Request,
};

/// How often documents are counted before a difference is believed: an index that is written to differs for a moment.
const LOOKS: usize = 4;

#[derive(Deserialize)]
struct State {
    #[serde(default)]
    metadata: Metadata,
}

#[derive(Default, Deserialize)]
struct Metadata {
    #[serde(default = "Entries::default")]
    indices: Entries<Kept>,
}

#[derive(Deserialize)]
struct Kept {
    #[serde(default)]
    mappings: Option<Box<RawValue>>,
}

/// The mappings of `names` (joined by commas) as the cluster keeps them.
pub(super) async fn mappings(client: &Client, names: &str) -> Result<BTreeMap<String, Box<RawValue>>> {
    let request = Request::get(&["_cluster", "state", "metadata", names])
        .query("expand_wildcards", "all")
        .query("filter_path", "metadata.indices.*.mappings");
    let state: State = client.ask(request).await?;
    Ok(state.metadata.indices.0.into_iter().filter_map(|(name, kept)| Some((name, kept.mappings?))).collect())
}

/// Whether the mappings that are shown hold every field of those that are kept.
///
/// # Errors
/// [`Error::Unreadable`] naming the fields that do not.
pub(super) fn check_fields(index: &str, kept: &RawValue, shown: &RawValue) -> Result<()> {
    let hidden = load::fields_beyond(kept, shown);
    if hidden.is_empty() {
        return Ok(());
    }
    let named = load::listing_of_fields(&hidden);
    Err(partial(index, &format!("the field(s) {named} of it are hidden from this login (field-level security)")))
}

/// Whether searches find every document that the primaries of `indices`, which are `names` joined by commas, hold.
///
/// # Errors
/// [`Error::Unreadable`] naming an index of which they find fewer, however often they are counted.
pub(super) async fn check_documents(client: &Client, names: &str, indices: &[Index]) -> Result<()> {
    let seen = count(client, names, indices).await?;
    for index in indices.iter().filter(|index| seen.get(&index.name).copied().unwrap_or(0) < index.documents) {
        look_again(client, index).await?;
    }
    Ok(())
}

/// A difference may be a document that is not yet visible, or one that came or went meanwhile: it counts only where it is larger
/// than what moved while it was measured, each time.
async fn look_again(client: &Client, index: &Index) -> Result<()> {
    let name = index.name.as_str();
    let mut hidden = None;
    for _ in 0..LOOKS {
        client.refresh([name]).await?;
        let (held, seen) = (held(client, name).await?, count_one(client, index).await?);
        let (held_after, seen_after) = (self::held(client, name).await?, count_one(client, index).await?);
        let moved = held.abs_diff(held_after) + seen.abs_diff(seen_after);
        let (seen, held) = (seen.max(seen_after), held.min(held_after));
        if seen.saturating_add(moved) >= held {
            return Ok(());
        }
        hidden = Some((seen, held));
    }
    let Some((seen, held)) = hidden else { return Ok(()) };
    Err(partial(
        name,
        &format!("this login sees {seen} of its {held} documents, nested ones counted (document-level security)"),
    ))
}

fn partial(index: &str, what: &str) -> Error {
    let why = format!(
        "{what}: a backup would lack the rest; give the login a role that reads the whole index, or exclude it"
    );
    Error::Unreadable { what: format!("index {index}"), why }
}

#[derive(Deserialize)]
struct Stats {
    #[serde(rename = "_all")]
    all: All,
}

#[derive(Deserialize)]
struct All {
    primaries: Primaries,
}

#[derive(Deserialize)]
struct Primaries {
    docs: Option<Docs>,
}

#[derive(Deserialize)]
struct Docs {
    count: u64,
}

/// Lucene documents that the primaries of an index hold.
async fn held(client: &Client, name: &str) -> Result<u64> {
    let stats: Stats = client.ask(Request::get(&[name, "_stats", "docs"])).await?;
    Ok(stats.all.primaries.docs.map_or(0, |docs| docs.count))
}

#[derive(Serialize)]
struct Terms {
    field: &'static str,
    size: usize,
}

#[derive(Serialize)]
struct Nested {
    path: String,
}

#[derive(Serialize)]
#[serde(rename_all = "snake_case")]
enum Aggregation {
    Terms(Terms),
    Nested(Nested),
}

#[derive(Serialize)]
struct Search {
    size: u8,
    aggs: BTreeMap<String, Aggregation>,
}

#[derive(Deserialize)]
struct Answer {
    #[serde(rename = "_shards")]
    shards: ShardCounts,
    aggregations: Option<BTreeMap<String, Counted>>,
}

#[derive(Deserialize)]
struct Counted {
    #[serde(default)]
    doc_count: u64,
    #[serde(default)]
    buckets: Vec<Bucket>,
}

#[derive(Deserialize)]
struct Bucket {
    key: String,
    doc_count: u64,
}

/// The name of the aggregation that counts by index.
const BY_INDEX: &str = "indices";

/// Documents that searches find, by index; nested ones are counted where there may be some.
async fn count(client: &Client, names: &str, indices: &[Index]) -> Result<BTreeMap<String, u64>> {
    let aggs = BTreeMap::from([by_index(indices.len())]);
    let counted = search(client, names, aggs).await?;
    let mut seen: BTreeMap<String, u64> = found(&counted).collect();
    for index in indices {
        if !load::nested_paths(&index.mappings).is_empty() {
            seen.insert(index.name.clone(), count_one(client, index).await?);
        }
    }
    Ok(seen)
}

/// Documents, nested ones among them, that searches find in one index.
async fn count_one(client: &Client, index: &Index) -> Result<u64> {
    let paths = load::nested_paths(&index.mappings).into_iter().enumerate();
    let nested = paths.map(|(number, path)| (format!("nested-{number}"), Aggregation::Nested(Nested { path })));
    let counted = search(client, &index.name, nested.chain([by_index(1)]).collect()).await?;
    let nested: u64 = counted.values().map(|counted| counted.doc_count).sum();
    Ok(nested + found(&counted).map(|(_, documents)| documents).sum::<u64>())
}

fn by_index(size: usize) -> (String, Aggregation) {
    (BY_INDEX.to_owned(), Aggregation::Terms(Terms { field: "_index", size: size.max(1) }))
}

fn found(counted: &BTreeMap<String, Counted>) -> impl Iterator<Item = (String, u64)> {
    let buckets = counted.get(BY_INDEX).map(|counted| counted.buckets.as_slice()).unwrap_or_default();
    buckets.iter().map(|bucket| (bucket.key.clone(), bucket.doc_count))
}

async fn search(
    client: &Client,
    names: &str,
    aggs: BTreeMap<String, Aggregation>,
) -> Result<BTreeMap<String, Counted>> {
    let body = serde_json::to_vec(&Search { size: 0, aggs }).expect("plain data");
    let mut request = Request::post(&[names, "_search"]).idempotent(true).json(body);
    if client.can().segment_replication {
        request = request.query("preference", "_primary");
    }
    let answer: Answer = client.ask(request).await?;
    if answer.shards.failed > 0 {
        let why = format!("{} shards did not count their documents", answer.shards.failed);
        return Err(Error::Unreadable { what: format!("search in {names}"), why });
    }
    Ok(answer.aggregations.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn json(text: &str) -> Box<RawValue> {
        RawValue::from_string(text.to_owned()).expect("JSON")
    }

    #[test]
    fn a_field_that_is_kept_and_not_shown_is_named() {
        let kept =
            json(r#"{"_doc":{"properties":{"a":{"type":"long"},"secret":{"properties":{"b":{"type":"keyword"}}}}}}"#);
        let whole = json(r#"{"properties":{"a":{"type":"long"},"secret":{"properties":{"b":{"type":"keyword"}}}}}"#);
        let cut = json(r#"{"properties":{"a":{"type":"long"}}}"#);
        assert!(check_fields("i", &kept, &whole).is_ok());
        let error = check_fields("i", &kept, &cut).expect_err("hidden").to_string();
        assert!(error.contains("index i") && error.contains("secret, secret.b of it are hidden"), "{error}");
    }
}
