//! Looks at everything that the plan of a RestoreSession or a RestoreBatch depends on.

use api::{
    Condition, RestoreBatch, RestoreInvoker, RestoreSession,
    restore_batch::RestoreBatchStatus,
    restore_session::{RestorePhase, RestoreSessionStatus},
};
use k8s_openapi::jiff::Timestamp;

use super::plan::{self, Observed, SeenMember};
use crate::{
    cluster::Cluster,
    driver::Kind,
    events::{Note, OfTarget, Story, name_of},
    job_outcome::Seen,
    lookup::Lookup,
    names,
    needs::Place,
    plan::{Plan, Tried},
    tasks::Direction,
};

impl Kind for RestoreSession {
    type Says = RestoreSessionStatus;
    type Observed = Observed;

    fn alone(&self) -> bool {
        let begun = self.status.as_ref().is_some_and(|status| status.total_hosts.is_some());
        !begun && !plan::ended(self.status.as_ref().and_then(|status| status.phase))
    }

    async fn observe(self, cluster: &Cluster) -> Result<Observed, kube::Error> {
        let begins = self.alone();
        Box::pin(observe(self.into(), begins, cluster)).await
    }

    fn plan(observed: &mut Observed, tried: Tried, cluster: &Cluster, now: Timestamp) -> Plan<RestoreSessionStatus> {
        observed.tried = tried;
        plan::plan(observed, &cluster.settings, now).saying(RestoreSessionStatus::from)
    }

    fn story(before: &RestoreSessionStatus, after: &RestoreSessionStatus) -> Story {
        let errors = after.stats.iter().flatten().filter_map(|host| host.error.clone()).collect();
        let conditions = after.conditions.iter().flatten();
        let note = (before.phase != after.phase)
            .then(|| note(after.phase, after.session_duration.as_deref(), errors, conditions))
            .flatten();
        Story::of_conditions(before.conditions.as_deref(), after.conditions.as_deref()).and(note)
    }
}

impl Kind for RestoreBatch {
    type Says = RestoreBatchStatus;
    type Observed = Observed;

    fn alone(&self) -> bool {
        !plan::ended(self.status.as_ref().and_then(|status| status.phase))
    }

    async fn observe(self, cluster: &Cluster) -> Result<Observed, kube::Error> {
        let begins = self.alone();
        Box::pin(observe(self.into(), begins, cluster)).await
    }

    fn plan(observed: &mut Observed, tried: Tried, cluster: &Cluster, now: Timestamp) -> Plan<RestoreBatchStatus> {
        observed.tried = tried;
        plan::plan(observed, &cluster.settings, now)
    }

    fn story(before: &RestoreBatchStatus, after: &RestoreBatchStatus) -> Story {
        let members = |status: &RestoreBatchStatus| -> Vec<OfTarget> {
            let members = status.members.iter().flatten();
            members.map(|member| (name_of(&member.target_ref), member.conditions.clone().unwrap_or_default())).collect()
        };
        let of_members = after.members.iter().flatten();
        let errors = of_members.clone().flat_map(|member| {
            let name = name_of(&member.target_ref);
            let errors = member.stats.iter().flatten().filter_map(|host| host.error.clone());
            errors.map(move |error| format!("{name}: {error}"))
        });
        let conditions =
            after.conditions.iter().flatten().chain(of_members.flat_map(|member| member.conditions.iter().flatten()));
        let note = (before.phase != after.phase)
            .then(|| note(after.phase, after.session_duration.as_deref(), errors.collect(), conditions))
            .flatten();
        let story = Story::of_conditions(before.conditions.as_deref(), after.conditions.as_deref());
        story.and_of_targets(&members(before), &members(after)).and(note)
    }
}

/// `begins`: whether one more Job may have to be begun.
async fn observe(restore: RestoreInvoker, begins: bool, cluster: &Cluster) -> Result<Observed, kube::Error> {
    let namespace = restore.metadata.namespace.clone().unwrap_or_default();
    let mut observed = Observed {
        repository: Lookup::Missing,
        secret: Lookup::Missing,
        namespace_labels: cluster.labels_of(&namespace).await?,
        members: Vec::new(),
        hooks: [Seen::default(), Seen::default()],
        free: true,
        tried: Tried::default(),
        restore,
    };
    let restore = &observed.restore;
    if plan::ended(restore.status.phase) {
        return Ok(observed);
    }
    let uid = restore.metadata.uid.as_deref();
    for (at, member) in restore.members().iter().enumerate() {
        let target = member.target.as_ref().and_then(|target| target.target_ref.as_ref());
        let job = names::restore_job(restore.name(), at);
        let mut seen = SeenMember { executor: cluster.executor(&namespace, &job, uid).await?, ..SeenMember::default() };
        let known = restore.status.members.as_ref().and_then(|members| members.get(at));
        if known.is_some_and(|known| known.total_hosts.is_some()) {
            // What is told of it goes by the target's type.
            seen.needed.binding = cluster.binding(&namespace, target).await?;
        } else {
            seen.target = cluster.target(&namespace, target).await?;
            seen.needed = cluster.needed(&namespace, target, member.task.as_ref(), Direction::Restore).await?;
        }
        observed.members.push(seen);
    }
    if restore.spec.hooks.is_some() {
        for (hook, behind) in observed.hooks.iter_mut().zip([false, true]) {
            *hook = cluster.executor(&namespace, &names::hook_job(restore.name(), true, behind), uid).await?;
        }
    }
    if begins {
        observed.free = cluster.jobs_at_work().await?.len() < cluster.max_concurrent_jobs;
        let Place { repository, secret } = cluster.place(&namespace, restore.spec.repository.as_ref()).await?;
        (observed.repository, observed.secret) = (repository, secret);
    }
    Ok(observed)
}

/// How a restore ended.
fn note<'a>(
    phase: Option<RestorePhase>,
    duration: Option<&str>,
    errors: Vec<String>,
    conditions: impl Iterator<Item = &'a Condition>,
) -> Option<Note> {
    let phase = phase?;
    let duration = duration.unwrap_or("no time");
    let message = match phase {
        RestorePhase::Succeeded => format!("the restore succeeded in {duration}"),
        RestorePhase::Failed | RestorePhase::Unknown => {
            let broken = conditions.filter(|condition| condition.is_false());
            let broken: Vec<String> = broken.map(|condition| condition.message.clone()).collect();
            format!("the restore failed after {duration}: {}", [errors, broken].concat().join("; "))
        }
        RestorePhase::Pending | RestorePhase::Running | RestorePhase::Invalid => return None,
    };
    let warning = phase != RestorePhase::Succeeded;
    Some(Note { warning, reason: format!("Restore {phase:?}"), message })
}
