//! The variables that Tasks and Functions find: what the operator knows, before what users and Tasks say.

use std::collections::BTreeMap;

use api::{RepositorySpec, metrics, task::Param};

use super::{Settings, Way, Work};

/// The host of a target without an alias.
pub(crate) const HOST: &str = "host-0";
/// The dump's folder where there is a claim for it.
const CLAIMED: &str = "/stash-interim-volume/data";
/// The dump's folder where there is none.
const UNCLAIMED: &str = "/tmp/stash-interim-volume/data";

/// By name. What is absent leaves room for a default.
pub(super) type Variables = BTreeMap<&'static str, String>;

/// What the operator knows.
pub(super) fn of(work: &Work<'_>, settings: &Settings) -> Variables {
    let mut variables = Variables::new();
    about_session(work, settings, &mut variables);
    about_repository(work, &mut variables);
    match work.way {
        Way::Backup { .. } => about_backup(work, &mut variables),
        Way::Restore { .. } => about_restore(work, &mut variables),
    }
    variables.retain(|name, value| !value.is_empty() || REQUIRED.contains(name));
    variables
}

/// Present even when empty: the catalog's Functions have no defaults for them.
const REQUIRED: [&str; 3] = ["INTERIM_DATA_DIR", "REPOSITORY_SECRET_NAME", "REPOSITORY_SECRET_NAMESPACE"];

/// The value of a variable: the operator's, the user's, the Task's.
pub(super) fn value(variables: &Variables, params: [&[Param]; 2], name: &str) -> Option<String> {
    let known = variables.get(name).cloned();
    known.or_else(|| params.into_iter().flatten().find(|param| param.name == name).map(|param| param.value.clone()))
}

fn about_session(work: &Work<'_>, settings: &Settings, variables: &mut Variables) {
    let (session, invoker, target) = (work.session, work.invoker, work.target);
    let (registry, image, tag) = image_parts(&settings.image);
    let job = metrics::job(invoker.kind, session.namespace, invoker.name);
    let no_cache = work.temp_dir.is_some_and(|folder| folder.disable_caching == Some(true));
    variables.extend([
        ("NAMESPACE", session.namespace.to_owned()),
        ("INVOKER_KIND", invoker.kind.to_owned()),
        ("INVOKER_NAME", invoker.name.to_owned()),
        ("TARGET_KIND", text(target.kind.as_deref())),
        ("TARGET_NAME", text(target.name.as_deref())),
        ("INTERIM_DATA_DIR", if work.interim_volume.is_some() { CLAIMED } else { UNCLAIMED }.to_owned()),
        ("ENABLE_CACHE", if no_cache { "false".to_owned() } else { String::new() }),
        ("PROMETHEUS_PUSHGATEWAY_URL", settings.pushgateway_url.clone()),
        ("PROMETHEUS_JOB_NAME", job),
        ("STASH_DOCKER_REGISTRY", registry),
        ("STASH_DOCKER_IMAGE", image),
        ("STASH_IMAGE_TAG", tag),
    ]);
}

fn about_repository(work: &Work<'_>, variables: &mut Variables) {
    let (name, namespace) = work.repository;
    let secret = work.repository_spec.backend.as_ref().and_then(|backend| backend.storage_secret_name.as_deref());
    variables.extend([
        ("REPOSITORY_NAME", name.to_owned()),
        ("REPOSITORY_NAMESPACE", namespace.to_owned()),
        ("REPOSITORY_SECRET_NAME", text(secret)),
        ("REPOSITORY_SECRET_NAMESPACE", namespace.to_owned()),
    ]);
    variables.extend(place(work.repository_spec));
}

/// Where the repository lies.
fn place(repository: &RepositorySpec) -> Vec<(&'static str, String)> {
    let Some(place) = repository.backend.as_ref().and_then(api::backend::Backend::place) else { return Vec::new() };
    let api::place::BackendPlace { provider, bucket, prefix, endpoint, region, max_connections } = place;
    let mut variables = vec![
        ("REPOSITORY_PROVIDER", provider.to_owned()),
        ("REPOSITORY_BUCKET", bucket),
        ("REPOSITORY_PREFIX", prefix),
    ];
    variables.extend(endpoint.map(|endpoint| ("REPOSITORY_ENDPOINT", endpoint)));
    variables.extend(region.map(|region| ("REPOSITORY_REGION", region)));
    variables.extend(max_connections.map(|connections| ("MAX_CONNECTIONS", connections.to_string())));
    variables
}

fn about_backup(work: &Work<'_>, variables: &mut Variables) {
    let Way::Backup { retention, paths, exclude } = work.way else { return };
    let keep = |many: Option<i64>| many.filter(|many| *many > 0).map_or_else(String::new, |many| many.to_string());
    let tags = retention.keep_tags.as_deref().unwrap_or_default();
    variables.extend([
        ("BACKUP_SESSION", work.session.name.to_owned()),
        ("HOSTNAME", work.alias.unwrap_or(HOST).to_owned()),
        ("TARGET_PATHS", paths.join(",")),
        ("EXCLUDE_PATTERNS", exclude.join(",")),
        ("RETENTION_KEEP_LAST", keep(retention.keep_last)),
        ("RETENTION_KEEP_HOURLY", keep(retention.keep_hourly)),
        ("RETENTION_KEEP_DAILY", keep(retention.keep_daily)),
        ("RETENTION_KEEP_WEEKLY", keep(retention.keep_weekly)),
        ("RETENTION_KEEP_MONTHLY", keep(retention.keep_monthly)),
        ("RETENTION_KEEP_YEARLY", keep(retention.keep_yearly)),
        ("RETENTION_KEEP_TAGS", tags.join(",")),
        ("RETENTION_PRUNE", retention.prune.to_string()),
        ("RETENTION_DRY_RUN", retention.dry_run.unwrap_or_default().to_string()),
    ]);
}

fn about_restore(work: &Work<'_>, variables: &mut Variables) {
    let Way::Restore { rules } = work.way else { return };
    variables.insert("RESTORE_SESSION", work.session.name.to_owned());
    variables.insert("HOSTNAME", text(work.alias));
    let host = work.alias.unwrap_or(HOST);
    let hosts = |rule: &api::target::RestoreRule| rule.target_hosts.clone().unwrap_or_default();
    let own = rules.iter().find(|rule| hosts(rule).iter().any(|name| name == host));
    let Some(rule) = own.or_else(|| rules.iter().find(|rule| hosts(rule).is_empty())) else { return };
    let joined = |list: Option<&Vec<String>>| list.map(|list| list.join(",")).unwrap_or_default();
    variables.extend([
        ("SOURCE_HOSTNAME", text(rule.source_host.as_deref())),
        ("RESTORE_SNAPSHOTS", joined(rule.snapshots.as_ref())),
        ("RESTORE_PATHS", joined(rule.paths.as_ref())),
        ("INCLUDE_PATTERNS", joined(rule.include.as_ref())),
        ("EXCLUDE_PATTERNS", joined(rule.exclude.as_ref())),
    ]);
}

/// Registry with path, name and tag of an image.
fn image_parts(image: &str) -> (String, String, String) {
    let (registry, rest) = image.rsplit_once('/').unwrap_or(("", image));
    let (name, tag) = rest.split_once(':').unwrap_or((rest, "latest"));
    (registry.to_owned(), name.to_owned(), tag.to_owned())
}

fn text(value: Option<&str>) -> String {
    value.unwrap_or_default().to_owned()
}
