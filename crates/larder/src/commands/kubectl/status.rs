//! `status`.

use anyhow::Result;
use jiff::Timestamp;
use kubectl::{Cluster, status};

use crate::{
    arguments::kubectl::{Form, StatusArguments},
    exit::Exit,
    output::{Output, colour},
};

/// Shows one screen: what is protected, and what needs a person.
pub async fn run(cluster: &Cluster, arguments: &StatusArguments, output: &Output) -> Result<Exit> {
    let namespace = (!arguments.all_namespaces).then(|| cluster.namespace());
    let observed = status::observe(cluster, namespace).await?;
    let report = status::report(&observed, Timestamp::now());
    output.object("status", &report);
    match arguments.output {
        Form::Text => output.say(status::text(&report, colour(&std::io::stdout()))),
        Form::Json => output.say(serde_json::to_string_pretty(&report)?),
    }
    Ok(Exit::Done)
}
