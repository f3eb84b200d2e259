//! `restore`: a RestoreSession that puts a backup back, of few flags. Pure.

use api::{
    BackupInvoker, Repository, RestoreSession, RestoreSessionSpec,
    backup_batch::BackupMember,
    invoker::{BACKUP_BATCH, BACKUP_CONFIGURATION},
    labels,
    runtime_settings::RuntimeSettings,
    session::RepositoryRef,
    target::{RestoreRule, RestoreTarget, TargetRef},
    task::{Param, TaskRef},
    volumes::TempDir,
};
use jiff::Timestamp;

use crate::{Error, Result, create};

/// The rule for the newest snapshot.
pub const LATEST: &str = "latest";
/// The host of snapshots where nothing else is said.
const HOST: &str = engine::layout::HOST;

/// From where, and into what.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Source {
    /// The namespace of the database, and of the RestoreSession.
    pub namespace: String,
    /// The Repository.
    pub repository: RepositoryRef,
    /// The database.
    pub target: TargetRef,
    /// The host of its snapshots, where it is known.
    pub host: Option<String>,
    /// The Task; the AppBinding's if nothing is said.
    pub task: Option<String>,
    /// How its pods run.
    pub runtime_settings: Option<RuntimeSettings>,
    /// Their folder for what is there only meanwhile.
    pub temp_dir: Option<TempDir>,
}

/// What becomes of what is there already.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Conflict {
    /// Nothing is changed at all.
    #[default]
    Fail,
    /// It stays as it is.
    Skip,
    /// It is deleted first.
    Overwrite,
}

/// What is wanted of it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Wanted {
    /// The RestoreSession's name; one of the target's name and the time if nothing is said.
    pub name: Option<String>,
    /// The beginning of the snapshot's id, or [`LATEST`].
    pub snapshot: String,
    /// Only indices of these names; `*` stands for anything.
    pub indices: Vec<String>,
    /// Their new names: `*` stands for the old one.
    pub rename: Option<String>,
    /// What becomes of what is there already.
    pub conflict: Conflict,
    /// Further options of multielasticdump.
    pub args: Option<String>,
}

impl Conflict {
    /// As the parameter `onConflict` has it.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Fail => "fail",
            Self::Skip => "skip",
            Self::Overwrite => "overwrite",
        }
    }
}

impl Source {
    /// What a BackupConfiguration saves, or a BackupBatch of the target of that name. `task` instead of the one that belongs to that of
    /// the backups.
    ///
    /// # Errors
    /// Where the name is needed and not said, or another one.
    pub fn of(invoker: &BackupInvoker, target: Option<&str>, task: Option<&str>) -> Result<Self> {
        let name = format!("{}/{}", invoker.metadata.namespace.as_deref().unwrap_or_default(), invoker.name());
        let unfit = |why: String| Error::Unfit { kind: invoker.kind, name: name.clone(), why };
        let named =
            |member: &BackupMember| member.target.clone().and_then(|target| target.target_ref).unwrap_or_default();
        let names = || {
            let all = invoker.members().iter().filter_map(|member| named(member).name);
            all.collect::<Vec<_>>().join(", ")
        };
        let member = match (target, invoker.members()) {
            (None, [only]) => only,
            (None, _) => return Err(unfit(format!("which of its targets? --target-name says it: {}", names()))),
            (Some(wanted), all) => {
                let found = all.iter().find(|member| named(member).name.as_deref() == Some(wanted));
                found.ok_or_else(|| unfit(format!("it has no target {wanted:?}; it has {}", names())))?
            }
        };
        let repository = invoker.spec.repository.clone();
        let repository = repository
            .ok_or_else(|| unfit("it names no Repository: it saves nothing that could be restored".into()))?;
        let alias = member.target.as_ref().and_then(|target| target.alias.clone()).filter(|alias| !alias.is_empty());
        let of_backup = member.task.as_ref().and_then(|task| task.name.as_deref()).filter(|name| !name.is_empty());
        let task = match (task, of_backup) {
            (Some(task), _) => Some(task.to_owned()),
            (None, Some(task)) => Some(restore_task(task).map_err(unfit)?),
            (None, None) => None,
        };
        Ok(Self {
            namespace: invoker.metadata.namespace.clone().unwrap_or_default(),
            repository,
            target: named(member),
            host: Some(alias.unwrap_or_else(|| HOST.to_owned())),
            task,
            runtime_settings: member.runtime_settings.clone(),
            temp_dir: member.temp_dir.clone(),
        })
    }

