//! Conditions as they are now, made of those that were there before. Pure.

use api::{
    Condition,
    condition::{self, Fact},
};
use k8s_openapi::jiff::Timestamp;

use crate::lookup::Lookup;

/// The conditions of one object.
#[derive(Debug, Clone)]
pub struct Conditions {
    all: Vec<Condition>,
    generation: Option<i64>,
    now: Timestamp,
}

/// Reasons for whether something that is needed is there.
#[derive(Debug, Clone, Copy)]
pub struct Reasons {
    /// It is.
    pub available: &'static str,
    /// It is not.
    pub missing: &'static str,
    /// Nobody knows.
    pub unknown: &'static str,
}

impl Conditions {
    /// Those that were there, to be changed for this generation of the object.
    pub fn after(before: &[Condition], generation: Option<i64>, now: Timestamp) -> Self {
        Self { all: before.to_vec(), generation, now }
    }

    /// Says whether something holds. The time is that of the last change of its status.
    pub fn set(&mut self, type_: &str, status: bool, reason: &str, message: impl Into<String>) {
        self.put(type_, if status { "True" } else { "False" }, reason, &message.into());
    }

    /// Says that nobody knows yet whether something holds.
    pub fn set_unknown(&mut self, type_: &str, reason: &str, message: impl Into<String>) {
        self.put(type_, "Unknown", reason, &message.into());
    }

    /// Says whether something that is needed is there.
    pub fn set_found<T>(&mut self, type_: &str, lookup: &Lookup<T>, what: &str, reasons: Reasons) {
        match lookup {
            Lookup::Found(_) => self.put(type_, "True", reasons.available, &format!("{what} is there")),
            Lookup::Missing => self.put(type_, "False", reasons.missing, &format!("{what} is not there")),
            Lookup::Unknown(why) => {
                self.put(type_, "Unknown", reasons.unknown, &format!("nobody knows whether {what} is there: {why}"));
            }
        }
    }

    /// Says what came of pushing metrics.
    pub fn set_pushed(&mut self, pushed: &Result<(), String>) {
        match pushed {
            Ok(()) => self.set("MetricsPushed", true, "SuccessfullyPushedMetrics", "metrics were pushed"),
            Err(why) => {
                self.set("MetricsPushed", false, "FailedToPushMetrics", format!("metrics were not pushed: {why}"));
            }
        }
    }

    /// Takes back what can no longer be said.
    pub fn forget(&mut self, type_: &str) {
        self.all.retain(|condition| condition.type_ != type_);
    }

    /// What is said of something: `True`, `False` or `Unknown`.
    pub fn status(&self, type_: &str) -> Option<String> {
        condition::find(&self.all, type_).map(|condition| condition.status.clone())
    }

    /// Whether something holds.
    pub fn is_true(&self, type_: &str) -> bool {
        condition::find(&self.all, type_).is_some_and(Condition::is_true)
    }

    /// Whether something is known not to hold.
    pub fn is_false(&self, type_: &str) -> bool {
        condition::find(&self.all, type_).is_some_and(Condition::is_false)
    }

    /// All of them.
    pub fn into_vec(self) -> Vec<Condition> {
        self.all
    }

    fn put(&mut self, type_: &str, status: &str, reason: &str, message: &str) {
        condition::put(&mut self.all, Fact { type_, status, reason, message }, self.generation, self.now);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_conditions_time_is_that_of_its_last_change() {
        let at = |second| Timestamp::from_second(second).expect("a time");
        let mut first = Conditions::after(&[], Some(1), at(10));
        first.set("Ready", false, "No", "not yet");
        let mut second = Conditions::after(&first.into_vec(), Some(2), at(20));
        second.set("Ready", false, "StillNo", "still not");
        let all = second.clone().into_vec();
        assert_eq!((all[0].last_transition_time.0, all[0].reason.as_str(), all.len()), (at(10), "StillNo", 1));
        second.set("Ready", true, "Yes", "now");
        assert!(second.is_true("Ready"));
        assert_eq!(second.into_vec()[0].last_transition_time.0, at(20));
    }
}
