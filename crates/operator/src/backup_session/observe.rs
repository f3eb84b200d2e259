//! Looks at everything that a BackupSession's plan depends on.

use api::{
    BackupInvoker, BackupSession,
    backup_session::{BackupSessionPhase, BackupSessionStatus, BackupTargetStatus},
    invoker::BACKUP_BATCH,
    labels,
};
use k8s_openapi::jiff::Timestamp;
use kube::{ResourceExt as _, api::ListParams};

use super::{
    plan::{self, Observed, SeenTarget, begun},
    retry,
};
use crate::{
    cluster::Cluster,
    driver::Kind,
    events::{Note, OfTarget, Story, name_of},
    job_outcome::Seen,
    jobs::JobsAtWork,
    lookup::Lookup,
    names,
    needs::Place,
    plan::{Plan, Tried},
    tasks::Direction,
};

impl Kind for BackupSession {
    type Says = BackupSessionStatus;
    type Observed = Observed;

    fn alone(&self) -> bool {
        let ended = plan::ended(self.status.as_ref().and_then(|status| status.phase));
        let batch = self.spec.invoker.as_ref().is_some_and(|invoker| invoker.kind == BACKUP_BATCH);
        !ended && (batch || !begun(self))
    }

    async fn observe(self, cluster: &Cluster) -> Result<Observed, kube::Error> {
        let namespace = self.namespace().unwrap_or_default();
        let of = self.spec.invoker.clone().unwrap_or_default();
        let invoker = cluster.backup_invoker(&namespace, &of.kind, &of.name).await?;
        let sessions = cluster.namespaced::<BackupSession>(&namespace).list(&ListParams::default()).await?.items;
        let siblings: Vec<BackupSession> = sessions
            .into_iter()
            .filter(|other| {
                other.spec.invoker.as_ref().is_some_and(|other| other.kind == of.kind && other.name == of.name)
            })
            .collect();
        let mut observed = Observed {
            at_work: None,
            free: true,
            repository: Lookup::Missing,
            targets: Vec::new(),
            hooks: [Seen::default(), Seen::default()],
            tried: Tried::default(),
            newer: newer(&self, &siblings),
            history: siblings.iter().filter(|session| is_labelled(session)).cloned().collect(),
            invoker,
            session: self,
        };
        if plan::ended(observed.session.status.as_ref().and_then(|status| status.phase)) {
            return Ok(observed);
        }
        look_at_targets(&mut observed, &namespace, cluster).await?;
        if observed.session.alone() {
            look_for_what_it_needs(&mut observed, &namespace, &siblings, cluster).await?;
        }
        Ok(observed)
    }

    fn plan(observed: &mut Observed, tried: Tried, cluster: &Cluster, now: Timestamp) -> Plan<BackupSessionStatus> {
        observed.tried = tried;
        plan::plan(observed, &cluster.settings, now)
    }

    fn story(before: &BackupSessionStatus, after: &BackupSessionStatus) -> Story {
        let note = (before.phase != after.phase).then(|| note(after)).flatten();
        let targets = |status: &BackupSessionStatus| -> Vec<OfTarget> {
            let of = |target: &BackupTargetStatus| {
                let name = target.target_ref.as_ref().map(name_of).unwrap_or_default();
                (name, target.conditions.clone().unwrap_or_default())
            };
            status.targets.iter().flatten().map(of).collect()
        };
        let story = Story::of_conditions(before.conditions.as_deref(), after.conditions.as_deref());
        let story = story.and_of_targets(&targets(before), &targets(after));
        story.and(note).and((before.retried != after.retried).then(|| retry::note(after)).flatten())
    }
}

/// A session that was made by hand without labels is not cleaned up.
fn is_labelled(session: &BackupSession) -> bool {
    let has = |key: &str| session.labels().contains_key(key);
    has(labels::INVOKER_NAME) && has(labels::INVOKER_TYPE)
}

