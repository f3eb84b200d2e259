//! restic reads what we wrote, and we read what restic wrote, in both formats, with restic 0.14 and 0.18.1.
#![allow(clippy::unwrap_used, clippy::cast_possible_truncation, reason = "a test that cannot go on fails")]

mod support;

use std::{
    fs,
    io::Read,
    path::{Path, PathBuf},
};

use repository::{EntryKind, Format, Repository, Snapshot, SnapshotQuery};
use support::{
    local, log_lines, random, save,
    tools::{RESTICS, Restic},
};

fn restic(version: &str, repository: &Path) -> Restic {
    Restic::new(version, repository.to_str().unwrap())
}

fn content(repository: &Repository, snapshot: &Snapshot, path: &str) -> Vec<u8> {
    let reader = repository.reader().unwrap();
    let file = reader.file(snapshot, path).unwrap();
    let mut content = Vec::new();
    reader.open(&file).read_to_end(&mut content).unwrap();
    content
}

/// Every version that can make the format, on a new repository each.
fn repositories_of_restic(folder: &Path) -> Vec<(String, PathBuf)> {
    let mut made = Vec::new();
    for version in RESTICS {
        for format in ["1", "2"] {
            let name = format!("{version}-v{format}");
            let path = folder.join(&name);
            restic(version, &path).run(&["init", "--repository-version", format]);
            made.push((name, path));
        }
    }
    made
}

#[test]
fn restic_checks_lists_and_restores_what_we_wrote_in_both_formats() {
    for format in [Format::V1, Format::V2] {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("repo");
        let repository = Repository::init(&local(&path), format).unwrap();
        let (logs, noise) = (log_lines(30 << 20, 1), random(20 << 20, 2));
        let files: [(&str, &[u8]); 5] = [
            ("/stash-interim-volume/data/logs.json", &logs),
            ("/stash-interim-volume/data/noise.json", &noise),
            ("/stash-interim-volume/data/empty.json", b""),
            ("/stash-interim-volume/data/größe \"x\\y\"\t.json", b"odd name"),
            ("/stash-interim-volume/larder/manifest", b"{}"),
        ];
        let saved = save(&repository, &files);
        for version in RESTICS {
            let restic = restic(version, &path);
            restic.check();
            let listing = restic.run(&["ls", "latest"]);
            let stats: serde_json::Value =
                serde_json::from_str(&restic.run(&["stats", "--json", "--mode", "restore-size", "latest"])).unwrap();
            assert_eq!(stats["total_size"], saved.bytes_processed, "{version}: {listing}");
            let target = folder.path().join(format!("restored-by-{version}"));
            restic.run(&["restore", "latest", "--target", target.to_str().unwrap()]);
            for (path, data) in files {
                let restored = target.join(path.trim_start_matches('/'));
                assert!(fs::read(&restored).unwrap() == data, "{} in {format:?}", restored.display());
            }
        }
    }
}

#[test]
fn we_read_what_restic_wrote_with_big_files_and_many_folders() {
    let folder = tempfile::tempdir().unwrap();
    let source = folder.path().join("source");
    let (big, logs) = (random(40 << 20, 1), log_lines(30 << 20, 2));
    for number in 0..300 {
        let inner = source.join(format!("{}/{}/{number}", number % 7, number % 31));
        fs::create_dir_all(&inner).unwrap();
        fs::write(inner.join("small"), number.to_string()).unwrap();
    }
    fs::write(source.join("big"), &big).unwrap();
    fs::write(source.join("logs \"\\ü\n.json"), &logs).unwrap();
    fs::write(source.join("empty"), "").unwrap();
    std::os::unix::fs::symlink("big", source.join("link")).unwrap();

    for (name, path) in repositories_of_restic(folder.path()) {
        let version = name.rsplit_once('-').unwrap().0;
        restic(version, &path).run(&["backup", "--host", "host-0", "--tag", "a,b", source.to_str().unwrap()]);
        let repository = Repository::open(&local(&path)).unwrap();
        let query = SnapshotQuery {
            host: Some("host-0".to_owned()),
            tags: vec!["b".to_owned()],
            path: Some(source.to_str().unwrap().to_owned()),
            ..SnapshotQuery::latest()
        };
        let snapshot = repository.find(&query).unwrap();
        let root = source.to_str().unwrap();
        assert!(content(&repository, &snapshot, &format!("{root}/big")) == big, "{name}");
        assert!(content(&repository, &snapshot, &format!("{root}/logs \"\\ü\n.json")) == logs, "{name}");
        assert!(content(&repository, &snapshot, &format!("{root}/empty")).is_empty(), "{name}");
        let entries = repository.reader().unwrap().entries(&snapshot).unwrap();
        let small = entries.iter().filter(|entry| entry.path.ends_with("/small")).count();
        assert_eq!(small, 300, "{name}");
        assert!(entries.iter().any(|entry| entry.path.ends_with("/link") && entry.kind == EntryKind::Other), "{name}");
        assert!(entries.is_sorted_by_key(|entry| &entry.path), "{name}");
        let report = repository.check(true, &|_| ()).unwrap();
        assert!(report.is_clean() && report.warnings.is_empty(), "{name}: {report:?}");
    }
}

