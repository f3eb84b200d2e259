//! The parts that a backup takes and a restore puts back. Knows no file and no server.

use std::{collections::BTreeSet, fmt};

use elasticsearch::{
    DefinitionKind,
    load::foreign::{self, ForeignError},
};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

/// What can be taken or restored by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Part {
    /// The documents.
    Documents,
    /// Mappings of indices.
    Mappings,
    /// Settings of indices, but for the analyzers.
    Settings,
    /// The setting `analysis` of indices, with all that analyzers are made of.
    Analyzers,
    /// Aliases of indices.
    Aliases,
    /// Ingest and search pipelines.
    Pipelines,
    /// Component, index and legacy templates.
    Templates,
    /// Stored scripts and search templates.
    Scripts,
    /// Policies of lifecycles, index states, snapshots and enrichment.
    Policies,
    /// Transforms.
    Transforms,
    /// Persistent settings of the cluster. Only where asked for.
    ClusterSettings,
    /// Roles and role mappings. Only where asked for.
    Security,
}

/// A set of parts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Parts(BTreeSet<Part>);

impl Part {
    /// All of them.
    pub const ALL: [Self; 12] = [
        Self::Documents,
        Self::Mappings,
        Self::Settings,
        Self::Analyzers,
        Self::Aliases,
        Self::Pipelines,
        Self::Templates,
        Self::Scripts,
        Self::Policies,
        Self::Transforms,
        Self::ClusterSettings,
        Self::Security,
    ];

    /// Those that only come along where asked for: they rule the whole cluster.
    pub const ASKED_FOR: [Self; 2] = [Self::ClusterSettings, Self::Security];

    /// Those that belong to an index.
    pub const OF_AN_INDEX: [Self; 5] =
        [Self::Documents, Self::Mappings, Self::Settings, Self::Analyzers, Self::Aliases];

    /// As it stands in the manifest, and in messages.
    pub fn name(self) -> &'static str {
        match self {
            Self::Documents => "documents",
            Self::Mappings => "mappings",
            Self::Settings => "settings",
            Self::Analyzers => "analyzers",
            Self::Aliases => "aliases",
            Self::Pipelines => "pipelines",
            Self::Templates => "templates",
            Self::Scripts => "scripts",
            Self::Policies => "policies",
            Self::Transforms => "transforms",
            Self::ClusterSettings => "cluster_settings",
            Self::Security => "security",
        }
    }

    /// The part that definitions of a kind belong to.
    pub(crate) fn of(kind: DefinitionKind) -> Self {
        match kind {
            DefinitionKind::Pipeline | DefinitionKind::SearchPipeline => Self::Pipelines,
            DefinitionKind::LegacyTemplate | DefinitionKind::ComponentTemplate | DefinitionKind::IndexTemplate => {
                Self::Templates
            }
            DefinitionKind::Script => Self::Scripts,
            DefinitionKind::LifecyclePolicy
            | DefinitionKind::StatePolicy
            | DefinitionKind::SnapshotPolicy
            | DefinitionKind::EnrichPolicy => Self::Policies,
            DefinitionKind::Transform => Self::Transforms,
            DefinitionKind::ClusterSettings => Self::ClusterSettings,
            DefinitionKind::Role
            | DefinitionKind::RoleMapping
            | DefinitionKind::OpenSearchActionGroup
            | DefinitionKind::OpenSearchTenant
            | DefinitionKind::OpenSearchRole
            | DefinitionKind::OpenSearchRoleMapping => Self::Security,
        }
    }
}

impl Parts {
    /// Every part that comes along unasked.
    pub fn usual() -> Self {
        Part::ALL.into_iter().filter(|part| !Part::ASKED_FOR.contains(part)).collect()
    }

    /// The parts of a snapshot that does not list them: all that there were when none did.
    pub(crate) fn unlisted() -> Self {
        Part::OF_AN_INDEX.into_iter().chain([Part::Pipelines, Part::Templates]).collect()
    }

    /// Whether a part is among them.
    pub fn has(&self, part: Part) -> bool {
        self.0.contains(&part)
    }

    /// Whether they are those of a snapshot that does not list them.
    pub(crate) fn is_unlisted(&self) -> bool {
        *self == Self::unlisted()
    }

    /// Whether none is.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Those that `other` does not have.
    #[must_use]
    pub fn without(&self, other: &Self) -> Self {
        Self(&self.0 - &other.0)
    }

    /// What of the settings of an index they mean: all, those without the analyzers, these alone, or nothing.
    pub(crate) fn of_settings(&self, whole: &RawValue, index: &str) -> Result<Option<Box<RawValue>>, ForeignError> {
        match (self.has(Part::Settings), self.has(Part::Analyzers)) {
            (true, true) => Ok(Some(whole.to_owned())),
            (true, false) => foreign::without_analysis(whole, index).map(Some),
            (false, true) => foreign::only_analysis(whole, index).map(Some),
            (false, false) => Ok(None),
        }
    }

    /// In their order.
    pub fn iter(&self) -> impl Iterator<Item = Part> {
        self.0.iter().copied()
    }
}

impl FromIterator<Part> for Parts {
    fn from_iter<I: IntoIterator<Item = Part>>(parts: I) -> Self {
        Self(parts.into_iter().collect())
    }
}

/// Their names with commas.
impl fmt::Display for Parts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<&str> = self.iter().map(Part::name).collect();
        f.write_str(&names.join(", "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_written_by_their_names() {
        let parts: Parts = [Part::Analyzers, Part::Documents].into_iter().collect();
        assert_eq!(parts.to_string(), "documents, analyzers");
        assert_eq!(serde_json::to_string(&parts).expect("JSON"), r#"["documents","analyzers"]"#);
        for part in Part::ALL {
            let name = serde_json::to_value(part).expect("JSON");
            assert_eq!(name, part.name());
        }
        let rest = "mappings, settings, aliases, pipelines, templates, scripts, policies, transforms";
        assert_eq!(Parts::usual().without(&parts).to_string(), rest);
        assert!(Parts::unlisted().is_unlisted() && !parts.is_unlisted());
    }
}