    /// Why the newest snapshot of its host may be another database's: several use the Repository, and all of them as the same host.
    pub fn doubt(&self, repository: &Repository, wanted: &Wanted) -> Option<String> {
        let users = repository.status.iter().filter_map(|status| status.references.as_ref()).flatten();
        let backups =
            users.filter(|user| [BACKUP_CONFIGURATION, BACKUP_BATCH].map(Some).contains(&user.kind.as_deref())).count();
        let alone = self.host.as_deref().is_some_and(|host| host != HOST);
        (backups > 1 && wanted.snapshot == LATEST && !alone).then(|| {
            format!(
                "{backups} backups are in Repository {name}: the latest snapshot may be another database's; say which: --snapshot ID \
                 (kubectl larder snapshots {name} lists them)",
                name = self.repository.name
            )
        })
    }

    /// The RestoreSession.
    ///
    /// # Errors
    /// Where what is wanted cannot be said to a Task.
    pub fn object(&self, wanted: &Wanted, now: Timestamp) -> Result<RestoreSession> {
        let target = self.target.name.as_deref().unwrap_or_default();
        let name = wanted.name.clone().unwrap_or_else(|| name_of(target, now));
        create::name("--name", &name)?;
        let latest = wanted.snapshot == LATEST;
        if !latest && (wanted.snapshot.is_empty() || !wanted.snapshot.bytes().all(|byte| byte.is_ascii_hexdigit())) {
            let why = "it must be latest, or the beginning of a snapshot's id; `kubectl larder snapshots` lists them"
                .to_owned();
            return Err(Error::Flag { flag: "--snapshot", value: wanted.snapshot.clone(), why });
        }
        // An id means one snapshot, whosever it is.
        let rule = RestoreRule {
            source_host: self.host.clone().filter(|_| latest),
            snapshots: Some(vec![wanted.snapshot.to_ascii_lowercase()]),
            ..RestoreRule::default()
        };
        let params = params(wanted)?;
        let task = (self.task.is_some() || !params.is_empty())
            .then(|| TaskRef { name: self.task.clone(), params: Some(params).filter(|params| !params.is_empty()) });
        let spec = RestoreSessionSpec {
            repository: Some(self.repository.clone()),
            task,
            target: Some(RestoreTarget {
                target_ref: Some(self.target.clone()),
                rules: Some(vec![rule]),
                ..RestoreTarget::default()
            }),
            runtime_settings: self.runtime_settings.clone(),
            temp_dir: self.temp_dir.clone(),
            ..RestoreSessionSpec::default()
        };
        let mut object = RestoreSession::new(&name, spec);
        object.metadata.namespace = Some(self.namespace.clone());
        Ok(object)
    }
}

/// Of a restore's Task: named after that of the backup, as all of Stash's and ours are.
fn restore_task(backup: &str) -> std::result::Result<String, String> {
    let restore = backup.replacen("-backup", "-restore", 1);
    if restore == backup {
        return Err(format!("its Task {backup} has no \"-backup\" in its name: say the Task that restores (--task)"));
    }
    Ok(restore)
}

/// `es-20220201-100230`, at most as long as a name may be.
fn name_of(target: &str, now: Timestamp) -> String {
    labels::with_suffix(target, &now.strftime("-%Y%m%d-%H%M%S").to_string())
}

fn params(wanted: &Wanted) -> Result<Vec<Param>> {
    let mut args = Vec::new();
    if !wanted.indices.is_empty() {
        args.push(matching(&wanted.indices)?);
    }
    if let Some(rename) = &wanted.rename {
        args.extend(renaming(rename)?);
    }
    args.extend(wanted.args.clone().filter(|args| !args.is_empty()));
    let args = args.join(" ");
    // What is wrong is better said here than in a pod.
    job::es_args::EsArgs::parse(&args).map_err(|error| Error::Flags { why: error.to_string() })?;
    let mut params = Vec::new();
    if !args.is_empty() {
        params.push(Param { name: "args".into(), value: args });
    }
    if wanted.conflict != Conflict::Fail {
        params.push(Param { name: "onConflict".into(), value: wanted.conflict.word().to_owned() });
    }
    Ok(params)
}

