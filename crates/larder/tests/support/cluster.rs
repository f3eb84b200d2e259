//! A real server, asked without any help of what is tested: documents come through a plain scroll, as raw text.
//! `LARDER_TEST_ES` lists the servers as `NAME=URL,NAME=URL`.

use std::{
    collections::BTreeMap,
    fmt::{self, Write as _},
    time::Duration,
};

use elasticsearch::{Client, Connection, Request};
use rand::{
    SeedableRng as _,
    distr::{Alphanumeric, SampleString as _},
    rngs::StdRng,
};
use serde::Deserialize;
use serde_json::{Value, json, value::RawValue};
use tokio::runtime::Runtime;

use super::until;

/// How long a server may take to report that contexts are closed.
const PATIENCE: Duration = Duration::from_secs(30);

/// One server.
pub struct Cluster {
    /// As the list of servers calls it, such as `7.14.0`.
    pub name: String,
    /// Its address.
    pub url: String,
    client: Client,
    runtime: Runtime,
}

/// What of a document must come back.
#[derive(Clone, PartialEq, Eq)]
pub struct Document {
    /// The bytes of `_source`.
    pub source: String,
    /// Custom routing.
    pub routing: Option<String>,
    /// `_version`.
    pub version: u64,
}

impl fmt::Debug for Document {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let start: String = self.source.chars().take(300).collect();
        write!(f, "version {}, routing {:?}, {} bytes: {start}", self.version, self.routing, self.source.len())
    }
}

/// Documents by id.
pub type Documents = BTreeMap<String, Document>;

/// The answer to a search.
#[derive(Deserialize)]
pub struct Answer {
    #[serde(rename = "_scroll_id")]
    scroll_id: Option<String>,
    /// What was found.
    pub hits: Hits,
}

/// What a search found.
#[derive(Deserialize)]
pub struct Hits {
    /// The documents.
    pub hits: Vec<Hit>,
}

/// One document of an answer.
#[derive(Deserialize)]
pub struct Hit {
    /// Its index.
    #[serde(rename = "_index")]
    pub index: String,
    /// Its type, where the server has types.
    #[serde(rename = "_type")]
    pub kind: Option<String>,
    /// Its id.
    #[serde(rename = "_id")]
    pub id: String,
    /// Its version, where the search asked for it.
    #[serde(rename = "_version")]
    pub version: Option<u64>,
    /// Its routing, where it has one of its own.
    #[serde(rename = "_routing")]
    pub routing: Option<String>,
    /// Its parent, where it has one.
    #[serde(rename = "_parent")]
    pub parent: Option<String>,
    /// Its source, byte by byte.
    #[serde(rename = "_source")]
    pub source: Box<RawValue>,
}

impl Cluster {
    /// Every server of the list.
    pub fn all() -> Vec<Self> {
        listed(SERVERS).into_iter().map(|(name, url)| Self::connect(name, url)).collect()
    }

    /// The one of this name.
    pub fn named(name: &str) -> Self {
        let (name, url) = listed(SERVERS).into_iter().find(|(known, _)| known == name).unwrap_or_else(|| {
            panic!("LARDER_TEST_ES must list {name}");
        });
        Self::connect(name, url)
    }

    /// The one at an address.
    pub fn connect(name: String, url: String) -> Self {
        let connection = Connection::new(vec![url.parse().unwrap()]);
        Self::over(name, url, connection)
    }

    /// The one at an address, which this connection reaches.
    pub fn over(name: String, url: String, connection: Connection) -> Self {
        let runtime = Runtime::new().unwrap();
        let client = runtime.block_on(Client::connect(connection)).unwrap();
        Self { name, url, client, runtime }
    }

    /// Whether mappings name types.
    pub fn types(&self) -> bool {
        self.client.can().types
    }

