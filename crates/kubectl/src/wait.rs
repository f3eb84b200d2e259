//! Waiting for the end of a run, telling meanwhile how far it is.

use std::{collections::BTreeMap, time::Duration};

use jiff::Timestamp;
use k8s_openapi::api::core::v1::Pod;
use kube::{ResourceExt as _, api::LogParams};
use tokio_util::sync::CancellationToken;

use crate::{
    Cluster, Error, Result, find,
    pods::{self, Stage},
    progress::Progress,
    session::{Phase, Session},
};

/// How often the run is looked at.
const PAUSE: Duration = Duration::from_secs(1);
/// Of a log so many lines are looked through for how far its work is.
const LINES: i64 = 40;
/// So often in a row the API server may not answer: it may be begun anew meanwhile.
const FAILURES: u32 = 60;
/// A run that nobody has taken up for so many seconds is spoken of.
const UNTOUCHED: i64 = 30;

/// What is told meanwhile, each thing once.
#[derive(Debug, Clone, PartialEq)]
pub enum Told {
    /// It is further.
    Phase(Box<Session>),
    /// One of its targets is further.
    Target {
        /// Its name.
        name: String,
        /// How far it is.
        phase: Phase,
    },
    /// A pod's work is further.
    Progress {
        /// The container.
        container: String,
        /// How far it is.
        progress: Progress,
    },
    /// Something is in the way.
    Obstacle(String),
}

/// What was told already.
#[derive(Default)]
struct Known {
    phase: Option<Phase>,
    targets: BTreeMap<String, Phase>,
    progress: Option<(String, Progress)>,
    obstacles: Vec<String>,
}

/// Waits until a run has ended, or for so long.
///
/// # Errors
/// Where it is deleted meanwhile, time is up, or `cancel` is cancelled; it goes on all the same.
pub async fn ended(
    cluster: &Cluster,
    session: &Session,
    timeout: Option<Duration>,
    cancel: &CancellationToken,
    tell: &mut (dyn FnMut(&Told) + Send),
) -> Result<Session> {
    let until = async {
        match timeout {
            Some(timeout) => tokio::time::sleep(timeout).await,
            None => std::future::pending().await,
        }
    };
    let late = || {
        let why = format!("it has not ended within {} s", timeout.unwrap_or_default().as_secs());
        Error::Unfit { kind: session.kind, name: format!("{}/{}", session.namespace(), session.name()), why }
    };
    tokio::select! {
        ended = watched(cluster, session, tell) => ended,
        () = until => Err(late()),
        () = cancel.cancelled() => Err(Error::Interrupted),
    }
}

async fn watched(cluster: &Cluster, session: &Session, tell: &mut (dyn FnMut(&Told) + Send)) -> Result<Session> {
    let (mut known, mut failures) = (Known::default(), 0);
    loop {
        match looked(cluster, session, &mut known, tell).await {
            Ok(Some(ended)) => return Ok(ended),
            Ok(None) => failures = 0,
            Err(error @ Error::Object { .. }) if failures < FAILURES => {
                failures += 1;
                known.obstacle(format!("{error}; trying again"), tell);
            }
            Err(error) => return Err(error),
        }
        tokio::time::sleep(PAUSE).await;
    }
}

/// Looks once. The run, where it has ended.
async fn looked(
    cluster: &Cluster,
    session: &Session,
    known: &mut Known,
    tell: &mut (dyn FnMut(&Told) + Send),
) -> Result<Option<Session>> {
    let session = find::again(cluster, session).await?;
    known.session(&session, tell);
    if session.phase.is_final() {
        return Ok(Some(session));
    }
    match pods::of(cluster, &session).await {
        Ok(pods) => {
            for pod in &pods {
                known.pod(cluster, &session, pod, tell).await;
            }
            if let Some(words) = untouched(&session, &pods, Timestamp::now()) {
                known.obstacle(words, tell);
            }
        }
        // Whoever may not look at pods can wait all the same.
        Err(error @ Error::Forbidden { .. }) => known.obstacle(error.to_string(), tell),
        Err(error) => return Err(error),
    }
    Ok(None)
}

