//! Where a Repository's data lies, as restic writes it, and what the storage Secret has to say about it. Pure.

use std::collections::BTreeMap;

use api::place::BackendPlace;

use crate::binding::Keys;

/// What a Function's arguments say about the backend.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Place {
    /// `local`, `s3`, `gcs`, `azure`, `swift`, `b2` or `rest`.
    pub provider: String,
    /// Bucket, container, or the folder of a local one.
    pub bucket: String,
    /// Host or URL of the service.
    pub endpoint: String,
    /// Region of the bucket.
    pub region: String,
    /// The folder in the bucket.
    pub path: String,
}

impl From<BackendPlace> for Place {
    fn from(place: BackendPlace) -> Self {
        let BackendPlace { provider, bucket, prefix, endpoint, region, max_connections: _ } = place;
        Self {
            provider: provider.to_owned(),
            bucket,
            endpoint: endpoint.unwrap_or_default(),
            region: region.unwrap_or_default(),
            path: prefix,
        }
    }
}

/// A repository, ready to be opened.
#[derive(Clone, PartialEq, Eq)]
pub struct Store {
    /// Where it lies, as restic writes it. It may hold a password (`rest`).
    pub location: String,
    /// Its password.
    pub password: String,
    /// Variables that open the backend.
    pub variables: BTreeMap<&'static str, String>,
    /// The authority that signed the backend's certificate, in PEM.
    pub ca: Option<Vec<u8>>,
}

impl std::fmt::Debug for Store {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Store(***)")
    }
}

/// Why a repository cannot be opened. Holds no secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// Nobody knows the provider.
    #[error("{provider:?} is no backend; a Repository has local, s3, gcs, azure, swift, b2 or rest in spec.backend")]
    Provider {
        /// Its name.
        provider: String,
    },
    /// A field of the Repository's backend is empty.
    #[error("spec.backend.{field} of the Repository is empty")]
    Empty {
        /// The field.
        field: &'static str,
    },
    /// The Secret lacks a key.
    #[error("Secret {secret} has no key {key}, which {why}")]
    NoKey {
        /// The Secret's name.
        secret: String,
        /// The key.
        key: &'static str,
        /// What it is needed for.
        why: &'static str,
    },
    /// A value of the Secret is no text.
    #[error("key {key} of Secret {secret} is no UTF-8 text")]
    NoText {
        /// The Secret's name.
        secret: String,
        /// The key.
        key: &'static str,
    },
}

/// Keys of the Secret that become variables of the same name, by provider.
const KEYS: [(&str, &[&str]); 5] = [
    ("s3", &["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"]),
    ("gcs", &["GOOGLE_PROJECT_ID"]),
    ("azure", &["AZURE_ACCOUNT_NAME", "AZURE_ACCOUNT_KEY"]),
    ("b2", &["B2_ACCOUNT_ID", "B2_ACCOUNT_KEY"]),
    (
        "swift",
        &[
            "ST_AUTH",
            "ST_USER",
            "ST_KEY",
            "OS_AUTH_URL",
            "OS_REGION_NAME",
            "OS_USERNAME",
            "OS_PASSWORD",
            "OS_TENANT_ID",
            "OS_TENANT_NAME",
            "OS_USER_DOMAIN_NAME",
            "OS_PROJECT_NAME",
            "OS_PROJECT_DOMAIN_NAME",
            "OS_APPLICATION_CREDENTIAL_ID",
            "OS_APPLICATION_CREDENTIAL_NAME",
            "OS_APPLICATION_CREDENTIAL_SECRET",
            "OS_STORAGE_URL",
            "OS_AUTH_TOKEN",
        ],
    ),
];

