//! Where a repository's bytes lie.

use k8s_openapi::api::core::v1::{Volume, VolumeMount};
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use serde_with::skip_serializing_none;

use crate::embedded;

/// Where the backup data lies, and the Secret that opens it. If several are given, the first in this order counts: local,
/// s3, gcs, azure, swift, b2, rest.
#[skip_serializing_none]
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Backend {
    /// Secret, in the Repository's namespace, with `RESTIC_PASSWORD` and the backend's own keys.
    pub storage_secret_name: Option<String>,
    /// A volume.
    pub local: Option<Local>,
    /// S3 and what speaks like it.
    pub s3: Option<S3>,
    /// Google Cloud Storage.
    pub gcs: Option<Bucket>,
    /// Azure Blob Storage.
    pub azure: Option<Container>,
    /// OpenStack Swift.
    pub swift: Option<Swift>,
    /// Backblaze B2.
    pub b2: Option<Bucket>,
    /// restic's REST server.
    pub rest: Option<Rest>,
}

/// A volume, mounted into the pods that back up and restore.
#[skip_serializing_none]
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Local {
    /// Where it is mounted; not `/stash` or below it.
    pub mount_path: Option<String>,
    /// The folder in it.
    pub sub_path: Option<String>,
    /// One of Kubernetes' volume sources, by its name.
    #[serde(flatten)]
    pub source: Map<String, Value>,
}

impl Local {
    /// The volume under `name`, and where it is mounted. `None` if the source is none that Kubernetes knows.
    pub fn volume(&self, name: &str) -> Option<(Volume, VolumeMount)> {
        let mut source = Value::Object(self.source.clone());
        source["name"] = name.into();
        let volume: Volume = embedded::read(source).ok()?;
        let mount = VolumeMount {
            name: name.to_owned(),
            mount_path: self.mount_path.clone()?,
            sub_path: self.sub_path.clone(),
            ..VolumeMount::default()
        };
        Some((volume, mount))
    }
}

impl JsonSchema for Local {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Local".into()
    }

    /// A volume's schema, without its name and with the two fields of our own.
    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let mut schema = embedded::schema::<Volume>(generator).to_value();
        if let Some(properties) = schema.get_mut("properties").and_then(Value::as_object_mut) {
            properties.remove("name");
            properties.insert(
                "mountPath".into(),
                json!({ "type": "string", "description": "Where it is mounted; not `/stash` or below it." }),
            );
            properties.insert("subPath".into(), json!({ "type": "string", "description": "The folder in it." }));
        }
        if let Some(fields) = schema.as_object_mut() {
            fields.remove("required");
        }
        Schema::try_from(schema).expect("an object is a schema")
    }
}

/// S3 and what speaks like it.
#[skip_serializing_none]
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct S3 {
    /// Host or URL of the service, such as `s3.amazonaws.com` or `http://minio.storage.svc:9000`.
    pub endpoint: Option<String>,
    /// The bucket.
    pub bucket: Option<String>,
    /// The folder in it.
    pub prefix: Option<String>,
    /// Its region.
    pub region: Option<String>,
}

/// A bucket of Google Cloud Storage or Backblaze B2.
#[skip_serializing_none]
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Bucket {
    /// The bucket.
    pub bucket: Option<String>,
    /// The folder in it.
    pub prefix: Option<String>,
    /// Connections used at once.
    pub max_connections: Option<i64>,
}

/// A container of Azure Blob Storage.
#[skip_serializing_none]
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Container {
    /// The container.
    pub container: Option<String>,
    /// The folder in it.
    pub prefix: Option<String>,
    /// Connections used at once.
    pub max_connections: Option<i64>,
}

/// A container of OpenStack Swift.
#[skip_serializing_none]
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Swift {
    /// The container.
    pub container: Option<String>,
    /// The folder in it.
    pub prefix: Option<String>,
}

/// restic's REST server.
#[skip_serializing_none]
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Rest {
    /// Its address, with the repository's path.
    pub url: Option<String>,
}
