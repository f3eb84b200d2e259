//! Kubernetes only: what should exist, given what is. Knows no repository's inside and no database.
//!
//! What decides is pure: [`backup_invoker`], [`backup_session`], [`restore`], [`repository`]. What reads and
//! writes the cluster around it is started by [`run`].

pub mod admission;
mod apply;
pub mod auto_backup;
pub mod backup_invoker;
pub mod backup_session;
pub mod catalog;
mod cluster;
pub mod conditions;
mod course;
mod definitions;
mod driver;
mod ended_triggers;
mod events;
pub mod executor;
mod gone;
mod identity;
pub mod job_outcome;
mod jobs;
mod lease;
pub mod lookup;
pub mod names;
pub mod needs;
mod observability;
mod owned;
pub mod plan;
mod pods;
pub mod repository;
pub mod restore;
mod rights;
mod run;
pub mod serving;
pub mod snapshots;
pub mod substitute;
mod target;
pub mod tasks;
pub mod usage;

pub use run::{OperatorError, Options, client, run};
pub use serving::{CertificateSource, ServingOptions};
