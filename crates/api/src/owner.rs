//! The object in whose wake another one goes.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::OwnerReference;

use crate::labels::{CATALOG_GROUP, GROUP};

/// An invoker or a session.
pub fn by(kind: &str, name: &str, uid: &str) -> OwnerReference {
    reference("v1beta1", kind, name, uid)
}

/// The same for a Repository, whose version is older.
pub fn by_repository(name: &str, uid: &str) -> OwnerReference {
    reference("v1alpha1", "Repository", name, uid)
}

/// The same for an AppBinding, which belongs to another group.
pub fn by_binding(name: &str, uid: &str) -> OwnerReference {
    let api_version = format!("{CATALOG_GROUP}/v1alpha1");
    OwnerReference { api_version, ..reference("", "AppBinding", name, uid) }
}

fn reference(version: &str, kind: &str, name: &str, uid: &str) -> OwnerReference {
    OwnerReference {
        api_version: format!("{GROUP}/{version}"),
        kind: kind.to_owned(),
        name: name.to_owned(),
        uid: uid.to_owned(),
        controller: Some(true),
        block_owner_deletion: Some(true),
    }
}
