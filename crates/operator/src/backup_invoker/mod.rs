//! BackupConfigurations and BackupBatches: whether they can begin sessions, and what begins them.

mod cron_job;
mod observe;
pub mod plan;
mod rules;
