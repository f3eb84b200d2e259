//! The API for snapshots, `repositories.stash.appscode.com`: what lies in Repositories, as objects. Reads no repository itself: that
//! is a [`SnapshotStore`]'s work, which lives where repositories are known.

mod cache;
pub mod discovery;
mod gather;
pub mod object;
pub mod openapi;
pub mod page;
mod routes;
pub mod selector;
mod store;

pub use self::store::{Listed, Promised, SnapshotStore, Unread};
pub(crate) use self::{cache::Cache, routes::answer};
