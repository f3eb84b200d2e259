//! The Job that does the work of one target of a session, and the claim that it may need. Pure: everything that was read from
//! the cluster comes in, objects go out.

pub(crate) mod batch_hook;
mod containers;
mod hooks;
mod job;
mod variables;
mod volumes;

use std::collections::BTreeMap;

use api::{
    FunctionSpec, RepositorySpec, TaskSpec,
    retention::RetentionPolicy,
    runtime_settings::RuntimeSettings,
    target::{RestoreRule, TargetRef},
    task::Param,
    volumes::{ClaimTemplate, TempDir},
};
use k8s_openapi::api::{
    batch::v1::Job,
    core::v1::{PersistentVolumeClaim, Secret},
};

use crate::{plan::Wanted, substitute::SubstituteError};

pub use hooks::Hooks;
pub(crate) use variables::HOST;

/// How the operator was started.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The operator's own image, which holds everything.
    pub image: String,
    /// Where metrics are pushed to.
    pub pushgateway_url: String,
    /// Secrets for pulling images, as they are in the operator's namespace: pods in other namespaces get copies.
    pub pull_secrets: Vec<Secret>,
}

/// What is to be done, with everything that it needs.
#[derive(Debug, Clone)]
pub struct Work<'a> {
    /// The session.
    pub session: Owner<'a>,
    /// Which way the data goes.
    pub way: Way<'a>,
    /// Whose session it is; of a restore, the session itself.
    pub invoker: Invoker<'a>,
    /// The place of the target among the session's.
    pub index: usize,
    /// The target.
    pub target: &'a TargetRef,
    /// The target's alias.
    pub alias: Option<&'a str>,
    /// The repository's name and namespace.
    pub repository: (&'a str, &'a str),
    /// The repository.
    pub repository_spec: &'a RepositorySpec,
    /// The Task's name.
    pub task: &'a str,
    /// The Task.
    pub task_spec: &'a TaskSpec,
    /// The Functions that it names, by name.
    pub functions: &'a BTreeMap<String, FunctionSpec>,
    /// The user's variables.
    pub params: &'a [Param],
    /// How the pod runs.
    pub runtime_settings: Option<&'a RuntimeSettings>,
    /// Its folder for what is there only meanwhile.
    pub temp_dir: Option<&'a TempDir>,
    /// A claim to be made for it.
    pub interim_volume: Option<&'a ClaimTemplate>,
    /// What the user wants done before and behind it.
    pub hooks: Hooks,
    /// The service account that it runs under.
    pub service_account: &'a str,
    /// After how long it has failed, in seconds.
    pub deadline: i64,
}

/// An object that owns what is made for it.
#[derive(Debug, Clone, Copy)]
pub struct Owner<'a> {
    /// Its kind.
    pub kind: &'static str,
    /// Its name.
    pub name: &'a str,
    /// Its namespace.
    pub namespace: &'a str,
    /// Its UID.
    pub uid: &'a str,
}

/// Whose session it is.
#[derive(Debug, Clone, Copy)]
pub struct Invoker<'a> {
    /// Its kind.
    pub kind: &'a str,
    /// Its name.
    pub name: &'a str,
    /// Its labels.
    pub labels: Option<&'a BTreeMap<String, String>>,
}

/// Which way the data goes.
#[derive(Debug, Clone, Copy)]
pub enum Way<'a> {
    /// Into the repository.
    Backup {
        /// Which snapshots are kept.
        retention: &'a RetentionPolicy,
        /// Further paths and patterns of the target.
        paths: &'a [String],
        /// Patterns of paths to leave out.
        exclude: &'a [String],
    },
    /// Out of the repository.
    Restore {
        /// What is restored from what.
        rules: &'a [RestoreRule],
    },
}

/// What is to be made.
#[derive(Debug, Clone, PartialEq)]
pub struct Executor {
    /// The Job.
    pub job: Job,
    /// The claim that its pod mounts.
    pub claim: Option<PersistentVolumeClaim>,
}

impl Executor {
    /// What has to be there, the Job last.
    pub fn wanted(self) -> Vec<Wanted> {
        let claim = self.claim.map(|claim| Wanted::Claim(Box::new(claim)));
        claim.into_iter().chain([Wanted::Job(Box::new(self.job))]).collect()
    }
}

/// Why there can be no Job.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ExecutorError {
    /// A Task has no steps.
    #[error("Task {task} has no steps")]
    NoSteps {
        /// Its name.
        task: String,
    },
    /// A Task names a Function that is not there.
    #[error("Task {task} needs Function {function:?}, which is not there")]
    NoFunction {
        /// The Task's name.
        task: String,
        /// The Function's name.
        function: String,
    },
    /// Variables cannot be replaced.
    #[error("{what}: {source}")]
    Variables {
        /// Task or Function, with its name.
        what: String,
        /// Why.
        source: SubstituteError,
    },
    /// The repository's volume is none that Kubernetes knows.
    #[error("spec.backend.local of Repository {repository} needs mountPath and one of Kubernetes' volume sources")]
    NoVolume {
        /// The repository's name.
        repository: String,
    },
}

/// The Job of one target.
///
/// # Errors
/// [`ExecutorError`], each of which a person has to mend.
pub fn executor(work: &Work<'_>, settings: &Settings) -> Result<Executor, ExecutorError> {
    let volumes = volumes::of(work)?;
    let containers = containers::of(work, settings, &volumes)?;
    let job = job::of(work, containers, &volumes);
    Ok(Executor { job, claim: volumes.claim })
}
