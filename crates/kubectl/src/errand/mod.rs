//! An errand: `larder` run on a Repository, in a pod beside it or here. The pod is the rule: it reaches what backups reach, mounts a
//! volume where the repository is one, and gets the Secret from the cluster, so that the person needs no right to read it.

mod answer;
mod here;
mod image;
mod pod;
mod run;
mod variables;

use std::{path::Path, time::Duration};

use api::Repository;
use kube::ResourceExt;
use tokio_util::sync::CancellationToken;

use crate::{Cluster, Error, Result};

pub use answer::Answer;
use variables::Variables;

/// How long a process of this machine may take to close what it has open.
const GOODBYE: Duration = Duration::from_secs(10);

/// Where an errand is run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// In a pod of the Repository's namespace.
    Pod(PodChoice),
    /// In this process's environment: the backend must be reachable from here.
    Here,
}

/// What is said about the pod.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PodChoice {
    /// Its image; the operator's if nothing is said.
    pub image: Option<String>,
    /// Its service account.
    pub service_account: Option<String>,
    /// Where the operator is looked for.
    pub operator_namespace: String,
}

/// A Repository, and where errands on it are run.
pub struct Errands<'a> {
    cluster: &'a Cluster,
    repository: Repository,
    variables: Variables,
    place: Place,
    cancel: CancellationToken,
}

impl<'a> Errands<'a> {
    /// Errands on the Repository of a name. Once `cancel` is cancelled, pods are taken away and nothing more is done.
    ///
    /// # Errors
    /// Where it is not there, or lies where Larder cannot reach.
    pub async fn on(cluster: &'a Cluster, name: &str, place: Place, cancel: &CancellationToken) -> Result<Self> {
        let repository: Repository = cluster.get(cluster.namespace(), name).await?;
        let variables = variables::of(&repository)?;
        let local = repository.spec.backend.as_ref().is_some_and(|backend| backend.local.is_some());
        if local && place == Place::Here {
            let why = "its backend is a volume, which only pods can mount: leave --local out".to_owned();
            return Err(Error::Unfit { kind: "Repository", name: format!("{}/{name}", cluster.namespace()), why });
        }
        Ok(Self { cluster, repository, variables, place, cancel: cancel.clone() })
    }

    /// Runs `larder` with these arguments and tells each object that it prints, as it prints it.
    ///
    /// # Errors
    /// Where it cannot be run, or does not end with an exit code that says something about the repository: [`Error::Errand`] has its
    /// last words.
    pub async fn run(&self, arguments: &[&str], told: &mut (dyn FnMut(&serde_json::Value) + Send)) -> Result<Answer> {
        let mut answer = Answer::default();
        let mut tell = |line: &str| answer.line(line, told);
        let code = match &self.place {
            Place::Here => self.here(arguments, &mut tell).await?,
            Place::Pod(choice) => run::in_pod(self, choice, arguments, &mut tell).await?,
        };
        answer.ended(code)
    }

    /// Runs it here. A terminal's signal reaches the process too, which then closes what it has open; another signal does not.
    async fn here(&self, arguments: &[&str], tell: &mut (dyn FnMut(&str) + Send)) -> Result<u8> {
        let running = here::run(self, arguments, tell);
        let mut running = std::pin::pin!(running);
        tokio::select! {
            code = &mut running => code,
            () = self.cancel.cancelled() => {
                tokio::time::timeout(GOODBYE, running).await.unwrap_or(Err(Error::Interrupted))
            }
        }
    }

    /// Writes the files of a snapshot below an empty folder. Gives their number and size.
    ///
    /// # Errors
    /// Where they cannot be read or written: then a mark in the folder says that it is not whole.
    pub async fn export(&self, snapshots: &[(String, &Path)]) -> Result<Vec<engine::export::Exported>> {
        match &self.place {
            Place::Here => here::export(self, snapshots).await,
            Place::Pod(choice) => run::export(self, choice, snapshots).await,
        }
    }
}

/// The Repository of that name; without one, the only one of the namespace.
///
/// # Errors
/// Where there are none or several.
pub async fn repository(cluster: &Cluster, name: Option<&str>) -> Result<String> {
    if let Some(name) = name {
        return Ok(name.to_owned());
    }
    let namespace = cluster.namespace();
    let all: Vec<Repository> = cluster.list(Some(namespace), "").await?;
    let names: Vec<String> = all.iter().map(ResourceExt::name_any).collect();
    match &names[..] {
        [only] => Ok(only.clone()),
        [] => Err(Error::Flags { why: format!("there is no Repository in namespace {namespace}: -n says another") }),
        _ => Err(Error::Flags {
            why: format!("which Repository of namespace {namespace}? There are: {}", names.join(", ")),
        }),
    }
}
