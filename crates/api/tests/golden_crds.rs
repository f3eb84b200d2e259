//! The generated CRDs against the fields of Stash's, each with its type, whether it is required, its enum and its default.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

/// Kind, apiVersion, path, type, required, enum and default of every field of Stash v2022.03.29.
const FIELDS: &str = include_str!("crd-fields.tsv");
/// Where ours are other than those, with the reason: kind (`*` for all), path (`*` at an end for all that begin or end so),
/// what differs, why.
const DIFFERENCES: &str = include_str!("crd-differences.tsv");

#[derive(Debug, Clone, PartialEq)]
struct Field {
    type_: String,
    required: bool,
    other: String,
}

#[test]
fn every_field_of_stash_is_there_and_every_difference_has_its_reason() {
    let (stash, ours) = (of_stash(), ours());
    let mut differences = Vec::new();
    for (kind, fields) in &stash {
        let own = &ours[kind];
        for (path, field) in fields {
            match own.get(path) {
                None => differences.push((kind, path, "missing".to_owned())),
                Some(own) => {
                    for (what, is, should) in [
                        ("type", &own.type_, &field.type_),
                        ("required", &own.required.to_string(), &field.required.to_string()),
                        ("other", &own.other, &field.other),
                    ] {
                        if is != should {
                            differences.push((kind, path, format!("{what}: {is:?} instead of {should:?}")));
                        }
                    }
                }
            }
        }
        for path in own.keys().filter(|path| !fields.contains_key(*path)) {
            differences.push((kind, path, "added".to_owned()));
        }
    }
    let mut reasons: Vec<(Vec<&str>, usize)> =
        DIFFERENCES.lines().skip(1).map(|line| (line.split('\t').collect(), 0)).collect();
    let mut unexplained = Vec::new();
    for (kind, path, what) in differences {
        match reasons.iter_mut().find(|(reason, _)| explains(reason, kind, path, &what)) {
            Some((_, uses)) => *uses += 1,
            None => unexplained.push(format!("{kind}\t{path}\t{what}")),
        }
    }
    assert!(unexplained.is_empty(), "{} differences without a reason:\n{}", unexplained.len(), unexplained.join("\n"));
    for (reason, uses) in reasons {
        assert!(uses > 0, "there is no such difference: {reason:?}");
    }
}

fn explains(reason: &[&str], kind: &str, path: &str, what: &str) -> bool {
    let [of_kind, of_path, of_what, _why] = reason else { panic!("four columns: {reason:?}") };
    let fits = match (of_path.strip_prefix('*'), of_path.strip_suffix('*')) {
        (Some(_), Some(_)) => path.contains(of_path.trim_matches('*')),
        (Some(end), None) => path.ends_with(end),
        (None, Some(beginning)) => path.starts_with(beginning),
        (None, None) => path == *of_path,
    };
    (*of_kind == "*" || *of_kind == kind) && fits && what.starts_with(of_what)
}

fn of_stash() -> BTreeMap<String, BTreeMap<String, Field>> {
    let mut kinds = BTreeMap::<String, BTreeMap<String, Field>>::new();
    for line in FIELDS.lines().skip(1) {
        let columns: Vec<&str> = line.split('\t').collect();
        let [kind, version, path, type_, required, other] = columns[..] else { panic!("six columns: {line}") };
        // These two are served by an API server of their own.
        if version.starts_with("repositories.") || version.starts_with("ui.") {
            continue;
        }
        let field = Field { type_: type_.into(), required: required == "required", other: other.into() };
        kinds.entry(kind.into()).or_default().insert(path.into(), field);
    }
    kinds
}

fn ours() -> BTreeMap<String, BTreeMap<String, Field>> {
    api::crds::crds()
        .into_iter()
        .map(|crd| {
            let crd = serde_json::to_value(crd).expect("JSON");
            let schema = &crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"];
            let mut fields = BTreeMap::new();
            properties(schema, "", &mut fields);
            for name in ["apiVersion", "kind"] {
                fields.entry(name.into()).or_insert(Field {
                    type_: "string".into(),
                    required: false,
                    other: String::new(),
                });
            }
            fields.entry("metadata".into()).or_insert(Field {
                type_: "object".into(),
                required: false,
                other: String::new(),
            });
            (crd["spec"]["names"]["kind"].as_str().expect("a kind").to_owned(), fields)
        })
        .collect()
}

fn properties(schema: &Value, below: &str, fields: &mut BTreeMap<String, Field>) {
    let none = Map::new();
    let required: Vec<&str> = schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    for (name, property) in schema["properties"].as_object().unwrap_or(&none) {
        let path = if below.is_empty() { name.clone() } else { format!("{below}.{name}") };
        let field =
            Field { type_: type_of(property), required: required.contains(&name.as_str()), other: other(property) };
        fields.insert(path.clone(), field);
        if property["type"] == "array" {
            properties(&property["items"], &format!("{path}[]"), fields);
        } else {
            properties(property, &path, fields);
        }
    }
}

fn type_of(schema: &Value) -> String {
    if schema["x-kubernetes-int-or-string"] == true {
        return "int-or-string".into();
    }
    match (schema["type"].as_str().unwrap_or("any"), schema["format"].as_str()) {
        ("array", _) => format!("array<{}>", schema["items"]["type"].as_str().unwrap_or("any")),
        ("object", _) if schema["additionalProperties"].is_object() => {
            format!("map<string,{}>", type_of(&schema["additionalProperties"]))
        }
        ("integer" | "string", Some(format)) => format!("{}({format})", schema["type"].as_str().expect("a type")),
        (type_, _) => type_.into(),
    }
}

fn other(schema: &Value) -> String {
    let mut parts = Vec::new();
    if let Some(values) = schema["enum"].as_array() {
        let values: Vec<&str> = values.iter().filter_map(Value::as_str).collect();
        parts.push(format!("enum={}", values.join("|")));
    }
    if let Some(default) = schema.get("default") {
        parts.push(format!("default={default}"));
    }
    if let Some(pattern) = schema["pattern"].as_str() {
        parts.push(format!("pattern={pattern}"));
    }
    for name in ["x-kubernetes-preserve-unknown-fields", "x-kubernetes-embedded-resource"] {
        if schema[name] == true {
            parts.push(format!("{name}=true"));
        }
    }
    parts.join(";")
}
