//! The environment in which `larder` finds a Repository: values, and keys of its Secret that nobody but the process sees. Pure.

use api::{Repository, backend::Backend};
use job::store::{self, Place};
use kube::ResourceExt as _;

use crate::{Error, Result};

/// The environment of an errand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Variables {
    /// Namespace and name of the Repository's Secret.
    pub(super) secret: (String, String),
    /// Variables with their values: no secrets.
    pub(super) plain: Vec<(&'static str, String)>,
    /// Variables with the Secret's keys that they come from, and whether the key must be there.
    pub(super) secrets: Vec<(&'static str, &'static str, bool)>,
}

/// The environment for a Repository.
pub(super) fn of(repository: &Repository) -> Result<Variables> {
    let namespace = repository.namespace().unwrap_or_default();
    let name = format!("{namespace}/{}", repository.name_any());
    let place = repository.spec.backend.as_ref().and_then(Backend::place).map(Place::from).unwrap_or_default();
    let location = store::location(&place).map_err(|source| Error::Repository { name: name.clone(), source })?;
    if let Err(error) = location.parse::<repository::Location>() {
        return Err(Error::Unfit { kind: "Repository", name, why: error.to_string() });
    }
    let secret = repository.spec.backend.as_ref().and_then(|backend| backend.storage_secret_name.clone());
    let Some(secret) = secret.filter(|secret| !secret.is_empty()) else {
        let why = "spec.backend.storageSecretName is empty: it names the Secret with RESTIC_PASSWORD".to_owned();
        return Err(Error::Unfit { kind: "Repository", name, why });
    };
    let mut plain = vec![
        ("LARDER_REPOSITORY", location),
        ("LARDER_JSON", "true".to_owned()),
        ("LARDER_LOCK_USER", store::signature(&namespace)),
    ];
    let mut secrets =
        vec![("RESTIC_PASSWORD", "RESTIC_PASSWORD", true), ("LARDER_REPOSITORY_CA", "CA_CERT_DATA", false)];
    match place.provider.as_str() {
        "s3" => {
            secrets.push(("AWS_ACCESS_KEY_ID", "AWS_ACCESS_KEY_ID", false));
            secrets.push(("AWS_SECRET_ACCESS_KEY", "AWS_SECRET_ACCESS_KEY", false));
            if !place.region.is_empty() {
                plain.push(("AWS_DEFAULT_REGION", place.region));
            }
        }
        "rest" => {
            secrets.push(("RESTIC_REST_USERNAME", "REST_SERVER_USERNAME", false));
            secrets.push(("RESTIC_REST_PASSWORD", "REST_SERVER_PASSWORD", false));
        }
        _ => {}
    }
    Ok(Variables { secret: (namespace, secret), plain, secrets })
}

#[cfg(test)]
mod tests {
    use api::{
        RepositorySpec,
        backend::{Bucket, Rest, S3},
    };

    use super::*;

    fn repository(backend: Backend) -> Repository {
        let backend = Backend { storage_secret_name: Some("storage".into()), ..backend };
        let mut object =
            Repository::new("store", RepositorySpec { backend: Some(backend), ..RepositorySpec::default() });
        object.metadata.namespace = Some("demo".into());
        object
    }

    fn s3() -> Backend {
        let text = |text: &str| Some(text.to_owned());
        let s3 = S3 { endpoint: text("http://minio:9000"), bucket: text("b"), prefix: text("/p"), region: text("eu") };
        Backend { s3: Some(s3), ..Backend::default() }
    }

    #[test]
    fn a_bucket_is_found_by_values_and_opened_by_keys_of_the_secret() {
        let of = of(&repository(s3())).expect("variables");
        assert_eq!(of.secret, ("demo".into(), "storage".into()));
        let plain = |name: &str| of.plain.iter().find(|(known, _)| *known == name).map(|(_, value)| value.as_str());
        assert_eq!(plain("LARDER_REPOSITORY"), Some("s3:http://minio:9000/b/p"));
        assert_eq!((plain("AWS_DEFAULT_REGION"), plain("LARDER_LOCK_USER")), (Some("eu"), Some("larder@demo")));
        assert!(of.secrets.contains(&("RESTIC_PASSWORD", "RESTIC_PASSWORD", true)));
        assert!(of.secrets.contains(&("AWS_SECRET_ACCESS_KEY", "AWS_SECRET_ACCESS_KEY", false)));
    }

    #[test]
    fn a_rest_server_has_a_login_of_its_own() {
        let rest = Rest { url: Some("https://h:8000/p".into()) };
        let of = of(&repository(Backend { rest: Some(rest), ..Backend::default() })).expect("variables");
        assert!(of.secrets.contains(&("RESTIC_REST_PASSWORD", "REST_SERVER_PASSWORD", false)));
    }

    #[test]
    fn what_larder_cannot_open_is_named() {
        let no_secret = {
            let mut object = repository(s3());
            object.spec.backend.as_mut().expect("one").storage_secret_name = None;
            object
        };
        let gcs = Bucket { bucket: Some("b".into()), ..Bucket::default() };
        for (object, words) in [
            (no_secret, "spec.backend.storageSecretName is empty"),
            (repository(Backend::default()), "is no backend"),
            (repository(Backend { gcs: Some(gcs), ..Backend::default() }), "demo/store"),
        ] {
            let error = of(&object).expect_err(words);
            let text = format!("{error}: {:?}", std::error::Error::source(&error).map(ToString::to_string));
            assert!(text.contains(words), "{text}");
        }
    }
}
