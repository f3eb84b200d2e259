//! The client against servers that misbehave: it tries again what may be tried again, and never takes a wrong or
//! incomplete answer for a good one.

use std::{
    sync::atomic::{AtomicUsize, Ordering},
    time::{Duration, Instant},
};

use elasticsearch::{Auth, Client, Connection, Error, Flavour, Request, Retry};

use crate::support::{self, ROOT_7_14, Reply, Seen, Server};

/// A server that answers `GET /` as it should and each other request with the next of `replies`, the last for ever.
async fn server(replies: Vec<Reply>) -> Server {
    let turn = AtomicUsize::new(0);
    Server::start(move |seen: &Seen| {
        if seen.target == "/" {
            return Reply::json(200, ROOT_7_14);
        }
        let at = turn.fetch_add(1, Ordering::SeqCst);
        replies[at.min(replies.len() - 1)].clone()
    })
    .await
}

fn good() -> Reply {
    Reply::json(200, r#"{"ok":true}"#)
}

/// By the HTTP library, and straight from the socket.
fn either_way(request: Request) -> [Request; 2] {
    [request.clone(), request.large_answer()]
}

fn refusal(status: u16) -> Reply {
    Reply::json(status, format!(r#"{{"error":{{"type":"some_exception","reason":"because"}},"status":{status}}}"#))
}

#[tokio::test]
async fn what_passes_is_tried_again_until_it_is_good() {
    let whole = good();
    let cases = [
        ("429", refusal(429)),
        ("502", Reply::with(502, &[("content-type", "text/html")], "<html>bad gateway</html>")),
        ("503", refusal(503)),
        ("504", refusal(504)),
        ("a reset", Reply::reset()),
        ("a close", Reply::close()),
        ("half a body", whole.clone().cut(whole.len() - 4)),
        ("a reset in the body", whole.clone().break_off(whole.len() - 4)),
        ("a length that lies", Reply::claiming(200, &[("content-type", "application/json")], 50, "{}").cut(500)),
        ("a stalled body", whole.clone().stall(whole.len() - 4)),
        ("no answer", Reply::hang()),
        ("no framing", Reply::raw("HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n\r\n{\"ok\":").cut(500)),
        (
            "half a chunked body",
            Reply::raw("HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n5\r\n{\"ok\"\r\n").cut(500),
        ),
    ];
    for (name, bad) in cases {
        for request in either_way(Request::get(&["x"])) {
            let server = server(vec![bad.clone(), bad.clone(), good()]).await;
            let answer = server.client().await.send(request).await;
            assert_eq!(answer.unwrap_or_else(|e| panic!("{name}: {e}")).body.as_ref(), br#"{"ok":true}"#, "{name}");
            assert_eq!(server.count("GET /x"), 3, "{name}");
        }
    }
}

#[tokio::test]
async fn what_is_not_idempotent_is_sent_once() {
    for bad in [refusal(429), refusal(503), Reply::reset(), Reply::hang()] {
        let server = server(vec![bad, good()]).await;
        let error = server.client().await.send(Request::post(&["x"]).json("{}")).await.expect_err("an error");
        assert_eq!((error.retry(), server.count("POST /x")), (Retry::Again, 1), "{error}");
    }
}

#[tokio::test]
async fn what_is_wrong_for_good_is_told_at_once() {
    let gzip = [("content-type", "application/json"), ("content-encoding", "gzip")];
    let cases = [
        (refusal(400), "status 400, some_exception: because"),
        (refusal(404), "status 404, some_exception: because"),
        (refusal(500), "status 500, some_exception: because"),
        (
            Reply::with(200, &[("content-type", "text/html")], "<html>Sign in</html>"),
            "text/html instead of JSON; it begins: <html>Sign in",
        ),
        (Reply::with(200, &[("content-type", "application/smile")], ":)\n"), "application/smile"),
        (Reply::with(200, &[], "{}"), "(none)"),
        (Reply::with(200, &gzip, b"\x1f\x8bgarbage"), "content encoding gzip"),
        (Reply::with(302, &[("location", "https://login.example/")], ""), "redirects to https://login.example/"),
        (Reply::with(301, &[], ""), "no Location"),
        (Reply::claiming(200, &[("content-type", "application/json")], 1 << 40, "{"), "longer than"),
    ];
    for (bad, named) in cases {
        for request in either_way(Request::get(&["x"])) {
            let server = server(vec![bad.clone()]).await;
            let error = server.client().await.send(request).await.expect_err("an error");
            assert!(error.to_string().contains(named), "{error}");
            assert_eq!((error.retry(), server.count("GET /x")), (Retry::Never, 1), "{error}");
        }
    }
}

#[tokio::test]
async fn a_body_without_an_end_is_not_taken_into_memory() {
    let mut chunks =
        b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n".to_vec();
    for _ in 0..100 {
        chunks.extend_from_slice(b"400\r\n");
        chunks.extend_from_slice(&[b' '; 0x400]);
        chunks.extend_from_slice(b"\r\n");
    }
    for request in either_way(Request::get(&["x"]).max_body(10_000)) {
        let server = server(vec![Reply::raw(chunks.clone())]).await;
        let error = server.client().await.send(request).await.expect_err("an error");
        assert!(matches!(error, Error::TooLarge { limit: 10_000, .. }), "{error}");
    }
}

#[tokio::test]
async fn the_server_says_how_long_to_wait() {
    let busy = Reply::with(429, &[("content-type", "application/json"), ("retry-after", "1")], "{}");
    let server = server(vec![busy, good()]).await;
    let client = server.client().await;
    let began = Instant::now();
    client.send(Request::get(&["x"])).await.expect("an answer");
    assert!(began.elapsed() >= Duration::from_secs(1));
}

#[tokio::test]
async fn a_wait_beyond_our_patience_ends_it_at_once() {
    let busy = Reply::with(503, &[("content-type", "application/json"), ("retry-after", "3600")], "{}");
    let server = server(vec![busy]).await;
    let error = server.client().await.send(Request::get(&["x"])).await.expect_err("an error");
    assert!(matches!(error, Error::GaveUp { attempts: 1, .. }), "{error}");
}

#[tokio::test]
async fn patience_ends() {
    let server = server(vec![refusal(429)]).await;
    let mut connection = server.connection();
    connection.timeouts.give_up = Duration::from_millis(200);
    let client = Client::connect(connection).await.expect("connected");
    let error = client.send(Request::get(&["x"])).await.expect_err("an error");
    assert!(matches!(&error, Error::GaveUp { attempts, .. } if *attempts > 2), "{error}");
    assert_eq!(error.status(), Some(429));
}

#[tokio::test]
async fn another_node_answers_when_one_is_gone() {
    let (first, second) = (server(vec![good()]).await, server(vec![good()]).await);
    let mut connection = first.connection();
    connection.urls.extend(second.connection().urls);
    let client = Client::connect(connection).await.expect("connected");
    for _ in 0..5 {
        for request in either_way(Request::get(&["x"])) {
            client.send(request).await.expect("an answer");
        }
    }
    assert_eq!((first.count("GET /x"), second.count("GET /x")), (5, 5));
    drop(first);
    for _ in 0..10 {
        // What is not idempotent, too: where no connection comes about, nothing was sent.
        for request in either_way(Request::post(&["y"]).json("{}").idempotent(true)) {
            client.send(request).await.expect("an answer");
        }
    }
    assert_eq!(second.count("POST /y"), 20);
}

#[tokio::test]
async fn who_answers_first_is_checked() {
    let html = Reply::with(200, &[("content-type", "text/html")], "<html>");
    let cases = [
        (refusal(401), "refuses these credentials with status 401: because"),
        (refusal(403), "refuses these credentials with status 403: because"),
        (html, "instead of JSON"),
        (Reply::with(307, &[("location", "/login")], ""), "redirects to /login"),
        (Reply::json(200, r#"{"couchdb":"Welcome","version":"3"}"#), "neither Elasticsearch nor OpenSearch"),
        (Reply::json(200, "[]"), "neither Elasticsearch nor OpenSearch"),
    ];
    for (reply, named) in cases {
        let server = Server::start(move |_: &Seen| reply.clone()).await;
        let error = Client::connect(server.connection()).await.err().expect("an error");
        assert!(error.to_string().contains(named), "{error}");
    }
}

#[tokio::test]
async fn a_server_that_is_not_there_is_named() {
    let gone = Server::start(|_: &Seen| Reply::close()).await.connection();
    let error = Client::connect(gone.clone()).await.err().expect("an error").to_string();
    assert!(error.contains(gone.urls[0].as_str()), "{error}");
}

#[tokio::test]
async fn plain_http_behind_an_https_address_is_a_tls_error() {
    let server = server(vec![good()]).await;
    let mut connection = server.connection();
    connection.urls = vec![server.url.replace("http", "https").parse().expect("a URL")];
    let error = Client::connect(connection).await.err().expect("an error");
    assert!(matches!(error, Error::Tls { .. }), "{error}");
}

#[tokio::test]
async fn credentials_travel_in_headers_only() {
    let server = server(vec![good(), good(), refusal(400)]).await;
    let mut connection = server.connection();
    connection.urls = vec![server.url.replace("http://", "http://ada:se%20cret@").parse().expect("a URL")];
    connection.headers = vec![("X-Tenant".into(), "t-secret".into())];
    let client = Client::connect(connection).await.expect("connected");
    assert_eq!(client.server().flavour, Flavour::Elasticsearch);
    for request in either_way(Request::get(&["x"])) {
        client.send(request).await.expect("an answer");
    }
    let error = client.send(Request::get(&["x"]).large_answer()).await.expect_err("an error");
    for seen in server.seen() {
        assert_eq!(seen.header("authorization"), Some("Basic YWRhOnNlIGNyZXQ="));
        assert_eq!((seen.header("x-tenant"), seen.header("accept")), (Some("t-secret"), Some("application/json")));
        assert_eq!(seen.header("accept-encoding"), None);
        assert!(!seen.target.contains("cret"));
    }
    assert!(!format!("{error} {error:?}").contains("cret"));
}

#[tokio::test]
async fn a_password_never_stands_in_an_error() {
    let gone = Server::start(|_: &Seen| Reply::close()).await;
    let url = gone.url.replace("http://", "http://ada:hunter2@");
    drop(gone);
    let mut connection = Connection::new(vec![url.parse().expect("a URL")]);
    connection.timeouts = support::quick();
    assert!(!format!("{connection:?}").contains("hunter2"));
    let error = Client::connect(connection).await.err().expect("an error");
    assert!(!format!("{error} {error:?}").contains("hunter2"));
}

#[tokio::test]
async fn a_path_prefix_and_other_credentials_are_kept() {
    let server =
        Server::start(|seen: &Seen| if seen.target == "/es/" { Reply::json(200, ROOT_7_14) } else { good() }).await;
    let mut connection = server.connection();
    connection.urls = vec![format!("{}/es/", server.url).parse().expect("a URL")];
    connection.auth = Auth::ApiKey("id:key".into());
    let client = Client::connect(connection).await.expect("connected");
    for request in either_way(Request::get(&["ä/b", "_search"]).query("q", "1")) {
        client.send(request).await.expect("an answer");
    }
    let seen = server.seen();
    for seen in &seen[1..] {
        assert_eq!(seen.target, "/es/%C3%A4%2Fb/_search?q=1");
        assert_eq!(seen.header("authorization"), Some("ApiKey aWQ6a2V5"));
        assert_eq!(seen.header("host"), server.url.strip_prefix("http://"));
    }
}
