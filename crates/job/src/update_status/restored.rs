//! After a restore: its hosts.

use api::{
    RestoreInvoker,
    metrics::{self, Sample},
    restore_session::{HostRestorePhase, HostRestoreStats},
};

use super::{Update, hosts, labels_of, push, target, tell_of_hosts};
use crate::{
    cluster::Cluster,
    error::JobError,
    invoker::{self, Restores},
    tell::{self, TellError},
};

/// Tells what became of a target.
pub(super) async fn run<K: Restores>(update: &Update, cluster: &Cluster) -> Result<(), JobError> {
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
    let target = target(update);
    let enter = |status: &mut K::Status| {
        let Some(of_target) = K::of_target(status, &target) else {
            let [kind, name] = [&update.target_kind, &update.target_name].map(String::clone);
            return Err(TellError::NoTarget { kind, name }.into());
        };
        *of_target.stats = Some(hosts.clone());
        Ok(())
    };
    // Before it is entered, so that nobody who is told of later pushes before: the gateway keeps the last of each name only.
    let listed = |restore: &K| invoker::lists(restore, &target);
    let mut known: K = cluster.get_when(&update.namespace, &update.invoker_name, listed).await?;
    enter(known.status_mut().get_or_insert_default())?;
    push_hosts(update, cluster, &known.into()).await;
    let restore = cluster.change_status::<K>(&update.namespace, &update.invoker_name, enter).await?;
    let told = hosts.iter().map(|host| (&host.hostname, &host.error));
    tell_of_hosts(cluster, &restore, "Restore", "restored", told).await;
    let restore = restore.into();
    let members = restore.status.members.as_deref().unwrap_or_default();
    if members.len() > 1 && members.iter().all(|member| member.stats.is_some()) {
        push_hosts(update, cluster, &restore).await;
    }
    Ok(())
}

/// Pushes what is known of all hosts.
async fn push_hosts(update: &Update, cluster: &Cluster, restore: &RestoreInvoker) {
    let repository = restore.spec.repository.clone().unwrap_or_default().name;
    let labels = metrics::invoker(restore.kind, &update.invoker_name, &update.namespace, &repository);
    let mut samples: Vec<Sample> = Vec::new();
    for member in restore.status.members.iter().flatten() {
        let labels = [labels.clone(), labels_of(&member.target_ref, &update.namespace, cluster).await].concat();
        samples.extend(member.stats.iter().flatten().flat_map(|host| tell::restore_samples(host, &labels)));
    }
    let _told_in_the_log = push(update, &samples).await;
}
