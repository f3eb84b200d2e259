//! The account of a restore. Never says complete of what is not.

use elasticsearch::load::Rejected;
use serde::Serialize;

use super::{RestorePlan, definitions::UNSUPPORTED};
use crate::parts::Parts;

/// What a restore did.
#[derive(Debug)]
pub struct RestoreReport {
    /// Each index, in the order of names.
    pub indices: Vec<IndexReport>,
    /// Each definition.
    pub definitions: Vec<DefinitionReport>,
    /// Indices of a foreign dump that were left out because their names begin with a dot.
    pub left_out_system: Vec<String>,
    /// Parts that were wanted, and that the dump does not have.
    pub missing: Parts,
    allow_rejected: u64,
}

/// What became of a definition.
#[derive(Debug, Clone, Serialize)]
pub struct DefinitionReport {
    /// Its kind.
    pub kind: &'static str,
    /// Its name.
    pub name: String,
    /// `created`, `replaced`, `same`, `skipped`, `unsupported` (the server has no place for it) or `failed`.
    pub what: &'static str,
    /// Why it failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
}

/// What became of an index.
#[derive(Debug)]
pub struct IndexReport {
    /// Its name in the dump.
    pub name: String,
    /// Its name in the cluster.
    pub target: String,
    /// Documents that the manifest promises; `None` in a foreign dump.
    pub expected: Option<u64>,
    /// Documents read from the dump.
    pub read: u64,
    /// Documents that the server took.
    pub indexed: u64,
    /// Documents that it would not take.
    pub rejected: u64,
    /// The first 1,000 of these.
    pub rejections: Vec<Rejected>,
    /// Documents that the cluster counts; `None` where it was not asked.
    pub counted: Option<u64>,
    /// What could not be made as it was saved.
    pub changes: Vec<String>,
    /// How it ended.
    pub outcome: IndexOutcome,
}

/// How an index ended.
#[derive(Debug)]
pub enum IndexOutcome {
    /// Everything is there that is wanted and in the dump, but for what was rejected.
    Restored,
    /// It was there before and stays as it was.
    Skipped,
    /// It is not complete, and why.
    Failed(String),
}

impl RestoreReport {
    pub(super) fn new(allow_rejected: u64, plan: &RestorePlan) -> Self {
        let (left_out_system, missing) = (plan.left_out_system.clone(), plan.missing.clone());
        Self { indices: Vec::new(), definitions: Vec::new(), left_out_system, missing, allow_rejected }
    }

    /// Documents that are in the cluster now.
    pub fn indexed(&self) -> u64 {
        self.indices.iter().map(|index| index.indexed).sum()
    }

    /// Documents that the server would not take.
    pub fn rejected(&self) -> u64 {
        self.indices.iter().map(|index| index.rejected).sum()
    }

    /// Why the restore counts as failed; nothing where it does not.
    pub fn failures(&self) -> Vec<String> {
        let mut failures: Vec<String> = self
            .indices
            .iter()
            .filter_map(|index| match &index.outcome {
                IndexOutcome::Failed(why) => Some(format!("index {}: {why}", index.target)),
                IndexOutcome::Restored | IndexOutcome::Skipped => None,
            })
            .collect();
        failures.extend(self.definitions.iter().filter_map(|definition| definition.why.clone()));
        if self.rejected() > self.allow_rejected {
            let allowed = self.allow_rejected;
            failures.push(format!("the server rejected {} documents, {allowed} were allowed", self.rejected()));
        }
        failures
    }

    /// What was left out, as the user allowed or because this server has no place for it.
    pub fn left_out(&self) -> Vec<String> {
        let indices = self.indices.iter().filter(|index| matches!(index.outcome, IndexOutcome::Skipped));
        let definitions = self.definitions.iter().filter_map(|definition| {
            let why = match definition.what {
                "skipped" => "it was there",
                UNSUPPORTED => "this server has no place for it",
                _ => return None,
            };
            Some(format!("{} {}: {why}", definition.kind.replace('_', " "), definition.name))
        });
        let rejecting = self.indices.iter().filter(|index| index.rejected > 0);
        indices
            .map(|index| format!("index {}: it was there", index.target))
            .chain(definitions)
            .chain(rejecting.map(|index| format!("index {}: {} rejected documents", index.target, index.rejected)))
            .collect()
    }
}
