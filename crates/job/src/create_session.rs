//! `create-backupsession`: what a CronJob's pod does at its slot.

use std::{collections::BTreeMap, path::PathBuf};

use api::{BackupInvoker, BackupSession, BackupSessionSpec, backup_session::Invoker, labels, owner};
use k8s_openapi::jiff::Timestamp;
use kube::{ResourceExt as _, api::PostParams};

use crate::{
    cluster::{Cluster, patiently},
    error::JobError,
    invoker, texts,
};

/// Whose session is to be begun.
#[derive(Debug, Clone)]
pub struct Trigger {
    /// Its kind.
    pub kind: String,
    /// Its name.
    pub name: String,
    /// Its namespace; the pod's own if empty.
    pub namespace: String,
}

/// Makes a session; the same again in the same second is the same session.
///
/// # Errors
/// Where the invoker is not there, or the session cannot be made.
pub async fn run(trigger: &Trigger) -> Result<(), JobError> {
    let Trigger { kind, name, namespace } = trigger;
    let own = if namespace.is_empty() { own_namespace()? } else { namespace.clone() };
    let namespace = own.as_str();
    let cluster = Cluster::of_this_pod().await?;
    let invoker = invoker::of_backup(&cluster, namespace, kind, name).await?;
    if invoker.metadata.deletion_timestamp.is_some() {
        tracing::info!(invoker = name, "the invoker is on its way out; no session is begun");
        return Ok(());
    }
    let session = session(&invoker, Timestamp::now());
    let api = cluster.api::<BackupSession>(namespace);
    let params = PostParams::default();
    match patiently(|| api.create(&params, &session)).await {
        Ok(_) => tracing::info!(session = session.name_any(), invoker = name, "the session is begun"),
        Err(kube::Error::Api(answer)) if answer.code == 409 => {
            tracing::info!(session = session.name_any(), "the session is there already");
        }
        Err(source) => {
            return Err(JobError::Object {
                doing: "make",
                kind: "BackupSession".into(),
                name: format!("{namespace}/{}", session.name_any()),
                source,
            });
        }
    }
    Ok(())
}

/// The pod's namespace, as its service account has it.
fn own_namespace() -> Result<String, JobError> {
    let path = PathBuf::from("/var/run/secrets/kubernetes.io/serviceaccount/namespace");
    let read = std::fs::read_to_string(&path).map(|text| text.trim().to_owned());
    read.map_err(|source| JobError::File { doing: "read", path, source })
}

fn session(invoker: &BackupInvoker, now: Timestamp) -> BackupSession {
    let (kind, name) = (invoker.kind, invoker.name());
    let reference = Invoker { api_group: Some(labels::GROUP.into()), kind: kind.into(), name: name.into() };
    let mut session = BackupSession::new(
        &texts::session(name, now.as_second()),
        BackupSessionSpec { invoker: Some(reference), retry_left: None },
    );
    let mut all: BTreeMap<String, String> = invoker.metadata.labels.clone().unwrap_or_default();
    // A label holds 63 characters at most; a name may be longer.
    all.insert(labels::INVOKER_NAME.into(), labels::with_suffix(name, ""));
    all.insert(labels::INVOKER_TYPE.into(), kind.into());
    session.metadata.labels = Some(all);
    session.metadata.namespace.clone_from(&invoker.metadata.namespace);
    session.metadata.owner_references =
        Some(vec![owner::by(kind, name, invoker.metadata.uid.as_deref().unwrap_or_default())]);
    session
}

#[cfg(test)]
mod tests {
    use api::{BackupConfiguration, BackupConfigurationSpec};

    use super::*;

    #[test]
    fn a_session_belongs_to_its_invoker_and_carries_its_labels() {
        let mut invoker = BackupConfiguration::new("alpha", BackupConfigurationSpec::default());
        invoker.metadata.labels = Some(BTreeMap::from([("team".into(), "search".into())]));
        invoker.metadata.uid = Some("u".into());
        let session = session(&invoker.into(), Timestamp::from_second(1_643_673_600).expect("a time"));
        assert_eq!(session.name_any(), "alpha-1643673600");
        assert_eq!(session.labels().len(), 3);
        assert_eq!(session.owner_references()[0].uid, "u");
        assert_eq!(session.spec.invoker.expect("an invoker").name, "alpha");
    }
}
