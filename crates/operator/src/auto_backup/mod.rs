//! AppBindings that ask for backups by an annotation: a Repository and a BackupConfiguration for each, as a BackupBlueprint has
//! them.

pub mod plan;
mod variables;

use std::{sync::Arc, time::Duration};

use api::{AppBinding, BackupBlueprint, BackupConfiguration, Repository};
use futures::StreamExt as _;
use kube::{
    Api, ResourceExt as _,
    api::DynamicObject,
    runtime::controller::{Action, Config},
};

use self::plan::Observed;
use crate::{
    apply::{self, ApplyError},
    cluster::{self, Cluster},
    driver::{Failure, RESYNC, Watched, again},
    events::Note,
    lookup::Lookup,
    names,
};

/// While something stands in the way that a person has to see to.
const LATER: Duration = Duration::from_mins(1);

/// Sees to all AppBindings, until it is dropped.
pub(crate) async fn run(controller: Watched, cluster: Arc<Cluster>) {
    controller
        .with_config(Config::default().concurrency(2))
        .run(reconcile, |object, error, _| again("AppBinding", &object, error), cluster)
        .for_each(|outcome| async move {
            if let Err(error) = outcome {
                tracing::debug!(kind = "AppBinding", %error, "not looked at");
            }
        })
        .await;
}

async fn reconcile(object: Arc<DynamicObject>, cluster: Arc<Cluster>) -> Result<Action, Failure> {
    let (namespace, name) = (object.namespace().unwrap_or_default(), object.name_any());
    let looked = Box::pin(look(&namespace, &name, &cluster)).await;
    cluster.observability.looked("AppBinding", looked.is_ok());
    looked
}

async fn look(namespace: &str, name: &str, cluster: &Cluster) -> Result<Action, Failure> {
    let bindings: Api<AppBinding> = cluster.namespaced(namespace);
    let found = cluster::look(&bindings, name).await.map_err(Failure::Observe)?;
    let Lookup::Found(binding) = found else { return Ok(Action::await_change()) };
    let observed = observe(binding, cluster).await.map_err(Failure::Observe)?;
    let planned = match plan::plan(&observed) {
        Ok(planned) => planned,
        Err(why) => return Ok(refused(&observed.binding, why, cluster).await),
    };
    match apply::all(namespace, &planned.apply, cluster).await {
        Ok(()) => {}
        Err(error @ ApplyError::Refused { .. }) => {
            return Ok(refused(&observed.binding, error.to_string(), cluster).await);
        }
        Err(error) => return Err(Failure::Apply(error)),
    }
    apply::delete(namespace, &planned.delete, cluster).await.map_err(Failure::Apply)?;
    if let Some(note) = planned.note {
        tell(&observed.binding, &note, cluster).await;
    }
    Ok(Action::requeue(RESYNC))
}

async fn observe(binding: AppBinding, cluster: &Cluster) -> Result<Observed, kube::Error> {
    let namespace = binding.namespace().unwrap_or_default();
    let name = names::auto_backup(&binding.name_any());
    let blueprint = match plan::blueprint(&binding) {
        Some(blueprint) => Some(cluster::look(&cluster.all::<BackupBlueprint>(), blueprint).await?),
        None => None,
    };
    let configuration = cluster.namespaced::<BackupConfiguration>(&namespace).get_opt(&name).await?;
    let repository = match blueprint.as_ref().and_then(Lookup::found) {
        Some(blueprint) => {
            let at = plan::repository_namespace(&blueprint.spec, &binding);
            cluster.namespaced::<Repository>(&at).get_opt(&name).await?
        }
        None => None,
    };
    Ok(Observed { binding, blueprint, configuration, repository })
}

async fn refused(binding: &AppBinding, why: String, cluster: &Cluster) -> Action {
    let message = format!("no backup is set up: {why}");
    tell(binding, &Note { warning: true, reason: "AutoBackupFailed".into(), message }, cluster).await;
    Action::requeue(LATER)
}

async fn tell(binding: &AppBinding, note: &Note, cluster: &Cluster) {
    let (namespace, name) = (binding.namespace().unwrap_or_default(), binding.name_any());
    let Note { warning, reason, message } = note;
    if *warning {
        tracing::warn!(kind = "AppBinding", namespace, name, reason, message, "no backup is set up");
    } else {
        tracing::info!(kind = "AppBinding", namespace, name, reason, message, "its backup is set up");
    }
    cluster.events.publish(note, &kube::Resource::object_ref(binding, &())).await;
}
