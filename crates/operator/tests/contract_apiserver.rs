//! Our kinds on a real Kubernetes API server: it takes their definitions, keeps every field of what Stash's users wrote, and
//! refuses what breaks a rule, by the field's name.

mod manifests;

use std::time::Duration;

use k8s_openapi::{
    api::core::v1::Namespace, apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition,
};
use kube::{
    Api, Client, Config,
    api::{Patch, PatchParams, PostParams},
    config::{KubeConfigOptions, Kubeconfig},
    core::{ApiResource, DynamicObject, GroupVersionKind},
};
use serde_json::{Value, json};
use tokio::sync::OnceCell;

/// How long a definition may take until it is served.
const PATIENCE: Duration = Duration::from_mins(1);

/// A client of the lab's server, on which all definitions are served.
async fn client() -> Client {
    static SERVED: OnceCell<()> = OnceCell::const_new();
    let file = std::env::var("LARDER_TEST_KUBECONFIG").expect("LARDER_TEST_KUBECONFIG: lab/lab start kubernetes");
    let kubeconfig = Kubeconfig::read_from(file).expect("a kubeconfig");
    let config = Config::from_custom_kubeconfig(kubeconfig, &KubeConfigOptions::default()).await.expect("a config");
    let client = Client::try_from(config).expect("a client");
    SERVED.get_or_init(|| serve(client.clone())).await;
    client
}

