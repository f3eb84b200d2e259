//! What was seen in, what is to be done out: BackupConfigurations and BackupSessions.

use std::{collections::BTreeMap, time::Duration};

use api::{
    AppBinding, BackupConfiguration, BackupInvoker, BackupSession, Repository, RestoreSession,
    backup_batch::BackupBatchStatus,
    backup_configuration::InvokerStatus,
    backup_session::BackupSessionPhase,
    restore_session::RestoreSessionStatus,
    session::{InvokerPhase, RetryConfig},
};
use k8s_openapi::{
    api::{batch::v1::Job, core::v1::Pod},
    apimachinery::pkg::apis::meta::v1::Time,
    jiff::Timestamp,
};
use operator::{
    backup_invoker::plan as configuration,
    backup_session::plan::{self as session, SeenTarget},
    catalog,
    executor::Settings,
    job_outcome::Seen,
    lookup::Lookup,
    plan::{Push, Tried, Wanted},
    restore::plan::{self as restores, SeenMember},
    tasks::{self, Direction, Needed},
};
use serde_json::{Value, json};

use crate::manifests;

const IMAGE: &str = "registry.example/larder:1";

/// Makes what was seen something else.
type Change<T> = fn(&mut T);

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_643_673_600 + second).expect("a time")
}

fn yaml(value: &impl serde::Serialize) -> String {
    serde_saphyr::to_string(value).expect("YAML")
}

fn wanted(wanted: &Wanted) -> String {
    match wanted {
        Wanted::Secret(object) => yaml(object),
        Wanted::ServiceAccount(object) => yaml(object),
        Wanted::Role(object) => yaml(object),
        Wanted::RoleBinding(object) => yaml(object),
        Wanted::Claim(object) => yaml(object),
        Wanted::CronJob(object) => yaml(object),
        Wanted::Job(object) => yaml(object),
        Wanted::BackupSession(object) => yaml(object),
        Wanted::Repository(object) => yaml(object),
        Wanted::BackupConfiguration(object) => yaml(object),
    }
}

fn pushed(push: &Push) -> String {
    format!("job {}\n{}", push.job, api::metrics::text(&push.samples))
}

/// A BackupConfiguration for which everything is there.
fn complete(configuration: BackupConfiguration) -> configuration::Observed {
    let of = configuration.spec.repository.clone().expect("a repository").name;
    let repository = manifests::of::<Repository>("Repository")
        .into_iter()
        .find(|repository| repository.metadata.name.as_ref() == Some(&of))
        .expect("the repository");
    configuration::Observed {
        invoker: configuration.into(),
        repository: Lookup::Found(repository),
        secret: Lookup::Found(()),
        namespace_labels: BTreeMap::from([("backup-tier".into(), "gold".into()), ("env".into(), "prod".into())]),
        targets: vec![Lookup::Found(())],
        cron_job: None,
        tried: Tried::default(),
    }
}

#[test]
fn each_backup_configuration_gets_its_cron_job_and_is_ready_once_it_is_there() {
    for object in manifests::of::<BackupConfiguration>("BackupConfiguration") {
        let name = object.metadata.name.clone().expect("a name");
        let mut observed = complete(object);
        let first = configuration::plan(&observed, &settings(), at(0));
        assert_eq!(first.status.phase, Some(InvokerPhase::NotReady), "{name}: it is not there yet");
        let text: Vec<String> = first.apply.iter().map(wanted).collect();
        insta::assert_snapshot!(format!("configuration-{name}"), text.join("---\n"));
        observed.cron_job = first.apply.into_iter().find_map(|wanted| match wanted {
            Wanted::CronJob(cron_job) => Some(*cron_job),
            _ => None,
        });
        let second = configuration::plan(&observed, &settings(), at(1));
        assert_eq!((second.status.phase, second.next), (Some(InvokerPhase::Ready), None), "{name}");
    }
}

