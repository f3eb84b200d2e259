//! What `helm uninstall` leaves on a real Kubernetes API server: the definitions, and what users made of them. A target of its
//! own, since others need the chart.

mod chart;
mod cluster;

use api::Repository;
use chart::helm;
use cluster::{apply, client, installed};
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::{Api, ResourceExt as _};
use serde_json::json;

#[tokio::test]
async fn the_definitions_and_what_users_made_stay() {
    let at = installed().await;
    let client = client(None).await;
    let s3 = json!({ "endpoint": "http://minio:9000", "bucket": "larder" });
    let made = json!({
        "apiVersion": "stash.appscode.com/v1alpha1", "kind": "Repository", "metadata": { "name": "kept", "namespace": at },
        "spec": { "backend": { "s3": s3, "storageSecretName": "storage" } },
    });
    let made = apply(&client, &made).await.expect("a Repository");
    helm(&["uninstall", "larder", "--namespace", at, "--wait"]).expect("uninstalled");
    let definitions: Api<CustomResourceDefinition> = Api::all(client.clone());
    for definition in api::crds::crds() {
        let name = definition.name_any();
        definitions.get(&name).await.unwrap_or_else(|error| panic!("{name}: {error}"));
    }
    let repositories: Api<Repository> = Api::namespaced(client, at);
    let kept = repositories.get("kept").await.expect("the Repository");
    assert_eq!(kept.uid().as_deref(), made["metadata"]["uid"].as_str());
}
