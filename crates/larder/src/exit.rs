//! Exit codes: a promise to scripts, documented in `docs/reference/exit-codes.md`.

use std::process::ExitCode;

/// How the program ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// Everything was done.
    Done,
    /// It failed; nothing partial is listed as complete.
    Failed,
    /// It was called wrongly.
    Usage,
    /// It was done, but for something that the user allowed to be left out, or that the server has no place for; it was named.
    LeftOut,
    /// A signal stopped it.
    Interrupted,
}

/// A wrong call that the argument parser cannot see.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct Misused(pub String);

impl Exit {
    /// The number.
    pub const fn code(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::Failed => 1,
            Self::Usage => 2,
            Self::LeftOut => 3,
            Self::Interrupted => 130,
        }
    }

    /// How an error ends the program.
    pub fn of(error: &anyhow::Error) -> Self {
        if error.chain().any(<dyn std::error::Error>::is::<Misused>) {
            return Self::Usage;
        }
        if error.chain().filter_map(<dyn std::error::Error>::downcast_ref).any(kubectl::Error::is_misuse) {
            return Self::Usage;
        }
        let interrupted = |cause: &(dyn std::error::Error + 'static)| {
            matches!(cause.downcast_ref(), Some(engine::Error::Interrupted))
                || cause.downcast_ref().is_some_and(kubectl::Error::is_interruption)
        };
        if error.chain().any(interrupted) { Self::Interrupted } else { Self::Failed }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code())
    }
}
