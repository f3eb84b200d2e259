//! Real servers that `LARDER_TEST_ES` lists as `NAME=URL,NAME=URL`. Fails when it is unset: a tier that cannot run must
//! not look as if it had.

use std::env;

use serde_json::{Value, json};

use super::http::{Answer, Http};

/// A server of the lab.
#[derive(Debug, Clone)]
pub struct Server {
    /// Its version, with `os-` in front for OpenSearch.
    pub name: String,
    pub url: String,
}

impl Server {
    /// All of them.
    pub fn all() -> Vec<Self> {
        let list = env::var("LARDER_TEST_ES").expect("LARDER_TEST_ES must list servers as NAME=URL,NAME=URL");
        let entries = list.split(',').map(|entry| entry.split_once('=').expect("NAME=URL"));
        entries.map(|(name, url)| Self { name: name.to_owned(), url: url.to_owned() }).collect()
    }

    /// The one whose version begins so.
    pub fn version(beginning: &str) -> Self {
        let mut all = Self::all();
        let at = all.iter().position(|server| server.name.starts_with(beginning));
        all.swap_remove(at.unwrap_or_else(|| panic!("LARDER_TEST_ES has no server {beginning}…")))
    }

    pub fn connect(&self) -> Http {
        Http::new(&self.url)
    }

    /// The type of documents, where they still have one: 5.x takes none that begins with `_`.
    pub fn doc_type(&self) -> Option<&'static str> {
        match self.name.get(..2) {
            Some("5.") => Some("doc"),
            Some("6.") => Some("_doc"),
            _ => None,
        }
    }

    /// Where `_bulk` requests of an index go.
    pub fn bulk_target(&self, index: &str) -> String {
        self.doc_type().map_or_else(|| format!("/{index}/_bulk"), |doc_type| format!("/{index}/{doc_type}/_bulk"))
    }

    /// Where a single document goes.
    pub fn document_target(&self, index: &str) -> String {
        format!("/{index}/{}", self.doc_type().unwrap_or("_doc"))
    }

    /// Makes an index anew, to be filled quickly: no replica, no refresh, no waiting for the disk.
    pub fn create(&self, index: &str, shards: u32, mappings: &Value) {
        self.try_create(index, shards, mappings).good();
    }

    fn try_create(&self, index: &str, shards: u32, mappings: &Value) -> Answer {
        let mappings = match self.doc_type() {
            Some(doc_type) => json!({ doc_type: mappings }),
            None => mappings.clone(),
        };
        let mut settings = json!({ "index": {
            "number_of_shards": shards, "number_of_replicas": 0, "refresh_interval": "-1",
            "translog": { "durability": "async" },
        } });
        if self.name.starts_with("5.") {
            settings["index"]["mapping"] = json!({ "single_type": true });
        }
        self.remove(index);
        let body = json!({ "settings": settings, "mappings": mappings }).to_string();
        self.connect().put(&format!("/{index}"), body)
    }

    /// Removes the indices of that pattern; none is fine.
    pub fn remove(&self, pattern: &str) {
        let mut http = self.connect();
        super::wait_for("the indices to go", || {
            http.delete(&format!("/{pattern}"));
            self.indices(pattern).is_empty().then_some(())
        });
    }

    /// Names and documents of the indices of that pattern, refreshed before.
    pub fn indices(&self, pattern: &str) -> Vec<(String, u64)> {
        let mut http = self.connect();
        http.post(&format!("/{pattern}/_refresh"), "");
        let answer = http.get(&format!("/_cat/indices/{pattern}?format=json&h=index,docs.count&s=index"));
        if answer.status == 404 {
            return Vec::new();
        }
        let listed = answer.good().json();
        let of = |entry: &Value| {
            let documents = entry["docs.count"].as_str().and_then(|count| count.parse().ok());
            (entry["index"].as_str().expect("a name").to_owned(), documents.unwrap_or(0))
        };
        listed.as_array().expect("a list").iter().map(of).collect()
    }

    /// Whether it has the modules that mappings of this kind of field need: some servers of the lab lack some.
    pub fn knows_field(&self, index: &str, field: &Value) -> bool {
        let mappings = json!({ "properties": { "field": field } });
        let answer = self.try_create(index, 1, &mappings);
        if answer.status >= 300 {
            let why = answer.text();
            let unknown = ["No handler for type", "does not exist"].iter().any(|word| why.contains(word));
            assert!(unknown, "{}: {why}", self.name);
            return false;
        }
        self.remove(index);
        true
    }

    /// Scrolls and points in time that somebody has open.
    pub fn open_contexts(&self) -> u64 {
        let stats = self.connect().get("/_nodes/stats/indices/search").good().json();
        let nodes = stats["nodes"].as_object().expect("nodes");
        nodes.values().map(|node| node["indices"]["search"]["open_contexts"].as_u64().expect("a number")).sum()
    }
}
