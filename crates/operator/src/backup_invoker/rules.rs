//! What an invoker may not say. Pure.

use api::{BackupInvoker, invoker::BACKUP_BATCH, target::TargetRef};

use crate::{executor::HOST, tasks};

/// What is wrong with it, with the field's name; nothing of what Stash accepts and can work.
pub(crate) fn broken(invoker: &BackupInvoker) -> Option<String> {
    let retry = invoker.spec.retry_config.as_ref();
    if let Some(delay) = retry.and_then(|retry| retry.delay.as_deref())
        && let Err(why) = tasks::duration(delay)
    {
        return Some(format!("spec.retryConfig.delay: {why}"));
    }
    if invoker.kind != BACKUP_BATCH {
        return None;
    }
    let members: Vec<(&str, TargetRef)> = invoker
        .members()
        .iter()
        .map(|member| {
            let target = member.target.as_ref();
            let alias = target.and_then(|target| target.alias.as_deref()).filter(|alias| !alias.is_empty());
            (alias.unwrap_or(HOST), target.and_then(|target| target.target_ref.clone()).unwrap_or_default())
        })
        .collect();
    if members.is_empty() {
        return Some("spec.members: a batch needs a member".into());
    }
    members.iter().enumerate().find_map(|(at, (host, target))| {
        let earlier = &members[..at];
        if let Some(other) = earlier.iter().position(|(known, _)| known == host) {
            return Some(format!(
                "spec.members[{at}].target.alias: the snapshots of this member and of members[{other}] would both be those of \
                 host {host:?}; give each member an alias of its own"
            ));
        }
        let other = earlier.iter().position(|(_, known)| (&known.kind, &known.name) == (&target.kind, &target.name))?;
        let name = target.name.as_deref().unwrap_or_default();
        Some(format!("spec.members[{at}].target.ref: {name:?} is the target of members[{other}] already"))
    })
}

#[cfg(test)]
mod tests {
    use api::BackupBatch;
    use serde_json::{Value, json};

    use super::*;

    #[test]
    fn hosts_and_targets_of_a_batch_are_its_members_own() {
        let batch = |members: Value| -> BackupInvoker {
            let batch = json!({ "apiVersion": "stash.appscode.com/v1beta1", "kind": "BackupBatch", "metadata": { "name": "b" },
                "spec": { "retentionPolicy": { "name": "all", "prune": false }, "members": members } });
            serde_json::from_value::<BackupBatch>(batch).expect("a batch").into()
        };
        let member = |alias: &str, name: &str| json!({ "target": { "alias": alias, "ref": { "kind": "AppBinding", "name": name } } });
        assert_eq!(broken(&batch(json!([member("a", "alpha"), member("", "beta")]))), None);
        for (members, part) in [
            (json!([]), "spec.members: a batch needs"),
            (json!([member("a", "alpha"), member("a", "beta")]), "spec.members[1].target.alias"),
            (json!([member("", "alpha"), member("b", "x"), member("", "beta")]), "spec.members[2].target.alias"),
            (json!([member("a", "alpha"), member("b", "alpha")]), "spec.members[1].target.ref: \"alpha\""),
        ] {
            let why = broken(&batch(members.clone())).unwrap_or_default();
            assert!(why.contains(part), "{members}: {why:?}");
        }
    }
}
