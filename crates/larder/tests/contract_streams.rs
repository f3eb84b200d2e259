//! Data streams on real servers: what comes back is the stream, document by document, and writing goes on. A server without data
//! streams says so before anything is changed.

#![allow(clippy::unwrap_used)] // a test that cannot go on fails

mod support;

use std::{
    fmt::Write as _,
    process::{Child, Stdio},
    sync::{Mutex, PoisonError},
    thread,
    time::Duration,
};

use elasticsearch::Request;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};
use support::{
    cluster::{Cluster, Documents, assert_same},
    larder::{Larder, Outcome},
    relay::{Counted, Relay},
    stream_snapshot, until,
};

static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());

/// Of every server with data streams.
const TEMPLATE: &str = "larder-streams";
/// How long a fact may take to show.
const PATIENCE: Duration = Duration::from_mins(1);
/// What a restore gets to send before it is caught: more than the first requests, less than all.
const WRITTEN: usize = 4 << 20;

/// Runs `scenario` on each server that has data streams.
fn on_each_with_streams(scenario: impl Fn(&Cluster, &Larder) + Sync) {
    on_each_server(scenario, |cluster, _| println!("{}: has no data streams", cluster.name));
}

/// Runs `scenario` on each server that has data streams, and `otherwise` on each other.
fn on_each_server(scenario: impl Fn(&Cluster, &Larder) + Sync, otherwise: impl Fn(&Cluster, &Larder) + Sync) {
    let _one = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
    thread::scope(|scope| {
        let (scenario, otherwise) = (&scenario, &otherwise);
        for cluster in Cluster::all() {
            let work = move || {
                let folder = tempfile::tempdir().unwrap();
                let larder = Larder::on_new(folder.path()).with("LARDER_ELASTICSEARCH", &cluster.url);
                if has_streams(&cluster) {
                    scenario(&cluster, &larder);
                } else {
                    stream_snapshot::save(&folder.path().join("repository"), "larder-refused", "larder-refused-index");
                    otherwise(&cluster, &larder);
                }
            };
            thread::Builder::new().spawn_scoped(scope, work).unwrap();
        }
    });
}

fn has_streams(cluster: &Cluster) -> bool {
    cluster.send(Request::get(&["_data_stream"])).is_ok()
}

/// Nothing is changed for a data stream that cannot be had; what can be had is one option away.
fn refused(cluster: &Cluster, larder: &Larder) {
    cluster.delete(&["larder-refused-index"]);
    let words = ["no data streams", "larder-refused", "--exclude larder-refused"];
    larder.fails(&["restore"], &words);
    larder.fails(&["restore", "--dry-run"], &words);
    assert!(!cluster.has("larder-refused-index"), "{}: something was changed", cluster.name);
    if cluster.many_types() {
        println!("{}: refuses them by name, and documents of 7.x because of their type", cluster.name);
        return;
    }
    let restored = larder.summary(&["restore", "--exclude", "larder-refused"]);
    assert_eq!((&restored["indices"], &restored["documents"]), (&json!(1), &json!(1)), "{restored}");
    cluster.delete(&["larder-refused-index"]);
    // By their own names backing indices are plain indices.
    let plain = ".ds-larder-refused-000001";
    cluster.delete(&[plain]);
    let restored = larder.summary(&["restore", "--index", ".ds-larder-refused-*"]);
    assert_eq!((&restored["indices"], &restored["data_streams"]), (&json!(1), &json!([])), "{restored}");
    assert_eq!(cluster.documents(plain).len(), 1, "{}", cluster.name);
    cluster.delete(&[plain]);
    println!("{}: has no data streams, and refuses them by name", cluster.name);
}

/// The template of all streams of a test, each time with other settings and mappings.
fn template(cluster: &Cluster, prefix: &str, settings: &Value, properties: &Value, aliases: &Value) {
    let body = json!({
        "index_patterns": [format!("{prefix}*")], "priority": 300, "data_stream": {},
        "template": { "settings": settings, "mappings": { "properties": properties }, "aliases": aliases }
    });
    cluster.put(&["_index_template", &format!("{TEMPLATE}-{prefix}")], &body);
}

fn rollover(cluster: &Cluster, stream: &str) {
    cluster.ask(Request::post(&[stream, "_rollover"]));
}

