//! Files that are made from what the code says: written, or held against what would be written. Knows nothing of what is in them.

use std::fs;
use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context, Result};
use clap::Args;

/// Whether to write.
#[derive(Args)]
pub struct Mode {
    /// Write nothing; fail if a file is not as it would be written.
    #[arg(long)]
    check: bool,
}

/// A file as it should be.
pub struct Generated {
    /// Path from the project's root.
    pub path: String,
    /// Its content.
    pub text: String,
}

impl Mode {
    /// Writes the files, or says which of them are stale. `command`: what writes them.
    ///
    /// # Errors
    /// When a file cannot be written.
    pub fn settle(&self, root: &Path, files: &[Generated], command: &str) -> Result<ExitCode> {
        let mut stale = 0;
        for Generated { path, text } in files {
            let file = root.join(path);
            if !self.check {
                let folder = file.parent().context("a file lies in a folder")?;
                fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
                fs::write(&file, text).with_context(|| format!("cannot write {path}"))?;
            } else if fs::read_to_string(&file).ok().as_deref() != Some(text) {
                eprintln!("{path} is not as it would be written: {command}");
                stale += 1;
            }
        }
        Ok(if stale == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }
}
