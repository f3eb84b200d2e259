//! `unlock`.

use anyhow::Result;
use kubectl::{Cluster, errand::Errands};
use serde_json::json;

use super::tell_without_effect;
use crate::{
    arguments::kubectl::UnlockRepositoryArguments,
    exit::Exit,
    output::{Output, counted},
    signals::cancellable,
};

/// Removes locks whose owner is dead, or all.
pub async fn run(cluster: &Cluster, arguments: &UnlockRepositoryArguments, output: &Output) -> Result<Exit> {
    tell_without_effect(&arguments.docker.without_effect());
    let repository = &arguments.repository;
    let all: &[&str] = if arguments.remove_all { &["--remove-all"] } else { &[] };
    let answer = cancellable(async |cancel| {
        let errands = Errands::on(cluster, repository, arguments.errand.place(), cancel).await?;
        Ok(errands.run(&[&["unlock"], all].concat(), &mut |_| {}).await?)
    })
    .await?;
    let removed = answer.summary()["removed"].as_u64().unwrap_or_default();
    output.say(format!("Repository {}/{repository}: {} removed", cluster.namespace(), counted(removed, "lock")));
    if removed == 0 && !arguments.remove_all {
        output.say("locks of owners that may be alive are kept (--remove-all removes them too)");
    }
    output.object("summary", &json!({"command": "unlock", "repository": repository, "removed": removed}));
    Ok(Exit::Done)
}
