//! `cargo xtask stash-crds`: definitions with exactly the fields that Stash's have, as a cluster holds them on which Stash was. Ours
//! are applied over them in the end-to-end tests.

use std::{collections::BTreeMap, fs, path::Path};

use anyhow::{Context, Result};
use serde_json::{Map, Value, json};

/// Kind, apiVersion, path, type, required, further words of every field.
const FIELDS: &str = "crates/api/tests/crd-fields.tsv";

/// The fields below a path, by name.
#[derive(Default)]
struct Node {
    type_: String,
    required: bool,
    further: String,
    fields: BTreeMap<String, Node>,
}

/// Prints them as YAML.
///
/// # Errors
/// When the table cannot be read.
pub fn print(root: &Path) -> Result<()> {
    let table = fs::read_to_string(root.join(FIELDS)).with_context(|| format!("cannot read {FIELDS}"))?;
    let mut kinds: BTreeMap<&str, Node> = BTreeMap::new();
    for line in table.lines().skip(1) {
        let columns: Vec<&str> = line.split('\t').collect();
        let [kind, _, path, type_, required, further] = columns[..] else {
            anyhow::bail!("{FIELDS}: {line:?} has not six columns");
        };
        let node = path.split('.').fold(kinds.entry(kind).or_default(), |node, part| {
            node.fields.entry(part.trim_end_matches("[]").to_owned()).or_default()
        });
        (node.type_, node.required, node.further) = (type_.into(), required == "required", further.into());
    }
    for crd in api::crds::crds() {
        let Some(node) = kinds.get(crd.spec.names.kind.as_str()) else { continue };
        let mut crd = serde_json::to_value(&crd)?;
        crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"] = schema(node);
        println!("---\n{}", serde_saphyr::to_string(&crd)?);
    }
    Ok(())
}

fn schema(node: &Node) -> Value {
    let mut schema = match node.type_.as_str() {
        "int-or-string" => json!({ "x-kubernetes-int-or-string": true }),
        "array<object>" => json!({ "type": "array", "items": object(node) }),
        "" | "object" => object(node),
        type_ => match type_.strip_prefix("map<string,").and_then(|rest| rest.strip_suffix('>')) {
            Some(values) => json!({ "type": "object", "additionalProperties": simple(values) }),
            None => match type_.strip_prefix("array<").and_then(|rest| rest.strip_suffix('>')) {
                Some(items) => json!({ "type": "array", "items": simple(items) }),
                None => simple(type_),
            },
        },
    };
    for word in node.further.split(';') {
        let Some((name, value)) = word.split_once('=') else { continue };
        match name {
            "enum" => schema["enum"] = value.split('|').collect(),
            "default" => schema["default"] = serde_json::from_str(value).unwrap_or(Value::Null),
            name if name.starts_with("x-kubernetes-") => schema[name] = true.into(),
            _ => {}
        }
    }
    schema
}

fn object(node: &Node) -> Value {
    if node.fields.is_empty() {
        // Such as `metadata`, and what Stash let through unlooked at.
        return json!({ "type": "object" });
    }
    let fields: Map<String, Value> = node.fields.iter().map(|(name, node)| (name.clone(), schema(node))).collect();
    let required: Vec<&String> = node.fields.iter().filter(|(_, node)| node.required).map(|(name, _)| name).collect();
    let mut object = json!({ "type": "object", "properties": fields });
    if !required.is_empty() {
        object["required"] = json!(required);
    }
    object
}

fn simple(type_: &str) -> Value {
    match type_.split_once('(') {
        Some((type_, format)) => json!({ "type": type_, "format": format.trim_end_matches(')') }),
        None if type_ == "int-or-string" => json!({ "x-kubernetes-int-or-string": true }),
        None => json!({ "type": type_ }),
    }
}
