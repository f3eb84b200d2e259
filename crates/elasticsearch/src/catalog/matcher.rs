//! A question about names that somebody else knows how to answer: a regular expression of some language, say. Knows no
//! language itself.

use std::{fmt, sync::Arc};

/// Accepts some names. Clones ask the same question.
#[derive(Clone)]
pub struct Matcher {
    text: Arc<str>,
    accepts: Arc<dyn Fn(&str) -> bool + Send + Sync>,
}

impl Matcher {
    /// Accepts what `accepts` does; messages show `text`.
    pub fn new(text: impl Into<Arc<str>>, accepts: impl Fn(&str) -> bool + Send + Sync + 'static) -> Self {
        Self { text: text.into(), accepts: Arc::new(accepts) }
    }

    /// Whether it accepts this name.
    pub fn accepts(&self, name: &str) -> bool {
        (self.accepts)(name)
    }
}

impl fmt::Display for Matcher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl fmt::Debug for Matcher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Matcher({:?})", self.text)
    }
}
