//! Moves data between Elasticsearch and a repository: dump to repository, repository to load, with a manifest and an
//! account of every document. Knows no Kubernetes. Owns the border between async and blocking code.

pub mod backup;
mod blocking;
pub mod compare;
pub mod data_streams;
pub mod documents;
pub mod dump;
mod error;
pub mod export;
pub mod fingerprint;
pub mod import;
pub mod layout;
pub mod manifest;
pub mod parts;
pub mod progress;
pub mod restore;
pub mod sequence;
pub mod varint;
pub mod verify;
pub mod window;

pub use error::{Error, Result};
