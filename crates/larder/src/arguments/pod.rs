//! Flags of the containers of sessions' pods. Stash's: Functions and CronJobs of users give them, so what has no meaning here is
//! taken all the same.

use std::{path::PathBuf, time::Duration};

use clap::{
    Args,
    builder::{StringValueParser, TypedValueParser},
};
use engine::restore::ConflictRules;
use job::{
    backup::Backup,
    connect::Backend,
    create_session::Trigger,
    hook::{RunHook, When},
    restore::Restore,
    store::Place,
    update_status::Update,
    wipe::Wipe,
};

use super::conflicts::parse_conflicts;
use crate::commands::PROGRAM;

/// Where the repository lies, and the Secret that opens it.
#[derive(Debug, Clone, Args)]
pub struct BackendArguments {
    #[arg(long, default_value = "")]
    provider: String,
    #[arg(long, default_value = "")]
    bucket: String,
    #[arg(long, default_value = "")]
    endpoint: String,
    #[arg(long, default_value = "")]
    region: String,
    #[arg(long, default_value = "")]
    path: String,
    #[arg(long, default_value = "")]
    storage_secret_name: String,
    #[arg(long, default_value = "")]
    storage_secret_namespace: String,
    #[arg(long, default_value = "0")]
    max_connections: usize,
    #[command(flatten)]
    without_effect: WithoutEffect,
}

/// Stash's flags that mean nothing here.
#[derive(Debug, Clone, Args)]
pub struct WithoutEffect {
    #[arg(long, default_value = "")]
    scratch_dir: String,
    #[arg(long, num_args = 0..=1, default_missing_value = "true", default_value = "")]
    enable_cache: String,
    #[arg(long, default_value = "")]
    license_apiservice: String,
    #[arg(long, num_args = 0..=1, default_missing_value = "true", default_value = "")]
    enable_analytics: String,
    #[arg(long, default_value = "")]
    master: String,
    #[arg(long, default_value = "")]
    kubeconfig: String,
    #[arg(long, num_args = 0..=1, default_missing_value = "true", default_value = "")]
    use_kubeapiserver_fqdn_for_aks: String,
    #[arg(long, num_args = 0..=1, default_missing_value = "true", default_value = "")]
    logtostderr: String,
    #[arg(long, num_args = 0..=1, default_missing_value = "true", default_value = "")]
    alsologtostderr: String,
    #[arg(long, default_value = "")]
    log_dir: String,
    #[arg(long, default_value = "")]
    log_backtrace_at: String,
    #[arg(long, default_value = "")]
    stderrthreshold: String,
    #[arg(long = "v", default_value = "")]
    level: String,
    #[arg(long, default_value = "")]
    vmodule: String,
}

/// A folder, or none: what a variable without a value leaves behind.
fn folder() -> impl TypedValueParser<Value = PathBuf> {
    StringValueParser::new().map(PathBuf::from)
}

/// What backup and restore have in common.
#[derive(Debug, Args)]
pub struct DatabaseArguments {
    #[command(flatten)]
    backend: BackendArguments,
    /// Seconds
    #[arg(long, default_value_t = 300)]
    wait_timeout: u64,
    /// Stash gives an empty one, which means the default.
    #[arg(long, default_value = engine::layout::HOST)]
    hostname: String,
    #[arg(long, default_value = "", value_parser = folder())]
    interim_data_dir: PathBuf,
    #[arg(long, default_value = "default")]
    namespace: String,
    #[arg(long)]
    appbinding: String,
    #[arg(long, default_value = "", allow_hyphen_values = true)]
    es_args: String,
    #[arg(long, default_value = "", value_parser = folder())]
    output_dir: PathBuf,
}

