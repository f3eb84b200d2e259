//! `output.json`: written so that what reads it never finds half of it.

use std::{
    fs,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
};

use api::{
    labels::CATALOG_GROUP,
    output::{HostStatuses, Output},
    target::TargetRef,
};
use serde::{Serialize, de::DeserializeOwned};

use crate::{error::JobError, tell};

/// Other users' containers read it, under whatever user they run.
const MODE: u32 = 0o777;

/// Writes what became of an AppBinding's host into `folder`, which is made if it is not there.
pub(crate) fn write<T: Serialize>(folder: &Path, binding: &str, host: T) -> Result<(), JobError> {
    let target_ref = TargetRef {
        api_version: Some(format!("{CATALOG_GROUP}/v1alpha1")),
        kind: Some("AppBinding".into()),
        name: Some(binding.to_owned()),
    };
    let told = Output { target_status: HostStatuses { target_ref: Some(target_ref), stats: Some(vec![host]) } };
    let path = file(folder);
    let failed = |source| JobError::File { doing: "write", path: path.clone(), source };
    let json = serde_json::to_vec(&told).expect("what is told has a JSON form");
    fs::create_dir_all(folder).map_err(failed)?;
    let new = path.with_extension("json.new");
    fs::write(&new, json).map_err(failed)?;
    fs::set_permissions(&new, fs::Permissions::from_mode(MODE)).map_err(failed)?;
    fs::rename(&new, &path).map_err(failed)
}

/// The hosts that a Function told of.
pub(crate) fn hosts<T: DeserializeOwned>(folder: &Path) -> Result<Vec<T>, JobError> {
    let path = file(folder);
    let text = fs::read_to_string(&path);
    let text = text.map_err(|source| JobError::File { doing: "read", path: path.clone(), source })?;
    Ok(tell::read(&path.display().to_string(), &text)?)
}

/// Its path.
fn file(folder: &Path) -> PathBuf {
    folder.join(api::output::FILE)
}
