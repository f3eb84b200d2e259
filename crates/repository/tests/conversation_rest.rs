//! REST with a server that misbehaves: it is asked again where that may help, what is wrong for good is told at once, and nothing
//! incomplete or wrong is taken for good.
#![allow(clippy::unwrap_used, clippy::cast_possible_truncation, reason = "a test that cannot go on fails")]

mod support;

use std::{
    sync::{
        Arc, Barrier,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
    thread,
    time::Duration,
};

use bytes::Bytes;
use repository::{Access, Backend, Error, FileKind, Id, Patience, Repository};
use support::{
    PASSWORD, backend_suite,
    rest_store::{MemoryStore, Reply, Seen, Server},
};

/// Little patience, so that tests are fast.
const PATIENCE: Patience = Patience {
    connect: Duration::from_secs(5),
    short_operation: Duration::from_millis(600),
    long_operation: Duration::from_millis(600),
    first_pause: Duration::from_millis(5),
    longest_pause: Duration::from_millis(20),
    attempts_again: 3,
};

fn access(server: &Server) -> Access {
    let location = format!("rest:http://es:s3cret@{}/some/where", server.address()).parse().unwrap();
    Access { patience: PATIENCE, ..Access::new(location, PASSWORD.to_owned().into()) }
}

fn backend(server: &Server) -> Arc<dyn Backend> {
    access(server).backend().unwrap()
}

/// Gives each of the replies once, the last for ever.
fn in_turn(replies: Vec<Reply>) -> Server {
    let turn = AtomicUsize::new(0);
    Server::start(move |_| replies[turn.fetch_add(1, SeqCst).min(replies.len() - 1)].clone())
}

fn good() -> Reply {
    Reply::new(200, &[], "content")
}

fn read(backend: &dyn Backend) -> Result<Bytes, repository::BackendError> {
    backend.read(FileKind::Index, &Id::of(b"content"))
}

/// The error with what is below it.
fn told(error: repository::BackendError) -> String {
    Error::from(error).chain()
}

/// What passes, and what it is called.
fn passing() -> Vec<(Reply, &'static str)> {
    vec![
        (Reply::status(408), "408"),
        (Reply::status(429), "429"),
        (Reply::new(500, &[], "oops"), "500"),
        (Reply::status(502), "502"),
        (Reply::status(503), "503"),
        (Reply::status(504), "504"),
        (Reply::close(), "closed"),
        (Reply::reset(), "reset"),
        (good().cut(3), "before"),
        (good().stall(3), "no whole answer"),
        (Reply::hang(), "no whole answer"),
    ]
}

#[test]
fn what_passes_is_tried_again_until_it_is_good() {
    for (bad, name) in passing() {
        let server = in_turn(vec![bad.clone(), bad, good()]);
        assert_eq!(read(&*backend(&server)).map_err(told).unwrap(), "content", "{name}");
        assert_eq!(server.seen().len(), 3, "{name}");
    }
}

#[test]
fn what_does_not_pass_in_time_is_told_and_is_not_taken_for_a_missing_file() {
    for (bad, name) in passing() {
        let server = in_turn(vec![bad]);
        let error = read(&*backend(&server)).unwrap_err();
        assert!(!error.missing, "{error:?}");
        let text = told(error);
        assert!(text.contains(name) && text.contains("/some/where/") && !text.contains("s3cret"), "{name}: {text}");
        assert_eq!(server.seen().len(), 4, "{name}");
    }
}

#[test]
fn nobody_there_is_told_after_all_attempts() {
    let server = in_turn(vec![good()]);
    let access = access(&server);
    drop(server);
    let Err(error @ Error::Unreachable { .. }) = Repository::open(&access) else { panic!("nobody is there") };
    assert!(error.chain().contains("no connection"), "{}", error.chain());
}

#[test]
fn what_is_wrong_for_good_is_told_at_once() {
    for (status, text) in [
        (301, "a redirect, which is not followed"),
        (400, "400"),
        (401, "user and password"),
        (403, "403 Forbidden"),
        (405, "405"),
        (501, "501"),
        (507, "507 Insufficient Storage"),
    ] {
        let server = in_turn(vec![Reply::new(status, &[("location", "http://127.0.0.1:1/")], "")]);
        let error = read(&*backend(&server)).unwrap_err();
        assert!(!error.missing, "{error:?}");
        let said = told(error);
        assert!(said.contains(text), "{said}");
        assert_eq!(server.seen().len(), 1, "{status}");
    }
    let server = in_turn(vec![Reply::status(404)]);
    assert!(read(&*backend(&server)).unwrap_err().missing);
    assert_eq!(server.seen().len(), 1);
}

#[test]
fn every_request_has_the_login_and_the_version_of_the_protocol() {
    let store = MemoryStore::default();
    let server = Server::start(move |seen| store.answer(seen));
    let backend = backend(&server);
    let id = Id::of(b"content");
    backend.create().unwrap();
    backend.write(FileKind::Pack, &id, Bytes::from_static(b"content")).unwrap();
    backend.read_range(FileKind::Pack, &id, 1, 2).unwrap();
    backend.list(FileKind::Pack).unwrap();
    backend.list(FileKind::Config).unwrap();
    backend.remove(FileKind::Pack, &id).unwrap();
    let seen = server.seen();
    let lines: Vec<String> = seen.iter().map(|seen| format!("{} {}", seen.method, seen.target)).collect();
    let pack = format!("/some/where/data/{id}");
    let expected = [
        "POST /some/where/?create=true".to_owned(),
        format!("POST {pack}"),
        format!("GET {pack}"),
        "GET /some/where/data/".to_owned(),
        "HEAD /some/where/config".to_owned(),
        format!("DELETE {pack}"),
    ];
    assert_eq!(lines, expected);
    for request in &seen {
        assert_eq!(request.header("authorization"), Some("Basic ZXM6czNjcmV0"));
        assert_eq!(request.header("accept"), Some("application/vnd.x.restic.rest.v2"));
    }
    assert_eq!(seen[2].header("range"), Some("bytes=1-2"));
}

/// What happens to a request of a server that fails now and then.
fn now_and_then(number: usize, store: &MemoryStore, seen: &Seen) -> Reply {
    match number % 10 {
        0 => Reply::status(503),
        // Done, but the answer is lost.
        3 => {
            store.answer(seen);
            Reply::reset()
        }
        6 => {
            store.answer(seen);
            Reply::status(500)
        }
        // As good as the answer is, its end is missing.
        8 if seen.method == "GET" => store.answer(seen).cut(1),
        _ => store.answer(seen),
    }
}

#[test]
fn a_server_that_fails_now_and_then_keeps_the_contract() {
    let (store, count) = (MemoryStore::default(), AtomicUsize::new(0));
    let server = Server::start(move |seen| now_and_then(count.fetch_add(1, SeqCst), &store, seen));
    let access = access(&server);
    // Long enough for the suite's largest files on a busy machine.
    let patience = Patience { long_operation: Duration::from_mins(1), attempts_again: 9, ..PATIENCE };
    backend_suite::check(&*Access { patience, ..access }.backend().unwrap());
}

#[test]
fn what_the_server_refuses_is_stored_only_if_the_same_is_there() {
    for refusal in [403, 409] {
        for (there, stored) in [(Reply::status(404), false), (Reply::new(200, &[], "other"), false), (good(), true)] {
            for kind in [FileKind::Pack, FileKind::Config] {
                let there = there.clone();
                let server = Server::start(move |seen| match seen.method.as_str() {
                    "POST" => Reply::status(refusal),
                    _ => there.clone(),
                });
                let written = backend(&server).write(kind, &Id::of(b"content"), Bytes::from_static(b"content"));
                let said = written.map_err(told);
                assert_eq!(said.is_ok(), stored, "{said:?}");
                assert!(said.err().is_none_or(|text| text.contains(&refusal.to_string())));
            }
        }
    }
}

#[test]
fn an_upload_that_came_damaged_is_sent_again() {
    let server = in_turn(vec![Reply::status(400), Reply::status(200)]);
    backend(&server).write(FileKind::Pack, &Id::of(b"content"), Bytes::from_static(b"content")).unwrap();
    assert_eq!(server.seen().len(), 2);
}

#[test]
fn ranges_are_exact_or_an_error() {
    let range = |reply: Reply, offset, length| {
        let server = in_turn(vec![reply]);
        backend(&server).read_range(FileKind::Pack, &Id::of(b"content"), offset, length).map_err(told)
    };
    assert_eq!(range(Reply::new(206, &[], "nte"), 2, 3).unwrap(), "nte");
    // The whole file, from a server that knows no ranges.
    assert_eq!(range(good(), 2, 3).unwrap(), "nte");
    for (reply, offset, length) in [
        (Reply::new(206, &[], "nt"), 2, 3),
        (good(), 5, 3),
        (good(), 8, 1),
        (good(), u64::MAX - 1, 1),
        (good(), u64::MAX, 2),
        (Reply::status(416), 8, 1),
    ] {
        let error = range(reply, offset, length).unwrap_err();
        assert!(error.contains("it ends before"), "{error}");
    }
}

#[test]
fn lists_of_both_versions_are_understood_and_strange_names_passed_over() {
    let id = Id::of(b"content");
    let sized = format!(
        r#"[{{"name":"{id}","size":7}},{{"name":"{id}.rest-server-temp123","size":1}},{{"name":"..","size":0}}]"#
    );
    let names = format!(r#"["{id}","{}","tmp"]"#, Id::of(b"removed meanwhile"));
    for list in [sized, names] {
        let server = Server::start(move |seen| match (seen.method.as_str(), seen.target.ends_with(&id.to_string())) {
            ("HEAD", true) => Reply::head(200, &[], 7),
            ("HEAD", false) => Reply::head(404, &[], 0),
            _ => Reply::new(200, &[], &list),
        });
        assert_eq!(backend(&server).list(FileKind::Snapshot).unwrap(), [(id, 7)]);
    }
    for wrong in ["<html>Sign in</html>", "", "{}", r#"[{"name":"x"}]"#, r#"[{"name":"x","size":-1}]"#] {
        let server = in_turn(vec![Reply::new(200, &[], wrong)]);
        let error = told(backend(&server).list(FileKind::Snapshot).unwrap_err());
        assert!(error.contains("the list is not understood"), "{error}");
    }
}

#[test]
fn a_folder_is_empty_only_if_it_is_missing_again_and_again() {
    let id = Id::of(b"content");
    let list = Reply::new(200, &[], format!(r#"[{{"name":"{id}","size":7}}]"#));
    let missing = Reply::status(404);
    let server = in_turn(vec![missing.clone(), missing.clone(), list.clone()]);
    assert_eq!(backend(&server).list(FileKind::Lock).unwrap(), [(id, 7)]);
    let server = in_turn(vec![missing]);
    assert_eq!(backend(&server).list(FileKind::Lock).unwrap(), []);

    // rclone means something else by it.
    let failed = Reply::new(404, &[("server", "rclone/v1.60.0")], "");
    let server = in_turn(vec![failed.clone(), list]);
    assert_eq!(backend(&server).list(FileKind::Lock).unwrap(), [(id, 7)]);
    let error = backend(&in_turn(vec![failed])).list(FileKind::Lock).unwrap_err();
    assert!(!error.missing, "{error:?}");
}

#[test]
fn as_many_requests_are_under_way_as_there_are_connections_and_two_more() {
    const AT_ONCE: usize = 5;
    // Fewer than that at once would never be answered.
    let (gathered, now) = (Barrier::new(AT_ONCE), AtomicUsize::new(0));
    let most = Arc::new(AtomicUsize::new(0));
    let peak = Arc::clone(&most);
    let server = Server::start(move |_| {
        peak.fetch_max(now.fetch_add(1, SeqCst) + 1, SeqCst);
        gathered.wait();
        now.fetch_sub(1, SeqCst);
        good()
    });
    let patience = Patience { long_operation: Duration::from_mins(1), ..PATIENCE };
    let backend = Access { patience, ..access(&server) }.backend().unwrap();
    thread::scope(|scope| {
        for _ in 0..AT_ONCE * 4 {
            scope.spawn(|| read(&*backend).unwrap());
        }
    });
    assert_eq!(most.load(SeqCst), AT_ONCE);
}
