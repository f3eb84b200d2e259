//! `trigger`: a session that a person begins, as Stash's plugin makes it. Pure, but for [`trigger`].

use std::collections::BTreeMap;

use api::{BackupBatch, BackupConfiguration, BackupSession, BackupSessionSpec, backup_session::Invoker, labels, owner};
use kube::{Resource, ResourceExt as _};

use crate::{Cluster, Error, Result};

/// Whose session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Of {
    /// A BackupConfiguration.
    Configuration(String),
    /// A BackupBatch.
    Batch(String),
}

/// Begins a session now, also of an invoker that is paused.
///
/// # Errors
/// Where the invoker is not there or on its way out, or the session is refused.
pub async fn trigger(cluster: &Cluster, of: &Of) -> Result<BackupSession> {
    let namespace = cluster.namespace();
    let session = match of {
        Of::Configuration(name) => session(&cluster.get::<BackupConfiguration>(namespace, name).await?)?,
        Of::Batch(name) => session(&cluster.get::<BackupBatch>(namespace, name).await?)?,
    };
    cluster.create(&session).await
}

/// The session of an invoker.
fn session<K: Resource<DynamicType = ()>>(invoker: &K) -> Result<BackupSession> {
    let (kind, name) = (K::kind(&()).into_owned(), invoker.name_any());
    if invoker.meta().deletion_timestamp.is_some() {
        let why = "it is being deleted; no session is begun".to_owned();
        let name = format!("{}/{name}", invoker.namespace().unwrap_or_default());
        return Err(Error::Unfit { kind: "the invoker", name, why });
    }
    let reference = Invoker { api_group: Some(labels::GROUP.into()), kind: kind.clone(), name: name.clone() };
    let mut session =
        BackupSession::new("", BackupSessionSpec { invoker: Some(reference), ..BackupSessionSpec::default() });
    session.metadata.name = None;
    session.metadata.generate_name = Some(format!("{name}-"));
    session.metadata.namespace = invoker.namespace();
    // A label holds 63 characters at most; a name may be longer.
    session.metadata.labels = Some(BTreeMap::from([
        ("app".to_owned(), "stash".to_owned()),
        (labels::INVOKER_NAME.to_owned(), labels::with_suffix(&name, "")),
        (labels::INVOKER_TYPE.to_owned(), kind.clone()),
    ]));
    session.metadata.owner_references =
        Some(vec![owner::by(&kind, &name, invoker.uid().as_deref().unwrap_or_default())]);
    Ok(session)
}

#[cfg(test)]
mod tests {
    use api::{BackupBatchSpec, BackupConfigurationSpec};
    use jiff::Timestamp;
    use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;

    use super::*;

    #[test]
    fn a_session_is_as_stashs_plugin_makes_it() {
        let mut invoker = BackupConfiguration::new("alpha", BackupConfigurationSpec::default());
        invoker.metadata.uid = Some("u".into());
        invoker.metadata.namespace = Some("demo".into());
        let made = session(&invoker).expect("a session");
        let yaml = serde_saphyr::to_string(&made).expect("yaml");
        let expected = "apiVersion: stash.appscode.com/v1beta1\nkind: BackupSession\nmetadata:\n  generateName: alpha-\n  labels:\n    \
                        app: stash\n    stash.appscode.com/invoker-name: alpha\n    \
                        stash.appscode.com/invoker-type: BackupConfiguration\n  namespace: demo\n  ownerReferences:\n  \
                        - apiVersion: stash.appscode.com/v1beta1\n    blockOwnerDeletion: true\n    controller: true\n    \
                        kind: BackupConfiguration\n    name: alpha\n    uid: u\nspec:\n  invoker:\n    \
                        apiGroup: stash.appscode.com\n    kind: BackupConfiguration\n    name: alpha\n";
        assert_eq!(yaml, expected);
    }

    #[test]
    fn a_batch_has_sessions_too_and_what_is_being_deleted_has_none() {
        let mut batch = BackupBatch::new("all", BackupBatchSpec::default());
        let made = session(&batch).expect("a session");
        assert_eq!(made.labels()[labels::INVOKER_TYPE], "BackupBatch");
        assert_eq!(made.owner_references()[0].kind, "BackupBatch");
        batch.metadata.deletion_timestamp = Some(Time(Timestamp::UNIX_EPOCH));
        assert!(session(&batch).expect_err("none").to_string().contains("being deleted"));
    }
}
