//! Data streams from older servers into newer ones: every document comes back, and writing goes on. `LARDER_TEST_ES` lists the
//! servers; a way whose servers are not listed is a failure.

#![allow(clippy::unwrap_used)] // a test that cannot go on fails

mod support;

use elasticsearch::Request;
use serde_json::json;
use support::{
    cluster::{Cluster, assert_same},
    larder::Larder,
};

/// From which server into which ones.
const WAYS: [(&str, &[&str]); 2] = [("os-1.3.13", &["os-2.19.1", "os-3.8.0"]), ("os-2.19.1", &["os-3.8.0"])];

#[test]
fn a_data_stream_of_an_older_server_goes_on_in_a_newer_one() {
    let (stream, template) = ("larder-across-stream", ["_index_template", "larder-across-stream"]);
    let remove = |cluster: &Cluster| [["_data_stream", stream], template].iter().for_each(|path| cluster.delete(path));
    let rollover = |cluster: &Cluster| cluster.ask(Request::post(&[stream, "_rollover"]));
    let create = |cluster: &Cluster, id: &str| {
        let source = format!(r#"{{"@timestamp": 1.0 ,"n":{id}.50}}"#);
        cluster.document(stream, id, &source, &[("op_type", "create")]).unwrap();
    };
    for (from, into) in WAYS {
        let old = Cluster::named(from);
        let folder = tempfile::tempdir().unwrap();
        let larder = Larder::on_new(folder.path());
        remove(&old);
        old.put(&template, &json!({ "index_patterns": [stream], "priority": 7, "data_stream": {} }));
        for id in ["1", "2", "3"] {
            create(&old, id);
            rollover(&old);
        }
        let documents = old.documents(stream);
        larder.done(&["backup", "--index", stream, "--elasticsearch", &old.url]);
        for new in into.iter().map(|name| Cluster::named(name)) {
            let what = format!("{from} into {}", new.name);
            remove(&new);
            larder.done(&["restore", "--elasticsearch", &new.url]);
            let generation = || new.get(&["_data_stream", stream])["data_streams"][0]["generation"].clone();
            assert_same(&new.documents(stream), &documents, &what);
            assert_eq!(generation(), 4, "{what}");
            rollover(&new);
            create(&new, "1");
            assert_eq!(generation(), 5, "{what}");
            remove(&new);
        }
        remove(&old);
    }
}
