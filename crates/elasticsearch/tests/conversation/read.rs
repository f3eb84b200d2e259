//! Reading a shard of a server that misbehaves: either every document comes once, or there is an error.

use std::time::Duration;

use elasticsearch::{Client, Error, Index, Query, ReadOptions, Retry, scan};
use tokio::task::JoinSet;

use crate::support::{
    Reply,
    shard::{DOCUMENTS, Kind, Shard, everything, index, lost, options, read_once, read_with_reopening, refusal},
};

/// Does to a good answer what a fault does.
type Spoil = fn(Reply) -> Reply;

/// Every way in which a page goes wrong here.
fn faults() -> Vec<(&'static str, Spoil)> {
    vec![
        ("429", |_| refusal(429, "es_rejected_execution_exception")),
        ("429 with Retry-After", |_| {
            Reply::with(429, &[("content-type", "application/json"), ("retry-after", "0")], "{}")
        }),
        ("circuit breaker", |_| refusal(429, "circuit_breaking_exception")),
        ("circuit breaker of 6.8", |_| refusal(503, "circuit_breaking_exception")),
        ("502 of a proxy", |_| Reply::with(502, &[("content-type", "text/html")], "<html>")),
        ("503", |_| refusal(503, "unavailable")),
        ("504", |_| refusal(504, "timeout_exception")),
        ("half a body", |good| {
            let half = good.len() / 2;
            good.cut(half)
        }),
        ("a body without its last byte", |good| {
            let most = good.len() - 1;
            good.cut(most)
        }),
        ("a shorter body of the right length", |good| edit(&good, |body| body[..body.len() / 2].to_owned())),
        ("a length that lies", |good| {
            let body = good.body();
            Reply::claiming(200, &[("content-type", "application/json")], body.len() + 10, &body).cut(1 << 20)
        }),
        ("a stalled body", |good| {
            let half = good.len() / 2;
            good.stall(half)
        }),
        ("no answer", |_| Reply::hang()),
        ("a slow answer", |good| good.after(Duration::from_secs(1))),
        ("a reset", |_| Reply::reset()),
        ("a reset in the body", |good| {
            let half = good.len() / 2;
            good.break_off(half)
        }),
        ("a proxy's page", |_| Reply::with(200, &[("content-type", "text/html")], "<html>Sign in</html>")),
        ("a redirect", |_| Reply::with(302, &[("location", "/login")], "")),
        ("gzip garbage", |_| {
            Reply::with(
                200,
                &[("content-type", "application/json"), ("content-encoding", "gzip")],
                b"\x1f\x8b\x08garbage",
            )
        }),
        ("JSON that is something else", |_| Reply::json(200, r#"{"acknowledged":true}"#)),
        ("a failed shard", |good| edit(&good, |body| body.replace("\"failed\":0", "\"failed\":1"))),
        ("no successful shard", |good| edit(&good, |body| body.replace("\"successful\":1", "\"successful\":0"))),
        ("no shard at all", |good| {
            edit(&good, |body| body.replace("\"total\":1,\"successful\":1", "\"total\":0,\"successful\":0"))
        }),
        ("a time-out on the server", |good| {
            edit(&good, |body| body.replace("\"timed_out\":false", "\"timed_out\":true"))
        }),
        ("a lost context", |_| lost()),
        ("a lost node", |_| refusal(503, "no_shard_available_action_exception")),
        ("an empty page too early", |good| {
            edit(&good, |body| body[..body.find("\"hits\":[").expect("hits")].to_owned() + "\"hits\":[]}}")
        }),
        ("a hit left out", |good| {
            edit(&good, |body| {
                let second = body.find(",{\"_index\"").map(|at| at + 1);
                let first = body.find("{\"_index\"");
                first.zip(second).map_or(body.to_owned(), |(first, second)| body[..first].to_owned() + &body[second..])
            })
        }),
        ("the last hit left out", |good| {
            edit(&good, |body| {
                body.rfind(",{\"_index\"").map_or(body.to_owned(), |last| body[..last].to_owned() + "]}}")
            })
        }),
    ]
}

fn edit(good: &Reply, change: impl FnOnce(&str) -> String) -> Reply {
    Reply::json(200, change(&good.body()))
}

async fn client(shard: &Shard) -> Client {
    let mut connection = shard.server.connection();
    connection.timeouts.request = Duration::from_millis(400);
    connection.timeouts.give_up = Duration::from_millis(1_500);
    Client::connect(connection).await.expect("connected")
}

/// Faults that no attempt at the same page can mend, or that only the count shows.
const FINAL: [&str; 5] =
    ["a proxy's page", "a redirect", "gzip garbage", "a hit left out", "JSON that is something else"];

/// Runs `scenario` for each fault, side by side: most of the time they wait.
async fn for_each_fault<F: Future<Output = ()> + Send + 'static>(scenario: impl Fn(&'static str, Spoil) -> F) {
    let mut all = JoinSet::new();
    for (name, spoil) in faults() {
        all.spawn(scenario(name, spoil));
    }
    all.join_all().await;
}

