//! Takes the metrics of what was deleted out of the Pushgateway, which would keep them for ever: alerts would go on about what
//! nobody backs up any more. What is deleted while nobody works here stays there.

use std::{fmt::Debug, sync::Arc};

use api::{BackupBatch, BackupConfiguration, RestoreBatch, RestoreSession, metrics};
use futures::StreamExt as _;
use kube::{
    Resource, ResourceExt as _,
    core::PartialObjectMeta,
    runtime::{
        WatchStreamExt as _,
        watcher::{Config, Event, watcher},
    },
};
use serde::de::DeserializeOwned;

use crate::cluster::Cluster;

/// Works until it is dropped.
pub(crate) async fn run(cluster: Arc<Cluster>) {
    tokio::join!(
        of_kind::<BackupConfiguration>(&cluster),
        of_kind::<BackupBatch>(&cluster),
        of_kind::<RestoreSession>(&cluster),
        of_kind::<RestoreBatch>(&cluster),
    );
}

async fn of_kind<K>(cluster: &Cluster)
where
    K: Resource<DynamicType = ()> + Clone + Debug + DeserializeOwned + Send + 'static,
{
    watcher(cluster.all::<PartialObjectMeta<K>>(), Config::default())
        .default_backoff()
        .for_each(async |event| match event {
            Ok(Event::Delete(object)) => {
                let namespace = object.namespace().unwrap_or_default();
                forget(cluster, &metrics::job(&K::kind(&()), &namespace, &object.name_any())).await;
            }
            Ok(_) => {}
            Err(error) => tracing::warn!(kind = %K::kind(&()), %error, "cannot watch what is deleted"),
        })
        .await;
}

async fn forget(cluster: &Cluster, job: &str) {
    let Some(gateway) = &cluster.pushgateway else { return };
    match gateway.forget(job).await {
        Ok(()) => tracing::debug!(job, "its metrics are taken out of the Pushgateway"),
        Err(why) => tracing::warn!(job, why, "its metrics are still in the Pushgateway"),
    }
}
