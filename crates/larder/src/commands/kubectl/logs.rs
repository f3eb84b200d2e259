//! `logs`.

use anyhow::Result;
use kubectl::{
    Cluster, find,
    logs::{self, Told},
};
use serde_json::json;

use crate::{
    arguments::kubectl::LogsArguments,
    exit::{Exit, Misused},
    output::Output,
    signals::abortable,
};

/// Prints what the pods of a run have written, container by container.
pub async fn run(cluster: &Cluster, arguments: &LogsArguments, output: &Output) -> Result<Exit> {
    let which = arguments.which();
    let (which, wanted) = which.ok_or_else(|| Misused("several are named: which one's logs?".to_owned()))?;
    abortable(async {
        let session = find::session(cluster, &which).await?;
        output.say(format!("{} {}/{}: {}", session.kind, session.namespace(), session.name(), session.phase));
        let mut tell = |told: &Told| match told {
            Told::Container { pod, container } => {
                output.say(format!("==> {pod}/{container} <=="));
                output.object("container", &json!({"pod": pod, "container": container}));
            }
            Told::Line(line) => {
                output.say(line);
                output.object("line", &json!({"line": line}));
            }
            Told::Note(note) => {
                output.say(format!("({note})"));
                output.object("note", &json!({"message": note}));
            }
        };
        logs::told(cluster, &session, &wanted, &mut tell).await?;
        Ok(Exit::Done)
    })
    .await
}
