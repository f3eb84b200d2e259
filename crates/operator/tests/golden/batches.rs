//! What was seen in, what is to be done out: batches of backups, their sessions, batches of restores.

use std::collections::{BTreeMap, BTreeSet};

use api::{
    AppBinding, BackupBatch, BackupInvoker, BackupSession, Repository, RestoreBatch, RestoreInvoker,
    backup_session::BackupSessionPhase,
    restore_session::RestorePhase,
    session::{ExecutionOrder, InvokerPhase},
};
use k8s_openapi::{api::batch::v1::Job, apimachinery::pkg::apis::meta::v1::Time, jiff::Timestamp};
use operator::{
    backup_invoker::plan as batches,
    backup_session::plan::{self as sessions, SeenTarget},
    catalog,
    executor::Settings,
    job_outcome::Seen,
    lookup::Lookup,
    plan::{Tried, Wanted},
    restore::plan::{self as restores, SeenMember},
    tasks::{self, Direction, Needed},
};
use serde_json::json;

use crate::manifests;

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_643_673_600 + second).expect("a time")
}

fn settings() -> Settings {
    Settings { image: "registry.example/larder:1".into(), pushgateway_url: String::new(), pull_secrets: Vec::new() }
}

fn yaml(value: &impl serde::Serialize) -> String {
    serde_saphyr::to_string(value).expect("YAML")
}

fn batch() -> BackupInvoker {
    let mut batch = BackupInvoker::from(manifests::of::<BackupBatch>("BackupBatch").remove(0));
    batch.status.phase = Some(InvokerPhase::Ready);
    batch
}

fn repository() -> Lookup<Repository> {
    Lookup::Found(manifests::of::<Repository>("Repository").remove(0))
}

fn needed(task: Option<&api::task::TaskRef>, binding: &str, direction: Direction) -> Needed {
    let bindings = manifests::of::<AppBinding>("AppBinding").into_iter();
    let binding = bindings.clone().find(|object| object.metadata.name.as_deref() == Some(binding));
    let chosen = tasks::choose(task, binding.as_ref().map(|binding| &binding.spec), direction).expect("a Task");
    let task = catalog::tasks().into_iter().find(|task| task.metadata.name.as_ref() == Some(&chosen.name)).expect("it");
    let functions = catalog::functions().into_iter();
    let functions = functions.map(|function| (function.metadata.name.expect("a name"), function.spec)).collect();
    Needed { binding, task: Lookup::Found(task.spec), functions }
}

fn begun() -> sessions::Observed {
    let batch = batch();
    let mut session = BackupSession::new("stack-1", api::BackupSessionSpec::default());
    session.spec.invoker =
        serde_json::from_value(json!({ "kind": "BackupBatch", "name": batch.name() })).expect("an invoker");
    session.metadata.namespace = Some("logs".into());
    session.metadata.creation_timestamp = Some(Time(at(0)));
    session.metadata.uid = Some("u-1".into());
    let seen = |member: &api::backup_batch::BackupMember| {
        let target = member.target.as_ref().and_then(|target| target.target_ref.as_ref()?.name.as_deref());
        SeenTarget {
            needed: needed(member.task.as_ref(), target.expect("a name"), Direction::Backup),
            executor: Seen::default(),
        }
    };
    sessions::Observed {
        session,
        targets: batch.members().iter().map(seen).collect(),
        invoker: Lookup::Found(batch),
        at_work: None,
        free: true,
        repository: repository(),
        hooks: [Seen::default(), Seen::default()],
        tried: Tried::default(),
        history: Vec::new(),
        newer: None,
    }
}

/// The names of the Jobs that are made, which are there from then on.
fn jobs(apply: &[Wanted], mut there: impl FnMut(&str, Job)) -> Vec<String> {
    let jobs = apply.iter().filter_map(|wanted| match wanted {
        Wanted::Job(job) => Some(job.as_ref().clone()),
        _ => None,
    });
    jobs.map(|job| {
        let name = job.metadata.name.clone().expect("a name");
        there(&name, job);
        name
    })
    .collect()
}

