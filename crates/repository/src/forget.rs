//! Forgetting snapshots: by policy or by name. Never removes data: that is prune.

use std::collections::BTreeMap;

use crate::{
    backend::FileKind,
    error::{Error, Result},
    id::Id,
    repository::Repository,
    retention::Keep,
    snapshots::{Snapshot, SnapshotQuery},
};

/// Which snapshots go.
#[derive(Debug, Clone, Default)]
pub struct ForgetOptions {
    /// The policy, applied to each group of snapshots with the same host and paths, as restic does by default.
    pub keep: Keep,
    /// Apply the policy only to snapshots of this host, with these tags, of this path; the query's id is not looked at.
    pub among: SnapshotQuery,
    /// Snapshots that go whatever the policy says: beginnings of ids.
    pub remove: Vec<String>,
    /// Only say what would go.
    pub dry_run: bool,
}

/// What became, or would become, of the snapshots.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct ForgetReport {
    /// Those that stay and why, oldest first. Those that the policy was not applied to are not here.
    pub kept: Vec<(Snapshot, Vec<String>)>,
    /// Those that are gone, or would be.
    pub removed: Vec<Snapshot>,
}

impl Repository {
    /// Removes snapshots. The caller holds an exclusive [`crate::Lock`], as restic does for this.
    ///
    /// # Errors
    /// [`Error::Option`] when the policy would leave nothing of a group: remove such snapshots by their ids.
    /// [`Error::NoSnapshot`] and [`Error::AmbiguousSnapshot`] for the ids; nothing is removed then.
    pub fn forget(&self, options: &ForgetOptions) -> Result<ForgetReport> {
        self.may_remove()?;
        let report = plan(self.snapshots()?, options)?;
        if !options.dry_run {
            for snapshot in &report.removed {
                self.store().backend.remove(FileKind::Snapshot, &snapshot.id)?;
            }
        }
        Ok(report)
    }

    /// Removes one snapshot, without a look at the others. The caller holds an exclusive [`crate::Lock`].
    ///
    /// # Errors
    /// [`Error::NoSnapshot`] when it is not there.
    pub fn forget_one(&self, id: &Id) -> Result<()> {
        self.may_remove()?;
        self.find(&SnapshotQuery::id(id.to_string()))?;
        Ok(self.store().backend.remove(FileKind::Snapshot, id)?)
    }

    fn may_remove(&self) -> Result<()> {
        if self.config().is_append_only() {
            return Err(Error::Unsupported { what: "append_only set in its configuration, so removing".to_owned() });
        }
        Ok(())
    }
}

fn plan(snapshots: Vec<Snapshot>, options: &ForgetOptions) -> Result<ForgetReport> {
    let mut named: Vec<Id> = Vec::new();
    for prefix in &options.remove {
        named.push(SnapshotQuery::id(prefix).choose(snapshots.clone())?.id);
    }
    let mut report = ForgetReport::default();
    let mut groups: BTreeMap<(String, Vec<String>), Vec<Snapshot>> = BTreeMap::new();
    for snapshot in snapshots {
        if named.contains(&snapshot.id) {
            report.removed.push(snapshot);
        } else if !options.keep.is_empty() && options.among.admits(&snapshot) {
            let mut paths = snapshot.paths.clone();
            paths.sort_unstable();
            groups.entry((snapshot.hostname.clone(), paths)).or_default().push(snapshot);
        }
    }
    for ((host, paths), mut group) in groups {
        group.reverse();
        let reasons = options
            .keep
            .reasons(&group)
            .map_err(|error| Error::Option { option: "keep-within", reason: error.to_string() })?;
        if reasons.iter().all(Vec::is_empty) {
            let reason =
                format!("it would remove every snapshot of host {host:?}, paths {paths:?}; name them to do that");
            return Err(Error::Option { option: "the retention policy", reason });
        }
        for (snapshot, reasons) in group.into_iter().zip(reasons) {
            if reasons.is_empty() {
                report.removed.push(snapshot);
            } else {
                report.kept.push((snapshot, reasons));
            }
        }
    }
    report.kept.sort_by_key(|(snapshot, _)| snapshot.time.timestamp());
    report.removed.sort_by_key(|snapshot| snapshot.time.timestamp());
    Ok(report)
}