/// `--match` for names of indices in which `*` stands for anything.
fn matching(patterns: &[String]) -> Result<String> {
    let mut alternatives = Vec::new();
    for pattern in patterns {
        let fits = |c: char| !c.is_whitespace() && !"\"'\\/?<>|,#:${}()".contains(c);
        if pattern.is_empty() || !pattern.chars().all(fits) {
            let why = "it must be the name of an index, in which * stands for anything".to_owned();
            return Err(Error::Flag { flag: "--index", value: pattern.clone(), why });
        }
        let mut regex = String::new();
        for c in pattern.chars() {
            match c {
                '*' => regex.push_str(".*"),
                '.' | '+' | '^' | '[' | ']' => regex.extend(['\\', c]),
                c => regex.push(c),
            }
        }
        alternatives.push(regex);
    }
    Ok(format!("--match=^({})$", alternatives.join("|")))
}

/// `--prefix` and `--suffix` for new names in which `*` stands for the old one.
fn renaming(rename: &str) -> Result<Vec<String>> {
    let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "-_.+".contains(c);
    let parts = rename.split_once('*').filter(|(prefix, suffix)| {
        (!prefix.is_empty() || !suffix.is_empty()) && prefix.chars().chain(suffix.chars()).all(fits)
    });
    let Some((prefix, suffix)) = parts else {
        let why = "it must be new names of which one * is the old name, such as restored-*; in lower case".to_owned();
        return Err(Error::Flag { flag: "--rename", value: rename.to_owned(), why });
    };
    let options = [("--prefix", prefix), ("--suffix", suffix)];
    Ok(options
        .into_iter()
        .filter(|(_, part)| !part.is_empty())
        .map(|(option, part)| format!("{option}={part}"))
        .collect())
}

/// The YAML that is applied: without what nobody said.
///
/// # Errors
/// Never with what this module makes.
pub fn yaml(session: &RestoreSession) -> Result<String> {
    let mut value = serde_json::to_value(session).expect("our kinds have text for keys");
    if let Some(fields) = value.as_object_mut() {
        fields.retain(|_, field| !field.is_null());
    }
    serde_saphyr::to_string(&value)
        .map_err(|error| Error::Flags { why: format!("it cannot be written as YAML: {error}") })
}

#[cfg(test)]
mod tests {
    use api::{BackupBatch, BackupConfiguration};
    use serde_json::{Value, json};

    use super::*;

    fn now() -> Timestamp {
        "2022-02-01T10:02:30Z".parse().expect("a time")
    }

    fn member(alias: &str, name: &str) -> Value {
        json!({"target": {"alias": alias, "ref": {"apiVersion": "appcatalog.appscode.com/v1alpha1", "kind": "AppBinding", "name": name}}})
    }

    fn configuration(task: Value) -> BackupInvoker {
        let mut spec = member("", "es");
        spec["task"] = task;
        spec["repository"] = json!({"name": "store"});
        spec["retentionPolicy"] = json!({"name": "all", "prune": false});
        let object = json!({"apiVersion": "stash.appscode.com/v1beta1", "kind": "BackupConfiguration",
            "metadata": {"name": "es-nightly", "namespace": "demo"}, "spec": spec});
        serde_json::from_value::<BackupConfiguration>(object).expect("a configuration").into()
    }

    fn latest() -> Wanted {
        Wanted { snapshot: LATEST.into(), ..Wanted::default() }
    }

    #[test]
    fn the_newest_is_put_back_by_the_task_that_belongs_to_the_backups() {
        let source =
            Source::of(&configuration(json!({"name": "elasticsearch-backup-7.14.0"})), None, None).expect("a source");
        let text = yaml(&source.object(&latest(), now()).expect("a session")).expect("YAML");
        let expected = "apiVersion: stash.appscode.com/v1beta1\nkind: RestoreSession\nmetadata:\n  name: es-20220201-100230\n  \
                        namespace: demo\nspec:\n  driver: Restic\n  repository:\n    name: store\n  task:\n    \
                        name: elasticsearch-restore-7.14.0\n  target:\n    ref:\n      \
                        apiVersion: appcatalog.appscode.com/v1alpha1\n      kind: AppBinding\n      name: es\n    rules:\n    \
                        - sourceHost: host-0\n      snapshots:\n      - latest\n";
        assert_eq!(text, expected);
    }

