//! After a backup: the session's hosts, and behind the last of its targets the repository.

use api::{
    BackupInvoker, BackupSession, Repository,
    backup_session::{BackupSessionStatus, BackupTargetStatus, HostBackupPhase, HostBackupStats},
    condition,
    metrics::{self, Labels, Sample},
    repository::RepositoryStatus,
};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use kube::ResourceExt as _;

use super::{Update, hosts, labels_of, push, target, tell_of_hosts};
use crate::{
    cluster::{Cluster, set},
    connect,
    error::JobError,
    invoker,
    maintain::{self, Kept, Maintained},
    open, tell, texts,
};

/// Tells what became of a target. Of a session's targets the one that is told of last sees to the repository: then all snapshots
/// are there that there will be.
pub(super) async fn run(update: &Update, cluster: &Cluster) -> Result<(), JobError> {
    let hosts = hosts(update, |error| HostBackupStats {
        hostname: Some(engine::layout::HOST.into()),
        phase: Some(HostBackupPhase::Failed),
        error: Some(error),
        ..HostBackupStats::default()
    });
    let target = target(update);
    let enter = |status: &mut BackupSessionStatus| Ok(tell::enter(status, &target, hosts.clone())?);
    let listed = |session: &BackupSession| tell::lists(session, &target);
    let session = cluster.get_when(&update.namespace, &update.backup_session, listed).await?;
    let of = invoker::of_backup(cluster, &update.namespace, &update.invoker_kind, &update.invoker_name).await?;
    let of_repository = of.spec.repository.clone().unwrap_or_default();
    let labels = metrics::invoker(&update.invoker_kind, &update.invoker_name, &update.namespace, &of_repository.name);
    // Before it is entered, so that nobody who is told of later pushes before: the gateway keeps the last of each name only.
    let mut known = session.status.clone().unwrap_or_default();
    enter(&mut known)?;
    push_hosts(update, cluster, &known, &labels).await;
    let session = cluster.change_status::<BackupSession>(&update.namespace, &update.backup_session, enter).await?;
    let told = hosts.iter().map(|host| (&host.hostname, &host.error));
    tell_of_hosts(cluster, &session, "Backup", "backed up", told).await;
    let status = session.status.clone().unwrap_or_default();
    let targets = status.targets.as_deref().unwrap_or_default();
    if !targets.iter().all(is_told) {
        return Ok(());
    }
    if targets.len() > 1 {
        push_hosts(update, cluster, &status, &labels).await;
    }
    if targets.iter().any(has_saved) {
        Box::pin(see_to_repository(update, cluster, &of, &session, &labels)).await
    } else {
        Ok(())
    }
}

/// Whether nothing more will be told of a target.
fn is_told(target: &BackupTargetStatus) -> bool {
    let conditions = target.conditions.as_deref().unwrap_or_default();
    let never = condition::find(conditions, "BackupExecutorEnsured").is_some_and(api::Condition::is_false);
    never || target.stats.as_ref().is_some_and(|stats| !stats.is_empty())
}

fn has_saved(target: &BackupTargetStatus) -> bool {
    target.stats.iter().flatten().any(|host| host.phase == Some(HostBackupPhase::Succeeded))
}

/// Retention, check, and what there is to tell of the repository then.
async fn see_to_repository(
    update: &Update,
    cluster: &Cluster,
    of: &BackupInvoker,
    session: &BackupSession,
    labels: &Labels,
) -> Result<(), JobError> {
    let named = of.spec.repository.clone().unwrap_or_default();
    let at = named.namespace.as_deref().filter(|at| !at.is_empty()).unwrap_or(&update.namespace);
    let maintained = maintain(update, cluster, of).await;
    // The snapshot is told of even if the Repository cannot be.
    let written = write_repository(cluster, at, &named.name, session, &maintained).await;
    let samples = repository_samples(update, labels, at, &named.name, &maintained);
    let pushed = push(update, &samples).await;
    cluster
        .change_status::<BackupSession>(&update.namespace, &update.backup_session, |status| {
            say(status, &maintained);
            say_pushed(status, &pushed);
            Ok(())
        })
        .await?;
    written
}

/// Pushes what is known of all hosts.
async fn push_hosts(update: &Update, cluster: &Cluster, status: &BackupSessionStatus, labels: &Labels) {
    let mut samples = Vec::new();
    for target in status.targets.iter().flatten() {
        let Some(target_ref) = &target.target_ref else { continue };
        let labels = [labels.clone(), labels_of(target_ref, &update.namespace, cluster).await].concat();
        samples.extend(target.stats.iter().flatten().flat_map(|host| tell::samples(host, &labels)));
    }
    let _told_in_the_log = push(update, &samples).await;
}

