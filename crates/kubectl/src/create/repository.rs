//! `create repository`: where the bytes lie, of flags. Pure.

use api::{
    Repository, RepositorySpec,
    backend::{Backend, Bucket, Container, Rest, S3, Swift},
};

use super::name;
use crate::{Error, Result};

/// What the flags say.
#[derive(Debug, Clone, Default)]
pub struct NewRepository {
    /// Its name.
    pub name: String,
    /// `--provider`.
    pub provider: String,
    /// `--bucket`.
    pub bucket: Option<String>,
    /// `--prefix`.
    pub prefix: Option<String>,
    /// `--endpoint`.
    pub endpoint: Option<String>,
    /// `--region`.
    pub region: Option<String>,
    /// `--max-connections`; 0 says nothing.
    pub max_connections: i64,
    /// `--secret`.
    pub secret: String,
}

impl NewRepository {
    /// The object.
    ///
    /// # Errors
    /// Where a flag is missing that the provider needs, or one has no meaning with it.
    pub fn object(&self, namespace: &str) -> Result<Repository> {
        name("the Repository's name", &self.name)?;
        let backend = Backend { storage_secret_name: Some(self.secret.clone()), ..self.backend()? };
        let mut object =
            Repository::new(&self.name, RepositorySpec { backend: Some(backend), ..RepositorySpec::default() });
        object.metadata.namespace = Some(namespace.to_owned());
        Ok(object)
    }

    fn backend(&self) -> Result<Backend> {
        let max_connections = Some(self.max_connections).filter(|many| *many > 0);
        let bucket = || Bucket { bucket: self.bucket.clone(), prefix: self.prefix.clone(), max_connections };
        let mut backend = Backend::default();
        let provider = self.provider.as_str();
        match provider {
            "s3" => {
                let (bucket, endpoint) = (
                    self.needed("--bucket", self.bucket.as_ref())?,
                    self.needed("--endpoint", self.endpoint.as_ref())?,
                );
                let (prefix, region) = (self.prefix.clone(), self.region.clone());
                backend.s3 = Some(S3 { endpoint: Some(endpoint), bucket: Some(bucket), prefix, region });
            }
            "gcs" | "b2" | "azure" | "swift" => {
                let of = self.needed("--bucket", self.bucket.as_ref())?;
                match provider {
                    "gcs" => backend.gcs = Some(bucket()),
                    "b2" => backend.b2 = Some(bucket()),
                    "azure" => {
                        let prefix = self.prefix.clone();
                        backend.azure = Some(Container { container: Some(of), prefix, max_connections });
                    }
                    _ => backend.swift = Some(Swift { container: Some(of), prefix: self.prefix.clone() }),
                }
            }
            "rest" => backend.rest = Some(Rest { url: Some(self.needed("--endpoint", self.endpoint.as_ref())?) }),
            "local" => {
                let why =
                    "flags cannot describe a volume: write the Repository as YAML, with spec.backend.local".to_owned();
                return Err(Error::Flag { flag: "--provider", value: provider.to_owned(), why });
            }
            _ => {
                let why = "must be s3, gcs, azure, swift, b2 or rest".to_owned();
                return Err(Error::Flag { flag: "--provider", value: provider.to_owned(), why });
            }
        }
        Ok(backend)
    }

    fn needed(&self, flag: &'static str, value: Option<&String>) -> Result<String> {
        let value = value.filter(|value| !value.is_empty()).cloned();
        value.ok_or_else(|| Error::Flags { why: format!("{flag} is missing: --provider {} needs it", self.provider) })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn new(provider: &str) -> NewRepository {
        NewRepository {
            name: "store".into(),
            provider: provider.into(),
            bucket: Some("b".into()),
            prefix: Some("p".into()),
            endpoint: Some("http://h:9000".into()),
            region: None,
            max_connections: 5,
            secret: "s".into(),
        }
    }

    fn backend(new: &NewRepository) -> Value {
        let object = new.object("demo").expect("a Repository");
        assert_eq!(object.metadata.namespace.as_deref(), Some("demo"));
        serde_json::to_value(object.spec.backend).expect("JSON")
    }

    #[test]
    fn each_provider_has_its_own_fields() {
        for (provider, of) in [
            ("s3", json!({"s3": {"endpoint": "http://h:9000", "bucket": "b", "prefix": "p"}})),
            ("gcs", json!({"gcs": {"bucket": "b", "prefix": "p", "maxConnections": 5}})),
            ("b2", json!({"b2": {"bucket": "b", "prefix": "p", "maxConnections": 5}})),
            ("azure", json!({"azure": {"container": "b", "prefix": "p", "maxConnections": 5}})),
            ("swift", json!({"swift": {"container": "b", "prefix": "p"}})),
            ("rest", json!({"rest": {"url": "http://h:9000"}})),
        ] {
            let mut wanted = of;
            wanted["storageSecretName"] = "s".into();
            assert_eq!(backend(&new(provider)), wanted, "{provider}");
        }
    }

    #[test]
    fn what_is_missing_or_unknown_is_named() {
        for (new, words) in [
            (NewRepository { bucket: None, ..new("s3") }, "--bucket is missing: --provider s3 needs it"),
            (NewRepository { endpoint: Some(String::new()), ..new("s3") }, "--endpoint is missing"),
            (NewRepository { endpoint: None, ..new("rest") }, "--endpoint is missing"),
            (new("ftp"), "--provider \"ftp\": must be s3,"),
            (new("local"), "spec.backend.local"),
            (NewRepository { name: "Store".into(), ..new("s3") }, "the Repository's name \"Store\""),
        ] {
            let error = new.object("demo").expect_err(words);
            assert!(error.is_misuse() && error.to_string().contains(words), "{error}");
        }
    }
}
