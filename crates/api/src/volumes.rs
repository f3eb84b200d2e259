//! Claims and folders that pods get.

use std::collections::BTreeMap;

use k8s_openapi::{
    api::core::v1::{PersistentVolumeClaimSpec, PersistentVolumeClaimStatus},
    apimachinery::pkg::{apis::meta::v1::OwnerReference, util::intstr::IntOrString},
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_with::skip_serializing_none;

use crate::embedded;

/// A claim to be made.
#[skip_serializing_none]
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ClaimTemplate {
    /// Always `v1`.
    pub api_version: Option<String>,
    /// Always `PersistentVolumeClaim`.
    pub kind: Option<String>,
    /// Name, labels and annotations.
    pub metadata: Option<PartialMetadata>,
    /// What is claimed.
    #[serde(default, deserialize_with = "embedded::read")]
    #[schemars(schema_with = "embedded::schema::<PersistentVolumeClaimSpec>")]
    pub spec: Option<PersistentVolumeClaimSpec>,
    /// Not heeded.
    #[serde(default, deserialize_with = "embedded::read")]
    #[schemars(schema_with = "embedded::schema::<PersistentVolumeClaimStatus>")]
    pub status: Option<PersistentVolumeClaimStatus>,
}

/// The part of an object's metadata that a template has.
#[skip_serializing_none]
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PartialMetadata {
    /// Its name.
    pub name: Option<String>,
    /// The beginning of a name.
    pub generate_name: Option<String>,
    /// Its namespace.
    pub namespace: Option<String>,
    /// Its labels.
    pub labels: Option<BTreeMap<String, String>>,
    /// Its annotations.
    pub annotations: Option<BTreeMap<String, String>>,
    /// Its owners.
    #[serde(default, deserialize_with = "embedded::read")]
    #[schemars(schema_with = "embedded::schema::<Vec<OwnerReference>>")]
    pub owner_references: Option<Vec<OwnerReference>>,
}

/// The folder for what is there only meanwhile.
#[skip_serializing_none]
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct TempDir {
    /// `Memory`, or the node's disk if nothing is said.
    pub medium: Option<String>,
    /// Its largest size.
    #[schemars(schema_with = "embedded::quantity")]
    #[serde(default)]
    pub size_limit: Option<IntOrString>,
    /// Keep no cache of the repository in it.
    pub disable_caching: Option<bool>,
}
