//! Looks at everything that the plan of a BackupConfiguration or a BackupBatch depends on.

use api::{
    BackupBatch, BackupConfiguration, BackupInvoker,
    backup_batch::BackupBatchStatus,
    backup_configuration::InvokerStatus,
    condition::Condition,
    invoker::{BACKUP_BATCH, BACKUP_CONFIGURATION},
    session::InvokerPhase,
};
use k8s_openapi::{api::batch::v1::CronJob, jiff::Timestamp};

use super::plan::{self, Observed};
use crate::{
    cluster::{Cluster, look},
    driver::Kind,
    events::{Note, Story},
    names,
    needs::Place,
    plan::{Plan, Tried},
};

impl Kind for BackupConfiguration {
    type Says = InvokerStatus;
    type Observed = Observed;

    fn alone(&self) -> bool {
        false
    }

    async fn observe(self, cluster: &Cluster) -> Result<Observed, kube::Error> {
        observe(self.into(), cluster).await
    }

    fn plan(observed: &mut Observed, tried: Tried, cluster: &Cluster, now: Timestamp) -> Plan<InvokerStatus> {
        observed.tried = tried;
        plan::plan(observed, &cluster.settings, now).saying(InvokerStatus::from)
    }

    fn story(before: &InvokerStatus, after: &InvokerStatus) -> Story {
        let conditions = [before, after].map(|status| status.conditions.clone().unwrap_or_default());
        story(BACKUP_CONFIGURATION, [before.phase, after.phase], &conditions)
    }
}

impl Kind for BackupBatch {
    type Says = BackupBatchStatus;
    type Observed = Observed;

    fn alone(&self) -> bool {
        false
    }

    async fn observe(self, cluster: &Cluster) -> Result<Observed, kube::Error> {
        observe(self.into(), cluster).await
    }

    fn plan(observed: &mut Observed, tried: Tried, cluster: &Cluster, now: Timestamp) -> Plan<BackupBatchStatus> {
        observed.tried = tried;
        plan::plan(observed, &cluster.settings, now)
    }

    fn story(before: &BackupBatchStatus, after: &BackupBatchStatus) -> Story {
        let conditions = [before, after].map(|status| {
            let of_members = status.member_conditions.iter().flatten().flat_map(|member| member.conditions.clone());
            status.conditions.clone().unwrap_or_default().into_iter().chain(of_members).collect()
        });
        story(BACKUP_BATCH, [before.phase, after.phase], &conditions)
    }
}

async fn observe(invoker: BackupInvoker, cluster: &Cluster) -> Result<Observed, kube::Error> {
    let namespace = invoker.metadata.namespace.clone().unwrap_or_default();
    let Place { repository, secret } = cluster.place(&namespace, invoker.spec.repository.as_ref()).await?;
    let mut targets = Vec::new();
    for member in invoker.members() {
        let target = member.target.as_ref().and_then(|target| target.target_ref.as_ref());
        targets.push(cluster.target(&namespace, target).await?);
    }
    let cron_job = cluster.namespaced::<CronJob>(&namespace);
    Ok(Observed {
        repository,
        secret,
        namespace_labels: cluster.labels_of(&namespace).await?,
        targets,
        cron_job: look(&cron_job, &names::cron_job(invoker.name())).await?.found().cloned(),
        tried: Tried::default(),
        invoker,
    })
}

fn story(kind: &str, [before, after]: [Option<InvokerPhase>; 2], conditions: &[Vec<Condition>; 2]) -> Story {
    let ready = after == Some(InvokerPhase::Ready);
    let changed = (before != after).then_some(after).flatten();
    let note = changed.filter(|_| before.is_some() || ready).map(|phase| Note {
        warning: !ready,
        reason: format!("{phase:?}"),
        message: format!("the {kind} is {phase:?}"),
    });
    Story::of_conditions(Some(&conditions[0]), Some(&conditions[1])).and(note)
}