/// What is planned, and the session as it is then.
fn step(observed: &mut sessions::Observed, second: i64) -> (Vec<String>, Option<BackupSessionPhase>) {
    let planned = sessions::plan(observed, &settings(), at(second));
    let made = jobs(&planned.apply, |name, job| {
        if name.contains("hook") {
            observed.hooks[usize::from(name.contains("post"))].job = Some(job);
        } else {
            let number: usize = name.rsplit('-').next().and_then(|digit| digit.parse().ok()).expect("a number");
            observed.targets[number].executor.job = Some(job);
        }
    });
    let phase = planned.status.phase;
    observed.session.status = Some(planned.status);
    (made, phase)
}

fn end(job: &mut Seen, type_: &str) {
    let status = json!({ "conditions": [{ "type": type_, "status": "True", "reason": "BackoffLimitExceeded" }] });
    job.job.as_mut().expect("a Job").status = serde_json::from_value(status).expect("a status");
}

/// Its Job tells of it and ends.
fn tells(observed: &mut sessions::Observed, target: usize, phase: &str) {
    let status = observed.session.status.as_mut().expect("a status");
    let stats = json!([{ "hostname": "h", "phase": phase, "error": (phase == "Failed").then_some("it is red") }]);
    status.targets.as_mut().expect("targets")[target].stats = serde_json::from_value(stats).expect("stats");
    end(&mut observed.targets[target].executor, "Complete");
}

fn hook_says(observed: &mut sessions::Observed, behind: bool, well: bool) {
    let type_ = if behind { "GlobalPostBackupHookSucceeded" } else { "GlobalPreBackupHookSucceeded" };
    let status = observed.session.status.as_mut().expect("a status");
    let conditions = status.conditions.as_mut().expect("conditions");
    let condition = conditions.iter_mut().find(|condition| condition.type_ == type_).expect("it has begun");
    condition.status = if well { "True" } else { "False" }.into();
    end(&mut observed.hooks[usize::from(behind)], if well { "Complete" } else { "Failed" });
}

#[test]
fn a_batch_gets_its_cron_job_and_is_ready_once_all_targets_are_there() {
    let invoker = batch();
    let mut observed = batches::Observed {
        invoker,
        repository: repository(),
        secret: Lookup::Found(()),
        namespace_labels: BTreeMap::from([("backup-tier".into(), "gold".into()), ("env".into(), "prod".into())]),
        targets: vec![Lookup::Found(()), Lookup::Missing],
        cron_job: None,
        tried: Tried::default(),
    };
    let lacking = batches::plan(&observed, &settings(), at(0));
    assert!(lacking.apply.is_empty() && lacking.next.is_some());
    insta::assert_snapshot!("batch-lacks-a-target", yaml(&lacking.status));
    observed.targets[1] = Lookup::Found(());
    let planned = batches::plan(&observed, &settings(), at(1));
    let Some(Wanted::CronJob(cron_job)) = planned.apply.into_iter().next_back() else { panic!("the CronJob is last") };
    insta::assert_snapshot!("batch-cron-job", yaml(&cron_job));
    observed.cron_job = Some(*cron_job);
    assert_eq!(batches::plan(&observed, &settings(), at(2)).status.phase, Some(InvokerPhase::Ready));
    // The same CronJob, whatever it is planned for.
    observed.invoker.spec.members.as_mut().expect("members")[1].target.as_mut().expect("a target").alias = None;
    observed.invoker.spec.members.as_mut().expect("members")[0].target.as_mut().expect("a target").alias = None;
    let invalid = batches::plan(&observed, &settings(), at(3)).status;
    assert_eq!(invalid.phase, Some(InvokerPhase::Invalid));
}

