//! A saved state as an object, as a list of objects, as a table for people. Pure.

use std::collections::BTreeMap;

use api::{
    Repository,
    snapshot::{GROUP, HOSTNAME, KIND, REPOSITORY, SavedState, Snapshot, SnapshotMeta, SnapshotStatus, VERSION},
};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use kube::ResourceExt as _;
use serde_json::{Value, json};

/// How objects are given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// As they are.
    Plain,
    /// Rows for people; with each the object's metadata, the whole object, or nothing.
    Table(Include),
    /// Their metadata only.
    Metadata,
}

/// What comes with a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Include {
    /// Nothing.
    None,
    /// The object's metadata.
    Metadata,
    /// The object.
    Object,
}

impl Shape {
    /// What the client wants: the parameters behind the JSON that it accepts, and `includeObject`.
    pub fn of(parameters: &[(&str, &str)], include: Option<&str>) -> Self {
        let is =
            |name: &str, values: &[&str]| parameters.iter().any(|(key, value)| *key == name && values.contains(value));
        if !is("g", &["meta.k8s.io"]) || !is("v", &["v1", "v1beta1"]) {
            Self::Plain
        } else if is("as", &["Table"]) {
            Self::Table(match include {
                Some("None") => Include::None,
                Some("Object") => Include::Object,
                _ => Include::Metadata,
            })
        } else if is("as", &["PartialObjectMetadata", "PartialObjectMetadataList"]) {
            Self::Metadata
        } else {
            Self::Plain
        }
    }
}

/// A snapshot's name.
pub fn name(repository: &str, state: &SavedState) -> String {
    format!("{repository}-{}", state.short_id())
}

/// The labels that all of a Repository's snapshots have; one for the host comes beside them, unless the Repository says it.
pub fn labels(repository: &Repository) -> BTreeMap<String, String> {
    let own = repository.labels().clone();
    [(REPOSITORY.to_owned(), repository.name_any())].into_iter().chain(own).collect()
}

/// The object.
pub fn snapshot(repository: &Repository, state: &SavedState) -> Snapshot {
    let mut labels = labels(repository);
    labels.entry(HOSTNAME.to_owned()).or_insert_with(|| state.hostname.clone());
    Snapshot {
        api_version: format!("{GROUP}/{VERSION}"),
        kind: KIND.to_owned(),
        metadata: SnapshotMeta {
            name: name(&repository.name_any(), state),
            namespace: repository.namespace().unwrap_or_default(),
            uid: state.id.clone(),
            creation_timestamp: Time(state.time),
            labels,
        },
        status: SnapshotStatus {
            tree: state.tree.clone(),
            paths: state.paths.clone(),
            hostname: state.hostname.clone(),
            username: state.username.clone(),
            // Kubernetes has no unsigned numbers.
            uid: state.uid.cast_signed(),
            gid: state.gid.cast_signed(),
            tags: state.tags.clone(),
            repository: repository.name_any(),
        },
    }
}

/// One object.
pub fn one(snapshot: &Snapshot, shape: Shape) -> Value {
    match shape {
        Shape::Plain => whole(snapshot),
        Shape::Metadata => metadata_only(snapshot),
        Shape::Table(include) => table(std::slice::from_ref(snapshot), None, include),
    }
}

/// A list, and where it goes on.
pub fn list(snapshots: &[Snapshot], next: Option<&str>, shape: Shape) -> Value {
    let list = |api_version: &str, kind: &str, of: fn(&Snapshot) -> Value| {
        let items: Vec<Value> = snapshots.iter().map(of).collect();
        json!({ "apiVersion": api_version, "kind": kind, "metadata": list_metadata(next), "items": items })
    };
    match shape {
        Shape::Plain => list(&format!("{GROUP}/{VERSION}"), &format!("{KIND}List"), whole),
        Shape::Metadata => list("meta.k8s.io/v1", "PartialObjectMetadataList", metadata_only),
        Shape::Table(include) => table(snapshots, next, include),
    }
}

fn list_metadata(next: Option<&str>) -> Value {
    match next {
        Some(next) => json!({ "resourceVersion": "", "continue": next }),
        None => json!({ "resourceVersion": "" }),
    }
}

fn whole(snapshot: &Snapshot) -> Value {
    serde_json::to_value(snapshot).expect("text, numbers and a time have a JSON form")
}

fn metadata_only(snapshot: &Snapshot) -> Value {
    json!({ "apiVersion": "meta.k8s.io/v1", "kind": "PartialObjectMetadata", "metadata": whole(snapshot)["metadata"] })
}

fn table(snapshots: &[Snapshot], next: Option<&str>, include: Include) -> Value {
    let column = |name: &str, format: &str, description: &str| json!({ "name": name, "type": "string", "format": format, "description": description, "priority": 0 });
    let row = |snapshot: &Snapshot| {
        let Snapshot { metadata, status, .. } = snapshot;
        let id = metadata.uid.get(..api::snapshot::SHORT).unwrap_or(&metadata.uid);
        let object = match include {
            Include::None => Value::Null,
            Include::Metadata => metadata_only(snapshot),
            Include::Object => whole(snapshot),
        };
        let cells = json!([metadata.name, id, status.repository, status.hostname, metadata.creation_timestamp]);
        json!({ "cells": cells, "object": object })
    };
    json!({
        "kind": "Table", "apiVersion": "meta.k8s.io/v1", "metadata": list_metadata(next),
        "columnDefinitions": [
            column("Name", "name", "The Repository's name and the first digits of the id."),
            column("ID", "", "The first digits of the id, as restic shows it."),
            column("Repository", "", "The Repository that it is in."),
            column("Hostname", "", "The host that it belongs to."),
            column("Created At", "date-time", "When it was made."),
        ],
        "rows": snapshots.iter().map(row).collect::<Vec<_>>(),
    })
}
