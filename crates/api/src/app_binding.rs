//! `AppBinding`: how to reach a database.

use k8s_openapi::{ByteString, api::core::v1::LocalObjectReference};
use kube::CustomResource;
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use serde_with::skip_serializing_none;

use crate::{embedded, task::TaskRef};

/// How to reach a database: its address, whom to trust, and the Secret with the login.
#[skip_serializing_none]
#[derive(CustomResource, Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[kube(
    group = "appcatalog.appscode.com",
    version = "v1alpha1",
    kind = "AppBinding",
    namespaced,
    category = "catalog",
    category = "appscode",
    category = "all",
    derive = "PartialEq",
    doc = "How to reach a database: its address, whom to trust, and the Secret with the login.",
    printcolumn(name = "Type", type_ = "string", json_path = ".spec.type"),
    printcolumn(name = "Version", type_ = "string", json_path = ".spec.version"),
    printcolumn(name = "Age", type_ = "date", json_path = ".metadata.creationTimestamp")
)]
#[serde(rename_all = "camelCase")]
pub struct AppBindingSpec {
    /// What it is, such as `kubedb.com/elasticsearch`.
    #[serde(rename = "type")]
    pub type_: Option<String>,
    /// Its version.
    pub version: Option<String>,
    /// Its address.
    pub client_config: ClientConfig,
    /// The Secret with the login, in the same namespace.
    pub secret: Option<SecretRef>,
    /// How the Secret's keys become those that are looked for.
    pub secret_transforms: Option<Vec<SecretTransform>>,
    /// An object of whoever made this; a `StashAddon` names the Tasks.
    #[schemars(schema_with = "any_object")]
    #[serde(default)]
    pub parameters: Option<Map<String, Value>>,
    /// The Secret with a client certificate (`tls.crt`, `tls.key`) and, where there is no `caBundle`, the authority (`ca.crt`).
    pub tls_secret: Option<SecretRef>,
}

/// A database's address.
#[skip_serializing_none]
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ClientConfig {
    /// A URL, which counts more than a service.
    pub url: Option<String>,
    /// A service.
    pub service: Option<ServiceRef>,
    /// Whether the server's certificate is not verified.
    #[serde(rename = "insecureSkipTLSVerify")]
    pub insecure_skip_tls_verify: Option<bool>,
    /// The authority that signed the server's certificate, in PEM.
    #[serde(default, deserialize_with = "embedded::read")]
    #[schemars(schema_with = "embedded::bytes")]
    pub ca_bundle: Option<ByteString>,
    /// The name in the server's certificate.
    pub server_name: Option<String>,
}

/// A service.
#[skip_serializing_none]
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ServiceRef {
    /// `http` or `https`.
    pub scheme: String,
    /// Its namespace; the AppBinding's if nothing is said.
    pub namespace: Option<String>,
    /// Its name.
    pub name: String,
    /// Its port.
    pub port: i32,
    /// Path behind the address.
    pub path: Option<String>,
    /// Query behind the path. Databases of Elasticsearch's kind have no use for it: it is not sent.
    pub query: Option<String>,
}

/// A Secret of the same namespace.
#[skip_serializing_none]
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SecretRef {
    /// Its name.
    pub name: Option<String>,
}

/// One change of a Secret's keys; they are made in order.
#[skip_serializing_none]
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SecretTransform {
    /// A key gets another name.
    pub rename_key: Option<RenameKey>,
    /// A key is added.
    pub add_key: Option<AddKey>,
    /// The keys of another Secret are added.
    pub add_keys_from: Option<AddKeysFrom>,
    /// A key is left out.
    pub remove_key: Option<RemoveKey>,
}

/// A key gets another name.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RenameKey {
    /// Its name.
    pub from: String,
    /// Its new name.
    pub to: String,
}

/// A key is added.
#[skip_serializing_none]
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct AddKey {
    /// Its name.
    pub key: String,
    /// Its value.
    #[serde(default, deserialize_with = "embedded::read")]
    #[schemars(schema_with = "embedded::bytes")]
    pub value: Option<ByteString>,
    /// Its value as text, which counts more.
    pub string_value: Option<String>,
}

/// The keys of another Secret are added.
#[skip_serializing_none]
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct AddKeysFrom {
    /// The other Secret.
    #[serde(default, deserialize_with = "embedded::read")]
    #[schemars(schema_with = "embedded::references::<LocalObjectReference>")]
    pub secret_ref: Option<LocalObjectReference>,
}

/// A key is left out.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RemoveKey {
    /// Its name.
    pub key: String,
}

/// What an AppBinding's parameters say about backups.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Addon {
    /// The Task that backs up.
    pub backup_task: TaskRef,
    /// The Task that restores.
    pub restore_task: TaskRef,
}

impl AppBindingSpec {
    /// The Tasks that the parameters name; none where they are something else.
    pub fn addon(&self) -> Addon {
        let addon = self.parameters.as_ref().and_then(|parameters| parameters.get("stash")?.get("addon"));
        addon.and_then(|addon| Addon::deserialize(addon).ok()).unwrap_or_default()
    }
}

fn any_object(_: &mut SchemaGenerator) -> Schema {
    schemars::json_schema!({
        "type": "object",
        "description": "An object of whoever made this; a `StashAddon` names the Tasks.",
        "x-kubernetes-preserve-unknown-fields": true,
        "x-kubernetes-embedded-resource": true,
    })
}
