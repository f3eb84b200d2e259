//! What opening a repository takes. Never reads the environment: the binary does.

use std::{num::NonZeroUsize, sync::Arc};

use secrecy::SecretString;

use crate::{
    backend::{Backend, local::LocalBackend, remote::Patience, rest::RestBackend, s3},
    credentials::{RestCredentials, S3Credentials},
    error::Result,
    host,
    location::Location,
};

/// Where a repository is and what opens it.
#[derive(Debug, Clone)]
pub struct Access {
    /// The place.
    pub location: Location,
    /// The password of one of its keys.
    pub password: SecretString,
    /// For S3.
    pub s3: S3Credentials,
    /// For REST, where the location has none in it.
    pub rest: RestCredentials,
    /// PEM of certificates that are trusted beside the system's, for HTTPS.
    pub ca_certificate: Option<Vec<u8>>,
    /// Who signs locks and keys, where the operating system's name of the user says too little.
    pub user: Option<String>,
    /// Requests at once to a remote store; a writer holds `connections` packs in memory, see [`crate::Writer`].
    pub connections: NonZeroUsize,
    /// With a remote store.
    pub patience: Patience,
}

/// Connections that keep a writer's memory within 90 MiB.
pub const DEFAULT_CONNECTIONS: NonZeroUsize = NonZeroUsize::new(3).expect("3 is not 0");

/// One file is written while the other is synchronised.
const LOCAL_CONNECTIONS: NonZeroUsize = NonZeroUsize::new(2).expect("2 is not 0");

impl Access {
    /// Access with [`DEFAULT_CONNECTIONS`], without credentials or certificates.
    pub fn new(location: Location, password: SecretString) -> Self {
        Self {
            location,
            password,
            s3: S3Credentials::default(),
            rest: RestCredentials::default(),
            ca_certificate: None,
            user: None,
            connections: DEFAULT_CONNECTIONS,
            patience: Patience::default(),
        }
    }

    /// The bare store, without key or meaning.
    ///
    /// # Errors
    /// When the location or the credentials make no sense; the store itself is not asked.
    pub fn backend(&self) -> Result<Arc<dyn Backend>> {
        Ok(match &self.location {
            Location::Local(path) => Arc::new(LocalBackend::new(path.clone())),
            Location::Rest { url, login } => Arc::new(RestBackend::new(self, url, login)?),
            Location::S3 { endpoint, bucket, prefix } => Arc::new(s3::backend(self, endpoint, bucket, prefix)?),
        })
    }

    /// Who signs locks and keys.
    pub(crate) fn signer(&self) -> String {
        self.user.clone().unwrap_or_else(host::user)
    }

    /// Requests at once that are worth it: a folder does not get faster by more than two.
    pub(crate) fn useful_connections(&self) -> NonZeroUsize {
        match self.location {
            Location::Local(_) => self.connections.min(LOCAL_CONNECTIONS),
            Location::S3 { .. } | Location::Rest { .. } => self.connections,
        }
    }
}
