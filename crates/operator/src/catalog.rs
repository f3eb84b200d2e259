//! The Functions and Tasks that come with the operator, under the names that Stash's have. Pure.

use api::{
    Function, FunctionSpec, Task, TaskSpec,
    task::{Param, Step},
};

/// The versions that Stash v2022.03.29 has Tasks for. Ours do the same whatever their name says: the server tells its version.
pub const VERSIONS: [&str; 9] = ["5.6.4", "6.2.4", "6.3.0", "6.4.0", "6.5.3", "6.8.0", "7.2.0", "7.3.2", "7.14.0"];

/// The databases that Tasks are named after.
const DATABASES: [&str; 2] = ["elasticsearch", "opensearch"];

/// The Function that writes down what became of a session.
pub const UPDATE_STATUS: &str = "update-status";

/// Where Functions leave what they tell.
const OUTPUT: &str = "/tmp/output";

/// Arguments that backup and restore have in common, before those of their own.
const CONNECTION: [&str; 10] = [
    "--provider=${REPOSITORY_PROVIDER:=}",
    "--bucket=${REPOSITORY_BUCKET:=}",
    "--endpoint=${REPOSITORY_ENDPOINT:=}",
    "--region=${REPOSITORY_REGION:=}",
    "--path=${REPOSITORY_PREFIX:=}",
    "--storage-secret-name=${REPOSITORY_SECRET_NAME:=}",
    "--storage-secret-namespace=${REPOSITORY_SECRET_NAMESPACE:=}",
    "--scratch-dir=/tmp",
    "--enable-cache=${ENABLE_CACHE:=true}",
    "--max-connections=${MAX_CONNECTIONS:=0}",
];

const BACKUP: [&str; 18] = [
    "--wait-timeout=${waitTimeout:=300}",
    "--hostname=${HOSTNAME:=}",
    "--interim-data-dir=${INTERIM_DATA_DIR}",
    "--namespace=${NAMESPACE:=default}",
    "--appbinding=${TARGET_NAME:=}",
    "--backupsession=${BACKUP_SESSION:=}",
    "--es-args=${args:=}",
    "--staging=${staging:=}",
    "--retention-keep-last=${RETENTION_KEEP_LAST:=0}",
    "--retention-keep-hourly=${RETENTION_KEEP_HOURLY:=0}",
    "--retention-keep-daily=${RETENTION_KEEP_DAILY:=0}",
    "--retention-keep-weekly=${RETENTION_KEEP_WEEKLY:=0}",
    "--retention-keep-monthly=${RETENTION_KEEP_MONTHLY:=0}",
    "--retention-keep-yearly=${RETENTION_KEEP_YEARLY:=0}",
    "--retention-keep-tags=${RETENTION_KEEP_TAGS:=}",
    "--retention-prune=${RETENTION_PRUNE:=false}",
    "--retention-dry-run=${RETENTION_DRY_RUN:=false}",
    "--output-dir=${outputDir:=}",
];

const RESTORE: [&str; 10] = [
    "--wait-timeout=${waitTimeout:=300}",
    "--hostname=${HOSTNAME:=}",
    "--source-hostname=${SOURCE_HOSTNAME:=}",
    "--interim-data-dir=${INTERIM_DATA_DIR}",
    "--namespace=${NAMESPACE:=default}",
    "--appbinding=${TARGET_NAME:=}",
    "--snapshot=${RESTORE_SNAPSHOTS:=}",
    "--es-args=${args:=}",
    "--on-conflict=${onConflict:=fail}",
    "--output-dir=${outputDir:=}",
];

