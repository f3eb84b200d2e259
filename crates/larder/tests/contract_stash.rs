//! What Stash saved, in every layout that it has left behind: real dumps of real servers by three versions of
//! multielasticdump (`fixtures/multielasticdump`), put into repositories by the real restic as Stash did. They restore into
//! every server of `LARDER_TEST_ES` that is not older than the one that was dumped, document by document.

#![allow(clippy::unwrap_used)] // a test that cannot go on fails

mod support;

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
    thread,
};

use elasticsearch::Request;
use serde_json::{Value, json};
use support::{
    cluster::{Answer, Cluster, Hit},
    larder::{Larder, Outcome},
    root::Root,
};

/// The servers that were dumped, each with the versions of multielasticdump that dumped it.
const DUMPS: [(&str, &[&str]); 3] =
    [("5.6.4", &["4.1.1", "6.76.0"]), ("6.8.0", &["4.1.1", "6.76.0", "6.125.1"]), ("7.14.0", &["6.76.0", "6.125.1"])];

/// The two folders that Stash saved from.
const FOLDERS: [&str; 2] = ["/stash-interim-volume/data", "/tmp/stash-interim-volume/data"];

const PLAIN: &str = "stash-plain";
/// What an index of 5.6 may be and a later one may not: of several types, with parents.
const ONLY_FIVE: [&str; 2] = ["stash-types", "stash-family"];

/// The same names on every server, and templates of a whole cluster.
static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/multielasticdump")
}

/// A dump that lies beside this test.
struct Fixture {
    server: &'static str,
    dumper: &'static str,
}

impl Fixture {
    fn all() -> impl Iterator<Item = Self> {
        DUMPS.into_iter().flat_map(|(server, by)| by.iter().map(move |dumper| Self { server, dumper }))
    }

    fn folder(&self) -> PathBuf {
        fixtures().join(format!("{}-by-{}", self.server, self.dumper))
    }

    /// What the server held.
    fn held(&self) -> Documents {
        let file = fs::read_to_string(fixtures().join(format!("{}.json", self.server))).unwrap();
        documents(serde_json::from_str(&file).unwrap())
    }

    /// Whether the dump has settings, aliases and templates: the oldest have mappings, analyzers and documents only.
    fn is_full(&self) -> bool {
        self.dumper != "4.1.1"
    }

    fn indices(&self) -> Vec<&'static str> {
        let all = [PLAIN, "stash-empty", "stash-odd.1+x&ü'"];
        all.into_iter().chain(ONLY_FIVE.into_iter().filter(|_| self.server == "5.6.4")).collect()
    }

    /// As it lies in a repository of Stash.
    fn saved_by_restic(&self, saved_from: &str) -> Root {
        let root = Root::new();
        let data = root.path(saved_from);
        fs::create_dir_all(&data).unwrap();
        for file in fs::read_dir(self.folder()).unwrap() {
            let file = file.unwrap();
            fs::copy(file.path(), data.join(file.file_name())).unwrap();
        }
        root.restic(&["init", "--repository-version", "1"]);
        root.restic(&["backup", "--host", "host-0", saved_from]);
        root
    }
}

/// A document: type, routing, parent and, byte by byte, its source.
type Document = (Option<String>, Option<String>, Option<String>, String);

/// By index; with their ids.
type Documents = BTreeMap<String, BTreeSet<(String, Document)>>;

fn documents(answer: Answer) -> Documents {
    let mut documents = Documents::new();
    for hit in answer.hits.hits {
        let Hit { index, kind, id, routing, parent, source, version: _ } = hit;
        let document = (kind, routing, parent, source.get().to_owned());
        assert!(documents.entry(index).or_default().insert((id, document)), "a document came twice");
    }
    documents
}

/// The documents of an index, without their types where the server has none.
fn of(documents: &Documents, index: &str, types: bool) -> BTreeSet<(String, Document)> {
    let all = documents.get(index).cloned().unwrap_or_default();
    all.into_iter()
        .map(|(id, (kind, routing, parent, source))| (id, (kind.filter(|_| types), routing, parent, source)))
        .collect()
}

/// The servers that have the tokenizer of the dumps: a module since 6.0, which some of the lab's lack.
fn clusters() -> Vec<Cluster> {
    let has = |cluster: &Cluster| cluster.many_types() || cluster.has_module("CommonAnalysisPlugin");
    let all: Vec<Cluster> = Cluster::all().into_iter().filter(has).collect();
    assert!(!all.is_empty(), "LARDER_TEST_ES must list a server with analysis-common");
    all
}

fn found(cluster: &Cluster, index: &str) -> Documents {
    cluster.refresh(index);
    documents(cluster.search(Request::get(&[index, "_search"]).query("size", "1000")))
}

fn clean(cluster: &Cluster) {
    for index in [PLAIN, "stash-empty", "stash-odd.1+x&ü'", ".stash-system"].into_iter().chain(ONLY_FIVE) {
        cluster.delete(&[index]);
    }
    cluster.delete(&["_template", "stash-template"]);
}

/// The major version of a server; OpenSearch began where Elasticsearch was at 7.
fn major(name: &str) -> u32 {
    if name.starts_with("os-") { 7 } else { name.split('.').next().unwrap().parse().unwrap() }
}

