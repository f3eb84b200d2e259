//! What `kubectl larder status` says of a cluster, as a person reads it: objects in, the screen out.

use std::fs;

use api::{AppBinding, BackupBatch, BackupConfiguration, BackupSession, Repository, RestoreBatch, RestoreSession};
use jiff::Timestamp;
use kube::ResourceExt as _;
use kubectl::status::{self, Observed, Report, State};
use serde::de::DeserializeOwned;
use serde_json::Value;

/// What was seen, of a file of objects.
fn observed(file: &str, namespace: Option<&str>) -> Observed {
    let path = format!("{}/tests/status/{file}.yaml", env!("CARGO_MANIFEST_DIR"));
    let text = fs::read_to_string(&path).expect("the file");
    let objects: Vec<Value> = serde_saphyr::from_multiple(&text).expect("objects");
    let repositories = all::<Repository>(&objects, "Repository").into_iter();
    let mut seen = Observed {
        namespace: namespace.map(str::to_owned),
        invokers: all::<BackupConfiguration>(&objects, "BackupConfiguration").into_iter().map(Into::into).collect(),
        sessions: all::<BackupSession>(&objects, "BackupSession").into_iter().map(Into::into).collect(),
        restores: all::<RestoreSession>(&objects, "RestoreSession").into_iter().map(Into::into).collect(),
        repositories: repositories
            .map(|one| ((one.namespace().unwrap_or_default(), one.name_any()), Ok(one)))
            .collect(),
        bindings: all::<AppBinding>(&objects, "AppBinding"),
    };
    seen.invokers.extend(all::<BackupBatch>(&objects, "BackupBatch").into_iter().map(Into::into));
    seen.restores
        .extend(all::<RestoreBatch>(&objects, "RestoreBatch").into_iter().map(kubectl::session::Session::from));
    seen
}

fn all<K: DeserializeOwned>(objects: &[Value], kind: &str) -> Vec<K> {
    let of_kind = objects.iter().filter(|object| object["kind"] == kind);
    of_kind.map(|object| serde_json::from_value(object.clone()).expect("an object of its kind")).collect()
}

fn report(file: &str, namespace: Option<&str>) -> Report {
    let now: Timestamp = "2022-02-01T10:02:30Z".parse().expect("a time");
    status::report(&observed(file, namespace), now)
}

fn state(report: &Report, name: &str) -> State {
    report.backups.iter().find(|backup| backup.name == name).expect("it").state
}

#[test]
fn a_bad_night_is_told_worst_first() {
    let report = report("night", None);
    insta::assert_snapshot!("night", status::text(&report, false));
    insta::assert_snapshot!("night-json", serde_json::to_string_pretty(&report).expect("JSON"));
}

#[test]
fn a_good_night_is_one_look() {
    insta::assert_snapshot!("good", status::text(&report("good", Some("demo")), false));
}

#[test]
fn a_namespace_without_backups_says_so() {
    insta::assert_snapshot!("nothing", status::text(&report("nothing", Some("demo")), false));
}

#[test]
fn colours_mark_what_is_bad_and_change_nothing_else() {
    let report = report("night", None);
    let (plain, coloured) = (status::text(&report, false), status::text(&report, true));
    assert!(coloured.contains("\u{1b}[31mFAILED\u{1b}[0m") && coloured.contains("\u{1b}[32mgood\u{1b}[0m"));
    let mut without = coloured;
    for code in [31, 32, 33, 0] {
        without = without.replace(&format!("\u{1b}[{code}m"), "");
    }
    assert_eq!(without, plain);
}

#[test]
fn a_slot_without_a_session_is_late_once_its_time_of_grace_is_over() {
    let mut seen = observed("good", Some("demo"));
    let of = |seen: &Observed, now: &str| state(&status::report(seen, now.parse().expect("a time")), "orders");
    // Its slot is 03:00, and the session of today has begun then.
    assert_eq!(of(&seen, "2022-02-01T10:00:00Z"), State::Good);
    assert_eq!(of(&seen, "2022-02-02T03:09:00Z"), State::Good);
    assert_eq!(of(&seen, "2022-02-02T03:11:00Z"), State::Late);
    // Whoever has paused it does not wait for it.
    seen.invokers.iter_mut().for_each(|invoker| invoker.spec.paused = Some(true));
    assert_eq!(of(&seen, "2022-02-02T03:11:00Z"), State::Paused);
}
