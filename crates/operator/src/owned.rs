//! The labels of everything that we make for an object. Pure.

use std::collections::BTreeMap;

use api::labels;

/// The invoker's own labels, and that it is our work; `component`: [`labels::BACKUP`] or [`labels::RESTORE`].
pub(crate) fn labels(invoker: Option<&BTreeMap<String, String>>, component: &str) -> BTreeMap<String, String> {
    let mut all = invoker.cloned().unwrap_or_default();
    all.insert(labels::COMPONENT.to_owned(), component.to_owned());
    all.insert(labels::MANAGED_BY.to_owned(), labels::GROUP.to_owned());
    all
}
