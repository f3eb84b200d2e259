//! What the program does with repositories, in folders of both formats, in a real S3 server and in a real rest-server:
//! `LARDER_TEST_S3`, `LARDER_TEST_S3_KEY`, `LARDER_TEST_S3_SECRET` and `LARDER_TEST_REST` say where they are. restic must agree
//! each time.

#![allow(clippy::unwrap_used)] // a test that cannot go on fails

mod support;

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::Stdio,
    thread,
    time::Duration,
};

use serde_json::json;
use support::{
    PASSWORD,
    cluster::{Cluster, assert_same},
    larder::Larder,
    tools::{REST_PASSWORD, REST_USER, RESTICS, RestServer, Restic},
};

/// An index of `documents` documents on the 7.14.0; it is gone when this goes.
struct Sample {
    cluster: Cluster,
    index: String,
}

impl Sample {
    fn new(name: &str, documents: u64) -> Self {
        let sample = Self { cluster: Cluster::named("7.14.0"), index: format!("larder-repository-{name}") };
        sample.cluster.delete(&[&sample.index]);
        let settings = json!({ "number_of_shards": 2, "number_of_replicas": 0 });
        sample.cluster.create(&sample.index, &settings, &json!({ "dynamic": false }), &json!({}));
        sample.add(0, documents);
        sample
    }

    fn add(&self, from: u64, until: u64) {
        let bulk = samples::Bulk {
            set: samples::Set::HttpLogs,
            seed: 5,
            index: &self.index,
            document_type: None,
            ids: samples::Ids::Number,
            routing_every: 0,
        };
        let mut lines = Vec::new();
        (from..until).for_each(|n| bulk.lines(n, &mut lines));
        self.cluster.bulk(&self.index, String::from_utf8(lines).unwrap());
        self.cluster.refresh(&self.index);
    }

    /// The program with this cluster.
    fn with(&self, larder: Larder) -> Larder {
        larder.with("LARDER_ELASTICSEARCH", &self.cluster.url)
    }

    fn backup(&self, larder: &Larder) -> String {
        let saved = larder.summary(&["backup", "--index", &self.index]);
        saved["snapshot"].as_str().unwrap().to_owned()
    }

    /// Saves, deletes, restores, compares, proves.
    fn round_trip(&self, larder: &Larder) {
        let documents = self.cluster.documents(&self.index);
        self.backup(larder);
        self.cluster.delete(&[&self.index]);
        larder.done(&["restore", "--skip", "templates,pipelines"]);
        assert_same(&self.cluster.documents(&self.index), &documents, &self.index);
        larder.done(&["verify", "latest", "--against", &self.cluster.url]);
        larder.done(&["check", "--read-data"]);
    }
}

impl Drop for Sample {
    fn drop(&mut self) {
        if !thread::panicking() {
            self.cluster.delete(&[&self.index]);
        }
    }
}

fn local(folder: &Path) -> String {
    folder.join("repository").to_str().unwrap().to_owned()
}

fn variable(name: &str) -> String {
    env::var(name).unwrap_or_else(|_| panic!("{name} must be set"))
}

/// A name that nobody else has.
fn unique() -> String {
    let folder = tempfile::tempdir().unwrap();
    let name = folder.path().file_name().unwrap().to_str().unwrap().to_lowercase();
    name.chars().filter(char::is_ascii_alphanumeric).collect()
}

/// Files below a folder.
fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { found.extend(files(&path)) } else { found.push(path) }
    }
    found
}

#[test]
fn what_is_saved_to_s3_comes_back_and_restic_sees_it() {
    let (server, key, secret) =
        (variable("LARDER_TEST_S3"), variable("LARDER_TEST_S3_KEY"), variable("LARDER_TEST_S3_SECRET"));
    let sample = Sample::new("s3", 2_000);
    for prefix in ["", "/some/where"] {
        let location = format!("s3:{server}/larder-{}{prefix}", unique());
        let larder = sample.with(Larder::on(&location));
        larder.fails(&["snapshots"], &["larder-"]);
        let larder = larder.with("AWS_ACCESS_KEY_ID", &key).with("AWS_SECRET_ACCESS_KEY", &secret);
        larder.done(&["init"]);
        larder.fails(&["init"], &[&location]);
        sample.round_trip(&larder);
        for version in RESTICS {
            let restic = Restic::new(version, location.as_str()).with_s3(&key, &secret);
            restic.check();
            assert!(restic.run(&["snapshots"]).contains("host-0"));
        }
        let refused = larder.with("AWS_SECRET_ACCESS_KEY", "not-the-secret").fails(&["snapshots"], &["larder-"]);
        assert!(!refused.said("not-the-secret"), "{refused:?}");
    }
}

