//! The image of a pod for an errand: the operator's own, found where the person may look.

use api::{Repository, labels};
use k8s_openapi::api::{
    apps::v1::Deployment,
    batch::v1::CronJob,
    core::v1::{LocalObjectReference, PodSpec},
};
use kube::ResourceExt as _;

use super::PodChoice;
use crate::{Cluster, Error, Result};

/// How the operator's own container is called, in its Deployment and in CronJobs.
const CONTAINERS: [&str; 2] = ["operator", "stash-trigger"];

/// An image, and what pulls it.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Image {
    pub(super) name: String,
    pub(super) pull_secrets: Option<Vec<LocalObjectReference>>,
}

/// The image that is named; or that of a CronJob which the operator made in the Repository's namespace or in that of one of its users;
/// or that of the operator.
pub(super) async fn of(cluster: &Cluster, repository: &Repository, choice: &PodChoice) -> Result<Image> {
    if let Some(name) = &choice.image {
        return Ok(Image { name: name.clone(), pull_secrets: None });
    }
    let own = repository.namespace().unwrap_or_default();
    if let Some(image) = of_cron_job(cluster, &own).await? {
        return Ok(image);
    }
    for namespace in others(repository, &own) {
        // Pull secrets are of that namespace; and whoever may not look there may still look at the operator.
        if let Ok(Some(image)) = of_cron_job(cluster, &namespace).await {
            return Ok(Image { pull_secrets: None, ..image });
        }
    }
    let operator = format!("{}=larder,{}=operator", labels::NAME, labels::COMPONENT);
    let refused = match cluster.list::<Deployment>(Some(&choice.operator_namespace), &operator).await {
        Ok(deployments) => {
            let specs = deployments.into_iter().filter_map(|deployment| deployment.spec?.template.spec);
            if let Some(image) = specs.into_iter().find_map(|spec| image(&spec)) {
                return Ok(Image { pull_secrets: None, ..image });
            }
            format!("there is no operator in namespace {}", choice.operator_namespace)
        }
        Err(error @ Error::Forbidden { .. }) => error.to_string(),
        Err(error) => return Err(error),
    };
    let why = format!(
        "which image is the operator's? Name it: --image, or --operator-namespace. No CronJob of namespace {own} tells; {refused}"
    );
    Err(Error::Flags { why })
}

/// Namespaces of those who use the Repository.
fn others(repository: &Repository, own: &str) -> Vec<String> {
    let users = repository.status.iter().filter_map(|status| status.references.as_ref()).flatten();
    let mut all: Vec<String> = users.filter_map(|user| user.namespace.clone()).filter(|name| name != own).collect();
    all.sort_unstable();
    all.dedup();
    all
}

async fn of_cron_job(cluster: &Cluster, namespace: &str) -> Result<Option<Image>> {
    let ours = format!("{}={}", labels::MANAGED_BY, labels::GROUP);
    let jobs: Vec<CronJob> = cluster.list(Some(namespace), &ours).await?;
    let specs = jobs.into_iter().filter_map(|job| job.spec?.job_template.spec?.template.spec);
    Ok(specs.into_iter().find_map(|spec| image(&spec)))
}

fn image(spec: &PodSpec) -> Option<Image> {
    let container = spec.containers.iter().find(|container| CONTAINERS.contains(&container.name.as_str()))?;
    let name = container.image.clone().filter(|name| !name.is_empty())?;
    Some(Image { name, pull_secrets: spec.image_pull_secrets.clone() })
}

#[cfg(test)]
mod tests {
    use api::{
        RepositorySpec,
        repository::{Reference, RepositoryStatus},
    };
    use k8s_openapi::api::core::v1::Container;

    use super::*;

    #[test]
    fn the_image_is_that_of_the_operators_own_container() {
        let container = |name: &str, image: &str| Container {
            name: name.into(),
            image: Some(image.into()),
            ..Container::default()
        };
        let spec = PodSpec {
            containers: vec![container("pushgateway", "p"), container("operator", "larder:1")],
            ..PodSpec::default()
        };
        assert_eq!(image(&spec).expect("one").name, "larder:1");
        assert_eq!(image(&PodSpec { containers: vec![container("x", "y")], ..PodSpec::default() }), None);
    }

    #[test]
    fn namespaces_of_users_are_looked_at_once() {
        let mut repository = Repository::new("store", RepositorySpec::default());
        let user = |namespace: &str| Reference { namespace: Some(namespace.into()), ..Reference::default() };
        let references = Some(vec![user("b"), user("a"), user("own"), user("b")]);
        repository.status = Some(RepositoryStatus { references, ..RepositoryStatus::default() });
        assert_eq!(others(&repository, "own"), ["a", "b"]);
    }
}
