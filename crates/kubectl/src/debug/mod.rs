//! `debug`: all that somebody needs to see who is to find out why a backup or a restore does not work, section by section: versions,
//! objects, events, and the logs of what failed. No Secret is read.

mod describe;
mod operator;

use api::{
    AppBinding, BackupBatch, BackupConfiguration, BackupInvoker, Repository, RestoreBatch, RestoreInvoker,
    RestoreSession, session::RepositoryRef, target::TargetRef,
};
use k8s_openapi::api::{
    batch::v1::{CronJob, Job},
    core::v1::{Event, Pod},
};
use kube::ResourceExt as _;

use crate::{Cluster, Error, Result, cluster::Object, find, logs, pods, session::Session, trigger::Of};

pub use operator::{Versions, versions};

/// Of each container's log so many lines are shown.
const LINES: usize = 50;
/// Runs that are shown.
const RUNS: usize = 5;

/// A part of what is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Section {
    /// What it is about.
    pub title: String,
    /// The text.
    pub text: String,
}

/// Who is told each section as soon as it is known.
pub type Tell<'a> = &'a mut (dyn FnMut(&Section) + Send);

/// The operator.
///
/// # Errors
/// Where the API server does not answer. What may not be seen is a section that says so.
pub async fn operator(cluster: &Cluster, namespace: &str, tell: Tell<'_>) -> Result<()> {
    operator::told(cluster, namespace, tell).await
}

/// A backup.
///
/// # Errors
/// [`Error::Missing`] where it is not there.
pub async fn backup(cluster: &Cluster, of: &Of, operator_namespace: &str, tell: Tell<'_>) -> Result<()> {
    let namespace = cluster.namespace();
    let events = events(cluster).await?;
    let invoker: BackupInvoker = match of {
        Of::Configuration(name) => {
            let object: BackupConfiguration = cluster.get(namespace, name).await?;
            tell(&described(&object, &events)?);
            object.into()
        }
        Of::Batch(name) => {
            let object: BackupBatch = cluster.get(namespace, name).await?;
            tell(&described(&object, &events)?);
            object.into()
        }
    };
    tell(&operator::section(&versions(cluster, operator_namespace).await?));
    repository(cluster, invoker.spec.repository.as_ref(), &events, tell).await?;
    for member in invoker.members() {
        let target = member.target.as_ref().and_then(|target| target.target_ref.as_ref());
        binding(cluster, target, &events, tell).await?;
    }
    cron_job(cluster, &invoker, &events, tell).await?;
    let sessions = find::sessions_of(cluster, of).await?;
    if sessions.is_empty() {
        tell(&Section { title: "BackupSessions".into(), text: "there are none".into() });
    }
    for session in sessions.iter().take(RUNS) {
        run(cluster, session, &events, tell).await?;
    }
    Ok(())
}

/// A restore.
///
/// # Errors
/// [`Error::Missing`] where it is not there.
pub async fn restore(cluster: &Cluster, which: &find::Which, operator_namespace: &str, tell: Tell<'_>) -> Result<()> {
    let namespace = cluster.namespace();
    let events = events(cluster).await?;
    let restore: RestoreInvoker = match which {
        find::Which::RestoreBatch(name) => {
            let object: RestoreBatch = cluster.get(namespace, name).await?;
            tell(&described(&object, &events)?);
            object.into()
        }
        find::Which::RestoreSession(name) => {
            let object: RestoreSession = cluster.get(namespace, name).await?;
            tell(&described(&object, &events)?);
            object.into()
        }
        _ => return Err(Error::Flags { why: "which restore? --restoresession or --restorebatch says it".into() }),
    };
    tell(&operator::section(&versions(cluster, operator_namespace).await?));
    repository(cluster, restore.spec.repository.as_ref(), &events, tell).await?;
    for member in restore.members() {
        let target = member.target.as_ref().and_then(|target| target.target_ref.as_ref());
        binding(cluster, target, &events, tell).await?;
    }
    run(cluster, &restore.into(), &events, tell).await
}

/// The object as YAML, and what was told of it.
fn described<K: Object + serde::Serialize>(object: &K, events: &[Event]) -> Result<Section> {
    let title = format!("{} {}/{}", K::kind(&()), object.namespace().unwrap_or_default(), object.name_any());
    let mut text = describe::yaml(object)?;
    let said = describe::events(events, object.uid().as_deref().unwrap_or_default());
    if !said.is_empty() {
        text.push_str("events:\n");
        text.push_str(&said);
    }
    Ok(Section { title, text })
}

/// What is there is shown, what is not or may not be seen is said.
async fn shown<K: Object + serde::Serialize>(
    cluster: &Cluster,
    namespace: &str,
    name: &str,
    events: &[Event],
    tell: Tell<'_>,
) -> Result<()> {
    match cluster.get::<K>(namespace, name).await {
        Ok(object) => tell(&described(&object, events)?),
        Err(error @ (Error::Missing { .. } | Error::Forbidden { .. })) => {
            tell(&Section { title: format!("{} {namespace}/{name}", K::kind(&())), text: error.to_string() });
        }
        Err(error) => return Err(error),
    }
    Ok(())
}

async fn repository(
    cluster: &Cluster,
    reference: Option<&RepositoryRef>,
    events: &[Event],
    tell: Tell<'_>,
) -> Result<()> {
    let Some(reference) = reference else { return Ok(()) };
    let namespace = reference.namespace.as_deref().filter(|namespace| !namespace.is_empty());
    shown::<Repository>(cluster, namespace.unwrap_or(cluster.namespace()), &reference.name, events, tell).await
}

