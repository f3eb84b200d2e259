//! What to restore, and what to do with what is in the way.

use clap::{Args, ValueEnum};
use engine::{
    parts::{Part, Parts},
    restore::{ConflictRules, Rename},
};

use super::{ElasticsearchArguments, RepositoryArguments, SelectionArguments, conflicts::parse_conflicts};

/// `restore`.
#[derive(Debug, Args)]
pub struct RestoreArguments {
    /// Beginning of the snapshot's id
    #[arg(value_name = "SNAPSHOT", default_value = "latest")]
    pub snapshot: String,
    #[command(flatten)]
    pub selection: SelectionArguments,
    /// Change the names of indices: REGEX=REPLACEMENT, where $1 stands for a group. Several are applied in order
    #[arg(long = "rename", env = "LARDER_RENAME", value_name = "REGEX=REPLACEMENT", value_parser = parse_rename)]
    pub renames: Vec<Rename>,
    /// What to do with indices, templates, pipelines and the like that are there already
    ///
    /// fail: change nothing at all; skip: leave what is there as it is; overwrite: delete what is there first. KIND=RULE is for one
    /// kind only, such as skip,templates=overwrite; kinds are indices, pipelines, templates, scripts, policies, transforms,
    /// cluster-settings, security.
    #[arg(
        long,
        env = "LARDER_ON_CONFLICT",
        value_name = "RULE[,KIND=RULE...]",
        default_value = "fail",
        value_parser = parse_conflicts
    )]
    pub on_conflict: ConflictRules,
    /// Restore only these
    #[arg(long, env = "LARDER_ONLY", value_enum, value_delimiter = ',', value_name = "KIND")]
    pub only: Vec<PartArgument>,
    /// Restore these too, which rule the whole cluster
    #[arg(long, env = "LARDER_ALSO", value_enum, value_delimiter = ',', value_name = "KIND", conflicts_with = "only")]
    pub also: Vec<AlsoArgument>,
    /// Do not restore these
    #[arg(long, env = "LARDER_SKIP", value_enum, value_delimiter = ',', value_name = "KIND", conflicts_with = "only")]
    pub skip: Vec<PartArgument>,
    /// How many documents the server may reject before the restore counts as failed
    #[arg(long, env = "LARDER_ALLOW_REJECTED", value_name = "N", default_value_t = 0)]
    pub allow_rejected: u64,
    /// Only say what would be done
    #[arg(long)]
    pub dry_run: bool,
    #[command(flatten)]
    pub elasticsearch: ElasticsearchArguments,
    #[command(flatten)]
    pub repository: RepositoryArguments,
}

/// What can be restored by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum PartArgument {
    /// Documents
    Documents,
    /// Mappings of indices
    Mappings,
    /// Settings of indices
    Settings,
    /// Aliases of indices
    Aliases,
    /// Ingest and search pipelines
    Pipelines,
    /// Component, index and legacy templates
    Templates,
    /// Stored scripts and search templates
    Scripts,
    /// Policies of lifecycles, index states, snapshots and enrichment
    Policies,
    /// Transforms; they are not started
    Transforms,
    /// Persistent settings of the cluster, where they were saved
    ClusterSettings,
    /// Roles and role mappings, where they were saved
    Security,
}

/// What only comes along where asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum AlsoArgument {
    /// Persistent settings of the cluster
    ClusterSettings,
    /// Roles and role mappings; users cannot be read with their passwords
    Security,
}

impl From<AlsoArgument> for Part {
    fn from(argument: AlsoArgument) -> Self {
        match argument {
            AlsoArgument::ClusterSettings => Self::ClusterSettings,
            AlsoArgument::Security => Self::Security,
        }
    }
}

/// The usual parts, and these.
pub fn with(also: &[AlsoArgument]) -> Parts {
    Parts::usual().iter().chain(also.iter().map(|argument| (*argument).into())).collect()
}

impl RestoreArguments {
    /// The parts that are wanted.
    pub fn parts(&self) -> Parts {
        let named = |arguments: &[PartArgument], part: Part| arguments.contains(&part.into());
        if !self.only.is_empty() {
            return Part::ALL.into_iter().filter(|part| named(&self.only, *part)).collect();
        }
        with(&self.also).iter().filter(|part| !named(&self.skip, *part)).collect()
    }
}

/// Settings are spoken of with their analyzers.
impl From<Part> for PartArgument {
    fn from(part: Part) -> Self {
        match part {
            Part::Documents => Self::Documents,
            Part::Mappings => Self::Mappings,
            Part::Settings | Part::Analyzers => Self::Settings,
            Part::Aliases => Self::Aliases,
            Part::Pipelines => Self::Pipelines,
            Part::Templates => Self::Templates,
            Part::Scripts => Self::Scripts,
            Part::Policies => Self::Policies,
            Part::Transforms => Self::Transforms,
            Part::ClusterSettings => Self::ClusterSettings,
            Part::Security => Self::Security,
        }
    }
}

/// Splits at the last `=`: a pattern may hold one, an index's name may not need one.
fn parse_rename(text: &str) -> Result<Rename, String> {
    let (pattern, replacement) = text.rsplit_once('=').ok_or("must be REGEX=REPLACEMENT")?;
    let pattern = engine::restore::Regex::new(pattern).map_err(|error| error.to_string())?;
    Ok(Rename { pattern, replacement: replacement.to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rename_is_split_at_its_last_equals_sign() {
        let rename = parse_rename("a=(.*)=b-$1").expect("a rename");
        assert_eq!((rename.pattern.as_str(), rename.replacement.as_str()), ("a=(.*)", "b-$1"));
        assert!(parse_rename("nothing").is_err());
        assert!(parse_rename("(=x").is_err());
    }
}
