//! Gathers snapshots from the Repositories of a question: only those that it can mean, and no more than fill a page.

use std::time::Duration;

use api::{
    Repository,
    snapshot::{self, HOSTNAME, SavedState},
};
use futures::future::join_all;
use kube::{
    Api, ResourceExt as _,
    api::{ApiResource, DynamicObject, ListParams, Patch, PatchParams},
};
use serde_json::json;

use super::{
    cache::{Cache, States},
    object,
    page::Place,
    selector::{FieldSelector, LabelSelector},
    store::Unread,
};
use crate::{
    cluster::{Cluster, look},
    serving::answer::Failure,
};

/// How long a client waits: less than the minute after which the API server gives up.
const PATIENCE: Duration = Duration::from_secs(25);
/// Repositories that are read at once.
const AT_ONCE: usize = 8;
/// Snapshots in one answer: about 10 MB.
const LARGEST_PAGE: usize = 10_000;
/// Repositories that are named when they cannot be read; the rest is counted.
const NAMED: usize = 10;

/// What is asked for.
#[derive(Debug, Clone, Default)]
pub(crate) struct Question {
    /// Empty: all.
    pub(crate) namespace: String,
    pub(crate) labels: LabelSelector,
    pub(crate) fields: FieldSelector,
    pub(crate) limit: Option<usize>,
    pub(crate) behind: Option<Place>,
}

impl Question {
    /// Snapshots in the answer, at most.
    fn room(&self) -> usize {
        self.limit.unwrap_or(LARGEST_PAGE).min(LARGEST_PAGE)
    }
}

/// What was found.
#[derive(Debug, Default)]
pub(crate) struct Found {
    pub(crate) snapshots: Vec<(Repository, SavedState)>,
    /// Where the list goes on.
    pub(crate) next: Option<Place>,
    /// Repositories that could not be read.
    pub(crate) warnings: Vec<String>,
}

/// The snapshots that are asked for. Repositories that cannot be read are named beside what the others have.
///
/// # Errors
/// Where none of the Repositories that are asked for can be read, and where there are more snapshots than fit into an answer for who does not
/// take them page by page.
pub(crate) async fn list(cache: &Cache, cluster: &Cluster, question: &Question) -> Result<Found, Failure> {
    let deadline = tokio::time::Instant::now() + PATIENCE;
    let repositories = repositories(cluster, question).await?;
    let (mut found, mut read, mut failures) = (Found::default(), 0, Vec::new());
    for some in repositories.chunks(AT_ONCE) {
        let all = join_all(some.iter().map(|repository| cache.states(repository, deadline))).await;
        for (repository, states) in some.iter().zip(all) {
            match states {
                Ok(states) => {
                    read += 1;
                    take(&mut found, repository, &states, question);
                }
                Err(error) => failures.push((repository, error)),
            }
            if found.next.is_some() {
                break;
            }
        }
        if found.next.is_some() {
            break;
        }
        let full = found.snapshots.len() >= question.room();
        let last = some.last().map(|repository| repository.metadata.uid.clone());
        let more = repositories.last().map(|repository| repository.metadata.uid.clone()) != last;
        if full && more {
            found.next = found.snapshots.last().map(|(repository, state)| place(repository, state));
            break;
        }
    }
    if let Some((repository, error)) = failures.first()
        && read == 0
        // On a later page, the others were on those before.
        && question.behind.is_none()
    {
        return Err(failure(repository, error));
    }
    if found.next.is_some() && question.limit.is_none() {
        let why = format!(
            "these are more than {LARGEST_PAGE} snapshots; ask for them page by page (limit=500), or for fewer"
        );
        return Err(Failure::new(413, "RequestEntityTooLarge", why));
    }
    found.warnings = warnings(&failures);
    Ok(found)
}

/// Takes of a Repository's snapshots what is asked for, until the page is full.
fn take(found: &mut Found, repository: &Repository, states: &States, question: &Question) {
    let namespace = repository.namespace().unwrap_or_default();
    for state in states.iter() {
        let behind = question.behind.as_ref().is_none_or(|behind| place(repository, state) > *behind);
        if !behind || !question.fields.chooses(&namespace, &object::name(&repository.name_any(), state)) {
            continue;
        }
        if !question.labels.chooses(&object::snapshot(repository, state).metadata.labels) {
            continue;
        }
        if found.snapshots.len() >= question.room() {
            found.next = found.snapshots.last().map(|(repository, state)| place(repository, state));
            return;
        }
        found.snapshots.push((repository.clone(), state.clone()));
    }
}

fn place(repository: &Repository, state: &SavedState) -> Place {
    Place::of(&repository.namespace().unwrap_or_default(), &repository.name_any(), state)
}

