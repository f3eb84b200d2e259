//! What can be said to `kubectl larder` and `kubectl stash`: Stash's verbs and flags to the letter, and verbs of our own.

mod cluster;
mod create;
mod repository;
mod restore;
mod see;

use clap::{Args, CommandFactory as _, Parser, Subcommand};
use kubectl::trigger::Of;

pub use cluster::ClusterArguments;
pub use create::CreateCommand;
pub use repository::{DeleteCommand, DeleteSnapshotArguments, DownloadArguments, UnlockRepositoryArguments};
pub use restore::{RestoreBackupArguments, WaitArguments};
pub use see::{
    DebugCommand, Form, LogsArguments, SnapshotsOfArguments, StatusArguments, VerifyRepositoryArguments,
    VersionOfAllArguments,
};

use super::{CompletionsArguments, OutputArguments};

/// Work with backups in Kubernetes: what `kubectl larder` and `kubectl stash` call.
#[derive(Debug, Args)]
pub struct KubectlArguments {
    #[command(flatten)]
    pub cluster: ClusterArguments,
    #[command(subcommand)]
    pub command: KubectlCommand,
}

/// Backup and restore of Elasticsearch and OpenSearch in Kubernetes, with the rights of your kubeconfig.
///
/// Verbs and flags of `kubectl stash` mean here what they mean there. No Docker is needed: what needs the inside of a repository
/// runs in a pod beside it.
#[derive(Debug, Parser)]
#[command(version, max_term_width = 100, disable_help_subcommand = true)]
pub struct PluginArguments {
    #[command(flatten)]
    pub output: OutputArguments,
    #[command(flatten)]
    pub kubectl: KubectlArguments,
}

/// The verbs.
#[derive(Debug, Subcommand)]
pub enum KubectlCommand {
    /// Show how backups stand, what needs attention first
    Status(StatusArguments),
    /// Begin a backup now
    Trigger(TriggerArguments),
    /// Put a backup back, asking what is not said
    Restore(Box<RestoreBackupArguments>),
    /// List the snapshots of a Repository, or the indices of one
    Snapshots(SnapshotsOfArguments),
    /// Read a snapshot back and prove it, or the whole repository
    Verify(VerifyRepositoryArguments),
    /// Print what the pods of a backup or a restore have written
    Logs(LogsArguments),
    /// Let a schedule rest
    #[command(subcommand)]
    Pause(PauseCommand),
    /// Let a schedule go on
    #[command(subcommand)]
    Resume(PauseCommand),
    /// Create a Repository, BackupConfiguration or RestoreSession
    #[command(subcommand)]
    Create(CreateCommand),
    /// Copy an object with what it needs into another namespace
    #[command(subcommand)]
    Cp(CopyCommand),
    /// Write the files of snapshots into a folder here
    Download(DownloadArguments),
    /// Delete a snapshot
    #[command(subcommand)]
    Delete(DeleteCommand),
    /// Remove locks of a repository whose owner is dead
    Unlock(UnlockRepositoryArguments),
    /// Print all that helps to find out why something does not work
    #[command(subcommand)]
    Debug(DebugCommand),
    /// Not done by Larder: it saves databases, not volumes
    #[command(subcommand)]
    Clone(CloneCommand),
    /// Print the completions of a shell
    Completion(CompletionsArguments),
    /// Print the versions of the plugin, the operator and Kubernetes
    Version(VersionOfAllArguments),
}

/// `trigger`.
#[derive(Debug, Args)]
pub struct TriggerArguments {
    /// The BackupConfiguration
    #[arg(value_name = "BACKUPCONFIG", required_unless_present = "backupbatch", conflicts_with = "backupbatch")]
    pub name: Option<String>,
    /// The BackupBatch instead
    #[arg(long, value_name = "NAME", alias = "backup-batch")]
    pub backupbatch: Option<String>,
    #[command(flatten)]
    pub wait: WaitArguments,
}

impl TriggerArguments {
    /// Whose session.
    pub fn of(&self) -> Of {
        of(self.name.as_ref(), self.backupbatch.as_ref())
    }
}

/// `pause` and `resume`.
#[derive(Debug, Subcommand)]
pub enum PauseCommand {
    /// Of a BackupConfiguration or BackupBatch
    Backup(PauseArguments),
}

