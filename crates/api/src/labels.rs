//! Names that others look for: labels, annotations, finalizers, and the name under which we apply. Stash's, to the letter.

/// Group of all kinds but AppBinding.
pub const GROUP: &str = "stash.appscode.com";
/// Group of KubeDB's databases; it marks what KubeDB made.
pub const KUBEDB_GROUP: &str = "kubedb.com";
/// Group of AppBinding.
pub const CATALOG_GROUP: &str = "appcatalog.appscode.com";

/// Label of a session: the name of its invoker.
pub const INVOKER_NAME: &str = "stash.appscode.com/invoker-name";
/// Label of a session: the kind of its invoker.
pub const INVOKER_TYPE: &str = "stash.appscode.com/invoker-type";
/// Label of what is to go once it has succeeded, with value `true`.
pub const DELETE_JOB_ON_COMPLETION: &str = "stash.appscode.com/delete-job-on-completion";
/// Label: [`BACKUP`] or [`RESTORE`].
pub const COMPONENT: &str = "app.kubernetes.io/component";
/// Label: what kind of thing it is.
pub const NAME: &str = "app.kubernetes.io/name";
/// Label: which one of its kind.
pub const INSTANCE: &str = "app.kubernetes.io/instance";
/// Label of all that is made for an invoker, with value [`GROUP`].
pub const MANAGED_BY: &str = "app.kubernetes.io/managed-by";
/// Value of [`COMPONENT`].
pub const BACKUP: &str = "stash-backup";
/// Value of [`COMPONENT`].
pub const RESTORE: &str = "stash-restore";
/// Value of [`COMPONENT`].
pub const WIPE: &str = "stash-wipe";

/// Annotation of a target: the BackupBlueprint to follow.
pub const BLUEPRINT: &str = "stash.appscode.com/backup-blueprint";
/// Annotation of a target: its own schedule.
pub const SCHEDULE: &str = "stash.appscode.com/schedule";
/// Annotation of a target: what follows names a parameter of the Task.
pub const PARAMETER_PREFIX: &str = "params.stash.appscode.com/";

/// Annotation of a Repository that was made by a BackupBlueprint: namespace and name of the AppBinding that it was made for.
pub const MADE_FOR: &str = "stash.appscode.com/made-for";

/// Finalizer of invokers.
pub const INVOKER_FINALIZER: &str = "stash.appscode.com";
/// Finalizer of a Repository.
pub const REPOSITORY_FINALIZER: &str = "stash";

/// The longest name of an object that becomes a label or a host name.
pub const LONGEST_NAME: usize = 63;

/// A name with a suffix, cut so that both are no longer than [`LONGEST_NAME`]. With an empty suffix it is a label's value.
pub fn with_suffix(name: &str, suffix: &str) -> String {
    let room = LONGEST_NAME.saturating_sub(suffix.len());
    let end = name.char_indices().map(|(at, c)| at + c.len_utf8()).take_while(|end| *end <= room).last();
    format!("{}{suffix}", name[..end.unwrap_or_default()].trim_end_matches(['-', '.']))
}
