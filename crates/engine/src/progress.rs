//! How far a backup, a restore or a verification is: written by those who move data, read by who shows it. Never
//! decides anything.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

/// Shared between the work and its display; clones are the same progress.
#[derive(Clone, Default)]
pub struct Progress(Arc<Mutex<State>>);

struct State {
    started: Instant,
    phase: &'static str,
    expected: u64,
    indices: u64,
    finished: u64,
    documents: u64,
    bytes: u64,
    at_work: BTreeMap<String, IndexProgress>,
}

impl Default for State {
    fn default() -> Self {
        Self {
            started: Instant::now(),
            phase: "starting",
            expected: 0,
            indices: 0,
            finished: 0,
            documents: 0,
            bytes: 0,
            at_work: BTreeMap::new(),
        }
    }
}

/// One index that is being worked on.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct IndexProgress {
    /// Documents that it is thought to have.
    pub expected: u64,
    /// Documents done.
    pub documents: u64,
    /// Bytes done, of documents as they are stored.
    pub bytes: u64,
}

/// Everything at one moment.
#[derive(Debug, Clone)]
pub struct View {
    /// What is being done, in a word or two.
    pub phase: &'static str,
    /// Since the beginning.
    pub elapsed: Duration,
    /// Documents that all indices together are thought to have; 0 where that is unknown.
    pub expected: u64,
    /// Documents done.
    pub documents: u64,
    /// Bytes done.
    pub bytes: u64,
    /// Indices in all.
    pub indices: u64,
    /// Indices done.
    pub finished: u64,
    /// The indices at work, by name.
    pub at_work: Vec<(String, IndexProgress)>,
}

impl Progress {
    /// A new one, counting from now.
    pub fn new() -> Self {
        Self::default()
    }

    /// Names what is being done now.
    pub fn phase(&self, phase: &'static str) {
        self.state().phase = phase;
    }

    /// Says how much there is.
    pub fn expect(&self, indices: u64, documents: u64) {
        let mut state = self.state();
        state.indices = indices;
        state.expected = documents;
    }

    /// The same documents pass once more: counts from nothing again.
    pub fn again(&self) {
        let mut state = self.state();
        (state.finished, state.documents, state.bytes) = (0, 0, 0);
        state.at_work.clear();
    }

    /// An index comes to work; its parts may each say so.
    pub fn begin(&self, index: &str, expected: u64) {
        let mut state = self.state();
        state.at_work.entry(index.to_owned()).or_insert(IndexProgress { expected, documents: 0, bytes: 0 });
    }

    /// Some of an index is done.
    pub fn advance(&self, index: &str, documents: u64, bytes: u64) {
        let mut state = self.state();
        state.documents += documents;
        state.bytes += bytes;
        if let Some(at_work) = state.at_work.get_mut(index) {
            at_work.documents += documents;
            at_work.bytes += bytes;
        }
    }

    /// Takes back what turned out to be worth nothing, because it is done again.
    pub fn retract(&self, index: &str, documents: u64, bytes: u64) {
        let mut state = self.state();
        state.documents = state.documents.saturating_sub(documents);
        state.bytes = state.bytes.saturating_sub(bytes);
        if let Some(at_work) = state.at_work.get_mut(index) {
            at_work.documents = at_work.documents.saturating_sub(documents);
            at_work.bytes = at_work.bytes.saturating_sub(bytes);
        }
    }

    /// An index is done.
    pub fn end(&self, index: &str) {
        let mut state = self.state();
        state.at_work.remove(index);
        state.finished += 1;
    }

    /// What there is to show.
    pub fn view(&self) -> View {
        let state = self.state();
        View {
            phase: state.phase,
            elapsed: state.started.elapsed(),
            expected: state.expected,
            documents: state.documents,
            bytes: state.bytes,
            indices: state.indices,
            finished: state.finished,
            at_work: state.at_work.iter().map(|(name, progress)| (name.clone(), *progress)).collect(),
        }
    }

    /// Numbers are numbers, whoever panicked while holding them.
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_done_again_is_counted_once() {
        let progress = Progress::new();
        progress.expect(1, 10);
        progress.begin("i", 10);
        progress.advance("i", 4, 400);
        progress.retract("i", 4, 400);
        progress.advance("i", 10, 1000);
        let view = progress.view();
        assert_eq!((view.documents, view.at_work[0].1.bytes), (10, 1000));
        progress.end("i");
        assert_eq!((progress.view().finished, progress.view().at_work.len()), (1, 0));
    }
}