/// `pause backup` and `resume backup`.
#[derive(Debug, Args)]
pub struct PauseArguments {
    /// The BackupConfiguration
    #[arg(
        long,
        value_name = "NAME",
        required_unless_present = "backupbatch",
        conflicts_with = "backupbatch",
        alias = "backup-config"
    )]
    backupconfig: Option<String>,
    /// The BackupBatch
    #[arg(long, value_name = "NAME", alias = "backup-batch")]
    backupbatch: Option<String>,
}

impl PauseArguments {
    /// Whose schedule.
    pub fn of(&self) -> Of {
        of(self.backupconfig.as_ref(), self.backupbatch.as_ref())
    }
}

fn of(configuration: Option<&String>, batch: Option<&String>) -> Of {
    match batch {
        Some(batch) => Of::Batch(batch.clone()),
        None => Of::Configuration(configuration.cloned().unwrap_or_default()),
    }
}

/// `cp`.
#[derive(Debug, Subcommand)]
pub enum CopyCommand {
    /// A Secret
    Secret(CopyArguments),
    /// A Repository, with the Secret that opens it
    Repository(CopyArguments),
    /// A BackupConfiguration, with its Repository and Secret
    Backupconfig(CopyArguments),
    /// Not done by Larder: it saves databases, not volumes
    Volumesnapshot(CopyArguments),
}

/// What is copied, and whereto.
#[derive(Debug, Args)]
pub struct CopyArguments {
    /// Its name
    #[arg(value_name = "NAME")]
    pub name: String,
    /// The namespace that gets the copy
    #[arg(long, value_name = "NAMESPACE")]
    pub to_namespace: String,
}

/// `clone`.
#[derive(Debug, Subcommand)]
pub enum CloneCommand {
    /// A PersistentVolumeClaim
    Pvc(ClonePvcArguments),
}

/// `clone pvc`: taken to be refused with a reason.
#[derive(Debug, Args)]
pub struct ClonePvcArguments {
    /// Its name
    #[arg(value_name = "NAME")]
    pub name: String,
    #[arg(long, hide = true)]
    to_namespace: Option<String>,
    #[arg(long, hide = true)]
    secret: Option<String>,
    #[arg(long, hide = true)]
    bucket: Option<String>,
    #[arg(long, hide = true)]
    prefix: Option<String>,
    #[arg(long, hide = true)]
    provider: Option<String>,
    #[arg(long, hide = true)]
    endpoint: Option<String>,
    #[arg(long, hide = true)]
    max_connections: Option<i64>,
}

/// The plugin that a program's name stands for: `kubectl larder` or `kubectl stash`.
pub fn plugin(program: &std::ffi::OsStr) -> Option<&'static str> {
    match std::path::Path::new(program).file_stem()?.to_str()? {
        "kubectl-larder" => Some("kubectl larder"),
        "kubectl-stash" => Some("kubectl stash"),
        _ => None,
    }
}

/// Whether a program's name is that by which kubectl asks how a plugin's words may go on.
pub fn completes(program: &std::ffi::OsStr) -> bool {
    let name = std::path::Path::new(program).file_stem().and_then(std::ffi::OsStr::to_str);
    matches!(name, Some("kubectl_complete-larder" | "kubectl_complete-stash"))
}

/// The plugin's commands, under the name by which it is called.
pub fn command(plugin: &'static str) -> clap::Command {
    PluginArguments::command().name(plugin).bin_name(plugin).display_name(plugin)
}

#[cfg(test)]
mod tests {
    use std::ffi::OsStr;

    use super::*;

    #[test]
    fn the_programs_name_says_whether_kubectl_calls_it() {
        assert_eq!(plugin(OsStr::new("/usr/local/bin/kubectl-larder")), Some("kubectl larder"));
        assert_eq!(plugin(OsStr::new("kubectl-stash.exe")), Some("kubectl stash"));
        for other in ["larder", "/larder", "kubectl", "kubectl-other", ""] {
            assert_eq!(plugin(OsStr::new(other)), None, "{other}");
        }
        assert!(completes(OsStr::new("/usr/bin/kubectl_complete-stash")) && !completes(OsStr::new("kubectl-stash")));
    }

    #[test]
    fn the_commands_are_sound() {
        command("kubectl stash").debug_assert();
    }
}
