//! The kinds of definitions: what they are called, where they are, which servers have them.

use crate::capabilities::Capabilities;

/// What kind of definition.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum DefinitionKind {
    /// `_scripts`: scripts and search templates.
    Script,
    /// `_ingest/pipeline`.
    Pipeline,
    /// `_search/pipeline` of OpenSearch.
    SearchPipeline,
    /// `_template`.
    LegacyTemplate,
    /// `_component_template`.
    ComponentTemplate,
    /// `_index_template`.
    IndexTemplate,
    /// `_ilm/policy`.
    LifecyclePolicy,
    /// `_plugins/_ism/policies` of OpenSearch.
    StatePolicy,
    /// `_slm/policy`.
    SnapshotPolicy,
    /// `_enrich/policy`.
    EnrichPolicy,
    /// `_transform`.
    Transform,
    /// The persistent ones of `_cluster/settings`.
    ClusterSettings,
    /// `_security/role`.
    Role,
    /// `_security/role_mapping`.
    RoleMapping,
    /// `_plugins/_security/api/actiongroups` of OpenSearch.
    OpenSearchActionGroup,
    /// `_plugins/_security/api/tenants` of OpenSearch.
    OpenSearchTenant,
    /// `_plugins/_security/api/roles` of OpenSearch.
    OpenSearchRole,
    /// `_plugins/_security/api/rolesmapping` of OpenSearch.
    OpenSearchRoleMapping,
}

/// A row of the table of kinds.
struct Row {
    /// The word in manifests and paths.
    word: &'static str,
    /// One of them, in messages.
    noun: &'static str,
    /// Several of them, in messages.
    plural: &'static str,
    /// The path of them all; the name of one goes behind it.
    path: &'static [&'static str],
    /// Where the server may have them.
    known: fn(&Capabilities) -> bool,
}

const fn row(
    word: &'static str,
    noun: &'static str,
    plural: &'static str,
    path: &'static [&'static str],
    known: fn(&Capabilities) -> bool,
) -> Row {
    Row { word, noun, plural, path, known }
}

impl DefinitionKind {
    /// All of them.
    pub const ALL: [Self; 18] = [
        Self::Script,
        Self::Pipeline,
        Self::SearchPipeline,
        Self::LegacyTemplate,
        Self::ComponentTemplate,
        Self::IndexTemplate,
        Self::LifecyclePolicy,
        Self::StatePolicy,
        Self::SnapshotPolicy,
        Self::EnrichPolicy,
        Self::Transform,
        Self::ClusterSettings,
        Self::Role,
        Self::RoleMapping,
        Self::OpenSearchActionGroup,
        Self::OpenSearchTenant,
        Self::OpenSearchRole,
        Self::OpenSearchRoleMapping,
    ];

    #[rustfmt::skip] // A table.
    fn row(self) -> Row {
        match self {
            Self::Script => row("script", "script", "scripts", &["_scripts"], |_| true),
            Self::Pipeline => row("pipeline", "pipeline", "pipelines", &["_ingest", "pipeline"], |_| true),
            Self::SearchPipeline => row("search_pipeline", "search pipeline", "search pipelines", &["_search", "pipeline"], |can| can.search_pipelines),
            Self::LegacyTemplate => row("legacy_template", "template", "templates", &["_template"], |_| true),
            Self::ComponentTemplate => row("component_template", "component template", "component templates", &["_component_template"], |can| can.composable_templates),
            Self::IndexTemplate => row("index_template", "index template", "index templates", &["_index_template"], |can| can.composable_templates),
            Self::LifecyclePolicy => row("lifecycle_policy", "lifecycle policy", "lifecycle policies", &["_ilm", "policy"], |can| can.lifecycle_policies),
            Self::StatePolicy => row("state_policy", "index state policy", "index state policies", &["_plugins", "_ism", "policies"], |can| can.state_policies),
            Self::SnapshotPolicy => row("snapshot_policy", "snapshot policy", "snapshot policies", &["_slm", "policy"], |can| can.snapshot_policies),
            Self::EnrichPolicy => row("enrich_policy", "enrich policy", "enrich policies", &["_enrich", "policy"], |can| can.enrich_policies),
            Self::Transform => row("transform", "transform", "transforms", &["_transform"], |can| can.transforms),
            Self::ClusterSettings => row("cluster_settings", "cluster settings", "cluster settings", &["_cluster", "settings"], |_| true),
            Self::Role => row("role", "role", "roles", &["_security", "role"], |can| can.security_interface),
            Self::RoleMapping => row("role_mapping", "role mapping", "role mappings", &["_security", "role_mapping"], |can| can.security_interface),
            Self::OpenSearchActionGroup => row("opensearch_action_group", "action group", "action groups", &["_plugins", "_security", "api", "actiongroups"], |can| can.security_plugin),
            Self::OpenSearchTenant => row("opensearch_tenant", "tenant", "tenants", &["_plugins", "_security", "api", "tenants"], |can| can.security_plugin),
            Self::OpenSearchRole => row("opensearch_role", "role", "roles", &["_plugins", "_security", "api", "roles"], |can| can.security_plugin),
            Self::OpenSearchRoleMapping => row("opensearch_role_mapping", "role mapping", "role mappings", &["_plugins", "_security", "api", "rolesmapping"], |can| can.security_plugin),
        }
    }

    /// The word for it in manifests and paths.
    pub fn word(self) -> &'static str {
        self.row().word
    }

    /// What one of them is called in messages.
    pub fn noun(self) -> &'static str {
        self.row().noun
    }

    /// What several of them are called in messages.
    pub fn plural(self) -> &'static str {
        self.row().plural
    }

    /// Where the server has them all.
    pub(crate) fn path(self) -> &'static [&'static str] {
        self.row().path
    }

    /// The path of one of them.
    pub(crate) fn path_of(self, name: &str) -> Vec<&str> {
        // There is one of these, and it has no name.
        let named = (self != Self::ClusterSettings).then_some(name);
        self.path().iter().copied().chain(named).collect()
    }

    /// Whether servers of this version may have them; a module may still be missing.
    pub(crate) fn is_known_to(self, can: &Capabilities) -> bool {
        (self.row().known)(can)
    }

    /// Whether creating an index, or writing into it, may go by one: without them a backup is not whole, and documents may end up
    /// otherwise.
    pub fn is_needed_by_indices(self) -> bool {
        matches!(
            self,
            Self::Script | Self::Pipeline | Self::LegacyTemplate | Self::ComponentTemplate | Self::IndexTemplate
        )
    }

    /// Whether the server gives only so many at once.
    pub(super) fn is_paged(self) -> bool {
        matches!(self, Self::StatePolicy | Self::Transform)
    }

    /// Whether it belongs to the security plugin of OpenSearch.
    pub(crate) fn is_open_search_security(self) -> bool {
        matches!(
            self,
            Self::OpenSearchActionGroup | Self::OpenSearchTenant | Self::OpenSearchRole | Self::OpenSearchRoleMapping
        )
    }
}
