//! What is run or called before and after a backup or a restore.

use k8s_openapi::{api::core::v1::HTTPHeader, apimachinery::pkg::util::intstr::IntOrString};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_with::skip_serializing_none;

use crate::embedded;

/// Hooks around a backup.
#[skip_serializing_none]
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct BackupHooks {
    /// Before it. If this fails, there is no backup.
    pub pre_backup: Option<Hook>,
    /// After it, also when it failed.
    pub post_backup: Option<FinalHook>,
}

/// Hooks around a restore.
#[skip_serializing_none]
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RestoreHooks {
    /// Before it. If this fails, nothing is restored.
    pub pre_restore: Option<Hook>,
    /// After it, also when it failed.
    pub post_restore: Option<FinalHook>,
}

/// One thing to do: a command, a request, or a connection.
#[skip_serializing_none]
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Hook {
    /// A command in the target's pod.
    pub exec: Option<Exec>,
    /// A GET request; a status from 200 to 399 is success.
    pub http_get: Option<HttpGet>,
    /// A POST request; a status from 200 to 399 is success.
    pub http_post: Option<HttpPost>,
    /// A TCP connection.
    pub tcp_socket: Option<TcpSocket>,
    /// The container of the target's pod that the command runs in, and whose ports may be named.
    pub container_name: Option<String>,
}

/// A hook that runs last, and when.
#[skip_serializing_none]
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct FinalHook {
    /// A command in the target's pod.
    pub exec: Option<Exec>,
    /// A GET request; a status from 200 to 399 is success.
    pub http_get: Option<HttpGet>,
    /// A POST request; a status from 200 to 399 is success.
    pub http_post: Option<HttpPost>,
    /// A TCP connection.
    pub tcp_socket: Option<TcpSocket>,
    /// The container of the target's pod that the command runs in, and whose ports may be named.
    pub container_name: Option<String>,
    /// When it runs; always if nothing is said.
    pub execution_policy: Option<ExecutionPolicy>,
}

/// When a hook runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum ExecutionPolicy {
    /// Whatever came out.
    Always,
    /// After success.
    OnSuccess,
    /// After a failure.
    OnFailure,
    /// After a failure that is not tried again.
    OnFinalRetryFailure,
}

/// A command.
#[skip_serializing_none]
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Exec {
    /// Program and arguments; no shell is added.
    pub command: Option<Vec<String>>,
}

/// A GET request.
#[skip_serializing_none]
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct HttpGet {
    /// Host; the target's pod if nothing is said.
    pub host: Option<String>,
    /// Port, by number or by its name in the container.
    #[schemars(schema_with = "embedded::schema::<IntOrString>")]
    pub port: IntOrString,
    /// Path.
    pub path: Option<String>,
    /// `HTTP` or `HTTPS`.
    pub scheme: Option<String>,
    /// Headers.
    #[serde(default, deserialize_with = "embedded::read")]
    #[schemars(schema_with = "embedded::schema::<Vec<HTTPHeader>>")]
    pub http_headers: Option<Vec<HTTPHeader>>,
}

/// A POST request.
#[skip_serializing_none]
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct HttpPost {
    /// Host; the target's pod if nothing is said.
    pub host: Option<String>,
    /// Port, by number or by its name in the container.
    #[schemars(schema_with = "embedded::schema::<IntOrString>")]
    pub port: IntOrString,
    /// Path.
    pub path: Option<String>,
    /// `HTTP` or `HTTPS`.
    pub scheme: Option<String>,
    /// Headers.
    #[serde(default, deserialize_with = "embedded::read")]
    #[schemars(schema_with = "embedded::schema::<Vec<HTTPHeader>>")]
    pub http_headers: Option<Vec<HTTPHeader>>,
    /// The body.
    pub body: Option<String>,
    /// A form, instead of a body.
    pub form: Option<Vec<FormEntry>>,
}

/// A field of a form.
#[skip_serializing_none]
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct FormEntry {
    /// Its name.
    pub key: Option<String>,
    /// Its values.
    pub values: Option<Vec<String>>,
}

/// A TCP connection.
#[skip_serializing_none]
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct TcpSocket {
    /// Host; the target's pod if nothing is said.
    pub host: Option<String>,
    /// Port, by number or by its name in the container.
    #[schemars(schema_with = "embedded::schema::<IntOrString>")]
    pub port: IntOrString,
}
