//! What all pods that we make have in common: a user's settings, and no more rights than they need. Pure.

use api::runtime_settings::PodSettings;
use k8s_openapi::api::core::v1::{Capabilities, PodSecurityContext, PodSpec, SeccompProfile, SecurityContext};

/// The user that our own program runs as: nobody.
pub(crate) const NOBODY: i64 = 65535;

/// A pod that is not started again, under `account`, with a user's settings. Containers, volumes and the security context are
/// the caller's.
pub(crate) fn spec(settings: PodSettings, account: &str) -> PodSpec {
    let PodSettings {
        pod_annotations: _,
        node_selector,
        service_account_name: _,
        service_account_annotations: _,
        automount_service_account_token,
        node_name,
        security_context: _,
        image_pull_secrets,
        affinity,
        scheduler_name,
        tolerations,
        priority_class_name,
        priority,
        readiness_gates,
        runtime_class_name,
        enable_service_links,
    } = settings;
    PodSpec {
        restart_policy: Some("Never".into()),
        service_account_name: Some(account.to_owned()),
        node_selector,
        automount_service_account_token,
        node_name,
        image_pull_secrets,
        affinity,
        scheduler_name,
        tolerations,
        priority_class_name,
        priority,
        readiness_gates,
        runtime_class_name,
        enable_service_links,
        ..PodSpec::default()
    }
}

/// For a pod of our own program: nobody, in a group to which volumes are opened. What the user says counts more.
pub(crate) fn as_nobody(wanted: PodSecurityContext) -> PodSecurityContext {
    let user = wanted.run_as_user.unwrap_or(NOBODY);
    let default = SeccompProfile { type_: "RuntimeDefault".into(), localhost_profile: None };
    PodSecurityContext {
        run_as_user: Some(user),
        run_as_non_root: wanted.run_as_non_root.or((user != 0).then_some(true)),
        fs_group: wanted.fs_group.or(Some(NOBODY)),
        seccomp_profile: wanted.seccomp_profile.clone().or(Some(default)),
        ..wanted
    }
}

/// For a container of our own program: no rights at all. What the user says counts more.
pub(crate) fn without_rights(wanted: SecurityContext) -> SecurityContext {
    let none = Capabilities { add: None, drop: Some(vec!["ALL".into()]) };
    SecurityContext {
        allow_privilege_escalation: wanted.allow_privilege_escalation.or(Some(false)),
        read_only_root_filesystem: wanted.read_only_root_filesystem.or(Some(true)),
        capabilities: wanted.capabilities.clone().or(Some(none)),
        ..wanted
    }
}
