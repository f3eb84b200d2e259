//! What the chart's accounts may do on a real Kubernetes API server, and what they may not.

mod chart;
mod cluster;

use std::time::Duration;

use cluster::{apply, client, dry_run, installed};
use k8s_openapi::api::authorization::v1::SubjectAccessReview;
use kube::{Api, Client, api::PostParams};
use serde_json::{Value, json};

/// How long the server may take to heed a role that was just made.
const PATIENCE: Duration = Duration::from_secs(30);

/// Rights, each as `verb resource.group/subresource=name`.
struct Rights {
    may: &'static [&'static str],
    may_not: &'static [&'static str],
}

const OPERATOR: Rights = Rights {
    may: &[
        "watch backupconfigurations.stash.appscode.com",
        "list restorebatches.stash.appscode.com",
        "get functions.stash.appscode.com",
        "watch backupblueprints.stash.appscode.com",
        "update backupsessions.stash.appscode.com/status",
        "patch repositories.stash.appscode.com/status",
        "patch repositories.stash.appscode.com",
        "patch restoresessions.stash.appscode.com",
        "update backupsessions.stash.appscode.com/finalizers",
        "create backupsessions.stash.appscode.com",
        "delete backupsessions.stash.appscode.com",
        "create backupconfigurations.stash.appscode.com",
        "delete backupconfigurations.stash.appscode.com",
        "create repositories.stash.appscode.com",
        "watch appbindings.appcatalog.appscode.com",
        "update appbindings.appcatalog.appscode.com/finalizers",
        "get secrets=any",
        "watch namespaces",
        "watch pods",
        "patch serviceaccounts",
        "create persistentvolumeclaims",
        "delete jobs.batch",
        "patch cronjobs.batch",
        "delete roles.rbac.authorization.k8s.io",
        "create rolebindings.rbac.authorization.k8s.io",
        "bind clusterroles.rbac.authorization.k8s.io=stash-cron-job",
        "create events.events.k8s.io",
        "patch events",
        "watch customresourcedefinitions.apiextensions.k8s.io",
        "create subjectaccessreviews.authorization.k8s.io",
        "patch apiservices.apiregistration.k8s.io=v1alpha1.repositories.stash.appscode.com",
        "patch validatingwebhookconfigurations.admissionregistration.k8s.io=admission.stash.appscode.com",
    ],
    may_not: &[
        "list secrets",
        "watch secrets",
        "create secrets",
        "patch secrets=any",
        "create pods",
        "create pods/exec",
        "delete persistentvolumeclaims",
        "delete serviceaccounts",
        "patch functions.stash.appscode.com",
        "delete repositories.stash.appscode.com",
        "create backupbatches.stash.appscode.com",
        "delete restoresessions.stash.appscode.com",
        "patch appbindings.appcatalog.appscode.com",
        "escalate roles.rbac.authorization.k8s.io",
        "bind roles.rbac.authorization.k8s.io",
        "bind clusterroles.rbac.authorization.k8s.io",
        "bind clusterroles.rbac.authorization.k8s.io=cluster-admin",
        "create clusterroles.rbac.authorization.k8s.io",
        "create clusterrolebindings.rbac.authorization.k8s.io",
        "delete customresourcedefinitions.apiextensions.k8s.io=tasks.stash.appscode.com",
        "patch customresourcedefinitions.apiextensions.k8s.io=others.example.com",
        "create leases.coordination.k8s.io",
        "impersonate serviceaccounts",
        "create serviceaccounts/token",
        "patch deployments.apps",
        "patch apiservices.apiregistration.k8s.io=v1beta1.metrics.k8s.io",
        "create apiservices.apiregistration.k8s.io",
        "delete apiservices.apiregistration.k8s.io=v1alpha1.repositories.stash.appscode.com",
        "patch validatingwebhookconfigurations.admissionregistration.k8s.io=others.example.com",
        "delete validatingwebhookconfigurations.admissionregistration.k8s.io=admission.stash.appscode.com",
        "update secrets=any",
        "delete snapshots.repositories.stash.appscode.com",
    ],
};

