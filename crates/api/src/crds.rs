//! The CustomResourceDefinitions of all kinds, as they are installed.

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::CustomResourceExt as _;

use crate::{
    AppBinding, BackupBatch, BackupBlueprint, BackupConfiguration, BackupSession, Function, Repository, RestoreBatch,
    RestoreSession, Task, labels,
};

/// All of them, by name.
pub fn crds() -> Vec<CustomResourceDefinition> {
    let mut crds = vec![
        AppBinding::crd(),
        BackupBatch::crd(),
        BackupBlueprint::crd(),
        BackupConfiguration::crd(),
        BackupSession::crd(),
        Function::crd(),
        Repository::crd(),
        RestoreBatch::crd(),
        RestoreSession::crd(),
        Task::crd(),
    ];
    for crd in &mut crds {
        let name = if crd.spec.group == labels::CATALOG_GROUP { "catalog" } else { "stash" };
        let label = ("app.kubernetes.io/name".to_owned(), name.to_owned());
        crd.metadata.labels.get_or_insert_default().extend([label]);
    }
    crds.sort_by(|a, b| a.metadata.name.cmp(&b.metadata.name));
    crds
}
