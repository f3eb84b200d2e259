//! An errand in a pod: made, waited for, listened to, and taken away again whatever became of it.

use std::{path::Path, time::Duration};

use engine::export::Exported;
use k8s_openapi::api::core::v1::{ContainerStatus, Pod};
use kube::{
    Api, ResourceExt as _,
    api::{AttachParams, AttachedProcess, DeleteParams},
};
use tokio::io::{AsyncRead, AsyncReadExt as _, DuplexStream};

use super::{Errands, PodChoice, image, pod};
use crate::{Cluster, Error, Result, log::Listener, refusal::failed};

/// How long a pod may take to start: images are pulled meanwhile.
const PATIENCE: Duration = Duration::from_mins(5);
/// A pod that has not begun after this is spoken of.
const SOON: Duration = Duration::from_secs(15);
/// How often a pod is looked at.
const PAUSE: Duration = Duration::from_millis(500);
/// Bytes on their way out of a pod that nobody has written down yet.
const PIPE: usize = 256 * 1024;
/// Of what a command in a pod says about its failure, so many bytes are kept.
const SAID: u64 = 64 * 1024;
/// Reasons that do not pass by waiting.
const HOPELESS: [&str; 7] = [
    "ImagePullBackOff",
    "ErrImagePull",
    "ErrImageNeverPull",
    "InvalidImageName",
    "CreateContainerConfigError",
    "CreateContainerError",
    "RunContainerError",
];

/// How far a pod is.
#[derive(Debug, Clone, PartialEq, Eq)]
enum State {
    /// Not yet running, and why.
    Waiting(String),
    Running,
    /// Its container ended with this code.
    Ended(u8),
    /// It will not do its work.
    Lost(String),
}

/// Runs `larder` in a pod; each line of its log goes to `tell`. Gives its exit code.
pub(super) async fn in_pod(
    errands: &Errands<'_>,
    choice: &PodChoice,
    arguments: &[&str],
    tell: &mut (dyn FnMut(&str) + Send),
) -> Result<u8> {
    let pod = Borrowed::make(errands, choice, arguments).await?;
    let done = tokio::select! {
        done = pod.listened(tell) => done,
        () = errands.cancel.cancelled() => Err(Error::Interrupted),
    };
    pod.give_back().await;
    done
}

/// Streams the files of snapshots out of a pod, one `larder export` in it for each.
pub(super) async fn export(
    errands: &Errands<'_>,
    choice: &PodChoice,
    snapshots: &[(String, &Path)],
) -> Result<Vec<Exported>> {
    let pod = Borrowed::make(errands, choice, &["hold"]).await?;
    let exporting = async {
        pod.started().await?;
        let mut all = Vec::new();
        for (id, to) in snapshots {
            all.push(pod.exported(id, to).await?);
        }
        Ok(all)
    };
    let done = tokio::select! {
        done = exporting => done,
        () = errands.cancel.cancelled() => Err(Error::Interrupted),
    };
    pod.give_back().await;
    done
}

/// A pod of ours.
struct Borrowed<'a> {
    cluster: &'a Cluster,
    namespace: String,
    name: String,
    api: Api<Pod>,
}

impl<'a> Borrowed<'a> {
    async fn make(errands: &Errands<'a>, choice: &PodChoice, arguments: &[&str]) -> Result<Self> {
        let image = image::of(errands.cluster, &errands.repository, choice).await?;
        let wanted = pod::of(&errands.repository, &errands.variables, image, choice, arguments);
        let made = errands.cluster.create(&wanted).await?;
        let namespace = made.namespace().unwrap_or_default();
        tracing::info!(namespace, pod = made.name_any(), "the pod is made");
        let api = errands.cluster.api(&namespace);
        Ok(Self { cluster: errands.cluster, namespace, name: made.name_any(), api })
    }

    /// Deletes it. That it cannot be deleted is a warning: it ends by itself after [`pod::LONGEST`].
    async fn give_back(&self) {
        let params = DeleteParams::default();
        if let Err(error) = self.cluster.delete::<Pod>(&self.namespace, &self.name, &params).await {
            tracing::warn!(namespace = self.namespace, pod = self.name, %error, "the pod is left behind: delete it");
        }
    }

    /// Waits until its container runs or has ended.
    async fn started(&self) -> Result<State> {
        let begun = tokio::time::Instant::now();
        let mut told = String::new();
        loop {
            match self.state().await? {
                State::Lost(why) => return Err(self.lost(why)),
                State::Waiting(why) if begun.elapsed() >= PATIENCE => {
                    return Err(self.lost(format!("it did not start within {} s: {why}", PATIENCE.as_secs())));
                }
                State::Waiting(why) => {
                    if begun.elapsed() >= SOON && told != why {
                        tracing::warn!(namespace = self.namespace, pod = self.name, why, "the pod has not begun yet");
                        told = why;
                    }
                    tokio::time::sleep(PAUSE).await;
                }
                state => return Ok(state),
            }
        }
    }

