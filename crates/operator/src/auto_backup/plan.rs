//! What the annotations of an AppBinding lead to. Pure: all that was seen comes in.

use std::collections::BTreeMap;

use api::{
    AppBinding, BackupBlueprint, BackupBlueprintSpec, BackupConfiguration, BackupConfigurationSpec, Repository,
    RepositorySpec, labels, owner,
    session::{Driver, RepositoryRef},
    target::{BackupTarget, TargetRef},
    task::{Param, TaskRef},
};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::ResourceExt as _;

use super::variables;
use crate::{
    events::Note,
    lookup::Lookup,
    names,
    plan::{Unwanted, Wanted},
    substitute, target,
};

/// What was seen.
#[derive(Debug, Clone)]
pub struct Observed {
    /// The AppBinding.
    pub binding: AppBinding,
    /// The BackupBlueprint that it names; nothing, where it names none.
    pub blueprint: Option<Lookup<BackupBlueprint>>,
    /// The BackupConfiguration of the name that one for it has.
    pub configuration: Option<BackupConfiguration>,
    /// The Repository of that name.
    pub repository: Option<Repository>,
}

/// What is to be done.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Planned {
    /// What should exist.
    pub apply: Vec<Wanted>,
    /// What should no longer exist.
    pub delete: Vec<Unwanted>,
    /// What people are told once it is done.
    pub(crate) note: Option<Note>,
}

/// The blueprint that an AppBinding names.
pub(super) fn blueprint(binding: &AppBinding) -> Option<&str> {
    binding.annotations().get(labels::BLUEPRINT).map(String::as_str).filter(|name| !name.is_empty())
}

/// Where its Repository belongs, as the blueprint has it.
pub(super) fn repository_namespace(blueprint: &BackupBlueprintSpec, binding: &AppBinding) -> String {
    let named = blueprint.repo_namespace.clone().filter(|namespace| !namespace.is_empty());
    let replaced = named.and_then(|text| substitute::text(&text, &|name| variables::value(binding, name)).ok());
    replaced.or_else(|| binding.namespace()).unwrap_or_default()
}

/// What is to be done, or why a person has to do something first.
///
/// # Errors
/// That, in words.
pub fn plan(observed: &Observed) -> Result<Planned, String> {
    let Some(blueprint) = &observed.blueprint else { return Ok(no_longer(observed)) };
    let named = self::blueprint(&observed.binding).unwrap_or_default();
    let blueprint = match blueprint {
        Lookup::Found(blueprint) => &blueprint.spec,
        Lookup::Missing => return Err(format!("BackupBlueprint {named:?} is not there")),
        Lookup::Unknown(why) => return Err(format!("BackupBlueprint {named:?} cannot be read: {why}")),
    };
    not_taken(observed)?;
    let value = |name: &str| variables::value(&observed.binding, name);
    let replaced = substitute::object(blueprint, value);
    let blueprint = replaced.map_err(|error| format!("BackupBlueprint {named:?}: {error}"))?;
    let repository = repository(observed, &blueprint);
    let configuration =
        configuration(observed, &blueprint, &repository).map_err(|why| format!("BackupBlueprint {named:?}: {why}"))?;
    let note = observed.configuration.is_none().then(|| Note {
        warning: false,
        reason: "AutoBackupConfigured".into(),
        message: format!(
            "BackupConfiguration {} and Repository {}/{} follow BackupBlueprint {named}",
            configuration.name_any(),
            repository.namespace().unwrap_or_default(),
            repository.name_any()
        ),
    });
    let apply = vec![Wanted::Repository(Box::new(repository)), Wanted::BackupConfiguration(Box::new(configuration))];
    Ok(Planned { apply, note, ..Planned::default() })
}

/// One that names no blueprint any more: its BackupConfiguration goes, and the Repository stays, with its snapshots.
fn no_longer(observed: &Observed) -> Planned {
    let goes = |it: &&BackupConfiguration| is_owned(it, &observed.binding) && it.metadata.deletion_timestamp.is_none();
    let Some(configuration) = observed.configuration.as_ref().filter(goes) else {
        return Planned::default();
    };
    let name = configuration.name_any();
    let message = format!("BackupConfiguration {name} goes, since no annotation asks for it; its Repository stays");
    Planned {
        delete: vec![Unwanted::BackupConfiguration(name)],
        note: Some(Note { warning: false, reason: "AutoBackupRemoved".into(), message }),
        ..Planned::default()
    }
}

fn is_owned(configuration: &BackupConfiguration, binding: &AppBinding) -> bool {
    configuration.owner_references().iter().any(|owner| Some(&owner.uid) == binding.uid().as_ref())
}