const CRON_JOB: Rights = Rights {
    may: &[
        "get backupconfigurations.stash.appscode.com=any",
        "get backupbatches.stash.appscode.com=any",
        "create backupsessions.stash.appscode.com",
        "get backupsessions.stash.appscode.com=any",
        "update backupconfigurations.stash.appscode.com/finalizers",
    ],
    may_not: &[
        "patch backupconfigurations.stash.appscode.com",
        "update backupsessions.stash.appscode.com/status",
        "delete backupsessions.stash.appscode.com",
        "create restoresessions.stash.appscode.com",
        "get secrets",
        "get repositories.stash.appscode.com",
    ],
};

const BACKUP_JOB: Rights = Rights {
    may: &[
        "list backupsessions.stash.appscode.com",
        "patch backupsessions.stash.appscode.com/status",
        "get backupconfigurations.stash.appscode.com",
        "get repositories.stash.appscode.com",
        "update repositories.stash.appscode.com/status",
        "get appbindings.appcatalog.appscode.com",
        "get secrets",
        "list endpointslices.discovery.k8s.io",
        "get pods",
        "create pods/exec",
        "get pods/exec",
        "create events.events.k8s.io",
        "create events",
    ],
    may_not: &[
        "list secrets",
        "create pods",
        "list pods",
        "get restoresessions.stash.appscode.com",
        "create backupsessions.stash.appscode.com",
        "patch repositories.stash.appscode.com",
        "create jobs.batch",
    ],
};

const RESTORE_JOB: Rights = Rights {
    may: &[
        "get restoresessions.stash.appscode.com",
        "patch restoresessions.stash.appscode.com/status",
        "get restorebatches.stash.appscode.com",
        "get repositories.stash.appscode.com",
        "patch repositories.stash.appscode.com/status",
        "get appbindings.appcatalog.appscode.com",
        "get secrets",
        "create pods/exec",
        "patch events",
    ],
    may_not: &[
        "list secrets",
        "patch restoresessions.stash.appscode.com",
        "update backupsessions.stash.appscode.com/status",
        "create serviceaccounts",
        "create pods",
        "get jobs.batch",
    ],
};

const VIEWER: Rights = Rights {
    may: &[
        "list appbindings.appcatalog.appscode.com",
        "get backupbatches.stash.appscode.com",
        "watch backupblueprints.stash.appscode.com",
        "list backupconfigurations.stash.appscode.com",
        "get backupsessions.stash.appscode.com",
        "watch functions.stash.appscode.com",
        "list repositories.stash.appscode.com",
        "get restorebatches.stash.appscode.com",
        "watch restoresessions.stash.appscode.com",
        "list tasks.stash.appscode.com",
        "get backupbatches.stash.appscode.com/status",
        "get backupconfigurations.stash.appscode.com/status",
        "get backupsessions.stash.appscode.com/status",
        "get repositories.stash.appscode.com/status",
        "get restorebatches.stash.appscode.com/status",
        "get restoresessions.stash.appscode.com/status",
        "list snapshots.repositories.stash.appscode.com",
    ],
    may_not: &[
        "delete snapshots.repositories.stash.appscode.com",
        "create appbindings.appcatalog.appscode.com",
        "patch backupbatches.stash.appscode.com",
        "delete backupblueprints.stash.appscode.com",
        "update backupconfigurations.stash.appscode.com",
        "create backupsessions.stash.appscode.com",
        "patch functions.stash.appscode.com",
        "delete repositories.stash.appscode.com",
        "update restorebatches.stash.appscode.com",
        "create restoresessions.stash.appscode.com",
        "patch tasks.stash.appscode.com",
        "patch backupsessions.stash.appscode.com/status",
        "get secrets",
        "list secrets",
        "watch secrets",
        "create pods/exec",
    ],
};

