//! The shapes that cross a process boundary: the kinds of Stash v2022.03.29 and of AppBinding, labels and names, conditions,
//! `output.json`. No I/O, no async, no client.
//!
//! Fields, enums and defaults are Stash's: `tests/crd-fields.tsv` has them, and a golden test holds the generated CRDs
//! against it. What was added since (`timeOut`, `retryConfig`, a hook's `executionPolicy`) is listed there with its reason.

#![allow(clippy::duplicated_attributes, reason = "it takes the parts of several print columns for the same attribute")]

pub mod app_binding;
pub mod backend;
pub mod backup_batch;
pub mod backup_blueprint;
pub mod backup_configuration;
pub mod backup_session;
pub mod condition;
pub mod crds;
mod embedded;
pub mod function;
pub mod hooks;
pub mod invoker;
pub mod labels;
pub mod metrics;
pub mod output;
pub mod owner;
pub mod place;
pub mod repository;
pub mod restore_batch;
pub mod restore_session;
pub mod retention;
pub mod runtime_settings;
pub mod session;
pub mod snapshot;
pub mod target;
pub mod task;
pub mod volumes;

pub use app_binding::{AppBinding, AppBindingSpec};
pub use backup_batch::{BackupBatch, BackupBatchSpec};
pub use backup_blueprint::{BackupBlueprint, BackupBlueprintSpec};
pub use backup_configuration::{BackupConfiguration, BackupConfigurationSpec};
pub use backup_session::{BackupSession, BackupSessionSpec};
pub use condition::Condition;
pub use function::{Function, FunctionSpec};
pub use invoker::{BackupInvoker, RestoreInvoker};
pub use repository::{Repository, RepositorySpec};
pub use restore_batch::{RestoreBatch, RestoreBatchSpec};
pub use restore_session::{RestoreSession, RestoreSessionSpec};
pub use task::{Task, TaskSpec};