#[test]
fn one_after_the_other_with_the_batchs_hooks_around() {
    let mut observed = begun();
    let waits = |step: (Vec<String>, _)| assert!(step.0.is_empty(), "{:?}", step.0);
    assert_eq!(
        step(&mut observed, 0),
        (vec!["stash-backup-stack-1-pre-hook".into()], Some(BackupSessionPhase::Running))
    );
    let hook = observed.hooks[0].job.clone();
    insta::assert_snapshot!("batch-hook-job", yaml(&hook));
    waits(step(&mut observed, 1));
    hook_says(&mut observed, false, true);
    assert_eq!(step(&mut observed, 2).0, ["stash-backup-stack-1-0"]);
    waits(step(&mut observed, 3));
    tells(&mut observed, 0, "Failed");
    assert_eq!(
        step(&mut observed, 4).0,
        ["stash-backup-stack-1-1"],
        "a target that failed keeps no other from its backup"
    );
    tells(&mut observed, 1, "Succeeded");
    assert_eq!(step(&mut observed, 5).0, ["stash-backup-stack-1-post-hook"]);
    waits(step(&mut observed, 6));
    hook_says(&mut observed, true, true);
    waits(step(&mut observed, 7));
    observed.tried.pushed = Some(Ok(()));
    assert_eq!(step(&mut observed, 8), (Vec::new(), Some(BackupSessionPhase::Failed)));
    insta::assert_snapshot!("batch-session-partly-failed", yaml(&observed.session.status));
}

#[test]
fn a_hook_before_that_fails_lets_nothing_be_saved_and_the_one_behind_still_runs() {
    let mut observed = begun();
    step(&mut observed, 0);
    hook_says(&mut observed, false, false);
    assert!(step(&mut observed, 1).0.is_empty());
    assert_eq!(step(&mut observed, 2).0, ["stash-backup-stack-1-post-hook"]);
    // Its policy does not let it run: its Job ends and says nothing.
    end(&mut observed.hooks[1], "Complete");
    observed.tried.pushed = Some(Ok(()));
    assert_eq!(step(&mut observed, 3), (Vec::new(), Some(BackupSessionPhase::Failed)));
    let status = observed.session.status.expect("a status");
    let targets = status.targets.expect("targets");
    assert!(targets.iter().all(|target| target.stats.is_none()));
    let conditions = status.conditions.expect("conditions");
    let behind = conditions.iter().find(|condition| condition.type_ == "GlobalPostBackupHookSucceeded");
    assert_eq!(behind.map(|condition| condition.reason.as_str()), Some("HookDoesNotRun"));
}

#[test]
fn a_hook_whose_pod_dies_has_failed() {
    let mut observed = begun();
    step(&mut observed, 0);
    end(&mut observed.hooks[0], "Failed");
    step(&mut observed, 1);
    let status = observed.session.status.expect("a status");
    let said =
        status.conditions.expect("conditions").into_iter().find(|one| one.type_ == "GlobalPreBackupHookSucceeded");
    let said = said.expect("the condition");
    assert!(said.is_false() && said.message.starts_with("spec.hooks.preBackup: "), "{said:?}");
}

#[test]
fn side_by_side_as_far_as_there_are_places() {
    let mut observed = begun();
    if let Lookup::Found(invoker) = &mut observed.invoker {
        invoker.spec.execution_order = ExecutionOrder::Parallel;
        invoker.spec.hooks = None;
    }
    assert_eq!(step(&mut observed, 0).0, ["stash-backup-stack-1-0"]);
    observed.free = false;
    assert!(step(&mut observed, 1).0.is_empty());
    observed.free = true;
    assert_eq!(step(&mut observed, 2).0, ["stash-backup-stack-1-1"]);
    tells(&mut observed, 1, "Succeeded");
    assert_eq!(step(&mut observed, 3).1, Some(BackupSessionPhase::Running));
    tells(&mut observed, 0, "Succeeded");
    observed.tried.pushed = Some(Ok(()));
    assert_eq!(step(&mut observed, 4).1, Some(BackupSessionPhase::Succeeded));
}