const EDITOR: Rights = Rights {
    may: &[
        "create appbindings.appcatalog.appscode.com",
        "patch backupbatches.stash.appscode.com",
        "delete backupblueprints.stash.appscode.com",
        "deletecollection backupconfigurations.stash.appscode.com",
        "create backupsessions.stash.appscode.com",
        "patch functions.stash.appscode.com",
        "delete repositories.stash.appscode.com",
        "deletecollection restorebatches.stash.appscode.com",
        "create restoresessions.stash.appscode.com",
        "patch tasks.stash.appscode.com",
        "list repositories.stash.appscode.com",
        "get backupbatches.stash.appscode.com/status",
        "get backupconfigurations.stash.appscode.com/status",
        "get backupsessions.stash.appscode.com/status",
        "get repositories.stash.appscode.com/status",
        "get restorebatches.stash.appscode.com/status",
        "get restoresessions.stash.appscode.com/status",
        "delete snapshots.repositories.stash.appscode.com",
    ],
    may_not: &[
        "patch backupsessions.stash.appscode.com/status",
        "update repositories.stash.appscode.com/status",
        "get secrets",
        "list secrets",
        "watch secrets",
        "create pods/exec",
    ],
};

/// Whether an account (`namespace:name`) may do something in a namespace.
async fn may(client: &Client, account: &str, namespace: &str, right: &str) -> bool {
    let (verb, what) = right.split_once(' ').expect("a verb");
    let (what, name) = what.split_once('=').unwrap_or((what, ""));
    let (what, subresource) = what.split_once('/').unwrap_or((what, ""));
    let (resource, group) = what.split_once('.').unwrap_or((what, ""));
    let review = json!({ "spec": { "user": format!("system:serviceaccount:{account}"), "resourceAttributes": {
        "verb": verb, "group": group, "resource": resource, "subresource": subresource, "name": name,
        "namespace": namespace } } });
    let review: SubjectAccessReview = serde_json::from_value(review).expect("a review");
    let answer = Api::all(client.clone()).create(&PostParams::default(), &review).await.expect("an answer");
    answer.status.expect("a status").allowed
}

