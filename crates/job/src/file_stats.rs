//! How many files of a snapshot are new, other than, or the same as in the snapshot before it. Stash's users have it in statuses and
//! metrics.

use std::collections::BTreeMap;

use api::backup_session::FileStats;
use repository::{Entry, EntryKind, Id, Repository, Result, Snapshot};

/// Compares a snapshot with the one before it of the same host and paths.
pub(crate) fn of(repository: &Repository, snapshot: &Snapshot) -> Result<FileStats> {
    let before = repository.snapshots()?.into_iter().rev().find(|other| {
        other.id != snapshot.id
            && other.hostname == snapshot.hostname
            && other.paths == snapshot.paths
            && other.time <= snapshot.time
    });
    let reader = repository.reader()?;
    let now = reader.entries(snapshot)?;
    let before = before.map(|before| reader.entries(&before)).transpose()?;
    Ok(compare(&now, &before.unwrap_or_default()))
}

fn compare(now: &[Entry], before: &[Entry]) -> FileStats {
    let files = |entries: &[Entry]| -> BTreeMap<String, Option<Id>> {
        let files = entries.iter().filter(|entry| entry.kind == EntryKind::File);
        files.map(|entry| (entry.path.clone(), entry.content)).collect()
    };
    let (now, before) = (files(now), files(before));
    let (mut new, mut modified, mut unmodified) = (0, 0, 0);
    for (path, content) in &now {
        match before.get(path) {
            None => new += 1,
            Some(old) if old == content => unmodified += 1,
            Some(_) => modified += 1,
        }
    }
    FileStats {
        total_files: i64::try_from(now.len()).ok(),
        new_files: Some(new),
        modified_files: Some(modified),
        unmodified_files: Some(unmodified),
    }
}
