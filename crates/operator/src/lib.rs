//! Kubernetes only: what should exist, given what is. Knows no repository's inside and no database.

pub mod backup_configuration;
pub mod backup_session;
pub mod catalog;
pub mod conditions;
pub mod executor;
pub mod job_outcome;
pub mod lookup;
pub mod names;
pub mod needs;
mod owned;
pub mod plan;
mod pods;
pub mod restore_session;
pub mod substitute;
pub mod tasks;
pub mod usage;
