//! Looks at everything that a BackupConfiguration's plan depends on.

use api::{BackupConfiguration, backup_configuration::InvokerStatus};
use k8s_openapi::{api::batch::v1::CronJob, jiff::Timestamp};
use kube::ResourceExt as _;

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
        let namespace = self.namespace().unwrap_or_default();
        let Place { repository, secret } = cluster.place(&namespace, self.spec.repository.as_ref()).await?;
        let target = self.spec.target.as_ref().and_then(|target| target.target_ref.as_ref());
        let cron_job = cluster.namespaced::<CronJob>(&namespace);
        Ok(Observed {
            repository,
            secret,
            namespace_labels: cluster.labels_of(&namespace).await?,
            target: cluster.target(&namespace, target).await?,
            cron_job: look(&cron_job, &names::cron_job(&self.name_any())).await?.found().cloned(),
            tried: Tried::default(),
            configuration: self,
        })
    }

    fn plan(observed: &mut Observed, tried: Tried, cluster: &Cluster, now: Timestamp) -> Plan<InvokerStatus> {
        observed.tried = tried;
        plan::plan(observed, &cluster.settings, now)
    }

    fn story(before: &InvokerStatus, after: &InvokerStatus) -> Story {
        let phase = (before.phase != after.phase).then_some(after.phase).flatten();
        let note = phase.filter(|_| before.phase.is_some() || after.is_ready()).map(|phase| Note {
            warning: !after.is_ready(),
            reason: format!("{phase:?}"),
            message: format!("the BackupConfiguration is {phase:?}"),
        });
        Story::of_conditions(before.conditions.as_deref(), after.conditions.as_deref()).and(note)
    }
}
