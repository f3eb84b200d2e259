//! What a person does with Larder in Kubernetes: the work of `kubectl larder` and `kubectl stash`. It has the rights of the person's
//! kubeconfig and no others, and never prints a Secret.
//!
//! What a verb makes of its flags is pure: [`create`], [`trigger`]. What needs the inside of a
//! repository is an errand: the program itself, run in a pod beside the repository, or here.

pub mod cluster;
pub mod copy;
pub mod create;
pub mod errand;

pub mod download;
mod error;
pub mod pause;
pub mod snapshot_name;
pub mod trigger;

pub use cluster::{Choice, Cluster};
pub use error::Error;

/// What everything here gives.
pub type Result<T> = std::result::Result<T, Error>;
