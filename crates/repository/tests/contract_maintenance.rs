//! Forget and prune: the same decisions as restic, nothing lost, and whole repositories afterwards.
#![allow(clippy::unwrap_used, clippy::cast_possible_truncation, reason = "a test that cannot go on fails")]

mod support;

use std::{collections::BTreeSet, io::Read, path::Path, time::Duration};

use jiff::{SignedDuration, ToSpan, Zoned};
use repository::{
    Error, FileSpec, ForgetOptions, Format, Keep, Lock, LockKind, PruneOptions, Repository, SnapshotSpec, WriterOptions,
};
use support::{
    local, random, segment, spec,
    tools::{RESTICS, Restic},
};

fn exclusive(repository: &Repository) -> Lock {
    repository.lock(LockKind::Exclusive, Duration::from_secs(10)).unwrap()
}

fn at_once() -> PruneOptions {
    PruneOptions { keep_marked: Duration::ZERO, max_unused_percent: 0, ..PruneOptions::default() }
}

/// Snapshots over more than two years, some hours apart, of two hosts, some of them tagged.
fn many_snapshots(repository: &Repository) {
    let start: Zoned = "2024-02-27T22:10:00+00:00[UTC]".parse().unwrap();
    for number in 0..90_i64 {
        let hours = number * 7 + number * number * 5 / 2;
        let writer = repository.writer(WriterOptions::default()).unwrap();
        let files = vec![FileSpec { path: "/data/a".to_owned(), segments: vec![segment(&writer, b"same")] }];
        let host = if number % 3 == 0 { "one" } else { "two" };
        let tags = if number % 11 == 0 { vec!["gold".to_owned(), "keep".to_owned()] } else { Vec::new() };
        let time = start.checked_add(SignedDuration::from_hours(hours)).unwrap();
        writer.finish(SnapshotSpec { hostname: host.to_owned(), tags, time, ..spec(files) }).unwrap();
    }
}