#[test]
fn what_is_saved_to_rest_comes_back_and_restic_sees_it() {
    let sample = Sample::new("rest", 2_000);
    let location = format!("rest:{}/larder-{}/", variable("LARDER_TEST_REST"), unique());
    let larder = sample.with(Larder::on(&location));
    larder.fails(&["snapshots"], &[&location]);
    larder.done(&["init"]);
    larder.fails(&["init"], &[&location]);
    sample.round_trip(&larder);
    for version in RESTICS {
        let restic = Restic::new(version, location.as_str());
        restic.check();
        assert!(restic.run(&["snapshots"]).contains("host-0"));
    }
}

#[test]
fn the_login_of_a_rest_server_is_taken_from_the_address_or_as_restic_takes_it() {
    let server = RestServer::with_login(&[]);
    let at = |login: &str| format!("rest:http://{login}{}/repo/", server.address());
    let larder = Larder::on(&at(""));
    larder.fails(&["init"], &[&at(""), "401"]);
    let with_login = larder.with("RESTIC_REST_USERNAME", REST_USER).with("RESTIC_REST_PASSWORD", REST_PASSWORD);
    with_login.done(&["init"]);
    Larder::on(&at("es:p%2Fw%3Ax%40y@")).done(&["snapshots"]);
    for wrong in [with_login.clone().with("RESTIC_REST_PASSWORD", "not-it"), Larder::on(&at("es:not-it@"))] {
        let refused = wrong.fails(&["snapshots", "-vv"], &[&at(""), "401"]);
        assert!(!refused.said("not-it"), "{refused:?}");
    }
    let senseless = Larder::on("rest:es:not-it@host/").run(&["snapshots"]).expect(2, "no scheme");
    assert!(senseless.said("http://") && !senseless.said("not-it"), "{senseless:?}");
}

#[test]
fn both_formats_are_written_and_seen_by_restic() {
    let sample = Sample::new("formats", 2_000);
    for format in ["1", "2"] {
        let folder = tempfile::tempdir().unwrap();
        let larder = sample.with(Larder::on(&local(folder.path())));
        larder.done(&["init", "--format", format]);
        sample.round_trip(&larder);
        for version in RESTICS {
            let restic = Restic::new(version, local(folder.path()));
            restic.check();
            assert!(restic.run(&["cat", "config"]).contains(&format!("\"version\": {format}")), "{version}");
            assert!(
                restic.run(&["ls", "latest"]).contains(&format!("/stash-interim-volume/data/{}.json", sample.index))
            );
        }
        for version in RESTICS {
            let folder = tempfile::tempdir().unwrap();
            Restic::new(version, local(folder.path())).run(&["init", "--repository-version", format]);
            sample.round_trip(&sample.with(Larder::on(&local(folder.path()))));
            Restic::new(version, local(folder.path())).check();
        }
    }
}

#[test]
fn restics_variables_say_where_and_with_what_password() {
    let folder = tempfile::tempdir().unwrap();
    let (location, name) = (local(folder.path()), |name: &str| folder.path().join(name).to_str().unwrap().to_owned());
    Larder::on(&location).done(&["init"]);
    fs::write(name("password"), format!("{PASSWORD}\n")).unwrap();
    fs::write(name("where"), format!("{location}\n")).unwrap();
    let at = Larder::bare().with("RESTIC_REPOSITORY", &location);
    let command = format!("cat '{}'", name("password"));
    let ways = [
        at.clone().with("RESTIC_PASSWORD", PASSWORD),
        at.clone().with("RESTIC_PASSWORD_FILE", &name("password")),
        at.clone().with("RESTIC_PASSWORD_COMMAND", &command),
        at.clone().with("LARDER_PASSWORD", PASSWORD),
        at.clone().with("LARDER_PASSWORD_FILE", &name("password")),
        at.clone().with("LARDER_PASSWORD_COMMAND", &command),
        Larder::bare().with("RESTIC_REPOSITORY_FILE", &name("where")).with("RESTIC_PASSWORD", PASSWORD),
        // What is larder's own wins.
        at.clone().with("RESTIC_PASSWORD", "wrong").with("LARDER_PASSWORD_FILE", &name("password")),
        Larder::on(&location).with("RESTIC_REPOSITORY", "/nowhere"),
    ];
    for larder in ways {
        larder.done(&["snapshots"]);
    }
    at.done(&["snapshots", "--password-file", &name("password")]);
    at.done(&["snapshots", "--password-command", &command]);
    at.with("RESTIC_PASSWORD_COMMAND", "false").fails(&["snapshots"], &["false"]);
}

