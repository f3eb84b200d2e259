//! Names of the kinds of definitions, as they stand in the manifest and in paths.

use elasticsearch::DefinitionKind;

/// The word for a kind.
pub(crate) fn word(kind: DefinitionKind) -> &'static str {
    match kind {
        DefinitionKind::LegacyTemplate => "legacy_template",
        DefinitionKind::ComponentTemplate => "component_template",
        DefinitionKind::IndexTemplate => "index_template",
        DefinitionKind::Pipeline => "pipeline",
    }
}
