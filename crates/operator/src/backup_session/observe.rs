//! Looks at everything that a BackupSession's plan depends on.

use api::{
    BackupConfiguration, BackupSession,
    backup_session::{BackupSessionPhase, BackupSessionStatus},
    labels,
};
use k8s_openapi::jiff::Timestamp;
use kube::{ResourceExt as _, api::ListParams};

use super::plan::{self, Observed, begun};
use crate::{
    cluster::{Cluster, look},
    driver::Kind,
    events::{Note, Story},
    jobs::JobsAtWork,
    lookup::Lookup,
    names,
    needs::Place,
    plan::{Plan, Tried},
    tasks::{Direction, Needed},
};

impl Kind for BackupSession {
    type Says = BackupSessionStatus;
    type Observed = Observed;

    fn alone(&self) -> bool {
        !begun(self) && !plan::ended(self.status.as_ref().and_then(|status| status.phase))
    }

    async fn observe(self, cluster: &Cluster) -> Result<Observed, kube::Error> {
        let namespace = self.namespace().unwrap_or_default();
        let of = self.spec.invoker.clone().unwrap_or_default();
        let invoker = look(&cluster.namespaced::<BackupConfiguration>(&namespace), &of.name).await?;
        let sessions = cluster.namespaced::<BackupSession>(&namespace).list(&ListParams::default()).await?.items;
        let siblings: Vec<BackupSession> = sessions
            .into_iter()
            .filter(|other| {
                other.spec.invoker.as_ref().is_some_and(|other| other.kind == of.kind && other.name == of.name)
            })
            .collect();
        let job = names::backup_job(&self.name_any(), 0);
        let mut observed = Observed {
            at_work: None,
            free: true,
            repository: Lookup::Missing,
            needed: Needed::default(),
            executor: cluster.executor(&namespace, &job, self.uid().as_deref()).await?,
            tried: Tried::default(),
            history: siblings.iter().filter(|session| is_labelled(session)).cloned().collect(),
            invoker,
            session: self,
        };
        if begun(&observed.session) {
            // What is told of it goes by the target's type.
            let target = observed.invoker.found().and_then(|invoker| invoker.spec.target.as_ref()?.target_ref.as_ref());
            observed.needed.binding = cluster.binding(&namespace, target).await?;
        } else {
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
        let targets = |status: &BackupSessionStatus| {
            let conditions = status.targets.iter().flatten().filter_map(|target| target.conditions.clone());
            conditions.flatten().collect::<Vec<_>>()
        };
        let mut story = Story::of_conditions(before.conditions.as_deref(), after.conditions.as_deref());
        story.notes.extend(Story::of_conditions(Some(&targets(before)), Some(&targets(after))).notes);
        story.and(note)
    }
}

/// A session that was made by hand without labels is not cleaned up.
fn is_labelled(session: &BackupSession) -> bool {
    let has = |key: &str| session.labels().contains_key(key);
    has(labels::INVOKER_NAME) && has(labels::INVOKER_TYPE)
}

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
    let target = invoker.spec.target.as_ref().and_then(|target| target.target_ref.as_ref());
    observed.needed = cluster.needed(namespace, target, invoker.spec.task.as_ref(), Direction::Backup).await?;
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
