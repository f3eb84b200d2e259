//! How many indices a restore takes at once, with real servers: never more than was said, and all of them in the end.

mod support;

use std::{convert::Infallible, time::Duration};

use elasticsearch::load::OnConflict;
use engine::{
    progress::Progress,
    restore::{self, Rejections, RestoreOptions},
};
use serde_json::json;
use support::{Cluster, Store, everything, only};
use tokio_util::sync::CancellationToken;

const INDICES: usize = 20;

#[tokio::test(flavor = "multi_thread")]
async fn never_more_indices_are_at_work_than_was_said() {
    for cluster in Cluster::all().await {
        let prefix = "larder-at-once";
        cluster.delete_all(prefix).await;
        for n in 0..INDICES {
            let index = format!("{prefix}-{n}");
            let settings = json!({ "number_of_shards": 1, "number_of_replicas": 0 });
            cluster.create(&index, &settings, &json!({}), &json!({})).await;
            cluster.documents(&index, [("1".to_owned(), json!({ "n": n }))]).await;
        }
        let store = Store::new();
        let saved = store.backup(&cluster, only(&["larder-at-once*"]), |options| options.readers = 0).await;
        let dump = store.dump(&saved.expect("saved").saved.snapshot);
        for (said, most) in [(Some(1), 1), (Some(0), 1), (None, 4), (Some(7), 7), (Some(1_000), 16)] {
            cluster.delete_all(prefix).await;
            let options = RestoreOptions {
                wanted: everything(),
                on_conflict: OnConflict::Fail.into(),
                allow_rejected: 0,
                rejections: Rejections::default(),
                indices_at_once: said,
            };
            let (progress, cancel) = (Progress::new(), CancellationToken::new());
            let restoring = restore::restore(&cluster.client, &dump, options, &progress, &cancel);
            let mut seen = 0;
            let report = tokio::select! {
                report = restoring => report,
                never = look(&progress, &mut seen) => match never {},
            };
            assert_eq!(report.expect("a report").indexed(), INDICES as u64);
            println!("{}: {said:?} said, {seen} seen", cluster.name);
            assert!(seen <= most, "{said:?}: {seen} indices were at work");
        }
        cluster.delete_all(prefix).await;
    }
}

/// Keeps the most that were ever at work.
async fn look(progress: &Progress, most: &mut usize) -> Infallible {
    loop {
        *most = progress.view().at_work.len().max(*most);
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}
