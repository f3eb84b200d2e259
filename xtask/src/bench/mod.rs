//! `cargo xtask bench`: Larder beside what else there is, on a real server on this machine. Runs Larder as its users do, as a
//! program; uses none of its crates.

mod bodies;
mod contenders;
mod dump;
mod fill;
mod http;
mod indices;
pub mod lab;
mod load;
mod measure;
mod memory;
pub mod outcome;
pub mod process;
mod race;
mod read;

use std::process::ExitCode;

use anyhow::Result;
use clap::Subcommand;

/// Measure on a real server.
#[derive(Subcommand)]
pub enum Bench {
    /// Out of a server into a repository: multielasticdump and restic, a raw reader, the server's snapshot, larder.
    Dump(race::Race),
    /// Out of a repository into a server: multielasticdump and restic, a raw loader, the server's snapshot, larder.
    Load(race::Race),
    /// The most memory that larder takes; fails above the bound.
    Memory(memory::Memory),
    #[command(hide = true)]
    Read(read::Read),
    #[command(hide = true)]
    Fill(fill::Fill),
}

impl Bench {
    /// Measures.
    ///
    /// # Errors
    /// When something cannot be run, or one of those measured did not do its work.
    pub fn run(&self) -> Result<ExitCode> {
        match self {
            Self::Dump(race) => race.run(race::Way::Dump),
            Self::Load(race) => race.run(race::Way::Load),
            Self::Memory(memory) => return memory.run(),
            Self::Read(read) => read.run(),
            Self::Fill(fill) => fill.run(),
        }
        .map(|()| ExitCode::SUCCESS)
    }
}
