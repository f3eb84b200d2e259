//! Keeps the CustomResourceDefinitions those of this version. Helm makes them when they are missing and never again, and those
//! that Stash left behind it does not touch.

use std::time::Duration;

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::{
    Api, Client,
    api::{Patch, PatchParams},
    runtime::{conditions, wait::await_condition},
};

use crate::apply::MANAGER;

/// How long a definition may take until it is served.
const PATIENCE: Duration = Duration::from_mins(1);

/// Why a definition is not served.
#[derive(Debug, thiserror::Error)]
#[error("CustomResourceDefinition {name}: {why}")]
pub struct DefinitionError {
    name: String,
    why: String,
}

/// Applies all definitions and waits until they are served. Objects stay as they are.
pub(crate) async fn apply(client: &Client) -> Result<(), DefinitionError> {
    let definitions: Api<CustomResourceDefinition> = Api::all(client.clone());
    for crd in api::crds::crds() {
        let name = crd.metadata.name.clone().unwrap_or_default();
        let wrong = |why: String| DefinitionError { name: name.clone(), why };
        let params = PatchParams::apply(MANAGER).force();
        let applied = definitions.patch(&name, &params, &Patch::Apply(&crd)).await;
        applied.map_err(|error| wrong(error.to_string()))?;
        let served = await_condition(definitions.clone(), &name, conditions::is_crd_established());
        match tokio::time::timeout(PATIENCE, served).await {
            Ok(Ok(_)) => {}
            Ok(Err(error)) => return Err(wrong(error.to_string())),
            Err(_) => return Err(wrong(format!("it is not served after {} s", PATIENCE.as_secs()))),
        }
    }
    Ok(())
}