/// That nobody has taken it up, where that takes unusually long.
fn untouched(session: &Session, pods: &[Pod], now: Timestamp) -> Option<String> {
    let age = now.as_second() - session.begun()?.as_second();
    let nobody = session.phase == Phase::Pending && pods.is_empty() && age >= UNTOUCHED;
    nobody.then(|| {
        let said = if session.why.is_empty() {
            "is the operator at work? kubectl larder debug operator"
        } else {
            &session.why[0]
        };
        format!("it has been pending for {UNTOUCHED} s: {said}")
    })
}

impl Known {
    fn session(&mut self, session: &Session, tell: &mut (dyn FnMut(&Told) + Send)) {
        if self.phase != Some(session.phase) {
            self.phase = Some(session.phase);
            tell(&Told::Phase(Box::new(session.clone())));
        }
        // Of one target the run's phase says all.
        for target in session.targets.iter().filter(|_| session.targets.len() > 1) {
            let Some(phase) = target.phase else { continue };
            if self.targets.insert(target.name.clone(), phase) != Some(phase) {
                tell(&Told::Target { name: target.name.clone(), phase });
            }
        }
    }

    async fn pod(&mut self, cluster: &Cluster, session: &Session, pod: &Pod, tell: &mut (dyn FnMut(&Told) + Send)) {
        if let Some(obstacle) = pods::obstacle(pod) {
            self.obstacle(format!("pod {}: {obstacle}", pod.name_any()), tell);
        }
        for container in pods::containers(pod).into_iter().filter(|container| container.stage == Stage::Running) {
            let params =
                LogParams { container: Some(container.name.clone()), tail_lines: Some(LINES), ..LogParams::default() };
            let log = match cluster.api::<Pod>(session.namespace()).logs(&pod.name_any(), &params).await {
                Ok(log) => log,
                Err(error) => {
                    // It may be gone in this very moment; the run itself says how it ended.
                    tracing::debug!(pod = pod.name_any(), container = container.name, %error, "no log");
                    continue;
                }
            };
            let Some(progress) = log.lines().rev().find_map(Progress::read) else { continue };
            let now = Some((container.name.clone(), progress.clone()));
            if self.progress != now {
                self.progress = now;
                tell(&Told::Progress { container: container.name, progress });
            }
        }
    }

    fn obstacle(&mut self, words: String, tell: &mut (dyn FnMut(&Told) + Send)) {
        if !self.obstacles.contains(&words) {
            tell(&Told::Obstacle(words.clone()));
            self.obstacles.push(words);
        }
    }
}

#[cfg(test)]
mod tests {
    use api::{BackupSession, BackupSessionSpec};
    use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;

    use super::*;

    fn pending(second: i64) -> Session {
        let mut session = BackupSession::new("s", BackupSessionSpec::default());
        session.metadata.creation_timestamp = Some(Time(Timestamp::from_second(second).expect("a time")));
        session.into()
    }

    #[test]
    fn a_run_that_nobody_takes_up_is_spoken_of() {
        let now = Timestamp::from_second(100).expect("a time");
        assert_eq!(untouched(&pending(71), &[], now), None);
        assert!(untouched(&pending(70), &[], now).expect("words").contains("is the operator at work?"));
        assert_eq!(untouched(&pending(0), &[Pod::default()], now), None);
        let mut waits = pending(0);
        waits.why = vec!["it waits for a place".into()];
        assert!(untouched(&waits, &[], now).expect("words").ends_with("it waits for a place"));
    }

    #[test]
    fn each_thing_is_told_once() {
        let (mut known, mut told) = (Known::default(), Vec::new());
        let mut session = pending(0);
        let target = |phase| crate::session::Target { name: "es".into(), phase, snapshots: Vec::new() };
        session.targets = vec![target(Some(Phase::Running)), target(None)];
        for phase in [Phase::Pending, Phase::Pending, Phase::Running] {
            session.phase = phase;
            known.session(&session, &mut |one| told.push(one.clone()));
            known.obstacle("no room".into(), &mut |one| told.push(one.clone()));
        }
        let kinds: Vec<&str> = told
            .iter()
            .map(|one| match one {
                Told::Phase(_) => "phase",
                Told::Target { .. } => "target",
                Told::Progress { .. } => "progress",
                Told::Obstacle(_) => "obstacle",
            })
            .collect();
        assert_eq!(kinds, ["phase", "target", "obstacle", "phase"]);
    }
}