async fn binding(cluster: &Cluster, target: Option<&TargetRef>, events: &[Event], tell: Tell<'_>) -> Result<()> {
    let Some(name) =
        target.filter(|target| target.kind.as_deref() == Some("AppBinding")).and_then(|target| target.name.as_deref())
    else {
        return Ok(());
    };
    shown::<AppBinding>(cluster, cluster.namespace(), name, events, tell).await
}

/// What begins the sessions, and what became of its last Jobs.
async fn cron_job(cluster: &Cluster, invoker: &BackupInvoker, events: &[Event], tell: Tell<'_>) -> Result<()> {
    let namespace = cluster.namespace();
    let ours = format!("{}={}", api::labels::MANAGED_BY, api::labels::GROUP);
    let mut jobs: Vec<CronJob> = cluster.list(Some(namespace), &ours).await?;
    jobs.retain(|job| is_owned(job, invoker.metadata.uid.as_deref()));
    let Some(cron_job) = jobs.into_iter().next() else {
        let text = "there is none: the operator makes it once the object is Ready".to_owned();
        tell(&Section { title: "CronJob".into(), text });
        return Ok(());
    };
    let mut all: Vec<Job> = cluster.list(Some(namespace), &ours).await?;
    all.retain(|job| is_owned(job, cron_job.metadata.uid.as_deref()));
    tell(&described_cron_job(&cron_job, events));
    let pods = pods::of_jobs(cluster, namespace, &all).await?;
    told_of(&all, &pods, events, tell);
    for pod in &pods {
        logs_of(cluster, pod, Logs::Bad, tell).await?;
    }
    Ok(())
}

/// Its spec repeats that of the invoker: only how it stands is said.
fn described_cron_job(job: &CronJob, events: &[Event]) -> Section {
    let spec = job.spec.as_ref();
    let status = job.status.clone().unwrap_or_default();
    let time = |time: Option<k8s_openapi::apimachinery::pkg::apis::meta::v1::Time>| {
        time.map_or_else(|| "never".to_owned(), |time| time.0.to_string())
    };
    let mut text = format!(
        "schedule: {}\nsuspended: {}\nlast begun: {}\nlast succeeded: {}\n",
        spec.map(|spec| spec.schedule.clone()).unwrap_or_default(),
        spec.and_then(|spec| spec.suspend).unwrap_or_default(),
        time(status.last_schedule_time),
        time(status.last_successful_time),
    );
    text.push_str(&describe::events(events, job.metadata.uid.as_deref().unwrap_or_default()));
    Section { title: format!("CronJob {}/{}", job.namespace().unwrap_or_default(), job.name_any()), text }
}

/// A run: how it stands, its Jobs and pods, and the logs of what failed.
async fn run(cluster: &Cluster, session: &Session, events: &[Event], tell: Tell<'_>) -> Result<()> {
    let begun = session.begun().map_or_else(String::new, |begun| format!(", begun {begun}"));
    let mut text = format!("{}{begun}\n", session.phase);
    for why in &session.why {
        text.push_str(&format!("why: {why}\n"));
    }
    text.push_str(&describe::events(events, session.metadata.uid.as_deref().unwrap_or_default()));
    tell(&Section { title: format!("{} {}/{}", session.kind, session.namespace(), session.name()), text });
    let jobs = pods::jobs(cluster, session).await?;
    let pods = pods::of_jobs(cluster, session.namespace(), &jobs).await?;
    told_of(&jobs, &pods, events, tell);
    if session.phase == crate::session::Phase::Succeeded {
        return Ok(());
    }
    for pod in &pods {
        logs_of(cluster, pod, Logs::All, tell).await?;
    }
    Ok(())
}

fn told_of(jobs: &[Job], pods: &[Pod], events: &[Event], tell: Tell<'_>) {
    for job in jobs {
        let text = describe::job(job) + &describe::events(events, job.metadata.uid.as_deref().unwrap_or_default());
        tell(&Section { title: format!("Job {}/{}", job.namespace().unwrap_or_default(), job.name_any()), text });
    }
    for pod in pods {
        let text = describe::pod(pod) + &describe::events(events, pod.metadata.uid.as_deref().unwrap_or_default());
        tell(&Section { title: format!("Pod {}/{}", pod.namespace().unwrap_or_default(), pod.name_any()), text });
    }
}

/// Which containers' logs are shown.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Logs {
    /// Of those that have begun: those of a run tell in the end how it went, and end well themselves.
    All,
    /// Of those that did not end well or are at work.
    Bad,
}

/// The last lines of containers.
async fn logs_of(cluster: &Cluster, pod: &Pod, which: Logs, tell: Tell<'_>) -> Result<()> {
    for container in pods::containers(pod) {
        let title = format!("log of {}/{}", pod.name_any(), container.name);
        match container.stage {
            pods::Stage::Waiting(_) => {}
            pods::Stage::Ended(0, None) if which == Logs::Bad => {}
            _ => match logs::last_lines(cluster, pod, &container.name, LINES).await {
                Ok(text) => tell(&Section { title, text }),
                Err(error) => tell(&Section { title, text: error.to_string() }),
            },
        }
    }
    Ok(())
}

/// All of a namespace: those of an object are chosen by its uid.
async fn events(cluster: &Cluster) -> Result<Vec<Event>> {
    match cluster.list(Some(cluster.namespace()), "").await {
        Err(error @ Error::Forbidden { .. }) => {
            tracing::warn!(%error, "events are left out");
            Ok(Vec::new())
        }
        all => all,
    }
}

fn is_owned(object: &impl kube::Resource, uid: Option<&str>) -> bool {
    object.owner_references().iter().any(|owner| Some(owner.uid.as_str()) == uid)
}
