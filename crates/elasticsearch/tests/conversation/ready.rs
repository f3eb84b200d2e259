//! Waiting for a cluster: what passes is waited for, what stays is told at once, and the last reason when the time is over.

use std::{
    sync::atomic::{AtomicUsize, Ordering},
    time::{Duration, Instant},
};

use elasticsearch::{Client, Connection, Error, Matcher, Need, Selection};
use tokio::net::{TcpListener, TcpSocket};

use crate::support::{self, ROOT_7_14, Reply, Seen, Server};

/// Far more than any of these needs.
const LONG: Duration = Duration::from_mins(1);

/// Long enough for some attempts.
const SHORT: Duration = Duration::from_millis(400);

/// A server whose `GET /` is `root` for so many times as there are replies, and then good.
fn then_good(roots: Vec<Reply>) -> impl Fn(&Seen) -> Reply + Send + Sync + 'static {
    let turn = AtomicUsize::new(0);
    move |seen| match seen.line().as_str() {
        "GET /" => {
            roots.get(turn.fetch_add(1, Ordering::SeqCst)).cloned().unwrap_or_else(|| Reply::json(200, ROOT_7_14))
        }
        _ => Reply::json(200, state("STARTED", "UNASSIGNED")),
    }
}

/// A cluster of two indices, `a` and `b`, with the state of the primary of each.
fn state(a: &str, b: &str) -> String {
    let index = |uuid| {
        format!(
            r#"{{"state":"open","aliases":[],"primary_terms":{{"0":1}},"settings":{{"index":{{"number_of_shards":"1","uuid":"{uuid}"}}}}}}"#
        )
    };
    let shard = |state| format!(r#"{{"shards":{{"0":[{{"state":"{state}","primary":true}}]}}}}"#);
    format!(
        r#"{{"metadata":{{"indices":{{"a":{},"b":{}}}}},"routing_table":{{"indices":{{"a":{},"b":{}}}}}}}"#,
        index("A"),
        index("B"),
        shard(a),
        shard(b)
    )
}

const NOT_RECOVERED: &str = r#"{"blocks":{"global":{"1":{"retryable":true}}}}"#;

fn refusal(status: u16) -> Reply {
    Reply::json(status, format!(r#"{{"error":{{"type":"some_exception","reason":"because"}},"status":{status}}}"#))
}

/// To read everything whose name holds `part`.
fn dump(part: &'static str) -> Need {
    let matching = Some(Matcher::new(part, move |name: &str| name.contains(part)));
    Need::Dump(Selection { matching, ..Selection::default() })
}

/// Waits as long as it takes; gives how long it took, too.
async fn connect(connection: Connection, need: &Need, within: Duration) -> (Result<Client, Error>, Duration) {
    let began = Instant::now();
    (Client::connect_when_ready(connection, need, within).await, began.elapsed())
}

/// An address that refuses connections until somebody listens.
fn nobody_listens() -> (TcpSocket, Connection) {
    let socket = TcpSocket::new_v4().expect("a socket");
    socket.bind("127.0.0.1:0".parse().expect("an address")).expect("a free port");
    let url = format!("http://{}", socket.local_addr().expect("bound"));
    let mut connection = Connection::new(vec![url.parse().expect("a URL")]);
    connection.timeouts = support::quick();
    (socket, connection)
}

/// How the primaries are asked for.
const LISTING: &str = "GET /_cluster/state/blocks%2Cmetadata%2Crouting_table";

#[tokio::test]
async fn a_server_that_comes_later_is_waited_for() {
    let (socket, connection) = nobody_listens();
    let later = tokio::spawn(async move {
        tokio::time::sleep(Duration::from_millis(300)).await;
        let server = Server::on(socket.listen(8).expect("listens"), then_good(Vec::new()));
        server.wait_for("GET /_cluster/state/blocks", 1).await;
        server
    });
    let (client, took) = connect(connection, &Need::Load, LONG).await;
    assert_eq!(client.expect("connected").server().cluster_name, "fake");
    assert!(took > Duration::from_millis(250), "{took:?}");
    later.await.expect("asked");
}

#[tokio::test]
async fn what_passes_is_waited_for() {
    for (name, bad) in [
        ("503", refusal(503)),
        ("500", refusal(500)),
        ("429", refusal(429)),
        ("a proxy's 502", Reply::with(502, &[("content-type", "text/html")], "<html>")),
        ("a security plugin that begins", Reply::with(503, &[("content-type", "text/plain")], "not initialized")),
        ("a reset", Reply::reset()),
        ("no answer", Reply::hang()),
    ] {
        let server = Server::start(then_good(vec![bad.clone(), bad.clone(), bad])).await;
        let mut connection = server.connection();
        connection.timeouts.request = Duration::from_millis(100);
        let (client, _) = connect(connection, &dump("a"), LONG).await;
        client.unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(server.count("GET /"), 4, "{name}");
    }
}

#[tokio::test]
async fn what_stays_is_told_at_once() {
    for (name, bad, said) in [
        ("401", refusal(401), "refuses these credentials with status 401"),
        ("403", refusal(403), "refuses these credentials with status 403"),
        ("a proxy's 401", Reply::with(401, &[("content-type", "text/html")], "<html>"), "status 401"),
        ("a redirect", Reply::with(302, &[("location", "/login")], ""), "redirects to /login"),
        ("a page", Reply::with(200, &[("content-type", "text/html")], "<html>"), "instead of JSON"),
        ("something else", Reply::json(200, "{}"), "neither Elasticsearch nor OpenSearch"),
    ] {
        let server = Server::start(then_good(vec![bad; 3])).await;
        let (client, took) = connect(server.connection(), &Need::Load, LONG).await;
        let error = client.err().unwrap_or_else(|| panic!("{name}: connected")).to_string();
        assert!(error.contains(said), "{name}: {error}");
        assert_eq!(server.count("GET /"), 1, "{name}");
        assert!(took < Duration::from_secs(10), "{name}: {took:?}");
    }
}

#[tokio::test]
async fn when_the_time_is_over_the_last_reason_is_told() {
    let silent = Server::start(|_| Reply::hang()).await;
    let broken = Server::start(|_| refusal(503)).await;
    let (_socket, nobody) = nobody_listens();
    for (connection, said) in
        [(silent.connection(), "no complete answer"), (broken.connection(), "status 503"), (nobody, "cannot connect")]
    {
        let (client, took) = connect(connection, &Need::Load, SHORT).await;
        let error = client.err().expect("time over");
        assert!(matches!(error, Error::GaveUp { .. }) && error.to_string().contains(said), "{error}");
        assert!(took >= SHORT && took < Duration::from_secs(10), "{took:?}");
    }
    let (client, _) = connect(broken.connection(), &Need::Load, Duration::ZERO).await;
    assert!(matches!(client, Err(Error::GaveUp { attempts: 1, .. })), "it is tried once");
}

#[tokio::test]
async fn a_name_that_is_not_known_yet_is_waited_for() {
    let mut connection = Connection::new(vec!["http://larder-test.invalid:9200".parse().expect("a URL")]);
    connection.timeouts = support::quick();
    let (client, _) = connect(connection, &Need::Load, SHORT).await;
    assert!(matches!(client, Err(Error::GaveUp { attempts: 2.., .. })));
}

/// A cluster whose state is the next of `states`, and at last the last.
async fn recovering(states: Vec<String>) -> Server {
    let turn = AtomicUsize::new(0);
    Server::start(move |seen| {
        if seen.line() == "GET /" {
            return Reply::json(200, ROOT_7_14);
        }
        Reply::json(200, &states[turn.fetch_add(1, Ordering::SeqCst).min(states.len() - 1)])
    })
    .await
}

#[tokio::test]
async fn a_cluster_is_read_only_once_the_primaries_of_what_is_wanted_are_at_work() {
    let states = || {
        vec![
            NOT_RECOVERED.to_owned(),
            state("UNASSIGNED", "UNASSIGNED"),
            state("INITIALIZING", "UNASSIGNED"),
            state("STARTED", "UNASSIGNED"),
        ]
    };
    let server = recovering(states()).await;
    connect(server.connection(), &dump("a"), LONG).await.0.expect("connected");
    assert_eq!(server.count(LISTING), 4, "b is red, and nobody wants it");

    let server = recovering(states()).await;
    let error = connect(server.connection(), &dump(""), SHORT).await.0.err().expect("time over").to_string();
    assert!(error.contains("index b: the primary of shard 0 is UNASSIGNED"), "{error}");

    let none = Need::Dump(Selection { include: vec!["c".into()], ..Selection::default() });
    let error = connect(server.connection(), &none, LONG).await.0.err().expect("no such index").to_string();
    assert!(error.contains("\"c\""), "{error}");
}

#[tokio::test]
async fn a_cluster_is_filled_as_soon_as_it_knows_what_it_has() {
    let server = recovering(vec![NOT_RECOVERED.to_owned(), NOT_RECOVERED.to_owned(), "{}".to_owned()]).await;
    connect(server.connection(), &Need::Load, LONG).await.0.expect("connected");
    assert_eq!(server.count("GET /_cluster/state/blocks"), 3);
}

#[tokio::test]
async fn a_login_that_may_not_look_may_still_fill() {
    let server =
        Server::start(|seen| if seen.target == "/" { Reply::json(200, ROOT_7_14) } else { refusal(403) }).await;
    connect(server.connection(), &Need::Load, LONG).await.0.expect("connected");
    let error = connect(server.connection(), &dump("a"), LONG).await.0.err().expect("not allowed");
    assert_eq!(error.status(), Some(403), "{error}");
}

#[tokio::test]
async fn nothing_is_read_of_a_cluster_that_does_not_know_what_it_has() {
    let server = recovering(vec![NOT_RECOVERED.to_owned()]).await;
    let catalog = server.client().await.catalog(&Selection::default()).await;
    assert!(matches!(catalog, Err(Error::NotRecovered)));
}

#[tokio::test]
async fn waiting_ends_when_nobody_waits_any_more() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let server = Server::on(listener, |_| refusal(503));
    let waiting = connect(server.connection(), &Need::Load, LONG);
    assert!(tokio::time::timeout(SHORT, waiting).await.is_err());
    let asked = server.count("GET /");
    tokio::time::sleep(SHORT).await;
    assert_eq!(server.count("GET /"), asked);
}
