//! Verbs that need the inside of a repository, and where they are done.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use kubectl::errand::{Place, PodChoice};

/// Where it is done.
#[derive(Debug, Args)]
#[command(next_help_heading = "Where it is done")]
pub struct ErrandArguments {
    /// Here, instead of in a pod of the Repository's namespace: the backend must be reachable from this machine, and you must be
    /// allowed to get its Secret
    #[arg(long, conflicts_with_all = ["image", "service_account"])]
    local: bool,
    /// Larder's image for the pod; the operator's own if nothing is said
    #[arg(long, value_name = "IMAGE")]
    image: Option<String>,
    /// Service account of the pod, where it is that which opens the backend
    #[arg(long, value_name = "NAME")]
    service_account: Option<String>,
    /// The operator's namespace, where its image is looked for
    #[arg(long, value_name = "NAMESPACE", default_value = "larder")]
    operator_namespace: String,
}

impl ErrandArguments {
    /// The place that was described.
    pub fn place(&self) -> Place {
        if self.local {
            return Place::Here;
        }
        Place::Pod(PodChoice {
            image: self.image.clone(),
            service_account: self.service_account.clone(),
            operator_namespace: self.operator_namespace.clone(),
        })
    }
}

/// Flags of Stash's plugin that mean nothing here.
#[derive(Debug, Args)]
pub struct DockerArguments {
    #[arg(long, hide = true)]
    docker_registry: Option<String>,
    #[arg(long, hide = true)]
    image_tag: Option<String>,
}

impl DockerArguments {
    /// Those that were given.
    pub fn without_effect(&self) -> Vec<&'static str> {
        let given = [("--docker-registry", self.docker_registry.is_some()), ("--image-tag", self.image_tag.is_some())];
        given.into_iter().filter(|(_, given)| *given).map(|(name, _)| name).collect()
    }
}

/// `unlock`.
#[derive(Debug, Args)]
pub struct UnlockRepositoryArguments {
    /// The Repository
    #[arg(value_name = "REPOSITORY")]
    pub repository: String,
    /// Remove the locks of living owners too: only when you know that there are none
    #[arg(long)]
    pub remove_all: bool,
    #[command(flatten)]
    pub errand: ErrandArguments,
    #[command(flatten)]
    pub docker: DockerArguments,
}

/// `delete`.
#[derive(Debug, Subcommand)]
pub enum DeleteCommand {
    /// Remove a snapshot from its repository, and the data that no other needs
    Snapshot(DeleteSnapshotArguments),
}

/// `delete snapshot`.
#[derive(Debug, Args)]
pub struct DeleteSnapshotArguments {
    /// The Repository's name, - and the first 8 digits of the snapshot's id, as `snapshots` lists them
    #[arg(value_name = "REPOSITORY-ID")]
    pub name: String,
    #[command(flatten)]
    pub errand: ErrandArguments,
    #[command(flatten)]
    pub docker: DockerArguments,
}

/// `download`.
#[derive(Debug, Args)]
pub struct DownloadArguments {
    /// The Repository
    #[arg(value_name = "REPOSITORY")]
    pub repository: String,
    /// The folder; each snapshot gets a folder of its id in it
    #[arg(long, value_name = "DIR")]
    pub destination: PathBuf,
    /// Snapshots by the beginnings of their ids, or latest
    #[arg(long, value_delimiter = ',', value_name = "ID")]
    pub snapshots: Vec<String>,
    /// Instead: the newest snapshot of each of these paths
    #[arg(long, value_delimiter = ',', value_name = "PATH", conflicts_with = "snapshots")]
    pub paths: Vec<String>,
    /// Host of the newest snapshot
    #[arg(long, value_name = "HOST", default_value = engine::layout::HOST)]
    pub host: String,
    #[command(flatten)]
    pub errand: ErrandArguments,
    #[command(flatten)]
    pub docker: DockerArguments,
}
