//! What is pushed about a restore that has ended. Pure.

use api::{
    backup_session::TargetPhase,
    metrics::{self, Sample},
    restore_batch::RestoreMemberStatus,
    restore_session::RestorePhase,
};
use k8s_openapi::jiff::Timestamp;

use super::plan::{Observed, age, namespace};
use crate::plan::Push;

/// About the restore, and about its targets.
pub(super) fn pushed(
    observed: &Observed,
    phase: RestorePhase,
    members: &[RestoreMemberStatus],
    now: Timestamp,
) -> Push {
    let restore = &observed.restore;
    let success = phase == RestorePhase::Succeeded;
    let repository = restore.spec.repository.clone().unwrap_or_default().name;
    let labels = metrics::invoker(restore.kind, restore.name(), namespace(observed), &repository);
    let sample = |name, value| Sample { name, labels: labels.clone(), value };
    let mut samples = vec![sample(metrics::RESTORE_SESSION_SUCCESS, f64::from(u8::from(success)))];
    if success {
        samples.push(sample(metrics::RESTORE_SESSION_DURATION, age(observed, now).as_secs_f64()));
        samples.push(sample(metrics::RESTORE_TARGET_COUNT, members.len() as f64));
    }
    for (at, member) in members.iter().enumerate() {
        let success = member.phase == Some(TargetPhase::Succeeded);
        let binding = observed.members.get(at).and_then(|seen| seen.needed.binding.as_ref());
        let binding_type = binding.and_then(|binding| binding.spec.type_.as_deref());
        let of_target = [labels.clone(), metrics::target(&member.target_ref, binding_type)].concat();
        let sample = |name, value| Sample { name, labels: of_target.clone(), value };
        samples.push(sample(metrics::RESTORE_TARGET_SUCCESS, f64::from(u8::from(success))));
        if success {
            samples.push(sample(metrics::RESTORE_TARGET_HOST_COUNT, 1.0));
        }
    }
    Push { job: metrics::job(restore.kind, namespace(observed), restore.name()), samples }
}
