//! The chart as Helm renders it, on a real Kubernetes API server: every combination of values is taken, over what Stash left
//! behind too, and its pods are restricted ones.

mod chart;
mod cluster;

use api::{Function, Task};
use chart::{helm, named, objects, rendered, root};
use cluster::{client, dry_run, installed};
use k8s_openapi::api::{core::v1::Pod, rbac::v1::ClusterRole};
use kube::{Api, api::PostParams};
use operator::{catalog, substitute};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

/// Values under which the chart looks different.
const SHAPES: [&[&str]; 11] = [
    &[],
    &["--set=replicaCount=2"],
    &["--set=pushgateway.customURL=https://push.example.com/x"],
    &["--set=pushgateway.enabled=false,catalog.enabled=false,crds.manage=false,hooks.exec=false"],
    &["--set=monitoring.serviceMonitor.enabled=true,monitoring.rules.enabled=true,monitoring.dashboard.enabled=true"],
    &["--set=networkPolicy.enabled=true"],
    &["--set=snapshotsApi.enabled=false,webhook.enabled=false,networkPolicy.enabled=true"],
    &["--set=serving.certManager.enabled=true"],
    &["--set=serving.certManager.enabled=true,serving.certManager.issuerRef.name=company,webhook.enabled=false"],
    &["--values=crates/operator/tests/chart/every-value.yaml"],
    &["--values=crates/operator/tests/chart/every-value.yaml", "--set=pushgateway.customURL="],
];

/// The specifications of all objects of a kind, by name.
fn specs<T: DeserializeOwned>(objects: &[Value], kind: &str) -> Vec<T> {
    let typed = |object: &Value| serde_json::from_value(object.clone()).expect("an object of its kind");
    named(objects, kind).into_iter().map(|(_, object)| typed(object)).collect()
}

/// Arguments of a Deployment's first container.
fn arguments<'a>(objects: &'a [Value], deployment: &str) -> Vec<&'a str> {
    let (_, deployment) =
        named(objects, "Deployment").into_iter().find(|(name, _)| *name == deployment).expect("a Deployment");
    let arguments = &deployment["spec"]["template"]["spec"]["containers"][0]["args"];
    arguments.as_array().expect("arguments").iter().map(|argument| argument.as_str().expect("text")).collect()
}

#[test]
fn helm_finds_nothing_to_complain_of() {
    for values in SHAPES {
        let linted = helm(&[&["lint", "--strict", "charts/larder"], values].concat());
        assert!(linted.is_ok(), "{values:?}: {linted:?}");
    }
}

#[test]
fn a_wrong_value_is_refused_by_its_name() {
    for (value, complaint) in [
        ("license=x", "additional properties 'license' not allowed"),
        ("operator.tga=x", "at '/operator': additional properties 'tga' not allowed"),
        ("replicaCount=two", "at '/replicaCount': got string, want integer"),
        ("logLevel=3", "at '/logLevel': got number, want string"),
        ("logFormat=xml", "at '/logFormat': value must be one of 'json', 'text'"),
        ("maxConcurrentJobs=0", "at '/maxConcurrentJobs': minimum: got 0, want 1"),
        ("imagePullSecrets[0]=a", "at '/imagePullSecrets/0': got string, want object"),
        ("snapshotsApi.enabled=maybe", "at '/snapshotsApi/enabled': got string, want boolean"),
        ("webhook.failurePolicy=Retry", "at '/webhook/failurePolicy': value must be one of 'Ignore', 'Fail'"),
        ("webhook.timeoutSeconds=60", "at '/webhook/timeoutSeconds': maximum: got 60, want 30"),
        ("serving.lifetime=90d", "at '/serving/lifetime'"),
        ("serving.certManager.issuer=x", "additional properties 'issuer' not allowed"),
        ("pushgateway.customURL=push:9091", "at '/pushgateway/customURL'"),
        ("catalog.elasticsearch.backup.args=a\\\\", "at '/catalog/elasticsearch/backup/args'"),
        ("monitoring.serviceMonitor.interval=often", "at '/monitoring/serviceMonitor/interval'"),
        ("monitoring.rules.maxAgeHoursOf.weekly=192", "invalid propertyName 'weekly'"),
        ("networkPolicy.metricsFrom[0]=all", "at '/networkPolicy/metricsFrom/0': got string, want object"),
        ("serviceAccount.create=false", "serviceAccount.name: name the account"),
    ] {
        let refused = rendered("larder", &["--set", value]).expect_err(value);
        assert!(refused.contains(complaint), "{value}: {refused}");
    }
}

