//! The lab's Kubernetes API server with the chart on it.
#![allow(dead_code, reason = "each test target uses a part of it")]

use std::time::Duration;

use k8s_openapi::{
    api::admissionregistration::v1::ValidatingWebhookConfiguration,
    apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition,
    kube_aggregator::pkg::apis::apiregistration::v1::APIService,
};
use kube::{
    Api, Client, Config,
    api::{DeleteParams, Patch, PatchParams, ValidationDirective},
    config::{KubeConfigOptions, Kubeconfig},
    core::{ApiResource, DynamicObject, GroupVersionKind},
    runtime::{conditions, wait::await_condition},
};
use serde_json::{Value, json};
use tokio::sync::OnceCell;

use crate::chart::{helm, objects};

/// A ClusterRole that Stash's operator makes and nobody removes.
pub const LEFT_BY_STASH: &str = "stash-backup-job";

/// What the chart makes for a Prometheus Operator.
const PROMETHEUS_KINDS: &str = include_str!("../chart/prometheus-kinds.yaml");

/// What it makes for cert-manager.
const CERT_MANAGER_KINDS: &str = include_str!("../chart/certificate-kinds.yaml");

/// How long the server may take to serve a kind.
const PATIENCE: Duration = Duration::from_secs(30);

/// Kinds of the chart that belong to no namespace.
const CLUSTER_WIDE: [&str; 8] = [
    "APIService",
    "ClusterRole",
    "ClusterRoleBinding",
    "CustomResourceDefinition",
    "Function",
    "Namespace",
    "Task",
    "ValidatingWebhookConfiguration",
];

/// A client of the lab's server, with all rights or those of a service account (`namespace:name`).
pub async fn client(account: Option<&str>) -> Client {
    let file = std::env::var("LARDER_TEST_KUBECONFIG").expect("LARDER_TEST_KUBECONFIG: lab/lab start kubernetes");
    let kubeconfig = Kubeconfig::read_from(file).expect("a kubeconfig");
    let mut config = Config::from_custom_kubeconfig(kubeconfig, &KubeConfigOptions::default()).await.expect("a config");
    config.auth_info.impersonate = account.map(|account| format!("system:serviceaccount:{account}"));
    Client::try_from(config).expect("a client")
}

/// The namespace into which Helm installed the chart, over what Stash left behind. It takes restricted pods only.
pub async fn installed() -> &'static str {
    static NAMESPACE: OnceCell<String> = OnceCell::const_new();
    NAMESPACE.get_or_init(install).await
}

async fn install() -> String {
    let client = client(None).await;
    let name = format!("chart-{}", std::process::id());
    let labels = json!({ "pod-security.kubernetes.io/enforce": "restricted" });
    let namespace = json!({ "apiVersion": "v1", "kind": "Namespace", "metadata": { "name": name, "labels": labels } });
    apply(&client, &namespace).await.expect("a namespace");
    let left = json!({
        "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole", "metadata": { "name": LEFT_BY_STASH },
        "rules": [{ "apiGroups": ["stash.appscode.com"], "resources": ["*"], "verbs": ["*"] }],
    });
    apply(&client, &left).await.expect("a role");
    for definition in [PROMETHEUS_KINDS, CERT_MANAGER_KINDS].into_iter().flat_map(objects) {
        serve(&client, &definition).await;
    }
    let arguments = ["upgrade", "--install", "larder", "charts/larder", "--namespace", &name];
    let refused = helm(&arguments).expect_err("what is there already is not taken over unasked");
    assert!(refused.contains("cannot be imported into the current release"), "{refused}");
    helm(&[&arguments[..], &["--take-ownership"]].concat()).expect("installed");
    // No pod runs here: what the API server would ask in vain is taken away, so that it need not wait for answers.
    let params = DeleteParams::default();
    Api::<APIService>::all(client.clone())
        .delete("v1alpha1.repositories.stash.appscode.com", &params)
        .await
        .expect("gone");
    let webhooks: Api<ValidatingWebhookConfiguration> = Api::all(client);
    webhooks.delete("admission.stash.appscode.com", &params).await.expect("gone");
    name
}

/// Makes a definition, and waits until its kind is served.
async fn serve(client: &Client, definition: &Value) {
    apply(client, definition).await.expect("a definition");
    let definitions: Api<CustomResourceDefinition> = Api::all(client.clone());
    let name = definition["metadata"]["name"].as_str().expect("a name");
    let served = await_condition(definitions, name, conditions::is_crd_established());
    tokio::time::timeout(PATIENCE, served).await.expect("served in time").expect("watched");
}

/// Makes an object, or makes it what it should be.
pub async fn apply(client: &Client, object: &Value) -> Result<Value, kube::Error> {
    send(client, object, PatchParams::apply("test").force()).await
}

/// Has the server judge an object, down to the last field, without keeping it.
pub async fn dry_run(client: &Client, object: &Value) -> Result<Value, kube::Error> {
    let params = PatchParams::apply("test").force().dry_run().validation(ValidationDirective::Strict);
    send(client, object, params).await
}

async fn send(client: &Client, object: &Value, params: PatchParams) -> Result<Value, kube::Error> {
    let text = |field: &Value| field.as_str().expect("text").to_owned();
    let (api_version, kind, name) =
        (text(&object["apiVersion"]), text(&object["kind"]), text(&object["metadata"]["name"]));
    let (group, version) = api_version.split_once('/').unwrap_or(("", &api_version));
    let resource = ApiResource::from_gvk(&GroupVersionKind::gvk(group, version, &kind));
    let api: Api<DynamicObject> = if CLUSTER_WIDE.contains(&kind.as_str()) {
        Api::all_with(client.clone(), &resource)
    } else {
        Api::namespaced_with(client.clone(), &text(&object["metadata"]["namespace"]), &resource)
    };
    let sent = api.patch(&name, &params, &Patch::Apply(object)).await?;
    Ok(serde_json::to_value(sent).expect("JSON"))
}
