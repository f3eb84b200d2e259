//! Alerts, what promtool holds them to, runbooks and dashboard agree with one another, and with the metrics that there are.

use std::{collections::BTreeSet, fs};

use serde_json::Value;

use crate::chart;

const RULES: &str = "charts/larder/files/rules.yaml";
const TESTS: &str = "charts/larder/tests/rules_test.yaml";
const DASHBOARD: &str = "charts/larder/files/dashboard.json";
const RUNBOOKS: &str = "docs/runbooks";

fn read(path: &str) -> String {
    fs::read_to_string(chart::root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

fn yaml(path: &str) -> Value {
    serde_saphyr::from_str(&read(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

fn list<'a>(value: &'a Value, field: &str) -> &'a [Value] {
    value[field].as_array().map_or(&[], Vec::as_slice)
}

/// Names of Larder's metrics in a text.
fn metrics(text: &str) -> BTreeSet<String> {
    let words = text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
    let ours = words.filter(|word| word.starts_with("stash_") || word.starts_with("larder_operator_"));
    ours.map(str::to_owned).collect()
}

/// All alerts, with what else is said of each.
fn alerts() -> Vec<(String, Value)> {
    let rules = yaml(RULES);
    let rules = list(&rules, "groups").iter().flat_map(|group| list(group, "rules"));
    rules.map(|rule| (rule["alert"].as_str().expect("an alert").to_owned(), rule.clone())).collect()
}

#[test]
fn only_metrics_that_there_are_are_asked_for() {
    let sources = ["crates/api/src/metrics.rs", "crates/operator/src/observability.rs"].map(read);
    let known: BTreeSet<String> = sources.iter().flat_map(|source| metrics(source)).collect();
    for path in [RULES, TESTS, DASHBOARD] {
        let asked = metrics(&read(path));
        assert!(!asked.is_empty(), "{path}");
        let unknown: Vec<_> = asked.difference(&known).collect();
        assert!(unknown.is_empty(), "{path}: {unknown:?}");
    }
}

#[test]
fn every_alert_has_a_runbook_and_every_runbook_an_alert() {
    let index = read(&format!("{RUNBOOKS}/README.md"));
    let mut known = BTreeSet::from(["README.md".to_owned()]);
    for (alert, rule) in alerts() {
        let severity = rule["labels"]["severity"].as_str().expect("a severity");
        let row = format!("| [{alert}]({alert}.md) | {severity} |");
        assert!(index.contains(&row), "no row {row}");
        let url = format!("{}/blob/main/{RUNBOOKS}/{alert}.md", env!("CARGO_PKG_REPOSITORY"));
        assert_eq!(rule["annotations"]["runbook_url"], url.as_str());
        for annotation in ["summary", "description"] {
            assert!(rule["annotations"][annotation].is_string(), "{alert} has no {annotation}");
        }
        assert!(read(&format!("{RUNBOOKS}/{alert}.md")).starts_with(&format!("# {alert}\n")), "{alert}");
        known.insert(format!("{alert}.md"));
    }
    let files = fs::read_dir(chart::root().join(RUNBOOKS)).expect("a folder");
    let files = files.map(|file| file.expect("a file").file_name().into_string().expect("UTF-8"));
    assert_eq!(files.collect::<BTreeSet<_>>(), known);
}

#[test]
fn every_alert_has_a_case_in_which_it_fires_and_one_in_which_it_does_not() {
    let tests = yaml(TESTS);
    let cases: Vec<&Value> = list(&tests, "tests").iter().flat_map(|test| list(test, "alert_rule_test")).collect();
    for (alert, _) in alerts() {
        let mut of_alert = cases.iter().filter(|case| case["alertname"] == alert.as_str());
        let fires = |case: &&&Value| !list(case, "exp_alerts").is_empty();
        assert!(of_alert.clone().any(|case| fires(&case)), "{alert} never fires");
        assert!(of_alert.any(|case| !fires(&case)), "{alert} always fires");
    }
}

#[test]
fn every_threshold_for_which_the_chart_has_a_value_is_there_once() {
    let rules = read(RULES);
    for threshold in ["26 * 3600", "> 3 *", "< 0.5 *", "> 1.2 *"] {
        assert_eq!(rules.matches(threshold).count(), 1, "{threshold}");
    }
}

#[test]
fn the_dashboard_asks_the_data_source_that_was_chosen() {
    let dashboard: Value = serde_json::from_str(&read(DASHBOARD)).expect("JSON");
    assert_eq!(dashboard["templating"]["list"][0]["name"], "DS_PROMETHEUS");
    let panels = list(&dashboard, "panels");
    let ids: BTreeSet<Option<u64>> = panels.iter().map(|panel| panel["id"].as_u64()).collect();
    assert_eq!(ids.len(), panels.len());
    for panel in panels.iter().filter(|panel| panel["type"] != "row") {
        let targets = list(panel, "targets");
        assert!(!targets.is_empty(), "{panel}");
        for asks in targets.iter().chain([panel]) {
            assert_eq!(asks["datasource"]["uid"], "${DS_PROMETHEUS}", "{}", panel["title"]);
        }
    }
}
