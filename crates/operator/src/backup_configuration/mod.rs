//! BackupConfigurations: whether they can begin sessions, and what begins them.

mod cron_job;
pub mod plan;
