//! Which rules a restore goes by, and whether they can be followed. Pure.

use std::collections::BTreeSet;

use api::{RestoreInvoker, target::RestoreRule};

/// What is wrong with a restore, with the field's name: what Stash's webhook looks for, and members that mean the same target.
pub(crate) fn broken(restore: &RestoreInvoker) -> Option<String> {
    let members = restore.members();
    if members.is_empty() {
        return Some("spec.members: a batch needs a member".into());
    }
    members.iter().enumerate().find_map(|(at, member)| {
        let target = member.target.as_ref();
        let rules = target.and_then(|target| target.rules.as_deref()).unwrap_or_default();
        let field =
            if restore.is_single() { restore.rules_at.to_owned() } else { format!("spec.members[{at}].target.rules") };
        let of = |member: &api::restore_batch::RestoreMember| {
            let target = member.target.as_ref().and_then(|target| target.target_ref.clone()).unwrap_or_default();
            (target.kind, target.name)
        };
        let same = members[..at].iter().position(|other| of(other) == of(member));
        let twice = same.map(|other| {
            let name = of(member).1.unwrap_or_default();
            format!("spec.members[{at}].target.ref: {name:?} is the target of members[{other}] already")
        });
        check(rules, &field).err().or(twice)
    })
}

/// Checks the rules of a target.
fn check(rules: &[RestoreRule], at: &str) -> Result<(), String> {
    let (mut without_hosts, mut hosts) = (0, BTreeSet::new());
    for (number, rule) in rules.iter().enumerate() {
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
    use api::{RestoreBatch, RestoreSession};
    use serde_json::{Value, json};

    use super::*;

    #[test]
    fn bad_rules_are_named_by_their_field() {
        let restore = |spec: &Value| -> RestoreInvoker {
            let object = json!({ "apiVersion": "stash.appscode.com/v1beta1", "kind": "RestoreSession",
                "metadata": { "name": "r" }, "spec": spec });
            serde_json::from_value::<RestoreSession>(object).expect("a RestoreSession").into()
        };
        let cases = [
            (json!([{ "snapshots": ["latest"] }, { "paths": ["/a"] }]), "rules[1].targetHosts: only one rule"),
            (json!([{ "targetHosts": ["h1"] }, { "targetHosts": ["h1", "h2"] }]), "rules[1].targetHosts: host \"h1\""),
            (json!([{ "snapshots": ["latest"], "paths": ["/a"] }]), "rules[0]: snapshots and paths"),
        ];
        for (rules, why) in cases {
            for (spec, field) in [
                (json!({ "rules": rules, "target": {} }), "spec.rules["),
                (json!({ "target": { "rules": rules } }), "spec.target.rules["),
            ] {
                let broken = broken(&restore(&spec)).unwrap_or_default();
                assert!(broken.starts_with(field) && broken.contains(why), "{spec}: {broken:?}");
            }
        }
        assert_eq!(broken(&restore(&json!({ "target": {} }))), None);
    }

    #[test]
    fn a_batchs_members_are_checked_each() {
        let batch = |members: Value| -> RestoreInvoker {
            let object = json!({ "apiVersion": "stash.appscode.com/v1beta1", "kind": "RestoreBatch",
                "metadata": { "name": "b" }, "spec": { "members": members } });
            serde_json::from_value::<RestoreBatch>(object).expect("a RestoreBatch").into()
        };
        let member = |name: &str, rules: Value| json!({ "target": { "ref": { "kind": "AppBinding", "name": name }, "rules": rules } });
        let twice = json!([{ "targetHosts": ["h"] }, { "targetHosts": ["h"] }]);
        for (members, part) in [
            (json!([]), "spec.members: a batch needs"),
            (json!([member("a", json!([])), member("b", twice)]), "spec.members[1].target.rules[1].targetHosts"),
            (json!([member("a", json!([])), member("a", json!([]))]), "spec.members[1].target.ref: \"a\""),
        ] {
            let why = broken(&batch(members.clone())).unwrap_or_default();
            assert!(why.starts_with(part), "{members}: {why:?}");
        }
    }
}