#[test]
fn what_a_backup_configuration_lacks_is_told() {
    let object = manifests::of::<BackupConfiguration>("BackupConfiguration").remove(0);
    let with = |change: fn(&mut configuration::Observed)| {
        let mut observed = complete(object.clone());
        change(&mut observed);
        let plan = configuration::plan(&observed, &settings(), at(0)).saying(InvokerStatus::from);
        format!("apply: {}\nnext: {:?}\n{}", plan.apply.len(), plan.next, yaml(&plan.status))
    };
    let cases = [
        ("no-repository", with(|observed| observed.repository = Lookup::Missing)),
        ("unknown-repository", with(|observed| observed.repository = Lookup::Unknown("forbidden".into()))),
        ("no-secret", with(|observed| observed.secret = Lookup::Missing)),
        ("not-allowed", with(|observed| observed.namespace_labels.clear())),
        ("no-target", with(|observed| observed.targets = vec![Lookup::Missing])),
        ("bad-schedule", with(|observed| observed.tried.refused = Some("spec.schedule: Invalid value".into()))),
    ];
    for (name, text) in cases {
        insta::assert_snapshot!(format!("lacking-{name}"), text);
    }
}

/// A session of the first BackupConfiguration, which is ready.
fn begun() -> session::Observed {
    let mut invoker = BackupInvoker::from(manifests::of::<BackupConfiguration>("BackupConfiguration").remove(0));
    invoker.status.phase = Some(InvokerPhase::Ready);
    let mut object = manifests::of::<BackupSession>("BackupSession").remove(0);
    object.metadata.creation_timestamp = Some(Time(at(0)));
    object.metadata.uid = Some("u-1".into());
    let binding = manifests::of::<AppBinding>("AppBinding").remove(0);
    let chosen = tasks::choose(None, Some(&binding.spec), Direction::Backup).expect("a Task");
    let task = catalog::tasks().into_iter().find(|task| task.metadata.name.as_ref() == Some(&chosen.name)).expect("it");
    let functions =
        catalog::functions().into_iter().map(|function| (function.metadata.name.expect("a name"), function.spec));
    session::Observed {
        session: object,
        invoker: Lookup::Found(invoker),
        at_work: None,
        free: true,
        repository: Lookup::Found(manifests::of::<Repository>("Repository").remove(0)),
        targets: vec![SeenTarget {
            needed: Needed { binding: Some(binding), task: Lookup::Found(task.spec), functions: functions.collect() },
            executor: Seen::default(),
        }],
        hooks: [Seen::default(), Seen::default()],
        tried: Tried::default(),
        history: Vec::new(),
        newer: None,
    }
}

fn settings() -> Settings {
    Settings { image: IMAGE.into(), pushgateway_url: "http://larder.larder.svc:56789".into(), pull_secrets: Vec::new() }
}

/// What is planned, and the session as it is then.
fn step(observed: &mut session::Observed, second: i64) -> String {
    let planned = session::plan(observed, &settings(), at(second));
    observed.session.status = Some(planned.status.clone());
    if let Some(job) = planned.apply.iter().find_map(|wanted| match wanted {
        Wanted::Job(job) => Some(job.as_ref().clone()),
        _ => None,
    }) {
        observed.targets[0].executor.job = Some(job);
    }
    let kinds: Vec<&str> = planned
        .apply
        .iter()
        .map(|wanted| match wanted {
            Wanted::Job(_) => "Job",
            Wanted::Claim(_) => "Claim",
            Wanted::Secret(_) => "Secret",
            Wanted::ServiceAccount(_) => "ServiceAccount",
            Wanted::Role(_) => "Role",
            Wanted::RoleBinding(_) => "RoleBinding",
            Wanted::CronJob(_) => "CronJob",
            Wanted::BackupSession(_) => "BackupSession",
            Wanted::Repository(_) => "Repository",
            Wanted::BackupConfiguration(_) => "BackupConfiguration",
        })
        .collect();
    let push = planned.push.as_ref().map(pushed).unwrap_or_default();
    format!(
        "apply: {kinds:?}\nnext: {:?}\ndelete: {:?}\npush:\n{push}status:\n{}",
        planned.next,
        planned.delete,
        yaml(&planned.status)
    )
}

fn job_ended(observed: &mut session::Observed, type_: &str, reason: &str) {
    let status = json!({ "conditions": [{ "type": type_, "status": "True", "reason": reason, "message": "m" }] });
    observed.targets[0].executor.job.as_mut().expect("a Job").status =
        serde_json::from_value(status).expect("a status");
}

fn host_told(observed: &mut session::Observed, phase: &str) {
    let status = observed.session.status.as_mut().expect("a status");
    let stats: Value = json!([{ "hostname": "host-0", "phase": phase, "duration": "3.2s" }]);
    status.targets.as_mut().expect("targets")[0].stats = serde_json::from_value(stats).expect("stats");
}

