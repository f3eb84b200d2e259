//! `import`.

use std::path::PathBuf;

use clap::Args;

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
