//! Who answers: flavour, version and cluster, from `GET /`. Decides nothing; see `capabilities`.

use std::fmt;

use serde::Deserialize;

/// Whose server it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Flavour {
    /// Elastic's, any distribution.
    Elasticsearch,
    /// The fork of 7.10.2.
    OpenSearch,
}

/// A server's version number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Version(pub u32, pub u32, pub u32);

impl Version {
    /// Reads `7.14.0`, with or without a suffix like `-SNAPSHOT`.
    pub fn parse(text: &str) -> Option<Self> {
        let mut parts = text.split('-').next()?.split('.').map(|part| part.parse().ok());
        let version = Self(parts.next()??, parts.next()??, parts.next()??);
        parts.next().is_none().then_some(version)
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.0, self.1, self.2)
    }
}

/// The server that a client is connected to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Server {
    /// Whose it is.
    pub flavour: Flavour,
    /// Its version.
    pub version: Version,
    /// The cluster's name.
    pub cluster_name: String,
    /// The cluster's UUID; `_na_` while it has not formed.
    pub cluster_uuid: String,
    /// The build's hash.
    pub build: String,
}

impl fmt::Display for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} {} (cluster {})", self.flavour, self.version, self.cluster_name)
    }
}

#[derive(Deserialize)]
struct Root {
    #[serde(default)]
    cluster_name: String,
    #[serde(default)]
    cluster_uuid: String,
    version: RootVersion,
}

#[derive(Deserialize)]
struct RootVersion {
    number: String,
    distribution: Option<String>,
    #[serde(default)]
    build_hash: String,
}

impl Server {
    /// Before anybody answered.
    pub(crate) fn unknown() -> Self {
        Self {
            flavour: Flavour::Elasticsearch,
            version: Version(0, 0, 0),
            cluster_name: String::new(),
            cluster_uuid: String::new(),
            build: String::new(),
        }
    }

    /// Reads the answer to `GET /`; the error says what it lacks.
    pub(crate) fn parse(body: &[u8]) -> Result<Self, String> {
        let root: Root = serde_json::from_slice(body).map_err(|e| format!("its answer to GET / holds {e}"))?;
        let flavour = match root.version.distribution.as_deref() {
            None => Flavour::Elasticsearch,
            Some("opensearch") => Flavour::OpenSearch,
            Some(other) => return Err(format!("distribution {other:?} is not known")),
        };
        let version = Version::parse(&root.version.number)
            .ok_or_else(|| format!("version number {:?} is not understood", root.version.number))?;
        Ok(Self {
            flavour,
            version,
            cluster_name: root.cluster_name,
            cluster_uuid: root.cluster_uuid,
            build: root.version.build_hash,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flavour_and_version_are_read() {
        let es = Server::parse(br#"{"cluster_name":"c","cluster_uuid":"u","version":{"number":"8.0.0-SNAPSHOT"}}"#);
        let es = es.expect("a server");
        assert_eq!((es.flavour, es.version), (Flavour::Elasticsearch, Version(8, 0, 0)));
        let os = Server::parse(br#"{"version":{"distribution":"opensearch","number":"2.19.1"}}"#).expect("a server");
        assert_eq!((os.flavour, os.version), (Flavour::OpenSearch, Version(2, 19, 1)));
    }

    #[test]
    fn what_is_no_such_server_is_said() {
        for (body, named) in [
            (&b"{}"[..], "version"),
            (br#"{"version":{"number":"x"}}"#, "\"x\""),
            (br#"{"version":{"number":"1.2.3","distribution":"solr"}}"#, "solr"),
        ] {
            let why = Server::parse(body).expect_err("an error");
            assert!(why.contains(named), "{why}");
        }
    }
}
