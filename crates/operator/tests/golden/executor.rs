//! Manifests as Stash's users have them in, Jobs out.

use std::collections::BTreeMap;

use api::{
    BackupConfiguration, Function, FunctionSpec, Repository, RestoreSession, Task,
    target::{BackupTarget, RestoreTarget, TargetRef},
    task::{Param, TaskRef},
};
use operator::{
    catalog,
    executor::{Executor, ExecutorError, Hooks, Invoker, Owner, Settings, Way, Work, executor},
};

use crate::manifests;

struct Cluster {
    repositories: Vec<Repository>,
    bindings: Vec<api::AppBinding>,
    functions: BTreeMap<String, FunctionSpec>,
    tasks: BTreeMap<String, api::TaskSpec>,
}

impl Cluster {
    fn of_manifests() -> Self {
        let named =
            |functions: Vec<Function>| functions.into_iter().map(|f| (f.metadata.name.expect("a name"), f.spec));
        let tasks = |tasks: Vec<Task>| tasks.into_iter().map(|t| (t.metadata.name.expect("a name"), t.spec));
        Self {
            repositories: manifests::of("Repository"),
            bindings: manifests::of("AppBinding"),
            functions: named(catalog::functions()).chain(named(manifests::of("Function"))).collect(),
            tasks: tasks(catalog::tasks()).chain(tasks(manifests::of("Task"))).collect(),
        }
    }

    fn repository(&self, name: &str) -> &Repository {
        self.repositories.iter().find(|r| r.metadata.name.as_deref() == Some(name)).expect("the repository")
    }

    /// The Task of an invoker: its own, or its AppBinding's.
    fn task(&self, own: Option<&TaskRef>, target: &TargetRef, backup: bool) -> (String, Vec<Param>) {
        let own = own.cloned().unwrap_or_default();
        let binding = self.bindings.iter().find(|b| b.metadata.name == target.name);
        let addon = binding.map(|binding| binding.spec.addon()).unwrap_or_default();
        let addon = if backup { addon.backup_task } else { addon.restore_task };
        (own.name.or(addon.name).expect("a Task"), own.params.or(addon.params).unwrap_or_default())
    }
}

fn settings() -> Settings {
    Settings {
        image: "registry.example/larder:1".into(),
        pushgateway_url: "http://larder.larder.svc:56789".into(),
        pull_secrets: Vec::new(),
    }
}

fn backup(cluster: &Cluster, configuration: &BackupConfiguration) -> Result<Executor, ExecutorError> {
    let spec = &configuration.spec;
    let BackupTarget { alias, target_ref, paths, exclude, .. } = spec.target.clone().expect("a target");
    let target = target_ref.expect("a target's reference");
    let (name, namespace) = named(&configuration.metadata);
    let (task, params) = cluster.task(spec.task.as_ref(), &target, true);
    let repository = spec.repository.clone().expect("a repository");
    let session = format!("{name}-1643673600");
    executor(
        &Work {
            session: Owner { kind: "BackupSession", name: &session, namespace, uid: "u-1" },
            way: Way::Backup {
                retention: &spec.retention_policy,
                paths: &paths.unwrap_or_default(),
                exclude: &exclude.unwrap_or_default(),
            },
            invoker: Invoker { kind: "BackupConfiguration", name, labels: configuration.metadata.labels.as_ref() },
            index: 0,
            target: &target,
            alias: alias.as_deref(),
            repository: (&repository.name, repository.namespace.as_deref().unwrap_or(namespace)),
            repository_spec: &cluster.repository(&repository.name).spec,
            task: &task,
            task_spec: &cluster.tasks[&task],
            functions: &cluster.functions,
            params: &params,
            runtime_settings: spec.runtime_settings.as_ref(),
            temp_dir: spec.temp_dir.as_ref(),
            interim_volume: spec.interim_volume_template.as_ref(),
            hooks: Hooks::of_backup(spec.hooks.as_ref()),
            service_account: &format!("backupconfiguration-{name}"),
            deadline: 86_400,
        },
        &settings(),
    )
}

