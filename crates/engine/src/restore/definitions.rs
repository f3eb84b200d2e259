//! Pipelines and templates. Pipelines come before the indices, templates behind them: a template that is there when an
//! index is created would add to it what it did not have.

use elasticsearch::{
    Definition, DefinitionKind,
    load::{LoadError, Put, put_order},
};

use super::{RestorePlan, Restoring, report::DefinitionReport};
use crate::{
    backup::word,
    error::{Doing as _, Error, Result},
};

/// What goes before the indices, and what behind them, each in the order in which they refer to each other.
pub(super) fn split(plan: &RestorePlan) -> (Vec<Definition>, Vec<Definition>) {
    let mut all = plan.definitions.clone();
    all.sort_by_key(|definition| put_order(definition.kind));
    all.into_iter().partition(|definition| definition.kind == DefinitionKind::Pipeline)
}

/// Puts them into the cluster; the first that the server refuses ends it.
pub(super) async fn put(restoring: &Restoring, definitions: Vec<Definition>) -> Result<Vec<DefinitionReport>> {
    let mut reports = Vec::with_capacity(definitions.len());
    for definition in definitions {
        let what = put_one(restoring, &definition).await?;
        reports.push(DefinitionReport { kind: word(definition.kind), name: definition.name, what, why: None });
    }
    Ok(reports)
}

/// Puts them into the cluster, all that the server takes: what stands behind the documents must not make their account void.
/// Once a server was waited for in vain, it is not waited for again.
pub(super) async fn put_each(restoring: &Restoring, definitions: Vec<Definition>) -> Vec<DefinitionReport> {
    let mut reports = Vec::with_capacity(definitions.len());
    let mut gone = false;
    for definition in definitions {
        let kind = word(definition.kind);
        let (what, why) = if gone {
            ("failed", Some(format!("cannot put {kind} {} back: the server was gone before", definition.name)))
        } else {
            match put_one(restoring, &definition).await {
                Ok(what) => (what, None),
                Err(error) => {
                    gone = is_gone(&error);
                    ("failed", Some(error.chain()))
                }
            }
        };
        reports.push(DefinitionReport { kind, name: definition.name, what, why });
    }
    reports
}

fn is_gone(error: &Error) -> bool {
    let Error::Load { source: LoadError::Server { source, .. }, .. } = error else { return false };
    matches!(**source, elasticsearch::Error::GaveUp { .. })
}

async fn put_one(restoring: &Restoring, definition: &Definition) -> Result<&'static str> {
    let put = restoring.loader.put_definition(definition, restoring.on_conflict).await;
    let put = put.doing(|| format!("cannot put {} {} back", word(definition.kind), definition.name))?;
    Ok(match put {
        Put::Created => "created",
        Put::Replaced => "replaced",
        Put::Same => "same",
        Put::Skipped => "skipped",
    })
}