/// Holds what an account may do in a namespace against what it should. Rights come first: once they are heeded, all are.
async fn hold(account: &str, namespace: &str, rights: &Rights) {
    let client = client(None).await;
    for right in rights.may {
        let heeded = async {
            while !may(&client, account, namespace, right).await {
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        };
        let heeded = tokio::time::timeout(PATIENCE, heeded).await;
        assert!(heeded.is_ok(), "{account} may not {right} in {namespace}");
    }
    for right in rights.may_not {
        assert!(!may(&client, account, namespace, right).await, "{account} may {right} in {namespace}");
    }
}

async fn namespace(name: &str) -> String {
    let name = format!("{name}-{}", std::process::id());
    let object = json!({ "apiVersion": "v1", "kind": "Namespace", "metadata": { "name": name } });
    apply(&client(None).await, &object).await.expect("a namespace");
    name
}

/// Binds a role to an account of a namespace.
fn binding(namespace: &str, kind: &str, role: &str, account: (&str, &str)) -> Value {
    json!({
        "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "RoleBinding",
        "metadata": { "name": account.1, "namespace": namespace },
        "roleRef": { "apiGroup": "rbac.authorization.k8s.io", "kind": kind, "name": role },
        "subjects": [{ "kind": "ServiceAccount", "namespace": account.0, "name": account.1 }],
    })
}

fn forbidden(outcome: Result<Value, kube::Error>, what: &str) {
    let error = outcome.expect_err(what);
    assert!(matches!(&error, kube::Error::Api(status) if status.code == 403), "{what}: {error}");
}

#[tokio::test]
async fn the_operator_may_do_what_it_has_to_and_no_more() {
    let at = installed().await;
    let operator = format!("{at}:larder");
    hold(&operator, "default", &OPERATOR).await;
    let leases = Rights {
        may: &[
            "create leases.coordination.k8s.io",
            "get leases.coordination.k8s.io=larder-operator",
            "update leases.coordination.k8s.io=larder-operator",
            "update secrets=larder-serving",
        ],
        may_not: &[
            "create secrets",
            "update secrets=other",
            "delete secrets=larder-serving",
            "update leases.coordination.k8s.io=other",
            "delete leases.coordination.k8s.io=larder-operator",
        ],
    };
    hold(&operator, at, &leases).await;
    let front_proxy = Rights {
        may: &["watch configmaps=extension-apiserver-authentication"],
        may_not: &["get configmaps=other", "update configmaps=extension-apiserver-authentication"],
    };
    hold(&operator, "kube-system", &front_proxy).await;
}

#[tokio::test]
async fn the_operator_gives_accounts_of_pods_their_role_and_no_other() {
    let operator = format!("{}:larder", installed().await);
    let (app, other) = (namespace("app").await, namespace("other").await);
    hold(&operator, &app, &OPERATOR).await;
    let as_operator = client(Some(&operator)).await;
    for (role, rights) in
        [("stash-cron-job", CRON_JOB), ("stash-backup-job", BACKUP_JOB), ("stash-restore-job", RESTORE_JOB)]
    {
        let object = binding(&app, "ClusterRole", role, (&app, role));
        apply(&as_operator, &object).await.unwrap_or_else(|error| panic!("{role}: {error}"));
        let account = format!("{app}:{role}");
        hold(&account, &app, &rights).await;
        hold(&account, &other, &Rights { may: &[], may_not: rights.may }).await;
    }
    for role in ["cluster-admin", "appscode:stash:edit"] {
        forbidden(apply(&as_operator, &binding(&app, "ClusterRole", role, (&app, role))).await, role);
    }
}

#[tokio::test]
async fn who_views_or_edits_has_the_ten_kinds_and_no_secret() {
    installed().await;
    let people = namespace("people").await;
    let admin = client(None).await;
    for (role, account, rights) in
        [("appscode:stash:view", "viewer", VIEWER), ("appscode:stash:edit", "editor", EDITOR)]
    {
        let object = binding(&people, "ClusterRole", role, (&people, account));
        apply(&admin, &object).await.unwrap_or_else(|error| panic!("{role}: {error}"));
        hold(&format!("{people}:{account}"), &people, &rights).await;
    }
}

#[tokio::test]
async fn the_operator_opens_a_repository_of_another_namespace_and_no_more() {
    let operator = format!("{}:larder", installed().await);
    let (app, vault) = (namespace("app2").await, namespace("vault").await);
    hold(&operator, &vault, &OPERATOR).await;
    let as_operator = client(Some(&operator)).await;
    let role = |secrets: &str| {
        json!({
            "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "Role",
            "metadata": { "name": "app2-backupconfiguration-alpha", "namespace": vault },
            "rules": [
                { "apiGroups": ["stash.appscode.com"], "resources": ["repositories", "repositories/status"],
                  "verbs": ["get", "update", "patch"] },
                { "apiGroups": [""], "resources": ["secrets"], "verbs": [secrets] },
            ],
        })
    };
    forbidden(apply(&as_operator, &role("list")).await, "a Role that lists Secrets");
    apply(&as_operator, &role("get")).await.expect("a Role");
    let account = (app.as_str(), "backupconfiguration-alpha");
    apply(&as_operator, &binding(&vault, "Role", "app2-backupconfiguration-alpha", account)).await.expect("bound");
    let rights = Rights {
        may: &["get secrets", "patch repositories.stash.appscode.com/status"],
        may_not: &["list secrets", "get appbindings.appcatalog.appscode.com"],
    };
    hold(&format!("{app}:backupconfiguration-alpha"), &vault, &rights).await;
}

#[tokio::test]
async fn the_operator_brings_its_own_definitions_up_to_date_and_no_other() {
    let operator = format!("{}:larder", installed().await);
    hold(&operator, "default", &OPERATOR).await;
    let as_operator = client(Some(&operator)).await;
    let mut definitions: Vec<Value> =
        api::crds::crds().iter().map(|crd| serde_json::to_value(crd).expect("JSON")).collect();
    for definition in &definitions {
        let name = &definition["metadata"]["name"];
        dry_run(&as_operator, definition).await.unwrap_or_else(|error| panic!("{name}: {error}"));
    }
    definitions[0]["metadata"]["name"] = json!("others.example.com");
    forbidden(dry_run(&as_operator, &definitions[0]).await, "a definition of others");
}
