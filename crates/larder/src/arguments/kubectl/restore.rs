//! `restore`, and how it is waited for.

use std::time::Duration;

use clap::{Args, ValueEnum};
use kubectl::{
    restore::{Conflict, LATEST, Wanted},
    trigger::Of,
};

use super::repository::ErrandArguments;

/// Whether the end is waited for.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Waiting")]
pub struct WaitArguments {
    /// Wait until it has ended and show how far it is; fail if it fails
    #[arg(long, short)]
    pub wait: bool,
    /// Wait no longer than this, such as 30m; it goes on all the same
    #[arg(long, value_name = "DURATION", requires = "wait", value_parser = crate::arguments::parse_time)]
    pub timeout: Option<Duration>,
}

/// `restore`.
#[derive(Debug, Args)]
pub struct RestoreBackupArguments {
    /// The BackupConfiguration whose database is restored
    #[arg(value_name = "BACKUPCONFIG", conflicts_with_all = ["backupbatch", "repo_name"])]
    name: Option<String>,
    /// The BackupBatch instead; --target-name says which of its databases
    #[arg(long, value_name = "NAME", alias = "backup-batch", conflicts_with = "repo_name")]
    backupbatch: Option<String>,
    /// The Repository instead, where no backup of this cluster is meant; needs --target-name
    #[arg(long, value_name = "NAME", alias = "repository", requires = "target_name")]
    pub repo_name: Option<String>,
    /// The Repository's namespace, where it is another one
    #[arg(long, value_name = "NAMESPACE", requires = "repo_name")]
    pub repo_namespace: Option<String>,
    /// The AppBinding of the database
    #[arg(long, value_name = "NAME")]
    pub target_name: Option<String>,
    /// Host whose newest snapshot is taken, where it is not the database's own
    #[arg(long, value_name = "HOST")]
    pub host: Option<String>,
    /// The Task, such as elasticsearch-restore-7.14.0; that which belongs to the backup's if nothing is said
    #[arg(long, value_name = "NAME")]
    pub task: Option<String>,
    /// The beginning of the snapshot's id, or latest
    #[arg(long, value_name = "ID")]
    pub snapshot: Option<String>,
    /// Only indices of this name; * stands for anything. May be given several times
    #[arg(long = "index", short = 'i', value_name = "PATTERN", value_delimiter = ',')]
    pub indices: Vec<String>,
    /// New names of the indices, in which * stands for the old one, such as restored-*
    #[arg(long, value_name = "NAME")]
    pub rename: Option<String>,
    /// What to do with indices that are there already
    #[arg(long, value_enum, alias = "on-conflict", value_name = "RULE")]
    pub conflict: Option<ConflictRule>,
    /// Further options of multielasticdump: docs/reference/es-args.md
    #[arg(long, value_name = "OPTIONS", allow_hyphen_values = true)]
    pub args: Option<String>,
    /// Name of the RestoreSession; the database's name and the time if nothing is said
    #[arg(long = "name", value_name = "NAME")]
    pub name_of_session: Option<String>,
    /// Only print the YAML
    #[arg(long, conflicts_with = "wait")]
    pub dry_run: bool,
    /// Ask nothing, also at a terminal
    #[arg(long, short)]
    pub yes: bool,
    #[command(flatten)]
    pub wait: WaitArguments,
    #[command(flatten)]
    pub errand: ErrandArguments,
}

/// What becomes of what is there already.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ConflictRule {
    /// Change nothing at all
    Fail,
    /// Leave what is there as it is
    Skip,
    /// Delete what is there first
    Overwrite,
}

impl RestoreBackupArguments {
    /// The backup that is named.
    pub fn of(&self) -> Option<Of> {
        let batch = self.backupbatch.clone().map(Of::Batch);
        batch.or_else(|| self.name.clone().map(Of::Configuration))
    }

    /// What is wanted, as far as it was said.
    pub fn wanted(&self) -> Wanted {
        Wanted {
            name: self.name_of_session.clone(),
            snapshot: self.snapshot.clone().unwrap_or_else(|| LATEST.to_owned()),
            indices: self.indices.clone(),
            rename: self.rename.clone(),
            conflict: self.conflict.map(Into::into).unwrap_or_default(),
            args: self.args.clone(),
        }
    }
}

impl From<ConflictRule> for Conflict {
    fn from(rule: ConflictRule) -> Self {
        match rule {
            ConflictRule::Fail => Self::Fail,
            ConflictRule::Skip => Self::Skip,
            ConflictRule::Overwrite => Self::Overwrite,
        }
    }
}
