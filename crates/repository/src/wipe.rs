//! Removes a repository with all that it holds. Only restic's own files go: what else lies at its place stays.
//!
//! The configuration goes first, so that nobody opens what is half gone, and the key that the
//! password opens last, so that a wipe that was cut off can
//! be gone on with: nothing is removed that the password does not open.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use crate::{
    access::Access,
    backend::{Backend, FileKind, has_config},
    error::Result,
    id::Id,
    keys,
};

/// Files removed at once: each is a request whose answer is waited for.
const AT_ONCE: usize = 16;

/// The order after the configuration.
const ORDER: [FileKind; 5] = [FileKind::Snapshot, FileKind::Index, FileKind::Pack, FileKind::Lock, FileKind::Key];

/// What was removed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct WipeReport {
    /// Files, the configuration among them.
    pub files: u64,
    /// Their sizes together, without the configuration.
    pub bytes: u64,
}

/// Removes a repository and all its snapshots. Where there is none, nothing is done. Nobody may be at work in it.
///
/// # Errors
/// [`crate::Error::WrongPassword`] before anything is removed; [`crate::Error::Unreachable`] and [`crate::Error::Backend`] when
/// files could not be listed or removed: the same again goes on with the rest.
pub fn wipe(access: &Access) -> Result<WipeReport> {
    let backend = access.backend()?;
    let backend = &*backend;
    let listed = |kind| backend.list(kind).map(|files| (kind, files));
    let folders: Vec<(FileKind, Vec<(Id, u64)>)> = ORDER.into_iter().map(listed).collect::<Result<_, _>>()?;
    let config = has_config(backend)?;
    if !config && folders.iter().all(|(_, files)| files.is_empty()) {
        return Ok(WipeReport::default());
    }
    let (ours, _) = keys::unlock(backend, &backend.location(), &access.password)?;
    let mut report = WipeReport::default();
    if config {
        backend.remove(FileKind::Config, &Id::from_bytes([0; 32]))?;
        report.files += 1;
    }
    for (kind, mut files) in folders {
        report.files += files.len() as u64;
        report.bytes += files.iter().map(|(_, size)| size).sum::<u64>();
        files.retain(|(id, _)| *id != ours);
        remove(backend, kind, &files)?;
    }
    backend.remove(FileKind::Key, &ours)?;
    Ok(report)
}

/// Removes files side by side; at the first that fails no more are begun.
fn remove(backend: &dyn Backend, kind: FileKind, files: &[(Id, u64)]) -> Result<()> {
    let (next, done) = (AtomicUsize::new(0), AtomicU64::new(0));
    let work = || {
        while let Some((id, _)) = files.get(next.fetch_add(1, Ordering::Relaxed)) {
            if let Err(error) = backend.remove(kind, id) {
                next.store(files.len(), Ordering::Relaxed);
                return Err(error);
            }
            let done = done.fetch_add(1, Ordering::Relaxed) + 1;
            if done.is_multiple_of(1000) {
                tracing::info!(%kind, done, of = files.len(), "files removed");
            }
        }
        Ok(())
    };
    std::thread::scope(|scope| {
        let workers: Vec<_> = (0..AT_ONCE.min(files.len())).map(|_| scope.spawn(work)).collect();
        let outcomes =
            workers.into_iter().map(|worker| worker.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)));
        outcomes.collect::<Result<Vec<()>, _>>()
    })?;
    Ok(())
}