#[test]
fn chunks_of_restic_and_ours_are_the_same_in_both_directions() {
    let folder = tempfile::tempdir().unwrap();
    let (logs, noise) = (log_lines(60 << 20, 3), random(60 << 20, 4));
    let source = folder.path().join("source");
    fs::create_dir(&source).unwrap();
    fs::write(source.join("logs"), &logs).unwrap();
    fs::write(source.join("noise"), &noise).unwrap();
    for (name, path) in repositories_of_restic(folder.path()) {
        let version = name.rsplit_once('-').unwrap().0;
        let restic = restic(version, &path);
        restic.run(&["backup", source.to_str().unwrap()]);
        let repository = Repository::open(&local(&path)).unwrap();
        let saved = save(&repository, &[("/logs", &logs), ("/noise", &noise)]);
        assert_eq!(saved.data_blobs_new, 0, "{name}: after restic, we have nothing to add");
        restic.check();
    }

    let path = folder.path().join("ours");
    save(&Repository::init(&local(&path), Format::V2).unwrap(), &[("/logs", &logs), ("/noise", &noise)]);
    let output = restic(RESTICS[1], &path).run(&["backup", "--json", source.to_str().unwrap()]);
    let summary: serde_json::Value = serde_json::from_str(output.lines().last().unwrap()).unwrap();
    assert_eq!(summary["data_blobs"], 0, "after us, restic has nothing to add: {summary}");
}

#[test]
fn we_append_to_what_restic_made_and_restic_to_what_we_made() {
    let folder = tempfile::tempdir().unwrap();
    let data = log_lines(10 << 20, 5);
    for (name, path) in repositories_of_restic(folder.path()) {
        let version = name.rsplit_once('-').unwrap().0;
        let repository = Repository::open(&local(&path)).unwrap();
        save(&repository, &[("/data/logs.json", &data)]);
        let file = folder.path().join(format!("{name}.json"));
        fs::write(&file, random(3 << 20, 6)).unwrap();
        let restic = restic(version, &path);
        restic.run(&["backup", file.to_str().unwrap()]);
        restic.check();
        let snapshots = repository.snapshots().unwrap();
        assert_eq!(snapshots.len(), 2, "{name}");
        let ours = snapshots.iter().find(|snapshot| snapshot.hostname == "host-0").unwrap();
        assert!(content(&repository, ours, "/data/logs.json") == data, "{name}");
        let theirs = snapshots.iter().find(|snapshot| snapshot.hostname != "host-0").unwrap();
        assert!(content(&repository, theirs, file.to_str().unwrap()) == fs::read(&file).unwrap(), "{name}");
    }
}

#[test]
fn keys_of_either_open_the_repository_of_the_other() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("repo");
    let access = local(&path);
    let repository = Repository::init(&access, Format::V2).unwrap();
    let added = repository.add_key(&"second".to_owned().into()).unwrap();
    let second = repository::Access { password: "second".to_owned().into(), ..access };
    let keys = Repository::open(&second).unwrap().keys().unwrap();
    assert_eq!(keys.len(), 2);
    assert!(keys.iter().any(|key| key.id == added && key.current));
    let in_use = Repository::open(&second).unwrap().remove_key(&added.to_string());
    assert!(matches!(in_use, Err(repository::Error::KeyInUse { .. })));

    for version in RESTICS {
        let restic = restic(version, &path);
        let listed: serde_json::Value = serde_json::from_str(&restic.run(&["key", "list", "--json"])).unwrap();
        assert_eq!(listed.as_array().unwrap().len(), 2, "{listed}");
        let secret = folder.path().join("secret");
        fs::write(&secret, format!("by {version}")).unwrap();
        restic.run(&["key", "add", "--new-password-file", secret.to_str().unwrap()]);
        let by_restic = repository::Access { password: format!("by {version}").into(), ..second.clone() };
        let opened = Repository::open(&by_restic).unwrap();
        let id = opened.keys().unwrap().into_iter().find(|key| key.current).unwrap().id;
        repository.remove_key(&id.to_string()[..16]).unwrap();
        assert!(matches!(Repository::open(&by_restic), Err(repository::Error::WrongPassword { .. })));
    }
}
