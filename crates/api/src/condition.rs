//! A fact about an object, as its status tells it.

use k8s_openapi::{apimachinery::pkg::apis::meta::v1::Time, jiff::Timestamp};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_with::skip_serializing_none;

/// A fact about an object.
#[skip_serializing_none]
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Condition {
    /// What the condition is about, in CamelCase.
    #[serde(rename = "type")]
    pub type_: String,
    /// `True`, `False` or `Unknown`.
    pub status: String,
    /// The generation of the object that this was seen on.
    pub observed_generation: Option<i64>,
    /// When `status` changed last.
    pub last_transition_time: Time,
    /// One word for why, in CamelCase.
    pub reason: String,
    /// The same for a person.
    pub message: String,
}

impl Condition {
    /// Whether it holds.
    pub fn is_true(&self) -> bool {
        self.status == "True"
    }

    /// Whether it is known not to hold.
    pub fn is_false(&self) -> bool {
        self.status == "False"
    }
}

/// What is said of something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fact<'a> {
    /// What it is about.
    pub type_: &'a str,
    /// `True`, `False` or `Unknown`.
    pub status: &'a str,
    /// One word for why.
    pub reason: &'a str,
    /// The same for a person.
    pub message: &'a str,
}

/// Says a fact, in the place of what was said of it before. Its time is that of the last change of its status.
pub fn put(all: &mut Vec<Condition>, fact: Fact<'_>, generation: Option<i64>, now: Timestamp) {
    let before = all.iter_mut().find(|before| before.type_ == fact.type_);
    let since = before.as_ref().filter(|before| before.status == fact.status);
    let condition = Condition {
        type_: fact.type_.to_owned(),
        status: fact.status.to_owned(),
        observed_generation: generation,
        last_transition_time: since.map_or(Time(now), |before| before.last_transition_time.clone()),
        reason: fact.reason.to_owned(),
        message: fact.message.to_owned(),
    };
    match before {
        Some(before) => *before = condition,
        None => all.push(condition),
    }
}

/// The condition of a type.
pub fn find<'a>(conditions: &'a [Condition], type_: &str) -> Option<&'a Condition> {
    conditions.iter().find(|condition| condition.type_ == type_)
}
