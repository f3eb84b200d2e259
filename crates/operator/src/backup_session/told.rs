//! What is pushed about a session. Pure.

use api::{
    backup_session::{BackupSessionPhase, BackupTargetStatus, HostBackupPhase, TargetPhase},
    metrics::{self, Labels, Sample},
};
use k8s_openapi::jiff::Timestamp;

use super::{
    plan::{Observed, age, namespace},
    status,
};
use crate::{conditions::Conditions, plan::Push};

/// What is pushed about a session that has ended, and about its targets.
pub(super) fn pushed(
    observed: &Observed,
    conditions: &Conditions,
    targets: &[BackupTargetStatus],
    now: Timestamp,
) -> Push {
    let success = status::of_session(conditions, targets, true) == BackupSessionPhase::Succeeded;
    let invoker = observed.session.spec.invoker.clone().unwrap_or_default();
    let repository = observed.invoker.found().and_then(|invoker| invoker.spec.repository.clone()).unwrap_or_default();
    let labels = metrics::invoker(&invoker.kind, &invoker.name, namespace(observed), &repository.name);
    let sample = |name, value| Sample { name, labels: labels.clone(), value };
    let mut samples = vec![sample(metrics::BACKUP_SESSION_SUCCESS, f64::from(u8::from(success)))];
    if success {
        samples.push(sample(metrics::BACKUP_SESSION_DURATION, age(observed, now).as_secs_f64()));
        samples.push(sample(metrics::BACKUP_TARGET_COUNT, targets.len() as f64));
        samples.push(sample(metrics::BACKUP_LAST_SUCCESS, now.as_second() as f64));
    }
    for (at, target) in targets.iter().enumerate() {
        let binding = observed.targets.get(at).and_then(|seen| seen.needed.binding.as_ref());
        let binding_type = binding.and_then(|binding| binding.spec.type_.as_deref());
        let of_target = metrics::target(&target.target_ref.clone().unwrap_or_default(), binding_type);
        samples.extend(target_samples(target, &[labels.clone(), of_target].concat(), now));
    }
    Push { job: metrics::job(&invoker.kind, namespace(observed), &invoker.name), samples }
}

/// Of a target that failed nothing but that; and its hosts' failures, which a pod that died told nobody.
fn target_samples(target: &BackupTargetStatus, labels: &Labels, now: Timestamp) -> Vec<Sample> {
    let sample = |name, value| Sample { name, labels: labels.clone(), value };
    let success = target.phase == Some(TargetPhase::Succeeded);
    let mut samples = vec![sample(metrics::BACKUP_TARGET_SUCCESS, f64::from(u8::from(success)))];
    if success {
        samples.push(sample(metrics::BACKUP_TARGET_HOST_COUNT, f64::from(target.total_hosts.unwrap_or_default())));
        samples.push(sample(metrics::BACKUP_TARGET_LAST_SUCCESS, now.as_second() as f64));
    }
    for host in target.stats.iter().flatten().filter(|host| host.phase == Some(HostBackupPhase::Failed)) {
        let mut labels = labels.clone();
        labels.push(("hostname", host.hostname.clone().unwrap_or_default()));
        samples.push(Sample { name: metrics::BACKUP_HOST_SUCCESS, labels, value: 0.0 });
    }
    samples
}