/// The Repositories that a question can mean, in the order of the list.
async fn repositories(cluster: &Cluster, question: &Question) -> Result<Vec<Repository>, Failure> {
    let resource = ApiResource::erase::<Repository>(&());
    let all: Api<DynamicObject> = match question.namespace.as_str() {
        "" => Api::all_with(cluster.client.clone(), &resource),
        namespace => Api::namespaced_with(cluster.client.clone(), namespace, &resource),
    };
    let all = all.list(&ListParams::default()).await.map_err(|error| unasked(&error))?;
    let mut repositories = Vec::new();
    for object in all.items {
        let (namespace, name) = (object.namespace().unwrap_or_default(), object.name_any());
        match object.try_parse::<Repository>() {
            Ok(repository) => repositories.push(repository),
            Err(error) => tracing::warn!(namespace, name, %error, "the Repository is not what its kind says"),
        }
    }
    repositories.retain(|repository| meant(repository, question));
    repositories.sort_by_key(|repository| (repository.namespace(), repository.name_any()));
    Ok(repositories)
}

/// Whether a Repository may have something that is asked for.
fn meant(repository: &Repository, question: &Question) -> bool {
    let (namespace, name) = (repository.namespace().unwrap_or_default(), repository.name_any());
    let labels = object::labels(repository);
    let open = if labels.contains_key(HOSTNAME) { "" } else { HOSTNAME };
    repository.metadata.deletion_timestamp.is_none()
        && question.fields.may_choose(&namespace, &name)
        && question.labels.may_choose(&labels, open)
        && question.behind.as_ref().is_none_or(|behind| behind.leaves_of(&namespace, &name))
}

/// The one snapshot that is meant.
///
/// # Errors
/// 404, 409 where two have the same name, 503.
pub(crate) async fn find(
    cache: &Cache,
    cluster: &Cluster,
    namespace: &str,
    name: &str,
) -> Result<(Repository, SavedState), Failure> {
    let missing = || {
        let why = format!("{}.{} {name:?} not found", snapshot::PLURAL, snapshot::GROUP);
        Failure::new(404, "NotFound", why).about(name)
    };
    let (of, id) = snapshot::parts(name).ok_or_else(missing)?;
    let repository = look(&cluster.namespaced::<Repository>(namespace), of).await.map_err(|error| unasked(&error))?;
    let repository = repository.found().cloned().ok_or_else(missing)?;
    let states = cache.states(&repository, tokio::time::Instant::now() + PATIENCE).await;
    let states = states.map_err(|error| failure(&repository, &error).about(name))?;
    let mut meant = states.iter().filter(|state| state.short_id() == id);
    let state = meant.next().cloned().ok_or_else(missing)?;
    if meant.next().is_some() {
        let why =
            format!("{name}: the ids of several snapshots begin with {id}; use `larder show` and `larder forget`");
        return Err(Failure::new(409, "Conflict", why).about(name));
    }
    Ok((repository, state))
}

/// Forgets a snapshot, and says in the Repository's status how many are left: by that the other replicas see that something changed.
///
/// # Errors
/// 404, 409 where somebody works in the repository, 503.
pub(crate) async fn forget(
    cache: &Cache,
    cluster: &Cluster,
    repository: &Repository,
    state: &SavedState,
) -> Result<(), Failure> {
    let left = cache.forget(repository, &state.id).await.map_err(|error| failure(repository, &error))?;
    let namespace = repository.namespace().unwrap_or_default();
    let repositories = cluster.namespaced::<Repository>(&namespace);
    let patch = Patch::Merge(json!({ "status": { "snapshotCount": left } }));
    if let Err(error) = repositories.patch_status(&repository.name_any(), &PatchParams::default(), &patch).await {
        // It is gone all the same; the next backup says how many there are.
        tracing::warn!(namespace, name = repository.name_any(), %error, "the Repository's snapshotCount is not written");
    }
    Ok(())
}

fn failure(repository: &Repository, error: &Unread) -> Failure {
    let (code, reason) = match error {
        Unread::NotFromHere(_) => (501, "NotImplemented"),
        Unread::Locked(_) => (409, "Conflict"),
        Unread::NoSnapshot(_) => (404, "NotFound"),
        Unread::Failed(_) => (503, "ServiceUnavailable"),
    };
    Failure::new(code, reason, unread(repository, error))
}

fn unread(repository: &Repository, error: &Unread) -> String {
    format!("Repository {}/{}: {error}", repository.namespace().unwrap_or_default(), repository.name_any())
}

fn warnings(failures: &[(&Repository, Unread)]) -> Vec<String> {
    let mut warnings: Vec<String> = failures
        .iter()
        .take(NAMED)
        .map(|(repository, error)| format!("not listed: {}", unread(repository, error)))
        .collect();
    if failures.len() > NAMED {
        warnings.push(format!("not listed: {} further Repositories", failures.len() - NAMED));
    }
    warnings
}

fn unasked(error: &kube::Error) -> Failure {
    Failure::new(503, "ServiceUnavailable", format!("cannot ask for the Repositories: {error}"))
}
