//! `larder cat`: a file's bytes, and nothing else, whatever the form of output.

use anyhow::{Context as _, Result};

use super::open;
use crate::{arguments::CatArguments, exit::Exit};

/// Prints a file of a snapshot.
pub fn run(arguments: &CatArguments) -> Result<Exit> {
    let repository = open::unlocked(&arguments.repository)?;
    let snapshot = open::snapshot(&repository, &arguments.snapshot)?;
    let reader = repository.reader()?;
    let file = reader.file(&snapshot, &arguments.path).context("cannot print the file")?;
    let mut out = std::io::stdout().lock();
    match std::io::copy(&mut reader.open(&file), &mut out) {
        // Whoever reads has seen enough.
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(Exit::Done),
        copied => {
            copied.with_context(|| format!("cannot print {}", arguments.path))?;
            Ok(Exit::Done)
        }
    }
}
