//! The pods of a run: those of the Jobs that the operator made for it, and how far each of their containers is.

use std::collections::BTreeMap;

use api::labels;
use k8s_openapi::api::{
    batch::v1::Job,
    core::v1::{ContainerState, ContainerStatus, Pod},
};
use kube::ResourceExt as _;

use crate::{Cluster, Result, session::Session};

/// Label that Kubernetes gives to the pods of a Job.
const JOB_NAME: &str = "job-name";

/// How far a container is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Stage {
    /// It has not begun, and why.
    Waiting(String),
    /// It is at work.
    Running,
    /// It has ended: its exit code, and a reason other than that it is done.
    Ended(i32, Option<String>),
}

/// A container of a pod.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Container {
    /// Its name.
    pub name: String,
    /// How far it is.
    pub stage: Stage,
}

/// The Jobs of a run, in the order in which they were made.
///
/// # Errors
/// Where the API server does not say.
pub async fn jobs(cluster: &Cluster, session: &Session) -> Result<Vec<Job>> {
    let ours = format!("{}={}", labels::MANAGED_BY, labels::GROUP);
    let mut jobs: Vec<Job> = cluster.list(Some(session.namespace()), &ours).await?;
    let uid = session.metadata.uid.as_deref();
    jobs.retain(|job| job.owner_references().iter().any(|owner| Some(owner.uid.as_str()) == uid));
    jobs.sort_by_key(|job| (job.creation_timestamp().map(|time| time.0), job.name_any()));
    Ok(jobs)
}

/// The pods of Jobs of a namespace, in the Jobs' order.
///
/// # Errors
/// Where the API server does not say.
pub async fn of_jobs(cluster: &Cluster, namespace: &str, jobs: &[Job]) -> Result<Vec<Pod>> {
    if jobs.is_empty() {
        return Ok(Vec::new());
    }
    let names: Vec<String> = jobs.iter().map(kube::ResourceExt::name_any).collect();
    let mut pods: Vec<Pod> = cluster.list(Some(namespace), &format!("{JOB_NAME} in ({})", names.join(","))).await?;
    let order: BTreeMap<&str, usize> = names.iter().enumerate().map(|(at, name)| (name.as_str(), at)).collect();
    pods.sort_by_key(|pod| {
        let at = pod.labels().get(JOB_NAME).and_then(|job| order.get(job.as_str()).copied());
        (at, pod.creation_timestamp().map(|time| time.0), pod.name_any())
    });
    Ok(pods)
}

/// The pods of a run.
///
/// # Errors
/// Where the API server does not say.
pub async fn of(cluster: &Cluster, session: &Session) -> Result<Vec<Pod>> {
    let jobs = jobs(cluster, session).await?;
    of_jobs(cluster, session.namespace(), &jobs).await
}

/// A pod's containers in the order in which they run.
pub fn containers(pod: &Pod) -> Vec<Container> {
    let spec = pod.spec.clone().unwrap_or_default();
    let status = pod.status.clone().unwrap_or_default();
    let names = spec.init_containers.iter().flatten().chain(&spec.containers).map(|container| container.name.clone());
    let told: Vec<ContainerStatus> = status
        .init_container_statuses
        .into_iter()
        .flatten()
        .chain(status.container_statuses.into_iter().flatten())
        .collect();
    let waits = unscheduled(pod).unwrap_or_else(|| "its pod has not begun".to_owned());
    names
        .map(|name| {
            let state = told.iter().find(|status| status.name == name).and_then(|status| status.state.clone());
            Container { stage: state.map_or_else(|| Stage::Waiting(waits.clone()), stage), name }
        })
        .collect()
}

/// What a pod waits for that its turn alone does not bring.
pub fn obstacle(pod: &Pod) -> Option<String> {
    let waits = containers(pod).into_iter().find_map(|container| match container.stage {
        Stage::Waiting(why) if !why.is_empty() && !PATIENT.contains(&why.as_str()) => Some((container.name, why)),
        _ => None,
    });
    unscheduled(pod).or_else(|| waits.map(|(name, why)| format!("container {name}: {why}")))
}

/// What every container says while its turn has not come.
const PATIENT: [&str; 3] = ["PodInitializing", "ContainerCreating", "its pod has not begun"];

fn unscheduled(pod: &Pod) -> Option<String> {
    let conditions = pod.status.as_ref()?.conditions.as_ref()?;
    conditions.iter().find(|one| one.type_ == "PodScheduled" && one.status != "True")?.message.clone()
}

fn stage(state: ContainerState) -> Stage {
    if let Some(ended) = state.terminated {
        let reason = ended.reason.filter(|reason| reason != "Completed" && reason != "Error");
        return Stage::Ended(ended.exit_code, reason);
    }
    if state.running.is_some() {
        return Stage::Running;
    }
    let waiting = state.waiting.unwrap_or_default();
    let said = [waiting.reason, waiting.message].into_iter().flatten().filter(|text| !text.is_empty());
    Stage::Waiting(said.collect::<Vec<_>>().join(": "))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn pod(status: &serde_json::Value) -> Pod {
        let spec = json!({"initContainers": [{"name": "backup"}], "containers": [{"name": "tell"}]});
        let pod = json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p"}, "spec": spec, "status": status});
        serde_json::from_value(pod).expect("a pod")
    }

    fn told(name: &str, state: &serde_json::Value) -> serde_json::Value {
        json!({"name": name, "image": "i", "imageID": "", "ready": false, "restartCount": 0, "state": state})
    }

    #[test]
    fn containers_are_told_in_the_order_in_which_they_run() {
        let pod = pod(&json!({
            "containerStatuses": [told("tell", &json!({"waiting": {"reason": "PodInitializing"}}))],
            "initContainerStatuses": [told("backup", &json!({"terminated": {"exitCode": 137, "reason": "OOMKilled"}}))],
        }));
        let all = containers(&pod);
        assert_eq!(all[0], Container { name: "backup".into(), stage: Stage::Ended(137, Some("OOMKilled".into())) });
        assert_eq!(all[1].stage, Stage::Waiting("PodInitializing".into()));
        assert_eq!(obstacle(&pod), None);
    }

    #[test]
    fn what_a_pod_waits_for_is_an_obstacle() {
        let unscheduled =
            pod(&json!({"conditions": [{"type": "PodScheduled", "status": "False", "message": "0/1 nodes"}]}));
        assert_eq!(obstacle(&unscheduled).as_deref(), Some("0/1 nodes"));
        let state = json!({"waiting": {"reason": "ImagePullBackOff", "message": "no such image"}});
        let no_image = pod(&json!({"initContainerStatuses": [told("backup", &state)]}));
        assert_eq!(obstacle(&no_image).as_deref(), Some("container backup: ImagePullBackOff: no such image"));
        assert_eq!(obstacle(&pod(&json!({}))), None);
    }
}
