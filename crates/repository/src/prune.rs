//! Removing data that no snapshot needs: `rustic_core`'s prune in two phases. Never runs without being told that the caller
//! holds the lock.
//!
//! Packs without needed blobs are first marked in the index and only removed by a later prune, [`PruneOptions::keep_marked`]
//! after: a second belt beside the exclusive lock, for programs that know no locks.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    time::Duration,
};

use jiff::Span;
use rustic_core::{Credentials, LimitOption, RusticResult};

use crate::{
    error::{Error, Result},
    lock::{Lock, LockKind},
    repository::{Repository, engine_error, rustic_key, rustic_repository},
};

/// What the first half of a prune is called in errors.
const PLANNING: &str = "plan what to remove";

/// How much a prune does.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PruneOptions {
    /// Only say what would be done.
    pub dry_run: bool,
    /// Share of the repository, in percent, that may stay unused: more of it means less rewriting.
    pub max_unused_percent: u8,
    /// Share of the repository, in percent, that may be rewritten in one run; `None` is no limit.
    pub max_repack_percent: Option<u8>,
    /// How long marked packs stay. Zero removes them at once; only the exclusive lock protects others then.
    pub keep_marked: Duration,
}

impl Default for PruneOptions {
    fn default() -> Self {
        Self { dry_run: false, max_unused_percent: 5, max_repack_percent: None, keep_marked: Duration::from_hours(23) }
    }
}

/// What a prune did, or would do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct PruneReport {
    /// Packs before.
    pub packs: u64,
    /// Packs all of whose blobs are needed.
    pub packs_used: u64,
    /// Packs that are rewritten to leave unused blobs behind.
    pub packs_repacked: u64,
    /// Packs that are newly marked for removal, or removed where that happens at once.
    pub packs_unneeded: u64,
    /// Packs that were marked before and are removed now.
    pub packs_removed: u64,
    /// Packs that were marked before and are needed again.
    pub packs_recovered: u64,
    /// Packs that stay marked.
    pub packs_marked: u64,
    /// Packs in no index, left by killed runs.
    pub packs_unindexed: u64,
    /// Bytes of blobs that no snapshot needs.
    pub bytes_unused: u64,
    /// Bytes of those that go with this run: marked or removed.
    pub bytes_freed: u64,
    /// Bytes of blobs that are rewritten.
    pub bytes_repacked: u64,
    /// Bytes of blobs before.
    pub bytes: u64,
}

impl Repository {
    /// Removes what no snapshot needs, under the caller's exclusive lock.
    ///
    /// New packs and index files are written before old ones are removed, so a kill at any moment leaves every snapshot
    /// readable; the next prune removes what is left over.
    ///
    /// # Errors
    /// When a snapshot, tree or index file is missing or damaged: nothing is removed then. [`Error::LockLost`], and
    /// [`Error::Option`] when the lock is not exclusive.
    pub fn prune(&self, lock: &Lock, options: &PruneOptions) -> Result<PruneReport> {
        if self.config().is_append_only() {
            return Err(Error::Unsupported { what: "append_only set in its configuration, so removing".to_owned() });
        }
        if lock.kind() != LockKind::Exclusive {
            let reason = "prune needs an exclusive one".to_owned();
            return Err(Error::Option { option: "lock", reason });
        }
        lock.held()?;
        guarded(PLANNING, || self.plan_and_prune(lock, options))
    }

    fn plan_and_prune(&self, lock: &Lock, options: &PruneOptions) -> Result<PruneReport> {
        let planning = |error: Box<rustic_core::RusticError>| engine_error(PLANNING, &error);
        let credentials = Credentials::Masterkey(rustic_key(&self.store().key));
        let repository = rustic_repository(&self.store().backend)?.open(&credentials).map_err(planning)?;
        let rules = rules(options)?;
        let plan = repository.prune_plan(&rules).map_err(planning)?;
        let report = report(&plan.stats, options);
        if !options.dry_run {
            lock.held()?;
            let pruned: RusticResult<()> = repository.prune(&rules, plan);
            pruned.map_err(|error| engine_error("remove unneeded packs", &error))?;
        }
        Ok(report)
    }
}

fn rules(options: &PruneOptions) -> Result<rustic_core::PruneOptions> {
    let seconds = i64::try_from(options.keep_marked.as_secs()).ok();
    let keep_delete = seconds.and_then(|seconds| Span::new().try_seconds(seconds).ok()).ok_or_else(|| {
        Error::Option { option: "keep-marked", reason: format!("{:?} is too long", options.keep_marked) }
    })?;
    let mut rules = rustic_core::PruneOptions::default();
    rules.max_unused = LimitOption::Percentage(options.max_unused_percent.into());
    rules.max_repack =
        options.max_repack_percent.map_or(LimitOption::Unlimited, |percent| LimitOption::Percentage(percent.into()));
    rules.keep_delete = keep_delete;
    rules.instant_delete = options.keep_marked.is_zero();
    Ok(rules)
}

fn report(stats: &rustic_core::PruneStats, options: &PruneOptions) -> PruneReport {
    let size = stats.size_sum();
    let marked = &stats.packs_to_delete;
    let at_once = options.keep_marked.is_zero();
    PruneReport {
        packs: stats.packs.used + stats.packs.partly_used + stats.packs.unused,
        packs_used: stats.packs.used,
        packs_repacked: stats.packs.repack,
        packs_unneeded: stats.packs.unused,
        packs_removed: marked.remove + if at_once { marked.keep } else { 0 },
        packs_recovered: marked.recover,
        packs_marked: if at_once { 0 } else { marked.keep },
        packs_unindexed: stats.packs_unref,
        bytes_unused: size.unused,
        bytes_freed: size.remove + size.repackrm,
        bytes_repacked: size.repack,
        bytes: size.used + size.unused,
    }
}

/// `rustic_core` 0.13 panics on some damaged trees (`subtree.unwrap()` in its prune); that is an error like any other here.
fn guarded<T>(action: &'static str, work: impl FnOnce() -> Result<T>) -> Result<T> {
    catch_unwind(AssertUnwindSafe(work))
        .unwrap_or_else(|_| Err(Error::Engine { action, reason: "rustic_core panicked, see the log".to_owned() }))
}
