//! `output.json`: written so that what reads it never finds half of it.

use std::{
    fs,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
};

use serde::Serialize;

use crate::error::JobError;

/// Other users' containers read it, under whatever user they run.
const MODE: u32 = 0o777;

/// Writes it into `folder`, which is made if it is not there.
pub(crate) fn write(folder: &Path, told: &impl Serialize) -> Result<(), JobError> {
    let path = file(folder);
    let failed = |source| JobError::File { doing: "write", path: path.clone(), source };
    let json = serde_json::to_vec(told).expect("what is told has a JSON form");
    fs::create_dir_all(folder).map_err(failed)?;
    let new = path.with_extension("json.new");
    fs::write(&new, json).map_err(failed)?;
    fs::set_permissions(&new, fs::Permissions::from_mode(MODE)).map_err(failed)?;
    fs::rename(&new, &path).map_err(failed)
}

/// Reads what a Function wrote.
pub(crate) fn read(folder: &Path) -> Result<String, JobError> {
    let path = file(folder);
    fs::read_to_string(&path).map_err(|source| JobError::File { doing: "read", path, source })
}

/// Its path.
pub(crate) fn file(folder: &Path) -> PathBuf {
    folder.join(api::output::FILE)
}
