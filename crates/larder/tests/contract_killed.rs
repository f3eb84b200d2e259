//! Killed midway and begun again, on every server: a backup that read, a restore that wrote. Nobody has to tidy up before
//! the next one, and nothing is lost. Held by a relay, so that no machine is too fast to be caught; `heavy_kill` kills at
//! random moments.

#![allow(clippy::unwrap_used)] // a test that cannot go on fails

mod support;

use std::{
    fs,
    os::unix::process::ExitStatusExt as _,
    panic::{self, AssertUnwindSafe},
    path::Path,
    process::Stdio,
    thread,
    time::Duration,
};

use serde_json::json;
use support::{
    cluster::{Cluster, assert_same},
    larder::Larder,
    relay::{Counted, Relay},
    tools::{RESTICS, Restic},
    until,
};

const INDEX: &str = "larder-killed";
/// Documents, and letters in each: 48 MB, of which 36 MB are left when compressed, two packs.
const DOCUMENTS: usize = 4_000;
const TEXT: usize = 12_000;
/// What a backup gets to see before it is killed: enough for a pack.
const READ: usize = 42 << 20;
/// What a restore gets to send before it is killed: more than the first two requests.
const WRITTEN: usize = 12 << 20;
/// How long a fact may take to show.
const PATIENCE: Duration = Duration::from_mins(1);

#[test]
fn killed_midway_the_next_run_succeeds_unaided() {
    thread::scope(|scope| {
        for cluster in Cluster::all() {
            thread::Builder::new().spawn_scoped(scope, move || ordeal(&cluster)).unwrap();
        }
    });
}

fn ordeal(cluster: &Cluster) {
    let folder = tempfile::tempdir().unwrap();
    let larder = Larder::on_new(folder.path()).with("LARDER_ELASTICSEARCH", &cluster.url);
    let settings = json!({ "number_of_shards": 1, "number_of_replicas": 0, "refresh_interval": "-1" });
    cluster.fill_with_text(INDEX, &settings, DOCUMENTS, TEXT);
    let documents = cluster.documents(INDEX);
    assert_eq!(documents.len(), DOCUMENTS, "{}", cluster.name);
    cluster.all_contexts_closed();
    let repository = folder.path().join("repository");

    kill_a_backup(cluster, &larder, &repository);
    let left_open = cluster.open_contexts();
    let saved = larder.summary(&["backup", "--index", INDEX]);
    assert_eq!(saved["documents"], DOCUMENTS, "{}: {saved}", cluster.name);
    until(PATIENCE, &format!("{}: the second backup's contexts closed", cluster.name), || {
        cluster.open_contexts() <= left_open
    });
    assert_eq!(larder.snapshots(), [saved["snapshot"].as_str().unwrap()], "{}", cluster.name);
    whole(cluster, &larder, &repository);

    // With its index, whatever the killed backup left open goes.
    cluster.delete(&[INDEX]);
    cluster.all_contexts_closed();
    kill_a_restore(cluster, &larder);
    larder.done(&["restore", "--on-conflict", "overwrite"]);
    assert_same(&cluster.documents(INDEX), &documents, &cluster.name);
    larder.done(&["check"]);
    cluster.delete(&[INDEX]);
}

/// Kills a backup that has read, and stored, most of the index.
fn kill_a_backup(cluster: &Cluster, larder: &Larder, repository: &Path) {
    let relay = Relay::start(&cluster.url, Counted::Answers, READ);
    let caught = larder.clone().with("LARDER_ELASTICSEARCH", &relay.url);
    killed(&caught, &["backup", "--index", INDEX], || {
        relay.until_held();
        until(PATIENCE, &format!("{}: a pack", cluster.name), || packs(repository) > 0);
        assert!(cluster.open_contexts() > 0, "{}: it was not reading", cluster.name);
    });
    assert_eq!(larder.snapshots(), [""; 0], "{}: half a backup is listed", cluster.name);
    // Nobody closes what a killed process had opened, so each was opened for a time.
    let asked = relay.asked();
    let openings = asked
        .iter()
        .filter(|line| line.contains("/_pit") || line.contains("point_in_time") || line.contains("scroll="));
    let (bounded, unbounded): (Vec<_>, Vec<_>) =
        openings.partition(|line| line.contains("keep_alive=600000ms") || line.contains("scroll=600000ms"));
    assert!(!bounded.is_empty() && unbounded.is_empty(), "{}: {asked:?}", cluster.name);
}

/// Kills a restore that has written some of the documents.
fn kill_a_restore(cluster: &Cluster, larder: &Larder) {
    let relay = Relay::start(&cluster.url, Counted::Requests, WRITTEN);
    let caught = larder.clone().with("LARDER_ELASTICSEARCH", &relay.url);
    killed(&caught, &["restore"], || {
        relay.until_held();
        until(PATIENCE, &format!("{}: some documents", cluster.name), || written(cluster) > 0);
    });
    let written = written(cluster);
    assert!((1..DOCUMENTS as u64).contains(&written), "{}: {written} documents were written", cluster.name);
    larder.fails(&["restore"], &[INDEX]);
}

/// Starts the program, waits for what shows that it is midway, and kills it.
fn killed(larder: &Larder, arguments: &[&str], midway: impl FnOnce()) {
    let mut child = larder.command(arguments).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let caught = panic::catch_unwind(AssertUnwindSafe(midway));
    let ended = child.try_wait().unwrap();
    child.kill().ok();
    // Whatever was found, no process of this test stays.
    caught.unwrap_or_else(|cause| panic::resume_unwind(cause));
    assert_eq!(ended, None, "{arguments:?} ended by itself");
    assert_eq!(child.wait().unwrap().signal(), Some(9), "{arguments:?} was not killed");
}

/// Larder and both versions of restic find nothing wrong.
fn whole(cluster: &Cluster, larder: &Larder, repository: &Path) {
    larder.done(&["check", "--read-data"]);
    for version in RESTICS {
        let restic = Restic::new(version, repository.to_str().unwrap());
        // It waits for locks of dead processes, which larder passes over; this removes those, and only those.
        restic.run(&["unlock"]);
        restic.check();
    }
    println!("{}: the repository is whole", cluster.name);
}

/// Documents that the index was given, visible or not.
fn written(cluster: &Cluster) -> u64 {
    cluster.get(&[INDEX, "_stats", "indexing"])["_all"]["primaries"]["indexing"]["index_total"].as_u64().unwrap_or(0)
}

fn packs(repository: &Path) -> usize {
    let folders = fs::read_dir(repository.join("data")).unwrap();
    folders.map(|folder| fs::read_dir(folder.unwrap().path()).map_or(0, Iterator::count)).sum()
}
