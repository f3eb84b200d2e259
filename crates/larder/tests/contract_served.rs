//! What the operator serves over TLS, by a real Kubernetes API server: snapshots as kubectl shows them, and its word on which objects
//! may be. The backend is a real rest-server, whose log says what was read; restic must agree on what is there.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod served;
mod support;

use std::{fs, process::Command, sync::Mutex, sync::PoisonError, time::Instant};

use serde_json::{Value, json};
use served::{API_SERVICE, Operator, apply, becomes, json, kubectl};
use support::{
    PASSWORD,
    tools::{RESTICS, RestServer, Restic},
};

/// Of what the API server calls an operator by there is one only.
static ALONE: Mutex<()> = Mutex::new(());

const SNAPSHOTS: &str = "snapshots.repositories.stash.appscode.com";

/// A Repository on a REST server, in the operator's namespace.
fn repository(namespace: &str, name: &str, url: &str, further: &str) {
    let secret = json!({ "apiVersion": "v1", "kind": "Secret", "metadata": { "name": "storage", "namespace": namespace },
        "stringData": { "RESTIC_PASSWORD": PASSWORD } });
    apply(&secret.to_string()).out();
    let manifest = format!(
        "apiVersion: stash.appscode.com/v1alpha1\nkind: Repository\nmetadata:\n  name: {name}\n  namespace: {namespace}\n  labels: \
         {{tier: gold}}\nspec:\n  backend: {{rest: {{url: \"{url}\"}}, storageSecretName: storage}}\n{further}"
    );
    apply(&manifest).out();
}

/// Many snapshots in little time: restic writes a changed copy of each that is there.
fn filled(restic: &Restic, doublings: usize) -> usize {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("a"), "a").unwrap();
    restic.run(&["init"]);
    for host in ["host-0", "host-1", "host-2"] {
        restic.run(&["backup", "--host", host, "--tag", "nightly", folder.path().to_str().unwrap()]);
    }
    for number in 0..doublings {
        restic.run(&["rewrite", "--new-host", &format!("copy-{number}")]);
    }
    3 << doublings
}

