//! Why a verb failed, with what was tried and what to do. Holds no secret.

use kube::config::{InferConfigError, KubeconfigError};

/// Why a verb failed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The kubeconfig cannot be used.
    #[error("cannot use the kubeconfig (--kubeconfig, KUBECONFIG or ~/.kube/config)")]
    Config {
        /// Why.
        source: KubeconfigError,
    },
    /// There is neither a kubeconfig nor a pod around us.
    #[error("there is no kubeconfig: give --kubeconfig or KUBECONFIG")]
    NoConfig {
        /// Why.
        source: InferConfigError,
    },
    /// No client can be made of the kubeconfig.
    #[error("cannot connect to the cluster of the kubeconfig")]
    Connect {
        /// Why.
        source: Box<kube::Error>,
    },
    /// The API server does not answer.
    #[error("the API server of the kubeconfig does not answer as it should")]
    Server {
        /// Why.
        source: Box<kube::Error>,
    },
    /// There is no object of that name.
    #[error("there is no {kind} {name} in namespace {namespace}")]
    Missing {
        /// Its kind.
        kind: String,
        /// Its name.
        name: String,
        /// Its namespace.
        namespace: String,
    },
    /// The cluster does not know the kind.
    #[error("the cluster knows no {kind} ({api_version}): is Larder installed there?")]
    UnknownKind {
        /// The kind.
        kind: String,
        /// Group and version.
        api_version: String,
    },
    /// The API server does not know the person.
    #[error(
        "the API server does not take the credentials of the kubeconfig: log in again, or choose others (--context, --user)"
    )]
    Unauthorized,
    /// The person may not do that.
    #[error("you may not {verb} {resource}{place}; {remedy} (the API server: {answer})")]
    Forbidden {
        /// The verb of the missing right.
        verb: &'static str,
        /// The resource, as rules of roles have it.
        resource: String,
        /// ` in namespace x`, or nothing.
        place: String,
        /// What to do.
        remedy: &'static str,
        /// The API server's words.
        answer: String,
    },
    /// The API server did not do what was asked.
    #[error("cannot {verb} {kind} {name}")]
    Object {
        /// What was tried.
        verb: &'static str,
        /// The kind.
        kind: String,
        /// Namespace and name.
        name: String,
        /// Why.
        source: Box<kube::Error>,
    },
    /// A flag or argument cannot be used.
    #[error("{flag} {value:?}: {why}")]
    Flag {
        /// Its name.
        flag: &'static str,
        /// Its value.
        value: String,
        /// What is wrong with it, and what to do.
        why: String,
    },
    /// Flags that are missing or do not go together.
    #[error("{why}")]
    Flags {
        /// What is wrong.
        why: String,
    },
    /// An object is not such that the verb can be done.
    #[error("{kind} {name}: {why}")]
    Unfit {
        /// Its kind.
        kind: &'static str,
        /// Namespace and name.
        name: String,
        /// What is wrong, and what to do.
        why: String,
    },
    /// The repository cannot be used.
    #[error("Repository {name}")]
    Repository {
        /// Namespace and name.
        name: String,
        /// Why.
        source: job::store::StoreError,
    },
    /// The pod that was to do it did not.
    #[error("pod {pod}: {why}")]
    Pod {
        /// Namespace and name.
        pod: String,
        /// What happened, and what to do.
        why: String,
    },
    /// The program that was to do it did not.
    #[error("{what}")]
    Errand {
        /// Its last words.
        what: String,
        /// How it ended.
        code: u8,
    },
    /// A file or a process of this machine.
    #[error("cannot {doing}")]
    Here {
        /// What was tried.
        doing: String,
        /// Why.
        source: std::io::Error,
    },
    /// A signal came.
    #[error("interrupted")]
    Interrupted,
    /// What came out of a pod cannot be written down.
    #[error("cannot write what was downloaded")]
    Write {
        /// Why.
        source: engine::Error,
    },
}

impl Error {
    /// Whether it was called wrongly, and nothing was begun.
    pub fn is_misuse(&self) -> bool {
        match self {
            Self::Flag { .. } | Self::Flags { .. } => true,
            Self::Errand { code, .. } => *code == 2,
            _ => false,
        }
    }

    /// Whether a signal ended it.
    pub fn is_interruption(&self) -> bool {
        matches!(self, Self::Interrupted | Self::Errand { code: 130, .. })
    }
}
