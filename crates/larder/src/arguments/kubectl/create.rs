//! `create`: Stash's flags, its misspelt one too.

use clap::{Args, Subcommand};
use kubectl::create::{
    Claim, NewBackupConfiguration, NewRepository, NewRestoreSession, Target, backup_configuration::Retention,
};

/// `create`.
#[derive(Debug, Subcommand)]
pub enum CreateCommand {
    /// Create a Repository: where backups lie
    Repository(CreateRepositoryArguments),
    /// Create a BackupConfiguration: what is backed up, when and whereto
    Backupconfig(CreateBackupConfigurationArguments),
    /// Create a RestoreSession: a restore that begins at once
    Restoresession(Box<CreateRestoreSessionArguments>),
}

/// `create repository`.
#[derive(Debug, Args)]
pub struct CreateRepositoryArguments {
    /// Its name
    #[arg(value_name = "NAME")]
    name: String,
    /// Where: s3, gcs, azure, swift, b2 or rest
    #[arg(long)]
    provider: String,
    /// Bucket or container
    #[arg(long)]
    bucket: Option<String>,
    /// Folder in the bucket
    #[arg(long)]
    prefix: Option<String>,
    /// Address of the S3 service, or URL of the REST server
    #[arg(long)]
    endpoint: Option<String>,
    /// Region of an S3 bucket
    #[arg(long)]
    region: Option<String>,
    /// Connections used at once by gcs, azure and b2; 0 for what is usual
    #[arg(long, value_name = "N", default_value_t = 0)]
    max_connections: i64,
    /// Name of the Secret with RESTIC_PASSWORD and the backend's own keys
    #[arg(long, value_name = "NAME")]
    secret: String,
}

impl CreateRepositoryArguments {
    /// What was described.
    pub fn described(self) -> NewRepository {
        let Self { name, provider, bucket, prefix, endpoint, region, max_connections, secret } = self;
        NewRepository { name, provider, bucket, prefix, endpoint, region, max_connections, secret }
    }
}

/// What is backed up or restored.
#[derive(Debug, Args)]
#[command(next_help_heading = "Target")]
#[expect(clippy::struct_field_names, reason = "they are the flags' names")]
struct TargetArguments {
    /// Its API version: of a database appcatalog.appscode.com/v1alpha1
    #[arg(long, value_name = "VERSION")]
    target_apiversion: Option<String>,
    /// Its kind: of a database AppBinding
    #[arg(long, value_name = "KIND")]
    target_kind: Option<String>,
    /// Its name
    #[arg(long, value_name = "NAME")]
    target_name: Option<String>,
}

impl TargetArguments {
    fn target(self) -> Target {
        Target { api_version: self.target_apiversion, kind: self.target_kind, name: self.target_name }
    }
}

/// Flags of volumes: written into the object as Stash does it, and of no use to a database.
#[derive(Debug, Args)]
#[command(next_help_heading = "Volumes")]
struct VolumeArguments {
    /// Paths in the target's volumes
    #[arg(long, value_delimiter = ',', value_name = "PATH")]
    paths: Vec<String>,
    /// Volumes and where they are mounted: volume:path or volume:path:sub-path
    #[arg(long, value_delimiter = ',', value_name = "MOUNT")]
    volume_mounts: Vec<String>,
    /// Replicas whose volumes are meant; 0 for what the target has
    #[arg(long, value_name = "N", default_value_t = 0)]
    replica: i32,
}

/// `create backupconfig`.
#[derive(Debug, Args)]
pub struct CreateBackupConfigurationArguments {
    /// Its name
    #[arg(value_name = "NAME")]
    name: String,
    /// Restic or VolumeSnapshotter
    #[arg(long)]
    driver: Option<String>,
    /// When, as a cron expression such as "0 3 * * *"
    #[arg(long, value_name = "CRON")]
    schedule: Option<String>,
    /// The Repository
    #[arg(long, value_name = "NAME", alias = "repository")]
    repo_name: Option<String>,
    /// The Repository's namespace, where it is another one
    #[arg(long, value_name = "NAMESPACE")]
    repo_namespace: Option<String>,
    /// The Task, such as elasticsearch-backup-7.14.0; the AppBinding's if nothing is said
    #[arg(long, value_name = "NAME")]
    task: Option<String>,
    /// Class of volume snapshots (Stash spells it so)
    #[arg(long = "volumesnpashotclass", alias = "volumesnapshotclass", value_name = "NAME")]
    snapshot_class: Option<String>,
    #[command(flatten)]
    target: TargetArguments,
    #[command(flatten)]
    volumes: VolumeArguments,
    #[command(flatten)]
    retention: RetentionArguments,
}