/// The repository at a place, opened by a Secret.
///
/// # Errors
/// [`StoreError`], with the name of the field or key.
pub fn store(place: &Place, secret: &str, keys: &Keys) -> Result<Store, StoreError> {
    let text = |key: &'static str| {
        let value = keys.get(key).map(|value| String::from_utf8(value.clone()));
        value.transpose().map_err(|_| StoreError::NoText { secret: secret.to_owned(), key })
    };
    let needed = |key: &'static str, why: &'static str| {
        text(key)?.filter(|value| !value.is_empty()).ok_or(StoreError::NoKey { secret: secret.to_owned(), key, why })
    };
    let mut location = location(place)?;
    if place.provider == "b2" {
        needed("B2_ACCOUNT_ID", "a b2 backend needs")?;
        needed("B2_ACCOUNT_KEY", "a b2 backend needs")?;
    }
    if place.provider == "rest"
        && let (Some(user), Some(password)) = (text("REST_SERVER_USERNAME")?, text("REST_SERVER_PASSWORD")?)
    {
        location = with_login(&location, &user, &password);
    }
    let mut variables = BTreeMap::new();
    let of_provider = KEYS.iter().find(|(provider, _)| *provider == place.provider);
    for key in of_provider.map(|(_, keys)| *keys).unwrap_or_default() {
        if let Some(value) = text(key)? {
            variables.insert(*key, value);
        }
    }
    if place.provider == "s3" && !place.region.is_empty() {
        variables.insert("AWS_DEFAULT_REGION", place.region.clone());
    }
    let password = needed("RESTIC_PASSWORD", "opens the repository")?;
    Ok(Store { location, password, variables, ca: keys.get("CA_CERT_DATA").cloned() })
}

/// Where a repository lies, as restic writes it and Stash made it. Without a login.
///
/// # Errors
/// [`StoreError`], with the name of the field.
pub fn location(place: &Place) -> Result<String, StoreError> {
    let Place { provider, bucket, endpoint, path, .. } = place;
    let filled = |value: &str, field| if value.is_empty() { Err(StoreError::Empty { field }) } else { Ok(()) };
    match provider.as_str() {
        "local" => {
            filled(bucket, "local.mountPath")?;
            Ok(bucket.clone())
        }
        "s3" => {
            filled(endpoint, "s3.endpoint")?;
            filled(bucket, "s3.bucket")?;
            let parts = [bucket.as_str(), path.as_str()].map(|part| part.trim_matches('/'));
            let parts: Vec<&str> = parts.into_iter().filter(|part| !part.is_empty()).collect();
            Ok(format!("s3:{}/{}", endpoint.trim_end_matches('/'), parts.join("/")))
        }
        "gcs" | "azure" | "swift" | "b2" => {
            let (scheme, field) = match provider.as_str() {
                "gcs" => ("gs", "gcs.bucket"),
                "azure" => ("azure", "azure.container"),
                "swift" => ("swift", "swift.container"),
                _ => ("b2", "b2.bucket"),
            };
            filled(bucket, field)?;
            Ok(format!("{scheme}:{bucket}:/{}", path.trim_start_matches('/')))
        }
        "rest" => {
            filled(endpoint, "rest.url")?;
            Ok(format!("rest:{endpoint}"))
        }
        _ => Err(StoreError::Provider { provider: provider.clone() }),
    }
}

/// Who signs the locks that are taken in a namespace's pods: whoever finds such a lock asks whether the pod of its host lives.
pub fn signature(namespace: &str) -> String {
    format!("{SIGNATURE}{namespace}")
}

/// How every signature begins.
pub(crate) const SIGNATURE: &str = "larder@";

