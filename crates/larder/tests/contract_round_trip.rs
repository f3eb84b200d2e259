//! Backup and restore with real servers: what comes back is what was there, and nothing else changes. One server's
//! tests run one after the other: templates and pipelines belong to a whole cluster.

#![allow(clippy::unwrap_used)] // a test that cannot go on fails

mod support;

use std::{
    collections::BTreeSet,
    sync::{Mutex, PoisonError},
    thread,
};

use elasticsearch::Request;
use serde_json::{Value, json};
use support::{
    cluster::{Cluster, assert_same},
    larder::Larder,
    sample::{self, Definitions},
    tools::{RESTICS, Restic},
};

static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());

/// Runs `scenario` on each server, with a new repository, side by side.
fn on_each_server(scenario: impl Fn(&Cluster, &Larder) + Sync) {
    let _one = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
    thread::scope(|scope| {
        let scenario = &scenario;
        for cluster in Cluster::all() {
            let work = move || {
                let folder = tempfile::tempdir().unwrap();
                let larder = Larder::on_new(folder.path()).with("LARDER_ELASTICSEARCH", &cluster.url);
                scenario(&cluster, &larder);
            };
            thread::Builder::new().spawn_scoped(scope, work).unwrap();
        }
    });
}

fn repository(larder: &Larder) -> String {
    let name = larder.command(&[""; 0]);
    let location = name.get_envs().find(|(name, _)| *name == "LARDER_REPOSITORY").unwrap().1.unwrap();
    location.to_str().unwrap().to_owned()
}

