//! Data streams: which a cluster has, and of which backing indices each consists. Never changes one.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use serde::{Deserialize, Serialize, de::IgnoredAny};

use crate::entries::Entries;

/// A data stream, as far as it takes to make it again. As JSON it is what a dump keeps of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DataStream {
    /// Its name.
    pub name: String,
    /// The field that every document must have.
    pub timestamp_field: String,
    /// Rises with each rollover; the number of the newest backing index.
    pub generation: u64,
    /// Its backing indices, oldest first; the last one is written to.
    pub indices: Vec<String>,
    /// Whether patterns pass over it (Elasticsearch).
    #[serde(default, skip_serializing_if = "is_false")]
    pub hidden: bool,
    /// Whether documents may have a routing of their own (Elasticsearch, where it has to be allowed).
    #[serde(default, skip_serializing_if = "is_false")]
    pub allow_custom_routing: bool,
    /// What belongs to the stream as a whole and is only named here (Elasticsearch): its aliases, its life cycle. OpenSearch's
    /// aliases belong to the backing indices.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub beyond: Vec<String>,
    /// Whether it is the server's own.
    #[serde(skip)]
    pub system: bool,
}

#[allow(clippy::trivially_copy_pass_by_ref)] // serde gives a reference
fn is_false(value: &bool) -> bool {
    !value
}

/// `metadata.data_stream` of the cluster's state.
#[derive(Default, Deserialize)]
pub(crate) struct StreamsState {
    #[serde(default)]
    data_stream: Entries<StreamState>,
    #[serde(default)]
    data_stream_aliases: Entries<AliasState>,
}

#[derive(Deserialize)]
struct StreamState {
    timestamp_field: TimestampField,
    indices: Vec<BackingIndex>,
    generation: u64,
    #[serde(default)]
    hidden: bool,
    #[serde(default)]
    system: bool,
    #[serde(default)]
    allow_custom_routing: bool,
    lifecycle: Option<IgnoredAny>,
}

#[derive(Deserialize)]
struct TimestampField {
    name: String,
}

#[derive(Deserialize)]
struct BackingIndex {
    index_name: String,
}

#[derive(Deserialize)]
struct AliasState {
    #[serde(default)]
    data_streams: Vec<String>,
}

impl StreamsState {
    /// Each backing index's stream, by the index's name.
    pub(crate) fn by_index(self) -> BTreeMap<String, Arc<DataStream>> {
        let mut by_index = BTreeMap::new();
        for (name, state) in self.data_stream.0 {
            let aliases = self.data_stream_aliases.0.iter().filter(|(_, alias)| alias.data_streams.contains(&name));
            let aliases = aliases.map(|(alias, _)| format!("alias {alias}"));
            let beyond = aliases.chain(state.lifecycle.as_ref().map(|_| "life cycle".to_owned())).collect();
            let StreamState {
                timestamp_field,
                indices,
                generation,
                hidden,
                system,
                allow_custom_routing,
                lifecycle: _,
            } = state;
            let indices: Vec<String> = indices.into_iter().map(|index| index.index_name).collect();
            let stream = Arc::new(DataStream {
                name,
                timestamp_field: timestamp_field.name,
                generation,
                indices,
                hidden,
                allow_custom_routing,
                beyond,
                system,
            });
            by_index.extend(stream.indices.iter().map(|index| (index.clone(), Arc::clone(&stream))));
        }
        by_index
    }
}

/// Those of `streams` all of whose backing indices are among `chosen`, each once, by name.
pub(crate) fn whole(streams: impl Iterator<Item = Arc<DataStream>>, chosen: &BTreeSet<&str>) -> Vec<DataStream> {
    let by_name: BTreeMap<String, Arc<DataStream>> = streams.map(|stream| (stream.name.clone(), stream)).collect();
    let is_whole = |stream: &DataStream| stream.indices.iter().all(|index| chosen.contains(index.as_str()));
    by_name.into_values().filter(|stream| is_whole(stream)).map(|stream| (*stream).clone()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As OpenSearch 2.19.1 prints it, and Elasticsearch with its further members.
    const STATE: &str = r#"{"data_stream":{
        "logs-1":{"name":"logs-1","timestamp_field":{"name":"ts"},"generation":3,"indices":[
            {"index_name":".ds-logs-1-000002","index_uuid":"a"},{"index_name":".ds-logs-1-000003","index_uuid":"b"}]},
        "ilm-history":{"name":"ilm-history","timestamp_field":{"name":"@timestamp"},"generation":1,"hidden":true,
            "replicated":false,"system":false,"lifecycle":{"enabled":true},"indices":[{"index_name":".ds-ilm-history-2026.01.01-000001","index_uuid":"c"}]}},
      "data_stream_aliases":{"logs":{"name":"logs","data_streams":["logs-1"],"write_data_stream":"logs-1"}}}"#;

    fn state() -> BTreeMap<String, Arc<DataStream>> {
        serde_json::from_str::<StreamsState>(STATE).expect("a state").by_index()
    }

    #[test]
    fn streams_are_found_by_their_backing_indices() {
        let by_index = state();
        let stream = &by_index[".ds-logs-1-000003"];
        assert_eq!((stream.name.as_str(), stream.generation, stream.timestamp_field.as_str()), ("logs-1", 3, "ts"));
        assert_eq!(stream.beyond, ["alias logs"]);
        let history = &by_index[".ds-ilm-history-2026.01.01-000001"];
        assert!(history.hidden && !stream.hidden && history.beyond == ["life cycle"]);
        assert!(serde_json::from_str::<StreamsState>("{}").expect("a state").by_index().is_empty());
    }

    #[test]
    fn a_stream_is_whole_with_all_of_its_backing_indices_only() {
        let by_index = state();
        let names = |chosen: &[&str]| {
            let streams = chosen.iter().filter_map(|index| by_index.get(*index)).cloned();
            whole(streams, &chosen.iter().copied().collect()).into_iter().map(|stream| stream.name).collect::<Vec<_>>()
        };
        assert_eq!(names(&[".ds-logs-1-000002", ".ds-logs-1-000003", "other"]), ["logs-1"]);
        assert!(names(&[".ds-logs-1-000003"]).is_empty());
    }

    #[test]
    fn what_a_dump_keeps_is_read_again() {
        let stream = DataStream { system: false, ..(*state()[".ds-logs-1-000002"]).clone() };
        let text = serde_json::to_string(&stream).expect("JSON");
        assert_eq!(
            text,
            r#"{"name":"logs-1","timestamp_field":"ts","generation":3,"indices":[".ds-logs-1-000002",".ds-logs-1-000003"],"beyond":["alias logs"]}"#
        );
        assert_eq!(serde_json::from_str::<DataStream>(&text).expect("a stream"), stream);
    }
}
