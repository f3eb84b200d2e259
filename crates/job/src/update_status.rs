//! `update-status`: the last container of a session's pod. Reads what the Functions before it wrote, sees to the repository after a
//! backup, and tells: the session's status, the Repository's, events, metrics.

use std::path::PathBuf;

use api::{
    BackupConfiguration, BackupSession, Repository, RestoreSession,
    backup_session::{BackupSessionStatus, HostBackupPhase, HostBackupStats},
    metrics::{self, Labels, Sample},
    repository::RepositoryStatus,
    restore_session::{HostRestorePhase, HostRestoreStats},
    target::TargetRef,
};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use kube::ResourceExt as _;
use pushgateway::Pushgateway;
use serde::de::DeserializeOwned;

use crate::{
    cluster::{Cluster, Object, set},
    connect::{self, Backend},
    error::JobError,
    maintain::{self, Kept, Maintained},
    open, output, tell, texts,
};

/// Whose session, and where it is told.
#[derive(Debug, Clone)]
pub struct Update {
    /// The repository.
    pub backend: Backend,
    /// The session's namespace.
    pub namespace: String,
    /// The BackupSession's name; empty for a restore.
    pub backup_session: String,
    /// The invoker's kind; of a restore, `RestoreSession`.
    pub invoker_kind: String,
    /// The invoker's name.
    pub invoker_name: String,
    /// The target's kind.
    pub target_kind: String,
    /// The target's name.
    pub target_name: String,
    /// Where the Functions wrote.
    pub output_dir: PathBuf,
    /// The Pushgateway; none if empty.
    pub pushgateway_url: String,
}

/// Tells what became of a session.
///
/// # Errors
/// Where it could not be told: the Job fails then, and the operator says so.
pub async fn run(update: &Update) -> Result<(), JobError> {
    let cluster = Cluster::of_this_pod().await?;
    if update.backup_session.is_empty() {
        Box::pin(restored(update, &cluster)).await
    } else {
        Box::pin(saved(update, &cluster)).await
    }
}

/// Hosts as the Functions told them; one that failed where they told nothing that can be read.
fn hosts<T: DeserializeOwned>(update: &Update, failed: impl Fn(String) -> T) -> Vec<T> {
    output::hosts(&update.output_dir).unwrap_or_else(|error| vec![failed(error.story())])
}

async fn saved(update: &Update, cluster: &Cluster) -> Result<(), JobError> {
    let hosts = hosts(update, |error| HostBackupStats {
        hostname: Some(engine::layout::HOST.into()),
        phase: Some(HostBackupPhase::Failed),
        error: Some(error),
        ..HostBackupStats::default()
    });
    let session: BackupSession = cluster.get(&update.namespace, &update.backup_session).await?;
    let invoker: BackupConfiguration = cluster.get(&update.namespace, &update.invoker_name).await?;
    let of_invoker = invoker.spec.repository.clone().unwrap_or_default();
    let all_well = hosts.iter().all(|host| host.phase == Some(HostBackupPhase::Succeeded));
    let mut labels = metrics::invoker(&update.invoker_kind, &update.invoker_name, &update.namespace, &of_invoker.name);
    let maintained = if all_well { Some(maintain(update, cluster, &invoker).await) } else { None };
    let (mut written, mut pushed) = (Ok(()), None);
    if let Some(maintained) = &maintained {
        let at = of_invoker.namespace.as_deref().filter(|at| !at.is_empty()).unwrap_or(&update.namespace);
        // The snapshot is told of even if the Repository cannot be.
        written = write_repository(cluster, at, &of_invoker.name, &session, maintained).await;
        let samples = repository_samples(update, &labels, at, &of_invoker.name, maintained);
        pushed = Some(push(update, &samples).await);
    }
    let target = target(update);
    cluster
        .change_status::<BackupSession>(&update.namespace, &update.backup_session, |status| {
            if let Some(maintained) = &maintained {
                say(status, maintained);
            }
            if let Some(pushed) = &pushed {
                say_pushed(status, pushed);
            }
            Ok(tell::enter(status, &target, hosts.clone())?)
        })
        .await?;
    let told = hosts.iter().map(|host| (&host.hostname, &host.error));
    tell_of_hosts(cluster, &session, "Backup", "backed up", told).await;
    labels.extend(target_labels(update, cluster).await);
    let samples: Vec<Sample> = hosts.iter().flat_map(|host| tell::samples(host, &labels)).collect();
    let _told_in_the_log = push(update, &samples).await;
    written
}

