//! Where a list goes on. All that is needed to go on is in the mark that the client gets and gives back: any replica can, at any time,
//! and what comes or goes between two pages neither shifts nor doubles the others. Pure.

use api::snapshot::SavedState;
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::{Deserialize, Serialize};

/// The place of a snapshot among all: by namespace, Repository, time and id.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Place {
    /// The Repository's namespace.
    pub namespace: String,
    /// Its name.
    pub repository: String,
    /// The snapshot's time, in nanoseconds; nothing stands before all of a Repository's.
    pub time: Option<i128>,
    /// Its id.
    pub id: String,
}

impl Place {
    /// A snapshot's place.
    pub fn of(namespace: &str, repository: &str, state: &SavedState) -> Self {
        Self {
            namespace: namespace.to_owned(),
            repository: repository.to_owned(),
            time: Some(state.time.as_nanosecond()),
            id: state.id.clone(),
        }
    }

    /// The place before all of a Repository's snapshots.
    pub fn before(namespace: &str, repository: &str) -> Self {
        Self { namespace: namespace.to_owned(), repository: repository.to_owned(), time: None, id: String::new() }
    }

    /// Whether something of this Repository stands behind this place.
    pub fn leaves_of(&self, namespace: &str, repository: &str) -> bool {
        (self.namespace.as_str(), self.repository.as_str()) <= (namespace, repository)
    }

    /// As the client gets it.
    pub fn mark(&self) -> String {
        URL_SAFE_NO_PAD.encode(serde_json::to_vec(self).expect("text and numbers have a JSON form"))
    }

    /// As the client gave it back.
    ///
    /// # Errors
    /// Where it is none of ours.
    pub fn parse(mark: &str) -> Result<Self, String> {
        let wrong = || format!("continue={mark:?} is no mark of this server; begin the list anew");
        let bytes = URL_SAFE_NO_PAD.decode(mark).map_err(|_| wrong())?;
        serde_json::from_slice(&bytes).map_err(|_| wrong())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(namespace: &str, repository: &str, time: Option<i128>, id: &str) -> Place {
        Place { namespace: namespace.into(), repository: repository.into(), time, id: id.into() }
    }

    #[test]
    fn a_mark_comes_back_as_it_was_and_others_are_refused() {
        let at = place("logs", "store", Some(1_700_000_000_123_456_789), "ab");
        assert_eq!(Place::parse(&at.mark()), Ok(at));
        for other in ["", "x", "e30", "eyJ2IjoibWV0YS5rOHMuaW8vdjEifQ"] {
            assert!(Place::parse(other).is_err_and(|error| error.contains("begin the list anew")), "{other}");
        }
    }

    #[test]
    fn places_follow_namespace_repository_time_and_id() {
        let places = [
            place("a", "z", Some(9), "f"),
            place("b", "a", None, ""),
            place("b", "a", Some(1), "b"),
            place("b", "a", Some(1), "c"),
            place("b", "a", Some(2), "a"),
            place("b", "b", Some(0), "a"),
        ];
        assert!(places.is_sorted());
        assert!(places[2].leaves_of("b", "a") && places[2].leaves_of("b", "b") && !places[2].leaves_of("a", "z"));
    }
}