/// Sees to the repository. One that cannot be opened any more does not hide the snapshot that was made.
async fn maintain(update: &Update, cluster: &Cluster, of: &BackupInvoker) -> Maintained {
    let opened = async {
        let access = connect::repository(cluster, &update.backend, &update.namespace).await?;
        open::existing(access).await
    };
    match opened.await {
        Ok(repository) => maintain::repository(cluster, repository, of.spec.retention_policy.clone()).await,
        Err(error) => Maintained::unopened(&error),
    }
}

/// Says in the session's conditions what came of retention and check.
fn say(status: &mut BackupSessionStatus, maintained: &Maintained) {
    match &maintained.retention {
        Ok(Kept { kept, removed }) => {
            let message = format!("{kept} snapshots are kept, {removed} were removed");
            set(&mut status.conditions, "RetentionPolicyApplied", true, "SuccessfullyAppliedRetentionPolicy", &message);
        }
        Err(error) => {
            let reason = "FailedToApplyRetentionPolicy";
            set(&mut status.conditions, "RetentionPolicyApplied", false, reason, error);
        }
    }
    let damage = match &maintained.check {
        Ok(damage) if damage.is_empty() => None,
        Ok(damage) => Some(format!("the repository is damaged: {}", damage.join("; "))),
        Err(error) => Some(format!("the repository was not checked: {error}")),
    };
    let type_ = "RepositoryIntegrityVerified";
    match damage {
        None => {
            let reason = "SuccessfullyVerifiedRepositoryIntegrity";
            set(&mut status.conditions, type_, true, reason, "no damage was found");
        }
        Some(why) => set(&mut status.conditions, type_, false, "FailedToVerifyRepositoryIntegrity", &why),
    }
}

fn say_pushed(status: &mut BackupSessionStatus, pushed: &Result<(), String>) {
    let type_ = "RepositoryMetricsPushed";
    match pushed {
        Ok(()) => {
            set(&mut status.conditions, type_, true, "SuccessfullyPushedRepositoryMetrics", "metrics were pushed");
        }
        Err(why) => {
            let message = format!("metrics were not pushed: {why}");
            set(&mut status.conditions, type_, false, "FailedToPushRepositoryMetrics", &message);
        }
    }
}

async fn write_repository(
    cluster: &Cluster,
    namespace: &str,
    name: &str,
    session: &BackupSession,
    maintained: &Maintained,
) -> Result<(), JobError> {
    let begun: Option<Time> = session.creation_timestamp();
    cluster
        .change_status::<Repository>(namespace, name, |status: &mut RepositoryStatus| {
            status.first_backup_time = status.first_backup_time.clone().or_else(|| begun.clone());
            status.last_backup_time.clone_from(&begun);
            status.integrity = maintained.check.as_ref().ok().map(Vec::is_empty).or(status.integrity);
            if let Ok(Kept { kept, removed }) = &maintained.retention {
                status.snapshot_count = i64::try_from(*kept).ok();
                status.snapshots_removed_on_last_cleanup = i64::try_from(*removed).ok();
            }
            if let Ok(size) = &maintained.size {
                status.total_size = Some(texts::size(*size));
            }
            Ok(())
        })
        .await?;
    Ok(())
}

fn repository_samples(
    update: &Update,
    of_invoker: &Labels,
    namespace: &str,
    name: &str,
    maintained: &Maintained,
) -> Vec<Sample> {
    let place = &update.backend.place;
    let mut labels: Labels = of_invoker.iter().filter(|(label, _)| *label != "namespace").cloned().collect();
    labels.extend([
        ("name", name.to_owned()),
        ("namespace", namespace.to_owned()),
        ("backend", place.provider.clone()),
        ("bucket", place.bucket.clone()),
        ("prefix", place.path.clone()),
    ]);
    let sample = |name, value| Sample { name, labels: labels.clone(), value };
    let mut samples = Vec::new();
    if let Ok(damage) = &maintained.check {
        samples.push(sample(metrics::REPOSITORY_INTEGRITY, f64::from(u8::from(damage.is_empty()))));
    }
    if let Ok(size) = &maintained.size {
        samples.push(sample(metrics::REPOSITORY_SIZE, *size as f64));
    }
    if let Ok(Kept { kept, removed }) = &maintained.retention {
        samples.push(sample(metrics::REPOSITORY_SNAPSHOTS, *kept as f64));
        samples.push(sample(metrics::REPOSITORY_SNAPSHOTS_REMOVED, *removed as f64));
    }
    samples
}
