//! What the API for snapshots says, as clients get it: objects, lists, tables, what there is, what fields mean.

use api::{Repository, RepositorySpec, snapshot::SavedState};
use k8s_openapi::jiff::Timestamp;
use operator::snapshots::{
    discovery,
    object::{self, Include, Shape},
    openapi,
};
use serde_json::{Value, json};

fn repository() -> Repository {
    let mut repository = Repository::new("store", RepositorySpec::default());
    repository.metadata.namespace = Some("logs".into());
    repository.metadata.labels = Some([("tier".to_owned(), "gold".to_owned())].into());
    repository
}

fn state(digit: char) -> SavedState {
    SavedState {
        id: digit.to_string().repeat(64),
        time: Timestamp::from_second(1_700_000_000).expect("a time"),
        tree: "f".repeat(64),
        paths: vec!["/stash-interim-volume/data".into()],
        hostname: "host-0".into(),
        username: "65535".into(),
        uid: 65535,
        gid: u32::MAX,
        tags: if digit == 'a' { vec!["nightly".into()] } else { Vec::new() },
    }
}

fn text(value: &Value) -> String {
    serde_json::to_string_pretty(value).expect("JSON")
}

#[test]
fn a_snapshot_is_given_as_it_is_wanted() {
    let snapshots = ['a', 'b'].map(|digit| object::snapshot(&repository(), &state(digit)));
    for (name, shape) in [
        ("list", Shape::Plain),
        ("list-of-metadata", Shape::Metadata),
        ("table", Shape::Table(Include::Metadata)),
        ("table-of-cells", Shape::Table(Include::None)),
    ] {
        insta::assert_snapshot!(name, text(&object::list(&snapshots, Some("mark"), shape)));
    }
    insta::assert_snapshot!("one", text(&object::one(&snapshots[0], Shape::Plain)));
    assert_eq!(object::one(&snapshots[0], Shape::Table(Include::Object))["rows"][0]["object"]["kind"], "Snapshot");
}

#[test]
fn the_repositorys_labels_lie_over_the_two() {
    let mut repository = repository();
    repository.metadata.labels = Some([("hostname".to_owned(), "all".to_owned())].into());
    let snapshot = object::snapshot(&repository, &state('a'));
    assert_eq!(json!(snapshot.metadata.labels), json!({ "hostname": "all", "repository": "store" }));
    assert_eq!(snapshot.status.hostname, "host-0");
}

#[test]
fn what_there_is_is_as_reviewed() {
    insta::assert_snapshot!("groups", text(&discovery::groups()));
    insta::assert_snapshot!("resources", text(&discovery::resources()));
    insta::assert_snapshot!("aggregated", text(&discovery::aggregated("v2")));
    insta::assert_snapshot!("openapi-v3", text(&openapi::v3()));
}

/// A namespace's deletion has Kubernetes delete what lists this verb.
#[test]
fn deletion_is_not_listed() {
    for document in [discovery::resources(), discovery::aggregated("v2")] {
        assert!(!document.to_string().contains("delete"), "{document}");
    }
}

#[test]
fn every_field_has_its_meaning_in_both_versions() {
    let snapshot = serde_json::to_value(object::snapshot(&repository(), &state('a'))).expect("JSON");
    let (third, second) = (openapi::v3(), openapi::v2());
    let prefix = "com.github.stashed.apimachinery.apis.repositories.v1alpha1";
    for schemas in [&third["components"]["schemas"], &second["definitions"]] {
        for (kind, object) in [("Snapshot", &snapshot), ("SnapshotStatus", &snapshot["status"])] {
            let explained = &schemas[format!("{prefix}.{kind}")]["properties"];
            for field in object.as_object().expect("fields").keys() {
                assert!(explained.get(field).is_some(), "{kind}.{field} is not explained");
            }
        }
    }
}
