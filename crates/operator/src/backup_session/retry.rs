//! Whether and when a session that failed is tried again, as its invoker's `retryConfig` says. Pure.

use std::time::Duration;

use api::{
    BackupInvoker, BackupSession, BackupSessionSpec, Condition,
    backup_session::{BackupSessionPhase, BackupSessionStatus},
    condition::find,
    labels,
};
use k8s_openapi::jiff::Timestamp;

use super::{
    history,
    plan::{Observed, name},
};
use crate::{
    conditions::Conditions,
    events::Note,
    plan::{Plan, Wanted},
    tasks,
};

/// The condition of a session that failed: what came of trying it again.
const RETRIED: &str = "BackupRetried";

/// Between a session's name and the number of the try.
const INFIX: &str = "-retry-";

/// When a session is tried again that ends now, in this phase.
pub(super) fn due(observed: &Observed, phase: BackupSessionPhase, now: Timestamp) -> Option<Timestamp> {
    let invoker = observed.invoker.found()?;
    if phase != BackupSessionPhase::Failed || invoker.retries_left(&observed.session) <= 0 {
        return None;
    }
    let delay = invoker.spec.retry_config.as_ref()?.delay.as_deref().map_or(Ok(Duration::ZERO), tasks::duration);
    now.checked_add(delay.ok()?).ok()
}

/// How long it is until then.
pub(super) fn until(due: Timestamp, now: Timestamp) -> Duration {
    // A moment later, so that it is past then.
    Duration::try_from(due - now).unwrap_or_default() + Duration::from_millis(100)
}

/// What a session that has ended leads to: the one that tries it again, when its time has come.
pub(super) fn of_ended(observed: &Observed, before: BackupSessionStatus, now: Timestamp) -> Plan<BackupSessionStatus> {
    let waits = before.phase == Some(BackupSessionPhase::Failed) && before.retried.is_none();
    let Some(due) = before.next_retry.as_ref().map(|due| due.0).filter(|_| waits) else {
        return Plan::say(before, None);
    };
    if now < due {
        return Plan::say(before, Some(until(due, now)));
    }
    let again = again(observed);
    let mut conditions = Conditions::after(before.conditions.as_deref().unwrap_or_default(), None, now);
    match &again {
        Ok(session) => {
            let message =
                format!("BackupSession {} tries it again", session.metadata.name.as_deref().unwrap_or_default());
            conditions.set(RETRIED, true, "RetryBegun", message);
        }
        Err(why) => conditions.set(RETRIED, false, "NotRetried", format!("it is not tried again: {why}")),
    }
    let status = BackupSessionStatus {
        conditions: Some(conditions.into_vec()),
        retried: Some(again.is_ok()),
        next_retry: None,
        ..before
    };
    let apply = again.into_iter().map(|session| Wanted::BackupSession(Box::new(session))).collect();
    Plan { apply, delete: history::unwanted(observed, false), ..Plan::say(status, None) }
}

/// What people are told of a session that was tried again; of one that was not, its condition tells.
pub(super) fn note(status: &BackupSessionStatus) -> Option<Note> {
    let condition = find(status.conditions.as_deref().unwrap_or_default(), RETRIED)?;
    let Condition { reason, message, .. } = condition.clone();
    condition.is_true().then_some(Note { warning: false, reason, message })
}

/// The session that tries this one again, or why there is none.
fn again(observed: &Observed) -> Result<BackupSession, String> {
    if let Some(why) = &observed.tried.refused {
        return Err(why.clone());
    }
    let invoker = observed.invoker.found().ok_or("its invoker is not there")?;
    if let Some(other) = &observed.newer {
        return Err(format!("BackupSession {other} was begun since"));
    }
    if invoker.spec.paused == Some(true) {
        return Err(format!("{} {} is paused", invoker.kind, invoker.name()));
    }
    let left = invoker.retries_left(&observed.session);
    if left <= 0 {
        return Err("spec.retryConfig says so".into());
    }
    Ok(session(observed, invoker, left - 1))
}

fn session(observed: &Observed, invoker: &BackupInvoker, retry_left: i32) -> BackupSession {
    let spec = BackupSessionSpec { retry_left: Some(retry_left), ..observed.session.spec.clone() };
    let mut session = BackupSession::new(&name_of(name(observed)), spec);
    session.metadata.namespace.clone_from(&observed.session.metadata.namespace);
    session.metadata.labels.clone_from(&observed.session.metadata.labels);
    let uid = invoker.metadata.uid.as_deref().unwrap_or_default();
    session.metadata.owner_references = Some(vec![api::owner::by(invoker.kind, invoker.name(), uid)]);
    session
}

/// The name of the session that tries another one again: it counts the tries.
pub(super) fn name_of(session: &str) -> String {
    let (base, tries) = match session.rsplit_once(INFIX) {
        Some((base, tries)) => tries.parse::<u32>().map_or((session, 0), |tries| (base, tries)),
        None => (session, 0),
    };
    labels::with_suffix(base, &format!("{INFIX}{}", tries.saturating_add(1)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_count_the_tries_and_are_never_too_long() {
        assert_eq!(name_of("alpha-1643673600"), "alpha-1643673600-retry-1");
        assert_eq!(name_of("alpha-1643673600-retry-1"), "alpha-1643673600-retry-2");
        assert_eq!(name_of("alpha-retry-x"), "alpha-retry-x-retry-1");
        let long = name_of(&"a".repeat(63));
        assert_eq!((long.len(), long.ends_with("-retry-1")), (63, true));
        assert_eq!(name_of(&long), format!("{}-retry-2", "a".repeat(55)));
    }
}
