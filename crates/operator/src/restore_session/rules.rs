//! Which rules a restore goes by, and whether they can be followed. Pure.

use std::collections::BTreeSet;

use api::{RestoreSessionSpec, target::RestoreRule};

/// The rules that count: those at the old place, where there are some.
pub(super) fn of(spec: &RestoreSessionSpec) -> &[RestoreRule] {
    let old = spec.rules.as_deref().unwrap_or_default();
    if old.is_empty() {
        spec.target.as_ref().and_then(|target| target.rules.as_deref()).unwrap_or_default()
    } else {
        old
    }
}

/// Checks what Stash's webhook checks.
///
/// # Errors
/// What is wrong, with the field's name.
pub(super) fn check(spec: &RestoreSessionSpec) -> Result<(), String> {
    let at =
        if spec.rules.as_ref().is_some_and(|rules| !rules.is_empty()) { "spec.rules" } else { "spec.target.rules" };
    let (mut without_hosts, mut hosts) = (0, BTreeSet::new());
    for (number, rule) in of(spec).iter().enumerate() {
        let given = |list: &Option<Vec<String>>| list.as_ref().is_some_and(|list| !list.is_empty());
        if given(&rule.snapshots) && given(&rule.paths) {
            return Err(format!(
                "{at}[{number}]: snapshots and paths exclude each other: a snapshot has its own paths"
            ));
        }
        if !given(&rule.target_hosts) {
            without_hosts += 1;
            if without_hosts > 1 {
                return Err(format!(
                    "{at}[{number}].targetHosts: only one rule may be without them, and there was one before"
                ));
            }
        }
        for host in rule.target_hosts.iter().flatten() {
            if !hosts.insert(host) {
                return Err(format!("{at}[{number}].targetHosts: host {host:?} is in a rule before this one already"));
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use api::target::RestoreTarget;
    use serde_json::json;

    use super::*;

    #[test]
    fn bad_rules_are_named_by_their_field() {
        let cases = [
            (json!([{ "snapshots": ["latest"] }, { "paths": ["/a"] }]), "rules[1].targetHosts: only one rule"),
            (json!([{ "targetHosts": ["h1"] }, { "targetHosts": ["h1", "h2"] }]), "rules[1].targetHosts: host \"h1\""),
            (json!([{ "snapshots": ["latest"], "paths": ["/a"] }]), "rules[0]: snapshots and paths"),
        ];
        for (rules, why) in cases {
            let rules: Vec<RestoreRule> = serde_json::from_value(rules).expect("rules");
            let old = RestoreSessionSpec { rules: Some(rules.clone()), ..RestoreSessionSpec::default() };
            let target = RestoreTarget { rules: Some(rules), ..RestoreTarget::default() };
            let new = RestoreSessionSpec { target: Some(target), ..RestoreSessionSpec::default() };
            assert!(check(&old).is_err_and(|error| error.starts_with("spec.rules[") && error.contains(why)), "{why}");
            assert!(
                check(&new).is_err_and(|error| error.starts_with("spec.target.rules[") && error.contains(why)),
                "{why}"
            );
        }
        assert_eq!(check(&RestoreSessionSpec::default()), Ok(()));
    }
}