/// Whether the names are free, or taken by what was made for this AppBinding.
fn not_taken(observed: &Observed) -> Result<(), String> {
    if let Some(other) = observed.configuration.as_ref().filter(|other| !is_owned(other, &observed.binding)) {
        let name = other.name_any();
        return Err(format!("BackupConfiguration {name} is there and not made for it; delete or rename that one"));
    }
    let Some(other) = &observed.repository else { return Ok(()) };
    let (namespace, name) = (other.namespace().unwrap_or_default(), other.name_any());
    if other.metadata.deletion_timestamp.is_some() {
        return Err(format!("Repository {namespace}/{name} is on its way out"));
    }
    match other.annotations().get(labels::MADE_FOR) {
        Some(of) if *of != made_for(&observed.binding) => Err(format!(
            "Repository {namespace}/{name} was made for AppBinding {of}; give one of the two another name, or leave \
             spec.repoNamespace out"
        )),
        _ => Ok(()),
    }
}

fn made_for(binding: &AppBinding) -> String {
    format!("{}/{}", binding.namespace().unwrap_or_default(), binding.name_any())
}

fn repository(observed: &Observed, blueprint: &BackupBlueprintSpec) -> Repository {
    let mut repository = Repository::new(
        &names::auto_backup(&observed.binding.name_any()),
        RepositorySpec {
            backend: blueprint.backend.clone(),
            wipe_out: blueprint.wipe_out,
            usage_policy: blueprint.usage_policy.clone(),
        },
    );
    repository.metadata.namespace = Some(repository_namespace(blueprint, &observed.binding));
    repository.metadata.labels = Some(ours());
    repository.metadata.annotations = Some(BTreeMap::from([(labels::MADE_FOR.into(), made_for(&observed.binding))]));
    repository
}

fn ours() -> BTreeMap<String, String> {
    BTreeMap::from([(labels::MANAGED_BY.to_owned(), labels::GROUP.to_owned())])
}

fn configuration(
    observed: &Observed,
    blueprint: &BackupBlueprintSpec,
    repository: &Repository,
) -> Result<BackupConfiguration, String> {
    let binding = &observed.binding;
    let own = binding.annotations().get(labels::SCHEDULE).or(blueprint.schedule.as_ref());
    let schedule = own
        .filter(|schedule| !schedule.is_empty())
        .ok_or_else(|| format!("spec.schedule is empty, and the AppBinding has no annotation {}", labels::SCHEDULE))?;
    let elsewhere = repository.namespace().filter(|namespace| binding.namespace().as_ref() != Some(namespace));
    let spec = BackupConfigurationSpec {
        driver: Driver::Restic,
        schedule: Some(schedule.clone()),
        task: task(binding, blueprint),
        repository: Some(RepositoryRef { name: repository.name_any(), namespace: elsewhere }),
        target: Some(BackupTarget {
            target_ref: Some(TargetRef {
                api_version: Some(target::BINDING_VERSION.into()),
                kind: Some("AppBinding".into()),
                name: binding.metadata.name.clone(),
            }),
            ..BackupTarget::default()
        }),
        retention_policy: blueprint.retention_policy.clone(),
        runtime_settings: blueprint.runtime_settings.clone(),
        temp_dir: blueprint.temp_dir.clone(),
        interim_volume_template: blueprint.interim_volume_template.clone(),
        backup_history_limit: blueprint.backup_history_limit,
        time_out: blueprint.time_out.clone(),
        retry_config: blueprint.retry_config.clone(),
        ..BackupConfigurationSpec::default()
    };
    let mut configuration = BackupConfiguration::new(&repository.name_any(), spec);
    configuration.metadata = ObjectMeta {
        namespace: binding.namespace(),
        labels: Some(ours()),
        owner_references: Some(vec![owner::by_binding(&binding.name_any(), &binding.uid().unwrap_or_default())]),
        ..configuration.metadata
    };
    Ok(configuration)
}

/// The blueprint's Task, with the parameters of the AppBinding's annotations over it. Since parameters of a BackupConfiguration
/// take the place of all that the AppBinding's addon has, those of the addon come along.
fn task(binding: &AppBinding, blueprint: &BackupBlueprintSpec) -> Option<TaskRef> {
    let own: Vec<Param> = binding
        .annotations()
        .iter()
        .filter_map(|(key, value)| {
            let name = key.strip_prefix(labels::PARAMETER_PREFIX).filter(|name| !name.is_empty())?;
            Some(Param { name: name.to_owned(), value: value.clone() })
        })
        .collect();
    if own.is_empty() {
        return blueprint.task.clone();
    }
    let mut task = blueprint.task.clone().unwrap_or_default();
    let of_addon = || binding.spec.addon().backup_task.params;
    let mut params = task.params.filter(|params| !params.is_empty()).or_else(of_addon).unwrap_or_default();
    for param in own {
        match params.iter_mut().find(|known| known.name == param.name) {
            Some(known) => *known = param,
            None => params.push(param),
        }
    }
    task.params = Some(params);
    Some(task)
}
