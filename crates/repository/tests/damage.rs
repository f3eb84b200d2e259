//! Every damage to every kind of file is found by a check, and reading never gives wrong bytes.
#![allow(clippy::unwrap_used, clippy::cast_possible_truncation, reason = "a test that cannot go on fails")]

mod support;

use std::{
    fs,
    io::Read,
    path::{Path, PathBuf},
};

use rand::{Rng, SeedableRng, rngs::StdRng};
use repository::{Format, Repository, SnapshotQuery};
use support::{local, log_lines, random, save};

const SEEDS: u64 = 60;

#[derive(Debug, Clone, Copy)]
enum Damage {
    Flip,
    Truncate,
    Delete,
}

/// Files of one kind, in a stable order.
fn files(repository: &Path, kind: &str) -> Vec<PathBuf> {
    if kind == "config" {
        return vec![repository.join("config")];
    }
    let mut found = Vec::new();
    let mut todo = vec![repository.join(kind)];
    while let Some(folder) = todo.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() { todo.push(path) } else { found.push(path) }
        }
    }
    found.sort();
    found
}

fn apply(damage: Damage, file: &Path, random: &mut StdRng) {
    let mut content = fs::read(file).unwrap();
    let at = random.next_u64() as usize % content.len();
    match damage {
        Damage::Flip => content[at] ^= 1 << (random.next_u32() % 8),
        Damage::Truncate => content.truncate(at),
        Damage::Delete => return fs::remove_file(file).unwrap(),
    }
    fs::write(file, content).unwrap();
}

/// The bytes of both files, or an error anywhere on the way.
fn read_all(repository: &Repository) -> Result<[Vec<u8>; 2], String> {
    let snapshot = repository.find(&SnapshotQuery::latest()).map_err(|error| error.chain())?;
    let reader = repository.reader().map_err(|error| error.chain())?;
    let mut contents = [Vec::new(), Vec::new()];
    for (path, content) in ["/data/logs.json", "/data/noise.json"].into_iter().zip(&mut contents) {
        let file = reader.file(&snapshot, path).map_err(|error| error.chain())?;
        reader.open(&file).read_to_end(content).map_err(|error| error.to_string())?;
    }
    Ok(contents)
}

fn errors(repository: &Repository) -> Vec<String> {
    repository.check(true, &|_| ()).unwrap().errors
}

#[test]
fn every_damage_is_found_and_nothing_wrong_is_read() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("repo");
    let repository = Repository::init(&local(&path), Format::V2).unwrap();
    let expected = [log_lines(2 << 20, 1), random(1 << 20, 2)];
    save(&repository, &[("/data/logs.json", &expected[0]), ("/data/noise.json", &expected[1])]);
    assert_eq!(errors(&repository), Vec::<String>::new());
    assert!(read_all(&repository).unwrap() == expected);

    for kind in ["config", "keys", "index", "data", "snapshots"] {
        for damage in [Damage::Flip, Damage::Truncate, Damage::Delete] {
            let seeds = if matches!(damage, Damage::Delete) { files(&path, kind).len() as u64 } else { SEEDS };
            for seed in 0..seeds {
                let mut random = StdRng::seed_from_u64(seed);
                let files = files(&path, kind);
                let file = &files[seed as usize % files.len()];
                let original = fs::read(file).unwrap();
                apply(damage, file, &mut random);

                let what = format!("{damage:?} of {} (seed {seed})", file.display());
                let found = errors(&repository);
                // A snapshot that is gone looks like one that was forgotten, a key like one that was removed: no check can
                // tell, but for the last key, without which nobody could open the repository again.
                if !(kind == "snapshots" && matches!(damage, Damage::Delete)) {
                    assert!(!found.is_empty(), "{what} was not found");
                }
                if let Ok(contents) = read_all(&repository) {
                    assert!(contents == expected, "{what} gave wrong bytes");
                }
                // Opening derives a key, which takes a while.
                if matches!(kind, "config" | "keys") && seed < 3 {
                    assert!(Repository::open(&local(&path)).is_err(), "{what} let the repository be opened");
                }
                fs::write(file, original).unwrap();
            }
        }
    }
    assert_eq!(errors(&repository), Vec::<String>::new());
}

#[test]
fn a_blob_under_anothers_place_in_the_index_is_not_taken_for_it() {
    // The pack is right, only two blobs of the same length are exchanged in it: as a pack it is damaged.
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("repo");
    let repository = Repository::init(&local(&path), Format::V1).unwrap();
    let expected = [random(300_000, 1), random(300_000, 2)];
    save(&repository, &[("/data/logs.json", &expected[0]), ("/data/noise.json", &expected[1])]);
    let data = files(&path, "data").into_iter().max_by_key(|file| fs::metadata(file).unwrap().len()).unwrap();
    let mut content = fs::read(&data).unwrap();
    let length = 300_000 + 32;
    let (one, other) = content.split_at_mut(length);
    one.swap_with_slice(&mut other[..length]);
    fs::write(&data, content).unwrap();
    assert!(!errors(&repository).is_empty());
    assert!(read_all(&repository).is_err());
}
