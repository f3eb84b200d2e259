//! The operator and the versions of everything, as far as the person may look.

use api::labels;
use k8s_openapi::api::{
    apps::v1::Deployment,
    core::v1::{Event, Pod},
};
use kube::ResourceExt as _;

use super::{LINES, Section, Tell, describe};
use crate::{Cluster, Error, Result, logs, pods};

/// What runs where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Versions {
    /// The API server's.
    pub kubernetes: String,
    /// The operator's image, or why it is not known.
    pub operator: std::result::Result<String, String>,
    /// The API groups of Larder's that the cluster knows, with their versions.
    pub groups: Vec<String>,
}

/// Asks for them.
///
/// # Errors
/// Where the API server does not answer.
pub async fn versions(cluster: &Cluster, namespace: &str) -> Result<Versions> {
    let operator = match deployments(cluster, namespace).await {
        Ok(all) => {
            let images = all
                .iter()
                .filter_map(|one| one.spec.as_ref()?.template.spec.as_ref()?.containers.first()?.image.clone());
            images.into_iter().next().ok_or_else(|| {
                format!("there is no operator in namespace {namespace}; --operator-namespace says another")
            })
        }
        Err(error @ Error::Forbidden { .. }) => Err(error.to_string()),
        Err(error) => return Err(error),
    };
    let (kubernetes, groups) = cluster.versions().await?;
    Ok(Versions { kubernetes, operator, groups })
}

/// The versions as a section.
pub(super) fn section(versions: &Versions) -> Section {
    let Versions { kubernetes, operator, groups } = versions;
    let groups = if groups.is_empty() { "none: is Larder installed?".to_owned() } else { groups.join(", ") };
    let operator = operator.as_ref().unwrap_or_else(|why| why);
    Section {
        title: "Versions".into(),
        text: format!(
            "plugin: {}\nKubernetes: {kubernetes}\noperator: {operator}\nkinds: {groups}\n",
            env!("CARGO_PKG_VERSION")
        ),
    }
}

/// All about the operator.
pub(super) async fn told(cluster: &Cluster, namespace: &str, tell: Tell<'_>) -> Result<()> {
    tell(&section(&versions(cluster, namespace).await?));
    let found = match deployments(cluster, namespace).await {
        Ok(found) => found,
        Err(error @ Error::Forbidden { .. }) => {
            let why = format!("{error}. Who may look there sees more: kubectl larder debug operator");
            tell(&Section { title: format!("Deployment in {namespace}"), text: why });
            return Ok(());
        }
        Err(error) => return Err(error),
    };
    if found.is_empty() {
        let text = format!("there is no operator in namespace {namespace}; --operator-namespace says another");
        tell(&Section { title: format!("Deployment in {namespace}"), text });
    }
    let events: Vec<Event> = cluster.list(Some(namespace), "").await?;
    for deployment in &found {
        let status = deployment.status.clone().unwrap_or_default();
        let wanted = deployment.spec.as_ref().and_then(|spec| spec.replicas).unwrap_or_default();
        let mut text = format!("replicas: {} of {wanted} ready\n", status.ready_replicas.unwrap_or_default());
        for condition in status.conditions.iter().flatten() {
            let message = condition.message.as_deref().unwrap_or_default();
            text.push_str(&format!("{}: {} {message}\n", condition.type_, condition.status));
        }
        text.push_str(&describe::events(&events, deployment.metadata.uid.as_deref().unwrap_or_default()));
        tell(&Section { title: format!("Deployment {namespace}/{}", deployment.name_any()), text });
    }
    let of_operator: Vec<Pod> = cluster.list(Some(namespace), &selector()).await?;
    for pod in &of_operator {
        let text = describe::pod(pod) + &describe::events(&events, pod.metadata.uid.as_deref().unwrap_or_default());
        tell(&Section { title: format!("Pod {namespace}/{}", pod.name_any()), text });
        for container in pods::containers(pod) {
            let title = format!("log of {}/{}", pod.name_any(), container.name);
            let text = logs::last_lines(cluster, pod, &container.name, LINES).await;
            tell(&Section { title, text: text.unwrap_or_else(|error| error.to_string()) });
        }
    }
    Ok(())
}

async fn deployments(cluster: &Cluster, namespace: &str) -> Result<Vec<Deployment>> {
    cluster.list(Some(namespace), &selector()).await
}

fn selector() -> String {
    format!("{}=larder,{}=operator", labels::NAME, labels::COMPONENT)
}
