//! Pipelines and templates. Pipelines come before the indices, templates behind them: a template that is there when an
//! index is created would add to it what it did not have.

use elasticsearch::{
    Definition, DefinitionKind,
    load::{Put, put_order},
};

use super::{RestorePlan, Restoring, report::DefinitionReport};
use crate::{
    backup::word,
    error::{Doing as _, Result},
};

/// What goes before the indices, and what behind them, each in the order in which they refer to each other.
pub(super) fn split(plan: &RestorePlan) -> (Vec<Definition>, Vec<Definition>) {
    let mut all = plan.definitions.clone();
    all.sort_by_key(|definition| put_order(definition.kind));
    all.into_iter().partition(|definition| definition.kind == DefinitionKind::Pipeline)
}

/// Puts them into the cluster.
pub(super) async fn put(restoring: &Restoring, definitions: Vec<Definition>) -> Result<Vec<DefinitionReport>> {
    let mut reports = Vec::with_capacity(definitions.len());
    for definition in definitions {
        let kind = word(definition.kind);
        let put = restoring
            .loader
            .put_definition(&definition, restoring.on_conflict)
            .await
            .doing(|| format!("cannot put {kind} {} back", definition.name))?;
        let what = match put {
            Put::Created => "created",
            Put::Replaced => "replaced",
            Put::Same => "same",
            Put::Skipped => "skipped",
        };
        reports.push(DefinitionReport { kind, name: definition.name, what });
    }
    Ok(reports)
}
