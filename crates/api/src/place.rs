//! Where a Repository's bytes lie, as arguments and variables of pods say it: of several backends the one that counts. Pure.

use crate::backend::Backend;

/// A backend's whereabouts.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct BackendPlace {
    /// `local`, `s3`, `gcs`, `azure`, `swift`, `b2` or `rest`.
    pub provider: &'static str,
    /// Bucket, container, the folder of a local one, or the host of a REST server.
    pub bucket: String,
    /// The folder in it.
    pub prefix: String,
    /// Host or URL of the service, where there is a choice.
    pub endpoint: Option<String>,
    /// Region of the bucket, where there is a choice.
    pub region: Option<String>,
    /// Connections used at once, where something is said.
    pub max_connections: Option<i64>,
}

impl Backend {
    /// Where the data lies: of several backends, Stash's order decides.
    pub fn place(&self) -> Option<BackendPlace> {
        if let Some(local) = &self.local {
            Some(named("local", local.mount_path.as_ref(), None, None))
        } else if let Some(s3) = &self.s3 {
            let [endpoint, region] = [&s3.endpoint, &s3.region].map(|value| Some(value.clone().unwrap_or_default()));
            let named = named("s3", s3.bucket.as_ref(), s3.prefix.as_ref(), None);
            Some(BackendPlace { endpoint, region, ..named })
        } else if let Some(gcs) = &self.gcs {
            Some(named("gcs", gcs.bucket.as_ref(), gcs.prefix.as_ref(), gcs.max_connections))
        } else if let Some(azure) = &self.azure {
            Some(named("azure", azure.container.as_ref(), azure.prefix.as_ref(), azure.max_connections))
        } else if let Some(swift) = &self.swift {
            Some(named("swift", swift.container.as_ref(), swift.prefix.as_ref(), None))
        } else if let Some(b2) = &self.b2 {
            Some(named("b2", b2.bucket.as_ref(), b2.prefix.as_ref(), b2.max_connections))
        } else {
            let url = self.rest.as_ref().and_then(|rest| rest.url.clone())?;
            let behind = url.split_once("://").map_or(url.as_str(), |(_, behind)| behind);
            let (host, path) = behind.split_once('/').unwrap_or((behind, ""));
            let named = named("rest", Some(&host.to_owned()), Some(&path.to_owned()), None);
            Some(BackendPlace { endpoint: Some(url), ..named })
        }
    }
}

fn named(
    provider: &'static str,
    bucket: Option<&String>,
    prefix: Option<&String>,
    connections: Option<i64>,
) -> BackendPlace {
    BackendPlace {
        provider,
        bucket: bucket.cloned().unwrap_or_default(),
        prefix: prefix.cloned().unwrap_or_default(),
        endpoint: None,
        region: None,
        max_connections: connections.filter(|connections| *connections > 0),
    }
}