#[test]
fn the_catalog_is_the_operators() {
    let rendered = rendered("larder", &[]).expect("rendered");
    let bare = |object: Value| json!({ "name": object["metadata"]["name"], "spec": object["spec"] });
    let ours = |objects: Vec<Value>| objects.into_iter().map(bare).collect::<Vec<_>>();
    let json = |object| serde_json::to_value(object).expect("JSON");
    let functions: Vec<Value> = catalog::functions().into_iter().map(|function: Function| json(function)).collect();
    assert_eq!(ours(specs(&rendered, "Function")), ours(functions));
    let json = |object| serde_json::to_value(object).expect("JSON");
    let tasks: Vec<Value> = catalog::tasks().into_iter().map(|task: Task| json(task)).collect();
    assert_eq!(ours(specs(&rendered, "Task")), ours(tasks));
}

#[test]
fn defaults_of_parameters_arrive_as_they_were_written() {
    for args in [
        "--match=^(?![.])(?!searchguard).+ --ignoreType=template",
        r#"--match=^\.?[a-f0-9]{1,2}$ --x="a b" \} $$ ${A}"#,
    ] {
        let backup = format!("catalog.elasticsearch.backup.args={args}");
        let restore = format!("catalog.elasticsearch.restore.args=of-restore {args}");
        let values = ["--set=catalog.waitTimeout=7", "--set-literal", &backup, "--set-literal", &restore];
        for function in specs::<Function>(&rendered("larder", &values).expect("rendered"), "Function") {
            let known = |name: &str| {
                ["INTERIM_DATA_DIR", "REPOSITORY_SECRET_NAME", "REPOSITORY_SECRET_NAMESPACE"]
                    .contains(&name)
                    .then(String::new)
            };
            let function = substitute::object(&function.spec, known).expect("replaced").args.expect("arguments");
            let of_restore = match function[0].as_str() {
                "backup-es" => "",
                "restore-es" => "of-restore ",
                _ => continue,
            };
            assert!(function.contains(&format!("--es-args={of_restore}{args}")), "{function:?}");
            assert!(function.contains(&"--wait-timeout=7".to_owned()), "{function:?}");
        }
    }
}

#[test]
fn several_operators_share_one_pushgateway() {
    for (values, deployments, budgets) in [
        ("replicaCount=1", vec!["larder"], 0),
        ("replicaCount=2", vec!["larder", "larder-pushgateway"], 1),
        ("replicaCount=2,pushgateway.customURL=http://push:9091", vec!["larder"], 1),
        ("replicaCount=2,podDisruptionBudget.enabled=false", vec!["larder", "larder-pushgateway"], 0),
    ] {
        let objects = rendered("larder", &["--set", values]).expect("rendered");
        let names: Vec<_> = named(&objects, "Deployment").into_iter().map(|(name, _)| name).collect();
        assert_eq!((names, named(&objects, "PodDisruptionBudget").len()), (deployments, budgets), "{values}");
        let pods = named(&objects, "Deployment").into_iter().map(|(_, object)| &object["spec"]["template"]["spec"]);
        let gateways = pods
            .flat_map(|pod| pod["containers"].as_array().expect("containers"))
            .filter(|container| container["name"] == "pushgateway");
        assert_eq!(gateways.count(), usize::from(!values.contains("customURL")), "{values}");
    }
}

#[test]
fn values_reach_the_operators_command() {
    let objects = rendered("larder", &["--values=crates/operator/tests/chart/every-value.yaml"]).expect("rendered");
    let image = "registry.example.com:5000/mirror/larder-mirror:1.2.3@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
    assert_eq!(
        arguments(&objects, "backup-keeper"),
        [
            "operator",
            &format!("--image={image}"),
            "--image-pull-secrets=pull-a,pull-b",
            "--pushgateway-url=http://pushgateway.monitoring.svc:9091",
            "--max-concurrent-jobs=3",
            "--listen=0.0.0.0:8080",
            "--lease-name=larder-operator",
            "--lease-namespace=$(POD_NAMESPACE)",
            "--manage-crds=false",
            "--serve=0.0.0.0:8443",
            "--snapshots-api=false",
            "--webhook=true",
            "--service=backup-keeper",
            "--serving-certificate=/etc/larder/serving",
            "--log-format=text",
        ]
    );
    let without = rendered("larder", &["--set=pushgateway.enabled=false"]).expect("rendered");
    assert!(!arguments(&without, "larder").iter().any(|argument| argument.contains("pushgateway")));
}

