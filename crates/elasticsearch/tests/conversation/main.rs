//! Conversations with servers in this process that misbehave. One program, since each would be as large as all.

mod client;
mod create;
mod definitions;
mod load;
mod read;
mod ready;
mod streams;
#[path = "../support/mod.rs"]
mod support;
mod tls;
