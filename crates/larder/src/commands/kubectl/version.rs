//! `version`.

use anyhow::Result;
use kubectl::{Choice, Cluster, debug};
use semver::{Version, VersionReq};
use serde_json::json;

use crate::{
    arguments::kubectl::VersionOfAllArguments,
    exit::{Exit, Misused},
    output::Output,
};

/// The plugin's version, as Cargo writes it.
const VERSION: &str = env!("CARGO_PKG_VERSION");

/// Prints the versions. Without a cluster that answers, the plugin's own.
pub async fn run(choice: &Choice, arguments: &VersionOfAllArguments, output: &Output) -> Result<Exit> {
    if let Some(range) = &arguments.check {
        let wanted = VersionReq::parse(range).map_err(|error| Misused(format!("--check {range:?}: {error}")))?;
        let own = Version::parse(VERSION).expect("Cargo takes no other");
        if !wanted.matches(&own) {
            output.say(format!("version {VERSION} is not in {range}"));
            return Ok(Exit::Failed);
        }
    }
    if arguments.short {
        output.say(VERSION);
        output.object("version", &json!({"plugin": VERSION}));
        return Ok(Exit::Done);
    }
    output.say(format!("plugin: {VERSION}"));
    let asked = async {
        let cluster = Cluster::connect(choice).await?;
        debug::versions(&cluster, &arguments.operator.operator_namespace).await
    };
    match asked.await {
        Ok(versions) => {
            output.say(format!("Kubernetes: {}", versions.kubernetes));
            output.say(format!("operator: {}", versions.operator.as_ref().unwrap_or_else(|why| why)));
            let operator = versions.operator.ok();
            output.object(
                "version",
                &json!({"plugin": VERSION, "kubernetes": versions.kubernetes, "operator": operator}),
            );
        }
        Err(error) => {
            let why = format!("{:#}", anyhow::Error::new(error));
            output.say(format!("Kubernetes: unknown: {why}"));
            output.object("version", &json!({"plugin": VERSION, "error": why}));
        }
    }
    Ok(Exit::Done)
}
