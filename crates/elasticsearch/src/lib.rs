//! Talks to Elasticsearch and OpenSearch: what the server can do, what it holds, dump, load.
//! Knows no Kubernetes and no repository.

mod backoff;
mod body;
pub mod capabilities;
pub mod catalog;
pub mod client;
pub mod connection;
pub mod data_streams;
pub mod definitions;
mod direct;
mod entries;
pub mod error;
mod exchange;
pub mod load;
mod query;
pub mod read;
pub mod ready;
pub mod request;
pub mod scan;
pub mod server;

pub use body::Body;
pub use capabilities::{Capabilities, PointInTime};
pub use catalog::{Catalog, Index, Matcher, Selection, ShardIdentity};
pub use client::Client;
pub use connection::{Auth, Connection, Timeouts, Tls};
pub use data_streams::DataStream;
pub use definitions::{Definition, DefinitionKind, Survey};
pub use error::{Error, Result, Retry};
pub use query::Query;
pub use read::{ReadOptions, ShardReader};
pub use ready::Need;
pub use request::{ContentType, Method, Request, Response};
pub use server::{Flavour, Server, Version};
