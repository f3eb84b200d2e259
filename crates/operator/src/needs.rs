//! What an invoker or a restore needs before anything can begin: its Repository, the Secret that opens it, leave to use it, its
//! target. Says each as a condition. Pure.

use std::collections::BTreeMap;

use api::{
    Repository,
    session::{Driver, RepositoryRef},
    target::TargetRef,
};

use crate::{
    conditions::{Conditions, Reasons},
    lookup::Lookup,
    usage,
};

/// What is needed, and what came of looking for it.
#[derive(Debug, Clone)]
pub struct Needs<'a> {
    /// The object's namespace.
    pub namespace: &'a str,
    /// That namespace's labels.
    pub namespace_labels: &'a BTreeMap<String, String>,
    /// What does the work.
    pub driver: Driver,
    /// The Repository by name.
    pub repository_ref: Option<&'a RepositoryRef>,
    /// The Repository.
    pub repository: &'a Lookup<Repository>,
    /// Its storage Secret.
    pub secret: &'a Lookup<()>,
    /// What is wrong with the object itself.
    pub broken_rule: Option<String>,
}

/// Where the data goes or comes from.
#[derive(Debug, Clone)]
pub struct Place {
    /// The Repository.
    pub repository: Lookup<Repository>,
    /// Its storage Secret.
    pub secret: Lookup<()>,
}

/// Whether something can begin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Everything is there but for the targets.
    Complete,
    /// The Repository or its Secret is not there, or nobody knows.
    NoRepository,
    /// A rule is broken.
    Invalid,
}

const REPOSITORY: Reasons = Reasons {
    available: "RepositoryAvailable",
    missing: "RepositoryNotAvailable",
    unknown: "UnableToCheckRepositoryAvailability",
};
const SECRET: Reasons = Reasons {
    available: "BackendSecretAvailable",
    missing: "BackendSecretNotAvailable",
    unknown: "UnableToCheckBackendSecretAvailability",
};
const TARGET: Reasons =
    Reasons { available: "TargetAvailable", missing: "TargetNotAvailable", unknown: "UnableToCheckTargetAvailability" };

/// Says in `conditions` what is there and what is not.
pub fn look(needs: &Needs<'_>, conditions: &mut Conditions) -> Verdict {
    if needs.driver == Driver::Restic {
        let verdict = look_for_repository(needs, conditions);
        if verdict != Verdict::Complete {
            return verdict;
        }
    }
    if let Some(why) = &needs.broken_rule {
        conditions.set("ValidationPassed", false, "ResourceValidationFailed", why);
        return Verdict::Invalid;
    }
    conditions.set("ValidationPassed", true, "ResourceValidationPassed", "no rule is broken");
    Verdict::Complete
}

/// Says under `condition` whether a target is there.
pub fn look_for_target(condition: &str, target: Option<&TargetRef>, lookup: &Lookup<()>, conditions: &mut Conditions) {
    conditions.set_found(condition, lookup, &named(target), TARGET);
}

fn look_for_repository(needs: &Needs<'_>, conditions: &mut Conditions) -> Verdict {
    let of = needs.repository_ref.cloned().unwrap_or_default();
    let what = format!("Repository {}/{}", of.namespace.as_deref().unwrap_or(needs.namespace), of.name);
    conditions.set_found("RepositoryFound", needs.repository, &what, REPOSITORY);
    let Some(repository) = needs.repository.found() else { return Verdict::NoRepository };
    let secret = repository.spec.backend.as_ref().and_then(|backend| backend.storage_secret_name.as_deref());
    let at = repository.metadata.namespace.as_deref().unwrap_or_default();
    let what = format!("Secret {at}/{}", secret.unwrap_or("(spec.backend.storageSecretName is empty)"));
    conditions.set_found("BackendSecretFound", needs.secret, &what, SECRET);
    if needs.secret.found().is_none() {
        return Verdict::NoRepository;
    }
    match usage::check(repository, needs.namespace, needs.namespace_labels) {
        Ok(()) => Verdict::Complete,
        Err(refused) => {
            conditions.set("ValidationPassed", false, "ResourceValidationFailed", refused.to_string());
            Verdict::Invalid
        }
    }
}

/// `appcatalog.appscode.com/v1alpha1 appbinding/alpha`.
fn named(target: Option<&TargetRef>) -> String {
    let TargetRef { api_version, kind, name } = target.cloned().unwrap_or_default();
    let [version, kind, name] = [api_version, kind, name].map(Option::unwrap_or_default);
    format!("{version} {}/{name}", kind.to_lowercase())
}
