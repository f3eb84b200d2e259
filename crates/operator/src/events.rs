//! What people are told when a status changes. [`Story`] is made purely; [`Events`] publishes.

use api::{Condition, target::TargetRef};
use k8s_openapi::api::core::v1::ObjectReference;
use kube::{
    Client,
    runtime::events::{Event, EventType, Recorder, Reporter},
};

/// What is told of one change.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Story {
    /// In the order in which they are told.
    pub(crate) notes: Vec<Note>,
}

/// One thing that is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Note {
    /// Whether a person should look.
    pub(crate) warning: bool,
    /// One word, or what Stash's users know it by.
    pub(crate) reason: String,
    /// The same for a person.
    pub(crate) message: String,
}

/// A target's name, and what is said of it.
pub(crate) type OfTarget = (String, Vec<Condition>);

/// The name of a target.
pub(crate) fn name_of(target: &TargetRef) -> String {
    let part = |part: &Option<String>| part.clone().unwrap_or_default();
    format!("{} {}", part(&target.kind), part(&target.name))
}

/// Conditions that are bad news when they hold.
const BAD_WHEN_TRUE: [&str; 1] = ["BackupSkipped"];

/// The reason of what is not known yet because it has only begun.
pub(crate) const HOOK_BEGUN: &str = "HookBegun";

/// An event's message has at most 1,024 bytes.
const LONGEST_MESSAGE: usize = 1000;

impl Story {
    /// Tells of conditions that came to be broken, and of those that are mended.
    pub(crate) fn of_conditions(before: Option<&[Condition]>, after: Option<&[Condition]>) -> Self {
        let before = before.unwrap_or_default();
        let mut notes = Vec::new();
        for now in after.unwrap_or_default() {
            let then = api::condition::find(before, &now.type_);
            let same = then.is_some_and(|then| then.status == now.status && then.reason == now.reason);
            let bad = BAD_WHEN_TRUE.contains(&now.type_.as_str()) == now.is_true();
            // What was never broken is no news.
            if same || now.reason == HOOK_BEGUN || (!bad && then.is_none()) {
                continue;
            }
            notes.push(Note { warning: bad, reason: now.reason.clone(), message: now.message.clone() });
        }
        Self { notes }
    }

    /// The same with what is told of each of several targets.
    pub(crate) fn and_of_targets(mut self, before: &[OfTarget], after: &[OfTarget]) -> Self {
        for (name, now) in after {
            let then = before.iter().find(|(known, _)| known == name).map(|(_, then)| then.as_slice());
            let story = Self::of_conditions(then, Some(now));
            // One alone needs no name.
            let named = |note: Note| match after.len() {
                1 => note,
                _ => Note { message: format!("{name}: {}", note.message), ..note },
            };
            self.notes.extend(story.notes.into_iter().map(named));
        }
        self
    }

    /// The same with one more.
    pub(crate) fn and(mut self, note: Option<Note>) -> Self {
        self.notes.extend(note);
        self
    }
}

/// Publishes events.
pub(crate) struct Events {
    recorder: Recorder,
}

impl Events {
    /// In the name of this pod.
    pub(crate) fn new(client: Client, pod: &str) -> Self {
        let reporter = Reporter { controller: "larder-operator".into(), instance: Some(pod.to_owned()) };
        Self { recorder: Recorder::new(client, reporter) }
    }

    /// An event that cannot be published is logged and no more: the status says the same.
    pub(crate) async fn publish(&self, note: &Note, about: &ObjectReference) {
        let event = Event {
            type_: if note.warning { EventType::Warning } else { EventType::Normal },
            reason: note.reason.clone(),
            note: Some(cut(&note.message).to_owned()),
            action: "Reconcile".into(),
            secondary: None,
        };
        if let Err(error) = self.recorder.publish(&event, about).await {
            tracing::warn!(reason = note.reason, %error, "the event is not published");
        }
    }
}

fn cut(message: &str) -> &str {
    let end = message.char_indices().map(|(at, c)| at + c.len_utf8()).take_while(|end| *end <= LONGEST_MESSAGE).last();
    &message[..end.unwrap_or_default()]
}

#[cfg(test)]
mod tests {
    use k8s_openapi::{apimachinery::pkg::apis::meta::v1::Time, jiff::Timestamp};

    use super::*;

    fn condition(type_: &str, status: &str, reason: &str) -> Condition {
        Condition {
            type_: type_.into(),
            status: status.into(),
            observed_generation: None,
            last_transition_time: Time(Timestamp::UNIX_EPOCH),
            reason: reason.into(),
            message: "m".into(),
        }
    }

    #[test]
    fn what_breaks_and_what_is_mended_is_told_once() {
        let of = |before: &[Condition], after: &[Condition]| {
            let story = Story::of_conditions(Some(before), Some(after));
            story.notes.into_iter().map(|note| (note.warning, note.reason)).collect::<Vec<_>>()
        };
        let good = [condition("RepositoryFound", "True", "There")];
        let bad = [condition("RepositoryFound", "False", "Gone")];
        assert_eq!(of(&[], &good), []);
        assert_eq!(of(&[], &bad), [(true, "Gone".to_owned())]);
        assert_eq!(of(&bad, &bad), []);
        assert_eq!(of(&bad, &good), [(false, "There".to_owned())]);
        assert_eq!(of(&[], &[condition("BackupSkipped", "True", "Skipped")]), [(true, "Skipped".to_owned())]);
    }
}
