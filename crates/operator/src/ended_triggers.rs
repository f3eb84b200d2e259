//! Removes the Jobs that CronJobs made and that have begun a session: nobody needs them any more. Those that failed stay, to be looked at.

use std::sync::Arc;

use api::labels;
use futures::StreamExt as _;
use k8s_openapi::api::batch::v1::Job;
use kube::{
    Api, ResourceExt as _,
    api::{DeleteParams, Preconditions, PropagationPolicy},
    runtime::{
        WatchStreamExt as _,
        watcher::{self, watcher},
    },
};

use crate::{cluster::Cluster, jobs::holds};

/// Works until it is dropped.
pub(crate) async fn run(cluster: Arc<Cluster>) {
    let selector = format!("{}=true", labels::DELETE_JOB_ON_COMPLETION);
    let jobs = watcher(cluster.all::<Job>(), watcher::Config::default().labels(&selector)).default_backoff();
    jobs.applied_objects()
        .for_each(async |job| match job {
            Ok(job) if is_complete(&job) => remove(&cluster, &job).await,
            Ok(_) => {}
            Err(error) => tracing::warn!(%error, "cannot watch the CronJobs' Jobs"),
        })
        .await;
}

fn is_complete(job: &Job) -> bool {
    holds(job, "Complete").is_some() && job.metadata.deletion_timestamp.is_none()
}

async fn remove(cluster: &Cluster, job: &Job) {
    let params = DeleteParams {
        propagation_policy: Some(PropagationPolicy::Background),
        preconditions: Some(Preconditions { uid: job.uid(), resource_version: None }),
        ..DeleteParams::default()
    };
    let jobs: Api<Job> = cluster.namespaced(&job.namespace().unwrap_or_default());
    match jobs.delete(&job.name_any(), &params).await {
        Ok(_) => {}
        Err(kube::Error::Api(answer)) if matches!(answer.code, 404 | 409) => {}
        Err(error) => tracing::warn!(job = job.name_any(), %error, "cannot remove a Job that is complete"),
    }
}