/// Looks at what there is to each target: of one that has begun its Job and its type, of the others what a Job is made of, too.
async fn look_at_targets(observed: &mut Observed, namespace: &str, cluster: &Cluster) -> Result<(), kube::Error> {
    let (name, uid) = (observed.session.name_any(), observed.session.uid());
    let known = observed.session.status.as_ref().and_then(|status| status.targets.clone()).unwrap_or_default();
    let members = observed.invoker.found().map(BackupInvoker::members).unwrap_or_default();
    for at in 0..members.len().max(known.len()) {
        let job = names::backup_job(&name, at);
        let mut seen =
            SeenTarget { executor: cluster.executor(namespace, &job, uid.as_deref()).await?, ..SeenTarget::default() };
        let member = members.get(at);
        let target = member.and_then(|member| member.target.as_ref()?.target_ref.as_ref());
        if known.get(at).is_some_and(|target| target.total_hosts.is_some()) {
            // What is told of it goes by the target's type.
            seen.needed.binding = cluster.binding(namespace, target).await?;
        } else if let Some(member) = member {
            seen.needed = cluster.needed(namespace, target, member.task.as_ref(), Direction::Backup).await?;
        }
        observed.targets.push(seen);
    }
    for (hook, behind) in observed.hooks.iter_mut().zip([false, true]) {
        let global = observed.invoker.found().is_some_and(|invoker| invoker.spec.hooks.is_some());
        if global {
            let job = names::hook_job(&name, false, behind);
            *hook = cluster.executor(namespace, &job, uid.as_deref()).await?;
        }
    }
    Ok(())
}

/// What has to be known before one more Job is begun.
async fn look_for_what_it_needs(
    observed: &mut Observed,
    namespace: &str,
    siblings: &[BackupSession],
    cluster: &Cluster,
) -> Result<(), kube::Error> {
    let jobs = cluster.jobs_at_work().await?;
    observed.free = jobs.len() < cluster.max_concurrent_jobs;
    observed.at_work = at_work(&observed.session, siblings, namespace, &jobs);
    let Some(invoker) = observed.invoker.found() else { return Ok(()) };
    let Place { repository, secret: _ } = cluster.place(namespace, invoker.spec.repository.as_ref()).await?;
    observed.repository = repository;
    Ok(())
}

/// A session of the same invoker that is at work, or that waits since before this one. One whose Job is there is at work even
/// if nobody came to write it down.
fn at_work(
    session: &BackupSession,
    siblings: &[BackupSession],
    namespace: &str,
    jobs: &JobsAtWork,
) -> Option<(String, BackupSessionPhase)> {
    let since = |session: &BackupSession| (session.creation_timestamp().map(|time| time.0), session.name_any());
    siblings.iter().filter(|other| other.name_any() != session.name_any()).find_map(|other| {
        let phase = other.status.as_ref().and_then(|status| status.phase);
        let works =
            phase == Some(BackupSessionPhase::Running) || jobs.of("BackupSession", namespace, &other.name_any());
        if works {
            return Some((other.name_any(), BackupSessionPhase::Running));
        }
        let waits = !plan::ended(phase) && other.metadata.deletion_timestamp.is_none() && since(other) < since(session);
        waits.then(|| (other.name_any(), BackupSessionPhase::Pending))
    })
}

/// A session of the same invoker that was made later and did not stand back; not the one that tries this one again.
fn newer(session: &BackupSession, siblings: &[BackupSession]) -> Option<String> {
    let since = |session: &BackupSession| session.creation_timestamp().map(|time| time.0);
    let retry = retry::name_of(&session.name_any());
    let counts = |other: &&BackupSession| {
        let skipped = other.status.as_ref().and_then(|status| status.phase) == Some(BackupSessionPhase::Skipped);
        since(other) > since(session) && !skipped && other.name_any() != retry
    };
    siblings.iter().find(counts).map(BackupSession::name_any)
}

/// How a session ended.
fn note(status: &BackupSessionStatus) -> Option<Note> {
    let phase = status.phase?;
    let duration = status.session_duration.as_deref().unwrap_or("no time");
    let hosts = status.targets.iter().flatten().flat_map(|target| target.stats.iter().flatten());
    let message = match phase {
        BackupSessionPhase::Succeeded => {
            let snapshots: Vec<String> = hosts
                .flat_map(|host| host.snapshots.iter().flatten())
                .filter_map(|snapshot| snapshot.name.clone())
                .collect();
            format!("the backup succeeded in {duration}: snapshot {}", snapshots.join(", "))
        }
        BackupSessionPhase::Failed => {
            let errors: Vec<String> = hosts.filter_map(|host| host.error.clone()).collect();
            let of_targets = status.targets.iter().flatten().flat_map(|target| target.conditions.iter().flatten());
            let conditions = status.conditions.iter().flatten().chain(of_targets);
            let conditions = conditions.filter(|condition| condition.is_false());
            let broken: Vec<String> = conditions.map(|condition| condition.message.clone()).collect();
            format!("the backup failed after {duration}: {}", [errors, broken].concat().join("; "))
        }
        _ => return None,
    };
    let warning = phase == BackupSessionPhase::Failed;
    Some(Note { warning, reason: format!("BackupSession {phase:?}"), message })
}
