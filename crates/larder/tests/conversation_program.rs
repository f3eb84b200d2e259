//! The program against a server that misbehaves: it ends well with every document, or it fails and no snapshot is
//! listed. And what it says: no secret, whatever happens; and exit code 2 where it was called wrongly.

#![allow(clippy::unwrap_used)] // a test that cannot go on fails

#[path = "../../elasticsearch/tests/support/mod.rs"]
mod conversation;
mod support;

use std::{
    collections::BTreeSet,
    fs,
    process::Stdio,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use conversation::{ROOT_7_14, Reply, Seen, Server};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use support::{
    larder::{Larder, Outcome},
    until,
};
use tokio::task::spawn_blocking;

/// More than a page holds.
const DOCUMENTS: usize = 12_000;

/// What becomes of an answer: the request, how many of its kind came before it, the good answer.
type Fault = fn(&Seen, usize, Reply) -> Reply;

/// A cluster with the index `i` of one shard.
async fn cluster(fault: Fault) -> Server {
    let (pages, others) = (AtomicUsize::new(0), AtomicUsize::new(0));
    Server::start(move |seen| {
        let kind = if is_page(seen) { &pages } else { &others };
        fault(seen, kind.fetch_add(1, Ordering::SeqCst), good(seen))
    })
    .await
}

fn is_page(seen: &Seen) -> bool {
    seen.line() == "POST /_search"
}

fn good(seen: &Seen) -> Reply {
    let answer = match seen.line().as_str() {
        "GET /" => ROOT_7_14,
        "GET /_cluster/state/blocks%2Cmetadata%2Crouting_table" => {
            r#"{"metadata":{"indices":{"i":{"state":"open","settings":{"index":{"number_of_shards":"1","uuid":"u"}},"aliases":[],"primary_terms":{"0":1}}}},
                "routing_table":{"indices":{"i":{"shards":{"0":[{"state":"STARTED","primary":true}]}}}}}"#
        }
        "GET /i/_stats/docs%2Cstore" => {
            r#"{"indices":{"i":{"shards":{"0":[{"routing":{"primary":true,"node":"n"},"docs":{"count":12000},"store":{"size_in_bytes":9000000},
                "commit":{"user_data":{"history_uuid":"h"}},"seq_no":{"max_seq_no":11999,"global_checkpoint":11999}}]}}}}"#
        }
        "GET /i/_recovery" => r#"{"i":{"shards":[{"id":0,"start_time_in_millis":1,"target":{"id":"n"}}]}}"#,
        "GET /i/_settings" => r#"{"i":{"settings":{"index":{"number_of_shards":"1","number_of_replicas":"0"}}}}"#,
        "GET /i/_mapping" => r#"{"i":{"mappings":{}}}"#,
        "GET /i/_alias" => r#"{"i":{"aliases":{}}}"#,
        "GET /_cluster/state/metadata" => r#"{"metadata":{}}"#,
        // As an Elasticsearch without these modules.
        "GET /_ilm/policy" | "GET /_slm/policy" | "GET /_enrich/policy" | "GET /_transform" => {
            return Reply::json(400, r#"{"error":"no handler found for uri [/x] and method [GET]"}"#);
        }
        "GET /_component_template" => r#"{"component_templates":[]}"#,
        "GET /_index_template" => r#"{"index_templates":[]}"#,
        "GET /_template" | "GET /_ingest/pipeline" | "DELETE /_pit" => "{}",
        "POST /i/_refresh" => r#"{"_shards":{"total":1,"successful":1,"failed":0}}"#,
        "POST /i/_pit" => r#"{"id":"context"}"#,
        "POST /_search" => return page(&seen.body),
        line => {
            return Reply::json(500, format!(r#"{{"error":{{"type":"unexpected","reason":"{line}"}},"status":500}}"#));
        }
    };
    Reply::json(200, answer)
}

fn page(body: &[u8]) -> Reply {
    let body: Value = serde_json::from_slice(body).expect("JSON");
    let number = |value: &Value| usize::try_from(value.as_u64().expect("a number")).expect("a small one");
    let from = if body["search_after"].is_null() { 0 } else { number(&body["search_after"][0]) + 1 };
    let until = DOCUMENTS.min(from + number(&body["size"]));
    let hit = |n| {
        format!(
            r#"{{"_index":"i","_id":"{n}","_version":1,"_seq_no":{n},"_primary_term":1,"_score":null,"_source":{{"n":{n}}},"sort":[{n}]}}"#
        )
    };
    let hits: Vec<String> = (from..until).map(hit).collect();
    Reply::json(
        200,
        format!(
            r#"{{"pit_id":"context","took":1,"timed_out":false,"_shards":{{"total":1,"successful":1,"skipped":0,"failed":0}},"hits":{{"total":{{"value":{DOCUMENTS},"relation":"eq"}},"max_score":null,"hits":[{}]}}}}"#,
            hits.join(",")
        ),
    )
}

/// The good answer with another text.
fn edit(good: &Reply, from: &str, to: &str) -> Reply {
    Reply::json(200, good.body().replacen(from, to, 1))
}

fn html() -> Reply {
    Reply::with(200, &[("content-type", "text/html")], "<html>Sign in</html>")
}

fn refusal(status: u16, kind: &str) -> Reply {
    Reply::json(
        status,
        format!(r#"{{"error":{{"root_cause":[],"type":"{kind}","reason":"because"}},"status":{status}}}"#),
    )
}

/// A backup into a new repository, by a program that `prepare` gave more of an environment.
struct Backup {
    outcome: Outcome,
    larder: Larder,
    _folder: tempfile::TempDir,
}

async fn backup(
    server: &Server,
    arguments: &[&str],
    prepare: impl FnOnce(Larder) -> Larder + Send + 'static,
) -> Backup {
    let (url, arguments) = (server.url.clone(), arguments.iter().map(|&a| a.to_owned()).collect::<Vec<_>>());
    let work = move || {
        let folder = tempfile::tempdir().expect("a folder");
        let larder = prepare(Larder::on_new(folder.path()).with("LARDER_ELASTICSEARCH", &url));
        let outcome = larder.run(&[vec!["backup".to_owned()], arguments].concat());
        Backup { outcome, larder, _folder: folder }
    };
    spawn_blocking(work).await.expect("done")
}

impl Backup {
    fn has_every_document(&self, name: &str) {
        assert_eq!(self.outcome.code, 0, "{name}: {:?}", self.outcome);
        let data = self.larder.done(&["cat", "latest", "/stash-interim-volume/data/i.json"]).out;
        let sources: BTreeSet<&str> =
            data.lines().filter_map(|line| line.split_once("\"_source\":")).map(|(_, s)| s).collect();
        assert_eq!((data.lines().count(), sources.len()), (DOCUMENTS, DOCUMENTS), "{name}");
        self.larder.done(&["verify", "latest"]);
    }

    fn failed(&self, name: &str) {
        assert_eq!(self.outcome.code, 1, "{name}: {:?}", self.outcome);
        assert!(self.outcome.err.contains("larder: "), "{name} must say why: {:?}", self.outcome);
        assert_eq!(self.larder.snapshots().len(), 0, "{name}");
        self.larder.done(&["check", "--read-data"]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_passes_is_survived_with_every_document() {
    let cases: [(&str, Fault); 9] = [
        ("no fault", |_, _, good| good),
        ("a storm of 429", |_, n, good| if n < 4 { refusal(429, "es_rejected_execution_exception") } else { good }),
        (
            "429 on pages",
            |seen, n, good| if is_page(seen) && n < 3 { refusal(429, "circuit_breaking_exception") } else { good },
        ),
        (
            "a failed shard",
            |seen, n, good| if is_page(seen) && n == 1 { edit(&good, "\"failed\":0", "\"failed\":1") } else { good },
        ),
        ("a time-out", |seen, n, good| {
            if is_page(seen) && n == 1 { edit(&good, "\"timed_out\":false", "\"timed_out\":true") } else { good }
        }),
        ("a cut page", |seen, n, good| {
            if is_page(seen) && n == 1 {
                let half = good.len() / 2;
                good.cut(half)
            } else {
                good
            }
        }),
        ("a reset", |seen, n, good| if is_page(seen) && n == 2 { Reply::reset() } else { good }),
        ("a lost context", |seen, n, good| if is_page(seen) && n == 2 { conversation::shard::lost() } else { good }),
        ("a proxy that is not ready", |_, n, good| {
            if n % 5 == 3 { Reply::with(503, &[("content-type", "text/html")], "<html>later</html>") } else { good }
        }),
    ];
    for (name, fault) in cases {
        let server = cluster(fault).await;
        backup(&server, &[], |larder| larder).await.has_every_document(name);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_does_not_pass_fails_and_leaves_no_snapshot() {
    let cases: [(&str, Fault); 9] = [
        ("a proxy's page from the beginning", |_, _, _| html()),
        ("a redirect from the beginning", |_, _, _| Reply::with(302, &[("location", "/login")], "")),
        ("401", |_, _, _| refusal(401, "security_exception")),
        ("403 on pages", |seen, _, good| if is_page(seen) { refusal(403, "security_exception") } else { good }),
        ("a proxy's page among pages", |seen, n, good| if is_page(seen) && n > 0 { html() } else { good }),
        ("a redirect among pages", |seen, n, good| {
            if is_page(seen) && n > 0 { Reply::with(302, &[("location", "/login")], "") } else { good }
        }),
        ("gzip garbage", |seen, _, good| {
            let headers = [("content-type", "application/json"), ("content-encoding", "gzip")];
            if is_page(seen) { Reply::with(200, &headers, b"\x1f\x8b\x08garbage") } else { good }
        }),
        ("a document left out of each page", |seen, _, good| {
            if !is_page(seen) {
                return good;
            }
            let body = good.body();
            match (body.find("{\"_index\""), body.find(",{\"_index\"")) {
                (Some(first), Some(second)) => Reply::json(200, body[..first].to_owned() + &body[second + 1..]),
                _ => good,
            }
        }),
        ("definitions that are no JSON", |seen, _, good| if seen.line() == "GET /_template" { html() } else { good }),
    ];
    for (name, fault) in cases {
        let server = cluster(fault).await;
        backup(&server, &[], |larder| larder).await.failed(name);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_not_there_is_named() {
    let server = cluster(|_, _, good| good).await;
    // Nobody listens on the port of a server that has ended.
    let url = server.url.clone();
    drop(server);
    let told = spawn_blocking(move || {
        let folder = tempfile::tempdir().expect("a folder");
        let larder = Larder::on_new(folder.path()).with("LARDER_ELASTICSEARCH", &url);
        let port = url.rsplit(':').next().expect("a port").to_owned();
        larder.fails(&["backup"], &[&port]);
        larder.snapshots().len()
    });
    assert_eq!(told.await.expect("done"), 0);
}

/// As `timeout` does it: first the program, then its group. The server answers no more; the patience for it is 4 minutes.
#[tokio::test(flavor = "multi_thread")]
async fn two_signals_at_once_are_one_wish_and_a_lost_server_does_not_hold_the_end_up() {
    let server = cluster(|seen, n, good| match seen.line().as_str() {
        "POST /_search" if n > 0 => Reply::hang(),
        "DELETE /_pit" => refusal(503, "gone"),
        _ => good,
    })
    .await;
    let folder = tempfile::tempdir().expect("a folder");
    let larder = Larder::on_new(folder.path()).with("LARDER_ELASTICSEARCH", &server.url);
    let mut command = larder.command(&["backup"]);
    let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("started");
    server.wait_for("POST /_search", 2).await;
    let process = Pid::from_child(&child);
    kill_process(process, Signal::TERM).expect("signalled");
    server.wait_for("DELETE /_pit", 1).await;
    kill_process(process, Signal::TERM).expect("signalled");
    let stopped = Instant::now();
    let ended = spawn_blocking(move || child.wait_with_output()).await.expect("done").expect("an end");
    assert!(stopped.elapsed() < Duration::from_mins(1), "{:?}", stopped.elapsed());
    let ended = Outcome::of(ended).expect(130, "two signals");
    // The second would have ended it in the middle, without a word.
    assert!(server.count("DELETE /_pit") > 1 && ended.err.contains("interrupted"), "{ended:?}");
    assert!(ended.err.contains("keeps an unused context"), "{ended:?}");
    assert_eq!(larder.snapshots(), [""; 0]);
}

#[test]
fn an_export_that_is_told_to_end_gives_its_lock_back() {
    let folder = tempfile::tempdir().expect("a folder");
    let larder = Larder::on_new(folder.path());
    let dump = folder.path().join("dump");
    fs::create_dir(&dump).expect("made");
    let text = "x".repeat(1_000);
    let lines = (0..2_000).map(|n| format!("{{\"_index\":\"i\",\"_id\":\"{n}\",\"_source\":{{\"t\":\"{text}\"}}}}\n"));
    fs::write(dump.join("i.json"), lines.collect::<String>()).expect("written");
    larder.done(&["import", dump.to_str().expect("text")]);
    // More than a pipe holds, and nobody reads.
    let mut command = larder.command(&["export", "latest", "--to", "-"]);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().expect("started");
    let locks = || fs::read_dir(folder.path().join("repository/locks")).expect("a folder").count();
    until(Duration::from_secs(30), "the export has a lock", || locks() == 1);
    kill_process(Pid::from_child(&child), Signal::TERM).expect("signalled");
    assert_eq!(child.wait().expect("an end").code(), Some(130));
    assert_eq!(locks(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn no_secret_is_ever_printed() {
    const SECRETS: [&str; 6] =
        ["hunter2-password", "hunter2-key", "hunter2-token", "hunter2-header", "hunter2-url", "correct horse"];
    let faults: [Fault; 4] = [
        |_, _, good| good,
        |_, _, _| refusal(401, "security_exception"),
        |_, _, _| html(),
        |_, n, good| {
            if n < 3 { refusal(429, "busy") } else { good }
        },
    ];
    let folder = Arc::new(tempfile::tempdir().expect("a folder"));
    for secret in &SECRETS[..4] {
        fs::write(folder.path().join(secret), secret).expect("written");
    }
    let file = |name: &str| folder.path().join(name).to_str().expect("text").to_owned();
    let (password, key, token) = (file(SECRETS[0]), file(SECRETS[1]), file(SECRETS[2]));
    let ways: [Vec<&str>; 4] = [
        vec!["--user", "somebody", "--elasticsearch-password-file", &password],
        vec!["--api-key-file", &key],
        vec!["--bearer-token-file", &token],
        vec!["--header", "X-Secret: hunter2-header"],
    ];
    for fault in faults {
        for way in &ways {
            let server = cluster(fault).await;
            for form in [&["-vv"][..], &["-vv", "--json"]] {
                let backup = backup(&server, &[way, form].concat(), |larder| larder).await;
                silent(&backup.outcome, &SECRETS);
                assert!(server.seen()[0].headers.iter().any(|(_, value)| value.contains("hunter2")
                    || value.starts_with("Basic")
                    || value.starts_with("ApiKey")));
            }
        }
        let server = cluster(fault).await;
        let url = server.url.replace("http://", "http://somebody:hunter2-url@");
        let backup = backup(&server, &["-vv"], move |larder| larder.with("LARDER_ELASTICSEARCH", &url)).await;
        silent(&backup.outcome, &SECRETS);
        assert!(server.seen()[0].header("authorization").is_some());
    }
}

/// Nothing of what is secret was said, plain or encoded; file names are no secrets.
fn silent(outcome: &Outcome, secrets: &[&str]) {
    let encoded = ["aHVudGVyMi", "h1bnRlcjIt", "odW50ZXIyL"];
    let said = format!("{}{}", outcome.out, outcome.err);
    for secret in secrets.iter().chain(&encoded) {
        assert!(!said.contains(secret), "{secret} was said: {outcome:?}");
    }
}

#[test]
fn help_and_complaints_show_no_secret_from_the_environment() {
    let larder = Larder::bare()
        .with("LARDER_HEADER", "X-Secret: hunter2-header")
        .with("LARDER_ELASTICSEARCH", "http://somebody:hunter2-url@localhost:1")
        .with("LARDER_AGAINST", "http://somebody:hunter2-url@localhost:1")
        .with("LARDER_PASSWORD_COMMAND", "echo hunter2-command");
    for command in ["backup", "restore", "verify"] {
        assert!(!larder.done(&[command, "--help"]).said("hunter2"), "{command} --help");
    }
    let cases: [(&str, &str); 3] = [
        ("LARDER_HEADER", "hunter2-header"),
        ("LARDER_ELASTICSEARCH", "http://somebody:hunter2-url@:port"),
        ("LARDER_ELASTICSEARCH", "ftp://somebody:hunter2-url@localhost"),
    ];
    for (name, value) in cases {
        let outcome = larder.clone().with(name, value).run(&["backup", "--repository", "/nowhere"]);
        assert_ne!(outcome.code, 0);
        assert!(!outcome.said("hunter2"), "{outcome:?}");
    }
}

#[test]
fn a_wrong_call_ends_with_2_and_says_what_is_wrong() {
    let folder = tempfile::tempdir().expect("a folder");
    let empty = folder.path().join("empty");
    fs::write(&empty, "\n").expect("written");
    let empty = empty.to_str().expect("text");
    let to = ["--elasticsearch", "http://localhost:1"];
    let cases: [(&[&str], &str); 17] = [
        (&[], "Usage"),
        (&["beckup"], "beckup"),
        (&["backup"], "--elasticsearch"),
        (&["backup", "--elasticsearch", "no url"], "--elasticsearch"),
        (&["backup", "--frobnicate"], "--frobnicate"),
        (&["restore", "--on-conflict", "maybe"], "maybe"),
        (&["restore", "--only", "documents", "--skip", "aliases"], "--skip"),
        (&["restore", "--only", "everything"], "everything"),
        (&["restore", "--rename", "nothing"], "REGEX=REPLACEMENT"),
        (&["restore", "--rename", "(=x"], "regex"),
        (&["restore", "--allow-rejected", "many"], "many"),
        (&["backup", "--user", "u", "--api-key-file", empty], "--api-key-file"),
        (&["backup", "--header", "nothing"], "Name: value"),
        (&["backup", "--user", "u"], "LARDER_ELASTICSEARCH_PASSWORD"),
        (&["backup", "--api-key-file", empty], "is empty"),
        (&["forget"], "--keep"),
        (&["completions", "cmd"], "cmd"),
    ];
    for (arguments, word) in cases {
        let known = matches!(arguments, ["backup" | "restore", _, ..]) && !arguments.contains(&"--elasticsearch");
        let arguments = if known { [arguments, &to].concat() } else { arguments.to_vec() };
        let outcome = Larder::on("/nowhere").run(&arguments).expect(2, &format!("{arguments:?}"));
        assert!(outcome.err.contains(word) && outcome.out.is_empty(), "{arguments:?}: {outcome:?}");
    }
    Larder::on("/nowhere").with("LARDER_LOG", "a=b=c").run(&["version"]).expect(2, "LARDER_LOG");
}
