//! A Repository that goes with its data, since it says `wipeOut`: a finalizer holds it until a Job has removed the data. Pure, but
//! for [`look`].

mod job;
mod look;

use std::time::Duration;

use api::{Repository, RepositorySpec, backend::Backend, labels};
use k8s_openapi::jiff::Timestamp;
use kube::ResourceExt as _;

pub(super) use self::look::look;
use crate::{
    events::Note,
    executor::Settings,
    job_outcome::{self, JobOutcome, Seen},
    jobs::holds,
    lookup::Lookup,
    names,
    plan::{Leaving, Marks, SOON, Unwanted},
};

/// What was seen of a Repository that goes.
#[derive(Debug, Clone)]
pub(in crate::repository) struct Observed {
    repository: Repository,
    /// Whether its namespace goes, too.
    namespace_goes: bool,
    /// Other Repositories whose data lies at the same place.
    sharing: Vec<String>,
    /// A session that is at work in it.
    at_work: Option<String>,
    /// Its storage Secret.
    secret: Lookup<()>,
    /// The Job that wipes.
    job: Seen,
}

/// What failed is tried again after this.
const AGAIN: Duration = Duration::from_mins(5);
/// What stands in the way is looked for again after this.
const LATER: Duration = Duration::from_mins(1);

/// Whether its data goes with it. That of a volume, or of B2, does not: such objects are refused, but old ones may be stored.
fn wipes(repository: &Repository) -> bool {
    let RepositorySpec { backend, wipe_out, .. } = &repository.spec;
    let place = backend.as_ref().and_then(Backend::place);
    wipe_out == &Some(true) && place.is_some_and(|place| !matches!(place.provider, "local" | "b2"))
}

/// The finalizer that holds it, where it does not bear it yet.
pub(in crate::repository) fn marks(repository: &Repository) -> Marks {
    let finalizer = (wipes(repository) && !is_held(repository)).then_some(labels::REPOSITORY_FINALIZER);
    Marks { finalizer, ..Marks::default() }
}

/// Whether the finalizer holds it.
fn is_held(repository: &Repository) -> bool {
    repository.finalizers().iter().any(|finalizer| finalizer == labels::REPOSITORY_FINALIZER)
}

/// What is to be done. Pure.
pub(in crate::repository) fn plan(observed: &Observed, settings: &Settings, now: Timestamp) -> Leaving {
    if !wipes(&observed.repository) {
        return Leaving::default();
    }
    let wait = |why: String| {
        let message = format!("its data is not removed yet: {why}; or set spec.wipeOut to false to keep the data");
        Leaving { note: Some(note(true, "WipeOutWaits", message)), next: Some(LATER), ..Leaving::default() }
    };
    if observed.namespace_goes {
        // Nothing can be made in it any more, and its Secrets may be gone.
        let message = "its data stays: its whole namespace goes, so that no Job can remove the data".to_owned();
        return Leaving { note: Some(note(true, "WipeOutLeft", message)), ..Leaving::default() };
    }
    if let Some(other) = observed.sharing.first() {
        return wait(format!("the data of Repository {other} lies at the same place; delete that one first"));
    }
    if let Some(session) = &observed.at_work {
        return wait(format!("{session} is at work in it"));
    }
    let name = || names::wipe_job(&observed.repository.name_any(), &observed.repository.uid().unwrap_or_default());
    if observed.job.job.is_none() {
        if observed.secret.found().is_none() {
            let backend = observed.repository.spec.backend.as_ref();
            let secret = backend.and_then(|backend| backend.storage_secret_name.clone()).unwrap_or_default();
            return wait(format!("Secret {secret:?} (spec.backend.storageSecretName) is not there; make it again"));
        }
        return Leaving {
            apply: job::wanted(&observed.repository, name(), settings),
            note: Some(note(false, "WipeOutBegun", "a Job removes its data".into())),
            next: Some(SOON),
            ..Leaving::default()
        };
    }
    match job_outcome::of(&observed.job, None) {
        JobOutcome::Running { held_up } => {
            let note =
                held_up.map(|why| note(true, &why.reason, format!("its data is not removed yet: {}", why.message)));
            // Pods are not watched.
            let next = if note.is_some() { LATER } else { SOON };
            Leaving { note, next: Some(next), ..Leaving::default() }
        }
        JobOutcome::Complete => Leaving {
            delete: vec![Unwanted::Job(name())],
            note: Some(note(false, "WipedOut", "its data is removed".into())),
            ..Leaving::default()
        },
        JobOutcome::Failed(_) if failed_since(&observed.job, now) >= AGAIN => {
            Leaving { delete: vec![Unwanted::Job(name())], next: Some(SOON), ..Leaving::default() }
        }
        JobOutcome::Failed(why) => {
            let message = format!(
                "its data is not removed: {}; it is tried again in 5 minutes, or set spec.wipeOut to false to keep the data",
                why.message
            );
            Leaving { note: Some(note(true, "WipeOutFailed", message)), next: Some(AGAIN), ..Leaving::default() }
        }
    }
}

fn note(warning: bool, reason: &str, message: String) -> Note {
    Note { warning, reason: reason.to_owned(), message }
}

