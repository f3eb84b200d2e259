//! `delete snapshot`.

use anyhow::Result;
use kubectl::{Cluster, Error, errand::Errands, snapshot_name::SnapshotName};
use serde_json::json;

use super::tell_without_effect;
use crate::{
    arguments::kubectl::DeleteSnapshotArguments,
    exit::Exit,
    output::{Output, bytes},
    signals::cancellable,
};

/// Forgets the snapshot and removes what no other needs.
pub async fn run(cluster: &Cluster, arguments: &DeleteSnapshotArguments, output: &Output) -> Result<Exit> {
    tell_without_effect(&arguments.docker.without_effect());
    let name = SnapshotName::parse(&arguments.name)?;
    let answer = cancellable(async |cancel| {
        let errands = Errands::on(cluster, &name.repository, arguments.errand.place(), cancel).await?;
        Ok(errands.run(&["forget", &name.id, "--prune"], &mut |_| {}).await?)
    })
    .await?;
    let gone: Vec<&str> = answer.of("removed").filter_map(|object| object["id"].as_str()).collect();
    let [id] = gone[..] else {
        let what = format!("{} snapshots were removed instead of one", gone.len());
        return Err(Error::Errand { what, code: 1 }.into());
    };
    let freed = answer.summary()["bytes_freed"].as_u64().unwrap_or_default();
    output.say(format!("Snapshot {}/{} deleted; {} freed", cluster.namespace(), arguments.name, bytes(freed)));
    output.object(
        "summary",
        &json!({"command": "delete", "repository": name.repository, "id": id, "bytes_freed": freed}),
    );
    Ok(Exit::Done)
}