fn names(list: &Value) -> Vec<String> {
    list["items"].as_array().unwrap().iter().map(|item| item["metadata"]["name"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn snapshots_are_listed_chosen_paged_and_forgotten() {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let log = tempfile::NamedTempFile::new().unwrap();
    let server = RestServer::open(&["--log", log.path().to_str().unwrap()]);
    let restic = Restic::new(RESTICS[1], format!("rest:http://{}/one", server.address()));
    let many = filled(&restic, 6);
    let operator = Operator::start("snapshots", "24h");
    assert!(operator.is_ready());
    let ns = operator.namespace.as_str();
    repository(ns, "store", &format!("http://{}/one", server.address()), "");
    repository(ns, "empty", &format!("http://{}/two", server.address()), "");
    let get = |further: &[&str]| kubectl(&[&["get", SNAPSHOTS, "-n", ns], further].concat());
    let listed = |further: &[&str]| json(&[&["get", SNAPSHOTS, "-n", ns], further].concat());

    let all = listed(&[]);
    assert_eq!(names(&all).len(), many);
    let first = &all["items"][0];
    let id = first["metadata"]["uid"].as_str().unwrap();
    assert_eq!(first["metadata"]["name"], format!("store-{}", &id[..8]));
    assert_eq!(
        first["metadata"]["labels"],
        json!({ "repository": "store", "hostname": first["status"]["hostname"], "tier": "gold" })
    );
    assert_eq!((&first["status"]["repository"], &first["status"]["tags"][0]), (&json!("store"), &json!("nightly")));
    assert!(get(&[]).out().starts_with("NAME"), "a table for people");

    // What was read once is not read again.
    let requests = || fs::read_to_string(log.path()).unwrap().lines().count();
    let before = requests();
    let begun = Instant::now();
    let chosen = listed(&["-l", "hostname in (host-0,host-2),repository=store,!absent"]);
    assert_eq!(names(&chosen).len(), 2);
    assert_eq!(names(&listed(&["-l", "hostname=host-1"])).len(), 1);
    assert_eq!(names(&listed(&["-l", "repository!=store"])), Vec::<String>::new());
    assert_eq!(
        listed(&["--field-selector", &format!("metadata.name=store-{}", &id[..8])])["items"][0]["metadata"]["uid"],
        id
    );
    assert_eq!(json(&["get", SNAPSHOTS, "-n", ns, &format!("store-{}", &id[..8])])["metadata"]["uid"], id);
    // Page by page, and all the same.
    let (mut paged, mut next) = (Vec::new(), String::new());
    loop {
        let url = format!(
            "/apis/repositories.stash.appscode.com/v1alpha1/namespaces/{ns}/snapshots?limit=50&continue={next}"
        );
        let page: Value = serde_json::from_str(&kubectl(&["get", "--raw", &url]).out()).unwrap();
        assert!(names(&page).len() <= 50);
        paged.extend(names(&page));
        match page["metadata"]["continue"].as_str() {
            Some(mark) => next = mark.to_owned(),
            None => break,
        }
    }
    assert_eq!(paged, names(&all));
    assert!(begun.elapsed().as_secs() < 25, "a look at the backend counts for 30 s");
    assert_eq!(requests(), before, "the backend was asked again");

    // Rights.
    assert_eq!(names(&listed(&["--as=ann"])).len(), many);
    let name = format!("store-{}", &id[..8]);
    let forbidden = kubectl(&["delete", SNAPSHOTS, "-n", ns, &name, "--as=ann"]).refused();
    assert!(forbidden.contains("User \"ann\" cannot delete resource \"snapshots\""), "{forbidden}");
    assert!(kubectl(&["get", SNAPSHOTS, "-A", "--as=ann"]).refused().contains("at the cluster scope"));
    let direct = format!("https://127.0.0.1:{}/apis/repositories.stash.appscode.com/v1alpha1/snapshots", operator.port);
    let direct = Command::new("curl").args(["-ksS", "-H", "X-Remote-User: admin", &direct]).output().unwrap();
    let direct: Value = serde_json::from_slice(&direct.stdout).unwrap();
    assert_eq!((&direct["code"], &direct["reason"]), (&json!(401), &json!("Unauthorized")), "{direct}");

    // Removal.
    kubectl(&["delete", SNAPSHOTS, "-n", ns, &name, "--dry-run=server"]).out();
    let ids = || -> Vec<String> {
        let list: Vec<Value> = serde_json::from_str(&restic.run(&["snapshots", "--json"])).unwrap();
        list.iter().map(|snapshot| snapshot["id"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(ids().len(), many);
    kubectl(&["delete", SNAPSHOTS, "-n", ns, &name, "--timeout=20s"]).out();
    assert_eq!((ids().len(), ids().contains(&id.to_owned())), (many - 1, false));
    assert!(get(&[&name]).refused().contains("not found"));
    assert_eq!(json(&["get", "repository", "-n", ns, "store"])["status"]["snapshotCount"], many - 1);

    // What is not possible.
    assert!(get(&["-w"]).refused().contains("snapshots cannot be watched"));
    assert!(get(&["-l", "hostname>3"]).refused().contains("labelSelector: \"hostname>3\" is no requirement"));
    let explained = kubectl(&["explain", &format!("{SNAPSHOTS}.status.tree")]).out();
    assert!(explained.contains("The id of its root folder."), "{explained}");
    let listed_verbs = kubectl(&["get", "--raw", "/apis/repositories.stash.appscode.com/v1alpha1"]).out();
    assert!(!listed_verbs.contains("delete"), "whoever deletes a namespace would have its backups forgotten");
}

#[test]
fn a_repository_that_cannot_be_read_is_named_and_hides_no_other() {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let (good, mut bad) = (RestServer::open(&[]), RestServer::open(&[]));
    for server in [&good, &bad] {
        filled(&Restic::new(RESTICS[1], format!("rest:http://{}/one", server.address())), 0);
    }
    let operator = Operator::start("unread", "24h");
    let ns = operator.namespace.as_str();
    repository(ns, "good", &format!("http://{}/one", good.address()), "");
    repository(ns, "bad", &format!("http://{}/one", bad.address()), "");
    bad.kill();
    let listed = kubectl(&["get", SNAPSHOTS, "-n", ns, "--no-headers"]);
    assert!(listed.err.contains(&format!("Warning: not listed: Repository {ns}/bad:")), "{listed:?}");
    assert_eq!(listed.out().lines().count(), 3);
    let begun = Instant::now();
    let alone = kubectl(&["get", SNAPSHOTS, "-n", ns, "-l", "repository=bad"]).refused();
    assert!(alone.contains("(ServiceUnavailable)") && alone.contains(&format!("Repository {ns}/bad")), "{alone}");
    assert!(begun.elapsed().as_secs() < 40, "{:?}", begun.elapsed());
    let volume = "apiVersion: stash.appscode.com/v1alpha1\nkind: Repository\nmetadata: {name: volume, namespace: NS}\nspec:\n  backend: \
                  {local: {mountPath: /safe, hostPath: {path: /safe}}, storageSecretName: storage}";
    apply(&volume.replace("NS", ns)).out();
    let refused = kubectl(&["get", SNAPSHOTS, "-n", ns, "volume-00000000"]).refused();
    assert!(refused.contains("it lies on a volume") && refused.contains("kubectl larder snapshots"), "{refused}");
}

#[test]
fn the_webhook_refuses_by_the_fields_name_and_the_certificate_changes_meanwhile() {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let mut operator = Operator::start("webhook", "20s");
    let ns = operator.namespace.clone();
    let store = format!("store-{ns}");
    let restore = |name: &str, rules: &str| {
        format!(
            "apiVersion: stash.appscode.com/v1beta1\nkind: RestoreSession\nmetadata: {{name: {name}, namespace: {ns}}}\nspec:\n  \
             repository: {{name: {store}, namespace: default}}\n  target:\n    ref: {{apiVersion: v1, kind: AppBinding, name: \
             es}}\n    rules: {rules}"
        )
    };
    let twice = "[{targetHosts: [a]}, {targetHosts: [a]}]";
    let bundle = || kubectl(&["get", API_SERVICE, "-o", "jsonpath={.spec.caBundle}"]).out();
    let secret = || kubectl(&["get", "secret", "-n", &ns, "larder-serving", "-o", "jsonpath={.data.tls\\.crt}"]).out();
    let (bundle_before, secret_before) = (bundle(), secret());
    becomes("that it is asked", || !apply(&restore("asked", twice)).well);
    let refused = apply(&restore("twice", twice)).refused();
    assert!(refused.contains("spec.target.rules[1].targetHosts: host \"a\" is in a rule before"), "{refused}");
    // A Repository that is not there yet may allow it.
    apply(&restore("early", "[]")).out();
    let spec = json!({ "apiVersion": "stash.appscode.com/v1alpha1", "kind": "Repository", "spec": {},
        "metadata": { "name": store, "namespace": "default" } });
    apply(&spec.to_string()).out();
    let refused = apply(&restore("late", "[]")).refused();
    assert!(refused.contains(&format!("spec.repository: namespace {ns} may not use Repository {store}")), "{refused}");
    // What is there already may still be labelled, and go.
    kubectl(&["label", "restoresession", "-n", &ns, "early", "a=b"]).out();

    let second = operator.another();
    becomes("a second replica that is ready", || second.is_ready());
    becomes("another certificate", || bundle() != bundle_before && secret() != secret_before);
    let refused = apply(&restore("twice", twice)).refused();
    assert!(refused.contains("spec.target.rules[1].targetHosts"), "{refused}");
    kubectl(&["get", SNAPSHOTS, "-n", &ns]).out();

    becomes("that both replicas show it", || operator.is_trusted() && second.is_trusted());

    drop(second);
    operator.kill();
    apply(&restore("unasked", twice)).out();
}
