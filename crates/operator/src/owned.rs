//! What everything that we make for an object carries: whose it is, and our labels. Pure.

use std::collections::BTreeMap;

use api::labels;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::OwnerReference;

/// The object in whose wake what was made for it goes.
pub(crate) fn by(kind: &str, name: &str, uid: &str) -> OwnerReference {
    reference("v1beta1", kind, name, uid)
}

/// The same for a Repository, whose version is older.
pub(crate) fn by_repository(name: &str, uid: &str) -> OwnerReference {
    reference("v1alpha1", "Repository", name, uid)
}

fn reference(version: &str, kind: &str, name: &str, uid: &str) -> OwnerReference {
    OwnerReference {
        api_version: format!("{}/{version}", labels::GROUP),
        kind: kind.to_owned(),
        name: name.to_owned(),
        uid: uid.to_owned(),
        controller: Some(true),
        block_owner_deletion: Some(true),
    }
}

/// The invoker's own labels, and that it is our work; `component`: [`labels::BACKUP`] or [`labels::RESTORE`].
pub(crate) fn labels(invoker: Option<&BTreeMap<String, String>>, component: &str) -> BTreeMap<String, String> {
    let mut all = invoker.cloned().unwrap_or_default();
    all.insert(labels::COMPONENT.to_owned(), component.to_owned());
    all.insert(labels::MANAGED_BY.to_owned(), labels::GROUP.to_owned());
    all
}
