//! Rights in the namespace of a Repository that another namespace uses: to read it and its Secret, and to write its status. Pure.

use std::collections::{BTreeMap, BTreeSet};

use api::{Repository, labels, owner};
use k8s_openapi::{
    api::rbac::v1::{PolicyRule, Role, RoleBinding},
    apimachinery::pkg::apis::meta::v1::ObjectMeta,
};

use crate::{identity, plan::Wanted};

/// Who uses a Repository.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct User<'a> {
    /// Its kind.
    pub(crate) kind: &'a str,
    /// Its namespace.
    pub(crate) namespace: &'a str,
    /// Its name.
    pub(crate) name: &'a str,
}

/// The name of such rights.
pub(crate) fn name(user: User<'_>) -> String {
    format!("{}-{}-{}", user.namespace, user.kind.to_lowercase(), user.name)
}

/// What service accounts of another namespace need. They go with the Repository; nothing, where it is in the same one.
pub(crate) fn wanted(repository: &Repository, user: User<'_>, accounts: &BTreeSet<String>) -> Vec<Wanted> {
    let at = repository.metadata.namespace.as_deref().unwrap_or_default();
    if at == user.namespace {
        return Vec::new();
    }
    let of = repository.metadata.name.as_deref().unwrap_or_default();
    let uid = repository.metadata.uid.as_deref().unwrap_or_default();
    let metadata = ObjectMeta {
        name: Some(name(user)),
        namespace: Some(at.to_owned()),
        labels: Some(BTreeMap::from([(labels::MANAGED_BY.to_owned(), labels::GROUP.to_owned())])),
        owner_references: Some(vec![owner::by_repository(of, uid)]),
        ..ObjectMeta::default()
    };
    let secret = repository.spec.backend.as_ref().and_then(|backend| backend.storage_secret_name.clone());
    let rule = |group: &str, resource: &str, names: Vec<String>, verbs: &[&str]| PolicyRule {
        api_groups: Some(vec![group.to_owned()]),
        resources: Some(vec![resource.to_owned()]),
        resource_names: Some(names),
        verbs: verbs.iter().map(|verb| (*verb).to_owned()).collect(),
        ..PolicyRule::default()
    };
    let mut rules = vec![
        rule(labels::GROUP, "repositories", vec![of.to_owned()], &["get"]),
        rule(labels::GROUP, "repositories/status", vec![of.to_owned()], &["get", "patch", "update"]),
    ];
    // A rule without names would be one about all Secrets.
    if let Some(secret) = secret.filter(|name| !name.is_empty()) {
        rules.push(rule("", "secrets", vec![secret], &["get"]));
    }
    vec![
        Wanted::Role(Role { metadata: metadata.clone(), rules: Some(rules) }),
        Wanted::RoleBinding(RoleBinding {
            role_ref: identity::role("Role", &name(user)),
            subjects: Some(accounts.iter().map(|account| identity::account(account, user.namespace)).collect()),
            metadata,
        }),
    ]
}
