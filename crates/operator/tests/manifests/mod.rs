//! The manifests in `tests/yaml`.
#![allow(dead_code, reason = "each test target uses a part of it")]

use std::{fs, path::Path};

use serde::de::DeserializeOwned;
use serde_json::Value;

/// All objects, in the order of the files.
pub fn all() -> Vec<Value> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/yaml");
    let mut files: Vec<_> =
        fs::read_dir(folder).expect("the folder").map(|entry| entry.expect("a file").path()).collect();
    files.sort();
    let read = |file: &std::path::PathBuf| -> Vec<Value> {
        let text = fs::read_to_string(file).expect("a file");
        serde_saphyr::from_multiple(&text).unwrap_or_else(|error| panic!("{}: {error}", file.display()))
    };
    files.iter().flat_map(read).collect()
}

/// All objects of a kind.
pub fn of<T: DeserializeOwned>(kind: &str) -> Vec<T> {
    let objects = all().into_iter().filter(|object| object["kind"] == kind);
    let typed = |object: Value| {
        let name = object["metadata"]["name"].clone();
        serde_json::from_value(object).unwrap_or_else(|error| panic!("{kind} {name}: {error}"))
    };
    objects.map(typed).collect()
}
