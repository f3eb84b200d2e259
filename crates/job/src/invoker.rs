//! Whose session a pod works for, of one target or of several, and where it is told what became of a restore's target.

use api::{
    BackupBatch, BackupConfiguration, BackupInvoker, Condition, RestoreBatch, RestoreInvoker, RestoreSession,
    invoker::{self, BACKUP_BATCH, BACKUP_CONFIGURATION, RESTORE_BATCH, RESTORE_SESSION},
    restore_session::HostRestoreStats,
    target::TargetRef,
};
use kube::core::object::HasStatus;
use serde::Serialize;

use crate::{
    cluster::{Cluster, Object},
    error::JobError,
};

/// What begins sessions, by kind and name.
pub(crate) async fn of_backup(
    cluster: &Cluster,
    namespace: &str,
    kind: &str,
    name: &str,
) -> Result<BackupInvoker, JobError> {
    match kind {
        BACKUP_CONFIGURATION | "" => Ok(cluster.get::<BackupConfiguration>(namespace, name).await?.into()),
        BACKUP_BATCH => Ok(cluster.get::<BackupBatch>(namespace, name).await?.into()),
        other => Err(unknown(other, "a BackupConfiguration or a BackupBatch begins sessions")),
    }
}

/// Whether a kind is that of a restore of several targets.
pub(crate) fn is_batch(kind: &str) -> Result<bool, JobError> {
    match kind {
        RESTORE_SESSION | "" => Ok(false),
        RESTORE_BATCH => Ok(true),
        other => Err(unknown(other, "a RestoreSession or a RestoreBatch restores")),
    }
}

fn unknown(kind: &str, why: &str) -> JobError {
    JobError::Flag { flag: "invoker-kind", value: kind.to_owned(), why: why.to_owned() }
}

/// A restore of one target or of several.
pub(crate) trait Restores:
    Object + HasStatus<Status: Clone + Default + Send> + Serialize + Into<RestoreInvoker> + Send + Sync
{
    /// Hosts and conditions of a target; none where the restore has no such target.
    fn of_target<'a>(status: &'a mut Self::Status, target: &TargetRef) -> Option<TargetOf<'a>>;

    /// The conditions of the restore itself.
    fn conditions(status: &mut Self::Status) -> &mut Option<Vec<Condition>>;
}

/// Whether a restore's status has an entry for a target.
pub(crate) fn lists<K: Restores>(restore: &K, target: &TargetRef) -> bool {
    let mut status = restore.status().cloned().unwrap_or_default();
    K::of_target(&mut status, target).is_some()
}

/// What is told of a target.
pub(crate) struct TargetOf<'a> {
    /// Its hosts.
    pub(crate) stats: &'a mut Option<Vec<HostRestoreStats>>,
    /// Its conditions.
    pub(crate) conditions: &'a mut Option<Vec<Condition>>,
}

impl Restores for RestoreSession {
    fn of_target<'a>(status: &'a mut Self::Status, _: &TargetRef) -> Option<TargetOf<'a>> {
        Some(TargetOf { stats: &mut status.stats, conditions: &mut status.conditions })
    }

    fn conditions(status: &mut Self::Status) -> &mut Option<Vec<Condition>> {
        &mut status.conditions
    }
}

impl Restores for RestoreBatch {
    fn of_target<'a>(status: &'a mut Self::Status, target: &TargetRef) -> Option<TargetOf<'a>> {
        let [kind, name] = [&target.kind, &target.name].map(|part| part.as_deref().unwrap_or_default());
        let mut members = status.members.iter_mut().flatten();
        let member = members.find(|member| invoker::is(&member.target_ref, kind, name))?;
        Some(TargetOf { stats: &mut member.stats, conditions: &mut member.conditions })
    }

    fn conditions(status: &mut Self::Status) -> &mut Option<Vec<Condition>> {
        &mut status.conditions
    }
}
