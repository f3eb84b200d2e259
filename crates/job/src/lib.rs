//! What runs inside a pod.

pub mod binding;
pub mod es_args;
pub mod store;
