//! What is done to a repository after a backup: retention, a check, a look at its size.

use std::sync::Arc;

use api::retention::RetentionPolicy;
use repository::{ForgetOptions, Keep, Lock, LockKind, PruneOptions, Repository};

use crate::{cluster::Cluster, error::JobError, open};

/// What came of it, each step for itself.
#[derive(Debug)]
pub(crate) struct Maintained {
    /// Of retention: snapshots kept and removed.
    pub(crate) retention: Result<Kept, String>,
    /// Of the check: damage, in words.
    pub(crate) check: Result<Vec<String>, String>,
    /// Bytes of all packs.
    pub(crate) size: Result<u64, String>,
}

impl Maintained {
    /// Nothing was done, since the repository cannot be opened.
    pub(crate) fn unopened(error: &JobError) -> Self {
        let why = error.story();
        Self { retention: Err(why.clone()), check: Err(why.clone()), size: Err(why) }
    }
}

/// Snapshots after retention.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Kept {
    pub(crate) kept: usize,
    pub(crate) removed: usize,
}

/// Damages that are told; the rest is counted.
const TOLD: usize = 5;

/// Applies the policy, then checks.
pub(crate) async fn repository(cluster: &Cluster, repository: Repository, policy: RetentionPolicy) -> Maintained {
    let retention = apply(cluster, repository.clone(), policy).await;
    let check = check(cluster, repository.clone()).await;
    let size = open::blocking(move || {
        let stats = repository.stats().map_err(|source| JobError::Repository { doing: "measure", source })?;
        Ok(stats.pack_bytes)
    })
    .await;
    let story = |error: JobError| error.story();
    Maintained { retention: retention.map_err(story), check: check.map_err(story), size: size.map_err(story) }
}

async fn apply(cluster: &Cluster, repository: Repository, policy: RetentionPolicy) -> Result<Kept, JobError> {
    let keep = keep(&policy);
    let dry_run = policy.dry_run.unwrap_or_default();
    if keep.is_empty() {
        tracing::info!(policy = policy.name, "the retention policy keeps everything");
        return open::blocking(move || {
            let all = repository.snapshots();
            let all = all.map_err(|source| JobError::Repository { doing: "list the snapshots of", source })?;
            Ok(Kept { kept: all.len(), removed: 0 })
        })
        .await;
    }
    // Removing takes the lock that keeps everybody else out, as in restic.
    let kind = if dry_run { LockKind::Shared } else { LockKind::Exclusive };
    let opened = open::locked(cluster, repository, kind).await?;
    open::blocking(move || {
        let options = ForgetOptions { keep, dry_run, ..ForgetOptions::default() };
        let report = opened.repository.forget(&options);
        let report =
            report.map_err(|source| JobError::Repository { doing: "apply the retention policy to", source })?;
        if policy.prune && !dry_run {
            prune(&opened.repository, &opened.lock)?;
        }
        let (kept, removed) = (report.kept.len(), report.removed.len());
        tracing::info!(policy = policy.name, kept, removed, dry_run, "retention is applied");
        let all = Kept { kept: kept + removed, removed: 0 };
        Ok(if dry_run { all } else { Kept { kept, removed } })
    })
    .await
}

fn prune(repository: &Repository, lock: &Arc<Lock>) -> Result<(), JobError> {
    let report = repository.prune(lock, &PruneOptions::default());
    let report = report.map_err(|source| JobError::Repository { doing: "prune", source })?;
    tracing::info!(bytes_freed = report.bytes_freed, packs_repacked = report.packs_repacked, "pruned");
    Ok(())
}

async fn check(cluster: &Cluster, repository: Repository) -> Result<Vec<String>, JobError> {
    let opened = open::locked(cluster, repository, LockKind::Shared).await?;
    open::blocking(move || {
        // The whole of it, with its lock: giving that back blocks.
        let opened = opened;
        let report = opened.repository.check(false, &|_| {});
        let report = report.map_err(|source| JobError::Repository { doing: "check", source })?;
        let mut damage: Vec<String> = report.errors.iter().take(TOLD).cloned().collect();
        let more = report.errors.len().saturating_sub(TOLD) as u64 + report.further_errors;
        if more > 0 {
            damage.push(format!("and {more} more"));
        }
        tracing::info!(snapshots = report.snapshots, trees = report.trees, ?damage, "the repository is checked");
        Ok(damage)
    })
    .await
}

fn keep(policy: &RetentionPolicy) -> Keep {
    let many = |many: Option<i64>| many.filter(|many| *many > 0).map(|many| u32::try_from(many).unwrap_or(u32::MAX));
    Keep {
        last: many(policy.keep_last),
        hourly: many(policy.keep_hourly),
        daily: many(policy.keep_daily),
        weekly: many(policy.keep_weekly),
        monthly: many(policy.keep_monthly),
        yearly: many(policy.keep_yearly),
        tags: policy.keep_tags.iter().flatten().map(|tag| vec![tag.clone()]).collect(),
        ..Keep::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_that_are_no_numbers_of_snapshots_keep_nothing_by_themselves() {
        let policy =
            RetentionPolicy { keep_last: Some(5), keep_daily: Some(0), keep_weekly: Some(-1), ..Default::default() };
        let keep = keep(&policy);
        assert_eq!((keep.last, keep.daily, keep.weekly), (Some(5), None, None));
        assert!(super::keep(&RetentionPolicy::default()).is_empty());
    }
}
