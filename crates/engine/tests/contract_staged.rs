//! A backup by way of a folder, with real servers: the snapshot is the same as without, and nothing stays in the folder.

mod support;

use std::{fs, path::Path};

use elasticsearch::load::OnConflict;
use engine::{
    Error,
    backup::{self, BackupReport},
    manifest::Manifest,
    parts::{Part, Parts},
    progress::Progress,
};
use serde_json::json;
use support::{Cluster, Store, everything, only, options, restore, verify};
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;

const DOCUMENTS: u64 = 3_000;

async fn fill(cluster: &Cluster, index: &str, shards: u64) {
    cluster.delete_all(index).await;
    let settings = json!({ "number_of_shards": shards, "number_of_replicas": 0 });
    cluster.create(index, &settings, &json!({}), &json!({ format!("{index}-alias"): {} })).await;
    let documents = (0..DOCUMENTS).map(|n| (n.to_string(), json!({ "n": n, "text": "x".repeat(1_000) })));
    cluster.documents(index, documents).await;
}

async fn staged(
    store: &Store,
    cluster: &Cluster,
    patterns: &[&str],
    folder: &Path,
    parts: Parts,
    cancel: &CancellationToken,
) -> engine::Result<BackupReport> {
    let options = backup::BackupOptions { parts, ..options(only(patterns)) };
    let (lock, progress) = (store.lock(), Progress::new());
    backup::staged(&cluster.client, &store.repository, &lock, options, folder, &progress, cancel).await
}

/// All but the moment.
fn timeless(manifest: &Manifest) -> Manifest {
    let mut manifest = manifest.clone();
    manifest.head.started = String::new();
    manifest
}

fn is_empty(folder: &Path) -> bool {
    fs::read_dir(folder).expect("a folder").next().is_none()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_snapshot_is_the_same_as_without_the_folder() {
    for cluster in Cluster::all().await {
        let [one, many, empty] = ["larder-staged-one", "larder-staged-many", "larder-staged-empty"];
        fill(&cluster, one, 1).await;
        fill(&cluster, many, 3).await;
        cluster.create(empty, &json!({ "number_of_shards": 2 }), &json!({}), &json!({})).await;
        let store = Store::new();
        let folder = TempDir::new().expect("a folder");
        let (place, never) = (folder.path().join("data"), CancellationToken::new());
        let patterns = ["larder-staged-*"];

        let straight = store.backup(&cluster, only(&patterns), |_| {}).await.expect("saved");
        let by_way = staged(&store, &cluster, &patterns, &place, Parts::usual(), &never).await.expect("saved");
        assert!(is_empty(folder.path()));
        assert_eq!(timeless(&by_way.manifest), timeless(&straight.manifest));
        assert_eq!(by_way.saved.data_blobs_new, 1, "only the manifest is new");
        let snapshots = [&straight.saved.snapshot, &by_way.saved.snapshot];
        assert_eq!(store.files(snapshots[0]), store.files(snapshots[1]));

        let dump = store.dump(snapshots[1]);
        assert!(verify(&dump, Some(&cluster)).await.is_good());
        cluster.delete_all("larder-staged").await;
        let report = restore(&cluster, &dump, everything(), OnConflict::Fail).await.expect("a report");
        assert_eq!((report.failures().len(), report.indexed()), (0, 2 * DOCUMENTS));

        let bare = Parts::from_iter([Part::Mappings]);
        let bare = staged(&store, &cluster, &patterns, &place, bare, &never).await.expect("saved");
        assert_eq!(bare.manifest.documents(), 0);
        assert!(is_empty(folder.path()));
        cluster.delete_all("larder-staged").await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_stays_of_a_backup_that_was_stopped_or_refused() {
    for cluster in Cluster::all().await {
        let index = "larder-staging-stopped";
        fill(&cluster, index, 2).await;
        let store = Store::new();
        let folder = TempDir::new().expect("a folder");
        let (place, stopped) = (folder.path().join("data"), CancellationToken::new());
        stopped.cancel();
        let error = staged(&store, &cluster, &[index], &place, Parts::usual(), &stopped).await.expect_err("stopped");
        assert!(matches!(error, Error::Interrupted), "{error}");
        assert!(is_empty(folder.path()));

        fs::create_dir(&place).expect("made");
        fs::write(place.join("precious"), "x").expect("written");
        let never = CancellationToken::new();
        let error = staged(&store, &cluster, &[index], &place, Parts::usual(), &never).await.expect_err("refused");
        assert!(error.chain().contains("it must be empty"), "{error}");
        assert!(place.join("precious").exists());
        assert_eq!(store.repository.snapshots().expect("a list").len(), 0);
        cluster.delete_all(index).await;
    }
}
