//! Why a pod's work failed. Holds no secret.

use std::path::PathBuf;

use crate::{
    binding::BindingError,
    es_args::EsArgsError,
    hook::{action::ActionError, perform::Failure, place::PlaceError},
    store::StoreError,
    tell::TellError,
};

/// Why a pod's work failed.
#[derive(Debug, thiserror::Error)]
pub enum JobError {
    /// Nobody says where the API server is.
    #[error("cannot find the Kubernetes API server")]
    NoCluster {
        /// Why.
        source: kube::Error,
    },
    /// A name is missing.
    #[error("the name of a {kind} is missing")]
    Unnamed {
        /// The kind.
        kind: String,
    },
    /// An object cannot be read or written.
    #[error("cannot {doing} {kind} {name}")]
    Object {
        /// What was tried.
        doing: &'static str,
        /// Its kind.
        kind: String,
        /// Its namespace and name.
        name: String,
        /// Why.
        source: kube::Error,
    },
    /// The AppBinding cannot be used.
    #[error(transparent)]
    Binding(#[from] BindingError),
    /// The Repository or its Secret cannot be used.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The parameter `args` cannot be used.
    #[error(transparent)]
    Args(#[from] EsArgsError),
    /// A hook cannot be run.
    #[error(transparent)]
    Action(#[from] ActionError),
    /// A hook has no place.
    #[error(transparent)]
    Place(#[from] PlaceError),
    /// A hook failed.
    #[error(transparent)]
    Hook(#[from] Failure),
    /// The database cannot be reached.
    #[error("cannot reach the database")]
    Database {
        /// Why.
        source: elasticsearch::Error,
    },
    /// The repository cannot be used.
    #[error("cannot {doing} the repository")]
    Repository {
        /// What was tried.
        doing: &'static str,
        /// Why.
        source: repository::Error,
    },
    /// Data was not moved, or not all of it.
    #[error("cannot {doing}")]
    Engine {
        /// What was tried.
        doing: &'static str,
        /// Why.
        source: engine::Error,
    },
    /// Not everything was restored.
    #[error("not everything was restored: {what}")]
    Incomplete {
        /// What is missing.
        what: String,
    },
    /// What became of it cannot be told.
    #[error(transparent)]
    Tell(#[from] TellError),
    /// A file cannot be read or written.
    #[error("cannot {doing} {path}")]
    File {
        /// What was tried.
        doing: &'static str,
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A flag cannot be used.
    #[error("--{flag}={value}: {why}")]
    Flag {
        /// Its name.
        flag: &'static str,
        /// Its value.
        value: String,
        /// What is wrong with it.
        why: String,
    },
    /// A thread of ours ended in a way that it should not.
    #[error("a worker ended: {what}")]
    Worker {
        /// The runtime's words.
        what: String,
    },
}

impl JobError {
    /// The whole story, from what was tried to the innermost cause.
    pub fn story(&self) -> String {
        let mut story = self.to_string();
        let mut cause = std::error::Error::source(self);
        while let Some(error) = cause {
            let more = error.to_string();
            // Some causes are part of what stands before them.
            if !story.contains(&more) {
                story = format!("{story}: {more}");
            }
            cause = error.source();
        }
        story
    }
}
