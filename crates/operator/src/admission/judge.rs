//! What is wrong with an object that somebody wants to keep. Pure: by the functions by which the controllers judge it.

use std::collections::BTreeMap;

use api::{
    BackupBatch, BackupConfiguration, BackupInvoker, Repository, RestoreBatch, RestoreInvoker, RestoreSession,
    session::{Driver, RepositoryRef},
};
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::{backup_invoker, restore, usage};

/// Why an object is refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Refusal {
    /// The field.
    pub(super) field: String,
    /// What is wrong with it; begins with the field.
    pub(super) message: String,
}

/// An object that is to be judged.
#[derive(Debug)]
pub(super) struct Subject {
    invoker: Invoker,
    pub(super) namespace: String,
}

#[derive(Debug)]
enum Invoker {
    Backup(Box<BackupInvoker>),
    Restore(Box<RestoreInvoker>),
}

impl Subject {
    /// What a request is about. Nothing where its spec does not change, it is on its way out, or it cannot be read.
    pub(super) fn of(request: &Value) -> Option<Self> {
        let (object, old) = (&request["object"], &request["oldObject"]);
        let asked = match request["operation"].as_str()? {
            "CREATE" => true,
            "UPDATE" => object["spec"] != old["spec"],
            _ => false,
        };
        if !asked || object.pointer("/metadata/deletionTimestamp").is_some_and(|at| !at.is_null()) {
            return None;
        }
        let invoker = match request.pointer("/kind/kind")?.as_str()? {
            "BackupConfiguration" => Invoker::Backup(Box::new(typed::<BackupConfiguration>(object)?.into())),
            "BackupBatch" => Invoker::Backup(Box::new(typed::<BackupBatch>(object)?.into())),
            "RestoreSession" => Invoker::Restore(Box::new(typed::<RestoreSession>(object)?.into())),
            "RestoreBatch" => Invoker::Restore(Box::new(typed::<RestoreBatch>(object)?.into())),
            _ => return None,
        };
        Some(Self { invoker, namespace: request["namespace"].as_str()?.to_owned() })
    }

    /// What is wrong with the object itself.
    pub(super) fn broken(&self) -> Option<Refusal> {
        let message = match &self.invoker {
            Invoker::Backup(invoker) => backup_invoker::rules::broken(invoker)?,
            Invoker::Restore(restore) => restore::rules::broken(restore)?,
        };
        let field = message.split(": ").next().unwrap_or_default().to_owned();
        Some(Refusal { field, message })
    }

    /// Namespace and name of its Repository, where it needs one.
    pub(super) fn repository(&self) -> Option<(&str, &str)> {
        let (driver, named) = match &self.invoker {
            Invoker::Backup(invoker) => (invoker.spec.driver, invoker.spec.repository.as_ref()),
            Invoker::Restore(restore) => (restore.spec.driver, restore.spec.repository.as_ref()),
        };
        let RepositoryRef { name, namespace } = named.filter(|_| driver == Driver::Restic)?;
        let namespace = namespace.as_deref().filter(|at| !at.is_empty()).unwrap_or(&self.namespace);
        Some((namespace, name))
    }

    /// Whether its Repository refuses it.
    pub(super) fn not_allowed(&self, repository: &Repository, labels: &BTreeMap<String, String>) -> Option<Refusal> {
        let refused = usage::check(repository, &self.namespace, labels).err()?;
        let field = "spec.repository";
        Some(Refusal { field: field.to_owned(), message: format!("{field}: {refused}") })
    }
}

fn typed<K: DeserializeOwned>(object: &Value) -> Option<K> {
    serde_json::from_value(object.clone()).ok()
}

#[cfg(test)]
mod tests {
    use api::{RepositorySpec, repository::UsagePolicy};
    use serde_json::json;

    use super::*;

    fn restore(rules: &Value) -> Value {
        let spec = json!({ "repository": { "name": "store", "namespace": "vault" }, "target": { "rules": rules } });
        json!({ "apiVersion": "stash.appscode.com/v1beta1", "kind": "RestoreSession", "metadata": { "name": "r" }, "spec": spec })
    }

    fn asked(operation: &str, object: &Value, old: &Value) -> Value {
        let kind = json!({ "kind": object["kind"] });
        json!({ "operation": operation, "kind": kind, "namespace": "logs", "object": object, "oldObject": old })
    }

    #[test]
    fn a_host_in_two_rules_is_refused_by_its_field() {
        let twice = restore(&json!([{ "targetHosts": ["h"] }, { "targetHosts": ["h"] }]));
        let refused =
            Subject::of(&asked("CREATE", &twice, &Value::Null)).expect("a subject").broken().expect("refused");
        assert_eq!(refused.field, "spec.target.rules[1].targetHosts");
        assert!(refused.message.starts_with("spec.target.rules[1].targetHosts: host \"h\""), "{refused:?}");
        let good = restore(&json!([{ "targetHosts": ["h"] }]));
        assert_eq!(Subject::of(&asked("CREATE", &good, &Value::Null)).expect("a subject").broken(), None);
    }

    #[test]
    fn what_changes_no_spec_or_goes_away_is_not_judged() {
        let twice = restore(&json!([{ "targetHosts": ["h"] }, { "targetHosts": ["h"] }]));
        let mut going = twice.clone();
        going["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z".into();
        let mut unreadable = twice.clone();
        unreadable["spec"]["target"] = "x".into();
        let mut other = twice.clone();
        other["kind"] = "Repository".into();
        for (operation, object, old) in [
            ("UPDATE", &twice, &twice),
            ("UPDATE", &going, &restore(&json!([]))),
            ("DELETE", &Value::Null, &twice),
            ("CREATE", &unreadable, &Value::Null),
            ("CREATE", &other, &Value::Null),
        ] {
            assert!(Subject::of(&asked(operation, object, old)).is_none(), "{operation} {object}");
        }
        assert!(Subject::of(&asked("UPDATE", &twice, &restore(&json!([])))).is_some());
    }

    #[test]
    fn a_repository_that_refuses_the_namespace_is_named() {
        let subject = Subject::of(&asked("CREATE", &restore(&json!([])), &Value::Null)).expect("a subject");
        assert_eq!(subject.repository(), Some(("vault", "store")));
        let spec = RepositorySpec { usage_policy: Some(UsagePolicy::default()), ..RepositorySpec::default() };
        let mut repository = Repository::new("store", spec);
        repository.metadata.namespace = Some("vault".into());
        let refused = subject.not_allowed(&repository, &BTreeMap::new()).expect("refused");
        let words = "spec.repository: namespace logs may not use Repository store of namespace vault";
        assert!(refused.message.starts_with(words), "{refused:?}");
    }
}