#[test]
fn what_is_served_is_called_for_and_allowed_and_nothing_else() {
    let kinds = ["APIService", "ValidatingWebhookConfiguration", "Secret", "Certificate", "Issuer"];
    let (api, webhook) = ("snapshotsApi.enabled=false", "webhook.enabled=false");
    for (values, there) in [
        (vec![], vec!["APIService", "ValidatingWebhookConfiguration", "Secret"]),
        (vec![api], vec!["ValidatingWebhookConfiguration", "Secret"]),
        (vec![webhook], vec!["APIService", "Secret"]),
        (vec![api, webhook], vec![]),
        (
            vec!["serving.certManager.enabled=true"],
            vec!["APIService", "ValidatingWebhookConfiguration", "Certificate", "Issuer"],
        ),
        (
            vec!["serving.certManager.enabled=true", "serving.certManager.issuerRef.name=company", webhook],
            vec!["APIService", "Certificate"],
        ),
    ] {
        let arguments: Vec<String> = values.iter().map(|value| format!("--set={value}")).collect();
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        let objects = rendered("larder", &arguments).expect("rendered");
        let found: Vec<&str> = kinds.into_iter().filter(|kind| !named(&objects, kind).is_empty()).collect();
        assert_eq!(found, there, "{values:?}");
        let own = !values.iter().any(|value| value.contains("certManager"));
        let rules: Value = named(&objects, "ClusterRole").iter().map(|(_, role)| role["rules"].clone()).collect();
        let rules = rules.to_string();
        for (right, needed) in [
            ("subjectaccessreviews", there.contains(&"APIService")),
            ("\"apiservices\"", own && there.contains(&"APIService")),
            ("validatingwebhookconfigurations", own && there.contains(&"ValidatingWebhookConfiguration")),
            ("\"snapshots\"", there.contains(&"APIService")),
        ] {
            assert_eq!(rules.contains(right), needed, "{values:?}: {right}");
        }
        let port = named(&objects, "Service")[0].1["spec"]["ports"].to_string().contains("\"serving\"");
        assert_eq!(port, !there.is_empty(), "{values:?}");
    }
}

#[test]
fn the_api_server_reaches_what_is_served_past_the_network_policy() {
    for (values, open) in [("", true), (",snapshotsApi.enabled=false,webhook.enabled=false", false)] {
        let values = format!("--set=networkPolicy.enabled=true{values}");
        let objects = rendered("larder", &[&values]).expect("rendered");
        let rules = named(&objects, "NetworkPolicy")[0].1["spec"]["ingress"].as_array().expect("rules").clone();
        assert_eq!(rules.contains(&json!({ "ports": [{ "port": "serving" }] })), open, "{values}");
    }
}

#[test]
fn a_constraint_of_spread_is_for_the_operators_pods() {
    let constraint =
        r#"topologySpreadConstraints=[{"maxSkew":1,"topologyKey":"zone","whenUnsatisfiable":"DoNotSchedule"}]"#;
    let objects = rendered("larder", &["--set-json", constraint]).expect("rendered");
    let (_, deployment) = named(&objects, "Deployment")[0];
    let selected = &deployment["spec"]["template"]["spec"]["topologySpreadConstraints"][0]["labelSelector"];
    assert_eq!(*selected, deployment["spec"]["selector"]);
}

#[tokio::test]
async fn every_shape_is_taken_and_its_pods_are_restricted() {
    let namespace = installed().await;
    let client = client(None).await;
    let pods: Api<Pod> = Api::namespaced(client.clone(), namespace);
    for values in SHAPES {
        for object in rendered(namespace, values).expect("rendered") {
            let name = &object["metadata"]["name"];
            dry_run(&client, &object).await.unwrap_or_else(|error| panic!("{values:?}: {name}: {error}"));
            if object["kind"] == "Deployment" {
                let spec = &object["spec"]["template"]["spec"];
                let pod = json!({ "metadata": { "generateName": "pod-" }, "spec": spec });
                let params = PostParams { dry_run: true, ..PostParams::default() };
                let pod = pods.create(&params, &serde_json::from_value(pod).expect("a pod")).await;
                pod.unwrap_or_else(|error| panic!("{values:?}: {name}: {error}"));
            }
        }
    }
}

#[tokio::test]
async fn what_is_there_for_those_without_helm_is_taken() {
    installed().await;
    let client = client(None).await;
    let read = |file: &str| objects(&std::fs::read_to_string(root().join(file)).expect("a file"));
    let [definitions, rest] = ["deploy/crds.yaml", "deploy/install.yaml"].map(read);
    assert_eq!((definitions.len(), &rest[0]["kind"]), (10, &json!("Namespace")));
    cluster::apply(&client, &rest[0]).await.expect("the namespace");
    for object in definitions.iter().chain(&rest) {
        dry_run(&client, object).await.unwrap_or_else(|error| panic!("{}: {error}", object["metadata"]["name"]));
    }
}

#[tokio::test]
async fn roles_that_stash_left_behind_become_ours() {
    let namespace = installed().await;
    let roles: Api<ClusterRole> = Api::all(client(None).await);
    let rendered: Vec<ClusterRole> = specs(&rendered(namespace, &[]).expect("rendered"), "ClusterRole");
    let left = rendered.into_iter().find(|role| role.metadata.name.as_deref() == Some(cluster::LEFT_BY_STASH));
    let now = roles.get(cluster::LEFT_BY_STASH).await.expect("the role");
    assert_eq!(now.rules, left.expect("ours").rules);
}
