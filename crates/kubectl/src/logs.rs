//! `logs`: what the pods of a run have written, container by container, in the order in which they run.

use std::{collections::BTreeSet, time::Duration};

use k8s_openapi::api::core::v1::Pod;
use kube::{ResourceExt as _, api::LogParams};

use crate::{
    Cluster, Error, Result, find,
    log::Listener,
    pods::{self, Container, Stage},
    refusal::failed,
    session::Session,
};

/// How often it is looked for containers that have begun meanwhile.
const PAUSE: Duration = Duration::from_millis(500);

/// Which of it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Wanted {
    /// Only of containers whose name begins so.
    pub container: Option<String>,
    /// Until the run has ended.
    pub follow: bool,
    /// Only so many lines of each container, the last ones.
    pub tail: Option<usize>,
}

/// What is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Told {
    /// What follows is of this container.
    Container {
        /// Its pod.
        pod: String,
        /// Its name.
        container: String,
    },
    /// A line of it.
    Line(String),
    /// Why there is nothing of a container, or how it ended.
    Note(String),
}

/// Tells the logs of a run.
///
/// # Errors
/// Where it has no pods, or they may not be read.
pub async fn told(
    cluster: &Cluster,
    session: &Session,
    wanted: &Wanted,
    tell: &mut (dyn FnMut(&Told) + Send),
) -> Result<()> {
    let mut done: BTreeSet<(String, String)> = BTreeSet::new();
    let mut session = session.clone();
    loop {
        let is_final = session.phase.is_final();
        let pods = pods::of(cluster, &session).await?;
        let waits = wanted.follow && !is_final;
        of_pods(cluster, &pods, wanted, waits, &mut done, tell).await?;
        if !waits {
            break;
        }
        tokio::time::sleep(PAUSE).await;
        session = find::again(cluster, &session).await?;
    }
    if done.is_empty() {
        return Err(nothing(&session, wanted));
    }
    Ok(())
}

/// Tells of each container once, in order.
async fn of_pods(
    cluster: &Cluster,
    pods: &[Pod],
    wanted: &Wanted,
    waits: bool,
    done: &mut BTreeSet<(String, String)>,
    tell: &mut (dyn FnMut(&Told) + Send),
) -> Result<()> {
    for pod in pods {
        let of_wanted = |container: &Container| {
            wanted.container.as_ref().is_none_or(|beginning| container.name.starts_with(beginning))
        };
        for container in pods::containers(pod).into_iter().filter(of_wanted) {
            let key = (pod.name_any(), container.name.clone());
            if done.contains(&key) {
                continue;
            }
            if waits && matches!(container.stage, Stage::Waiting(_)) {
                // Its turn comes; those of other pods may have begun.
                break;
            }
            tell(&Told::Container { pod: key.0.clone(), container: key.1.clone() });
            of_container(cluster, pod, &container, wanted, tell).await?;
            done.insert(key);
        }
    }
    Ok(())
}

async fn of_container(
    cluster: &Cluster,
    pod: &Pod,
    container: &Container,
    wanted: &Wanted,
    tell: &mut (dyn FnMut(&Told) + Send),
) -> Result<()> {
    if let Stage::Waiting(why) = &container.stage {
        tell(&Told::Note(format!("it has not begun: {why}")));
        return Ok(());
    }
    let (namespace, name) = (pod.namespace().unwrap_or_default(), pod.name_any());
    let api = cluster.api::<Pod>(&namespace);
    let mut log = Listener::new(&api, &name, &container.name);
    let unread = |error| unread(&namespace, &name, error);
    if let Some(lines) = wanted.tail {
        log.skip_to_last(lines).await.map_err(unread)?;
    }
    let mut stage = container.stage.clone();
    loop {
        let heard = log.hear(wanted.follow, &mut |line: &str| tell(&Told::Line(line.to_owned()))).await;
        if !wanted.follow {
            heard.map_err(unread)?;
            break;
        }
        let Some(now) = cluster.find::<Pod>(&namespace, &name).await? else { break };
        if let Some(now) = pods::containers(&now).into_iter().find(|one| one.name == container.name) {
            stage = now.stage;
        }
        match (heard, &stage) {
            (Ok(()), Stage::Ended(..)) => break,
            // A connection that breaks is made again.
            (Ok(()), _) => {}
            (Err(error @ kube::Error::Api(_)), _) => return Err(unread(error)),
            (Err(error), _) => tracing::info!(pod = name, %error, "its log cannot be read; trying again"),
        }
        tokio::time::sleep(PAUSE).await;
    }
    if let Stage::Ended(code, reason) = &stage
        && (*code != 0 || reason.is_some())
    {
        let reason = reason.as_ref().map_or_else(String::new, |reason| format!(" ({reason})"));
        tell(&Told::Note(format!("it ended with exit code {code}{reason}")));
    }
    Ok(())
}

/// Why there is nothing to tell.
fn nothing(session: &Session, wanted: &Wanted) -> Error {
    let name = format!("{}/{}", session.namespace(), session.name());
    let why = match &wanted.container {
        Some(container) => format!("no container of its pods begins with {container:?}"),
        None if session.why.is_empty() => format!("it has no pods: it is {}", session.phase),
        None => format!("it has no pods: it is {}: {}", session.phase, session.why.join("; ")),
    };
    Error::Unfit { kind: session.kind, name, why }
}

/// The last lines of a container's log.
///
/// # Errors
/// Where it cannot be read.
pub(crate) async fn last_lines(cluster: &Cluster, pod: &Pod, container: &str, lines: usize) -> Result<String> {
    let (namespace, name) = (pod.namespace().unwrap_or_default(), pod.name_any());
    let params = LogParams {
        container: Some(container.to_owned()),
        tail_lines: i64::try_from(lines).ok(),
        ..LogParams::default()
    };
    cluster.api::<Pod>(&namespace).logs(&name, &params).await.map_err(|error| unread(&namespace, &name, error))
}

/// The right that is missing is one to a subresource.
fn unread(namespace: &str, name: &str, error: kube::Error) -> Error {
    match failed::<Pod>("get", Some(namespace), name, error) {
        Error::Forbidden { verb, place, remedy, answer, .. } => {
            Error::Forbidden { verb, resource: "pods/log".into(), place, remedy, answer }
        }
        other => other,
    }
}