fn restore(cluster: &Cluster, session: &RestoreSession) -> Result<Executor, ExecutorError> {
    let spec = &session.spec;
    let RestoreTarget { alias, target_ref, rules, .. } = spec.target.clone().expect("a target");
    let target = target_ref.expect("a target's reference");
    let (name, namespace) = named(&session.metadata);
    let (task, params) = cluster.task(spec.task.as_ref(), &target, false);
    let repository = spec.repository.clone().expect("a repository");
    executor(
        &Work {
            session: Owner { kind: "RestoreSession", name, namespace, uid: "u-2" },
            way: Way::Restore { rules: &spec.rules.clone().or(rules).unwrap_or_default() },
            invoker: Invoker { kind: "RestoreSession", name, labels: session.metadata.labels.as_ref() },
            index: 0,
            target: &target,
            alias: alias.as_deref(),
            repository: (&repository.name, repository.namespace.as_deref().unwrap_or(namespace)),
            repository_spec: &cluster.repository(&repository.name).spec,
            task: &task,
            task_spec: &cluster.tasks[&task],
            functions: &cluster.functions,
            params: &params,
            runtime_settings: spec.runtime_settings.as_ref(),
            temp_dir: spec.temp_dir.as_ref(),
            interim_volume: spec.interim_volume_template.as_ref(),
            hooks: Hooks::of_restore(spec.hooks.as_ref()),
            service_account: &format!("restoresession-{name}"),
            deadline: 86_400,
        },
        &settings(),
    )
}

fn named(metadata: &k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta) -> (&str, &str) {
    (metadata.name.as_deref().expect("a name"), metadata.namespace.as_deref().expect("a namespace"))
}

fn text(executor: Executor) -> String {
    let job = serde_saphyr::to_string(&executor.job).expect("YAML");
    match executor.claim {
        Some(claim) => format!("{job}---\n{}", serde_saphyr::to_string(&claim).expect("YAML")),
        None => job,
    }
}

#[test]
fn each_backup_configuration_becomes_a_job() {
    let cluster = Cluster::of_manifests();
    for configuration in manifests::of::<BackupConfiguration>("BackupConfiguration") {
        let name = configuration.metadata.name.clone().expect("a name");
        insta::assert_snapshot!(format!("backup-{name}"), text(backup(&cluster, &configuration).expect("a Job")));
    }
}

#[test]
fn each_restore_session_becomes_a_job() {
    let cluster = Cluster::of_manifests();
    for session in manifests::of::<RestoreSession>("RestoreSession") {
        let name = session.metadata.name.clone().expect("a name");
        if !name.starts_with("bad-") {
            insta::assert_snapshot!(format!("restore-{name}"), text(restore(&cluster, &session).expect("a Job")));
        }
    }
}

#[test]
fn a_function_of_the_users_own_runs_as_it_is() {
    let cluster = Cluster::of_manifests();
    let mut configuration = manifests::of::<BackupConfiguration>("BackupConfiguration").remove(0);
    configuration.spec.task = Some(TaskRef { name: Some("es-backup-own".into()), params: None });
    insta::assert_snapshot!("backup-own-function", text(backup(&cluster, &configuration).expect("a Job")));
}

#[test]
fn what_is_missing_is_named() {
    let mut cluster = Cluster::of_manifests();
    let configuration = manifests::of::<BackupConfiguration>("BackupConfiguration").remove(0);
    cluster.functions.remove("update-status");
    let error = backup(&cluster, &configuration).expect_err("no Function");
    assert_eq!(
        error.to_string(),
        "Task elasticsearch-backup-7.3.2 needs Function \"update-status\", which is not there"
    );

    let own = FunctionSpec { args: Some(vec!["--x=${speed}".into()]), ..FunctionSpec::default() };
    cluster.functions.insert("update-status".into(), own);
    let error = backup(&cluster, &configuration).expect_err("no value");
    assert_eq!(
        format!("{error}"),
        "Function update-status: the variable speed has neither a value nor a default; give it among the task's params"
    );
}
