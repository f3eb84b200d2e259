//! A RestoreSession or a RestoreBatch: whether it can begin, what does its work, and what became of it.

mod observe;
pub mod plan;
pub(crate) mod rules;
mod status;
mod told;
mod work;