/// Sees to the repository. One that cannot be opened any more does not hide the snapshot that was made.
async fn maintain(update: &Update, cluster: &Cluster, invoker: &BackupConfiguration) -> Maintained {
    let opened = async {
        let access = connect::repository(cluster, &update.backend, &update.namespace).await?;
        open::existing(access).await
    };
    match opened.await {
        Ok(repository) => maintain::repository(cluster, repository, invoker.spec.retention_policy.clone()).await,
        Err(error) => Maintained::unopened(&error),
    }
}

async fn restored(update: &Update, cluster: &Cluster) -> Result<(), JobError> {
    let mut hosts = hosts(update, |error| HostRestoreStats {
        hostname: None,
        phase: Some(HostRestorePhase::Failed),
        duration: None,
        error: Some(error),
    });
    for host in &mut hosts {
        let named = host.hostname.take().filter(|name| !name.is_empty());
        host.hostname = Some(named.unwrap_or_else(|| engine::layout::HOST.into()));
    }
    let session: RestoreSession = cluster.get(&update.namespace, &update.invoker_name).await?;
    let told = hosts.clone();
    cluster
        .change_status::<RestoreSession>(&update.namespace, &update.invoker_name, |status| {
            status.stats = Some(told.clone());
            Ok(())
        })
        .await?;
    let told = hosts.iter().map(|host| (&host.hostname, &host.error));
    tell_of_hosts(cluster, &session, "Restore", "restored", told).await;
    let repository = session.spec.repository.clone().unwrap_or_default().name;
    let mut labels = metrics::invoker("RestoreSession", &update.invoker_name, &update.namespace, &repository);
    labels.extend(target_labels(update, cluster).await);
    let samples: Vec<Sample> = hosts.iter().flat_map(|host| tell::restore_samples(host, &labels)).collect();
    let _told_in_the_log = push(update, &samples).await;
    Ok(())
}

/// An event for each host: its name, and why it failed if it did.
async fn tell_of_hosts<K: Object>(
    cluster: &Cluster,
    session: &K,
    what: &str,
    done: &str,
    hosts: impl Iterator<Item = (&Option<String>, &Option<String>)>,
) {
    for (name, error) in hosts {
        let name = name.as_deref().unwrap_or_default();
        let (outcome, message) = match error {
            None => ("Succeeded", format!("host {name} was {done}")),
            Some(error) => ("Failed", format!("host {name} was not {done}: {error}")),
        };
        cluster.tell(session, error.is_some(), &format!("Host {what} {outcome}"), &message).await;
    }
}

fn target(update: &Update) -> TargetRef {
    TargetRef { api_version: None, kind: Some(update.target_kind.clone()), name: Some(update.target_name.clone()) }
}

/// An AppBinding that cannot be read has no type that is known.
async fn target_labels(update: &Update, cluster: &Cluster) -> Labels {
    let binding = match update.target_kind.as_str() {
        "AppBinding" => cluster.binding(&update.namespace, &update.target_name).await.ok(),
        _ => None,
    };
    metrics::target(&target(update), binding.as_ref().and_then(|binding| binding.type_.as_deref()))
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
        .await
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

/// A Pushgateway that is down harms no session: it is said, and no more.
async fn push(update: &Update, samples: &[Sample]) -> Result<(), String> {
    if update.pushgateway_url.is_empty() {
        return Ok(());
    }
    let job = metrics::job(&update.invoker_kind, &update.namespace, &update.invoker_name);
    let pushed = match Pushgateway::new(&update.pushgateway_url) {
        Ok(gateway) => gateway.push(&job, metrics::text(samples)).await,
        Err(why) => Err(why),
    };
    if let Err(error) = &pushed {
        tracing::warn!(error, "metrics were not pushed");
    }
    pushed
}
