//! `update-status`: the last container of a session's pod. Reads what the Functions before it wrote, sees to the repository after a
//! backup, and tells: the session's status, the Repository's, events, metrics.

mod restored;
mod saved;

use std::path::PathBuf;

use api::{
    RestoreBatch, RestoreSession,
    metrics::{self, Labels, Sample},
    target::TargetRef,
};
use pushgateway::Pushgateway;
use serde::de::DeserializeOwned;

use crate::{
    cluster::{Cluster, Object},
    connect::Backend,
    error::JobError,
    invoker, output,
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
    /// The invoker's kind; of a restore, its own.
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
    if !update.backup_session.is_empty() {
        Box::pin(saved::run(update, &cluster)).await
    } else if invoker::is_batch(&update.invoker_kind)? {
        Box::pin(restored::run::<RestoreBatch>(update, &cluster)).await
    } else {
        Box::pin(restored::run::<RestoreSession>(update, &cluster)).await
    }
}

/// Hosts as the Functions told them; one that failed where they told nothing that can be read.
fn hosts<T: DeserializeOwned>(update: &Update, failed: impl Fn(String) -> T) -> Vec<T> {
    output::hosts(&update.output_dir).unwrap_or_else(|error| vec![failed(error.story())])
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

/// The labels of a target. An AppBinding that cannot be read has no type that is known.
async fn labels_of(target: &TargetRef, namespace: &str, cluster: &Cluster) -> Labels {
    let binding = match (target.kind.as_deref(), target.name.as_deref()) {
        (Some("AppBinding"), Some(name)) => cluster.binding(namespace, name).await.ok(),
        _ => None,
    };
    metrics::target(target, binding.as_ref().and_then(|binding| binding.type_.as_deref()))
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
