//! The course of a session: its batch's hooks around its targets, and these side by side or one after the other. Pure.

use api::session::ExecutionOrder;

use crate::{
    conditions::Conditions,
    events::HOOK_BEGUN,
    job_outcome::{self, JobOutcome, Seen},
};

/// How far a target is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Progress {
    /// Nothing was begun.
    Waiting,
    /// Its Job is at work.
    Working,
    /// It has ended, or will never begin.
    Ended,
}

/// How far a batch's hook is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum HookProgress {
    /// There is none.
    None,
    /// It was not begun.
    Waiting,
    /// Its Job is at work.
    Working,
    /// It has ended, well or not.
    Ended(bool),
}

/// What is to be begun.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Next {
    /// The hook before the targets.
    HookBefore,
    /// A target, by its place.
    Target(usize),
    /// None of the targets that wait: the hook before them failed.
    NoTarget,
    /// The hook behind the targets.
    HookBehind,
    /// Nothing yet.
    Wait,
    /// Nothing more.
    Done,
}

/// What was seen of a session.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Course<'a> {
    /// Side by side, or one after the other.
    pub(crate) order: ExecutionOrder,
    /// The targets.
    pub(crate) targets: &'a [Progress],
    /// The hook before them.
    pub(crate) before: HookProgress,
    /// The hook behind them.
    pub(crate) behind: HookProgress,
    /// Whether one more Job may be begun now.
    pub(crate) free: bool,
}

impl Course<'_> {
    /// What is to be begun now: one thing at a time.
    pub(crate) fn next(&self) -> Next {
        let or_wait = |next| if self.free { next } else { Next::Wait };
        match self.before {
            HookProgress::Waiting => return or_wait(Next::HookBefore),
            HookProgress::Working => return Next::Wait,
            HookProgress::None | HookProgress::Ended(_) => {}
        }
        if let Some(first) = self.targets.iter().position(|target| *target == Progress::Waiting) {
            let others_work = self.targets[..first].contains(&Progress::Working);
            return match self.order {
                _ if self.before == HookProgress::Ended(false) => Next::NoTarget,
                ExecutionOrder::Sequential if others_work => Next::Wait,
                ExecutionOrder::Sequential | ExecutionOrder::Parallel => or_wait(Next::Target(first)),
            };
        }
        if self.targets.contains(&Progress::Working) {
            return Next::Wait;
        }
        match self.behind {
            HookProgress::Waiting => or_wait(Next::HookBehind),
            HookProgress::Working => Next::Wait,
            HookProgress::None | HookProgress::Ended(_) => Next::Done,
        }
    }
}

/// A batch's hook: its condition and the reasons that its Job gives.
#[derive(Debug, Clone, Copy)]
pub(crate) struct BatchHook {
    /// The condition.
    pub(crate) condition: &'static str,
    /// The reason of a failure.
    pub(crate) failed: &'static str,
    /// The hook's field.
    pub(crate) field: &'static str,
}

impl BatchHook {
    /// How far it is, said in `conditions` where its Job did not say it.
    pub(crate) fn look(&self, wanted: bool, seen: &Seen, conditions: &mut Conditions) -> HookProgress {
        if !wanted {
            return HookProgress::None;
        }
        let Some(status) = conditions.status(self.condition) else {
            // One that is there was made before the operator came to write down that it had.
            if seen.job.is_some() {
                self.begun(conditions);
                return HookProgress::Working;
            }
            return HookProgress::Waiting;
        };
        let outcome = job_outcome::of(seen, None);
        let told = status != "Unknown";
        match outcome {
            JobOutcome::Running { .. } => HookProgress::Working,
            _ if told => HookProgress::Ended(status == "True"),
            JobOutcome::Complete => {
                let message = format!("{}: its executionPolicy does not let it run", self.field);
                conditions.set(self.condition, true, "HookDoesNotRun", message);
                HookProgress::Ended(true)
            }
            JobOutcome::Failed(why) => {
                conditions.set(self.condition, false, self.failed, format!("{}: {}", self.field, why.message));
                HookProgress::Ended(false)
            }
        }
    }

    /// Says that its Job was made.
    pub(crate) fn begun(&self, conditions: &mut Conditions) {
        conditions.set_unknown(self.condition, HOOK_BEGUN, format!("{} is run", self.field));
    }

    /// Says that its Job cannot be made.
    pub(crate) fn refused(&self, why: &str, conditions: &mut Conditions) {
        conditions.set(self.condition, false, self.failed, format!("{} cannot be run: {why}", self.field));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn targets_begin_as_their_order_and_the_free_places_allow() {
        use ExecutionOrder::{Parallel, Sequential};
        use Progress::{Ended, Waiting, Working};
        let next = |order, targets: &[Progress], free| {
            let hooks = HookProgress::None;
            Course { order, targets, before: hooks, behind: hooks, free }.next()
        };
        for (order, targets, free, want) in [
            (Parallel, vec![Waiting, Waiting], true, Next::Target(0)),
            (Parallel, vec![Working, Waiting], true, Next::Target(1)),
            (Parallel, vec![Working, Waiting], false, Next::Wait),
            (Sequential, vec![Working, Waiting], true, Next::Wait),
            (Sequential, vec![Ended, Waiting], true, Next::Target(1)),
            (Sequential, vec![Ended, Working], true, Next::Wait),
            (Parallel, vec![Ended, Ended], true, Next::Done),
        ] {
            assert_eq!(next(order, &targets, free), want, "{order:?} {targets:?} {free}");
        }
    }

    #[test]
    fn a_batchs_hooks_stand_before_the_first_and_behind_the_last_target() {
        use HookProgress::{Ended, None, Waiting, Working};
        for (before, behind, target, want) in [
            (Waiting, None, Progress::Waiting, Next::HookBefore),
            (Working, None, Progress::Waiting, Next::Wait),
            (Ended(true), Waiting, Progress::Waiting, Next::Target(0)),
            (Ended(false), Waiting, Progress::Waiting, Next::NoTarget),
            (Ended(false), Waiting, Progress::Ended, Next::HookBehind),
            (None, Waiting, Progress::Working, Next::Wait),
            (None, Waiting, Progress::Ended, Next::HookBehind),
            (None, Working, Progress::Ended, Next::Wait),
            (None, Ended(false), Progress::Ended, Next::Done),
        ] {
            let course = Course { order: ExecutionOrder::Parallel, targets: &[target], before, behind, free: true };
            assert_eq!(course.next(), want, "{before:?} {behind:?} {target:?}");
        }
    }
}
