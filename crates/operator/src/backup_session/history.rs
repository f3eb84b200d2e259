//! Which sessions of an invoker have had their time. Pure.

use api::{BackupSession, backup_session::BackupSessionPhase};

use super::plan::{Observed, name};
use crate::plan::Unwanted;

/// Sessions kept where an invoker says nothing.
const DEFAULT: i32 = 1;

/// Sessions that have had their time, now that one has ended; not that one itself, where it is to be tried again.
pub(super) fn unwanted(observed: &Observed, tried_again: bool) -> Vec<Unwanted> {
    let limit = observed.invoker.found().and_then(|invoker| invoker.spec.backup_history_limit);
    let names = past(&observed.history, name(observed), limit);
    let goes = |session: &String| !tried_again || session != name(observed);
    names.into_iter().filter(goes).map(Unwanted::BackupSession).collect()
}

/// Names of those that go: past the first `limit` of the newest, complete, and not the one that tells how the last backup
/// ended. `current` has just ended, whatever its stored phase says.
fn past(all: &[BackupSession], current: &str, limit: Option<i32>) -> Vec<String> {
    let limit = usize::try_from(limit.unwrap_or(DEFAULT)).unwrap_or_default();
    let mut newest: Vec<&BackupSession> = all.iter().collect();
    newest.sort_by_key(|session| {
        let created = session.metadata.creation_timestamp.as_ref().map(|time| time.0);
        (std::cmp::Reverse(created), std::cmp::Reverse(session.metadata.name.clone()))
    });
    let name = |session: &BackupSession| session.metadata.name.clone().unwrap_or_default();
    let phase = |session: &BackupSession| session.status.as_ref().and_then(|status| status.phase);
    let told = |session: &&&BackupSession| {
        name(session) == current
            || matches!(phase(session), Some(BackupSessionPhase::Succeeded | BackupSessionPhase::Failed))
    };
    let last = newest.iter().find(told).map(|session| name(session)).filter(|_| limit > 0);
    let complete = |session: &&BackupSession| {
        name(session) == current
            || !matches!(phase(session), None | Some(BackupSessionPhase::Pending | BackupSessionPhase::Running))
    };
    newest
        .iter()
        .skip(limit)
        .filter(|session| complete(session))
        .map(|session| name(session))
        .filter(|name| Some(name) != last.as_ref())
        .collect()
}

#[cfg(test)]
mod tests {
    use api::{BackupSessionSpec, backup_session::BackupSessionStatus};
    use k8s_openapi::{apimachinery::pkg::apis::meta::v1::Time, jiff::Timestamp};

    use super::*;

    fn session(name: &str, second: i64, phase: BackupSessionPhase) -> BackupSession {
        let mut session = BackupSession::new(name, BackupSessionSpec::default());
        session.metadata.creation_timestamp = Some(Time(Timestamp::from_second(second).expect("a time")));
        session.status = Some(BackupSessionStatus { phase: Some(phase), ..BackupSessionStatus::default() });
        session
    }

    #[test]
    fn the_newest_are_kept_and_the_one_that_tells_how_the_last_backup_ended() {
        use BackupSessionPhase::{Failed, Running, Skipped, Succeeded};
        let all = [
            session("a", 1, Succeeded),
            session("b", 2, Failed),
            session("c", 3, Skipped),
            session("d", 4, Skipped),
            session("e", 5, Running),
        ];
        let cases = [
            ("d", None, vec!["c", "b", "a"]),
            ("d", Some(3), vec!["b", "a"]),
            ("d", Some(9), vec![]),
            ("d", Some(0), vec!["d", "c", "b", "a"]),
            ("x", Some(1), vec!["d", "c", "a"]),
            ("e", Some(1), vec!["d", "c", "b", "a"]),
        ];
        for (current, limit, gone) in cases {
            assert_eq!(past(&all, current, limit), gone, "{current} {limit:?}");
        }
    }
}