fn kept_by_restic(path: &Path, version: &str, arguments: &[&str]) -> BTreeSet<String> {
    let restic = Restic::new(version, path.to_str().unwrap());
    let mut all = vec!["forget", "--dry-run", "--json"];
    all.extend(arguments);
    let output = restic.run(&all);
    let start = output.find('[').unwrap();
    let groups: serde_json::Value =
        serde_json::Deserializer::from_str(&output[start..]).into_iter().next().unwrap().unwrap();
    let kept =
        groups.as_array().unwrap().iter().flat_map(|group| group["keep"].as_array().cloned().unwrap_or_default());
    kept.map(|snapshot| snapshot["id"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn a_policy_keeps_what_restic_keeps() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("repo");
    let repository = Repository::init(&local(&path), Format::V2).unwrap();
    many_snapshots(&repository);
    let policies: Vec<(&[&str], Keep)> = vec![
        (&["--keep-last", "5"], Keep { last: Some(5), ..Keep::default() }),
        (&["--keep-hourly", "7"], Keep { hourly: Some(7), ..Keep::default() }),
        (&["--keep-daily", "12", "--keep-last", "2"], Keep { daily: Some(12), last: Some(2), ..Keep::default() }),
        (&["--keep-weekly", "20"], Keep { weekly: Some(20), ..Keep::default() }),
        (
            &["--keep-monthly", "40", "--keep-yearly", "9"],
            Keep { monthly: Some(40), yearly: Some(9), ..Keep::default() },
        ),
        (&["--keep-yearly", "2"], Keep { yearly: Some(2), ..Keep::default() }),
        (&["--keep-within", "90d"], Keep { within: Some(90.days()), ..Keep::default() }),
        (
            &["--keep-within-daily", "1y2m", "--keep-last", "1"],
            Keep { within_daily: Some(1.year().months(2)), last: Some(1), ..Keep::default() },
        ),
        (
            &["--keep-within-monthly", "2y", "--keep-within-hourly", "40d"],
            Keep { within_monthly: Some(2.years()), within_hourly: Some(40.days()), ..Keep::default() },
        ),
        (&["--keep-within-weekly", "6m"], Keep { within_weekly: Some(6.months()), ..Keep::default() }),
        (&["--keep-within-yearly", "3y"], Keep { within_yearly: Some(3.years()), ..Keep::default() }),
        (
            &["--keep-tag", "gold,keep", "--keep-last", "1"],
            Keep { tags: vec![vec!["gold".to_owned(), "keep".to_owned()]], last: Some(1), ..Keep::default() },
        ),
    ];
    for (arguments, keep) in policies {
        let report = repository.forget(&ForgetOptions { keep, dry_run: true, ..ForgetOptions::default() }).unwrap();
        let ours: BTreeSet<String> = report.kept.iter().map(|(snapshot, _)| snapshot.id.to_string()).collect();
        assert_eq!(ours.len() + report.removed.len(), 90);
        assert!(report.kept.iter().all(|(_, reasons)| !reasons.is_empty()));
        assert_eq!(ours, kept_by_restic(&path, RESTICS[1], arguments), "{arguments:?}");
    }
    assert_eq!(repository.snapshots().unwrap().len(), 90, "a dry run removes nothing");

    let keep = Keep { tags: vec![vec!["absent".to_owned()]], ..Keep::default() };
    let all = repository.forget(&ForgetOptions { keep, ..ForgetOptions::default() });
    assert!(matches!(all, Err(Error::Option { .. })), "a policy that keeps nothing is refused");
    assert!(repository.forget(&ForgetOptions::default()).unwrap().removed.is_empty(), "no policy removes nothing");
}

#[test]
fn pruning_frees_what_nobody_needs_and_keeps_the_rest_readable() {
    for format in [Format::V1, Format::V2] {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("repo");
        let repository = Repository::init(&local(&path), format).unwrap();
        let (shared, old, new) = (random(8 << 20, 1), random(8 << 20, 2), random(8 << 20, 3));
        let save = |parts: [&[u8]; 2]| {
            let writer = repository.writer(WriterOptions { pack_size: 2 << 20, ..WriterOptions::default() }).unwrap();
            let segments = parts.iter().map(|part| segment(&writer, part)).collect();
            writer.finish(spec(vec![FileSpec { path: "/data/a".to_owned(), segments }])).unwrap().snapshot
        };
        let first = save([&shared, &old]);
        let second = save([&shared, &new]);
        let before = repository.stats().unwrap();

        let lock = exclusive(&repository);
        let dry = ForgetOptions { remove: vec![first.short_id()], dry_run: true, ..ForgetOptions::default() };
        assert_eq!(repository.forget(&dry).unwrap().removed.len(), 1);
        assert_eq!(repository.snapshots().unwrap().len(), 2);
        repository.forget(&ForgetOptions { dry_run: false, ..dry }).unwrap();
        let planned = repository.prune(&lock, &PruneOptions { dry_run: true, ..at_once() }).unwrap();
        assert_eq!(repository.stats().unwrap().packs, before.packs, "a dry run removes nothing");
        assert!(planned.bytes_unused >= 8 << 20, "{planned:?}");
        let report = repository.prune(&lock, &at_once()).unwrap();
        assert!(report.bytes_freed >= 8 << 20, "{report:?}");
        drop(lock);

        let after = repository.stats().unwrap();
        assert!(after.pack_bytes + (8 << 20) <= before.pack_bytes, "{before:?} {after:?}");
        let reader = repository.reader().unwrap();
        let mut content = Vec::new();
        reader.open(&reader.file(&second, "/data/a").unwrap()).read_to_end(&mut content).unwrap();
        assert!(content == [shared, new].concat());
        let checked = repository.check(true, &|_| ()).unwrap();
        assert!(checked.is_clean() && checked.warnings.is_empty(), "{checked:?}");
        for version in RESTICS {
            Restic::new(version, path.to_str().unwrap()).check();
        }
    }
}

#[test]
fn packs_go_in_two_phases_and_come_back_when_they_are_needed_again() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("repo");
    let repository = Repository::init(&local(&path), Format::V2).unwrap();
    let data = random(6 << 20, 1);
    let kept = support::save(&repository, &[("/data/kept", &random(3 << 20, 2))]);
    let saved = support::save(&repository, &[("/data/a", &data)]);
    let packs = repository.stats().unwrap().packs;
    let lock = exclusive(&repository);
    let remove = vec![saved.snapshot.id.to_string()];
    repository.forget(&ForgetOptions { remove, ..ForgetOptions::default() }).unwrap();
    let marking = PruneOptions { max_unused_percent: 0, ..PruneOptions::default() };
    let report = repository.prune(&lock, &marking).unwrap();
    assert!(report.packs_unneeded > 0, "{report:?}");
    let stats = repository.stats().unwrap();
    assert!(stats.packs >= packs && stats.packs_marked > 0, "{stats:?}");
    let checked = repository.check(true, &|_| ()).unwrap();
    assert!(checked.is_clean(), "{checked:?}");
    for version in RESTICS {
        Restic::new(version, path.to_str().unwrap()).run(&["--no-lock", "check", "--read-data"]);
    }

    // A marked blob does not count as stored: it is stored again, not relied on.
    let again = support::save(&repository, &[("/data/a", &data)]);
    assert!(again.data_blobs_new > 0);
    repository.prune(&lock, &at_once()).unwrap();
    drop(lock);
    let checked = repository.check(true, &|_| ()).unwrap();
    assert!(checked.is_clean(), "{checked:?}");
    assert_eq!(checked.snapshots, 2);
    let reader = repository.reader().unwrap();
    for (snapshot, path) in [(&kept.snapshot, "/data/kept"), (&again.snapshot, "/data/a")] {
        let mut content = Vec::new();
        reader.open(&reader.file(snapshot, path).unwrap()).read_to_end(&mut content).unwrap();
    }
}

#[test]
fn prune_wants_an_exclusive_lock_that_is_still_held() {
    let folder = tempfile::tempdir().unwrap();
    let repository = Repository::init(&local(folder.path()), Format::V2).unwrap();
    let shared = repository.lock(LockKind::Shared, Duration::ZERO).unwrap();
    assert!(matches!(repository.prune(&shared, &at_once()), Err(Error::Option { .. })));
    drop(shared);
    let lost = exclusive(&repository);
    repository.unlock(true).unwrap();
    assert!(matches!(repository.prune(&lost, &at_once()), Err(Error::LockLost { .. })));
}

#[test]
fn restic_prunes_what_we_wrote_and_we_prune_what_restic_wrote() {
    let folder = tempfile::tempdir().unwrap();
    for version in RESTICS {
        let path = folder.path().join(version);
        let repository = Repository::init(&local(&path), Format::V2).unwrap();
        let restic = Restic::new(version, path.to_str().unwrap());
        let file = folder.path().join("file");
        for seed in 0..3 {
            support::save(&repository, &[("/data/a", &random(4 << 20, seed))]);
            std::fs::write(&file, random(4 << 20, 100 + seed)).unwrap();
            restic.run(&["backup", file.to_str().unwrap()]);
        }
        restic.run(&["forget", "--keep-last", "2", "--prune"]);
        assert_eq!(repository.snapshots().unwrap().len(), 4);
        let report = repository.check(true, &|_| ()).unwrap();
        assert!(report.is_clean() && report.warnings.is_empty(), "{report:?}");

        let lock = exclusive(&repository);
        let keep = Keep { last: Some(1), ..Keep::default() };
        assert_eq!(repository.forget(&ForgetOptions { keep, ..ForgetOptions::default() }).unwrap().removed.len(), 2);
        repository.prune(&lock, &at_once()).unwrap();
        drop(lock);
        restic.check();
    }
}
