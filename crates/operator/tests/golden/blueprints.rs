//! An AppBinding's annotations in, a Repository and a BackupConfiguration out.

use std::collections::BTreeMap;

use api::{AppBinding, BackupBlueprint, BackupConfiguration, Repository, labels};
use operator::{
    auto_backup::plan::{Observed, plan},
    lookup::Lookup,
    plan::{Unwanted, Wanted},
};
use serde_json::json;

use crate::manifests;

/// Makes what was seen something else.
type Change = fn(&mut Observed);

fn yaml(value: &impl serde::Serialize) -> String {
    serde_saphyr::to_string(value).expect("YAML")
}

/// The AppBinding of `spec/yaml` that asks for backups.
fn observed() -> Observed {
    let named = |binding: &AppBinding| {
        binding.metadata.annotations.as_ref().is_some_and(|all| all.contains_key(labels::BLUEPRINT))
    };
    let mut binding = manifests::of::<AppBinding>("AppBinding").into_iter().find(named).expect("one that asks for it");
    binding.metadata.uid = Some("u-5".into());
    let blueprint = manifests::of::<BackupBlueprint>("BackupBlueprint").remove(0);
    Observed { binding, blueprint: Some(Lookup::Found(blueprint)), configuration: None, repository: None }
}

fn made(observed: &Observed) -> (Repository, BackupConfiguration) {
    let planned = plan(observed).expect("a plan");
    let mut apply = planned.apply.into_iter();
    let (Some(Wanted::Repository(repository)), Some(Wanted::BackupConfiguration(configuration))) =
        (apply.next(), apply.next())
    else {
        panic!("a Repository and a BackupConfiguration")
    };
    (*repository, *configuration)
}

fn annotations(observed: &mut Observed) -> &mut BTreeMap<String, String> {
    observed.binding.metadata.annotations.as_mut().expect("annotations")
}

fn blueprint(observed: &mut Observed) -> &mut BackupBlueprint {
    match &mut observed.blueprint {
        Some(Lookup::Found(blueprint)) => blueprint,
        other => panic!("{other:?}"),
    }
}

#[test]
fn an_app_binding_that_asks_for_it_gets_both() {
    let (repository, configuration) = made(&observed());
    insta::assert_snapshot!("blueprint-epsilon", format!("{}---\n{}", yaml(&repository), yaml(&configuration)));
}

#[test]
fn what_is_left_out_comes_from_where_it_should() {
    let mut observed = observed();
    blueprint(&mut observed).spec.repo_namespace = None;
    blueprint(&mut observed).spec.task = None;
    annotations(&mut observed).remove(labels::SCHEDULE);
    let addon = json!({ "apiVersion": "appcatalog.appscode.com/v1alpha1", "kind": "StashAddon", "stash": { "addon": { "backupTask":
        { "name": "elasticsearch-backup-7.14.0", "params": [{ "name": "args", "value": "--match=^a" }, { "name": "waitTimeout", "value": "9" }] } } } });
    observed.binding.spec.parameters = serde_json::from_value(addon).expect("an object");
    let (repository, configuration) = made(&observed);
    assert_eq!(repository.metadata.namespace.as_deref(), Some("logs"));
    assert_eq!(configuration.spec.repository.and_then(|repository| repository.namespace), None);
    assert_eq!(configuration.spec.schedule.as_deref(), Some("0 3 * * *"));
    let task = configuration.spec.task.expect("parameters");
    let params: Vec<_> =
        task.params.iter().flatten().map(|param| (param.name.as_str(), param.value.as_str())).collect();
    assert_eq!(task.name, None, "the addon's counts");
    assert_eq!(params, [("args", "--ignoreType=settings,template"), ("waitTimeout", "9")]);
    // Without parameters of its own nothing stands in the addon's way.
    annotations(&mut observed).retain(|key, _| !key.starts_with(labels::PARAMETER_PREFIX));
    assert_eq!(made(&observed).1.spec.task, None);
}

#[test]
fn where_no_annotation_asks_for_it_any_more_the_repository_stays() {
    let mut observed = observed();
    let (repository, configuration) = made(&observed);
    observed.configuration = Some(configuration);
    observed.repository = Some(repository);
    assert_eq!(made(&observed).1, observed.configuration.clone().expect("it"), "the same again");
    observed.blueprint = None;
    let planned = plan(&observed).expect("a plan");
    assert_eq!(planned.apply, []);
    assert_eq!(planned.delete, [Unwanted::BackupConfiguration("app-epsilon".into())]);
    observed.configuration.as_mut().expect("it").metadata.owner_references = None;
    assert_eq!(plan(&observed).expect("a plan").delete, [], "it is somebody's own");
}

#[test]
fn what_stands_in_the_way_is_named() {
    let cases: [(&str, Change); 7] = [
        ("BackupBlueprint \"es-gold\" is not there", |observed| observed.blueprint = Some(Lookup::Missing)),
        ("cannot be read: forbidden", |observed| observed.blueprint = Some(Lookup::Unknown("forbidden".into()))),
        ("the variable TARGET_NAM has neither", |observed| {
            let s3 = blueprint(observed).spec.backend.as_mut().and_then(|backend| backend.s3.as_mut());
            s3.expect("s3").prefix = Some("a/${TARGET_NAM}".into());
        }),
        ("spec.schedule is empty", |observed| {
            annotations(observed).remove(labels::SCHEDULE);
            blueprint(observed).spec.schedule = None;
        }),
        ("BackupConfiguration app-epsilon is there and not made for it", |observed| {
            let (_, mut other) = made(observed);
            other.metadata.owner_references = None;
            observed.configuration = Some(other);
        }),
        ("Repository backups/app-epsilon was made for AppBinding search/epsilon", |observed| {
            let (mut other, _) = made(observed);
            let annotations = other.metadata.annotations.as_mut().expect("annotations");
            annotations.insert(labels::MADE_FOR.into(), "search/epsilon".into());
            observed.repository = Some(other);
        }),
        ("on its way out", |observed| {
            let (mut other, _) = made(observed);
            other.metadata.deletion_timestamp = serde_json::from_value(json!("2022-02-01T00:00:00Z")).expect("a time");
            observed.repository = Some(other);
        }),
    ];
    for (part, change) in cases {
        let mut observed = observed();
        change(&mut observed);
        let why = plan(&observed).expect_err(part);
        assert!(why.contains(part), "{why}");
    }
}