#[test]
fn a_repository_that_cannot_be_opened_is_told_clearly() {
    let folder = tempfile::tempdir().unwrap();
    let location = local(folder.path());
    let larder = Larder::on(&location);
    for command in [&["snapshots"][..], &["check"], &["show", "latest"], &["prune"], &["stats"], &["unlock"]] {
        larder.fails(command, &[&location]);
    }
    assert!(!folder.path().join("repository").exists(), "looking must not make anything");
    larder.done(&["init"]);
    let before = files(folder.path());
    larder.fails(&["init"], &[&location]);
    assert_eq!(files(folder.path()), before);
    larder.fails(&["show", "latest"], &["snapshot"]);
    larder.fails(&["show", "0123abcd"], &["0123abcd"]);

    let refused = larder.clone().with("RESTIC_PASSWORD", "tr0ub4dor").fails(&["snapshots", "-vv"], &["password"]);
    assert!(!refused.said("tr0ub4dor"), "{refused:?}");
    let none = larder.without("RESTIC_PASSWORD").run(&["snapshots"]).expect(2, "no password");
    assert!(none.said("RESTIC_PASSWORD"), "{none:?}");
    let nowhere = Larder::bare().with("RESTIC_PASSWORD", PASSWORD).run(&["snapshots"]).expect(2, "no repository");
    assert!(nowhere.said("RESTIC_REPOSITORY"), "{nowhere:?}");
}

#[test]
fn forgetting_and_pruning_leave_what_is_kept() {
    let (sample, folder) = (Sample::new("forget", 3_000), tempfile::tempdir().unwrap());
    let larder = sample.with(Larder::on_new(folder.path()));
    let first = sample.backup(&larder);
    sample.add(3_000, 4_000);
    let second = sample.backup(&larder);
    sample.add(4_000, 5_000);
    let third = sample.backup(&larder);

    larder.run(&["forget"]).expect(2, "no policy");
    larder.fails(&["forget", "--keep-last", "0"], &["every snapshot"]);
    larder.done(&["forget", "--keep-last", "1", "--dry-run"]);
    assert_eq!(larder.snapshots().len(), 3);
    larder.done(&["forget", &first]);
    assert_eq!(larder.snapshots(), [second.clone(), third.clone()]);
    larder.fails(&["forget", &first], &[&first[..8]]);
    larder.done(&["forget", "--keep-last", "1"]);
    assert_eq!(larder.snapshots(), std::slice::from_ref(&third));
    let before = larder.summary(&["stats"]);
    larder.done(&["prune", "--dry-run"]);
    assert_eq!(larder.summary(&["stats"]), before);
    larder.done(&["prune"]);
    let after = larder.summary(&["stats"]);
    assert!(after["data_blobs"].as_u64() < before["data_blobs"].as_u64(), "{before} {after}");
    for version in RESTICS {
        Restic::new(version, local(folder.path())).check();
    }
    larder.done(&["check", "--read-data"]);
    larder.done(&["verify", "latest", "--against", &sample.cluster.url]);

    sample.backup(&larder);
    let summaries = larder.objects(&["forget", "--keep-last", "1", "--prune"]);
    assert!(summaries.iter().any(|object| object["command"] == "prune"), "{summaries:?}");
    assert_eq!(larder.snapshots().len(), 1);
    larder.done(&["verify", "latest"]);
}

