//! What became of a session's Job, as its own status and its pods tell. Pure.

use api::condition::{Condition, find};
use k8s_openapi::api::{
    batch::v1::Job,
    core::v1::{ContainerState, ContainerStatus, Pod, PodStatus},
};

use crate::jobs::holds;

/// How far a Job is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum JobOutcome {
    /// It has not ended. What holds it up, if something does.
    Running {
        /// Such as an image that cannot be pulled.
        held_up: Option<Reason>,
    },
    /// Its pod came to its end.
    Complete,
    /// It failed, or is gone.
    Failed(Reason),
}

/// Why something is as it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reason {
    /// One word.
    pub reason: String,
    /// The same for a person.
    pub message: String,
}

impl Reason {
    fn new(reason: &str, message: impl Into<String>) -> Self {
        Self { reason: reason.to_owned(), message: message.into() }
    }

    /// What a condition of that type told, if it does not hold.
    pub fn told_by(conditions: &[Condition], type_: &str) -> Option<Self> {
        let condition = find(conditions, type_).filter(|condition| condition.is_false())?;
        Some(Self { reason: condition.reason.clone(), message: condition.message.clone() })
    }
}

/// What was seen of a Job.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Seen {
    /// The Job.
    pub job: Option<Job>,
    /// Its pods.
    pub pods: Vec<Pod>,
    /// Why it can have none, as its events tell.
    pub no_pods: Option<String>,
}

/// Looks at a Job that was made. `held_up` is what held it up when it was looked at before: at its deadline the pods go, and
/// with them what they tell.
pub fn of(seen: &Seen, held_up: Option<Reason>) -> JobOutcome {
    let Seen { job, pods, no_pods } = seen;
    let Some(job) = job else {
        return JobOutcome::Failed(Reason::new("JobDeleted", "its Job was deleted before it had ended"));
    };
    if holds(job, "Complete").is_some() {
        return JobOutcome::Complete;
    }
    // The second is there as soon as it is decided; the first only once its pods have ended, which those of a node that is gone
    // never do.
    if let Some(failed) = holds(job, "Failed").or_else(|| holds(job, "FailureTarget")) {
        return JobOutcome::Failed(failure(failed.reason.as_deref(), failed.message.as_deref(), pods, held_up));
    }
    let no_pods = no_pods.as_deref().filter(|_| pods.is_empty());
    let refused = || no_pods.map(|why| Reason::new("FailedCreate", format!("it gets no pod: {why}")));
    // Pods that are on their way out tell no more what held them up.
    let before = || held_up.filter(|_| pods.iter().all(|pod| pod.metadata.deletion_timestamp.is_some()));
    JobOutcome::Running { held_up: pods.iter().find_map(holds_up).or_else(refused).or_else(before) }
}

fn failure(reason: Option<&str>, message: Option<&str>, pods: &[Pod], held_up: Option<Reason>) -> Reason {
    // At the deadline the pods are deleted: that is not what they died of.
    let late = reason == Some("DeadlineExceeded");
    if let Some(reason) = pods.iter().filter(|_| !late).find_map(died_of) {
        return reason;
    }
    let message = message.unwrap_or("its Job failed");
    match (reason, held_up) {
        (Some("DeadlineExceeded"), Some(held_up)) => {
            Reason::new(&held_up.reason, format!("it did not end before its deadline (timeOut): {}", held_up.message))
        }
        (Some("DeadlineExceeded"), None) => Reason::new(
            "DeadlineExceeded",
            "it did not end before its deadline (timeOut); the server or the store may be slow",
        ),
        // Without a trace of the pod, somebody or its node took it away.
        (Some("BackoffLimitExceeded") | None, _) if pods.is_empty() => {
            Reason::new("PodGone", "its pod was deleted, or its node is gone, before it had ended")
        }
        (reason, _) => Reason::new(reason.unwrap_or("JobFailed"), message),
    }
}

/// What a pod died of.
fn died_of(pod: &Pod) -> Option<Reason> {
    let status = pod.status.as_ref()?;
    if status.reason.as_deref() == Some("Evicted") {
        let why = status.message.as_deref().unwrap_or("the node ran out of something");
        return Some(Reason::new("Evicted", format!("its pod was evicted: {why}")));
    }
    let ended = containers(status).find_map(|container| {
        let ended = container.state.as_ref()?.terminated.as_ref()?;
        (ended.exit_code != 0).then_some((container.name.as_str(), ended))
    });
    if let Some((name, ended)) = ended {
        let reason = ended.reason.as_deref().unwrap_or("Error");
        if reason == "OOMKilled" {
            let message = format!(
                "container {name} needed more memory than its limit; raise \
                 runtimeSettings.container.resources.limits.memory"
            );
            return Some(Reason::new(reason, message));
        }
        let said = ended.message.as_deref().map(|said| format!(": {}", said.trim())).unwrap_or_default();
        return Some(Reason::new(reason, format!("container {name} ended with exit code {}{said}", ended.exit_code)));
    }
    if status.phase.as_deref() == Some("Failed") || pod.metadata.deletion_timestamp.is_some() {
        let reason = status.reason.as_deref().unwrap_or("PodGone");
        let why = status.message.as_deref().unwrap_or("its pod was deleted, or its node is gone, before it had ended");
        return Some(Reason::new(reason, why));
    }
    None
}