#[tokio::test]
async fn one_fault_in_a_point_in_time_costs_no_document() {
    for_each_fault(|name, spoil| async move {
        let shard = Shard::start(Kind::PointInTime, move |n, good| if n == 3 { spoil(good) } else { good }).await;
        match read_with_reopening(&client(&shard).await).await {
            Ok(found) => assert_eq!(found, everything(), "{name}"),
            Err(error) => assert!(FINAL.contains(&name), "{name}: {error}"),
        }
        shard.all_closed().await;
    })
    .await;
}

#[tokio::test]
async fn one_fault_in_a_scroll_costs_no_document() {
    for_each_fault(|name, spoil| async move {
        let shard = Shard::start(Kind::Scroll, move |n, good| if n == 3 { spoil(good) } else { good }).await;
        match read_with_reopening(&client(&shard).await).await {
            Ok(found) => assert_eq!(found, everything(), "{name}"),
            Err(error) => assert!(FINAL.contains(&name) || name == "the last hit left out", "{name}: {error}"),
        }
        shard.all_closed().await;
    })
    .await;
}

#[tokio::test]
async fn a_fault_that_stays_in_a_point_in_time_is_an_error_and_nothing_stays_open() {
    for_each_fault(|name, spoil| async move {
        let shard = Shard::start(Kind::PointInTime, move |n, good| if n >= 3 { spoil(good) } else { good }).await;
        let outcome = read_with_reopening(&client(&shard).await).await;
        // A page without its last hit is only a shorter page: the next one goes on behind what came.
        let harmless = name == "the last hit left out" && outcome == Ok(everything());
        assert!(outcome.is_err() || harmless, "{name}: {outcome:?}");
        shard.all_closed().await;
    })
    .await;
}

#[tokio::test]
async fn a_fault_that_stays_in_a_scroll_is_an_error() {
    for_each_fault(|name, spoil| async move {
        let shard = Shard::start(Kind::Scroll, move |n, good| if n >= 3 { spoil(good) } else { good }).await;
        let outcome = read_with_reopening(&client(&shard).await).await;
        assert!(outcome.is_err(), "{name}: {outcome:?}");
    })
    .await;
}

#[tokio::test]
async fn a_fault_in_the_first_page_costs_no_document() {
    for kind in [Kind::PointInTime, Kind::Scroll] {
        for_each_fault(|name, spoil| async move {
            let shard = Shard::start(kind, move |n, good| if n == 0 { spoil(good) } else { good }).await;
            match read_with_reopening(&client(&shard).await).await {
                Ok(found) => assert_eq!(found, everything(), "{name}"),
                Err(error) => println!("{kind:?} {name}: {error}"),
            }
        })
        .await;
    }
}