#[test]
fn a_session_goes_from_its_job_over_its_metrics_to_its_end() {
    let mut observed = begun();
    insta::assert_snapshot!("session-1-begins", step(&mut observed, 0));
    insta::assert_snapshot!("session-2-works", step(&mut observed, 5));
    host_told(&mut observed, "Succeeded");
    insta::assert_snapshot!("session-3-has-told", step(&mut observed, 60));
    job_ended(&mut observed, "Complete", "");
    insta::assert_snapshot!("session-4-pushes", step(&mut observed, 72));
    observed.tried.pushed = Some(Ok(()));
    insta::assert_snapshot!("session-5-succeeds", step(&mut observed, 72));
    assert_eq!(
        session::plan(&observed, &settings(), at(99)).status,
        observed.session.status.clone().expect("a status")
    );
}

#[test]
fn a_pushgateway_that_is_down_fails_no_backup() {
    let mut observed = begun();
    step(&mut observed, 0);
    host_told(&mut observed, "Succeeded");
    job_ended(&mut observed, "Complete", "");
    observed.tried.pushed = Some(Err("connection refused".into()));
    insta::assert_snapshot!("session-without-pushgateway", step(&mut observed, 72));
}

#[test]
fn every_session_ends() {
    let cases: [(&str, Change<session::Observed>); 5] = [
        ("killed", |observed| {
            job_ended(observed, "Failed", "BackoffLimitExceeded");
            let pod = json!({ "status": { "initContainerStatuses": [{ "name": "elasticsearch-backup-7-3-2-0", "image": "i",
                "imageID": "", "ready": false, "restartCount": 0,
                "state": { "terminated": { "exitCode": 137, "reason": "OOMKilled" } } }] } });
            observed.targets[0].executor.pods = vec![serde_json::from_value::<Pod>(pod).expect("a pod")];
        }),
        ("job-deleted", |observed| observed.targets[0].executor.job = None),
        ("deadline", |observed| job_ended(observed, "Failed", "DeadlineExceeded")),
        ("silent", |observed| job_ended(observed, "Complete", "")),
        ("status-failed", |observed| {
            host_told(observed, "Succeeded");
            job_ended(observed, "Failed", "BackoffLimitExceeded");
        }),
    ];
    for (name, change) in cases {
        let mut observed = begun();
        step(&mut observed, 0);
        change(&mut observed);
        observed.tried.pushed = Some(Ok(()));
        insta::assert_snapshot!(format!("session-ends-{name}"), step(&mut observed, 90));
    }
}

#[test]
fn a_session_that_cannot_begin_says_why() {
    let cases: [(&str, Change<session::Observed>); 6] = [
        ("not-ready", |observed| {
            if let Lookup::Found(invoker) = &mut observed.invoker {
                invoker.status = BackupBatchStatus::default();
            }
        }),
        ("no-invoker", |observed| observed.invoker = Lookup::Missing),
        ("another-at-work", |observed| {
            observed.at_work = Some(("alpha-nightly-1".into(), BackupSessionPhase::Running));
        }),
        ("no-task", |observed| observed.targets[0].needed.task = Lookup::Missing),
        ("no-function", |observed| observed.targets[0].needed.functions.clear()),
        ("bad-timeout", |observed| {
            if let Lookup::Found(invoker) = &mut observed.invoker {
                invoker.spec.time_out = Some("soon".into());
            }
        }),
    ];
    for (name, change) in cases {
        let mut observed = begun();
        change(&mut observed);
        insta::assert_snapshot!(format!("session-not-begun-{name}"), step(&mut observed, 3));
    }
}

/// A session that failed, whose invoker has it tried again after 10 minutes, and how it was planned.
fn failed_and_tried_again(max_retry: Option<i32>) -> (session::Observed, String) {
    let mut observed = begun();
    if let Lookup::Found(invoker) = &mut observed.invoker {
        invoker.spec.retry_config = Some(RetryConfig { max_retry, delay: Some("10m".into()) });
    }
    step(&mut observed, 0);
    job_ended(&mut observed, "Failed", "DeadlineExceeded");
    observed.tried.pushed = Some(Ok(()));
    let ended = step(&mut observed, 90);
    observed.tried = Tried::default();
    (observed, ended)
}

