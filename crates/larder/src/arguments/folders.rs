//! Folders of multielasticdump: `import`, and the layout of `export`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use engine::export::Layout;

use super::RepositoryArguments;

/// `import`.
#[derive(Debug, Args)]
pub struct ImportArguments {
    /// The folder that multielasticdump wrote, packed with --fsCompress or not
    #[arg(value_name = "DIR")]
    pub from: PathBuf,
    /// Tag of the snapshot
    #[arg(long = "tag", env = "LARDER_TAG", value_delimiter = ',', value_name = "TAG")]
    pub tags: Vec<String>,
    /// Host of the snapshot; retention goes by it
    #[arg(long, env = "LARDER_HOST", default_value = engine::layout::HOST)]
    pub host: String,
    #[command(flatten)]
    pub repository: RepositoryArguments,
}

/// Which files of a snapshot are written, and where.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub enum LayoutArgument {
    /// All, under their paths in the snapshot
    Snapshot,
    /// What multielasticdump loads, right into the folder
    Multielasticdump,
}

impl From<LayoutArgument> for Layout {
    fn from(layout: LayoutArgument) -> Self {
        match layout {
            LayoutArgument::Snapshot => Self::Snapshot,
            LayoutArgument::Multielasticdump => Self::Multielasticdump,
        }
    }
}
