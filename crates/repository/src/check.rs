//! Looks for damage: every file against its name, the index against the packs, every tree and blob that a snapshot needs
//! against the index, and on request every byte of every pack. Never repairs and never stops at the first finding.
//!
//! What no check can see: a snapshot file that is gone looks like one that was forgotten, and a key file that is gone like one
//! that was removed.

mod data;
mod structure;

use std::sync::{
    Mutex, PoisonError,
    atomic::{AtomicU64, Ordering::Relaxed},
};

use crate::{backend::FileKind, error::Result, repository::Repository};

/// Findings that are kept in words; the rest is only counted. A repository whose store is gone has millions.
const KEPT_FINDINGS: usize = 1000;

/// What a check found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct CheckReport {
    /// What is damaged or missing: the repository, or a snapshot in it, is not whole. The first thousand.
    pub errors: Vec<String>,
    /// Errors beyond those.
    pub further_errors: u64,
    /// What costs only space, such as packs of killed runs. The first thousand.
    pub warnings: Vec<String>,
    /// Warnings beyond those.
    pub further_warnings: u64,
    /// Snapshots that were looked at.
    pub snapshots: u64,
    /// Trees that were looked at, each once.
    pub trees: u64,
    /// Packs in the store.
    pub packs: u64,
    /// Packs that were read and checked to the last byte.
    pub packs_read: u64,
    /// Bytes of these.
    pub bytes_read: u64,
}

/// How far a check is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum CheckProgress {
    /// Trees looked at so far.
    Trees {
        /// Number of trees.
        done: u64,
    },
    /// Packs read so far.
    Packs {
        /// Number of packs.
        done: u64,
        /// Number of all packs.
        of: u64,
        /// Their bytes.
        bytes: u64,
    },
}

/// What is found along the way, by several threads.
#[derive(Default)]
struct Findings {
    errors: Mutex<Vec<String>>,
    further_errors: AtomicU64,
    warnings: Mutex<Vec<String>>,
    further_warnings: AtomicU64,
}

impl CheckReport {
    /// Whether no error was found.
    pub fn is_clean(&self) -> bool {
        self.errors.is_empty()
    }
}

impl Repository {
    /// Looks for damage; with `read_data` reads every pack. Best done under a shared [`crate::Lock`]: what a prune removes
    /// in the meantime looks like damage. Others may save.
    ///
    /// # Errors
    /// When the store cannot be listed. Damage is no error here, but a finding in the report.
    pub fn check(&self, read_data: bool, on_progress: &(dyn Fn(CheckProgress) + Sync)) -> Result<CheckReport> {
        let findings = Findings::default();
        let mut report = CheckReport::default();
        structure::check_config(self, &findings);
        structure::check_keys(self, &findings)?;
        // In this order: whatever a snapshot needs is in the index before the snapshot is there, and in a pack before it is in the
        // index. So what others save meanwhile does not look like damage.
        let snapshots = self.store().names(FileKind::Snapshot)?;
        let structure = structure::check_packs(self, &findings)?;
        report.packs = structure.packs.len() as u64;
        structure::check_snapshots(self, &snapshots, &structure.index, &findings, &mut report, on_progress);
        if read_data {
            data::check_data(self, &structure, &findings, &mut report, on_progress);
        }
        findings.into_report(&mut report);
        Ok(report)
    }
}

impl Findings {
    fn error(&self, finding: impl Into<String>) {
        keep(&self.errors, &self.further_errors, finding.into());
    }

    fn warning(&self, finding: impl Into<String>) {
        keep(&self.warnings, &self.further_warnings, finding.into());
    }

    fn into_report(self, report: &mut CheckReport) {
        report.errors = self.errors.into_inner().unwrap_or_else(PoisonError::into_inner);
        report.warnings = self.warnings.into_inner().unwrap_or_else(PoisonError::into_inner);
        report.further_errors = self.further_errors.into_inner();
        report.further_warnings = self.further_warnings.into_inner();
    }
}

fn keep(kept: &Mutex<Vec<String>>, further: &AtomicU64, finding: String) {
    let mut kept = kept.lock().unwrap_or_else(PoisonError::into_inner);
    if kept.len() < KEPT_FINDINGS {
        kept.push(finding);
    } else {
        further.fetch_add(1, Relaxed);
    }
}
