//! How far Jobs are, and which sessions have one that is at work. Pure.

use k8s_openapi::api::batch::v1::{Job, JobCondition};

/// Sessions whose Jobs have not ended, by kind, namespace and name.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct JobsAtWork(Vec<(String, String, String)>);

impl JobsAtWork {
    /// Those among all Jobs that we made.
    pub(crate) fn among(jobs: &[Job]) -> Self {
        let session = |job: &Job| {
            let owner = job.metadata.owner_references.as_ref()?.first()?;
            let ours = matches!(owner.kind.as_str(), "BackupSession" | "RestoreSession" | "RestoreBatch");
            let namespace = job.metadata.namespace.clone()?;
            (ours && !has_ended(job)).then(|| (owner.kind.clone(), namespace, owner.name.clone()))
        };
        Self(jobs.iter().filter_map(session).collect())
    }

    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    /// Kind, namespace and name of each.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, &str, &str)> {
        self.0.iter().map(|(kind, namespace, name)| (kind.as_str(), namespace.as_str(), name.as_str()))
    }

    /// Whether a session is among them.
    pub(crate) fn of(&self, kind: &str, namespace: &str, name: &str) -> bool {
        self.0.iter().any(|one| (one.0.as_str(), one.1.as_str(), one.2.as_str()) == (kind, namespace, name))
    }
}

/// A condition that holds of a Job.
pub(crate) fn holds<'a>(job: &'a Job, type_: &str) -> Option<&'a JobCondition> {
    let conditions = job.status.as_ref().and_then(|status| status.conditions.as_deref()).unwrap_or_default();
    conditions.iter().find(|condition| condition.type_ == type_ && condition.status == "True")
}

fn has_ended(job: &Job) -> bool {
    ["Complete", "Failed", "FailureTarget"].iter().any(|type_| holds(job, type_).is_some())
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    #[test]
    fn a_job_is_at_work_until_it_has_ended() {
        let job = |kind: &str, name: &str, conditions: Value| -> Job {
            let owner = json!({ "apiVersion": "stash.appscode.com/v1beta1", "kind": kind, "name": name, "uid": "u" });
            let job = json!({ "metadata": { "name": "j", "namespace": "logs", "ownerReferences": [owner] },
                "status": { "conditions": conditions } });
            serde_json::from_value(job).expect("a Job")
        };
        let ended = |type_: &str| json!([{ "type": type_, "status": "True" }]);
        let jobs = JobsAtWork::among(&[
            job("BackupSession", "a", json!([])),
            job("BackupSession", "b", ended("Complete")),
            job("RestoreSession", "c", ended("Failed")),
            job("RestoreSession", "d", ended("Suspended")),
            job("CronJob", "e", json!([])),
        ]);
        assert_eq!(jobs.len(), 2);
        assert!(jobs.of("BackupSession", "logs", "a") && !jobs.of("BackupSession", "search", "a"));
    }
}