/// `backup-es`.
#[derive(Debug, Args)]
pub struct BackupPodArguments {
    #[command(flatten)]
    database: DatabaseArguments,
    #[arg(long, default_value = "")]
    backupsession: String,
    /// Where the dump is kept on its way; nowhere if nothing is said
    #[arg(long, default_value = "")]
    staging: String,
    #[command(flatten)]
    retention: RetentionFlags,
}

/// Retention is what `update-status` does, by what the BackupConfiguration says.
#[derive(Debug, Clone, Args)]
pub struct RetentionFlags {
    #[arg(long = "retention-keep-last", default_value = "")]
    keep_last: String,
    #[arg(long = "retention-keep-hourly", default_value = "")]
    keep_hourly: String,
    #[arg(long = "retention-keep-daily", default_value = "")]
    keep_daily: String,
    #[arg(long = "retention-keep-weekly", default_value = "")]
    keep_weekly: String,
    #[arg(long = "retention-keep-monthly", default_value = "")]
    keep_monthly: String,
    #[arg(long = "retention-keep-yearly", default_value = "")]
    keep_yearly: String,
    #[arg(long = "retention-keep-tags", default_value = "")]
    keep_tags: String,
    #[arg(long = "retention-prune", num_args = 0..=1, default_missing_value = "true", default_value = "")]
    prune: String,
    #[arg(long = "retention-dry-run", num_args = 0..=1, default_missing_value = "true", default_value = "")]
    dry_run: String,
}

/// `restore-es`.
#[derive(Debug, Args)]
pub struct RestorePodArguments {
    #[command(flatten)]
    database: DatabaseArguments,
    #[arg(long, default_value = "")]
    source_hostname: String,
    #[arg(long, value_delimiter = ',', default_value = "")]
    snapshot: Vec<String>,
    /// What becomes of what is there already
    #[arg(long, default_value = "fail", value_parser = parse_conflicts)]
    on_conflict: ConflictRules,
}

/// Whose session and target it is about, and what the Functions told of them.
#[derive(Debug, Args)]
pub struct SessionFlags {
    #[arg(long, default_value = "default")]
    namespace: String,
    #[arg(long, default_value = "")]
    backupsession: String,
    #[arg(long, default_value = "")]
    invoker_kind: String,
    #[arg(long, default_value = "")]
    target_kind: String,
    #[arg(long, default_value = "")]
    target_name: String,
    #[arg(long, default_value = "", value_parser = folder())]
    output_dir: PathBuf,
}

/// `run-hook`.
#[derive(Debug, Args)]
pub struct HookPodArguments {
    #[command(flatten)]
    session: SessionFlags,
    #[arg(long)]
    invoker_name: String,
    #[arg(long)]
    hook_type: HookType,
    #[arg(long, default_value = "")]
    hostname: String,
    #[arg(long, num_args = 0..=1, default_missing_value = "true", default_value = "")]
    metrics_enabled: String,
    #[arg(long, default_value = "")]
    metrics_pushgateway_url: String,
    #[command(flatten)]
    without_effect: WithoutEffect,
}

/// Which of the four.
#[derive(Debug, Clone, Copy, clap::ValueEnum)]
#[value(rename_all = "camelCase")]
pub enum HookType {
    PreBackup,
    PostBackup,
    PreRestore,
    PostRestore,
}

/// `update-status`.
#[derive(Debug, Args)]
pub struct StatusPodArguments {
    #[command(flatten)]
    backend: BackendArguments,
    #[command(flatten)]
    session: SessionFlags,
    #[arg(long, default_value = "")]
    invoker_name: String,
    #[arg(long, num_args = 0..=1, default_missing_value = "true", default_value_t = true, action = clap::ArgAction::Set)]
    metrics_enabled: bool,
    #[arg(long, default_value = "")]
    metrics_pushgateway_url: String,
    #[arg(long, default_value = "")]
    metrics_labels: String,
}

/// `wipe-repository`.
#[derive(Debug, Args)]
pub struct WipePodArguments {
    #[command(flatten)]
    backend: BackendArguments,
    /// Where the storage Secret is mounted
    #[arg(long)]
    storage_secret_dir: PathBuf,
}

