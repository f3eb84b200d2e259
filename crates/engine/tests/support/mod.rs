//! Real servers and a new repository, and the engine's work between them with few words. `LARDER_TEST_ES` lists the servers
//! as `NAME=URL,NAME=URL`.
#![allow(dead_code)] // Each test binary uses its own part.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use elasticsearch::{Client, Connection, Request, Selection, load::OnConflict};
use engine::{
    backup::{self, BackupOptions, BackupReport, READERS},
    dump::Dump,
    parts::Parts,
    progress::Progress,
    restore::{self, RestoreOptions, RestoreReport, Wanted},
    verify::{self, VerifyOptions, VerifyReport},
};
use repository::{Access, Format, Location, Lock, LockKind, Repository, Snapshot, WriterOptions};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;

/// A real server.
pub struct Cluster {
    pub name: String,
    pub client: Client,
}

impl Cluster {
    /// Every server of the list.
    pub async fn all() -> Vec<Self> {
        let list = std::env::var("LARDER_TEST_ES").expect("LARDER_TEST_ES must list servers as NAME=URL,NAME=URL");
        let mut all = Vec::new();
        for entry in list.split(',') {
            let (name, url) = entry.split_once('=').expect("NAME=URL");
            let client = Client::connect(Connection::new(vec![url.parse().expect("a URL")])).await.expect("a server");
            all.push(Self { name: name.to_owned(), client });
        }
        all
    }

    /// Sends a request that must be obeyed.
    pub async fn ask(&self, request: Request) -> Value {
        let answer = self.client.send(request).await.unwrap_or_else(|error| panic!("{}: {error}", self.name));
        serde_json::from_slice(&answer.body).expect("JSON")
    }

    /// What a path says; nothing where there is nothing.
    pub async fn get(&self, path: &[&str]) -> Value {
        match self.client.send(Request::get(path)).await {
            Ok(answer) => serde_json::from_slice(&answer.body).expect("JSON"),
            Err(error) if error.status() == Some(404) => Value::Null,
            Err(error) => panic!("{}: {error}", self.name),
        }
    }

    pub async fn put(&self, path: &[&str], body: &Value) {
        self.ask(Request::put(path).json(body.to_string())).await;
    }

    /// Deletes what may not be there.
    pub async fn delete(&self, path: &[&str]) {
        if let Err(error) = self.client.send(Request::delete(path)).await {
            assert_eq!(error.status(), Some(404), "{}: {error}", self.name);
        }
    }

    /// Deletes every index whose name begins with `prefix`.
    pub async fn delete_all(&self, prefix: &str) {
        let include = vec![format!("{prefix}*")];
        for name in self.client.list(&Selection { include, ..Selection::default() }).await.expect("a list") {
            self.delete(&[&name]).await;
        }
    }

    /// Makes an index; `mappings` without a type.
    pub async fn create(&self, index: &str, settings: &Value, mappings: &Value, aliases: &Value) {
        let mappings = self.mappings(mappings);
        self.put(&[index], &json!({ "settings": settings, "mappings": mappings, "aliases": aliases })).await;
    }

    /// Mappings as the server takes them.
    pub fn mappings(&self, plain: &Value) -> Value {
        if self.client.can().types { json!({ "_doc": plain }) } else { plain.clone() }
    }

    /// Puts documents, by id.
    pub async fn documents(&self, index: &str, documents: impl IntoIterator<Item = (String, Value)>) {
        let path: &[&str] = if self.client.can().types { &[index, "_doc", "_bulk"] } else { &[index, "_bulk"] };
        let line = |(id, source): (String, Value)| format!("{}\n{source}\n", json!({ "index": { "_id": id } }));
        let lines: String = documents.into_iter().map(line).collect();
        let answer = self.ask(Request::post(path).query("refresh", "true").ndjson(lines)).await;
        assert_eq!(answer["errors"], false, "{}: {answer}", self.name);
    }

    /// How many documents an index has; `None` where there is none.
    pub async fn count(&self, index: &str) -> Option<u64> {
        self.get(&[index, "_count"]).await["count"].as_u64()
    }

    /// Settings, mappings and aliases of an index.
    pub async fn shown(&self, index: &str) -> Value {
        self.get(&[index]).await[index].take()
    }
}

/// A new repository.
pub struct Store {
    _folder: TempDir,
    pub repository: Repository,
}

impl Store {
    pub fn new() -> Self {
        let folder = TempDir::new().expect("a folder");
        let access = Access::new(Location::Local(folder.path().join("repository")), "secret".into());
        let repository = Repository::init(&access, Format::V2).expect("a repository");
        Self { _folder: folder, repository }
    }

    pub fn lock(&self) -> Arc<Lock> {
        Arc::new(self.repository.lock(LockKind::Shared, Duration::ZERO).expect("a lock"))
    }

    /// Backs up what `change` makes of the options for all of the indices `selection`.
    pub async fn backup(
        &self,
        cluster: &Cluster,
        selection: Selection,
        change: impl FnOnce(&mut BackupOptions),
    ) -> engine::Result<BackupReport> {
        let mut options = options(selection);
        change(&mut options);
        let (progress, cancel) = (Progress::new(), CancellationToken::new());
        backup::backup(&cluster.client, &self.repository, &self.lock(), options, &progress, &cancel).await
    }

    pub fn dump(&self, snapshot: &Snapshot) -> Arc<Dump> {
        Arc::new(Dump::open(&self.repository, snapshot.clone()).expect("a dump"))
    }

    /// The paths of the files of a snapshot.
    pub fn files(&self, snapshot: &Snapshot) -> BTreeSet<String> {
        let entries = self.repository.reader().expect("a reader").entries(snapshot).expect("entries");
        let files = entries.into_iter().filter(|entry| entry.kind == repository::EntryKind::File);
        files.map(|entry| entry.path).collect()
    }
}

/// Everything of `selection`.
pub fn options(selection: Selection) -> BackupOptions {
    BackupOptions {
        selection,
        parts: Parts::usual(),
        query: None,
        without_templates: None,
        hostname: "host-0".into(),
        username: "test".into(),
        tags: Vec::new(),
        program: "test".into(),
        now: jiff::Zoned::now(),
        writer: WriterOptions::default(),
        readers: READERS,
    }
}

pub fn only(patterns: &[&str]) -> Selection {
    Selection { include: patterns.iter().map(ToString::to_string).collect(), ..Selection::default() }
}

/// Everything of a dump.
pub fn everything() -> Wanted {
    Wanted { selection: Selection::default(), renames: Vec::new(), parts: Parts::usual(), without_templates: None }
}

pub async fn restore(
    cluster: &Cluster,
    dump: &Arc<Dump>,
    wanted: Wanted,
    on_conflict: OnConflict,
) -> engine::Result<RestoreReport> {
    let options = RestoreOptions {
        wanted,
        on_conflict: on_conflict.into(),
        allow_rejected: 0,
        rejections: restore::Rejections::default(),
        indices_at_once: None,
    };
    restore::restore(&cluster.client, dump, options, &Progress::new(), &CancellationToken::new()).await
}

pub async fn verify(dump: &Arc<Dump>, against: Option<&Cluster>) -> VerifyReport {
    let against = against.map(|cluster| cluster.client.clone());
    let options = VerifyOptions { selection: Selection::default(), against };
    verify::verify(dump, &options, &Progress::new(), &CancellationToken::new()).await.expect("verified")
}