#[test]
fn members_share_the_time_of_their_batch() {
    let mut observed = begun();
    if let Lookup::Found(invoker) = &mut observed.invoker {
        invoker.spec.hooks = None;
        invoker.spec.time_out = Some("100s".into());
    }
    step(&mut observed, 40);
    let job = observed.targets[0].executor.job.as_ref().and_then(|job| job.spec.as_ref()).expect("a Job");
    assert_eq!(job.active_deadline_seconds, Some(60));
    tells(&mut observed, 0, "Succeeded");
    assert!(step(&mut observed, 101).0.is_empty());
    observed.tried.pushed = Some(Ok(()));
    assert_eq!(step(&mut observed, 102).1, Some(BackupSessionPhase::Failed));
    let targets = observed.session.status.and_then(|status| status.targets).expect("targets");
    let message = &targets[1].conditions.as_ref().expect("conditions")[0].message;
    assert!(message.starts_with("spec.timeOut: "), "{message}");
}

#[test]
fn a_restore_batch_goes_the_same_way() {
    let restore = RestoreInvoker::from(manifests::of::<RestoreBatch>("RestoreBatch").remove(0));
    let seen = |member: &api::restore_batch::RestoreMember| {
        let target = member.target.as_ref().and_then(|target| target.target_ref.as_ref()?.name.as_deref());
        SeenMember {
            target: Lookup::Found(()),
            needed: needed(member.task.as_ref(), target.expect("a name"), Direction::Restore),
            executor: Seen::default(),
        }
    };
    let mut observed = restores::Observed {
        repository: repository(),
        secret: Lookup::Found(()),
        namespace_labels: BTreeMap::from([("backup-tier".into(), "gold".into()), ("env".into(), "prod".into())]),
        members: restore.members().iter().map(seen).collect(),
        hooks: [Seen::default(), Seen::default()],
        free: true,
        tried: Tried::default(),
        restore,
    };
    observed.restore.metadata.creation_timestamp = Some(Time(at(0)));
    observed.members[1].target = Lookup::Missing;
    let planned = restores::plan(&observed, &settings(), at(0));
    assert_eq!((planned.status.phase, planned.apply.len()), (Some(RestorePhase::Pending), 0));
    observed.members[1].target = Lookup::Found(());
    let mut made = BTreeSet::new();
    for second in 1..=2 {
        let planned = restores::plan(&observed, &settings(), at(second));
        made.extend(jobs(&planned.apply, |name, job| {
            let number: usize = name.rsplit('-').next().and_then(|digit| digit.parse().ok()).expect("a number");
            observed.members[number].executor.job = Some(job);
        }));
        observed.restore.status = planned.status;
    }
    assert_eq!(
        made,
        BTreeSet::from(["stash-restore-search-stack-back-0".into(), "stash-restore-search-stack-back-1".into()])
    );
    for (number, phase) in [(0, "Succeeded"), (1, "Failed")] {
        let stats = json!([{ "hostname": "h", "phase": phase, "error": (phase == "Failed").then_some("it is red") }]);
        let members = observed.restore.status.members.as_mut().expect("members");
        members[number].stats = serde_json::from_value(stats).expect("stats");
        end(&mut observed.members[number].executor, "Complete");
    }
    let planned = restores::plan(&observed, &settings(), at(3));
    let hook = jobs(&planned.apply, |_, job| observed.hooks[1].job = Some(job));
    assert_eq!(hook, ["stash-restore-search-stack-back-post-hook"]);
    observed.restore.status = planned.status;
    end(&mut observed.hooks[1], "Complete");
    observed.tried.pushed = Some(Ok(()));
    let planned = restores::plan(&observed, &settings(), at(4));
    insta::assert_snapshot!("restore-batch-partly-failed", yaml(&planned.status));
}