/// Which snapshots are kept.
#[derive(Debug, Args)]
#[command(next_help_heading = "Retention")]
struct RetentionArguments {
    /// Keep the last N snapshots
    #[arg(long, value_name = "N", default_value_t = 0, hide_default_value = true)]
    keep_last: i64,
    /// Keep the last of each of the last N hours that have one
    #[arg(long, value_name = "N", default_value_t = 0, hide_default_value = true)]
    keep_hourly: i64,
    /// The same for days
    #[arg(long, value_name = "N", default_value_t = 0, hide_default_value = true)]
    keep_daily: i64,
    /// The same for weeks
    #[arg(long, value_name = "N", default_value_t = 0, hide_default_value = true)]
    keep_weekly: i64,
    /// The same for months
    #[arg(long, value_name = "N", default_value_t = 0, hide_default_value = true)]
    keep_monthly: i64,
    /// The same for years
    #[arg(long, value_name = "N", default_value_t = 0, hide_default_value = true)]
    keep_yearly: i64,
    /// Remove what no snapshot needs any more, after each backup
    #[arg(long, num_args = 0..=1, require_equals = true, default_value_t = false, default_missing_value = "true", action = clap::ArgAction::Set, value_name = "BOOL", hide_default_value = true)]
    prune: bool,
    /// Only say in each session what the policy would remove
    #[arg(long, num_args = 0..=1, require_equals = true, default_value_t = false, default_missing_value = "true", action = clap::ArgAction::Set, value_name = "BOOL", hide_default_value = true)]
    dry_run: bool,
}

impl CreateBackupConfigurationArguments {
    /// What was described.
    pub fn described(self) -> NewBackupConfiguration {
        let RetentionArguments {
            keep_last: last,
            keep_hourly: hourly,
            keep_daily: daily,
            keep_weekly: weekly,
            keep_monthly: monthly,
            keep_yearly: yearly,
            prune,
            dry_run,
        } = self.retention;
        NewBackupConfiguration {
            name: self.name,
            driver: self.driver,
            schedule: self.schedule,
            repository: self.repo_name,
            repository_namespace: self.repo_namespace,
            task: self.task,
            target: self.target.target(),
            paths: self.volumes.paths,
            volume_mounts: self.volumes.volume_mounts,
            replicas: self.volumes.replica,
            snapshot_class: self.snapshot_class,
            retention: Retention { last, hourly, daily, weekly, monthly, yearly, prune, dry_run },
        }
    }
}

/// `create restoresession`.
#[derive(Debug, Args)]
pub struct CreateRestoreSessionArguments {
    /// Its name
    #[arg(value_name = "NAME")]
    name: String,
    /// Restic or VolumeSnapshotter
    #[arg(long)]
    driver: Option<String>,
    /// The Repository
    #[arg(long, value_name = "NAME", alias = "repository")]
    repo_name: Option<String>,
    /// The Repository's namespace, where it is another one
    #[arg(long, value_name = "NAMESPACE")]
    repo_namespace: Option<String>,
    /// The Task, such as elasticsearch-restore-7.14.0; the AppBinding's if nothing is said
    #[arg(long, value_name = "NAME")]
    task: Option<String>,
    /// Host name that rules are chosen by
    #[arg(long, value_name = "HOST")]
    alias: Option<String>,
    /// Host whose snapshots are taken
    #[arg(long, value_name = "HOST")]
    host: Option<String>,
    /// Snapshots by the beginnings of their ids, or latest
    #[arg(long, value_delimiter = ',', value_name = "ID")]
    snapshots: Vec<String>,
    #[command(flatten)]
    target: TargetArguments,
    #[command(flatten)]
    volumes: VolumeArguments,
    #[command(flatten)]
    claim: ClaimArguments,
}

/// A claim to be made and restored into.
#[derive(Debug, Args)]
#[command(next_help_heading = "Volumes")]
struct ClaimArguments {
    /// Name of a claim that is made and restored into
    #[arg(long = "claim.name", value_name = "NAME")]
    claim_name: Option<String>,
    /// Its access modes
    #[arg(long = "claim.access-modes", value_delimiter = ',', value_name = "MODE")]
    access_modes: Vec<String>,
    /// Its storage class
    #[arg(long = "claim.storageclass", value_name = "NAME")]
    storage_class: Option<String>,
    /// Its size, such as 1Gi
    #[arg(long = "claim.size", value_name = "SIZE")]
    size: Option<String>,
    /// The VolumeSnapshot that it is filled from
    #[arg(long = "claim.datasource", value_name = "NAME")]
    data_source: Option<String>,
}

impl CreateRestoreSessionArguments {
    /// What was described.
    pub fn described(self) -> NewRestoreSession {
        let ClaimArguments { claim_name, access_modes, storage_class, size, data_source } = self.claim;
        NewRestoreSession {
            name: self.name,
            driver: self.driver,
            repository: self.repo_name,
            repository_namespace: self.repo_namespace,
            task: self.task,
            target: self.target.target(),
            alias: self.alias,
            host: self.host,
            snapshots: self.snapshots,
            paths: self.volumes.paths,
            volume_mounts: self.volumes.volume_mounts,
            replicas: self.volumes.replica,
            claim: Claim { name: claim_name, access_modes, storage_class, size, data_source },
        }
    }
}
