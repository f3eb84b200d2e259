//! Whether a namespace may use a repository. Pure.

use std::collections::BTreeMap;

use api::{
    Repository,
    repository::{AllowedNamespaces, From},
};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{LabelSelector, LabelSelectorRequirement};

/// Why a namespace may not use a repository.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("namespace {namespace} may not use Repository {repository} of namespace {of}: {why}")]
pub struct Refused {
    namespace: String,
    repository: String,
    of: String,
    why: &'static str,
}

/// Checks a repository's usage policy for a namespace with these labels.
///
/// # Errors
/// [`Refused`], which says what would have to be changed.
pub fn check(repository: &Repository, namespace: &str, labels: &BTreeMap<String, String>) -> Result<(), Refused> {
    let of = repository.metadata.namespace.as_deref().unwrap_or_default();
    let allowed = repository.spec.usage_policy.as_ref().and_then(|policy| policy.allowed_namespaces.as_ref());
    let AllowedNamespaces { from, selector } = allowed.cloned().unwrap_or_default();
    let why = match from {
        From::All => return Ok(()),
        From::Same if of == namespace => return Ok(()),
        From::Same => "its usagePolicy allows its own namespace only",
        From::Selector if selector.is_some_and(|selector| chooses(&selector, labels)) => return Ok(()),
        From::Selector => "the selector of its usagePolicy does not choose the namespace's labels",
    };
    Err(Refused {
        namespace: namespace.to_owned(),
        repository: repository.metadata.name.clone().unwrap_or_default(),
        of: of.to_owned(),
        why,
    })
}

/// Whether a selector chooses an object with these labels. One that says nothing chooses everything.
pub fn chooses(selector: &LabelSelector, labels: &BTreeMap<String, String>) -> bool {
    let same = selector.match_labels.iter().flatten().all(|(name, value)| labels.get(name) == Some(value));
    same && selector.match_expressions.iter().flatten().all(|requirement| holds(requirement, labels))
}

fn holds(requirement: &LabelSelectorRequirement, labels: &BTreeMap<String, String>) -> bool {
    let value = labels.get(&requirement.key);
    let among = || value.is_some_and(|value| requirement.values.iter().flatten().any(|one| one == value));
    match requirement.operator.as_str() {
        "In" => among(),
        "NotIn" => !among(),
        "Exists" => value.is_some(),
        "DoesNotExist" => value.is_none(),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use api::{RepositorySpec, repository::UsagePolicy};

    use super::*;

    fn repository(from: From, selector: Option<LabelSelector>) -> Repository {
        let policy = UsagePolicy { allowed_namespaces: Some(AllowedNamespaces { from, selector }) };
        let mut repository =
            Repository::new("store", RepositorySpec { usage_policy: Some(policy), ..RepositorySpec::default() });
        repository.metadata.namespace = Some("logs".into());
        repository
    }

    #[test]
    fn a_repository_is_used_by_those_whom_it_allows() {
        let labels = BTreeMap::from([("tier".to_owned(), "gold".to_owned())]);
        let expression = |operator: &str, values: &[&str]| LabelSelector {
            match_labels: None,
            match_expressions: Some(vec![LabelSelectorRequirement {
                key: "tier".into(),
                operator: operator.into(),
                values: Some(values.iter().map(|value| (*value).to_owned()).collect()),
            }]),
        };
        let cases = [
            (From::Same, None, "logs", true),
            (From::Same, None, "search", false),
            (From::All, None, "search", true),
            (From::Selector, None, "search", false),
            (From::Selector, Some(expression("In", &["gold", "silver"])), "search", true),
            (From::Selector, Some(expression("NotIn", &["gold"])), "search", false),
            (From::Selector, Some(expression("Exists", &[])), "search", true),
            (From::Selector, Some(expression("DoesNotExist", &[])), "search", false),
        ];
        for (from, selector, namespace, allowed) in cases {
            let checked = check(&repository(from, selector.clone()), namespace, &labels);
            assert_eq!(checked.is_ok(), allowed, "{from:?} {selector:?} {namespace}: {checked:?}");
        }
    }
}
