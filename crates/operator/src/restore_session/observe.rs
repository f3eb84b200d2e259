//! Looks at everything that a RestoreSession's plan depends on.

use api::{
    RestoreSession,
    restore_session::{RestorePhase, RestoreSessionStatus},
};
use k8s_openapi::jiff::Timestamp;
use kube::ResourceExt as _;

use super::plan::{self, Observed, begun};
use crate::{
    cluster::Cluster,
    driver::Kind,
    events::{Note, Story},
    lookup::Lookup,
    names,
    needs::Place,
    plan::{Plan, Tried},
    tasks::{Direction, Needed},
};

impl Kind for RestoreSession {
    type Says = RestoreSessionStatus;
    type Observed = Observed;

    fn alone(&self) -> bool {
        !begun(self)
    }

    async fn observe(self, cluster: &Cluster) -> Result<Observed, kube::Error> {
        let namespace = self.namespace().unwrap_or_default();
        let job = names::restore_job(&self.name_any(), 0);
        let mut observed = Observed {
            repository: Lookup::Missing,
            secret: Lookup::Missing,
            namespace_labels: cluster.labels_of(&namespace).await?,
            target: Lookup::Missing,
            needed: Needed::default(),
            free: true,
            executor: cluster.executor(&namespace, &job, self.uid().as_deref()).await?,
            tried: Tried::default(),
            session: self,
        };
        let spec = &observed.session.spec;
        let target = spec.target.as_ref().and_then(|target| target.target_ref.as_ref());
        if begun(&observed.session) {
            // What is told of it goes by the target's type.
            observed.needed.binding = cluster.binding(&namespace, target).await?;
            return Ok(observed);
        }
        let Place { repository, secret } = cluster.place(&namespace, spec.repository.as_ref()).await?;
        observed.target = cluster.target(&namespace, target).await?;
        observed.needed = cluster.needed(&namespace, target, spec.task.as_ref(), Direction::Restore).await?;
        observed.free = cluster.jobs_at_work().await?.len() < cluster.max_concurrent_jobs;
        (observed.repository, observed.secret) = (repository, secret);
        Ok(observed)
    }

    fn plan(observed: &mut Observed, tried: Tried, cluster: &Cluster, now: Timestamp) -> Plan<RestoreSessionStatus> {
        observed.tried = tried;
        plan::plan(observed, &cluster.settings, now)
    }

    fn story(before: &RestoreSessionStatus, after: &RestoreSessionStatus) -> Story {
        let note = (before.phase != after.phase).then(|| note(after)).flatten();
        Story::of_conditions(before.conditions.as_deref(), after.conditions.as_deref()).and(note)
    }
}

/// How a restore ended.
fn note(status: &RestoreSessionStatus) -> Option<Note> {
    let phase = status.phase?;
    let duration = status.session_duration.as_deref().unwrap_or("no time");
    let message = match phase {
        RestorePhase::Succeeded => format!("the restore succeeded in {duration}"),
        RestorePhase::Failed | RestorePhase::Unknown => {
            let errors: Vec<String> = status.stats.iter().flatten().filter_map(|host| host.error.clone()).collect();
            let conditions = status.conditions.iter().flatten().filter(|condition| condition.is_false());
            let broken: Vec<String> = conditions.map(|condition| condition.message.clone()).collect();
            format!("the restore failed after {duration}: {}", [errors, broken].concat().join("; "))
        }
        RestorePhase::Pending | RestorePhase::Running | RestorePhase::Invalid => return None,
    };
    let warning = phase != RestorePhase::Succeeded;
    Some(Note { warning, reason: format!("Restore {phase:?}"), message })
}
