//! `status`: what is protected, since when, how large, how the last backup ended and why it failed, and when the next one is.
//! Reads here; what is made of it ([`report`]) and how it is shown ([`text`]) are pure.

mod backup;
mod report;
mod text;

use std::collections::{BTreeMap, btree_map::Entry};

use api::{
    AppBinding, BackupBatch, BackupConfiguration, BackupInvoker, BackupSession, Repository, RestoreBatch,
    RestoreSession, session::RepositoryRef,
};
use kube::ResourceExt as _;

use crate::{Cluster, Error, Result, session::Session};

pub use backup::{Backup, LastRun, State};
pub use report::{Report, Restore, Unprotected, report};
pub use text::text;

/// What was seen.
#[derive(Debug, Clone, Default)]
pub struct Observed {
    /// The namespace that was looked at; all if none.
    pub namespace: Option<String>,
    /// What begins backups.
    pub invokers: Vec<BackupInvoker>,
    /// Their runs.
    pub sessions: Vec<Session>,
    /// Restores.
    pub restores: Vec<Session>,
    /// The Repositories that they use, by namespace and name, or why one cannot be seen.
    pub repositories: BTreeMap<(String, String), std::result::Result<Repository, String>>,
    /// Databases.
    pub bindings: Vec<AppBinding>,
}

/// Looks at a namespace, or at all.
///
/// # Errors
/// Where the API server does not say.
pub async fn observe(cluster: &Cluster, namespace: Option<&str>) -> Result<Observed> {
    let (configurations, batches, sessions) = tokio::try_join!(
        cluster.list::<BackupConfiguration>(namespace, ""),
        cluster.list::<BackupBatch>(namespace, ""),
        cluster.list::<BackupSession>(namespace, ""),
    )?;
    let (restores, restore_batches, repositories, bindings) = tokio::try_join!(
        cluster.list::<RestoreSession>(namespace, ""),
        cluster.list::<RestoreBatch>(namespace, ""),
        cluster.list::<Repository>(namespace, ""),
        cluster.list::<AppBinding>(namespace, ""),
    )?;
    let invokers: Vec<BackupInvoker> =
        configurations.into_iter().map(Into::into).chain(batches.into_iter().map(Into::into)).collect();
    let key = |repository: &Repository| (repository.namespace().unwrap_or_default(), repository.name_any());
    let mut repositories: BTreeMap<_, _> = repositories.into_iter().map(|one| (key(&one), Ok(one))).collect();
    for place in invokers.iter().filter_map(place_of) {
        if let Entry::Vacant(unseen) = repositories.entry(place) {
            let seen = elsewhere(cluster, unseen.key()).await?;
            unseen.insert(seen);
        }
    }
    Ok(Observed {
        namespace: namespace.map(str::to_owned),
        invokers,
        sessions: sessions.into_iter().map(Into::into).collect(),
        restores: restores.into_iter().map(Into::into).chain(restore_batches.into_iter().map(Into::into)).collect(),
        repositories,
        bindings,
    })
}

/// A Repository of another namespace, where the person may look.
async fn elsewhere(
    cluster: &Cluster,
    (namespace, name): &(String, String),
) -> Result<std::result::Result<Repository, String>> {
    match cluster.get::<Repository>(namespace, name).await {
        Ok(repository) => Ok(Ok(repository)),
        Err(error @ (Error::Missing { .. } | Error::Forbidden { .. })) => Ok(Err(error.to_string())),
        Err(error) => Err(error),
    }
}

/// Namespace and name of the Repository of an invoker.
fn place_of(invoker: &BackupInvoker) -> Option<(String, String)> {
    let RepositoryRef { name, namespace } = invoker.spec.repository.clone()?;
    let own = || invoker.metadata.namespace.clone().unwrap_or_default();
    Some((namespace.filter(|namespace| !namespace.is_empty()).unwrap_or_else(own), name))
}
