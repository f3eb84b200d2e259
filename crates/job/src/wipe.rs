//! `wipe-repository`: removes a repository with all that it holds, when its Repository goes that says `wipeOut`. Asks no API server:
//! the storage Secret is mounted, so that the pod needs no rights.

use std::path::{Path, PathBuf};

use crate::{
    binding::Keys,
    connect::{self, Backend},
    error::JobError,
    open, store, texts,
};

/// What is to be removed.
#[derive(Debug, Clone)]
pub struct Wipe {
    /// Where it lies.
    pub backend: Backend,
    /// Where the storage Secret is mounted.
    pub secret_dir: PathBuf,
}

/// Removes it. Where there is none, that is said.
///
/// # Errors
/// Where the password does not open it, or a file cannot be removed; the same again goes on with the rest.
pub async fn run(wipe: Wipe) -> Result<(), JobError> {
    let keys = mounted(&wipe.secret_dir)?;
    let opened_by = store::store(&wipe.backend.place, &wipe.backend.secret, &keys)?;
    // Nobody signs: no lock is taken.
    let access = connect::access(opened_by, "")?;
    let report = open::blocking(move || {
        repository::wipe(&access).map_err(|source| JobError::Repository { doing: "remove", source })
    })
    .await?;
    if report.files == 0 {
        tracing::info!("there is no repository any more");
    } else {
        tracing::info!(files = report.files, size = texts::size(report.bytes), "the repository is removed");
    }
    Ok(())
}

/// The keys of a Secret that is mounted. Names that begin with two dots are Kubernetes' own.
fn mounted(dir: &Path) -> Result<Keys, JobError> {
    let failed = |path: &Path, source| JobError::File { doing: "read", path: path.to_owned(), source };
    let mut keys = Keys::new();
    for entry in std::fs::read_dir(dir).map_err(|source| failed(dir, source))? {
        let entry = entry.map_err(|source| failed(dir, source))?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if !name.starts_with("..") {
            let content = std::fs::read(entry.path()).map_err(|source| failed(&entry.path(), source))?;
            keys.insert(name, content);
        }
    }
    Ok(keys)
}
