//! What a cluster's state defines and no backup has, by name. Reads no index's metadata.

use serde_json::value::RawValue;

use super::{DefinitionKind, is_absent, is_system, listing};
use crate::{
    client::Client,
    error::{Error, Result},
    load::object::Object,
    request::Request,
};

/// The metadata but for what is large, and asked for elsewhere.
const METADATA: &str = "metadata,-metadata.indices,-metadata.templates,-metadata.index-graveyard,\
    -metadata.component_template,-metadata.index_template,-metadata.ingest,-metadata.persistent_tasks";

/// Members of the cluster's metadata that are saved otherwise, or that the server makes again by itself.
const KNOWN: &[&str] = &[
    "cluster_uuid",
    "cluster_uuid_committed",
    "cluster_coordination",
    "version",
    "templates",
    "indices",
    "index-graveyard",
    "component_template",
    "index_template",
    "ingest",
    "stored_scripts",
    "data_stream",
    "index_lifecycle",
    "snapshot_lifecycle",
    "enrich",
    "search_pipeline",
    "settings",
    "licenses",
    "persistent_tasks",
    "cluster_persistent_tasks",
    "node_shutdown",
    "nodes_shutdown",
    "desired_nodes",
    "reserved_state",
    "feature_state",
    "feature_migration_results",
    "health",
    "ml",
    "transform",
    "watcher",
    "trained_model_cache_metadata",
    "trained_model_assignment",
    "autoscaling",
    "decommissionedAttribute",
    "weighted_shard_routing",
    "projects",
    "streams",
    "logs-streams",
];

/// Asks for the metadata of the cluster that belongs to no index. Asked for with an index, servers leave it out.
pub(super) fn metadata() -> Request {
    Request::get(&["_cluster", "state", "metadata"]).query("filter_path", METADATA)
}

/// Where users are, and the kind that is wanted by who would want them. Their passwords are hashes that no interface tells.
const USERS: [(DefinitionKind, &[&str]); 2] = [
    (DefinitionKind::Role, &["_security", "user"]),
    (DefinitionKind::OpenSearchRole, &["_plugins", "_security", "api", "internalusers"]),
];

/// What exists and is not saved, in words: of the answer to [`metadata`], where it is given, and of the users.
pub(super) async fn find(client: &Client, kinds: &[DefinitionKind], state: Option<&RawValue>) -> Result<Vec<String>> {
    let mut found = Vec::new();
    if let Some(state) = state {
        found.extend(named(&Object::parse(state.get()).unwrap_or_default().object("metadata").unwrap_or_default()));
    }
    for (kind, path) in USERS.iter().filter(|(kind, _)| kinds.contains(kind) && kind.is_known_to(client.can())) {
        match client.ask::<Box<RawValue>>(Request::get(path)).await {
            Ok(users) => found.extend(users_in(*kind, &users)),
            Err(error) if is_absent(&error) => {}
            Err(error @ Error::Refused { .. }) => found.push(format!("users: {error}")),
            Err(error) => return Err(error),
        }
    }
    Ok(found)
}

fn users_in(kind: DefinitionKind, answer: &RawValue) -> Vec<String> {
    let users = Object::parse(answer.get()).unwrap_or_default();
    let theirs = users.iter().filter(|(name, _)| !is_system(kind, name, &users.object(name).unwrap_or_default()));
    theirs.map(|(name, _)| format!("user {name}: passwords cannot be read")).collect()
}

fn named(metadata: &Object) -> Vec<String> {
    let scripts = metadata.object("stored_scripts").unwrap_or_default();
    let mut named: Vec<String> = listing::hidden_scripts(&scripts)
        .map(|name| format!("script {name}: another language has a script of this name"))
        .collect();
    for (key, _) in metadata.iter().filter(|(key, _)| !KNOWN.contains(key)) {
        let Some(members) = metadata.object(key).filter(|members| !members.is_empty()) else { continue };
        match key {
            "repositories" => named.extend(members.iter().map(|(name, _)| format!("snapshot repository {name}"))),
            "ccr_auto_follow" => {
                let patterns = members.object("patterns").unwrap_or_default();
                named.extend(patterns.iter().map(|(name, _)| format!("auto-follow pattern {name}")));
            }
            _ => named.push(format!("{key} of the cluster's state")),
        }
    }
    named.sort_unstable();
    named
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_saved_is_named() {
        let metadata = r#"{"cluster_uuid":"u","templates":{"t":{}},"repositories":{"s3":{"type":"s3","settings":{}},"fs":{}},
            "ccr_auto_follow":{"patterns":{"p":{}},"headers":{}},"views":{"v":{}},"novelty":{},"other":[],
            "stored_scripts":{"a":{"lang":"painless","source":"1"},"painless#a":{"lang":"painless","source":"1"},
            "mustache#a":{"lang":"mustache","source":"1"},"expression#b":{"lang":"expression","source":"1"}}}"#;
        let named = named(&Object::parse(metadata).expect("an object"));
        let expected = [
            "auto-follow pattern p",
            "script mustache#a: another language has a script of this name",
            "snapshot repository fs",
            "snapshot repository s3",
            "views of the cluster's state",
        ];
        assert_eq!(named, expected);
    }
}