#[test]
fn a_session_that_failed_is_tried_again_when_its_time_has_come() {
    let (mut observed, ended) = failed_and_tried_again(None);
    insta::assert_snapshot!("session-retry-1-failed", ended);
    let planned = session::plan(&observed, &settings(), at(100));
    assert!(planned.apply.is_empty() && planned.next > Some(Duration::from_secs(589)), "{:?}", planned.next);
    let planned = session::plan(&observed, &settings(), at(690));
    let again: Vec<String> = planned.apply.iter().map(wanted).collect();
    insta::assert_snapshot!("session-retry-2-again", format!("{}---\n{}", again.join("---\n"), yaml(&planned.status)));
    observed.session.status = Some(planned.status);
    let done = session::plan(&observed, &settings(), at(700));
    assert!(done.apply.is_empty() && done.next.is_none());
    // The one that tried it again was the last.
    let (mut observed, _) = failed_and_tried_again(Some(2));
    observed.session.spec.retry_left = Some(0);
    observed.session.status = None;
    observed.targets[0].executor = Seen::default();
    step(&mut observed, 700);
    job_ended(&mut observed, "Failed", "DeadlineExceeded");
    observed.tried.pushed = Some(Ok(()));
    step(&mut observed, 790);
    assert_eq!(observed.session.status.and_then(|status| status.next_retry), None);
}

#[test]
fn a_session_is_not_tried_again_where_that_has_no_sense() {
    let cases: [(&str, Change<session::Observed>); 4] = [
        ("BackupSession alpha-9 was begun since", |observed| observed.newer = Some("alpha-9".into())),
        ("its invoker is not there", |observed| observed.invoker = Lookup::Missing),
        ("is paused", |observed| {
            if let Lookup::Found(invoker) = &mut observed.invoker {
                invoker.spec.paused = Some(true);
            }
        }),
        ("no more of them", |observed| observed.tried.refused = Some("quota: no more of them".into())),
    ];
    for (why, change) in cases {
        let (mut observed, _) = failed_and_tried_again(Some(3));
        change(&mut observed);
        let planned = session::plan(&observed, &settings(), at(690));
        let conditions = planned.status.conditions.unwrap_or_default();
        let told = api::condition::find(&conditions, "BackupRetried").expect("the condition");
        assert!(told.is_false() && told.message.contains(why), "{}", told.message);
        assert!(planned.apply.is_empty() && planned.next.is_none() && planned.status.retried == Some(false));
    }
}

#[test]
fn a_session_waits_while_too_many_jobs_run() {
    let mut observed = begun();
    observed.free = false;
    let planned = session::plan(&observed, &settings(), at(0));
    assert!(planned.apply.is_empty() && planned.next.is_some());
    assert_eq!(planned.status.phase, Some(BackupSessionPhase::Pending));
}

#[test]
fn a_job_is_the_same_however_often_it_is_planned() {
    let observed = begun();
    let job = |second| {
        let planned = session::plan(&observed, &settings(), at(second));
        planned.apply.into_iter().find_map(|wanted| match wanted {
            Wanted::Job(job) => Some(*job),
            _ => None,
        })
    };
    assert_eq!(job(0), job(100));
    assert_ne!(job(0), None::<Job>);
}

/// A restore for which everything is there.
fn restore(name: &str) -> restores::Observed {
    let sessions = manifests::of::<RestoreSession>("RestoreSession");
    let mut session = sessions.into_iter().find(|session| session.metadata.name.as_deref() == Some(name)).expect("it");
    session.metadata.creation_timestamp = Some(Time(at(0)));
    session.metadata.uid = Some("u-2".into());
    let binding = manifests::of::<AppBinding>("AppBinding").remove(0);
    let chosen = tasks::choose(session.spec.task.as_ref(), Some(&binding.spec), Direction::Restore).expect("a Task");
    let task = catalog::tasks().into_iter().find(|task| task.metadata.name.as_ref() == Some(&chosen.name)).expect("it");
    let functions =
        catalog::functions().into_iter().map(|function| (function.metadata.name.expect("a name"), function.spec));
    restores::Observed {
        restore: session.into(),
        repository: Lookup::Found(manifests::of::<Repository>("Repository").remove(0)),
        secret: Lookup::Found(()),
        namespace_labels: BTreeMap::from([("backup-tier".into(), "gold".into()), ("env".into(), "prod".into())]),
        members: vec![SeenMember {
            target: Lookup::Found(()),
            needed: Needed { binding: Some(binding), task: Lookup::Found(task.spec), functions: functions.collect() },
            executor: Seen::default(),
        }],
        hooks: [Seen::default(), Seen::default()],
        free: true,
        tried: Tried::default(),
    }
}

