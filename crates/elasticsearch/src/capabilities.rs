//! What a server can do, by flavour and version. The only place that compares versions: other code asks *can it*.

use crate::server::{Flavour, Server, Version};

/// Which interface opens a point in time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PointInTime {
    /// `POST /INDEX/_pit`, closed with `DELETE /_pit`.
    Elasticsearch,
    /// `POST /INDEX/_search/point_in_time`, closed with `DELETE /_search/point_in_time`.
    OpenSearch,
}

/// What a server can do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(clippy::struct_excessive_bools)] // One row of a table, not a state.
pub struct Capabilities {
    /// Points in time; without them a scroll serves.
    pub point_in_time: Option<PointInTime>,
    /// Documents have sequence numbers, and shards a history.
    pub sequence_numbers: bool,
    /// A search gives `_seq_no` and `_primary_term` with each hit.
    pub sequence_numbers_in_hits: bool,
    /// A search can refuse to answer from part of the shards.
    pub refuses_partial_results: bool,
    /// `track_total_hits` is known, and needed for an exact total.
    pub track_total_hits: bool,
    /// Component and index templates.
    pub composable_templates: bool,
    /// Mappings name types, documents have one, and `_bulk` wants it.
    pub types: bool,
    /// An index may have more than one type (made by 5.x).
    pub many_types: bool,
    /// A document may have a parent of another type (`_parent`), which indexing it names.
    pub parents: bool,
    /// Creating an index with typed mappings wants `include_type_name`.
    pub include_type_name: bool,
    /// `index.default_pipeline` is a setting.
    pub default_pipeline: bool,
    /// `index.final_pipeline` is a setting.
    pub final_pipeline: bool,
    /// Indices and aliases may be hidden.
    pub hidden_indices: bool,
    /// Data streams.
    pub data_streams: bool,
    /// Search pipelines.
    pub search_pipelines: bool,
    /// Index lifecycle management, where its module is there.
    pub lifecycle_policies: bool,
    /// Index state management, where its plugin is there.
    pub state_policies: bool,
    /// Snapshot lifecycle management, where its module is there.
    pub snapshot_policies: bool,
    /// Enrich policies, where their module is there.
    pub enrich_policies: bool,
    /// Transforms, where their module is there.
    pub transforms: bool,
    /// Roles and role mappings of x-pack, where it is there.
    pub security_interface: bool,
    /// Roles and role mappings of OpenSearch's security plugin, where it is there.
    pub security_plugin: bool,
    /// Replication may go by segments, so that replicas lag: reads go to the primary.
    pub segment_replication: bool,
}

impl Capabilities {
    /// The row for `server`.
    pub fn of(server: &Server) -> Self {
        match server.flavour {
            Flavour::Elasticsearch => elasticsearch(server.version),
            Flavour::OpenSearch => open_search(server.version),
        }
    }
}

fn elasticsearch(version: Version) -> Capabilities {
    let since = |major, minor| version >= Version(major, minor, 0);
    Capabilities {
        point_in_time: since(7, 10).then_some(PointInTime::Elasticsearch),
        sequence_numbers: since(6, 0),
        sequence_numbers_in_hits: since(6, 7),
        refuses_partial_results: since(6, 3),
        track_total_hits: since(7, 0),
        composable_templates: since(7, 8),
        types: !since(7, 0),
        many_types: !since(6, 0),
        parents: !since(6, 0),
        include_type_name: since(6, 7) && !since(8, 0),
        default_pipeline: since(6, 5),
        final_pipeline: since(7, 5),
        hidden_indices: since(7, 7),
        data_streams: since(7, 9),
        search_pipelines: false,
        lifecycle_policies: since(6, 6),
        state_policies: false,
        snapshot_policies: since(7, 4),
        enrich_policies: since(7, 5),
        transforms: since(7, 5),
        security_interface: since(7, 0),
        security_plugin: false,
        segment_replication: false,
    }
}

/// OpenSearch that was told to report 7.10.2 (for old clients) is taken for the oldest: it can do less than it says
/// nowhere.
fn open_search(version: Version) -> Capabilities {
    let since = |major, minor| version.0 != 7 && version >= Version(major, minor, 0);
    Capabilities {
        point_in_time: since(2, 4).then_some(PointInTime::OpenSearch),
        sequence_numbers: true,
        sequence_numbers_in_hits: true,
        refuses_partial_results: true,
        track_total_hits: true,
        composable_templates: true,
        types: false,
        many_types: false,
        parents: false,
        include_type_name: !since(2, 0),
        default_pipeline: true,
        final_pipeline: true,
        hidden_indices: true,
        data_streams: true,
        search_pipelines: since(2, 9),
        lifecycle_policies: false,
        state_policies: true,
        snapshot_policies: false,
        enrich_policies: false,
        transforms: false,
        security_interface: false,
        security_plugin: true,
        segment_replication: since(2, 3),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(flavour: Flavour, version: &str) -> Capabilities {
        let version = Version::parse(version).expect("a version");
        let (cluster_name, cluster_uuid, build) = Default::default();
        Capabilities::of(&Server { flavour, version, cluster_name, cluster_uuid, build })
    }

    #[test]
    fn points_in_time_are_known_by_version() {
        use Flavour::{Elasticsearch, OpenSearch};
        for (flavour, version, point_in_time) in [
            (Elasticsearch, "5.6.4", None),
            (Elasticsearch, "6.8.0", None),
            (Elasticsearch, "7.9.3", None),
            (Elasticsearch, "7.10.0", Some(PointInTime::Elasticsearch)),
            (Elasticsearch, "9.5.3", Some(PointInTime::Elasticsearch)),
            (OpenSearch, "1.3.13", None),
            (OpenSearch, "2.4.0", Some(PointInTime::OpenSearch)),
            (OpenSearch, "7.10.2", None),
        ] {
            assert_eq!(of(flavour, version).point_in_time, point_in_time, "{flavour:?} {version}");
        }
    }

    #[test]
    fn types_end_with_seven() {
        assert!(of(Flavour::Elasticsearch, "6.8.0").types);
        assert!(!of(Flavour::Elasticsearch, "7.0.0").types);
        assert!(!of(Flavour::OpenSearch, "1.0.0").types);
    }
}