/// `rest:https://user:password@host/path`, with what a URL cannot hold encoded.
fn with_login(location: &str, user: &str, password: &str) -> String {
    let encoded = |text: &str| -> String {
        let byte = |byte: u8| match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => char::from(byte).to_string(),
            other => format!("%{other:02X}"),
        };
        text.bytes().map(byte).collect()
    };
    match location.split_once("://") {
        Some((scheme, rest)) => format!("{scheme}://{}:{}@{rest}", encoded(user), encoded(password)),
        None => location.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(pairs: &[(&str, &str)]) -> Keys {
        pairs.iter().map(|(key, value)| ((*key).to_owned(), value.as_bytes().to_vec())).collect()
    }

    fn place(provider: &str, bucket: &str, endpoint: &str, path: &str) -> Place {
        let [provider, bucket, endpoint, path] = [provider, bucket, endpoint, path].map(str::to_owned);
        Place { provider, bucket, endpoint, path, region: String::new() }
    }

    #[test]
    fn each_backend_lies_where_stash_put_it() {
        let password = keys(&[("RESTIC_PASSWORD", "x"), ("B2_ACCOUNT_ID", "i"), ("B2_ACCOUNT_KEY", "k")]);
        for (place, location) in [
            (place("local", "/safe/data", "", ""), "/safe/data"),
            (
                place("s3", "b", "http://minio.storage.svc:9000", "clusters/alpha"),
                "s3:http://minio.storage.svc:9000/b/clusters/alpha",
            ),
            (place("s3", "b", "s3.amazonaws.com", "/shared/es"), "s3:s3.amazonaws.com/b/shared/es"),
            (place("s3", "b", "s3.amazonaws.com", ""), "s3:s3.amazonaws.com/b"),
            (place("gcs", "b", "", "/logs/alpha"), "gs:b:/logs/alpha"),
            (place("azure", "c", "", "logs/alpha"), "azure:c:/logs/alpha"),
            (place("swift", "c", "", "logs/alpha"), "swift:c:/logs/alpha"),
            (place("b2", "b", "", "logs/alpha"), "b2:b:/logs/alpha"),
            (place("rest", "h", "https://h:8000/logs", ""), "rest:https://h:8000/logs"),
        ] {
            assert_eq!(store(&place, "s", &password).expect("a store").location, location);
        }
    }

    #[test]
    fn the_secret_opens_the_backend_and_is_never_printed() {
        let secret = keys(&[
            ("RESTIC_PASSWORD", "correct-horse"),
            ("AWS_ACCESS_KEY_ID", "minio"),
            ("AWS_SECRET_ACCESS_KEY", "dummy"),
            ("CA_CERT_DATA", "PEM"),
            ("REST_SERVER_USERNAME", "es"),
            ("REST_SERVER_PASSWORD", "p/w:x"),
        ]);
        let mut at = place("s3", "b", "h", "");
        at.region = "eu-west-1".into();
        let opened = store(&at, "s", &secret).expect("a store");
        let variables: Vec<_> = opened.variables.iter().map(|(name, value)| (*name, value.as_str())).collect();
        assert_eq!(
            variables,
            [("AWS_ACCESS_KEY_ID", "minio"), ("AWS_DEFAULT_REGION", "eu-west-1"), ("AWS_SECRET_ACCESS_KEY", "dummy")]
        );
        assert_eq!((opened.password.as_str(), opened.ca.as_deref()), ("correct-horse", Some(&b"PEM"[..])));
        assert!(!format!("{opened:?}").contains("correct"));
        let rest = store(&place("rest", "", "https://h/p", ""), "s", &secret).expect("a store");
        assert_eq!(rest.location, "rest:https://es:p%2Fw%3Ax@h/p");
        assert!(rest.variables.is_empty());
    }

    #[test]
    fn what_is_missing_is_named() {
        let password = keys(&[("RESTIC_PASSWORD", "x")]);
        for (place, keys, want) in [
            (place("ftp", "b", "", ""), &password, "\"ftp\" is no backend"),
            (place("s3", "", "h", ""), &password, "spec.backend.s3.bucket of the Repository is empty"),
            (place("s3", "b", "", ""), &password, "spec.backend.s3.endpoint"),
            (place("local", "", "", ""), &password, "spec.backend.local.mountPath"),
            (place("b2", "b", "", ""), &password, "Secret s has no key B2_ACCOUNT_ID, which a b2 backend needs"),
            (
                place("gcs", "b", "", ""),
                &Keys::new(),
                "Secret s has no key RESTIC_PASSWORD, which opens the repository",
            ),
        ] {
            let error = store(&place, "s", keys).expect_err(want).to_string();
            assert!(error.contains(want), "{error}");
        }
    }
}