fn restore_step(observed: &mut restores::Observed, second: i64) -> String {
    let planned = restores::plan(observed, &settings(), at(second));
    observed.restore.status = planned.status.clone();
    if let Some(Wanted::Job(job)) = planned.apply.iter().find(|wanted| matches!(wanted, Wanted::Job(_))) {
        observed.members[0].executor.job = Some(job.as_ref().clone());
    }
    let push = planned.push.as_ref().map(pushed).unwrap_or_default();
    let (applied, next) = (planned.apply.len(), planned.next);
    format!(
        "apply: {applied}\nnext: {next:?}\npush:\n{push}status:\n{}",
        yaml(&RestoreSessionStatus::from(planned.status))
    )
}

#[test]
fn a_restore_goes_from_its_job_over_its_metrics_to_its_end() {
    let mut observed = restore("alpha-latest");
    insta::assert_snapshot!("restore-1-begins", restore_step(&mut observed, 0));
    let stats = json!([{ "hostname": "host-0", "phase": "Succeeded", "duration": "3.2s" }]);
    observed.restore.status.members.as_mut().expect("members")[0].stats = serde_json::from_value(stats).expect("stats");
    let status = json!({ "conditions": [{ "type": "Complete", "status": "True" }] });
    observed.members[0].executor.job.as_mut().expect("a Job").status =
        serde_json::from_value(status).expect("a status");
    insta::assert_snapshot!("restore-2-pushes", restore_step(&mut observed, 60));
    observed.tried.pushed = Some(Ok(()));
    insta::assert_snapshot!("restore-3-succeeds", restore_step(&mut observed, 72));
}

#[test]
fn a_restore_into_a_database_of_kubedbs_bears_its_labels() {
    let mut observed = restore("alpha-latest");
    observed.members[0].needed.binding.as_mut().expect("a binding").metadata.labels = None;
    assert!(restores::plan(&observed, &settings(), at(0)).marks.is_empty());
    let labels = [("managed-by", "kubedb.com"), ("instance", "alpha"), ("name", "elasticsearches.kubedb.com")];
    let labels: BTreeMap<String, String> =
        labels.into_iter().map(|(key, value)| (format!("app.kubernetes.io/{key}"), value.into())).collect();
    observed.members[0].needed.binding.as_mut().expect("a binding").metadata.labels =
        Some(labels.clone().into_iter().chain([("other".into(), "x".into())]).collect());
    assert_eq!(restores::plan(&observed, &settings(), at(0)).marks.labels, labels);
    observed.restore.metadata.labels = Some(labels);
    assert!(restores::plan(&observed, &settings(), at(0)).marks.is_empty());
}

#[test]
fn a_restore_that_cannot_begin_or_fails_says_why() {
    let cases: [(&str, &str, Change<restores::Observed>); 7] = [
        ("two-without-hosts", "bad-two-empty", |_| {}),
        ("host-twice", "bad-same-host", |_| {}),
        ("snapshots-and-paths", "bad-snap-and-path", |_| {}),
        ("no-repository", "alpha-latest", |observed| observed.repository = Lookup::Missing),
        ("no-secret", "alpha-latest", |observed| observed.secret = Lookup::Missing),
        ("no-target", "alpha-latest", |observed| observed.members[0].target = Lookup::Missing),
        ("no-function", "alpha-latest", |observed| observed.members[0].needed.functions.clear()),
    ];
    for (name, session, change) in cases {
        let mut observed = restore(session);
        change(&mut observed);
        insta::assert_snapshot!(format!("restore-not-begun-{name}"), restore_step(&mut observed, 3));
    }
    let mut observed = restore("alpha-latest");
    restore_step(&mut observed, 0);
    observed.members[0].executor.job = None;
    observed.tried.pushed = Some(Err("connection refused".into()));
    insta::assert_snapshot!("restore-ends-job-deleted", restore_step(&mut observed, 9));
}
