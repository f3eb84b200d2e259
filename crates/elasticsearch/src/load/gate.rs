//! Lets as many requests through at once as the pace allows. Shared by all who load into one cluster.

use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

use super::pace::Pace;

/// The door before the server.
#[derive(Debug)]
pub struct Gate {
    state: Mutex<State>,
    changed: Notify,
}

#[derive(Debug)]
struct State {
    pace: Pace,
    under_way: usize,
}

/// The right to have one request under way; given back when dropped.
#[derive(Debug)]
pub struct Permit<'a>(&'a Gate);

impl Gate {
    /// A gate that keeps to `pace`.
    pub fn new(pace: Pace) -> Self {
        Self { state: Mutex::new(State { pace, under_way: 0 }), changed: Notify::new() }
    }

    /// Waits until another request may be sent.
    pub async fn enter(&self) -> Permit<'_> {
        loop {
            // Registered before looking, so that a change in between is not missed.
            let changed = self.changed.notified();
            if self.try_enter() {
                return Permit(self);
            }
            changed.await;
        }
    }

    fn try_enter(&self) -> bool {
        let mut state = self.state();
        let free = state.under_way < state.pace.limit();
        state.under_way += usize::from(free);
        free
    }

    /// Tells the pace how a request went.
    pub fn learn(&self, tell: impl FnOnce(&mut Pace)) {
        tell(&mut self.state().pace);
        self.changed.notify_waiters();
    }

    /// How many requests may be under way now.
    pub fn limit(&self) -> usize {
        self.state().pace.limit()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Permit<'_> {
    fn drop(&mut self) {
        self.0.state().under_way -= 1;
        self.0.changed.notify_waiters();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    };

    use super::*;

    #[tokio::test]
    async fn never_more_than_the_pace_allows_and_all_come_through() {
        let gate = Arc::new(Gate::new(Pace::new(3, 3)));
        let (inside, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let tasks: Vec<_> = (0..50)
            .map(|_| {
                let (gate, inside, most) = (gate.clone(), inside.clone(), most.clone());
                tokio::spawn(async move {
                    let _permit = gate.enter().await;
                    most.fetch_max(inside.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                    tokio::task::yield_now().await;
                    inside.fetch_sub(1, Ordering::SeqCst);
                })
            })
            .collect();
        for task in tasks {
            task.await.expect("no panic");
        }
        assert_eq!(most.load(Ordering::SeqCst), 3);
    }
}
