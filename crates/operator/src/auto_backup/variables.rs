//! What the variables of a BackupBlueprint stand for. Pure.

use api::AppBinding;

use crate::target;

/// The value of a variable for an AppBinding. `None` for one that is none of a blueprint's.
pub(super) fn value(binding: &AppBinding, name: &str) -> Option<String> {
    let type_ = binding.spec.type_.clone().unwrap_or_default();
    let (group, resource) = type_.split_once('/').unwrap_or(("", &type_));
    Some(match name {
        "TARGET_API_VERSION" => target::BINDING_VERSION.to_owned(),
        "TARGET_KIND" => "appbinding".to_owned(),
        "TARGET_NAME" => binding.metadata.name.clone().unwrap_or_default(),
        "TARGET_NAMESPACE" => binding.metadata.namespace.clone().unwrap_or_default(),
        "TARGET_RESOURCE" => "appbindings".to_owned(),
        "TARGET_APP_VERSION" => binding.spec.version.clone().unwrap_or_default(),
        "TARGET_APP_GROUP" => group.to_owned(),
        "TARGET_APP_RESOURCE" => resource.to_owned(),
        "TARGET_APP_TYPE" => type_,
        _ => return None,
    })
}
