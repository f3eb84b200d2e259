//! Says to the API server whom to trust when it calls us: in the objects by which it finds us. The chart makes them.

use k8s_openapi::{
    ByteString, api::admissionregistration::v1::ValidatingWebhookConfiguration,
    kube_aggregator::pkg::apis::apiregistration::v1::APIService,
};
use kube::{
    Api, Client,
    api::{Patch, PatchParams},
};
use serde_json::json;

use crate::apply::MANAGER;

/// Who is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Told {
    /// By which the API server passes on what concerns snapshots.
    ApiService,
    /// By which it asks whether an object may be.
    Webhook,
}

/// The webhook's configuration, and the one webhook in it.
const WEBHOOK: &str = "admission.stash.appscode.com";

impl Told {
    /// The object's name.
    pub(crate) fn name(self) -> String {
        match self {
            Self::ApiService => format!("{}.{}", api::snapshot::VERSION, api::snapshot::GROUP),
            Self::Webhook => WEBHOOK.to_owned(),
        }
    }
}

/// Writes the bundle where it is another one.
pub(crate) async fn tell(client: &Client, told: Told, bundle: &str) -> Result<(), kube::Error> {
    let (name, wanted) = (told.name(), ByteString(bundle.as_bytes().to_vec()));
    let params = PatchParams { field_manager: Some(MANAGER.into()), ..PatchParams::default() };
    match told {
        Told::ApiService => {
            let services: Api<APIService> = Api::all(client.clone());
            let service = services.get(&name).await?;
            if service.spec.and_then(|spec| spec.ca_bundle).as_ref() != Some(&wanted) {
                services.patch(&name, &params, &Patch::Merge(json!({ "spec": { "caBundle": wanted } }))).await?;
            }
        }
        Told::Webhook => {
            let webhooks: Api<ValidatingWebhookConfiguration> = Api::all(client.clone());
            let configured = webhooks.get(&name).await?.webhooks.unwrap_or_default();
            let current = |webhook: &k8s_openapi::api::admissionregistration::v1::ValidatingWebhook| {
                webhook.client_config.ca_bundle.as_ref() == Some(&wanted)
            };
            if !configured.iter().all(current) {
                let entry = |name: &str| json!({ "name": name, "clientConfig": { "caBundle": wanted } });
                let entries: Vec<_> = configured.iter().map(|webhook| entry(&webhook.name)).collect();
                webhooks.patch(&name, &params, &Patch::Strategic(json!({ "webhooks": entries }))).await?;
            }
        }
    }
    Ok(())
}