#[tokio::test]
async fn a_good_server_is_asked_for_each_page_once() {
    for (kind, line) in [(Kind::PointInTime, "POST /_search"), (Kind::Scroll, "POST /_search/scroll")] {
        let shard = Shard::start(kind, |_, good| good).await;
        assert_eq!(read_once(&client(&shard).await).await, Ok(everything()));
        assert_eq!(shard.open(), 0);
        // Ten pages and the empty one; a scroll's first comes with its opening.
        let opening = usize::from(kind == Kind::Scroll);
        assert_eq!(shard.server.count(line), 11 - opening, "{kind:?}");
    }
}

#[tokio::test]
async fn a_small_shard_is_read_by_one_search_and_opens_nothing() {
    for kind in [Kind::PointInTime, Kind::Scroll] {
        for (name, spoil) in [("nothing", (|good| good) as Spoil)].into_iter().chain(faults()) {
            let shard = Shard::start(kind, move |n, good| if n == 0 { spoil(good) } else { good }).await;
            let options = ReadOptions { page_documents: 5_000, page_bytes: 5 << 20, ..options() };
            let index = Index { bytes: 1_000_000, ..index() };
            let Ok(mut reader) = client(&shard).await.read_shard(&index, 0, &options).await else {
                assert_ne!(name, "nothing");
                continue;
            };
            if name == "nothing" {
                let page = reader.next_page().await.expect("a page").expect("hits");
                assert_eq!(scan::hits(&page).expect("hits").count(), DOCUMENTS);
                assert!(reader.next_page().await.expect("the end").is_none());
                assert_eq!((reader.expected(), shard.opened()), (Some(DOCUMENTS as u64), 0));
            }
            reader.close().await.expect("closed");
        }
    }
}

#[tokio::test]
async fn pages_get_smaller_under_pressure() {
    let shard = Shard::start(Kind::PointInTime, |n, good| {
        if (2..5).contains(&n) { refusal(429, "circuit_breaking_exception") } else { good }
    })
    .await;
    assert_eq!(read_once(&client(&shard).await).await, Ok(everything()));
    let sizes: Vec<u64> = shard
        .server
        .seen()
        .iter()
        .filter(|seen| seen.line() == "POST /_search")
        .map(|seen| {
            serde_json::from_slice::<serde_json::Value>(&seen.body).expect("JSON")["size"].as_u64().expect("a size")
        })
        .collect();
    assert_eq!(sizes[..6], [100, 100, 100, 50, 25, 12]);
    assert!(sizes[6] > 12, "{sizes:?}");
}

#[tokio::test]
async fn a_page_that_is_too_long_is_asked_for_in_halves() {
    for kind in [Kind::PointInTime, Kind::Scroll] {
        let shard = Shard::start(kind, |_, good| good).await;
        let options = ReadOptions { page_bytes: 1_000, ..options() };
        let mut reader = client(&shard).await.read_shard(&index(), 0, &options).await.expect("a reader");
        let page = reader.next_page().await.expect("a page").expect("hits");
        assert!(page.len() <= 3_000, "{} bytes", page.len());
        reader.close().await.expect("closed");
        assert_eq!(shard.open(), 0);
    }
}

#[tokio::test]
async fn a_lost_context_asks_for_the_shard_again() {
    for kind in [Kind::PointInTime, Kind::Scroll] {
        let shard = Shard::start(kind, |n, good| if n == 2 { lost() } else { good }).await;
        let mut reader = client(&shard).await.read_shard(&index(), 0, &options()).await.expect("a reader");
        let error = loop {
            match reader.next_page().await {
                Ok(page) => assert!(page.is_some(), "the end came first"),
                Err(error) => break error,
            }
        };
        assert_eq!(error.retry(), Retry::Reopen, "{error}");
        assert!(error.to_string().contains("No search context found"), "{error}");
        let again = reader.next_page().await.expect_err("an error is never followed by an end");
        assert_eq!(again.retry(), Retry::Reopen);
    }
}