    /// Tells each line of its log until it has ended.
    async fn listened(&self, tell: &mut (dyn FnMut(&str) + Send)) -> Result<u8> {
        self.started().await?;
        let mut log = Listener::new(&self.api, &self.name, pod::CONTAINER);
        loop {
            // A connection that breaks is made again; the lines that were heard are passed over.
            let whole = self.heard(&mut log, tell).await;
            match (self.state().await?, whole) {
                (State::Ended(code), true) => return Ok(code),
                (State::Lost(why), _) => return Err(self.lost(why)),
                _ => tokio::time::sleep(PAUSE).await,
            }
        }
    }

    /// Whether the log was read to its end.
    async fn heard(&self, log: &mut Listener<'_>, tell: &mut (dyn FnMut(&str) + Send)) -> bool {
        match log.hear(true, tell).await {
            Ok(()) => true,
            Err(error) => {
                tracing::info!(pod = self.name, %error, "its log cannot be read; trying again");
                false
            }
        }
    }

    async fn state(&self) -> Result<State> {
        let seen = self.cluster.find::<Pod>(&self.namespace, &self.name).await?;
        Ok(seen.map_or_else(|| State::Lost("somebody deleted it".to_owned()), |pod| state(&pod)))
    }

    /// Writes a snapshot's files below a folder.
    async fn exported(&self, id: &str, to: &Path) -> Result<Exported> {
        let command = [pod::PROGRAM, "export", id, "--to", "-"];
        let params = AttachParams::default().container(pod::CONTAINER).stdin(false).stdout(true).stderr(true);
        let process = self.api.exec(&self.name, command, &params).await;
        let mut process = process.map_err(|error| self.exec_failed(error))?;
        let (output, mut errors) = (process.stdout().expect("asked for"), process.stderr().expect("asked for"));
        let status = process.take_status().expect("taken once");
        let said = tokio::spawn(async move {
            let mut said = Vec::new();
            let read = (&mut errors).take(SAID).read_to_end(&mut said).await;
            // What is not kept is read all the same: the other end waits for a reader.
            if let Err(error) = tokio::io::copy(&mut errors, &mut tokio::io::sink()).await {
                tracing::debug!(%error, "its errors cannot be read to their end");
            }
            read.map(|_| String::from_utf8_lossy(&said).trim().to_owned()).unwrap_or_default()
        });
        let to = to.to_owned();
        let (pipe, from) = tokio::io::duplex(PIPE);
        let from = tokio_util::io::SyncIoBridge::new(from);
        let unpacking = tokio::task::spawn_blocking(move || engine::export::unpack(from, &to));
        let pumped = pumped(output, pipe, process).await;
        let unpacked = unpacking.await.map_err(|error| self.lost(error.to_string()))?;
        match pumped {
            Pumped::Whole => {}
            Pumped::Unread => {
                unpacked.map_err(|source| Error::Write { source })?;
                return Err(self.lost(format!("more came out of it than snapshot {id}")));
            }
            Pumped::Broken => return Err(self.lost(format!("the connection to it broke while snapshot {id} was read"))),
        }
        let ended = status.await;
        let said = said.await.unwrap_or_default();
        if let Some(ended) = ended.filter(|ended| ended.status.as_deref() == Some("Success")) {
            tracing::debug!(?ended, "the export has ended");
            return unpacked.map_err(|source| Error::Write { source });
        }
        if said.is_empty() {
            return Err(self.lost(format!("its export of snapshot {id} failed and did not say why")));
        }
        Err(Error::Errand { what: said.trim_start_matches("larder: ").to_owned(), code: 1 })
    }

    fn lost(&self, why: String) -> Error {
        Error::Pod { pod: format!("{}/{}", self.namespace, self.name), why }
    }

    /// The right that is missing is one to a subresource.
    fn exec_failed(&self, error: kube::Error) -> Error {
        match failed::<Pod>("create", Some(&self.namespace), &self.name, error) {
            Error::Forbidden { verb, place, remedy, answer, .. } => {
                Error::Forbidden { verb, resource: "pods/exec".into(), place, remedy, answer }
            }
            Error::Object { source, .. } => self.lost(format!("no command can be run in it: {source}")),
            other => other,
        }
    }
}

/// How the bytes of a process came through.
enum Pumped {
    /// To their end.
    Whole,
    /// Nobody read them any more.
    Unread,
    /// The connection broke.
    Broken,
}

