//! What runs inside a pod: `backup-es`, `restore-es`, `update-status`, `create-backupsession`, `run-hook`,
//! `wipe-repository`. Reads the objects that its flags
//! name, lets the engine work, and tells what became of it.
//!
//! What it decides is pure: the meaning of `args` ([`es_args`]), of an AppBinding ([`binding`]) and of a storage Secret
//! ([`store`]), and how it tells what became of its work ([`tell`], [`texts`]).

pub mod backup;
pub mod binding;
mod choice;
mod cluster;
pub mod connect;
pub mod create_session;
mod error;
pub mod es_args;
mod file_stats;
pub mod hook;
mod invoker;
mod maintain;
mod open;
mod output;
mod progress;
mod ready;
pub mod restore;
pub mod snapshots;
pub mod store;
pub mod tell;
pub mod texts;
pub mod update_status;
pub mod wipe;

pub use error::JobError;
