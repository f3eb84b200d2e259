//! What is to be said of one BackupConfiguration or BackupBatch. Pure.

use api::{BackupInvoker, Repository, session::InvokerPhase};
use jiff::{SignedDuration, Timestamp};
use serde::Serialize;

use super::{Observed, place_of};
use crate::{
    age,
    schedule::Schedule,
    session::{self, Phase, Session},
};

/// So long may pass before a slot without a session is one that was missed: CronJobs and their pods need their time.
const GRACE: SignedDuration = SignedDuration::from_mins(10);
/// Reasons that are listed of one session.
const REASONS: usize = 5;

/// How it stands, what needs a person most first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub enum State {
    /// The last check found damage in the repository.
    Damaged,
    /// The last backup failed.
    Failed,
    /// No backup can begin.
    NotReady,
    /// A backup should have begun, and has not.
    Late,
    /// Its schedule rests.
    Paused,
    /// There was no backup yet.
    New,
    /// A backup is at work.
    Running,
    /// The last backup succeeded.
    Good,
}

/// A run, in few words.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LastRun {
    /// The BackupSession.
    pub session: String,
    /// How it ended, or how far it is.
    pub phase: Phase,
    /// When it began.
    pub begun: Option<Timestamp>,
}

/// What is said of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Backup {
    /// BackupConfiguration or BackupBatch.
    pub kind: &'static str,
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// Names of its targets.
    pub targets: Vec<String>,
    /// Its Repository: `namespace/name`.
    pub repository: Option<String>,
    /// How it stands.
    pub state: State,
    /// Why.
    pub why: Vec<String>,
    /// What to type to know more.
    pub hint: Option<String>,
    /// The newest run.
    pub last: Option<LastRun>,
    /// When the last backup that succeeded began.
    pub last_success: Option<Timestamp>,
    /// When the first backup in the repository succeeded.
    pub since: Option<Timestamp>,
    /// Snapshots in the repository.
    pub snapshots: Option<i64>,
    /// Bytes of the repository, such as `12.345 MiB`.
    pub size: Option<String>,
    /// Its cron expression.
    pub schedule: Option<String>,
    /// Whether its schedule rests.
    pub paused: bool,
    /// When it begins next, in UTC; none where it is paused or never comes.
    pub next: Option<Timestamp>,
}

/// What is said of an invoker.
pub(super) fn of(observed: &Observed, invoker: &BackupInvoker, now: Timestamp) -> Backup {
    let namespace = invoker.metadata.namespace.clone().unwrap_or_default();
    let mut sessions: Vec<Session> =
        observed.sessions.iter().filter(|session| is_of(session, invoker, &namespace)).cloned().collect();
    session::newest_first(&mut sessions);
    let place = place_of(invoker);
    let repository = place.as_ref().and_then(|place| observed.repositories.get(place));
    let status =
        repository.and_then(|seen| seen.as_ref().ok()).and_then(|seen| seen.status.clone()).unwrap_or_default();
    let paused = invoker.spec.paused.unwrap_or_default();
    let schedule = invoker.spec.schedule.as_deref().and_then(Schedule::parse);
    let (state, why, hint) = Standing { invoker, namespace: &namespace, sessions: &sessions, schedule: &schedule, now }
        .with(repository.and_then(|seen| seen.as_ref().ok()));
    let unseen = repository.and_then(|seen| seen.as_ref().err()).filter(|_| state != State::NotReady);
    // A repository that several use tells of all of them together.
    let own = status.references.as_ref().is_none_or(|users| users.len() <= 1);
    let of_sessions = sessions.iter().find(|session| session.phase == Phase::Succeeded).and_then(Session::begun);
    let of_repository = status.last_backup_time.filter(|_| own).map(|time| time.0);
    Backup {
        kind: invoker.kind,
        name: invoker.name().to_owned(),
        targets: targets(invoker),
        repository: place.map(|(namespace, name)| format!("{namespace}/{name}")),
        state,
        why: why.into_iter().chain(unseen.cloned()).collect(),
        hint,
        last: sessions.first().map(|session| LastRun {
            session: session.name().to_owned(),
            phase: session.phase,
            begun: session.begun(),
        }),
        last_success: of_sessions.max(of_repository),
        since: status.first_backup_time.filter(|_| own).map(|time| time.0),
        snapshots: status.snapshot_count,
        size: status.total_size,
        schedule: invoker.spec.schedule.clone(),
        paused,
        next: schedule.filter(|_| !paused).and_then(|schedule| schedule.next(now)),
        namespace,
    }
}

fn is_of(session: &Session, invoker: &BackupInvoker, namespace: &str) -> bool {
    let of = session.invoker.as_ref();
    session.namespace() == namespace && of.is_some_and(|(kind, name)| kind == invoker.kind && name == invoker.name())
}