/// Brings a process's output into a pipe whose ends notice when the other one goes: those of kube's client do not.
async fn pumped(mut output: impl AsyncRead + Unpin, mut pipe: DuplexStream, process: AttachedProcess) -> Pumped {
    let copying = tokio::io::copy(&mut output, &mut pipe);
    let mut copying = std::pin::pin!(copying);
    let of = |copied: std::io::Result<u64>| if copied.is_ok() { Pumped::Whole } else { Pumped::Unread };
    tokio::select! {
        copied = &mut copying => of(copied),
        joined = process.join() => match joined {
            // What it wrote last may still be on its way.
            Ok(()) => of(copying.await),
            Err(error) => {
                tracing::debug!(%error, "the connection broke");
                Pumped::Broken
            }
        },
    }
}

/// How far a pod is. A container that ended counts more than the pod's phase, which comes later.
fn state(pod: &Pod) -> State {
    let status = pod.status.clone().unwrap_or_default();
    let container = status.container_statuses.unwrap_or_default().into_iter().find(|one| one.name == pod::CONTAINER);
    if let Some(state) = container.as_ref().and_then(of_container) {
        return state;
    }
    let why = [status.reason, status.message].into_iter().flatten().collect::<Vec<_>>().join(": ");
    if let Some("Failed" | "Succeeded") = status.phase.as_deref() {
        return State::Lost(if why.is_empty() { "it ended without a word".into() } else { why });
    }
    let scheduled = status.conditions.unwrap_or_default().into_iter().find(|one| one.type_ == "PodScheduled");
    let unscheduled = scheduled.filter(|one| one.status != "True").and_then(|one| one.message);
    State::Waiting(unscheduled.unwrap_or_else(|| "its container is being made".to_owned()))
}

fn of_container(container: &ContainerStatus) -> Option<State> {
    let state = container.state.clone()?;
    if let Some(ended) = state.terminated {
        let code = u8::try_from(ended.exit_code).unwrap_or(u8::MAX);
        let killed = ended.reason.filter(|reason| reason != "Completed" && reason != "Error");
        return Some(
            killed.map_or(State::Ended(code), |reason| State::Lost(format!("its container was ended: {reason}"))),
        );
    }
    if state.running.is_some() {
        return Some(State::Running);
    }
    let waiting = state.waiting?;
    let (reason, message) = (waiting.reason.unwrap_or_default(), waiting.message.unwrap_or_default());
    let told = format!("{reason}: {message}");
    Some(if HOPELESS.contains(&reason.as_str()) { State::Lost(told) } else { State::Waiting(told) })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn of(status: &serde_json::Value) -> State {
        let pod = json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p"}, "status": status});
        state(&serde_json::from_value(pod).expect("a pod"))
    }

    fn container(state: &serde_json::Value) -> serde_json::Value {
        let container = json!({
            "name": "larder", "image": "i", "imageID": "", "ready": false, "restartCount": 0, "state": state,
        });
        json!({"phase": "Pending", "containerStatuses": [container]})
    }

    #[test]
    fn what_a_pod_waits_for_is_told_and_what_does_not_pass_ends_the_wait() {
        let unschedulable = json!({"phase": "Pending", "conditions": [
            {"type": "PodScheduled", "status": "False", "message": "0/1 nodes are available"}]});
        assert_eq!(of(&unschedulable), State::Waiting("0/1 nodes are available".into()));
        let creating = container(&json!({"waiting": {"reason": "ContainerCreating"}}));
        assert!(matches!(of(&creating), State::Waiting(_)));
        let secret = container(
            &json!({"waiting": {"reason": "CreateContainerConfigError", "message": "secret \"s\" not found"}}),
        );
        assert_eq!(of(&secret), State::Lost("CreateContainerConfigError: secret \"s\" not found".into()));
    }

    #[test]
    fn an_exit_code_is_an_answer_and_a_killed_container_is_none() {
        assert_eq!(of(&container(&json!({"terminated": {"exitCode": 1, "reason": "Error"}}))), State::Ended(1));
        assert_eq!(of(&container(&json!({"terminated": {"exitCode": 0, "reason": "Completed"}}))), State::Ended(0));
        let killed = of(&container(&json!({"terminated": {"exitCode": 137, "reason": "OOMKilled"}})));
        assert_eq!(killed, State::Lost("its container was ended: OOMKilled".into()));
        let late = of(&json!({"phase": "Failed", "reason": "DeadlineExceeded", "message": "too long"}));
        assert_eq!(late, State::Lost("DeadlineExceeded: too long".into()));
        assert_eq!(of(&container(&json!({"running": {}}))), State::Running);
    }
}
