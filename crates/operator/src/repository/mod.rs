//! Repositories: who uses them, and with which rights. What lies in them is seen to by the pods of sessions.

mod observe;
pub mod plan;
