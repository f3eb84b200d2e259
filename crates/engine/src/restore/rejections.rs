//! Whoever wants to be told of each document that the server will not take, as soon as it is known: a report keeps only the
//! first ones, so that a mapping that fits no document does not fill the memory.

use std::{fmt, sync::Arc};

use elasticsearch::load::Rejected;

/// Told of each rejected document, in no order, from any thread.
#[derive(Clone)]
pub struct Rejections(Arc<dyn Fn(&Rejected) + Send + Sync>);

impl Rejections {
    /// Calls `told` for each.
    pub fn to(told: impl Fn(&Rejected) + Send + Sync + 'static) -> Self {
        Self(Arc::new(told))
    }

    pub(super) fn tell(&self, rejected: &[Rejected]) {
        rejected.iter().for_each(|one| (self.0)(one));
    }
}

/// Tells nobody.
impl Default for Rejections {
    fn default() -> Self {
        Self::to(|_| {})
    }
}

impl fmt::Debug for Rejections {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Rejections")
    }
}
