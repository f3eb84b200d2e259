//! The chart, and what the lab's Helm makes of it.
#![allow(dead_code, reason = "each test target uses a part of it")]

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use serde_json::Value;

/// Where the project lies.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// Runs Helm in the project's folder: what it printed, or what it complained of.
pub fn helm(arguments: &[&str]) -> Result<String, String> {
    let bin = std::env::var("LARDER_LAB_BIN").expect(r#"LARDER_LAB_BIN: lab/lab fetch helm; eval "$(lab/lab env)""#);
    let mut command = Command::new(Path::new(&bin).join("helm"));
    if let Ok(kubeconfig) = std::env::var("LARDER_TEST_KUBECONFIG") {
        command.env("KUBECONFIG", kubeconfig);
    }
    let out = command.args(arguments).current_dir(root()).output().expect("helm runs: lab/lab fetch helm");
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("UTF-8");
    if out.status.success() { Ok(text(out.stdout)) } else { Err(text(out.stderr)) }
}

/// The chart's objects with these values, as arguments of Helm.
pub fn rendered(namespace: &str, values: &[&str]) -> Result<Vec<Value>, String> {
    let arguments = [&["template", "larder", "charts/larder", "--namespace", namespace], values].concat();
    Ok(objects(&helm(&arguments)?))
}

/// The objects in a text.
pub fn objects(text: &str) -> Vec<Value> {
    serde_saphyr::from_multiple(text).expect("YAML")
}

/// The objects of a kind among `objects`, as `name`.
pub fn named<'a>(objects: &'a [Value], kind: &str) -> Vec<(&'a str, &'a Value)> {
    let name = |object: &'a Value| object["metadata"]["name"].as_str().expect("a name");
    objects.iter().filter(|object| object["kind"] == kind).map(|object| (name(object), object)).collect()
}
