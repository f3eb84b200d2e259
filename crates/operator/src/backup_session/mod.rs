//! BackupSessions: whether they begin, what does their work, and what became of them.

mod history;
mod observe;
pub mod plan;
mod retry;
mod status;
mod told;
mod work;
