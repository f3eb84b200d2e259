//! The load on real servers that refuse: their breaker trips, requests are told to come later, and every document is
//! there in the end. Alone in this file, because the servers are busy for everybody meanwhile. `LARDER_TEST_ES` names
//! the servers.

use std::time::Duration;

use elasticsearch::{
    Client, Connection, Request,
    load::{BulkBatch, LoadOptions, Loaded, Loader},
    scan,
};
use serde_json::{Value, json, value::RawValue};

const BREAKER: &str = "network.breaker.inflight_requests.limit";
const TASKS: usize = 8;
const DOCUMENTS: usize = 4_000;

async fn set_breaker(client: &Client, limit: Value) {
    let body = json!({ "transient": { BREAKER: limit } }).to_string();
    client.send(Request::put(&["_cluster", "settings"]).json(body)).await.expect("set");
}

/// How often the server has refused so far: by its breaker, or because its queue was full.
async fn refusals(client: &Client) -> u64 {
    let stats: Value = client.ask(Request::get(&["_nodes", "stats", "breaker,thread_pool"])).await.expect("stats");
    let nodes = stats["nodes"].as_object().expect("nodes").values();
    let of = |node: &Value| {
        let tripped = node["breakers"]["in_flight_requests"]["tripped"].as_u64().unwrap_or(0);
        let rejected = node["thread_pool"]["write"]["rejected"].as_u64().unwrap_or(0);
        tripped + rejected
    };
    nodes.map(of).sum()
}

async fn fill(loader: Loader, target: elasticsearch::load::BulkTarget, task: usize) -> Loaded {
    let mut batch = BulkBatch::new(&target, 150_000);
    let mut all = Loaded::default();
    let pad = "x".repeat(300);
    for number in 0..DOCUMENTS {
        let line = format!(r#"{{"_id":"{task}-{number}","_source":{{"pad":"{pad}"}}}}"#);
        batch.push(&scan::hit(line.as_bytes(), 0).expect("a hit").0).expect("pushed");
        if batch.is_full() {
            all.add(loader.load(&mut batch).await.expect("loaded"));
        }
    }
    all.add(loader.load(&mut batch).await.expect("loaded"));
    all
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_refuses_gets_every_document_in_the_end() {
    let list = std::env::var("LARDER_TEST_ES").expect("LARDER_TEST_ES names the servers to test with");
    for server in list.split(',') {
        let (label, url) = server.split_once('=').expect("LARDER_TEST_ES is a list of label=url");
        let client = Client::connect(Connection::new(vec![url.parse().expect("a URL")])).await.expect("connected");
        let loader = Loader::new(client.clone(), LoadOptions { in_flight_max: TASKS, ..LoadOptions::default() });
        loader.delete_index("load-refusals").await.expect("deleted");
        let nothing = RawValue::from_string("{}".into()).expect("JSON");
        let created = loader.create_index("load-refusals", &nothing, &nothing).await.expect("created");
        let before = refusals(&client).await;
        set_breaker(&client, json!("300kb")).await;
        let tasks: Vec<_> = (0..TASKS).map(|task| tokio::spawn(fill(loader.clone(), created.target(), task))).collect();
        let mut results = Vec::new();
        for task in tasks {
            results.push(tokio::time::timeout(Duration::from_mins(5), task).await);
        }
        // Before anything can fail: other tests need the server as it was.
        set_breaker(&client, Value::Null).await;
        let mut all = Loaded::default();
        for result in results {
            all.add(result.expect("in time").expect("no panic"));
        }
        let expected = u64::try_from(TASKS * DOCUMENTS).expect("few");
        assert_eq!((all.indexed, all.rejected_count), (expected, 0), "{label}");
        assert_eq!(loader.refresh_and_count("load-refusals").await.expect("counted"), expected, "{label}");
        let refused = refusals(&client).await - before;
        assert!(refused > 0, "{label}: the server refused nothing");
        println!("{label}: {refused} refusals, {} requests at once in the end", loader.in_flight());
        loader.delete_index("load-refusals").await.expect("deleted");
    }
}