fn failed_since(seen: &Seen, now: Timestamp) -> Duration {
    let failed = seen.job.as_ref().and_then(|job| holds(job, "Failed"));
    let since = failed.and_then(|failed| failed.last_transition_time.as_ref()).map(|time| time.0);
    since.and_then(|since| Duration::try_from(now - since).ok()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use api::RepositorySpec;
    use serde_json::{Value, json};

    use super::*;
    use crate::plan::Wanted;

    /// Makes what was seen something else.
    type Change = fn(&mut Observed);

    /// A Repository that goes, for which nothing stands in the way.
    fn observed(wipe_out: bool, backend: &Value) -> Observed {
        let spec: RepositorySpec =
            serde_json::from_value(json!({ "wipeOut": wipe_out, "backend": backend })).expect("a spec");
        let mut repository = Repository::new("store", spec);
        repository.metadata.namespace = Some("logs".into());
        repository.metadata.uid = Some("0a1b2c3d-4e5f".into());
        Observed {
            repository,
            namespace_goes: false,
            sharing: Vec::new(),
            at_work: None,
            secret: Lookup::Found(()),
            job: Seen::default(),
        }
    }

    fn s3() -> Value {
        json!({ "storageSecretName": "s3", "s3": { "endpoint": "http://minio:9000", "bucket": "b", "prefix": "/a/" } })
    }

    fn planned(observed: &Observed) -> Leaving {
        let settings = Settings { image: "i".into(), pushgateway_url: String::new(), pull_secrets: Vec::new() };
        plan(observed, &settings, Timestamp::from_second(1000).expect("a time"))
    }

    fn ended(observed: &mut Observed, type_: &str, second: i64) {
        let at = Timestamp::from_second(second).expect("a time");
        let status =
            json!({ "conditions": [{ "type": type_, "status": "True", "lastTransitionTime": at.to_string() }] });
        observed.job.job = serde_json::from_value(json!({ "metadata": {}, "status": status })).expect("a Job");
    }

    #[test]
    fn its_data_goes_before_it() {
        let mut observed = observed(true, &s3());
        let begun = planned(&observed);
        let [Wanted::Job(job)] = begun.apply.as_slice() else { panic!("{:?}", begun.apply) };
        assert_eq!(job.metadata.name.as_deref(), Some("stash-wipe-store-0a1b2c3d"));
        assert_eq!(job.metadata.owner_references, None);
        let pod = job.spec.as_ref().and_then(|spec| spec.template.spec.as_ref()).expect("a pod");
        assert_eq!(pod.automount_service_account_token, Some(false));
        let args = pod.containers[0].args.clone().unwrap_or_default();
        for part in
            ["--provider=s3", "--bucket=b", "--path=/a/", "--endpoint=http://minio:9000", "--storage-secret-name=s3"]
        {
            assert!(args.iter().any(|arg| arg == part), "{part} is not among {args:?}");
        }
        assert!(begun.next.is_some());
        ended(&mut observed, "Complete", 990);
        let done = planned(&observed);
        assert_eq!((done.delete.len(), done.next), (1, None));
    }

    #[test]
    fn what_fails_holds_it_and_is_tried_again() {
        let mut observed = observed(true, &s3());
        ended(&mut observed, "Failed", 990);
        let failed = planned(&observed);
        assert!(failed.delete.is_empty() && failed.next.is_some());
        assert!(failed.note.is_some_and(|note| note.warning && note.message.contains("spec.wipeOut to false")));
        ended(&mut observed, "Failed", 600);
        let again = planned(&observed);
        assert_eq!((again.delete.len(), again.next), (1, Some(SOON)));
    }

    #[test]
    fn it_waits_for_what_is_in_the_way_and_says_so() {
        let cases: [(&str, Change); 3] = [
            ("Repository logs/other lies at the same place", |observed| observed.sharing.push("logs/other".into())),
            ("BackupSession logs/a-1 is at work", |observed| observed.at_work = Some("BackupSession logs/a-1".into())),
            ("Secret \"s3\"", |observed| observed.secret = Lookup::Missing),
        ];
        for (why, change) in cases {
            let mut observed = observed(true, &s3());
            change(&mut observed);
            let waits = planned(&observed);
            assert!(waits.apply.is_empty() && waits.next.is_some());
            let message = waits.note.expect("a note").message;
            assert!(message.contains(why), "{message}");
        }
    }

    #[test]
    fn data_that_is_to_stay_stays() {
        let mut going = observed(true, &s3());
        going.namespace_goes = true;
        let local = json!({ "local": { "mountPath": "/safe", "emptyDir": {} } });
        for (kept, told) in [(observed(false, &s3()), false), (observed(true, &local), false), (going, true)] {
            let left = planned(&kept);
            assert!(left.apply.is_empty() && left.next.is_none(), "{left:?}");
            assert_eq!(left.note.is_some(), told);
        }
        assert_eq!(marks(&observed(true, &s3()).repository).finalizer, Some("stash"));
        assert!(marks(&observed(false, &s3()).repository).is_empty());
    }
}