    /// The one type of its indices: 5.x takes none that begins with `_`.
    pub fn type_name(&self) -> &'static str {
        if self.client.can().many_types { "doc" } else { "_doc" }
    }

    /// Whether an index may have more than one type.
    pub fn many_types(&self) -> bool {
        self.client.can().many_types
    }

    /// Whether `index.default_pipeline` is a setting.
    pub fn default_pipeline(&self) -> bool {
        self.client.can().default_pipeline
    }

    /// Whether it has component and index templates.
    pub fn composable_templates(&self) -> bool {
        self.client.can().composable_templates
    }

    /// Whether it has search pipelines.
    pub fn search_pipelines(&self) -> bool {
        self.client.can().search_pipelines
    }

    /// Whether it has a module, by the name of its class, which says `Module` on OpenSearch 3 only: the lab has some servers
    /// without modules that others have.
    pub fn has_module(&self, class: &str) -> bool {
        let nodes = self.get(&["_nodes"])["nodes"].take();
        let parts = nodes.as_object().unwrap().values().flat_map(|node| ["modules", "plugins"].map(|kind| &node[kind]));
        parts.filter_map(Value::as_array).flatten().any(|part| {
            let name = part["classname"].as_str().or(part["name"].as_str()).unwrap();
            name.replace("ModulePlugin", "Plugin").ends_with(class)
        })
    }

    /// Sends a request.
    ///
    /// # Errors
    /// As the client tells: any status but 2xx.
    pub fn send(&self, request: Request) -> elasticsearch::Result<Vec<u8>> {
        self.runtime.block_on(self.client.send(request)).map(|answer| answer.body.to_vec())
    }

    /// Sends a request that must be obeyed.
    pub fn ask(&self, request: Request) -> Value {
        let answer = self.send(request).unwrap_or_else(|error| panic!("{}: {error}", self.name));
        serde_json::from_slice(&answer).unwrap()
    }

    /// What a path says; nothing where there is nothing.
    pub fn get(&self, path: &[&str]) -> Value {
        match self.send(Request::get(path)) {
            Ok(answer) => serde_json::from_slice(&answer).unwrap(),
            Err(error) if error.status() == Some(404) => Value::Null,
            Err(error) => panic!("{}: {error}", self.name),
        }
    }

    /// Puts JSON.
    pub fn put(&self, path: &[&str], body: &Value) {
        self.ask(Request::put(path).json(body.to_string()));
    }

    /// Deletes what may not be there.
    pub fn delete(&self, path: &[&str]) {
        if let Err(error) = self.send(Request::delete(path)) {
            assert_eq!(error.status(), Some(404), "{}: {error}", self.name);
        }
    }

    /// Makes an index; `mappings` without a type.
    pub fn create(&self, index: &str, settings: &Value, mappings: &Value, aliases: &Value) {
        let mappings = if self.types() { json!({ self.type_name(): mappings }) } else { mappings.clone() };
        self.put(&[index], &json!({ "settings": settings, "mappings": mappings, "aliases": aliases }));
    }

    /// Sends lines to `_bulk` of an index; every one must be obeyed.
    pub fn bulk(&self, index: &str, lines: String) {
        let path: &[&str] = if self.types() { &[index, self.type_name(), "_bulk"] } else { &[index, "_bulk"] };
        let answer = self.ask(Request::post(path).ndjson(lines));
        assert_eq!(answer["errors"], false, "{}: {answer}", self.name);
    }

    /// Makes an index anew, with documents of so many letters each that hardly compress; always the same ones.
    pub fn fill_with_text(&self, index: &str, settings: &Value, documents: usize, letters: usize) {
        self.delete(&[index]);
        self.create(index, settings, &json!({ "enabled": false }), &json!({}));
        let mut random = StdRng::seed_from_u64(documents as u64);
        let all: Vec<usize> = (0..documents).collect();
        for numbers in all.chunks(400) {
            let mut lines = String::new();
            for number in numbers {
                let text = Alphanumeric.sample_string(&mut random, letters);
                writeln!(lines, "{{\"index\":{{\"_id\":\"{number}\"}}}}\n{{\"n\":{number},\"text\":\"{text}\"}}")
                    .unwrap();
            }
            self.bulk(index, lines);
        }
    }

    /// Puts one document, exactly these bytes.
    ///
    /// # Errors
    /// Where the server does not take it.
    pub fn document(&self, index: &str, id: &str, source: &str, query: &[(&str, &str)]) -> elasticsearch::Result<()> {
        let request = Request::put(&[index, self.type_name(), id]).json(source.to_owned());
        let request = query.iter().fold(request, |request, (name, value)| request.query(name, value));
        self.send(request).map(drop)
    }

    /// Makes all that was written visible.
    pub fn refresh(&self, index: &str) {
        self.ask(Request::post(&[index, "_refresh"]).idempotent(true));
    }

    /// Every document of an index, through a scroll.
    pub fn documents(&self, index: &str) -> Documents {
        self.refresh(index);
        let query = json!({ "size": 1_000, "version": true, "sort": ["_doc"] });
        let mut page = self.search(Request::post(&[index, "_search"]).query("scroll", "1m").json(query.to_string()));
        let mut documents = Documents::new();
        while !page.hits.hits.is_empty() {
            for hit in page.hits.hits {
                let Hit { id, version, routing, source, .. } = hit;
                let document = Document { source: source.get().to_owned(), routing, version: version.unwrap() };
                assert_eq!(documents.insert(id.clone(), document), None, "{id} came twice");
            }
            let next = json!({ "scroll": "1m", "scroll_id": page.scroll_id.unwrap() });
            page = self.search(Request::post(&["_search", "scroll"]).json(next.to_string()));
        }
        let scroll = json!({ "scroll_id": [page.scroll_id.unwrap()] });
        self.ask(Request::delete(&["_search", "scroll"]).json(scroll.to_string()));
        documents
    }

    /// The answer to a search.
    pub fn search(&self, request: Request) -> Answer {
        serde_json::from_slice(&self.send(request).unwrap()).unwrap()
    }

    /// Settings, mappings and aliases of an index, without what belongs to this one copy of it.
    pub fn shown(&self, index: &str) -> Value {
        let mut shown = self.get(&[index])[index].take();
        if let Some(settings) = shown["settings"]["index"].as_object_mut() {
            for own in ["uuid", "creation_date", "provided_name", "version"] {
                settings.remove(own);
            }
        }
        shown
    }

    /// Whether there is such an index.
    pub fn has(&self, index: &str) -> bool {
        !self.get(&[index]).is_null()
    }

    /// Contexts of searches that are open on this server now.
    pub fn open_contexts(&self) -> u64 {
        self.contexts_of_nodes().into_iter().map(|(_, open)| open).sum()
    }

    /// The same node by node, by their names.
    pub fn contexts_of_nodes(&self) -> Vec<(String, u64)> {
        let stats = self.get(&["_nodes", "stats", "indices", "search"]);
        let open = |node: &Value| {
            let name = node["name"].as_str().unwrap().to_owned();
            (name, node["indices"]["search"]["open_contexts"].as_u64().unwrap())
        };
        stats["nodes"].as_object().unwrap().values().map(open).collect()
    }

    /// Waits until no context is open any more: a server closes them a moment after it was told.
    pub fn all_contexts_closed(&self) {
        until(PATIENCE, &format!("{}: no context is open", self.name), || self.open_contexts() == 0);
    }
}

/// Fails with the first documents that differ, not with all of them.
pub fn assert_same(found: &Documents, expected: &Documents, what: &str) {
    let ids = found.keys().chain(expected.keys());
    let mut differing: Vec<_> = ids.filter(|id| found.get(*id) != expected.get(*id)).collect();
    differing.dedup();
    for id in differing.iter().take(5) {
        println!("{what}: {id:?}\n  is        {:?}\n  should be {:?}", found.get(*id), expected.get(*id));
    }
    assert!(differing.is_empty(), "{what}: {} documents of {} differ", differing.len(), expected.len());
}

/// The variable that lists the servers.
const SERVERS: &str = "LARDER_TEST_ES";

/// Names and addresses of the servers that a variable lists.
pub fn listed(variable: &str) -> Vec<(String, String)> {
    let list = std::env::var(variable).unwrap_or_else(|_| panic!("{variable} must list servers as NAME=URL,NAME=URL"));
    let entry = |entry: &str| {
        let (name, url) = entry.split_once('=').expect("NAME=URL");
        (name.to_owned(), url.to_owned())
    };
    list.split(',').map(entry).collect()
}
