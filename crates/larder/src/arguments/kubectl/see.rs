//! Verbs that look and change nothing.

use clap::{Args, Subcommand, ValueEnum};
use kubectl::{find::Which, logs::Wanted, trigger::Of};

use super::repository::ErrandArguments;

/// Namespace of the operator where nothing else is said.
pub const OPERATOR_NAMESPACE: &str = "larder";

/// `status`.
#[derive(Debug, Args)]
pub struct StatusArguments {
    /// Of all namespaces
    #[arg(long, short = 'A')]
    pub all_namespaces: bool,
    /// As text, or as one JSON document
    #[arg(long, short, value_enum, default_value = "text", value_name = "FORM")]
    pub output: Form,
}

/// How something is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Form {
    /// For a person
    Text,
    /// For a script
    Json,
}

/// `logs`.
#[derive(Debug, Args)]
pub struct LogsArguments {
    /// A BackupSession, RestoreSession or RestoreBatch; or a BackupConfiguration or BackupBatch, whose newest session is meant. The
    /// newest of all if nothing is said
    #[arg(value_name = "NAME")]
    name: Option<String>,
    #[command(flatten)]
    backup: InvokerArguments,
    #[command(flatten)]
    restore: RestoreNameArguments,
    /// Until it has ended
    #[arg(long, short)]
    follow: bool,
    /// Only of the containers whose names begin so
    #[arg(long, short, value_name = "NAME")]
    container: Option<String>,
    /// Only so many lines of each container, the last ones
    #[arg(long, value_name = "LINES")]
    tail: Option<usize>,
}

/// A BackupConfiguration or BackupBatch by its name.
#[derive(Debug, Args)]
#[group(multiple = false)]
pub struct InvokerArguments {
    /// The BackupConfiguration
    #[arg(long, value_name = "NAME", alias = "backup-config")]
    backupconfig: Option<String>,
    /// The BackupBatch
    #[arg(long, value_name = "NAME", alias = "backup-batch")]
    backupbatch: Option<String>,
}

/// A RestoreSession or RestoreBatch by its name.
#[derive(Debug, Args)]
#[group(multiple = false)]
pub struct RestoreNameArguments {
    /// The RestoreSession
    #[arg(long, value_name = "NAME", alias = "restore-session")]
    restoresession: Option<String>,
    /// The RestoreBatch
    #[arg(long, value_name = "NAME", alias = "restore-batch")]
    restorebatch: Option<String>,
}

/// `snapshots`.
#[derive(Debug, Args)]
pub struct SnapshotsOfArguments {
    /// The Repository; the only one of the namespace if nothing is said
    #[arg(value_name = "REPOSITORY")]
    pub repository: Option<String>,
    /// Show the indices of this snapshot: the beginning of its id, or latest
    #[arg(long, value_name = "ID")]
    pub snapshot: Option<String>,
    #[command(flatten)]
    pub errand: ErrandArguments,
}

/// `verify`.
#[derive(Debug, Args)]
pub struct VerifyRepositoryArguments {
    /// The Repository; the only one of the namespace if nothing is said
    #[arg(value_name = "REPOSITORY")]
    pub repository: Option<String>,
    /// The beginning of the snapshot's id, or latest
    #[arg(long, value_name = "ID", default_value = kubectl::restore::LATEST)]
    pub snapshot: String,
    /// Only indices of this name; * stands for anything. May be given several times
    #[arg(long = "index", short = 'i', value_name = "PATTERN", value_delimiter = ',')]
    pub indices: Vec<String>,
    /// Instead of one snapshot: whether all that the snapshots need is in the repository
    #[arg(long, conflicts_with_all = ["snapshot", "indices"])]
    pub whole: bool,
    /// With --whole: read every byte of it too
    #[arg(long, requires = "whole")]
    pub read_data: bool,
    #[command(flatten)]
    pub errand: ErrandArguments,
}

/// `debug`.
#[derive(Debug, Subcommand)]
pub enum DebugCommand {
    /// The operator, and what runs where
    Operator(DebugOperatorArguments),
    /// A backup: its objects, their events, and the logs of what failed
    Backup(DebugBackupArguments),
    /// A restore: its objects, their events, and the logs of what failed
    Restore(DebugRestoreArguments),
}

/// `debug operator`.
#[derive(Debug, Args)]
pub struct DebugOperatorArguments {
    /// The operator's namespace
    #[arg(long, value_name = "NAMESPACE", default_value = OPERATOR_NAMESPACE)]
    pub operator_namespace: String,
}

/// `debug backup`.
#[derive(Debug, Args)]
pub struct DebugBackupArguments {
    #[command(flatten)]
    backup: InvokerArguments,
    #[command(flatten)]
    pub operator: DebugOperatorArguments,
}

/// `debug restore`.
#[derive(Debug, Args)]
pub struct DebugRestoreArguments {
    #[command(flatten)]
    restore: RestoreNameArguments,
    #[command(flatten)]
    pub operator: DebugOperatorArguments,
}

/// `version`.
#[derive(Debug, Args)]
pub struct VersionOfAllArguments {
    /// Only the plugin's number
    #[arg(long)]
    pub short: bool,
    /// Fail unless the plugin's version is in this range, such as ">=0.1, <1"
    #[arg(long, value_name = "RANGE")]
    pub check: Option<String>,
    #[command(flatten)]
    pub operator: DebugOperatorArguments,
}

impl LogsArguments {
    /// Which run, and what of it; nothing where several are named.
    pub fn which(&self) -> Option<(Which, Wanted)> {
        let named = self.name.clone().map(Which::Named);
        let all = [named, self.backup.of().map(Which::NewestOf), self.restore.which()];
        let mut named = all.into_iter().flatten();
        let which = named.next().unwrap_or(Which::Newest);
        let wanted = Wanted { container: self.container.clone(), follow: self.follow, tail: self.tail };
        named.next().is_none().then_some((which, wanted))
    }
}

impl InvokerArguments {
    /// The one that is named.
    pub fn of(&self) -> Option<Of> {
        let batch = self.backupbatch.clone().map(Of::Batch);
        batch.or_else(|| self.backupconfig.clone().map(Of::Configuration))
    }
}

impl RestoreNameArguments {
    fn which(&self) -> Option<Which> {
        let batch = self.restorebatch.clone().map(Which::RestoreBatch);
        batch.or_else(|| self.restoresession.clone().map(Which::RestoreSession))
    }
}

impl DebugBackupArguments {
    /// The backup that is named.
    pub fn of(&self) -> Option<Of> {
        self.backup.of()
    }
}

impl DebugRestoreArguments {
    /// The restore that is named.
    pub fn which(&self) -> Option<Which> {
        self.restore.which()
    }
}