#[test]
fn keys_are_added_and_removed() {
    let folder = tempfile::tempdir().unwrap();
    let larder = Larder::on_new(folder.path());
    let ids = |larder: &Larder| {
        larder.objects(&["key", "list"]).iter().map(|key| key["id"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    let first = ids(&larder).remove(0);
    larder.run(&["key", "add"]).expect(2, "no new password");
    let added = larder.clone().with("LARDER_NEW_PASSWORD", "another horse").done(&["key", "add"]);
    assert!(!added.said("another horse"), "{added:?}");
    assert_eq!(ids(&larder).len(), 2);
    let other = larder.clone().with("RESTIC_PASSWORD", "another horse");
    larder.fails(&["key", "remove", &first], &[&first[..8]]);
    other.done(&["key", "remove", &first]);
    assert_eq!(ids(&other).len(), 1);
    larder.fails(&["snapshots"], &["password"]);
    let file = folder.path().join("new");
    fs::write(&file, format!("{PASSWORD}\n")).unwrap();
    other.done(&["key", "add", "--new-password-file", file.to_str().unwrap()]);
    Restic::new(RESTICS[0], local(folder.path())).run(&["snapshots"]);
    Restic::new(RESTICS[1], local(folder.path())).check();
}

#[test]
fn locks_of_the_dead_are_removed() {
    let folder = tempfile::tempdir().unwrap();
    let larder = Larder::on_new(folder.path());
    let locks = || files(&folder.path().join("repository/locks")).len();
    let mut restic = Restic::new(RESTICS[1], local(folder.path())).command(&["backup", "--stdin"]);
    let mut restic = restic.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    while locks() == 0 {
        assert!(restic.try_wait().unwrap().is_none(), "restic ended without a lock");
        thread::sleep(Duration::from_millis(20));
    }
    larder.fails(&["prune"], &["lock"]);
    assert_eq!(larder.summary(&["unlock"])["removed"], 0, "its owner lives");
    restic.kill().unwrap();
    restic.wait().unwrap();
    assert_eq!(locks(), 1);
    assert_eq!(larder.summary(&["unlock"])["removed"], 1);
    assert_eq!(locks(), 0);
    larder.done(&["prune"]);
}

#[test]
fn exported_files_are_what_cat_prints_and_ls_lists() {
    let (sample, folder) = (Sample::new("export", 500), tempfile::tempdir().unwrap());
    let larder = sample.with(Larder::on_new(folder.path()));
    sample.backup(&larder);
    let to = folder.path().join("exported");
    let told = larder.summary(&["export", "latest", "--to", to.to_str().unwrap()]);
    let exported = files(&to);
    assert_eq!(told["files"], exported.len(), "{told}");
    let listed = larder.objects(&["ls", "latest"]);
    assert_eq!(listed.len(), exported.len());
    for file in listed {
        let path = file["path"].as_str().unwrap();
        let content = fs::read(to.join(path.trim_start_matches('/'))).unwrap();
        assert_eq!(file["bytes"], content.len(), "{path}");
        let output = larder.command(&["cat", "latest", path]).output().unwrap();
        assert!(output.status.success() && output.stdout == content, "{path}");
    }
    let data = fs::read_to_string(to.join(format!("stash-interim-volume/data/{}.json", sample.index))).unwrap();
    assert_eq!(data.lines().count(), 500);
    larder.fails(&["export", "latest", "--to", to.to_str().unwrap()], &["exported"]);
    larder.fails(&["cat", "latest", "/no/such/file"], &["/no/such/file"]);
}

#[test]
fn diff_and_stats_tell_what_changed() {
    let (sample, folder) = (Sample::new("diff", 500), tempfile::tempdir().unwrap());
    let larder = sample.with(Larder::on_new(folder.path()));
    let first = sample.backup(&larder);
    let stats = larder.summary(&["stats"]);
    assert_eq!(stats["snapshots"], 1);
    let second = sample.backup(&larder);
    let of = |a: &str, b: &str| larder.objects(&["diff", a, b]).remove(0);
    assert_eq!(of(&first, &second)["change"], "same");
    assert!(larder.summary(&["stats"])["data_blobs"].as_u64() >= stats["data_blobs"].as_u64());
    sample.add(500, 600);
    let third = sample.backup(&larder);
    let changed = of(&first, &third);
    assert_eq!(changed["index"], sample.index, "{changed}");
    assert_eq!(changed["change"], "changed", "{changed}");
    assert_eq!((&changed["documents_before"], &changed["documents_after"]), (&json!(500), &json!(600)), "{changed}");
}

#[test]
fn a_flipped_byte_in_a_pack_is_found() {
    let (sample, folder) = (Sample::new("damage", 2_000), tempfile::tempdir().unwrap());
    let larder = sample.with(Larder::on_new(folder.path()));
    sample.backup(&larder);
    larder.done(&["check", "--read-data"]);
    let packs = files(&folder.path().join("repository/data"));
    let pack = packs.into_iter().max_by_key(|pack| fs::metadata(pack).unwrap().len()).unwrap();
    let mut bytes = fs::read(&pack).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    let mut permissions = fs::metadata(&pack).unwrap().permissions();
    #[allow(clippy::permissions_set_readonly_false, reason = "a file of this test, written by it")]
    permissions.set_readonly(false);
    fs::set_permissions(&pack, permissions).unwrap();
    fs::write(&pack, bytes).unwrap();

    let name = pack.file_name().unwrap().to_str().unwrap();
    larder.fails(&["check", "--read-data"], &[&name[..8], "DAMAGED"]);
    larder.fails(&["verify", "latest"], &[&sample.index]);
    sample.cluster.delete(&[&sample.index]);
    larder.fails(&["restore", "--skip", "templates,pipelines"], &[&sample.index, "FAILED"]);
}
