//! Snapshots and what is in them, as errands tell of them. Pure.

use jiff::Timestamp;
use serde_json::Value;

use crate::{errand::Answer, snapshot_name::SnapshotName};

/// A snapshot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Snapshot {
    /// Its name, as `delete snapshot` takes it.
    pub name: String,
    /// Its whole id.
    pub id: String,
    /// When it was made.
    pub time: Option<Timestamp>,
    /// Whose it is.
    pub host: String,
    /// Bytes in it; unknown of some that restic made.
    pub bytes: Option<u64>,
    /// Its paths.
    pub paths: Vec<String>,
    /// What made it.
    pub program: String,
}

/// An index in a snapshot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Index {
    /// Its name.
    pub name: String,
    /// Its documents; unknown without a manifest.
    pub documents: Option<u64>,
    /// Bytes of its documents.
    pub bytes: u64,
}

/// The snapshots that `larder snapshots` listed, the newest first.
pub fn of_repository(repository: &str, listed: &Answer) -> Vec<Snapshot> {
    let mut all: Vec<Snapshot> = listed.of("snapshot").map(|object| snapshot(repository, object)).collect();
    all.sort_by_key(|snapshot| std::cmp::Reverse(snapshot.time));
    all
}

/// The indices that `larder show` listed.
pub fn indices(shown: &Answer) -> Vec<Index> {
    let index = |object: &Value| Index {
        name: text(&object["index"]),
        documents: object["documents"].as_u64(),
        bytes: object["bytes"].as_u64().unwrap_or_default(),
    };
    shown.of("index").map(index).collect()
}

fn snapshot(repository: &str, object: &Value) -> Snapshot {
    let id = text(&object["id"]);
    Snapshot {
        name: SnapshotName::of(repository, &id),
        time: object["time"].as_str().and_then(|time| time.parse().ok()),
        host: text(&object["host"]),
        bytes: object["bytes"].as_u64(),
        paths: object["paths"].as_array().into_iter().flatten().map(text).collect(),
        program: text(&object["program"]),
        id,
    }
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_newest_is_first() {
        let mut answer = Answer::default();
        for (id, time) in [("aa11223344", "2022-02-01T00:00:00Z"), ("bb11223344", "2022-02-02T00:00:00Z")] {
            answer
                .objects
                .push(json!({"type": "snapshot", "id": id, "time": time, "host": "h", "paths": ["/a"], "bytes": null}));
        }
        answer.objects.push(json!({"type": "index", "index": "logs", "documents": 3, "bytes": 9}));
        let all = of_repository("store", &answer);
        assert_eq!(all.iter().map(|one| one.name.as_str()).collect::<Vec<_>>(), ["store-bb112233", "store-aa112233"]);
        assert_eq!((all[0].bytes, all[0].paths[0].as_str()), (None, "/a"));
        assert_eq!(indices(&answer), [Index { name: "logs".into(), documents: Some(3), bytes: 9 }]);
    }
}
