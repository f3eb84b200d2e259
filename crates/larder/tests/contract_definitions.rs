//! What a cluster holds besides users' indices, templates and pipelines: scripts, search pipelines, its settings where asked for,
//! and what Kibana keeps in it.

#![allow(clippy::unwrap_used)] // a test that cannot go on fails

mod support;

use elasticsearch::Request;
use serde_json::{Value, json};
use support::{
    cluster::{Cluster, assert_same},
    larder::Larder,
};

const INDEX: &str = "larder-defined";
const SCRIPT: &str = "larder-defined/scrípt \"1\"";
const SEARCH: &str = "larder-defined-search";
const PIPELINE: &str = "larder-defined-pipeline";
const REPOSITORY: &str = "larder-defined-repository";
const SETTING: &str = "indices.recovery.max_bytes_per_sec";

fn put_script(cluster: &Cluster, source: &str) {
    cluster.put(&["_scripts", SCRIPT], &json!({ "script": { "lang": "painless", "source": source } }));
}

fn has_scripts(cluster: &Cluster) -> bool {
    cluster.has_module("PainlessPlugin")
}

fn has_templates_of_searches(cluster: &Cluster) -> bool {
    cluster.has_module("MustachePlugin")
}

fn make(cluster: &Cluster) {
    remove(cluster);
    cluster.create(INDEX, &json!({ "number_of_shards": 1, "number_of_replicas": 0 }), &json!({}), &json!({}));
    cluster.document(INDEX, "1", r#"{"n":1}"#, &[]).unwrap();
    if has_scripts(cluster) {
        put_script(cluster, "// ünïcode\nctx.n = params['n'] * 1e3 + 1.0");
        if cluster.default_pipeline() {
            // One that is refused where its script is not there first.
            let processors = json!([{ "script": { "id": SCRIPT, "params": { "n": 1 } } }]);
            cluster.put(&["_ingest", "pipeline", PIPELINE], &json!({ "processors": processors }));
        }
    }
    if has_templates_of_searches(cluster) {
        let source = r#"{"query":{"term":{"n":{{n}}}},"size":1.0}"#;
        cluster.put(&["_scripts", SEARCH], &json!({ "script": { "lang": "mustache", "source": source } }));
    }
    if cluster.search_pipelines() {
        cluster.put(&["_search", "pipeline", PIPELINE], &json!({ "description": "ünïcode", "version": 3 }));
    }
    set(cluster, &json!("41mb"));
}

fn set(cluster: &Cluster, value: &Value) {
    cluster.put(&["_cluster", "settings"], &json!({ "persistent": { SETTING: value } }));
}

fn paths(cluster: &Cluster) -> Vec<Vec<&'static str>> {
    let mut paths = vec![vec!["_scripts", SCRIPT], vec!["_scripts", SEARCH], vec!["_ingest", "pipeline", PIPELINE]];
    if cluster.search_pipelines() {
        paths.push(vec!["_search", "pipeline", PIPELINE]);
    }
    paths
}

fn remove(cluster: &Cluster) {
    cluster.delete(&[INDEX]);
    paths(cluster).iter().rev().for_each(|path| cluster.delete(path));
    set(cluster, &Value::Null);
}

fn shown(cluster: &Cluster) -> Vec<Value> {
    let mut shown: Vec<Value> = paths(cluster).iter().map(|path| cluster.get(path)).collect();
    // When a pipeline was made is told by newer servers.
    for pipeline in shown.iter_mut().filter_map(|shown| shown.get_mut(PIPELINE)).filter_map(Value::as_object_mut) {
        pipeline.retain(|name, _| !name.ends_with("_date_millis") && !name.ends_with("_date"));
    }
    shown.push(cluster.get(&["_cluster", "settings"])["persistent"].clone());
    shown
}

