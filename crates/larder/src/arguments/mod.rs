//! What can be said on the command line. Checked here, and nowhere again.

// Doc comments here are help texts: backticks would be shown.
#![allow(clippy::doc_markdown)]

mod conflicts;
mod elasticsearch;
mod folders;
pub mod kubectl;
mod operator;
mod pod;
mod repository;
mod restore;

use std::{path::PathBuf, time::Duration};

use clap::{Args, FromArgMatches as _, Parser, Subcommand};
use engine::parts::Parts;

pub use self::kubectl::{KubectlArguments, PluginArguments};
pub use elasticsearch::ElasticsearchArguments;
pub use folders::{ImportArguments, LayoutArgument};
pub use operator::OperatorArguments;
pub use pod::{
    BackupPodArguments, HookPodArguments, RestorePodArguments, StatusPodArguments, TriggerPodArguments,
    WipePodArguments,
};
pub use repository::{RepositoryArguments, new_password, variable};
pub use restore::{AlsoArgument, RestoreArguments};

/// Backup and restore of Elasticsearch and OpenSearch, into repositories in restic's format.
///
/// Every option can also be given as an environment variable (named in brackets). Passwords are never given on the
/// command line: put them into a file or into the environment.
#[derive(Debug, Parser)]
#[command(name = "larder", version, max_term_width = 100, disable_help_subcommand = true)]
pub struct Arguments {
    #[command(flatten)]
    pub output: OutputArguments,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// How much is said, and in what form.
#[derive(Debug, Default, Args)]
pub struct OutputArguments {
    /// Print one JSON object a line instead of text: progress, results and a final summary
    #[arg(long, global = true, display_order = 900, env = "LARDER_JSON", value_parser = clap::builder::FalseyValueParser::new())]
    pub json: bool,
    /// Say more (-v: what happens, -vv: every step)
    #[arg(long, short, global = true, display_order = 901, action = clap::ArgAction::Count)]
    pub verbose: u8,
}

impl Arguments {
    /// What was said: to `larder`, or to kubectl where it calls the program by a plugin's name.
    pub fn read() -> Self {
        let words: Vec<std::ffi::OsString> = std::env::args_os().collect();
        if words.first().is_some_and(|program| kubectl::completes(program)) {
            let words = words.iter().skip(1).map(|word| word.to_string_lossy().into_owned()).collect();
            return Self { output: OutputArguments::default(), command: Command::KubectlComplete(words) };
        }
        let Some(plugin) = words.first().and_then(|program| kubectl::plugin(program)) else { return Self::parse() };
        let matches = kubectl::command(plugin).get_matches_from(words);
        let PluginArguments { output, kubectl } =
            PluginArguments::from_arg_matches(&matches).unwrap_or_else(|error| error.exit());
        Self { output, command: Command::Kubectl(Box::new(kubectl)) }
    }

    /// Whether results are JSON. What fills standard output with a file's bytes says nothing else there.
    pub fn json(&self) -> bool {
        let fills = matches!(&self.command, Command::Export(export) if export.to.as_os_str() == "-");
        self.output.json && !fills
    }

