//! Looks at everything that the wiping of a Repository's data depends on.

use api::{Repository, RepositorySpec, backend::Backend, place::BackendPlace, session::RepositoryRef};
use k8s_openapi::api::{batch::v1::Job, core::v1::Namespace};
use kube::{
    Api, Resource, ResourceExt as _,
    api::{ApiResource, DynamicObject, ListParams},
};

use super::{Observed, is_held, wipes};
use crate::{cluster::Cluster, job_outcome::Seen, lookup::Lookup, names, repository::observe::means};

/// Looks at everything that the plan depends on.
pub(in crate::repository) async fn look(repository: Repository, cluster: &Cluster) -> Result<Observed, kube::Error> {
    let held = is_held(&repository);
    let mut observed = Observed {
        namespace_goes: false,
        sharing: Vec::new(),
        at_work: None,
        secret: Lookup::Missing,
        job: Seen::default(),
        repository,
    };
    // One that was never held, or was let go, is not wiped.
    if !wipes(&observed.repository) || !held {
        observed.repository.spec.wipe_out = None;
        return Ok(observed);
    }
    let repository = &observed.repository;
    let (namespace, name) = (repository.namespace().unwrap_or_default(), repository.name_any());
    let whole = cluster.all::<Namespace>().get_opt(&namespace).await?;
    observed.namespace_goes = whole.is_none_or(|whole| whole.metadata.deletion_timestamp.is_some());
    let secret = repository.spec.backend.as_ref().and_then(|backend| backend.storage_secret_name.clone());
    observed.secret = cluster.secret(&namespace, &secret.unwrap_or_default()).await?;
    observed.sharing = sharing(repository, cluster).await?;
    observed.at_work = at_work(repository, cluster).await?;
    let name = names::wipe_job(&name, &repository.uid().unwrap_or_default());
    let job = cluster.namespaced::<Job>(&namespace).get_opt(&name).await?;
    observed.job = cluster.seen(&namespace, &name, job).await?;
    Ok(observed)
}

/// Other Repositories, which stay, whose data lies at the same place.
async fn sharing(repository: &Repository, cluster: &Cluster) -> Result<Vec<String>, kube::Error> {
    let resource = ApiResource::erase::<Repository>(&());
    let all = Api::<DynamicObject>::all_with(cluster.client.clone(), &resource).list(&ListParams::default()).await?;
    let same = |other: DynamicObject| {
        let other = other.try_parse::<Repository>().ok()?;
        let another = other.uid() != repository.uid() && other.metadata.deletion_timestamp.is_none();
        let shares = another && same_place(&other.spec, &repository.spec);
        shares.then(|| format!("{}/{}", other.namespace().unwrap_or_default(), other.name_any()))
    };
    Ok(all.items.into_iter().filter_map(same).collect())
}

/// Whether two say the same of where their data lies, but for slashes at the ends.
fn same_place(one: &RepositorySpec, other: &RepositorySpec) -> bool {
    let of = |spec: &RepositorySpec| {
        let place = spec.backend.as_ref().and_then(Backend::place)?;
        let bare = |text: String| text.trim_matches('/').to_owned();
        let BackendPlace { provider, bucket, prefix, endpoint, region: _, max_connections: _ } = place;
        Some((provider, bare(bucket), bare(prefix), endpoint.map(bare)))
    };
    of(one).is_some_and(|place| Some(place) == of(other))
}

/// A session at work in it.
async fn at_work(repository: &Repository, cluster: &Cluster) -> Result<Option<String>, kube::Error> {
    for (kind, namespace, name) in cluster.jobs_at_work().await?.iter() {
        let used = match kind {
            "BackupSession" => {
                let session = cluster.namespaced::<api::BackupSession>(namespace).get_opt(name).await?;
                let of = session.and_then(|session| session.spec.invoker).unwrap_or_default();
                let invoker = cluster.backup_invoker(namespace, &of.kind, &of.name).await?;
                invoker.found().and_then(|invoker| invoker.spec.repository.clone())
            }
            "RestoreBatch" => used_by::<api::RestoreBatch>(namespace, name, cluster).await?,
            _ => used_by::<api::RestoreSession>(namespace, name, cluster).await?,
        };
        if used.is_some_and(|used| means(&used, namespace, repository)) {
            return Ok(Some(format!("{kind} {namespace}/{name}")));
        }
    }
    Ok(None)
}

async fn used_by<K: Resource<DynamicType = ()>>(
    namespace: &str,
    name: &str,
    cluster: &Cluster,
) -> Result<Option<RepositoryRef>, kube::Error> {
    let resource = ApiResource::erase::<K>(&());
    let object =
        Api::<DynamicObject>::namespaced_with(cluster.client.clone(), namespace, &resource).get_opt(name).await?;
    Ok(object.and_then(|object| serde_json::from_value(object.data.pointer("/spec/repository")?.clone()).ok()))
}
