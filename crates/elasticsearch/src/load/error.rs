//! What can go wrong while loading. Never holds a document or a secret.

use super::{answer::Unbelievable, batch::PushError, mappings::MappingsError, settings::SettingsError};
use crate::error::{Error, Retry};

/// The result of everything that loads.
pub type Result<T, E = LoadError> = std::result::Result<T, E>;

/// Why something could not be loaded.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LoadError {
    /// The server refused, or could not be reached, or gave no proper answer.
    #[error("{doing}: {source}")]
    Server {
        /// What was being tried.
        doing: String,
        /// The cause.
        source: Box<Error>,
    },
    /// The answer to a `_bulk` does not account for every document.
    #[error("loading into index {index}: the answer to a _bulk cannot be believed: {source}")]
    Unbelievable {
        /// The index.
        index: String,
        /// What is wrong with it.
        source: Unbelievable,
    },
    /// A hit that cannot be loaded.
    #[error(transparent)]
    Push(#[from] PushError),
    /// Saved settings that no server takes.
    #[error("index {index}: {source}")]
    Settings {
        /// The index.
        index: String,
        /// What is wrong with them.
        source: SettingsError,
    },
    /// Saved mappings that this server does not take.
    #[error("index {index}: {source}")]
    Mappings {
        /// The index.
        index: String,
        /// What is wrong with them.
        source: MappingsError,
    },
    /// There is one already, and it is not ours.
    #[error("{what} {name} exists already{}", .also.as_ref().map(|also| format!(" ({also})")).unwrap_or_default())]
    Exists {
        /// `index`, `pipeline` and the like.
        what: &'static str,
        /// Its name.
        name: String,
        /// What more is known of it.
        also: Option<String>,
    },
    /// The index that was created by this restore is gone, or another one has taken its name.
    #[error("index {index} is not the one that this restore created: somebody deleted or replaced it meanwhile")]
    Replaced {
        /// The index.
        index: String,
    },
    /// The server lacks what the definition needs.
    #[error("{what} {name}: this server has none of its kind")]
    Unknown {
        /// `index template` and the like.
        what: &'static str,
        /// Its name.
        name: String,
    },
    /// A definition that is no JSON object.
    #[error("{what} {name} is no JSON object: {source}")]
    Definition {
        /// `index template` and the like.
        what: &'static str,
        /// Its name.
        name: String,
        /// Where it is wrong.
        source: serde_json::Error,
    },
}

impl LoadError {
    /// Names what was being tried when the server failed.
    pub(super) fn doing(doing: impl Into<String>) -> impl FnOnce(Error) -> Self {
        move |source| Self::Server { doing: doing.into(), source: Box::new(source) }
    }

    /// Whether the same call may succeed later.
    pub fn retry(&self) -> Retry {
        match self {
            Self::Server { source, .. } => source.retry(),
            _ => Retry::Never,
        }
    }
}
