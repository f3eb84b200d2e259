//! Pipelines, templates, policies and the like. Scripts and pipelines come before the indices, all else behind them: a template
//! that is there when an index is created would add to it what it did not have, and a policy would act on it half-filled.

use elasticsearch::{
    Definition, DefinitionKind,
    load::{LoadError, Put, put_order},
};

use super::{RestorePlan, Restoring, report::DefinitionReport};
use crate::error::{Doing as _, Error, Result};

/// What became of one that the server has no place for.
pub(super) const UNSUPPORTED: &str = "unsupported";

/// What goes before the indices, and what behind them, each in the order in which they refer to each other.
pub(super) fn split(plan: &RestorePlan) -> (Vec<Definition>, Vec<Definition>) {
    let mut all = plan.definitions.clone();
    all.sort_by_key(place);
    all.into_iter().partition(|definition| {
        use DefinitionKind::{Pipeline, Script, SearchPipeline};
        matches!(definition.kind, Script | Pipeline | SearchPipeline) && !is_enriching(definition)
    })
}

/// Its place, with those of others between.
fn place(definition: &Definition) -> u8 {
    let kind = if is_enriching(definition) { DefinitionKind::EnrichPolicy } else { definition.kind };
    2 * put_order(kind) + u8::from(is_enriching(definition))
}

/// Whether it is a pipeline that is refused until the enrich policy that it names has gathered what it gives.
fn is_enriching(definition: &Definition) -> bool {
    definition.kind == DefinitionKind::Pipeline && definition.body.get().contains("\"enrich\"")
}

/// Puts them into the cluster; the first that the server refuses ends it.
pub(super) async fn put(restoring: &Restoring, definitions: Vec<Definition>) -> Result<Vec<DefinitionReport>> {
    let mut reports = Vec::with_capacity(definitions.len());
    for definition in definitions {
        reports.push(put_one(restoring, &definition).await?);
    }
    Ok(reports)
}

/// Puts them into the cluster, all that the server takes: what stands behind the documents must not make their account void.
/// Once a server was waited for in vain, it is not waited for again.
pub(super) async fn put_each(restoring: &Restoring, definitions: Vec<Definition>) -> Vec<DefinitionReport> {
    let mut reports = Vec::with_capacity(definitions.len());
    let mut gone = false;
    for definition in definitions {
        reports.push(if gone {
            let why =
                format!("cannot put {} {} back: the server was gone before", definition.kind.noun(), definition.name);
            failed(&definition, why)
        } else {
            put_one(restoring, &definition).await.unwrap_or_else(|error| {
                gone = is_gone(&error);
                failed(&definition, error.chain())
            })
        });
    }
    reports
}

fn is_gone(error: &Error) -> bool {
    let Error::Load { source: LoadError::Server { source, .. }, .. } = error else { return false };
    matches!(**source, elasticsearch::Error::GaveUp { .. })
}

async fn put_one(restoring: &Restoring, definition: &Definition) -> Result<DefinitionReport> {
    let Definition { kind, name, .. } = definition;
    let doing = || format!("cannot put {} {name} back", kind.noun());
    let (put, changes) =
        match restoring.loader.put_definition(definition, restoring.on_conflict.of_definition(*kind)).await {
            Err(LoadError::Unknown { .. }) if !kind.is_needed_by_indices() => {
                return Ok(report(definition, UNSUPPORTED));
            }
            put => put.doing(doing)?,
        };
    if *kind == DefinitionKind::EnrichPolicy && matches!(put, Put::Created | Put::Replaced) {
        restoring.loader.execute_enrich_policy(name).await.doing(doing)?;
    }
    let what = match put {
        Put::Created => "created",
        Put::Replaced => "replaced",
        Put::Same => "same",
        Put::Skipped => "skipped",
    };
    Ok(DefinitionReport { changes, ..report(definition, what) })
}

fn report(definition: &Definition, what: &'static str) -> DefinitionReport {
    let (kind, name) = (definition.kind.word(), definition.name.clone());
    DefinitionReport { kind, name, what, why: None, changes: Vec::new() }
}

fn failed(definition: &Definition, why: String) -> DefinitionReport {
    DefinitionReport { why: Some(why), ..report(definition, "failed") }
}

#[cfg(test)]
mod tests {
    use serde_json::value::RawValue;

    use super::*;
    use crate::parts::Parts;

    #[test]
    fn a_pipeline_that_enriches_comes_behind_the_policy_that_it_names() {
        let definition = |kind, name: &str, body: &str| {
            let body = RawValue::from_string(body.to_owned()).expect("JSON");
            Definition { kind, name: name.into(), body, system: false }
        };
        let definitions = vec![
            definition(DefinitionKind::IndexTemplate, "t", "{}"),
            definition(DefinitionKind::Pipeline, "enriching", r#"{"processors":[{"enrich":{"policy_name":"e"}}]}"#),
            definition(DefinitionKind::Pipeline, "plain", r#"{"processors":[]}"#),
            definition(DefinitionKind::EnrichPolicy, "e", "{}"),
            definition(DefinitionKind::Script, "s", "{}"),
        ];
        let plan = RestorePlan {
            indices: Vec::new(),
            streams: Vec::new(),
            definitions,
            missing: Parts::from_iter([]),
            conflicts: Vec::new(),
            in_the_way: Vec::new(),
            unsupported: Vec::new(),
            left_out_system: Vec::new(),
        };
        let (before, after) = split(&plan);
        let names = |of: &[Definition]| of.iter().map(|of| of.name.clone()).collect::<Vec<_>>();
        assert_eq!(
            (names(&before), names(&after)),
            (vec!["s".into(), "plain".into()], vec!["t".into(), "e".into(), "enriching".into()])
        );
    }
}
