//! Several snapshots restored as one, with real servers: what several have comes from the last of them.

mod support;

use std::sync::Arc;

use elasticsearch::load::OnConflict;
use engine::{
    backup::BackupReport,
    dump::Dump,
    parts::{Part, Parts},
};
use serde_json::json;
use support::{Cluster, Store, everything, only, restore};

async fn fill(cluster: &Cluster, index: &str, shards: u64, documents: u64, alias: Option<&str>) {
    cluster.delete_all(index).await;
    let analysis = json!({ "analyzer": { "mine": { "type": "custom", "tokenizer": "standard" } } });
    let settings = json!({ "number_of_shards": shards, "number_of_replicas": 0, "analysis": analysis });
    let mappings = json!({ "properties": { "n": { "type": "long" } } });
    let aliases = alias.map_or(json!({}), |alias| json!({ alias: {} }));
    cluster.create(index, &settings, &mappings, &aliases).await;
    cluster.documents(index, (0..documents).map(|n| (n.to_string(), json!({ "n": n })))).await;
}

fn over(store: &Store, saved: &[&BackupReport]) -> Arc<Dump> {
    let snapshots = saved.iter().map(|saved| saved.saved.snapshot.clone()).collect();
    Arc::new(Dump::open_all(&store.repository, snapshots).expect("a dump"))
}

#[tokio::test(flavor = "multi_thread")]
async fn later_snapshots_lie_over_earlier_ones() {
    for cluster in Cluster::all().await {
        let [a, b, c] = ["larder-several-a", "larder-several-b", "larder-several-c"];
        fill(&cluster, a, 1, 10, Some("larder-several-of-a")).await;
        fill(&cluster, b, 1, 20, Some("larder-several-of-b")).await;
        let store = Store::new();
        let first = store.backup(&cluster, only(&[a, b]), |_| {}).await.expect("saved");
        fill(&cluster, b, 2, 25, None).await;
        fill(&cluster, c, 1, 30, None).await;
        let second = store.backup(&cluster, only(&[b, c]), |_| {}).await.expect("saved");

        let dump = over(&store, &[&first, &second]);
        assert!(dump.is_ours() && dump.parts() == Parts::usual());
        assert_eq!(dump.indices().collect::<Vec<_>>(), [a, b, c]);
        assert_eq!(dump.snapshots().count(), 2);
        cluster.delete_all("larder-several").await;
        let report = restore(&cluster, &dump, everything(), OnConflict::Fail).await.expect("a report");
        assert_eq!(report.failures(), Vec::<String>::new());
        for (index, documents, shards) in [(a, 10, "1"), (b, 25, "2"), (c, 30, "1")] {
            assert_eq!(cluster.count(index).await, Some(documents));
            assert_eq!(cluster.shown(index).await["settings"]["index"]["number_of_shards"], shards);
        }
        assert!(cluster.shown(a).await["aliases"]["larder-several-of-a"].is_object());
        assert_eq!(cluster.shown(b).await["aliases"], json!({}), "the last one says that it has none");

        let turned = over(&store, &[&second, &first]);
        let report = restore(&cluster, &turned, everything(), OnConflict::Overwrite).await.expect("a report");
        assert_eq!((report.failures().len(), cluster.count(b).await), (0, Some(20)));
        assert!(cluster.shown(b).await["aliases"]["larder-several-of-b"].is_object());
        cluster.delete_all("larder-several").await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn parts_of_one_index_may_come_from_several_snapshots() {
    for cluster in Cluster::all().await {
        let index = "larder-pieced";
        fill(&cluster, index, 2, 10, Some("larder-pieced-alias")).await;
        let store = Store::new();
        let mut saved = Vec::new();
        let pieces = [Part::Settings, Part::Aliases, Part::Documents, Part::Analyzers, Part::Mappings];
        let saved_parts = Parts::from_iter(pieces);
        for part in pieces {
            let parts = Parts::from_iter([part]);
            saved.push(store.backup(&cluster, only(&[index]), |options| options.parts = parts).await.expect("saved"));
        }
        let dump = over(&store, &saved.iter().collect::<Vec<_>>());
        cluster.delete_all(index).await;
        let report = restore(&cluster, &dump, everything(), OnConflict::Fail).await.expect("a report");
        assert_eq!(report.failures(), Vec::<String>::new());
        assert_eq!(report.missing, Parts::usual().without(&saved_parts));
        assert_eq!((report.indices[0].expected, cluster.count(index).await), (Some(10), Some(10)));
        let shown = cluster.shown(index).await;
        assert_eq!(shown["settings"]["index"]["number_of_shards"], "2");
        assert!(shown["settings"]["index"]["analysis"]["analyzer"]["mine"].is_object(), "{shown}");
        assert!(shown["aliases"]["larder-pieced-alias"].is_object(), "{shown}");
        assert!(shown["mappings"].to_string().contains("long"), "{shown}");
        cluster.delete_all(index).await;
    }
}
