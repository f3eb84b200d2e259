//! The JSON and binary forms of a restic repository's files (restic's `doc/design.rst` is the normative text).
//! Never touches a backend.

pub(crate) mod config;
pub(crate) mod index;
pub(crate) mod name;
pub(crate) mod pack;
pub(crate) mod snapshot;
pub(crate) mod tree;

pub use config::Format;