async fn serve(client: Client) {
    let definitions: Api<CustomResourceDefinition> = Api::all(client);
    for crd in api::crds::crds() {
        let name = crd.metadata.name.clone().expect("a name");
        let params = PatchParams::apply("test").force();
        definitions.patch(&name, &params, &Patch::Apply(&crd)).await.unwrap_or_else(|error| panic!("{name}: {error}"));
        let served = async {
            loop {
                let crd = definitions.get(&name).await.expect("a definition");
                let conditions = crd.status.and_then(|status| status.conditions).unwrap_or_default();
                // A schema that is not structural would be served all the same, without being heeded.
                let structural = conditions.iter().find(|c| c.type_ == "NonStructuralSchema");
                assert!(structural.is_none_or(|c| c.status != "True"), "{name}: {structural:?}");
                if conditions.iter().any(|c| c.type_ == "Established" && c.status == "True") {
                    break;
                }
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        };
        tokio::time::timeout(PATIENCE, served).await.unwrap_or_else(|_| panic!("{name} is not served"));
    }
}

/// A namespace of this test's own.
async fn namespace(client: &Client, name: &str) -> String {
    let name = format!("{name}-{}", std::process::id());
    let object = serde_json::from_value(json!({ "metadata": { "name": name } })).expect("a namespace");
    Api::<Namespace>::all(client.clone()).create(&PostParams::default(), &object).await.expect("created");
    name
}

/// Sends an object as a user wrote it; gives it as it is kept.
async fn create(client: &Client, namespace: &str, object: &Value) -> Result<Value, kube::Error> {
    let text = |field: &Value| field.as_str().expect("text").to_owned();
    let (version, kind) = (text(&object["apiVersion"]), text(&object["kind"]));
    let (group, version) = version.split_once('/').expect("a group");
    let resource = ApiResource::from_gvk(&GroupVersionKind::gvk(group, version, &kind));
    let mut object: DynamicObject = serde_json::from_value(object.clone()).expect("an object");
    let cluster_wide = matches!(kind.as_str(), "Function" | "Task" | "BackupBlueprint");
    let api = if cluster_wide {
        object.metadata.name = object.metadata.name.map(|name| format!("{name}-{}", std::process::id()));
        Api::all_with(client.clone(), &resource)
    } else {
        object.metadata.namespace = Some(namespace.to_owned());
        Api::namespaced_with(client.clone(), namespace, &resource)
    };
    let kept = api.create(&PostParams::default(), &object).await?;
    Ok(serde_json::to_value(kept).expect("JSON"))
}

fn ours(object: &Value) -> bool {
    object["apiVersion"].as_str().is_some_and(|version| version.contains("appscode.com"))
}

/// Whether everything of `part` is in `whole`.
fn within(part: &Value, whole: &Value) -> bool {
    match (part, whole) {
        (Value::Object(part), Value::Object(whole)) => {
            part.iter().all(|(name, field)| whole.get(name).is_some_and(|kept| within(field, kept)))
        }
        (Value::Array(part), Value::Array(whole)) => {
            part.len() == whole.len() && part.iter().zip(whole).all(|(part, whole)| within(part, whole))
        }
        _ => part == whole,
    }
}

#[tokio::test]
async fn every_field_of_stashs_manifests_is_kept() {
    let client = client().await;
    let namespace = namespace(&client, "kept").await;
    let mut seen = 0;
    for object in manifests::all().into_iter().filter(ours) {
        let name = object["metadata"]["name"].as_str().expect("a name").to_owned();
        if name.starts_with("bad-") {
            continue;
        }
        let kept = create(&client, &namespace, &object).await.unwrap_or_else(|error| panic!("{name}: {error}"));
        assert!(
            within(&object["spec"], &kept["spec"]),
            "{name}: wrote {} and it keeps {}",
            object["spec"],
            kept["spec"]
        );
        seen += 1;
    }
    assert!(seen > 20, "{seen} objects");
}

#[tokio::test]
async fn what_breaks_a_rule_is_refused_by_the_fields_name() {
    let client = client().await;
    let namespace = namespace(&client, "refused").await;
    for (name, field) in [
        ("bad-wipe-local", "wipeOut"),
        ("bad-wipe-b2", "wipeOut"),
        ("bad-mount", "backend.local.mountPath"),
        ("bad-two-empty", "targetHosts"),
        ("bad-snap-and-path", "snapshots and paths"),
    ] {
        let object = manifests::all().into_iter().find(|object| object["metadata"]["name"] == name).expect("it");
        let error = create(&client, &namespace, &object).await.expect_err(name);
        assert!(matches!(&error, kube::Error::Api(refused) if refused.code == 422), "{name}: {error}");
        assert!(error.to_string().contains(field), "{name}: {error}");
    }
}

#[tokio::test]
async fn defaults_are_stashs_and_numbers_are_quantities_too() {
    let client = client().await;
    let namespace = namespace(&client, "defaults").await;
    let object = json!({
        "apiVersion": "stash.appscode.com/v1beta1", "kind": "BackupBatch", "metadata": { "name": "b" },
        "spec": {
            "retentionPolicy": { "name": "keep", "prune": true },
            "runtimeSettings": { "container": { "resources": { "limits": { "cpu": 1, "memory": "1Gi" } } } },
            "members": [{ "tempDir": { "sizeLimit": 1024 } }],
        },
    });
    let kept = create(&client, &namespace, &object).await.expect("kept");
    assert_eq!((&kept["spec"]["driver"], &kept["spec"]["executionOrder"]), (&json!("Restic"), &json!("Parallel")));
    let typed: api::BackupBatch = serde_json::from_value(kept).expect("a BackupBatch");
    let container = typed.spec.runtime_settings.and_then(|settings| settings.container).expect("settings");
    let limits = container.resources.and_then(|resources| resources.limits).expect("limits");
    assert_eq!(limits["cpu"].0, "1");
}

#[tokio::test]
async fn a_restore_session_cannot_be_changed_but_for_its_metadata() {
    let client = client().await;
    let namespace = namespace(&client, "immutable").await;
    let object = manifests::all().into_iter().find(|object| object["metadata"]["name"] == "alpha-latest").expect("it");
    create(&client, &namespace, &object).await.expect("created");
    let sessions: Api<api::RestoreSession> = Api::namespaced(client, &namespace);
    let patch =
        |patch: Value| async { sessions.patch("alpha-latest", &PatchParams::default(), &Patch::Merge(patch)).await };
    let error = patch(json!({ "spec": { "repository": { "name": "other" } } })).await.expect_err("immutable");
    assert!(error.to_string().contains("a RestoreSession cannot be changed"), "{error}");
    patch(json!({ "metadata": { "labels": { "a": "b" } } })).await.expect("labels may change");
}
