//! RestoreSessions and RestoreBatches: whether they can begin, what does their work, and what became of them.

mod observe;
pub mod plan;
mod rules;
mod status;
mod told;
mod work;
