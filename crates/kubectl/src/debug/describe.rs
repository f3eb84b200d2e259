//! Objects in words and YAML. Pure.

use k8s_openapi::api::{
    batch::v1::Job,
    core::v1::{Event, Pod},
};
use serde::Serialize;

use crate::{Error, Result, pods, pods::Stage};

/// Events of one object that are shown.
const EVENTS: usize = 10;

/// The object as YAML, without what only machines read.
pub(super) fn yaml(object: &impl Serialize) -> Result<String> {
    let mut value = serde_json::to_value(object).expect("our kinds have text for keys");
    if let Some(fields) = value.as_object_mut() {
        fields.retain(|_, field| !field.is_null());
    }
    if let Some(metadata) = value["metadata"].as_object_mut() {
        for field in ["managedFields", "resourceVersion", "selfLink"] {
            metadata.remove(field);
        }
        if let Some(annotations) = metadata.get_mut("annotations").and_then(serde_json::Value::as_object_mut) {
            annotations.remove("kubectl.kubernetes.io/last-applied-configuration");
        }
        metadata.retain(|_, field| !field.as_object().is_some_and(serde_json::Map::is_empty));
    }
    serde_saphyr::to_string(&value)
        .map_err(|error| Error::Flags { why: format!("it cannot be written as YAML: {error}") })
}

/// A line for each of the last events about an object.
pub(super) fn events(all: &[Event], uid: &str) -> String {
    let mut of: Vec<&Event> = all.iter().filter(|event| event.involved_object.uid.as_deref() == Some(uid)).collect();
    of.sort_by_key(|event| time(event));
    let lines = of.iter().rev().take(EVENTS).rev().map(|event| {
        let text = |text: &Option<String>| text.clone().unwrap_or_default();
        let time = time(event).map_or_else(|| "?".to_owned(), |time| time.to_string());
        format!("{time} {} {}: {}\n", text(&event.type_), text(&event.reason), text(&event.message).trim())
    });
    lines.collect()
}

fn time(event: &Event) -> Option<jiff::Timestamp> {
    let last = event.last_timestamp.as_ref().map(|time| time.0);
    let at = event.event_time.as_ref().map(|time| time.0);
    last.or(at).or(event.metadata.creation_timestamp.as_ref().map(|time| time.0))
}

/// How a Job stands.
pub(super) fn job(job: &Job) -> String {
    let status = job.status.clone().unwrap_or_default();
    let many = |count: Option<i32>| count.unwrap_or_default();
    let (active, succeeded, failed) = (many(status.active), many(status.succeeded), many(status.failed));
    let mut text = format!("pods: {active} at work, {succeeded} succeeded, {failed} failed\n");
    for condition in status.conditions.iter().flatten().filter(|condition| condition.status == "True") {
        let said = [condition.reason.clone(), condition.message.clone()].into_iter().flatten();
        let said = said.filter(|text| !text.is_empty()).collect::<Vec<_>>().join(": ");
        text.push_str(&format!("{}: {said}\n", condition.type_));
    }
    text
}

/// How a pod stands, container by container.
pub(super) fn pod(pod: &Pod) -> String {
    let status = pod.status.clone().unwrap_or_default();
    let mut text = format!("phase: {}\n", status.phase.unwrap_or_else(|| "unknown".to_owned()));
    if let Some(node) = pod.spec.as_ref().and_then(|spec| spec.node_name.clone()) {
        text.push_str(&format!("node: {node}\n"));
    }
    for said in [status.reason, status.message].into_iter().flatten() {
        text.push_str(&format!("why: {said}\n"));
    }
    for container in pods::containers(pod) {
        let stage = match container.stage {
            Stage::Waiting(why) => format!("has not begun: {why}"),
            Stage::Running => "at work".to_owned(),
            Stage::Ended(0, None) => "done".to_owned(),
            Stage::Ended(code, None) => format!("failed with exit code {code}"),
            Stage::Ended(code, Some(reason)) => format!("failed with exit code {code}: {reason}"),
        };
        text.push_str(&format!("container {}: {stage}\n", container.name));
    }
    text
}

#[cfg(test)]
mod tests {
    use api::{Repository, RepositorySpec};
    use serde_json::json;

    use super::*;

    #[test]
    fn what_only_machines_read_is_left_out() {
        let mut object = Repository::new("store", RepositorySpec::default());
        let annotation = ("kubectl.kubernetes.io/last-applied-configuration".to_owned(), "{}".to_owned());
        object.metadata.annotations = Some([annotation].into());
        object.metadata.resource_version = Some("17".into());
        let text = yaml(&object).expect("YAML");
        let expected =
            "apiVersion: stash.appscode.com/v1alpha1\nkind: Repository\nmetadata:\n  name: store\nspec: {}\n";
        assert_eq!(text, expected);
    }

    #[test]
    fn events_are_those_of_the_object_and_the_last_ones() {
        let event = |uid: &str, second: u32| -> Event {
            let object = json!({"metadata": {}, "involvedObject": {"uid": uid}, "reason": "R", "type": "Warning",
                "message": format!("m{second}\n"), "lastTimestamp": format!("2022-02-01T00:00:{second:02}Z")});
            serde_json::from_value(object).expect("an event")
        };
        let mut all: Vec<Event> = (0..12).rev().map(|second| event("u", second)).collect();
        all.push(event("other", 1));
        let text = events(&all, "u");
        assert_eq!(text.lines().count(), EVENTS);
        assert!(text.starts_with("2022-02-01T00:00:02Z Warning R: m2\n"), "{text}");
        assert!(text.ends_with("2022-02-01T00:00:11Z Warning R: m11\n"), "{text}");
    }
}