fn definitions(objects: &[Value], kind: &str) -> Vec<String> {
    let of = objects.iter().filter(|object| object["type"] == "definition" && object["kind"] == kind);
    of.map(|object| object["name"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn scripts_search_pipelines_and_settings_come_back() {
    for cluster in Cluster::all() {
        let (name, folder) = (&cluster.name, tempfile::tempdir().unwrap());
        let larder = Larder::on_new(folder.path()).with("LARDER_ELASTICSEARCH", &cluster.url);
        make(&cluster);
        let before = shown(&cluster);
        assert!(before.last().unwrap().to_string().contains("41mb"), "{name}: {before:?}");
        larder.done(&["backup", "--index", INDEX, "--also", "cluster-settings"]);
        let listed = larder.objects(&["show", "latest"]);
        assert_eq!(definitions(&listed, "script").contains(&SCRIPT.to_owned()), has_scripts(&cluster), "{name}");
        assert_eq!(definitions(&listed, "script").contains(&SEARCH.to_owned()), has_templates_of_searches(&cluster));
        assert_eq!(definitions(&listed, "search_pipeline").len(), usize::from(cluster.search_pipelines()), "{name}");
        assert_eq!(definitions(&listed, "cluster_settings"), ["persistent"], "{name}");

        remove(&cluster);
        larder.done(&["restore"]);
        assert!(!shown(&cluster).last().unwrap().to_string().contains("41mb"), "{name}: nobody asked for the settings");
        remove(&cluster);
        larder.done(&["restore", "--also", "cluster-settings"]);
        assert_eq!(shown(&cluster), before, "{name}");
        larder.done(&["restore", "--also", "cluster-settings", "--skip", "documents,mappings,settings,aliases"]);
        replaced(&cluster, &larder);
        remove(&cluster);
    }
}

/// What is there and says something else is kept, or named, or replaced, as the user says.
fn replaced(cluster: &Cluster, larder: &Larder) {
    if !has_scripts(cluster) {
        return;
    }
    let before = shown(cluster);
    put_script(cluster, "2");
    let only = ["restore", "--only", "scripts"];
    larder.fails(&only, &["script larder-defined", "with other content"]);
    let skipped = larder.run(&[&only[..], &["--on-conflict", "skip"]].concat()).expect(3, "a skipped script");
    assert!(skipped.said("it was there"), "{skipped:?}");
    assert_eq!(cluster.get(&["_scripts", SCRIPT])["script"]["source"], "2");
    larder.done(&[&only[..], &["--on-conflict", "overwrite"]].concat());
    assert_eq!(shown(cluster), before, "{}", cluster.name);

    // One rule for scripts, another for all else.
    put_script(cluster, "2");
    let by = |rules| ["restore", "--only", "documents,mappings,settings,aliases,scripts", "--on-conflict", rules];
    let refused = larder.fails(&by("overwrite,scripts=fail"), &["script larder-defined"]);
    assert!(!refused.said("index "), "the index is not in the way: {refused:?}");
    let skipped = larder.run(&by("skip,scripts=overwrite")).expect(3, "a skipped index");
    assert!(skipped.said(INDEX), "{skipped:?}");
    assert_eq!(shown(cluster), before, "{}", cluster.name);
}

#[test]
fn what_exists_and_is_not_saved_is_named() {
    for cluster in Cluster::all() {
        let folder = tempfile::tempdir().unwrap();
        let larder = Larder::on_new(folder.path()).with("LARDER_ELASTICSEARCH", &cluster.url);
        let index = "larder-defined-else";
        cluster.delete(&[index]);
        cluster.create(index, &json!({ "number_of_replicas": 0 }), &json!({}), &json!({}));
        let settings = json!({ "location": format!("{REPOSITORY}-{}", cluster.name) });
        let body = json!({ "type": "fs", "settings": settings }).to_string();
        cluster.ask(Request::put(&["_snapshot", REPOSITORY]).json(body));
        let saved = larder.summary(&["backup", "--index", index]);
        let expected = format!("snapshot repository {REPOSITORY}");
        assert_eq!(saved["not_saved"], json!([expected]), "{}", cluster.name);
        let shown = larder.done(&["show", "latest"]);
        assert!(shown.out.contains(&format!("not saved: {expected}")), "{}", shown.out);
        cluster.delete(&["_snapshot", REPOSITORY]);
        cluster.delete(&[index]);
    }
}

/// As `docs/guides/kibana.md` has it.
#[test]
fn saved_objects_of_kibana_come_back_by_the_recipe() {
    let (index, sessions) = (".kibana_7.17.29_001", ".kibana_security_session_1");
    for cluster in Cluster::all() {
        let (name, folder) = (&cluster.name, tempfile::tempdir().unwrap());
        let larder = Larder::on_new(folder.path()).with("LARDER_ELASTICSEARCH", &cluster.url);
        let make = |title: &str| {
            cluster.delete(&[index]);
            let properties = json!({ "type": { "type": "keyword" }, "dashboard": { "properties": { "title": { "type": "text" } } } });
            let settings = json!({ "number_of_shards": 1, "auto_expand_replicas": "0-1", "priority": "10" });
            let aliases = json!({ ".kibana": {}, ".kibana_7.17.29": {} });
            cluster.create(index, &settings, &json!({ "properties": properties }), &aliases);
            let source = format!(r#"{{"type":"dashboard","dashboard":{{"title":"{title}"}},"references":[]}}"#);
            cluster.document(index, "dashboard:7adfa750-4c81-11e8-b3d7-01146121b73d", &source, &[]).unwrap();
            cluster.refresh(index);
        };
        make("Sales");
        cluster.delete(&[sessions]);
        cluster.create(sessions, &json!({ "number_of_replicas": 0 }), &json!({}), &json!({}));
        let (documents, before) = (cluster.documents(index), cluster.shown(index));
        let saved = larder.summary(&["backup", "--index", ".kibana*", "--exclude", ".kibana_security_session*"]);
        assert_eq!((&saved["indices"], &saved["documents"]), (&json!(1), &json!(1)), "{name}: {saved}");
        // What a new Kibana makes when it finds nothing.
        make("Empty");
        let only = ["--only", "documents,mappings,settings,aliases", "--on-conflict", "overwrite"];
        larder.done(&[&["restore", "--index", ".kibana*"], &only[..]].concat());
        assert_same(&cluster.documents(index), &documents, name);
        assert_eq!(cluster.shown(index), before, "{name}");
        [index, sessions].iter().for_each(|index| cluster.delete(&[index]));
    }
}
