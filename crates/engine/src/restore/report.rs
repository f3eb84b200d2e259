//! The account of a restore. Never says complete of what is not.

use elasticsearch::load::Rejected;
use serde::Serialize;

use super::{IndexPlan, RestorePlan, definitions::UNSUPPORTED};
use crate::parts::Parts;

/// What a restore did.
#[derive(Debug)]
pub struct RestoreReport {
    /// Each index, in the order of names.
    pub indices: Vec<IndexReport>,
    /// Each data stream, in the order of names.
    pub streams: Vec<StreamReport>,
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
    /// What could not be put as it was saved.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub changes: Vec<String>,
}

/// What became of an index.
#[derive(Debug)]
pub struct IndexReport {
    /// Its name in the dump.
    pub name: String,
    /// Its name in the cluster.
    pub target: String,
    /// The data stream that it belongs to, by its name in the cluster.
    pub stream: Option<String>,
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

/// What became of a data stream. Its backing indices have reports of their own.
#[derive(Debug)]
pub struct StreamReport {
    /// Its name in the dump.
    pub name: String,
    /// Its name in the cluster.
    pub target: String,
    /// Its generation in the cluster; `None` where it is not there.
    pub generation: Option<u64>,
    /// What could not be made as it was saved.
    pub changes: Vec<String>,
    /// How it ended.
    pub outcome: IndexOutcome,
    /// Whether the template that it was made with stays until the server has another one.
    pub(super) template_stays: bool,
}

impl IndexReport {
    pub(super) fn begin(plan: &IndexPlan, stream: Option<&str>) -> Self {
        Self {
            name: plan.name.clone(),
            target: plan.target.clone(),
            stream: stream.map(str::to_owned),
            expected: plan.documents,
            read: 0,
            indexed: 0,
            rejected: 0,
            rejections: Vec::new(),
            counted: None,
            changes: Vec::new(),
            outcome: IndexOutcome::Restored,
        }
    }
}

/// How an index ended, or a data stream.
#[derive(Debug, Clone)]
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
        Self {
            indices: Vec::new(),
            streams: Vec::new(),
            definitions: Vec::new(),
            left_out_system,
            missing,
            allow_rejected,
        }
    }

    /// The indices that stand for themselves: of others their data stream tells.
    fn alone(&self) -> impl Iterator<Item = &IndexReport> {
        self.indices.iter().filter(|index| index.stream.is_none())
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
        let failure = |what: &str, name: &str, outcome: &IndexOutcome| match outcome {
            IndexOutcome::Failed(why) => Some(format!("{what} {name}: {why}")),
            IndexOutcome::Restored | IndexOutcome::Skipped => None,
        };
        let indices = self.alone().filter_map(|index| failure("index", &index.target, &index.outcome));
        let streams = self.streams.iter().filter_map(|stream| failure("data stream", &stream.target, &stream.outcome));
        let mut failures: Vec<String> = streams.chain(indices).collect();
        failures.extend(self.definitions.iter().filter_map(|definition| definition.why.clone()));
        if self.rejected() > self.allow_rejected {
            let allowed = self.allow_rejected;
            failures.push(format!("the server rejected {} documents, {allowed} were allowed", self.rejected()));
        }
        failures
    }

    /// What was left out, as the user allowed or because this server has no place for it.
    pub fn left_out(&self) -> Vec<String> {
        let indices = self.alone().filter(|index| matches!(index.outcome, IndexOutcome::Skipped));
        let streams = self.streams.iter().filter(|stream| matches!(stream.outcome, IndexOutcome::Skipped));
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
            .chain(streams.map(|stream| format!("data stream {}: it was there", stream.target)))
            .chain(definitions)
            .chain(rejecting.map(|index| format!("index {}: {} rejected documents", index.target, index.rejected)))
            .collect()
    }
}
