//! Repositories: who uses them, the rights of those in other namespaces, and their data when they go.

mod observe;
pub mod plan;
mod wipe;