fn assert_restored(fixture: &Fixture, cluster: &Cluster, outcome: &Outcome) {
    let what = format!("{} by {} into {}: {outcome:?}", fixture.server, fixture.dumper, cluster.name);
    let held = fixture.held();
    for index in fixture.indices() {
        if ONLY_FIVE.contains(&index) && !cluster.many_types() {
            assert!(!cluster.has(index), "{index} is half there: {what}");
            continue;
        }
        let kept = of(&held, index, cluster.types());
        assert_eq!(of(&found(cluster, index), index, cluster.types()), kept, "{index}: {what}");
    }
    assert!(outcome.said(".stash-system") && !cluster.has(".stash-system"), "{what}");
    if fixture.server == "5.6.4" && !cluster.many_types() {
        // Refused by name, each with what to do.
        assert_eq!(outcome.code, 1, "{what}");
        for word in ["event", "user", "_parent", "vote"] {
            assert!(outcome.said(word), "{word}: {what}");
        }
    } else {
        assert_eq!(outcome.code, 0, "{what}");
    }
    definitions(fixture, cluster, &what);
}

fn definitions(fixture: &Fixture, cluster: &Cluster, what: &str) {
    let shown = cluster.shown(PLAIN);
    let mappings = &shown["mappings"];
    let mappings = if cluster.types() { mappings.as_object().unwrap().values().next().unwrap() } else { mappings };
    assert_eq!(mappings["dynamic"], "strict", "{what}");
    let properties = json!({
        "n": { "type": "long" }, "rating": { "type": "double" }, "text": { "type": "text", "analyzer": "mine" },
        "parts": { "type": "nested", "properties": { "size": { "type": "integer" } } }
    });
    assert_eq!(mappings["properties"], properties, "{what}");
    let settings = &shown["settings"]["index"];
    let mine = json!({ "type": "custom", "tokenizer": "whitespace", "filter": ["lowercase"] });
    assert_eq!(settings["analysis"]["analyzer"]["mine"], mine, "{what}");
    if !fixture.is_full() {
        return;
    }
    assert_eq!((&settings["number_of_shards"], &settings["refresh_interval"]), (&json!("2"), &json!("11s")), "{what}");
    let aliases = json!({
        "stash-alias": { "filter": { "range": { "n": { "gte": 5 } } } },
        "stash-routed": { "index_routing": "1", "search_routing": "1" }
    });
    assert_eq!(shown["aliases"], aliases, "{what}");
    let template = cluster.get(&["_template", "stash-template"])["stash-template"].take();
    let patterns = if cluster.many_types() { json!("stash-none-*") } else { json!(["stash-none-*"]) };
    let name = if cluster.many_types() { "template" } else { "index_patterns" };
    assert_eq!((&template[name], &template["order"]), (&patterns, &Value::from(3)), "{template} {what}");
}

#[test]
fn every_dump_that_stash_saved_restores_into_every_newer_server() {
    let _one = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
    let saved: Vec<(Fixture, Root)> = Fixture::all()
        .zip(FOLDERS.into_iter().cycle())
        .map(|(fixture, folder)| {
            let root = fixture.saved_by_restic(folder);
            (fixture, root)
        })
        .collect();
    let clusters = clusters();
    let ways = |cluster: &Cluster| saved.iter().filter(|(one, _)| major(one.server) <= major(&cluster.name)).count();
    assert!(clusters.iter().map(ways).sum::<usize>() > 0, "no server takes any of the dumps");
    thread::scope(|scope| {
        for cluster in clusters {
            let saved = &saved;
            let work = move || {
                for (fixture, root) in saved.iter().filter(|(one, _)| major(one.server) <= major(&cluster.name)) {
                    clean(&cluster);
                    let repository = root.path("/repository");
                    let larder = Larder::on(repository.to_str().unwrap()).with("LARDER_ELASTICSEARCH", &cluster.url);
                    assert_restored(fixture, &cluster, &larder.run(&["restore"]));
                }
                clean(&cluster);
            };
            scope.spawn(work);
        }
    });
}

#[test]
fn every_dump_goes_into_a_repository_as_a_folder_and_restores() {
    let _one = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
    let cluster = clusters().pop().unwrap();
    let mut dumpers = BTreeSet::new();
    for fixture in Fixture::all() {
        let folder = tempfile::tempdir().unwrap();
        let larder = Larder::on_new(folder.path()).with("LARDER_ELASTICSEARCH", &cluster.url);
        let imported = larder.summary(&["import", fixture.folder().to_str().unwrap()]);
        let documents: usize = fixture.held().values().map(BTreeSet::len).sum();
        // And the one of the system's index.
        let expected = (json!(fixture.indices().len() + 1), json!(documents + 1));
        assert_eq!((&imported["indices"], &imported["documents"]), (&expected.0, &expected.1), "{imported}");
        // The restores of all of them are the other test's: here one by each version of the tool.
        if major(fixture.server) <= major(&cluster.name) && dumpers.insert(fixture.dumper) {
            clean(&cluster);
            assert_restored(&fixture, &cluster, &larder.run(&["restore"]));
        }
    }
    clean(&cluster);
}
