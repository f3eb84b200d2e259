//! What a target is called. Pure.

use api::target::TargetRef;

/// Version of AppBinding.
pub(crate) const BINDING_VERSION: &str = "appcatalog.appscode.com/v1alpha1";

/// A target that is named in full.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Named<'a> {
    /// Group and version.
    pub(crate) api_version: &'a str,
    /// Kind.
    pub(crate) kind: &'a str,
    /// Name.
    pub(crate) name: &'a str,
}

impl<'a> Named<'a> {
    /// `None` where a part of its name is missing.
    pub(crate) fn of(target: &'a TargetRef) -> Option<Self> {
        let text = |field: &'a Option<String>| field.as_deref().filter(|text| !text.is_empty());
        let TargetRef { api_version, kind, name } = target;
        Some(Self { api_version: text(api_version)?, kind: text(kind)?, name: text(name)? })
    }

    /// Whether it is an AppBinding.
    pub(crate) fn is_binding(&self) -> bool {
        self.kind == "AppBinding" && self.api_version.starts_with(api::labels::CATALOG_GROUP)
    }
}