#[tokio::test]
async fn a_dropped_reader_closes_what_it_opened() {
    for kind in [Kind::PointInTime, Kind::Scroll] {
        let shard = Shard::start(kind, |_, good| good).await;
        let client = client(&shard).await;
        let mut reader = client.read_shard(&index(), 0, &options()).await.expect("a reader");
        reader.next_page().await.expect("a page");
        assert_eq!(shard.open(), 1);
        drop(reader);
        shard.all_closed().await;
    }
}

#[tokio::test]
async fn an_opening_that_nobody_waits_for_is_closed() {
    for kind in [Kind::PointInTime, Kind::Scroll] {
        let shard = Shard::start(kind, |_, good| good.after(Duration::from_millis(50))).await;
        let client = client(&shard).await;
        let opening = tokio::spawn(async move { client.read_shard(&index(), 0, &options()).await.map(|_| ()) });
        while shard.opened() == 0 {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        opening.abort();
        shard.all_closed().await;
    }
}

#[tokio::test]
async fn only_one_page_is_fetched_ahead() {
    let shard = Shard::start(Kind::PointInTime, |_, good| good).await;
    let mut reader = client(&shard).await.read_shard(&index(), 0, &options()).await.expect("a reader");
    reader.next_page().await.expect("a page");
    shard.server.wait_for("POST /_search", 2).await;
    // Whatever else the reader does by itself, it has the time for it while another read of the shard goes through.
    read_once(&client(&shard).await).await.expect("a second read");
    let first = shard.server.seen().iter().filter(|seen| seen.text().contains("\"context-1\"")).count();
    assert_eq!(first, 2);
    reader.close().await.expect("closed");
}

#[tokio::test]
async fn an_index_that_is_gone_is_told_at_once() {
    let shard = Shard::start(Kind::Scroll, |_, _| refusal(404, "index_not_found_exception")).await;
    let error = client(&shard).await.read_shard(&index(), 0, &options()).await.err().expect("an error");
    assert!(matches!(error, Error::Refused { status: 404, .. }), "{error}");
}

#[tokio::test]
async fn a_page_that_comes_twice_is_noticed() {
    use std::sync::Mutex;
    for kind in [Kind::PointInTime, Kind::Scroll] {
        let kept = Mutex::new(None);
        let shard = Shard::start(kind, move |n, good| {
            let mut kept = kept.lock().expect("not poisoned");
            if n == 2 {
                *kept = Some(good.clone());
            }
            if n == 3 { kept.clone().expect("page 2") } else { good }
        })
        .await;
        let outcome = read_with_reopening(&client(&shard).await).await;
        assert_eq!(outcome, Ok(everything()), "{kind:?}");
        assert_eq!(shard.opened(), 2);
    }
}

#[tokio::test]
async fn a_query_goes_with_each_search_as_it_was_written_and_the_shard_is_scrolled() {
    const QUERY: &str = r#"{"range":{"t":{"gte":"now-1d","lt":9007199254740993.0}}}"#;
    let shard = Shard::start(Kind::PointInTime, |_, good| good).await;
    let query = Some(Query::parse(QUERY).expect("a query"));
    let client = client(&shard).await;
    let mut reader = client.read_shard(&index(), 0, &ReadOptions { query, ..options() }).await.expect("an open shard");
    let mut count = 0;
    while let Some(page) = reader.next_page().await.expect("a page") {
        count += scan::hits(&page).expect("hits").count();
    }
    assert_eq!((count, reader.expected()), (DOCUMENTS, Some(DOCUMENTS as u64)));
    reader.close().await.expect("closed");
    shard.all_closed().await;
    assert_eq!(shard.server.count("POST /i/_pit"), 0, "each search of a point in time would understand `now` anew");
    let seen = shard.server.seen();
    let searches: Vec<_> = seen.iter().filter(|seen| seen.line() == "POST /i/_search").collect();
    assert_eq!(searches.len(), 2, "one to see how large pages are, and the scroll's first");
    for search in searches {
        assert!(search.text().contains(&format!(r#","query":{QUERY}}}"#)), "{}", search.text());
    }
}