/// Removes what a test made.
fn remove(cluster: &Cluster, prefix: &str, streams: &[&str]) {
    streams.iter().for_each(|stream| cluster.delete(&["_data_stream", stream]));
    cluster.delete(&["_index_template", &format!("{TEMPLATE}-{prefix}")]);
}

/// Creates documents by their numbers. OpenSearch lets none of a stream have a routing of its own.
fn create(cluster: &Cluster, stream: &str, numbers: std::ops::Range<u64>) {
    let mut lines = String::new();
    for n in numbers {
        writeln!(lines, r#"{{"create":{{"_id":"{n}"}}}}"#).unwrap();
        writeln!(lines, r#"{{"@timestamp": {n}.0 ,"n":{n},"of":"{stream}"}}"#).unwrap();
    }
    cluster.bulk(stream, lines);
}

/// Generation, and each backing index's documents and definition, by the index's name, oldest first.
#[derive(Debug, PartialEq)]
struct Shown {
    generation: Value,
    timestamp: Value,
    template: Value,
    indices: Vec<(String, Value, Documents)>,
}

fn shown(cluster: &Cluster, stream: &str) -> Option<Shown> {
    let answer = cluster.get(&["_data_stream", stream]);
    let found = answer["data_streams"].as_array()?.first()?.clone();
    let names = found["indices"].as_array().unwrap().iter().map(|index| index["index_name"].as_str().unwrap());
    let index = |name: &str| (name.to_owned(), cluster.shown(name), cluster.documents(name));
    Some(Shown {
        generation: found["generation"].clone(),
        timestamp: found["timestamp_field"].clone(),
        template: found["template"].clone(),
        indices: names.map(index).collect(),
    })
}

fn assert_equal(found: Option<Shown>, expected: &Shown, what: &str) {
    let found = found.unwrap_or_else(|| panic!("{what}: no such stream"));
    for ((name, definition, documents), (was, defined, held)) in found.indices.iter().zip(&expected.indices) {
        assert_eq!((name, definition), (was, defined), "{what}");
        assert_same(documents, held, &format!("{what}, {name}"));
    }
    assert_eq!(found, *expected, "{what}");
}

/// No template of a restore is left.
fn no_template_left(cluster: &Cluster) {
    let templates = cluster.get(&["_index_template"]).to_string();
    assert!(!templates.contains("larder-restore-"), "{}: {templates}", cluster.name);
}

/// A stream of four generations, the first of which is gone: each with other mappings, settings and aliases.
fn fill(cluster: &Cluster, stream: &str, prefix: &str) {
    let plain = json!({ "number_of_shards": 1, "number_of_replicas": 0 });
    let timed = |field: Value| json!({ "@timestamp": { "type": "date" }, "n": field });
    template(cluster, prefix, &plain, &timed(json!({ "type": "long" })), &json!({}));
    cluster.put(&["_data_stream", stream], &json!({}));
    create(cluster, stream, 0..10);
    rollover(cluster, stream);
    create(cluster, stream, 0..1_500);
    let alias = format!("{prefix}-alias");
    let settings = json!({ "number_of_shards": 2, "number_of_replicas": 1, "refresh_interval": "7s", "codec": "best_compression" });
    let aliases = json!({ &alias: { "filter": { "range": { "n": { "gte": 5, "boost": 1.0 } } } } });
    template(cluster, prefix, &settings, &timed(json!({ "type": "keyword" })), &aliases);
    rollover(cluster, stream);
    create(cluster, stream, 0..700);
    let source = "{\n\"@timestamp\" : 1 ,\r\n\"n\":[\n9007199254740993,1.50]}";
    cluster.document(stream, "lines é/\"", source, &[("op_type", "create")]).unwrap();
    rollover(cluster, stream);
    create(cluster, stream, 5_000..5_100);
    let first = shown(cluster, stream).unwrap().indices[0].0.clone();
    cluster.delete(&[&first]);
    let second = shown(cluster, stream).unwrap().indices[0].0.clone();
    cluster.put(&[&second, "_settings"], &json!({ "index.blocks.write": true }));
}

#[test]
fn a_stream_comes_back_as_it_was_and_writing_goes_on() {
    on_each_with_streams(|cluster, larder| {
        let (stream, prefix) = ("larder-ds-same", "larder-ds-same");
        remove(cluster, prefix, &[stream]);
        fill(cluster, stream, prefix);
        let before = shown(cluster, stream).unwrap();
        assert_eq!((&before.generation, before.indices.len()), (&json!(4), 3), "{}", cluster.name);
        let documents: usize = before.indices.iter().map(|(_, _, documents)| documents.len()).sum();

        let plan = larder.summary(&["backup", "--dry-run", "--index", "larder-ds-sa*"]);
        assert_eq!((&plan["indices"], &plan["data_streams"]), (&json!(3), &json!([stream])), "{plan}");
        let saved = larder.summary(&["backup", "--index", "larder-ds-sa*"]);
        assert_eq!((&saved["documents"], &saved["data_streams"]), (&json!(documents), &json!([stream])), "{saved}");
        assert_eq!(saved["left_out_system"], json!([]), "{saved}");
        let listed = larder.objects(&["show", "latest"]);
        let is_stream = |object: &&Value| object["kind"] == "data_stream" && object["name"] == stream;
        assert_eq!(listed.iter().filter(is_stream).count(), 1, "{listed:?}");
        larder.done(&["verify", "latest"]);
        larder.done(&["verify", "latest", "--index", stream, "--against", &cluster.url]);

        // Its template comes from the snapshot, behind it.
        remove(cluster, prefix, &[stream]);
        let planned = larder.objects(&["restore", "--dry-run"]);
        assert!(
            planned.iter().any(|object| object["type"] == "data_stream" && object["target"] == stream),
            "{planned:?}"
        );
        assert_eq!(shown(cluster, stream), None);
        let restored = larder.summary(&["restore"]);
        assert_eq!(
            (&restored["documents"], &restored["data_streams"]),
            (&json!(documents), &json!([stream])),
            "{restored}"
        );
        assert_equal(shown(cluster, stream), &before, &cluster.name);
        no_template_left(cluster);
        larder.done(&["verify", "latest", "--against", &cluster.url]);
        larder.done(&["diff", "latest", "latest"]);

        goes_on(cluster, stream, &before);
        remove(cluster, prefix, &[stream]);
    });
}

/// Documents go into the newest backing index, and a rollover makes the next one.
fn goes_on(cluster: &Cluster, stream: &str, before: &Shown) {
    create(cluster, stream, 9_000..9_010);
    let now = shown(cluster, stream).unwrap();
    let last = |shown: &Shown| shown.indices.last().unwrap().2.len();
    assert_eq!(last(&now), last(before) + 10, "{}", cluster.name);
    rollover(cluster, stream);
    create(cluster, stream, 9_000..9_010);
    let now = shown(cluster, stream).unwrap();
    assert_eq!((&now.generation, last(&now)), (&json!(5), 10), "{}", cluster.name);
    assert_eq!(now.indices[3].1["settings"]["index"]["codec"], "best_compression", "{}", cluster.name);
}

#[test]
fn a_stream_that_is_there_is_not_touched_unless_told() {
    on_each_with_streams(|cluster, larder| {
        let (stream, other, prefix) = ("larder-ds-there", "larder-ds-there-2", "larder-ds-there");
        remove(cluster, prefix, &[stream, other]);
        let settings = json!({ "number_of_shards": 1, "number_of_replicas": 0 });
        template(cluster, prefix, &settings, &json!({}), &json!({}));
        for name in [stream, other] {
            create(cluster, name, 0..20);
            rollover(cluster, name);
        }
        let saved = shown(cluster, stream).unwrap();
        larder.done(&["backup", "--index", stream, "--index", other]);
        cluster.delete(&["_data_stream", other]);
        create(cluster, stream, 20..30);
        let changed = shown(cluster, stream).unwrap();

        let words = format!("data stream {stream}");
        larder.fails(&["restore"], &[&words]);
        larder.fails(&["restore", "--dry-run"], &[&words]);
        assert_equal(shown(cluster, stream), &changed, &cluster.name);
        assert_eq!(shown(cluster, other), None, "{}: a conflict must change nothing", cluster.name);

        let skipped = larder.run(&["restore", "--on-conflict", "skip"]).expect(3, "skip");
        assert!(skipped.said(&words), "{skipped:?}");
        assert_equal(shown(cluster, stream), &changed, &cluster.name);
        assert_eq!(shown(cluster, other).unwrap().indices[0].2.len(), 20);

        larder.done(&["restore", "--on-conflict", "overwrite"]);
        assert_equal(shown(cluster, stream), &saved, &cluster.name);
        no_template_left(cluster);

        // Only what is asked for, and under another name.
        let renamed = ["restore", "--index", stream, "--rename", "there$=there-moved"];
        larder.done(&renamed);
        let moved = shown(cluster, "larder-ds-there-moved").unwrap();
        assert_same(&moved.indices[0].2, &saved.indices[0].2, &cluster.name);
        larder.fails(&renamed, &["data stream larder-ds-there-moved"]);
        larder.done(&["restore", "--exclude", &format!("{stream},.ds-*"), "--skip", "templates,pipelines"]);
        remove(cluster, prefix, &[stream, other, "larder-ds-there-moved"]);
        parts(cluster, larder, stream, other, &saved);
        remove(cluster, prefix, &[stream, other]);
    });
}

/// Parts of a stream, each by itself.
fn parts(cluster: &Cluster, larder: &Larder, stream: &str, other: &str, saved: &Shown) {
    // Without a template of its own: then the one of the restore stays, so that the stream can go on.
    let alone = larder.done(&["restore", "--index", stream, "--skip", "templates"]);
    assert!(alone.said(&format!("index template larder-restore-{stream} stays")), "{alone:?}");
    assert_same(&shown(cluster, stream).unwrap().indices[0].2, &saved.indices[0].2, &cluster.name);
    rollover(cluster, stream);
    create(cluster, stream, 0..5);
    larder.done(&["restore", "--index", stream, "--on-conflict", "overwrite"]);
    no_template_left(cluster);

    larder.done(&["restore", "--index", other, "--skip", "documents"]);
    let empty = shown(cluster, other).unwrap();
    assert_eq!((empty.indices.len(), empty.indices[0].2.len()), (2, 0), "{}", cluster.name);
    cluster.delete(&["_data_stream", other]);

    // One backing index is a plain index.
    let (first, ..) = &saved.indices[0];
    cluster.delete(&["_data_stream", stream]);
    let restored = larder.summary(&["restore", "--index", first]);
    assert_eq!((&restored["indices"], &restored["data_streams"]), (&json!(1), &json!([])), "{restored}");
    assert_same(&cluster.documents(first), &saved.indices[0].2, &cluster.name);
    cluster.delete(&[first]);
}

#[test]
fn an_interrupted_restore_leaves_no_half_stream() {
    on_each_with_streams(|cluster, larder| {
        let (stream, prefix) = ("larder-ds-killed", "larder-ds-killed");
        remove(cluster, prefix, &[stream]);
        let settings = json!({ "number_of_shards": 1, "number_of_replicas": 0 });
        template(cluster, prefix, &settings, &json!({ "text": { "enabled": false, "type": "object" } }), &json!({}));
        for generation in 1..=3 {
            text(cluster, stream);
            if generation < 3 {
                rollover(cluster, stream);
            }
        }
        let before = shown(cluster, stream).unwrap();
        larder.done(&["backup", "--index", stream]);
        cluster.delete(&["_data_stream", stream]);

        let relay = Relay::start(&cluster.url, Counted::Requests, WRITTEN);
        let caught = larder.clone().with("LARDER_ELASTICSEARCH", &relay.url);
        let child = midway(cluster, &caught, &relay, stream);
        kill_process(Pid::from_child(&child), Signal::INT).unwrap();
        relay.release();
        let ended = Outcome::of(child.wait_with_output().unwrap()).expect(130, "interrupted");
        assert!(ended.said("interrupted"), "{ended:?}");
        until(PATIENCE, &format!("{}: the half is gone", cluster.name), || shown(cluster, stream).is_none());
        no_template_left(cluster);

        // Nobody can tidy up behind a kill: what is left is in the way, and the next restore takes its place.
        let relay = Relay::start(&cluster.url, Counted::Requests, WRITTEN);
        let caught = larder.clone().with("LARDER_ELASTICSEARCH", &relay.url);
        let mut child = midway(cluster, &caught, &relay, stream);
        child.kill().unwrap();
        child.wait().unwrap();
        drop(relay);
        larder.fails(&["restore"], &[&format!("data stream {stream}")]);
        larder.done(&["restore", "--on-conflict", "overwrite"]);
        assert_equal(shown(cluster, stream), &before, &cluster.name);
        no_template_left(cluster);
        remove(cluster, prefix, &[stream]);
    });
}

/// Starts a restore, and waits until it has begun the stream and goes no further.
fn midway(cluster: &Cluster, larder: &Larder, relay: &Relay, stream: &str) -> Child {
    let child = larder.command(&["restore"]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    relay.until_held();
    assert!(!cluster.get(&["_data_stream", stream]).is_null(), "{}: nothing was begun", cluster.name);
    child
}

#[test]
fn what_a_server_refuses_of_old_mappings_is_left_out_and_told() {
    on_each_with_streams(|cluster, _| {
        let (stream, repository) = ("larder-ds-ranked", tempfile::tempdir().unwrap());
        remove(cluster, stream, &[stream]);
        let larder = Larder::on_new(repository.path()).with("LARDER_ELASTICSEARCH", &cluster.url);
        stream_snapshot::save(&repository.path().join("repository"), stream, "larder-ds-ranked-index");
        let told = larder.done(&["restore", "--index", stream]);
        assert!(told.said("classic"), "{}: {told:?}", cluster.name);
        let found = shown(cluster, stream).unwrap();
        assert_eq!(found.indices[0].2.len(), 1, "{}", cluster.name);
        // No other template is for it: that of the restore stays, and a rollover goes by it.
        rollover(cluster, stream);
        let mappings = &shown(cluster, stream).unwrap().indices[1].1["mappings"];
        assert_eq!(mappings["properties"]["ranked"], json!({ "type": "text" }), "{}", cluster.name);
        remove(cluster, stream, &[stream]);
        cluster.delete(&["_index_template", "larder-restore-larder-ds-ranked"]);
    });
}

/// Creates 2 MB of documents.
fn text(cluster: &Cluster, stream: &str) {
    let mut lines = String::new();
    for n in 0..200 {
        let text = format!("{n} ").repeat(2_500);
        writeln!(lines, "{{\"create\":{{\"_id\":\"{n}\"}}}}\n{{\"@timestamp\":{n},\"text\":{{\"a\":\"{text}\"}}}}")
            .unwrap();
    }
    cluster.bulk(stream, lines);
}

#[test]
fn a_stream_whose_early_generations_are_gone_gets_its_number_again_within_bounds() {
    on_each_with_streams(|cluster, larder| {
        let (stream, prefix) = ("larder-ds-old", "larder-ds-old");
        remove(cluster, prefix, &[stream]);
        let settings = json!({ "number_of_shards": 1, "number_of_replicas": 0 });
        template(cluster, prefix, &settings, &json!({}), &json!({}));
        create(cluster, stream, 0..3);
        for _ in 0..29 {
            rollover(cluster, stream);
        }
        create(cluster, stream, 3..6);
        let all = shown(cluster, stream).unwrap();
        for (name, ..) in &all.indices[..29] {
            cluster.delete(&[name]);
        }
        // A document that was changed: a stream takes no version.
        let newest = &all.indices[29].0;
        let changed = [("if_seq_no", "0"), ("if_primary_term", "1")];
        cluster.document(newest, "3", r#"{"@timestamp":3,"n":-0.0}"#, &changed).unwrap();
        let mut before = shown(cluster, stream).unwrap();
        assert_eq!((&before.generation, before.indices.len()), (&json!(30), 1));
        assert_eq!(before.indices[0].2["3"].version, 2);
        larder.done(&["backup", "--index", stream]);
        remove(cluster, prefix, &[stream]);
        let told = larder.done(&["restore"]);
        assert!(told.said("a data stream takes no versions: 1 begin at 1 again"), "{told:?}");
        before.indices[0].2.get_mut("3").unwrap().version = 1;
        assert_equal(shown(cluster, stream), &before, &cluster.name);
        remove(cluster, prefix, &[stream]);
    });
}

#[test]
fn a_server_without_data_streams_refuses_them_by_name() {
    on_each_server(|cluster, _| println!("{}: has data streams", cluster.name), refused);
}
