//! What came of a hook, told: as a condition, an event, an exit code.

use api::{Condition, target::TargetRef};

use super::{RunHook, When};
use crate::{
    cluster::{Cluster, Object, set},
    error::JobError,
};

impl RunHook {
    /// The target, by kind and name.
    pub(super) fn target(&self) -> TargetRef {
        let [kind, name] = [&self.target_kind, &self.target_name].map(|part| Some(part.clone()));
        TargetRef { api_version: None, kind, name }
    }

    /// The condition, and its reasons for success and failure.
    fn condition(&self) -> [&'static str; 3] {
        if self.is_global() { self.when.global_condition() } else { self.when.condition() }
    }

    /// What it is called.
    fn called(&self) -> String {
        format!("{}{} hook", if self.is_global() { "batch's " } else { "" }, self.when.field())
    }
}

impl When {
    /// The same of a whole batch.
    fn global_condition(self) -> [&'static str; 3] {
        match self {
            Self::PreBackup => [
                "GlobalPreBackupHookSucceeded",
                "GlobalPreBackupHookExecutedSuccessfully",
                "GlobalPreBackupHookExecutionFailed",
            ],
            Self::PostBackup => [
                "GlobalPostBackupHookSucceeded",
                "GlobalPostBackupHookExecutedSuccessfully",
                "GlobalPostBackupHookExecutionFailed",
            ],
            Self::PreRestore => [
                "GlobalPreRestoreHookSucceeded",
                "GlobalPreRestoreHookExecutedSuccessfully",
                "GlobalPreRestoreHookExecutionFailed",
            ],
            Self::PostRestore => [
                "GlobalPostRestoreHookSucceeded",
                "GlobalPostRestoreHookExecutedSuccessfully",
                "GlobalPostRestoreHookExecutionFailed",
            ],
        }
    }

    /// The condition of a target, and its reasons for success and failure.
    fn condition(self) -> [&'static str; 3] {
        match self {
            Self::PreBackup => {
                ["PreBackupHookExecutionSucceeded", "SuccessfullyExecutedPreBackupHook", "FailedToExecutePreBackupHook"]
            }
            Self::PostBackup => [
                "PostBackupHookExecutionSucceeded",
                "SuccessfullyExecutedPostBackupHook",
                "FailedToExecutePostBackupHook",
            ],
            Self::PreRestore => [
                "PreRestoreHookExecutionSucceeded",
                "SuccessfullyExecutedPreRestoreHook",
                "FailedToExecutePreRestoreHook",
            ],
            Self::PostRestore => [
                "PostRestoreHookExecutionSucceeded",
                "SuccessfullyExecutedPostRestoreHook",
                "FailedToExecutePostRestoreHook",
            ],
        }
    }
}

/// Whether it went well, the reason, and the same for a person; nothing of a hook that did not run.
fn told(hook: &RunHook, done: &Result<bool, JobError>) -> Option<(bool, &'static str, String)> {
    let [_, good, bad] = hook.condition();
    match done {
        Ok(false) => None,
        Ok(true) => Some((true, good, format!("the {} was run", hook.called()))),
        Err(error) => Some((false, bad, format!("the {} failed: {}", hook.called(), error.story()))),
    }
}

/// Says in the conditions what came of it.
pub(super) fn say(conditions: &mut Option<Vec<Condition>>, hook: &RunHook, done: &Result<bool, JobError>) {
    let [type_, ..] = hook.condition();
    if let Some((well, reason, message)) = told(hook, done) {
        set(conditions, type_, well, reason, &message);
    }
}

/// Tells it as an event.
pub(super) async fn tell<K: Object>(cluster: &Cluster, session: &K, hook: &RunHook, done: &Result<bool, JobError>) {
    if let Some((well, reason, message)) = told(hook, done) {
        cluster.tell(session, !well, reason, &message).await;
    }
}

/// What the container ends with.
pub(super) fn verdict(hook: &RunHook, done: Result<bool, JobError>) -> Result<(), JobError> {
    match done {
        Ok(_) => Ok(()),
        Err(error) if hook.when.is_before() => Err(error),
        Err(error) => {
            tracing::error!(error = error.story(), "the hook failed");
            Ok(())
        }
    }
}

#[cfg(test)]
pub(super) mod tests {
    use std::path::PathBuf;

    use super::*;

    /// A hook of a batch's target; of none, where it has no name.
    pub(in crate::hook) fn hook(when: When, target: &str) -> RunHook {
        RunHook {
            namespace: "logs".into(),
            backup_session: "s".into(),
            invoker_kind: "BackupBatch".into(),
            invoker_name: "stack".into(),
            target_kind: if target.is_empty() { String::new() } else { "AppBinding".into() },
            target_name: target.into(),
            when,
            output_dir: PathBuf::new(),
        }
    }

    #[test]
    fn what_failed_is_said_with_its_hook() {
        let failed = || Err(JobError::Worker { what: "x".into() });
        for (target, type_, message) in [
            ("alpha", "PreBackupHookExecutionSucceeded", "the preBackup hook failed: a worker ended: x"),
            ("", "GlobalPreBackupHookSucceeded", "the batch's preBackup hook failed: a worker ended: x"),
        ] {
            let hook = hook(When::PreBackup, target);
            let mut conditions = None;
            say(&mut conditions, &hook, &Ok(false));
            assert_eq!(conditions, None);
            say(&mut conditions, &hook, &failed());
            let said = &conditions.expect("a condition")[0];
            assert_eq!((said.type_.as_str(), said.message.as_str()), (type_, message));
        }
        assert!(verdict(&hook(When::PostBackup, "alpha"), failed()).is_ok());
        assert!(verdict(&hook(When::PreRestore, "alpha"), failed()).is_err());
    }
}