/// A small index: ten documents, one with routing, and an alias.
fn small(cluster: &Cluster, index: &str) {
    cluster.delete(&[index]);
    let settings = json!({ "number_of_shards": 2, "number_of_replicas": 0 });
    let mappings = json!({ "properties": { "n": { "type": "long" }, "of": { "type": "keyword" } } });
    cluster.create(index, &settings, &mappings, &json!({ format!("{index}-alias"): {} }));
    for n in 0..10 {
        let source = format!(r#"{{"n":{n},"of":"{index}"}}"#);
        cluster.document(index, &n.to_string(), &source, &[("routing", "a")]).unwrap();
    }
    cluster.refresh(index);
}

#[test]
fn what_was_saved_comes_back_the_same_byte_by_byte() {
    on_each_server(|cluster, larder| {
        let (prefix, index, empty) = ("larder-same", "larder-same-full", "larder-same-empty");
        let remove = || [index, empty].iter().for_each(|index| cluster.delete(&[index]));
        remove();
        Definitions::named(cluster, prefix).remove(cluster);
        sample::fill(cluster, index);
        cluster.create(empty, &json!({ "number_of_shards": 1 }), &json!({}), &json!({}));
        let definitions = Definitions::make(cluster, prefix);
        if cluster.default_pipeline() {
            let pipeline = json!({ "index.default_pipeline": format!("{prefix}-ing") });
            cluster.put(&[index, "_settings"], &pipeline);
        }
        let documents = cluster.documents(index);
        let before = [cluster.shown(index), cluster.shown(empty)];
        let definitions_before = definitions.shown(cluster);
        assert!(documents.len() > 2_700, "{}", documents.len());

        let saved = larder.summary(&["backup", "--index", "larder-same-*"]);
        assert_eq!(saved["documents"], documents.len(), "{saved}");
        assert_eq!(saved["indices"], 2, "{saved}");
        cluster.all_contexts_closed();
        seen_by_restic(larder, saved["snapshot"].as_str().unwrap());
        larder.done(&["verify", "latest"]);
        larder.done(&["verify", "latest", "--against", &cluster.url]);

        remove();
        definitions.remove(cluster);
        let restored = larder.summary(&["restore"]);
        assert_eq!(restored["documents"], documents.len(), "{restored}");
        assert_same(&cluster.documents(index), &documents, &cluster.name);
        assert_eq!(cluster.documents(empty).len(), 0);
        assert_eq!([cluster.shown(index), cluster.shown(empty)], before, "{}", cluster.name);
        assert_eq!(definitions.shown(cluster), definitions_before, "{}", cluster.name);
        larder.done(&["verify", "latest", "--against", &cluster.url]);
        cluster.all_contexts_closed();

        // Over what is there, with a template in place that adds to every index what it did not have: that is told.
        let overwritten = larder.objects(&["restore", "--on-conflict", "overwrite"]);
        assert_same(&cluster.documents(index), &documents, &cluster.name);
        assert_eq!(cluster.shown(index)["aliases"], before[0]["aliases"], "{}", cluster.name);
        assert_eq!(cluster.shown(empty)["aliases"], before[1]["aliases"], "{}", cluster.name);
        for restored in overwritten.iter().filter(|object| object["type"] == "index") {
            let changes = restored["changes"].to_string();
            assert!(changes.contains("of_template") && changes.contains("codec"), "{}: {restored}", cluster.name);
        }
        assert_eq!(definitions.shown(cluster), definitions_before, "{}", cluster.name);
        remove();
        definitions.remove(cluster);
    });
}

/// Both versions of restic find nothing wrong, and the snapshot where Stash would look for it.
fn seen_by_restic(larder: &Larder, snapshot: &str) {
    for version in RESTICS {
        let restic = Restic::new(version, repository(larder));
        restic.check();
        let listed: Value = serde_json::from_str(&restic.run(&["snapshots", "--json"])).unwrap();
        assert_eq!(listed[0]["id"], snapshot, "{version}: {listed}");
        assert_eq!(listed[0]["hostname"], "host-0", "{version}");
        assert_eq!(listed[0]["paths"], json!(["/stash-interim-volume/data"]), "{version}");
    }
}

#[test]
fn what_is_there_is_not_touched_unless_told() {
    on_each_server(|cluster, larder| {
        let (first, second) = ("larder-there-1", "larder-there-2");
        small(cluster, first);
        small(cluster, second);
        let saved = cluster.documents(first);
        larder.done(&["backup", "--index", "larder-there-*"]);
        cluster.delete(&[second]);
        cluster.document(first, "0", r#"{"n":0,"of":"somebody else"}"#, &[("routing", "a")]).unwrap();
        cluster.document(first, "new", r#"{"n":11}"#, &[]).unwrap();
        let (changed, uuid) =
            (cluster.documents(first), cluster.get(&[first])[first]["settings"]["index"]["uuid"].clone());
        let same_index = || cluster.get(&[first])[first]["settings"]["index"]["uuid"] == uuid;

        larder.fails(&["restore"], &[first]);
        assert!(!cluster.has(second) && same_index(), "{}: a conflict must change nothing", cluster.name);
        assert_same(&cluster.documents(first), &changed, &cluster.name);
        larder.fails(&["restore", "--dry-run"], &[first]);
        assert!(!cluster.has(second));

        let skipped = larder.run(&["restore", "--on-conflict", "skip"]).expect(3, "skip");
        assert!(skipped.said(first), "what was left out must be named: {skipped:?}");
        assert!(same_index());
        assert_same(&cluster.documents(first), &changed, &cluster.name);
        assert_eq!(cluster.documents(second).len(), 10);

        larder.done(&["restore", "--on-conflict", "overwrite"]);
        assert!(!same_index());
        assert_same(&cluster.documents(first), &saved, &cluster.name);
        assert_eq!(cluster.documents(second).len(), 10);
        cluster.delete(&[first]);
        cluster.delete(&[second]);
    });
}

#[test]
fn only_what_was_chosen_is_saved_and_restored() {
    on_each_server(|cluster, larder| {
        let (one, two, three) = ("larder-chosen-1", "larder-chosen-2", "larder-chosen-3");
        let all = [one, two, three];
        all.iter().for_each(|index| small(cluster, index));
        let there = || all.map(|index| cluster.has(index));

        let plan = larder.summary(&["backup", "--dry-run", "--index", "larder-chosen-*", "--exclude", "*-2"]);
        assert_eq!((&plan["indices"], &plan["documents"]), (&json!(2), &json!(20)), "{plan}");
        assert_eq!(larder.snapshots().len(), 0, "a dry run saves nothing");
        larder.fails(&["backup", "--index", "larder-chosen-none"], &["larder-chosen-none"]);
        larder.done(&["backup", "--index", "larder-chosen-*", "--exclude", "*-2"]);
        let shown = larder.objects(&["show", "latest"]);
        let names: Vec<_> =
            shown.iter().filter(|object| object["type"] == "index").map(|index| &index["index"]).collect();
        assert_eq!(names, [one, three], "{shown:?}");
        larder.done(&["backup", "--index", "larder-chosen-*"]);

        let documents = cluster.documents(one);
        all.iter().for_each(|index| cluster.delete(&[index]));
        larder.done(&["restore", "--dry-run"]);
        assert_eq!(there(), [false; 3], "a dry run restores nothing");
        larder.done(&["restore", "--index", "larder-chosen-*", "--exclude", "*-1,*-2"]);
        assert_eq!(there(), [false, false, true]);
        larder.fails(&["restore", "--index", "larder-chosen-none"], &["larder-chosen-none"]);

        larder.done(&[
            "restore",
            "--index",
            one,
            "--rename",
            "larder-chosen-(.*)=larder-renamed-$1",
            "--rename",
            "renamed=moved",
        ]);
        assert_eq!(there(), [false, false, true]);
        assert_same(&cluster.documents("larder-moved-1"), &documents, &cluster.name);
        cluster.delete(&["larder-moved-1"]);
        larder.fails(&["restore", "--rename", "larder-chosen-.*=larder-moved-1"], &[one, two, "larder-moved-1"]);
        assert!(!cluster.has("larder-moved-1"));
        all.iter().for_each(|index| cluster.delete(&[index]));
        parts(cluster, larder, one);
        all.iter().for_each(|index| cluster.delete(&[index]));
    });
}

/// Parts of an index, each by itself.
fn parts(cluster: &Cluster, larder: &Larder, index: &str) {
    larder.done(&["restore", "--index", index, "--skip", "documents"]);
    assert_eq!(cluster.documents(index).len(), 0);
    assert_eq!(cluster.shown(index)["settings"]["index"]["number_of_shards"], "2");
    cluster.delete(&[index]);
    larder.done(&["restore", "--index", index, "--only", "documents,mappings"]);
    let shown = cluster.shown(index);
    assert_eq!(cluster.documents(index).len(), 10);
    assert!(shown["mappings"].to_string().contains("keyword"), "{shown}");
    assert_eq!(shown["aliases"], json!({}), "{shown}");
    cluster.delete(&[index]);

    small(cluster, index);
    let definitions = Definitions::make(cluster, "larder-parts");
    let before = definitions.shown(cluster);
    larder.done(&["backup", "--index", index]);
    definitions.remove(cluster);
    larder.done(&["restore", "--only", "templates"]);
    assert_eq!(definitions.shown(cluster)[1..], before[1..]);
    assert_eq!(definitions.shown(cluster)[0], Value::Null, "a pipeline is no template");
    larder.done(&["restore", "--only", "pipelines"]);
    assert_eq!(definitions.shown(cluster), before);
    definitions.remove(cluster);
}

#[test]
fn verify_names_the_index_in_which_one_document_changed() {
    on_each_server(|cluster, larder| {
        let (changed, same) = ("larder-verified-1", "larder-verified-2");
        small(cluster, changed);
        small(cluster, same);
        larder.done(&["backup", "--index", "larder-verified-*"]);
        let against = ["verify", "latest", "--against", &cluster.url];
        larder.done(&against);
        cluster.document(changed, "3", r#"{"n":3.0,"of":"larder-verified-1"}"#, &[("routing", "a")]).unwrap();
        let outcome = larder.fails(&against, &[changed]);
        let good: Vec<_> = outcome.out.lines().filter(|line| line.contains(same)).collect();
        assert!(matches!(good.as_slice(), [line] if line.contains("good")), "{outcome:?}");
        larder.done(&["verify", "latest"]);
        larder.done(&["verify", "latest", "--against", &cluster.url, "--index", same]);
        cluster.delete(&[changed]);
        larder.fails(&against, &[changed, "no such index"]);
        cluster.delete(&[same]);
    });
}

#[test]
fn system_indices_are_left_out_and_counted_unless_asked_for() {
    on_each_server(|cluster, larder| {
        let (plain, system) = ("larder-system-plain", ".larder-system");
        small(cluster, plain);
        small(cluster, system);
        // Templates for indices that begin with a dot belong to the server, and stay.
        let choice = ["backup", "--index", "larder-system*", "--index", "*larder-system*"];
        let saved = larder.summary(&choice);
        assert_eq!((&saved["indices"], &saved["left_out_system"]), (&json!(1), &json!([system])), "{saved}");
        let text = larder.done(&choice);
        assert!(text.said("left out 1 ") && text.said(system), "{text:?}");
        let shown = &larder.objects(&["show", "latest"])[0];
        assert_eq!(shown["left_out_system"], json!([system]));

        let saved = larder.summary(&["backup", "--index", "*larder-system*", "--include-system"]);
        assert_eq!((&saved["indices"], &saved["left_out_system"]), (&json!(2), &json!([])), "{saved}");
        let saved = larder.summary(&["backup", "--index", ".larder-system*"]);
        assert_eq!((&saved["indices"], &saved["documents"]), (&json!(1), &json!(10)), "{saved}");
        cluster.ask(Request::delete(&[system]));
        cluster.ask(Request::delete(&[plain]));
        larder.done(&["restore"]);
        assert_eq!((cluster.has(system), cluster.has(plain)), (true, false));
        cluster.delete(&[system]);
    });
}

#[test]
fn documents_that_the_server_rejects_are_named_and_counted() {
    on_each_server(|cluster, larder| {
        let index = "larder-rejected";
        cluster.delete(&[index]);
        let settings = json!({ "number_of_shards": 1, "number_of_replicas": 0 });
        let mappings = json!({ "properties": { "n": { "type": "keyword" } } });
        cluster.create(index, &settings, &mappings, &json!({}));
        for (id, source) in [("first", r#"{"n":1}"#), ("bad", r#"{"n":"no number"}"#), ("last", r#"{"n":2}"#)] {
            cluster.document(index, id, source, &[]).unwrap();
        }
        larder.done(&["backup", "--index", index]);
        let all = cluster.documents(index);
        // Without its mappings the index takes the first value's type.
        let restore = ["restore", "--skip", "mappings,templates,pipelines", "--on-conflict", "overwrite"];
        let failed = larder.fails(&restore, &["bad", "rejected"]);
        assert!(failed.said("mapper_parsing_exception") || failed.said("failed to parse"), "{failed:?}");
        let objects = larder.run(&[&restore[..], &["--json"]].concat()).expect(1, "rejected").objects();
        let told = objects.iter().find(|object| object["type"] == "index").unwrap();
        assert_eq!((&told["documents_rejected"], &told["rejections"][0]["id"]), (&json!(1), &json!("bad")), "{told}");
        assert_eq!(cluster.documents(index).len(), 2);
        let allowed = larder.run(&[&restore[..], &["--allow-rejected", "1"]].concat()).expect(3, "allowed");
        assert!(allowed.said("bad"), "{allowed:?}");
        larder.done(&["restore", "--on-conflict", "overwrite", "--skip", "templates,pipelines"]);
        assert_same(&cluster.documents(index), &all, &cluster.name);
        cluster.delete(&[index]);
    });
}

#[test]
fn each_rejected_document_is_named_however_many_there_are() {
    const BAD: usize = 1_500;
    on_each_server(|cluster, larder| {
        let index = "larder-rejected-many";
        cluster.delete(&[index]);
        let settings = json!({ "number_of_shards": 1, "number_of_replicas": 0 });
        let mappings = json!({ "properties": { "n": { "type": "keyword" } } });
        cluster.create(index, &settings, &mappings, &json!({}));
        cluster.document(index, "first", r#"{"n":1}"#, &[]).unwrap();
        let ids: BTreeSet<String> = (0..BAD).map(|n| format!("bad-{n}")).collect();
        let line = |id: &String| format!("{{\"index\":{{\"_id\":\"{id}\"}}}}\n{{\"n\":\"no number\"}}\n");
        cluster.bulk(index, ids.iter().map(line).collect());
        larder.done(&["backup", "--index", index]);
        // Without its mappings the index takes the first value's type.
        let restore = ["restore", "--skip", "mappings,templates,pipelines", "--on-conflict", "overwrite"];
        let told = larder.run(&[&restore[..], &["--json"]].concat()).expect(1, "1500").objects();
        let named = told.iter().filter(|object| object["type"] == "rejected");
        let named: Vec<String> = named.map(|one| one["id"].as_str().unwrap().to_owned()).collect();
        assert_eq!((named.len(), BTreeSet::from_iter(named)), (BAD, ids.clone()), "{}", cluster.name);
        let last = told.last().unwrap();
        assert_eq!((&last["type"], &last["rejected"]), (&json!("summary"), &json!(BAD)), "{last}");
        larder.fails(&restore, &["bad-0", "and 1,400 more documents rejected", "1500"]);
        cluster.delete(&[index]);
    });
}
