//! The way that every kind goes: look, plan, apply, say. Decides nothing itself.

use std::{fmt, sync::Arc, time::Duration};

use api::metrics;
use futures::StreamExt as _;
use k8s_openapi::jiff::Timestamp;
use kube::{
    Api, Resource, ResourceExt as _,
    api::{DynamicObject, PostParams},
    core::object::HasStatus,
    runtime::{
        Controller,
        controller::{Action, Config},
    },
};
use serde::{Serialize, de::DeserializeOwned};

use crate::{
    apply::{self, ApplyError},
    cluster::Cluster,
    events::{Note, Story},
    plan::{Leaving, Plan, SOON, Tried},
};

/// A kind that the operator sees to.
pub(crate) trait Kind:
    Resource<DynamicType = (), Scope = k8s_openapi::NamespaceResourceScope>
    + HasStatus<Status = Self::Says>
    + Clone
    + fmt::Debug
    + Serialize
    + DeserializeOwned
    + Send
    + Sync
    + 'static
{
    /// Its status.
    type Says: PartialEq + Clone + Default + Send + Sync;
    /// What is looked at to plan.
    type Observed: Send + Sync;

    /// Whether nothing else may be decided beside this.
    fn alone(&self) -> bool;

    /// Looks at everything that the plan depends on.
    fn observe(self, cluster: &Cluster) -> impl Future<Output = Result<Self::Observed, kube::Error>> + Send;

    /// Decides.
    fn plan(observed: &mut Self::Observed, tried: Tried, cluster: &Cluster, now: Timestamp) -> Plan<Self::Says>;

    /// What has to be done before an object that is on its way out may go.
    fn leave(self, _: &Cluster, _: Timestamp) -> impl Future<Output = Result<Leaving, kube::Error>> + Send {
        async { Ok(Leaving::default()) }
    }

    /// What there is to tell people when its status changes.
    fn story(before: &Self::Says, after: &Self::Says) -> Story;
}