/// What keeps a pod from working.
fn holds_up(pod: &Pod) -> Option<Reason> {
    let status = pod.status.as_ref()?;
    let waiting = containers(status).find_map(|container| {
        let ContainerState { waiting, .. } = container.state.as_ref()?;
        let waiting = waiting.as_ref()?;
        let reason = waiting.reason.as_deref()?;
        // The first names of a wait are those of a start that goes well.
        (!matches!(reason, "PodInitializing" | "ContainerCreating")).then(|| {
            let said = waiting.message.as_deref().unwrap_or("no more is told");
            Reason::new(reason, format!("container {} waits: {said}", container.name))
        })
    });
    waiting.or_else(|| {
        let unscheduled = status
            .conditions
            .iter()
            .flatten()
            .find(|condition| condition.type_ == "PodScheduled" && condition.status == "False")?;
        let said = unscheduled.message.as_deref().unwrap_or("no node takes it");
        Some(Reason::new(
            unscheduled.reason.as_deref().unwrap_or("Unschedulable"),
            format!("its pod is not scheduled: {said}"),
        ))
    })
}

fn containers(status: &PodStatus) -> impl Iterator<Item = &ContainerStatus> {
    let init = status.init_container_statuses.iter().flatten();
    init.chain(status.container_statuses.iter().flatten())
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn outcome(job: &Value, pods: &Value, held_up: Option<Reason>) -> JobOutcome {
        let job: Option<Job> = serde_json::from_value(job.clone()).expect("a Job");
        let pods: Vec<Pod> = serde_json::from_value(pods.clone()).expect("pods");
        of(&Seen { job, pods, no_pods: None }, held_up)
    }

    fn failed(reason: &str) -> Value {
        json!({ "status": { "conditions": [{ "type": "Failed", "status": "True", "reason": reason, "message": "m" }] } })
    }

    fn pod(status: &Value) -> Value {
        json!([{ "status": status }])
    }

    #[test]
    fn a_failed_job_says_what_its_pod_died_of() {
        let ended = |reason: &str, code: i32| {
            pod(
                &json!({ "initContainerStatuses": [{ "name": "backup", "image": "i", "imageID": "", "ready": false, "restartCount": 0,
                "state": { "terminated": { "exitCode": code, "reason": reason } } }] }),
            )
        };
        let backoff = failed("BackoffLimitExceeded");
        let cases = [
            (&backoff, ended("OOMKilled", 137), "OOMKilled", "raise runtimeSettings"),
            (&backoff, ended("Error", 2), "Error", "container backup ended with exit code 2"),
            (
                &backoff,
                pod(&json!({ "phase": "Failed", "reason": "Evicted", "message": "low on memory" })),
                "Evicted",
                "low on memory",
            ),
            (&backoff, pod(&json!({ "phase": "Failed", "reason": "NodeLost" })), "NodeLost", "node is gone"),
            (&backoff, json!([]), "PodGone", "was deleted"),
            (&failed("DeadlineExceeded"), json!([]), "DeadlineExceeded", "timeOut"),
            (
                &json!({ "status": { "conditions": [{ "type": "FailureTarget", "status": "True", "reason": "DeadlineExceeded" }] } }),
                json!([{ "metadata": { "deletionTimestamp": "2022-02-01T00:00:00Z" }, "status": { "phase": "Running" } }]),
                "DeadlineExceeded",
                "timeOut",
            ),
            (&Value::Null, json!([]), "JobDeleted", "was deleted"),
        ];
        for (job, pods, reason, message) in cases {
            let JobOutcome::Failed(why) = outcome(job, &pods, None) else { panic!("{pods}: it failed") };
            assert_eq!(why.reason, reason, "{pods}");
            assert!(why.message.contains(message), "{}", why.message);
        }
    }

    #[test]
    fn a_job_that_gets_no_pod_says_why() {
        let seen = Seen { job: Some(Job::default()), pods: Vec::new(), no_pods: Some("forbidden".into()) };
        let JobOutcome::Running { held_up: Some(why) } = of(&seen, None) else { panic!("held up") };
        assert_eq!((why.reason.as_str(), why.message.as_str()), ("FailedCreate", "it gets no pod: forbidden"));
        // At its end its pods are gone, and the reason is not.
        let seen = Seen { no_pods: None, ..seen };
        assert_eq!(of(&seen, Some(why.clone())), JobOutcome::Running { held_up: Some(why) });
    }

    #[test]
    fn what_held_a_job_up_is_told_when_its_deadline_has_passed() {
        let waiting = pod(
            &json!({ "containerStatuses": [{ "name": "c", "image": "i", "imageID": "", "ready": false, "restartCount": 0,
            "state": { "waiting": { "reason": "ImagePullBackOff", "message": "no such image" } } }] }),
        );
        let JobOutcome::Running { held_up } = outcome(&json!({}), &waiting, None) else { panic!("it runs") };
        assert_eq!(held_up.as_ref().map(|why| why.reason.as_str()), Some("ImagePullBackOff"));
        let JobOutcome::Failed(why) = outcome(&failed("DeadlineExceeded"), &json!([]), held_up) else {
            panic!("it failed")
        };
        assert!(why.reason == "ImagePullBackOff" && why.message.contains("no such image"), "{why:?}");

        let unscheduled = pod(
            &json!({ "conditions": [{ "type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": "0/1 nodes" }] }),
        );
        let JobOutcome::Running { held_up: Some(why) } = outcome(&json!({}), &unscheduled, None) else {
            panic!("held up")
        };
        assert!(why.message.contains("0/1 nodes"));
        let starting = pod(
            &json!({ "containerStatuses": [{ "name": "c", "image": "i", "imageID": "", "ready": false, "restartCount": 0,
            "state": { "waiting": { "reason": "ContainerCreating" } } }] }),
        );
        assert_eq!(outcome(&json!({}), &starting, None), JobOutcome::Running { held_up: None });
    }
}
