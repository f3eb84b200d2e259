//! `debug operator`, `debug backup`, `debug restore`.

use anyhow::Result;
use kubectl::{
    Cluster,
    debug::{self, Section},
};

use crate::{
    arguments::kubectl::DebugCommand,
    exit::{Exit, Misused},
    output::Output,
    signals::abortable,
};

/// Prints section by section.
pub async fn run(cluster: &Cluster, command: &DebugCommand, output: &Output) -> Result<Exit> {
    let mut tell = |section: &Section| {
        output.say(format!("==> {} <==\n{}\n", section.title, section.text.trim_end()));
        output.object("section", &serde_json::json!({"title": section.title, "text": section.text}));
    };
    abortable(Box::pin(async {
        match command {
            DebugCommand::Operator(arguments) => {
                debug::operator(cluster, &arguments.operator_namespace, &mut tell).await?;
            }
            DebugCommand::Backup(arguments) => {
                let of = arguments.of().ok_or_else(|| needed("--backupconfig or --backupbatch: which backup?"))?;
                debug::backup(cluster, &of, &arguments.operator.operator_namespace, &mut tell).await?;
            }
            DebugCommand::Restore(arguments) => {
                let of =
                    arguments.which().ok_or_else(|| needed("--restoresession or --restorebatch: which restore?"))?;
                debug::restore(cluster, &of, &arguments.operator.operator_namespace, &mut tell).await?;
            }
        }
        Ok(Exit::Done)
    }))
    .await
}

fn needed(what: &str) -> Misused {
    Misused(what.to_owned())
}
