//! What runs inside a pod. So far what it decides: the meaning of `args`, of an AppBinding and of a storage Secret, and how it
//! tells what became of its work.

pub mod binding;
pub mod es_args;
pub mod store;
pub mod tell;
pub mod texts;
