//! One file for each kind of bytes.

pub mod dump;
pub mod foreign;
pub mod own;
pub mod repository;