    #[test]
    fn what_is_wanted_becomes_parameters() {
        let source = Source::of(&configuration(Value::Null), None, None).expect("a source");
        let wanted = Wanted {
            name: Some("back".into()),
            snapshot: "4BC21d6f".into(),
            indices: vec!["orders-*".into(), ".kibana".into()],
            rename: Some("restored-*-x".into()),
            conflict: Conflict::Overwrite,
            args: Some("--ignoreAlias".into()),
        };
        let session = source.object(&wanted, now()).expect("a session");
        let task = session.spec.task.expect("a task");
        assert_eq!(task.name, None, "the AppBinding names it");
        let params: Vec<(String, String)> =
            task.params.expect("parameters").into_iter().map(|param| (param.name, param.value)).collect();
        let args = r"--match=^(orders-.*|\.kibana)$ --prefix=restored- --suffix=-x --ignoreAlias";
        assert_eq!(params, [("args".into(), args.into()), ("onConflict".into(), "overwrite".into())]);
        let rule = &session.spec.target.expect("a target").rules.expect("rules")[0];
        assert_eq!(
            (rule.source_host.as_deref(), rule.snapshots.as_ref().map(|all| all[0].as_str())),
            (None, Some("4bc21d6f"))
        );
    }

    #[test]
    fn the_pattern_means_to_the_pod_what_was_meant() {
        let args =
            job::es_args::EsArgs::parse(&matching(&["logs-*".into(), "a.b".into()]).expect("a match")).expect("args");
        let matching = args.matching.expect("a match");
        let taken = ["logs-1", "a.b", "logs", "xlogs-1", "axb", "a.bc"].map(|name| matching.is_match(name));
        assert_eq!(taken, [true, true, false, false, false, false]);
    }

    #[test]
    fn of_a_batch_one_target_is_restored_from_its_own_host() {
        let batch: BackupBatch = serde_json::from_value(json!({"apiVersion": "stash.appscode.com/v1beta1", "kind": "BackupBatch",
            "metadata": {"name": "both", "namespace": "demo"}, "spec": {"repository": {"name": "store"},
            "retentionPolicy": {"name": "all", "prune": false}, "members": [member("one", "es"), member("two", "es-two")]}}))
        .expect("a batch");
        let batch = BackupInvoker::from(batch);
        assert_eq!(Source::of(&batch, Some("es-two"), None).expect("a source").host.as_deref(), Some("two"));
        for (target, words) in [(None, "--target-name says it: es, es-two"), (Some("x"), "no target \"x\"")] {
            assert!(Source::of(&batch, target, None).expect_err(words).to_string().contains(words));
        }
    }

    #[test]
    fn what_cannot_be_meant_is_refused_with_its_flag() {
        let source = Source::of(&configuration(Value::Null), None, None).expect("a source");
        for (wanted, words) in [
            (Wanted { snapshot: "newest".into(), ..latest() }, "--snapshot \"newest\""),
            (Wanted { indices: vec!["a b".into()], ..latest() }, "--index \"a b\""),
            (Wanted { rename: Some("restored".into()), ..latest() }, "--rename \"restored\""),
            (Wanted { rename: Some("*".into()), ..latest() }, "--rename \"*\""),
            (Wanted { args: Some("--nonsense".into()), ..latest() }, "--nonsense is no option"),
            (Wanted { name: Some("Back".into()), ..latest() }, "--name \"Back\""),
        ] {
            let error = source.object(&wanted, now()).expect_err(words).to_string();
            assert!(error.contains(words), "{error}");
        }
        let own = Source::of(&configuration(json!({"name": "save-it"})), None, None)
            .expect_err("no restore task")
            .to_string();
        assert!(own.contains("--task"), "{own}");
        let said = Source::of(&configuration(json!({"name": "save-it"})), None, Some("fill-it")).expect("a source");
        assert_eq!(said.task.as_deref(), Some("fill-it"));
    }

    #[test]
    fn the_latest_of_a_shared_repository_is_in_doubt() {
        let mut source = Source::of(&configuration(Value::Null), None, None).expect("a source");
        let user = |name: &str| json!({"kind": "BackupConfiguration", "name": name, "namespace": "demo"});
        let repository = |users: Value| -> Repository {
            let object = json!({"apiVersion": "stash.appscode.com/v1alpha1", "kind": "Repository", "metadata": {"name": "store"},
                "spec": {}, "status": {"references": users}});
            serde_json::from_value(object).expect("a repository")
        };
        let (one, two) = (repository(json!([user("a")])), repository(json!([user("a"), user("b")])));
        assert_eq!(source.doubt(&one, &latest()), None);
        assert!(source.doubt(&two, &latest()).expect("a doubt").contains("--snapshot ID"));
        assert_eq!(source.doubt(&two, &Wanted { snapshot: "4bc21d6f".into(), ..latest() }), None);
        source.host = Some("alpha".into());
        assert_eq!(source.doubt(&two, &latest()), None);
    }
}