fn targets(invoker: &BackupInvoker) -> Vec<String> {
    let of_member = |member: &api::backup_batch::BackupMember| member.target.clone()?.target_ref?.name;
    invoker.members().iter().filter_map(of_member).collect()
}

struct Standing<'a> {
    invoker: &'a BackupInvoker,
    namespace: &'a str,
    /// The newest first.
    sessions: &'a [Session],
    schedule: &'a Option<Schedule>,
    now: Timestamp,
}

impl Standing<'_> {
    /// How it stands, why, and what to type to know more.
    fn with(&self, repository: Option<&Repository>) -> (State, Vec<String>, Option<String>) {
        let newest = self.sessions.first();
        let ended = self.sessions.iter().find(|one| one.phase.is_final() && one.phase != Phase::Skipped);
        let at_work = newest.filter(|session| !session.phase.is_final());
        if let Some(repository) =
            repository.filter(|one| one.status.as_ref().is_some_and(|status| status.integrity == Some(false)))
        {
            let name = repository.metadata.name.as_deref().unwrap_or_default();
            let namespace = repository.metadata.namespace.as_deref().unwrap_or_default();
            let why = format!("the last check found damage in Repository {namespace}/{name}");
            return (State::Damaged, vec![why], Some(format!("kubectl larder verify {name} -n {namespace} --whole")));
        }
        if let Some(failed) = ended.filter(|session| session.phase.is_bad()) {
            return (State::Failed, self.reasons(failed, at_work), Some(self.logs(failed)));
        }
        if matches!(self.invoker.status.phase, Some(InvokerPhase::Invalid | InvokerPhase::NotReady)) {
            return (State::NotReady, self.lacking(), Some(self.debug()));
        }
        if let Some(why) = self.late(at_work) {
            return (State::Late, vec![why], Some(self.debug()));
        }
        let skipped = newest.filter(|session| session.phase == Phase::Skipped);
        let why: Vec<String> = skipped.iter().flat_map(|session| self.reasons(session, None)).collect();
        let state = if at_work.is_some() {
            State::Running
        } else if self.invoker.spec.paused.unwrap_or_default() {
            State::Paused
        } else if ended.is_some() {
            State::Good
        } else {
            State::New
        };
        (state, why, None)
    }

    /// What a session says against itself.
    fn reasons(&self, session: &Session, next: Option<&Session>) -> Vec<String> {
        let mut why: Vec<String> = session.why.iter().take(REASONS).cloned().collect();
        if session.why.len() > REASONS {
            why.push(format!("and {} more", session.why.len() - REASONS));
        }
        if why.is_empty() {
            why.push(format!("BackupSession {} is {} and does not say why", session.name(), session.phase));
        }
        if let Some(next) = next {
            let begun = next.begun().map_or_else(String::new, |begun| format!(", begun {}", age::ago(begun, self.now)));
            why.push(format!("BackupSession {} is {}{begun}", next.name(), next.phase));
        }
        why
    }

    /// Why no session can begin.
    fn lacking(&self) -> Vec<String> {
        let status = &self.invoker.status;
        let of_members = status.member_conditions.iter().flatten().flat_map(|member| member.conditions.clone());
        let all: Vec<_> = status.conditions.iter().flatten().cloned().chain(of_members).collect();
        let mut why = session::against(&all, &[]);
        why.truncate(REASONS);
        why
    }

    /// That a session should have begun or gone on, and has not.
    fn late(&self, at_work: Option<&Session>) -> Option<String> {
        let newest = self.sessions.first().and_then(Session::begun);
        if let Some(session) = at_work.filter(|session| session.phase == Phase::Pending)
            && let Some(begun) = newest.filter(|begun| self.now.duration_since(*begun) > GRACE)
        {
            let ago = age::ago(begun, self.now);
            return Some(format!("BackupSession {} was made {ago} and nobody has begun it", session.name()));
        }
        // Without a history there is nothing to go by.
        if self.invoker.spec.paused.unwrap_or_default() || self.invoker.spec.backup_history_limit == Some(0) {
            return None;
        }
        let due = self.schedule.as_ref()?.previous(self.now.checked_sub(GRACE).ok()?)?;
        let made = self.invoker.metadata.creation_timestamp.as_ref()?.0;
        // Clocks of machines differ a little.
        let begun = newest.is_some_and(|newest| newest.as_second() + 60 >= due.as_second());
        (made < due && !begun).then(|| {
            format!(
                "no backup has begun at its time, {} UTC ({})",
                due.strftime("%Y-%m-%d %H:%M"),
                age::ago(due, self.now)
            )
        })
    }

    fn logs(&self, session: &Session) -> String {
        format!("kubectl larder logs {} -n {}", session.name(), self.namespace)
    }

    fn debug(&self) -> String {
        let flag = self.invoker.kind.to_ascii_lowercase().replace("configuration", "config");
        format!("kubectl larder debug backup --{flag}={} -n {}", self.invoker.name(), self.namespace)
    }
}