/// `create-backupsession`.
#[derive(Debug, Args)]
pub struct TriggerPodArguments {
    #[arg(long)]
    invoker_name: String,
    #[arg(long, default_value = "BackupConfiguration")]
    invoker_kind: String,
    /// The pod's own if nothing is said
    #[arg(long, env = "POD_NAMESPACE", default_value = "")]
    namespace: String,
    #[command(flatten)]
    without_effect: WithoutEffect,
}

impl BackendArguments {
    fn backend(self) -> Backend {
        let Self { provider, bucket, endpoint, region, path, storage_secret_name, storage_secret_namespace, .. } = self;
        Backend {
            place: Place { provider, bucket, endpoint, region, path },
            secret: storage_secret_name,
            secret_namespace: storage_secret_namespace,
            max_connections: self.max_connections,
        }
    }
}

impl DatabaseArguments {
    fn host(&self) -> String {
        if self.hostname.is_empty() { engine::layout::HOST.into() } else { self.hostname.clone() }
    }
}

impl BackupPodArguments {
    /// The work that was described.
    pub fn work(self) -> Backup {
        let database = self.database;
        Backup {
            hostname: database.host(),
            backend: database.backend.backend(),
            wait: Duration::from_secs(database.wait_timeout),
            namespace: database.namespace,
            binding: database.appbinding,
            session: self.backupsession,
            es_args: database.es_args,
            staging: self.staging,
            interim_dir: database.interim_data_dir,
            output_dir: database.output_dir,
            program: PROGRAM.into(),
        }
    }
}

impl RestorePodArguments {
    /// The work that was described.
    pub fn work(self) -> Restore {
        let database = self.database;
        Restore {
            hostname: database.host(),
            backend: database.backend.backend(),
            wait: Duration::from_secs(database.wait_timeout),
            source_hostname: self.source_hostname,
            snapshots: self.snapshot.into_iter().filter(|id| !id.is_empty()).collect(),
            namespace: database.namespace,
            binding: database.appbinding,
            es_args: database.es_args,
            on_conflict: self.on_conflict,
            output_dir: database.output_dir,
        }
    }
}

impl HookPodArguments {
    /// The hook that is to be run.
    pub fn work(self) -> RunHook {
        let when = match self.hook_type {
            HookType::PreBackup => When::PreBackup,
            HookType::PostBackup => When::PostBackup,
            HookType::PreRestore => When::PreRestore,
            HookType::PostRestore => When::PostRestore,
        };
        RunHook {
            namespace: self.session.namespace,
            backup_session: self.session.backupsession,
            invoker_kind: self.session.invoker_kind,
            invoker_name: self.invoker_name,
            target_kind: self.session.target_kind,
            target_name: self.session.target_name,
            when,
            output_dir: self.session.output_dir,
        }
    }
}

impl StatusPodArguments {
    /// What is to be told.
    pub fn work(self) -> Update {
        Update {
            backend: self.backend.backend(),
            namespace: self.session.namespace,
            backup_session: self.session.backupsession,
            invoker_kind: self.session.invoker_kind,
            invoker_name: self.invoker_name,
            target_kind: self.session.target_kind,
            target_name: self.session.target_name,
            output_dir: self.session.output_dir,
            pushgateway_url: if self.metrics_enabled { self.metrics_pushgateway_url } else { String::new() },
        }
    }
}

impl WipePodArguments {
    /// What is to be removed.
    pub fn work(self) -> Wipe {
        Wipe { backend: self.backend.backend(), secret_dir: self.storage_secret_dir }
    }
}

impl TriggerPodArguments {
    /// Whose session is to be begun.
    pub fn work(self) -> Trigger {
        Trigger { kind: self.invoker_kind, name: self.invoker_name, namespace: self.namespace }
    }
}
