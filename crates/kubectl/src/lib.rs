//! What a person does with Larder in Kubernetes: the work of `kubectl larder` and `kubectl stash`. It has the rights of the person's
//! kubeconfig and no others, and never prints a Secret.
//!
//! What a verb makes of its flags is pure: [`create`], [`restore`], [`trigger`]; so is what `status` makes of what it sees. What needs the inside of a
//! repository is an errand: the program itself, run in a pod beside the repository, or here.

pub mod age;
pub mod cluster;
pub mod copy;
pub mod create;
pub mod debug;
pub mod download;
pub mod errand;
mod error;
pub mod find;
pub mod guide;
mod log;
pub mod logs;
pub mod pause;
pub mod pods;
pub mod progress;
mod refusal;
pub mod restore;
pub mod schedule;
pub mod session;
pub mod snapshot_name;
pub mod snapshots;
pub mod status;
pub mod table;
pub mod trigger;
pub mod wait;

pub use cluster::{Choice, Cluster};
pub use error::Error;

/// What everything here gives.
pub type Result<T> = std::result::Result<T, Error>;
