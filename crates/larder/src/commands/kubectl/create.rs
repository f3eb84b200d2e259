//! `create repository`, `create backupconfig`, `create restoresession`.

use anyhow::Result;
use kube::ResourceExt as _;
use kubectl::{Cluster, cluster::Object};
use serde::Serialize;
use serde_json::json;

use crate::{arguments::kubectl::CreateCommand, exit::Exit, output::Output};

/// Makes the object; one that is there gets what the flags say, as under Stash.
pub async fn run(cluster: &Cluster, command: CreateCommand, output: &Output) -> Result<Exit> {
    let namespace = cluster.namespace();
    match command {
        CreateCommand::Repository(arguments) => put(cluster, &arguments.described().object(namespace)?, output).await,
        CreateCommand::Backupconfig(arguments) => put(cluster, &arguments.described().object(namespace)?, output).await,
        CreateCommand::Restoresession(arguments) => {
            put(cluster, &arguments.described().object(namespace)?, output).await
        }
    }
}

async fn put<K: Object + Serialize>(cluster: &Cluster, object: &K, output: &Output) -> Result<Exit> {
    let done = cluster.put(object, &["spec"]).await?;
    tell(output, &K::kind(&()), cluster.namespace(), &object.name_any(), &done.to_string());
    Ok(Exit::Done)
}

/// `Repository demo/store created`.
pub(super) fn tell(output: &Output, kind: &str, namespace: &str, name: &str, what: &str) {
    output.say(format!("{kind} {namespace}/{name} {what}"));
    output.object("object", &json!({"kind": kind, "namespace": namespace, "name": name, "what": what}));
}
