//! `create backupconfig`: what is backed up, when and whereto, of flags. Pure.

use api::{
    BackupConfiguration, BackupConfigurationSpec,
    retention::RetentionPolicy,
    session::{Driver, RepositoryRef},
    target::BackupTarget,
    task::TaskRef,
};

use super::{Target, driver, mounts, name, some};
use crate::{Error, Result};

/// What the flags say.
#[derive(Debug, Clone, Default)]
pub struct NewBackupConfiguration {
    /// Its name.
    pub name: String,
    /// `--driver`.
    pub driver: Option<String>,
    /// `--schedule`.
    pub schedule: Option<String>,
    /// `--repo-name`.
    pub repository: Option<String>,
    /// `--repo-namespace`.
    pub repository_namespace: Option<String>,
    /// `--task`.
    pub task: Option<String>,
    /// `--target-…`.
    pub target: Target,
    /// `--paths`.
    pub paths: Vec<String>,
    /// `--volume-mounts`.
    pub volume_mounts: Vec<String>,
    /// `--replica`; 0 says nothing.
    pub replicas: i32,
    /// `--volumesnpashotclass`.
    pub snapshot_class: Option<String>,
    /// `--keep-…`, `--prune` and `--dry-run`.
    pub retention: Retention,
}

/// Which snapshots are kept; 0 says nothing.
#[derive(Debug, Clone, Copy, Default)]
pub struct Retention {
    /// `--keep-last`.
    pub last: i64,
    /// `--keep-hourly`.
    pub hourly: i64,
    /// `--keep-daily`.
    pub daily: i64,
    /// `--keep-weekly`.
    pub weekly: i64,
    /// `--keep-monthly`.
    pub monthly: i64,
    /// `--keep-yearly`.
    pub yearly: i64,
    /// `--prune`.
    pub prune: bool,
    /// `--dry-run`.
    pub dry_run: bool,
}

impl NewBackupConfiguration {
    /// The object.
    ///
    /// # Errors
    /// Where flags are missing or say nothing that can be meant.
    pub fn object(&self, namespace: &str) -> Result<BackupConfiguration> {
        name("the BackupConfiguration's name", &self.name)?;
        let driver = driver(self.driver.as_deref())?;
        let mut spec = BackupConfigurationSpec {
            driver,
            schedule: self.schedule.clone(),
            retention_policy: self.retention.policy(),
            ..BackupConfigurationSpec::default()
        };
        let target_ref = self.target.reference()?;
        let replicas = Some(self.replicas).filter(|many| *many > 0);
        let target = match driver {
            Driver::Restic => {
                let none = || Error::Flags { why: "--repo-name is missing: into which Repository?".into() };
                let repository = self.repository.clone().filter(|name| !name.is_empty()).ok_or_else(none)?;
                spec.repository =
                    Some(RepositoryRef { name: repository, namespace: self.repository_namespace.clone() });
                spec.task = self.task.clone().map(|name| TaskRef { name: Some(name), params: None });
                let (paths, volume_mounts) = (some(self.paths.clone()), mounts(&self.volume_mounts)?);
                BackupTarget { target_ref, paths, volume_mounts, replicas, ..BackupTarget::default() }
            }
            Driver::VolumeSnapshotter => {
                let snapshot_class_name = self.snapshot_class.clone();
                BackupTarget { target_ref, snapshot_class_name, replicas, ..BackupTarget::default() }
            }
        };
        spec.target = Some(target);
        let mut object = BackupConfiguration::new(&self.name, spec);
        object.metadata.namespace = Some(namespace.to_owned());
        Ok(object)
    }
}

impl Retention {
    /// The policy, named after what it keeps: Stash's plugin takes the longest of the periods.
    fn policy(self) -> RetentionPolicy {
        let given = |many: i64| Some(many).filter(|many| *many > 0);
        let periods = [
            ("keep-yearly", self.yearly),
            ("keep-monthly", self.monthly),
            ("keep-weekly", self.weekly),
            ("keep-hourly", self.hourly),
            ("keep-daily", self.daily),
            ("keep-last", self.last),
        ];
        let named = periods.into_iter().find(|(_, many)| *many > 0);
        RetentionPolicy {
            name: named.map_or_else(|| "keep-all".to_owned(), |(period, many)| format!("{period}-{many}")),
            keep_last: given(self.last),
            keep_hourly: given(self.hourly),
            keep_daily: given(self.daily),
            keep_weekly: given(self.weekly),
            keep_monthly: given(self.monthly),
            keep_yearly: given(self.yearly),
            keep_tags: None,
            prune: self.prune,
            dry_run: self.dry_run.then_some(true),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn new() -> NewBackupConfiguration {
        let text = |text: &str| Some(text.to_owned());
        NewBackupConfiguration {
            name: "es".into(),
            schedule: text("*/5 * * * *"),
            repository: text("store"),
            repository_namespace: text("backups"),
            task: text("elasticsearch-backup-7.14.0"),
            target: Target {
                api_version: text("appcatalog.appscode.com/v1alpha1"),
                kind: text("AppBinding"),
                name: text("es"),
            },
            retention: Retention { last: 5, daily: 7, prune: true, ..Retention::default() },
            ..NewBackupConfiguration::default()
        }
    }

    #[test]
    fn flags_become_the_object_that_stashs_plugin_makes() {
        let object = new().object("demo").expect("an object");
        let expected = json!({
            "apiVersion": "stash.appscode.com/v1beta1", "kind": "BackupConfiguration",
            "metadata": {"name": "es", "namespace": "demo"},
            "spec": {
                "driver": "Restic", "schedule": "*/5 * * * *",
                "task": {"name": "elasticsearch-backup-7.14.0"},
                "repository": {"name": "store", "namespace": "backups"},
                "target": {"ref": {"apiVersion": "appcatalog.appscode.com/v1alpha1", "kind": "AppBinding", "name": "es"}},
                "retentionPolicy": {"name": "keep-daily-7", "keepLast": 5, "keepDaily": 7, "prune": true},
            },
        });
        assert_eq!(serde_json::to_value(object).expect("JSON"), expected);
    }

    #[test]
    fn volume_snapshots_have_a_class_and_no_repository() {
        let new = NewBackupConfiguration {
            driver: Some("VolumeSnapshotter".into()),
            snapshot_class: Some("fast".into()),
            replicas: 2,
            ..new()
        };
        let spec = new.object("demo").expect("an object").spec;
        let target = spec.target.expect("a target");
        assert_eq!(
            (spec.repository, target.snapshot_class_name.as_deref(), target.replicas),
            (None, Some("fast"), Some(2))
        );
    }

    #[test]
    fn what_is_missing_or_unknown_is_named() {
        let no_repository = NewBackupConfiguration { repository: None, ..new() };
        let driver = NewBackupConfiguration { driver: Some("restic".into()), ..new() };
        for (new, words) in [(no_repository, "--repo-name is missing"), (driver, "--driver \"restic\"")] {
            assert!(new.object("demo").expect_err(words).to_string().contains(words));
        }
        let nothing = NewBackupConfiguration { retention: Retention::default(), ..new() };
        assert_eq!(nothing.object("demo").expect("an object").spec.retention_policy.name, "keep-all");
    }
}