/// Why a look came to nothing; it is repeated.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    /// The API server could not be asked.
    #[error("cannot look at the cluster: {0}")]
    Observe(#[source] kube::Error),
    /// Something could not be made or removed.
    #[error(transparent)]
    Apply(ApplyError),
    /// The status could not be written.
    #[error("cannot write the status: {0}")]
    Status(#[source] kube::Error),
}

/// Something is looked at again after this even if nothing is heard: what is not watched may have changed.
pub(crate) const RESYNC: Duration = Duration::from_mins(5);

/// After a failure.
const AGAIN: Duration = Duration::from_secs(10);

/// Objects of one kind that are looked at at once.
const AT_ONCE: u16 = 8;

/// Objects that are watched, whatever they hold: one that is not what its kind says must not keep the others from being seen.
pub(crate) type Watched = Controller<DynamicObject>;

/// Sees to all objects of a kind, until it is dropped.
pub(crate) async fn run<K: Kind>(controller: Watched, cluster: Arc<Cluster>) {
    controller
        .with_config(Config::default().concurrency(AT_ONCE))
        .run(reconcile::<K>, |object, error, _| again(&K::kind(&()), &object, error), cluster)
        .for_each(|outcome| async move {
            if let Err(error) = outcome {
                tracing::debug!(kind = %K::kind(&()), %error, "not looked at");
            }
        })
        .await;
}

async fn reconcile<K: Kind>(object: Arc<DynamicObject>, cluster: Arc<Cluster>) -> Result<Action, Failure> {
    let (namespace, name) = (object.namespace().unwrap_or_default(), object.name_any());
    let looked = look::<K>(&namespace, &name, &cluster).await;
    cluster.observability.looked(&K::kind(&()), looked.is_ok());
    looked
}

async fn look<K: Kind>(namespace: &str, name: &str, cluster: &Cluster) -> Result<Action, Failure> {
    let api: Api<K> = cluster.namespaced(namespace);
    // What was watched may be older than what was written since.
    let object = match api.get_opt(name).await {
        Ok(Some(object)) => object,
        Ok(None) => return Ok(Action::await_change()),
        Err(kube::Error::SerdeError(error)) => return Ok(unreadable::<K>(namespace, name, &error)),
        Err(error) => return Err(Failure::Observe(error)),
    };
    if object.meta().deletion_timestamp.is_some() {
        return leave(&api, object, cluster).await;
    }
    let _alone = if object.alone() { Some(cluster.beginning.lock().await) } else { None };
    let mut observed = object.clone().observe(cluster).await.map_err(Failure::Observe)?;
    let plan = carry_out::<K>(namespace, &mut observed, cluster).await?;
    let object = match &plan.marks {
        none if none.is_empty() => object,
        marks => apply::mark(&api, &object, marks).await.map_err(Failure::Apply)?,
    };
    let before = object.status().cloned().unwrap_or_default();
    if plan.status != before {
        let Some(after) = say(&api, &object, plan.status).await? else { return Ok(Action::requeue(SOON)) };
        let story = K::story(&before, after.status().unwrap_or(&K::Says::default()));
        tell(&after, story, cluster).await;
    }
    apply::delete(namespace, &plan.delete, cluster).await.map_err(Failure::Apply)?;
    Ok(Action::requeue(plan.next.unwrap_or(RESYNC)))
}

/// Does what has to be done before an object may go, and lets it go then.
async fn leave<K: Kind>(api: &Api<K>, object: K, cluster: &Cluster) -> Result<Action, Failure> {
    let namespace = object.namespace().unwrap_or_default();
    let leaving = object.clone().leave(cluster, Timestamp::now()).await.map_err(Failure::Observe)?;
    apply::all(&namespace, &leaving.apply, cluster).await.map_err(Failure::Apply)?;
    tell(&object, Story::default().and(leaving.note), cluster).await;
    apply::delete(&namespace, &leaving.delete, cluster).await.map_err(Failure::Apply)?;
    if let Some(next) = leaving.next {
        return Ok(Action::requeue(next));
    }
    apply::let_go(api, &object).await.map_err(Failure::Apply)?;
    Ok(Action::await_change())
}

/// Plans, and makes what should exist, until the plan has nothing more to try.
async fn carry_out<K: Kind>(
    namespace: &str,
    observed: &mut K::Observed,
    cluster: &Cluster,
) -> Result<Plan<K::Says>, Failure> {
    let mut tried = Tried::default();
    let mut plan = K::plan(observed, tried.clone(), cluster, Timestamp::now());
    match apply::all(namespace, &plan.apply, cluster).await {
        Ok(()) => {}
        Err(ApplyError::Refused { why, .. }) => {
            tried.refused = Some(why);
            plan = K::plan(observed, tried.clone(), cluster, Timestamp::now());
        }
        Err(error) => return Err(Failure::Apply(error)),
    }
    if let Some(push) = &plan.push {
        tried.pushed = Some(match &cluster.pushgateway {
            Some(gateway) => gateway.push(&push.job, metrics::text(&push.samples)).await,
            None => Ok(()),
        });
        plan = K::plan(observed, tried, cluster, Timestamp::now());
    }
    Ok(plan)
}

/// Writes the status; `None` if somebody else wrote to the object meanwhile, so that the plan may be wrong.
async fn say<K: Kind>(api: &Api<K>, object: &K, status: K::Says) -> Result<Option<K>, Failure> {
    let mut object = object.clone();
    *object.status_mut() = Some(status);
    match api.replace_status(&object.name_any(), &PostParams::default(), &object).await {
        Ok(after) => Ok(Some(after)),
        Err(kube::Error::Api(answer)) if matches!(answer.code, 404 | 409) => Ok(None),
        Err(error) => Err(Failure::Status(error)),
    }
}

async fn tell<K: Kind>(object: &K, story: Story, cluster: &Cluster) {
    for note in story.notes {
        let Note { warning, reason, message } = &note;
        let (kind, name, namespace) = (K::kind(&()), object.name_any(), object.namespace().unwrap_or_default());
        if *warning {
            tracing::warn!(%kind, namespace, name, reason, message, "status changed");
        } else {
            tracing::info!(%kind, namespace, name, reason, message, "status changed");
        }
        cluster.events.publish(&note, &object.object_ref(&())).await;
    }
}

fn unreadable<K: Kind>(namespace: &str, name: &str, error: &serde_json::Error) -> Action {
    tracing::error!(kind = %K::kind(&()), namespace, name, %error, "the object is not what its kind says");
    Action::requeue(RESYNC)
}

/// A look that came to nothing is told and repeated.
pub(crate) fn again(kind: &str, object: &DynamicObject, error: &Failure) -> Action {
    let (namespace, name) = (object.namespace().unwrap_or_default(), object.name_any());
    tracing::warn!(kind, namespace, name, %error, "looking again");
    Action::requeue(AGAIN)
}
