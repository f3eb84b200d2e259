//! The chart's own papers: its table of values, the file with all of them, its version.

use std::fs;

use serde_json::Value;

use crate::chart;

fn read(path: &str) -> String {
    fs::read_to_string(chart::root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

fn values(path: &str) -> Value {
    serde_saphyr::from_str(&read(path)).expect("YAML")
}

/// Paths of all values that hold no further ones, with what they hold.
fn leaves(path: &str, value: &Value) -> Vec<(String, Value)> {
    match value {
        Value::Object(fields) if !fields.is_empty() => {
            let join = |name: &str| if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") };
            fields.iter().flat_map(|(name, field)| leaves(&join(name), field)).collect()
        }
        _ => vec![(path.to_owned(), value.clone())],
    }
}

#[test]
fn the_table_has_every_value_with_its_default() {
    let readme = read("charts/larder/README.md");
    let rows: Vec<(&str, &str)> = readme
        .lines()
        .filter_map(|line| line.strip_prefix("| `")?.split_once("` | "))
        .map(|(path, rest)| (path, rest.split(" | ").next().expect("a default")))
        .collect();
    let defaults = leaves("", &values("charts/larder/values.yaml"));
    for (path, default) in &defaults {
        let row = rows.iter().find(|(row, _)| path == row || path.starts_with(&format!("{row}.")));
        let (row, told) = row.unwrap_or_else(|| panic!("no row for {path}"));
        if path == row {
            let default = if default == "" { "\"\"".to_owned() } else { default.to_string().replace('"', "") };
            assert_eq!(*told, format!("`{default}`"), "{path}");
        }
    }
    for (row, _) in rows {
        let known = defaults.iter().any(|(path, _)| path == row || path.starts_with(&format!("{row}.")));
        assert!(known, "the chart has no value {row}");
    }
}

#[test]
fn the_file_with_every_value_misses_none() {
    let every = values("crates/operator/tests/chart/every-value.yaml");
    for (path, _) in leaves("", &values("charts/larder/values.yaml")) {
        // What is free inside is another matter.
        let mut given = Some(&every);
        for name in path.split('.') {
            given = given.and_then(|value| value.get(name));
            if name.contains("resources") || name.contains("ecurityContext") || name == "nodeSelector" {
                break;
            }
        }
        assert!(given.is_some(), "{path} is missing");
    }
}

#[test]
fn the_charts_version_is_the_programs() {
    let chart = values("charts/larder/Chart.yaml");
    assert_eq!((&chart["version"], &chart["appVersion"]), (&env!("CARGO_PKG_VERSION").into(), &chart["version"]));
}
