//! What there is, as clients look it up. The same for everybody, so that it is answered to everybody. Pure.
//!
//! `delete` is possible and not listed: whoever deletes a namespace has Kubernetes delete everything in it that lists this verb, and
//! nobody means his backups by that. `watch` is not possible: nobody tells us when a snapshot comes or goes.

use api::snapshot::{GROUP, KIND, PLURAL, VERSION};
use serde_json::{Value, json};

/// What is listed.
const VERBS: [&str; 2] = ["get", "list"];
/// Names under which it is found together with others.
const CATEGORIES: [&str; 2] = ["stash", "appscode"];

fn version() -> Value {
    json!({ "groupVersion": format!("{GROUP}/{VERSION}"), "version": VERSION })
}

fn bare_group() -> Value {
    json!({ "name": GROUP, "versions": [version()], "preferredVersion": version() })
}

/// The group.
pub fn group() -> Value {
    let mut group = bare_group();
    group["kind"] = "APIGroup".into();
    group["apiVersion"] = "v1".into();
    group
}

/// All groups: this one.
pub fn groups() -> Value {
    json!({ "kind": "APIGroupList", "apiVersion": "v1", "groups": [bare_group()] })
}

/// The version's resources.
pub fn resources() -> Value {
    json!({
        "kind": "APIResourceList", "apiVersion": "v1", "groupVersion": format!("{GROUP}/{VERSION}"),
        "resources": [{
            "name": PLURAL, "singularName": KIND.to_lowercase(), "namespaced": true, "kind": KIND,
            "verbs": VERBS, "categories": CATEGORIES,
        }],
    })
}

/// Groups, versions and resources in one, for who asks so.
pub fn aggregated(version: &str) -> Value {
    json!({
        "kind": "APIGroupDiscoveryList", "apiVersion": format!("apidiscovery.k8s.io/{version}"), "metadata": {},
        "items": [{
            "metadata": { "name": GROUP, "creationTimestamp": null },
            "versions": [{
                "version": VERSION, "freshness": "Current",
                "resources": [{
                    "resource": PLURAL, "singularResource": KIND.to_lowercase(), "scope": "Namespaced",
                    "responseKind": { "group": GROUP, "version": VERSION, "kind": KIND },
                    "verbs": VERBS, "categories": CATEGORIES,
                }],
            }],
        }],
    })
}
