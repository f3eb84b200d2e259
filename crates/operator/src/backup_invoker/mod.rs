//! What begins sessions, a BackupConfiguration or a BackupBatch: whether it can, and the CronJob that does.

mod cron_job;
mod observe;
pub mod plan;
pub(crate) mod rules;