    /// Whether logs are JSON though results are not.
    pub fn logs_json(&self) -> bool {
        match &self.command {
            Command::Operator(arguments) => arguments.logs_json(),
            _ => false,
        }
    }
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Save indices and definitions of a cluster as a snapshot
    Backup(BackupArguments),
    /// Put a snapshot's indices and definitions into a cluster
    Restore(RestoreArguments),
    /// Read a snapshot back and prove it, also against a living cluster
    Verify(VerifyArguments),
    /// List the snapshots
    Snapshots(SnapshotsArguments),
    /// Show what a snapshot holds: indices, documents, definitions
    Show(SnapshotArguments),
    /// List the files of a snapshot
    Ls(SnapshotArguments),
    /// Print a file of a snapshot
    Cat(CatArguments),
    /// Compare two snapshots, index by index
    Diff(DiffArguments),
    /// Write a snapshot's files into an empty folder
    Export(ExportArguments),
    /// Take a folder that multielasticdump wrote into the repository, as a snapshot
    Import(ImportArguments),
    /// Make a new repository
    Init(InitArguments),
    /// Look for damage in the repository
    Check(CheckArguments),
    /// Remove snapshots that a retention policy does not keep
    Forget(ForgetArguments),
    /// Remove what no snapshot needs any more
    Prune(PruneArguments),
    /// Show how much the repository holds
    Stats(RepositoryArguments),
    /// List, add and remove keys (passwords) of the repository
    #[command(subcommand)]
    Key(KeyCommand),
    /// Remove locks whose owner is dead
    Unlock(UnlockArguments),
    /// Work with backups in Kubernetes: what `kubectl larder` and `kubectl stash` call
    Kubectl(Box<KubectlArguments>),
    /// What kubectl asks for where these words are typed: said by the program's name only
    #[command(skip)]
    KubectlComplete(Vec<String>),
    /// Run the Kubernetes operator: what the chart starts
    Operator(OperatorArguments),
    /// What a pod of `kubectl larder download` does: nothing, while others are run beside it
    #[command(hide = true)]
    Hold,
    /// What a CronJob's pod does: begin a session
    #[command(name = "create-backupsession", hide = true)]
    CreateBackupSession(TriggerPodArguments),
    /// What a session's pod does: save a database
    #[command(name = "backup-es", hide = true)]
    BackupEs(BackupPodArguments),
    /// What a session's pod does: fill a database
    #[command(name = "restore-es", hide = true)]
    RestoreEs(RestorePodArguments),
    /// What a session's pod does before and behind: what the user wants done
    #[command(hide = true)]
    RunHook(HookPodArguments),
    /// What a session's pod does last: tell what became of it
    #[command(hide = true)]
    UpdateStatus(StatusPodArguments),
    /// What a pod does for a Repository that goes with its data
    #[command(hide = true)]
    WipeRepository(WipePodArguments),
    /// Print the completions of a shell
    Completions(CompletionsArguments),
    /// Print the version
    Version,
}

impl Command {
    /// Whether it runs in Kubernetes, where nobody adds `-v` and logs are all that there is to see.
    pub fn is_in_kubernetes(&self) -> bool {
        matches!(
            self,
            Self::Operator(_)
                | Self::CreateBackupSession(_)
                | Self::BackupEs(_)
                | Self::RestoreEs(_)
                | Self::RunHook(_)
                | Self::UpdateStatus(_)
                | Self::WipeRepository(_)
        )
    }
}

/// `backup`.
#[derive(Debug, Args)]
pub struct BackupArguments {
    #[command(flatten)]
    pub selection: SelectionArguments,
    /// Save hidden and system indices (names that begin with a dot) too
    #[arg(long, env = "LARDER_INCLUDE_SYSTEM", value_parser = clap::builder::FalseyValueParser::new())]
    pub include_system: bool,
    /// Save these too, which rule the whole cluster
    #[arg(long, env = "LARDER_ALSO", value_enum, value_delimiter = ',', value_name = "KIND")]
    pub also: Vec<AlsoArgument>,
    /// Tag of the snapshot
    #[arg(long = "tag", env = "LARDER_TAG", value_delimiter = ',', value_name = "TAG")]
    pub tags: Vec<String>,
    /// Host of the snapshot; retention goes by it
    #[arg(long, env = "LARDER_HOST", default_value = engine::layout::HOST)]
    pub host: String,
    /// zstd level of what is stored: 0 for none, higher is smaller and slower. Repositories of format 1 know none
    #[arg(long, env = "LARDER_COMPRESSION", value_name = "LEVEL", default_value_t = 1, value_parser = clap::value_parser!(i32).range(0..=19))]
    pub compression: i32,
    /// Only say what would be saved
    #[arg(long)]
    pub dry_run: bool,
    #[command(flatten)]
    pub elasticsearch: ElasticsearchArguments,
    #[command(flatten)]
    pub repository: RepositoryArguments,
}

impl BackupArguments {
    /// The parts that are wanted.
    pub fn parts(&self) -> Parts {
        restore::with(&self.also)
    }
}

/// Which indices.
#[derive(Debug, Clone, Args)]
pub struct SelectionArguments {
    /// Only indices and data streams of this name; * stands for anything. May be given several times
    #[arg(long = "index", short = 'i', env = "LARDER_INDEX", value_delimiter = ',', value_name = "PATTERN")]
    pub include: Vec<String>,
    /// No indices and data streams of this name; * stands for anything. Wins over --index
    #[arg(long = "exclude", short = 'x', env = "LARDER_EXCLUDE", value_delimiter = ',', value_name = "PATTERN")]
    pub exclude: Vec<String>,
}

/// `verify`.
#[derive(Debug, Args)]
pub struct VerifyArguments {
    /// Beginning of the snapshot's id, or `latest`
    #[arg(value_name = "SNAPSHOT")]
    pub snapshot: String,
    #[command(flatten)]
    pub selection: SelectionArguments,
    /// Compare with this cluster too, document by document
    #[arg(long, value_name = "URL", env = "LARDER_AGAINST", hide_env_values = true, value_delimiter = ',')]
    pub against: Vec<String>,
    #[command(flatten)]
    pub repository: RepositoryArguments,
    #[command(flatten)]
    pub credentials: elasticsearch::CredentialArguments,
}

/// `snapshots`.
#[derive(Debug, Args)]
pub struct SnapshotsArguments {
    /// Only of this host
    #[arg(long)]
    pub host: Option<String>,
    /// Only with this tag; several: with all of them
    #[arg(long = "tag", value_delimiter = ',', value_name = "TAG")]
    pub tags: Vec<String>,
    #[command(flatten)]
    pub repository: RepositoryArguments,
}

/// Commands about one snapshot.
#[derive(Debug, Args)]
pub struct SnapshotArguments {
    /// Beginning of the snapshot's id, or `latest`
    #[arg(value_name = "SNAPSHOT")]
    pub snapshot: String,
    #[command(flatten)]
    pub repository: RepositoryArguments,
}

/// `cat`.
#[derive(Debug, Args)]
pub struct CatArguments {
    /// Beginning of the snapshot's id, or `latest`
    #[arg(value_name = "SNAPSHOT")]
    pub snapshot: String,
    /// Path of the file in the snapshot, as `ls` shows it
    #[arg(value_name = "PATH")]
    pub path: String,
    #[command(flatten)]
    pub repository: RepositoryArguments,
}

/// `diff`.
#[derive(Debug, Args)]
pub struct DiffArguments {
    /// The first snapshot
    #[arg(value_name = "A")]
    pub before: String,
    /// The second snapshot
    #[arg(value_name = "B")]
    pub after: String,
    #[command(flatten)]
    pub repository: RepositoryArguments,
}

/// `export`.
#[derive(Debug, Args)]
pub struct ExportArguments {
    /// Beginning of the snapshot's id, or `latest`
    #[arg(value_name = "SNAPSHOT")]
    pub snapshot: String,
    /// The folder; made if missing, must be empty. - writes an archive (tar) to standard output
    #[arg(long, value_name = "DIR")]
    pub to: PathBuf,
    /// Which files, and where
    #[arg(long, value_enum, default_value = "snapshot")]
    pub layout: LayoutArgument,
    #[command(flatten)]
    pub repository: RepositoryArguments,
}

/// `init`.
#[derive(Debug, Args)]
pub struct InitArguments {
    /// restic's repository format: 2 compresses, 1 is for restic before 0.14
    #[arg(long, default_value = "2", value_parser = ["1", "2"])]
    pub format: String,
    #[command(flatten)]
    pub repository: RepositoryArguments,
}

/// `check`.
#[derive(Debug, Args)]
pub struct CheckArguments {
    /// Also read every pack and check every blob
    #[arg(long)]
    pub read_data: bool,
    #[command(flatten)]
    pub repository: RepositoryArguments,
}

/// What retention keeps.
#[derive(Debug, Args)]
pub struct ForgetArguments {
    /// Snapshots to remove by id instead of by policy
    #[arg(value_name = "SNAPSHOT", conflicts_with = "policy")]
    pub snapshots: Vec<String>,
    #[command(flatten)]
    pub policy: PolicyArguments,
    /// Remove what no snapshot needs any more, too
    #[arg(long)]
    pub prune: bool,
    /// Only say what would be removed
    #[arg(long)]
    pub dry_run: bool,
    #[command(flatten)]
    pub repository: RepositoryArguments,
}

// Fields are named as restic names the options.
#[allow(clippy::struct_field_names)]
/// A retention policy, for each host and path by itself.
#[derive(Debug, Clone, Args)]
#[group(id = "policy", multiple = true)]
pub struct PolicyArguments {
    /// Keep the last N
    #[arg(long, value_name = "N")]
    pub keep_last: Option<u32>,
    /// Keep the last of each of the last N hours that have one
    #[arg(long, value_name = "N")]
    pub keep_hourly: Option<u32>,
    /// The same for days
    #[arg(long, value_name = "N")]
    pub keep_daily: Option<u32>,
    /// The same for weeks
    #[arg(long, value_name = "N")]
    pub keep_weekly: Option<u32>,
    /// The same for months
    #[arg(long, value_name = "N")]
    pub keep_monthly: Option<u32>,
    /// The same for years
    #[arg(long, value_name = "N")]
    pub keep_yearly: Option<u32>,
    /// Keep all with this tag
    #[arg(long = "keep-tag", value_name = "TAG", value_delimiter = ',')]
    pub keep_tags: Vec<String>,
}

/// `prune`.
#[derive(Debug, Args)]
pub struct PruneArguments {
    /// Only say what would be removed
    #[arg(long)]
    pub dry_run: bool,
    #[command(flatten)]
    pub repository: RepositoryArguments,
}

/// `key`.
#[derive(Debug, Subcommand)]
pub enum KeyCommand {
    /// List the keys
    List(RepositoryArguments),
    /// Add a key with a new password
    Add(KeyAddArguments),
    /// Remove a key other than the one in use
    Remove(KeyRemoveArguments),
}

/// `key add`.
#[derive(Debug, Args)]
pub struct KeyAddArguments {
    /// File that holds the new password; else LARDER_NEW_PASSWORD
    #[arg(long, value_name = "FILE", env = "LARDER_NEW_PASSWORD_FILE")]
    pub new_password_file: Option<PathBuf>,
    #[command(flatten)]
    pub repository: RepositoryArguments,
}

/// `key remove`.
#[derive(Debug, Args)]
pub struct KeyRemoveArguments {
    /// Beginning of the key's id
    #[arg(value_name = "ID")]
    pub id: String,
    #[command(flatten)]
    pub repository: RepositoryArguments,
}

/// `unlock`.
#[derive(Debug, Args)]
pub struct UnlockArguments {
    /// Remove the locks of living owners too: only when you know that there are none
    #[arg(long)]
    pub remove_all: bool,
    #[command(flatten)]
    pub repository: RepositoryArguments,
}

/// `completions`.
#[derive(Debug, Args)]
pub struct CompletionsArguments {
    /// The shell
    pub shell: clap_complete::Shell,
}

/// A time such as `30s`, `10m` or `1h 30m`.
fn parse_time(text: &str) -> Result<Duration, String> {
    let span: jiff::SignedDuration = text.parse().map_err(|error: jiff::Error| error.to_string())?;
    span.try_into().map_err(|_| "must not be negative".to_owned())
}