const STATUS: [&str; 18] = [
    "update-status",
    "--provider=${REPOSITORY_PROVIDER:=}",
    "--bucket=${REPOSITORY_BUCKET:=}",
    "--endpoint=${REPOSITORY_ENDPOINT:=}",
    "--region=${REPOSITORY_REGION:=}",
    "--path=${REPOSITORY_PREFIX:=}",
    "--scratch-dir=/tmp",
    "--enable-cache=${ENABLE_CACHE:=true}",
    "--max-connections=${MAX_CONNECTIONS:=0}",
    "--namespace=${NAMESPACE:=default}",
    "--backupsession=${BACKUP_SESSION:=}",
    "--storage-secret-name=${REPOSITORY_SECRET_NAME}",
    "--storage-secret-namespace=${REPOSITORY_SECRET_NAMESPACE}",
    "--invoker-kind=${INVOKER_KIND:=}",
    "--invoker-name=${INVOKER_NAME:=}",
    "--target-kind=${TARGET_KIND:=}",
    "--target-name=${TARGET_NAME:=}",
    "--output-dir=${outputDir:=}",
];

const STATUS_METRICS: [&str; 2] =
    ["--metrics-enabled=true", "--metrics-pushgateway-url=${PROMETHEUS_PUSHGATEWAY_URL:=}"];

/// All Functions. They name no image: the operator's own counts.
pub fn functions() -> Vec<Function> {
    let mut functions = vec![function(UPDATE_STATUS, &[&STATUS, &STATUS_METRICS])];
    for (database, version) in tasks_of() {
        functions.push(function(&name(database, "backup", version), &[&["backup-es"], &CONNECTION, &BACKUP]));
        functions.push(function(&name(database, "restore", version), &[&["restore-es"], &CONNECTION, &RESTORE]));
    }
    functions
}

/// All Tasks: each runs its Function, then writes down what became of it.
pub fn tasks() -> Vec<Task> {
    let way =
        |way: &'static str| tasks_of().into_iter().map(move |(database, version)| task(&name(database, way, version)));
    way("backup").chain(way("restore")).collect()
}

/// The name of the Task that serves where there is none of this name: earlier releases of Stash put `-vN` behind them.
pub fn without_revision(name: &str) -> Option<&str> {
    let (base, revision) = name.rsplit_once("-v")?;
    (!revision.is_empty() && revision.bytes().all(|byte| byte.is_ascii_digit())).then_some(base)
}

/// Database and version, or none where it does not matter.
fn tasks_of() -> Vec<(&'static str, Option<&'static str>)> {
    let versions = VERSIONS.into_iter().map(|version| (DATABASES[0], Some(version)));
    DATABASES.into_iter().map(|database| (database, None)).chain(versions).collect()
}

fn name(database: &str, way: &str, version: Option<&str>) -> String {
    let version = version.map(|version| format!("-{version}")).unwrap_or_default();
    format!("{database}-{way}{version}")
}

fn function(name: &str, args: &[&[&str]]) -> Function {
    let args = args.concat().into_iter().map(str::to_owned).collect();
    Function::new(name, FunctionSpec { args: Some(args), ..FunctionSpec::default() })
}

fn task(name: &str) -> Task {
    let step = |function: &str| Step {
        name: Some(function.to_owned()),
        params: Some(vec![Param { name: "outputDir".into(), value: OUTPUT.into() }]),
    };
    Task::new(name, TaskSpec { steps: Some(vec![step(name), step(UPDATE_STATUS)]), volumes: None })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_task_has_its_functions() {
        let functions: Vec<_> = functions().into_iter().filter_map(|function| function.metadata.name).collect();
        let tasks = tasks();
        assert_eq!(tasks.len(), 2 * (VERSIONS.len() + DATABASES.len()));
        for step in tasks.iter().flat_map(|task| task.spec.steps.iter().flatten()) {
            assert!(step.name.as_ref().is_some_and(|name| functions.contains(name)), "{step:?}");
        }
    }

    #[test]
    fn a_revision_is_left_out() {
        assert_eq!(without_revision("elasticsearch-backup-7.3.2-v2"), Some("elasticsearch-backup-7.3.2"));
        for name in ["elasticsearch-backup-7.3.2", "es-backup-v", "es-backup-vault", "v1"] {
            assert_eq!(without_revision(name), None, "{name}");
        }
    }
}
