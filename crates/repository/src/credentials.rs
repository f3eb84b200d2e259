//! What lets us into a store. Never prints a secret.

use secrecy::{ExposeSecret, SecretString};

/// How to sign requests to S3. Without a key, opendal's chain is asked: environment, profile, web identity, instance metadata.
#[derive(Debug, Clone, Default)]
pub struct S3Credentials {
    /// `AWS_ACCESS_KEY_ID`.
    pub access_key_id: Option<String>,
    /// `AWS_SECRET_ACCESS_KEY`.
    pub secret_access_key: Option<SecretString>,
    /// `AWS_SESSION_TOKEN`.
    pub session_token: Option<SecretString>,
    /// `AWS_DEFAULT_REGION` or `AWS_REGION`; `us-east-1` when not given, as in restic.
    pub region: Option<String>,
}

/// Who we are to a REST server.
#[derive(Debug, Clone, Default)]
pub struct RestCredentials {
    /// `RESTIC_REST_USERNAME`.
    pub user: Option<String>,
    /// `RESTIC_REST_PASSWORD`.
    pub password: Option<SecretString>,
}

impl RestCredentials {
    pub(crate) fn is_empty(&self) -> bool {
        self.user.is_none() && self.password.is_none()
    }
}

impl PartialEq for RestCredentials {
    fn eq(&self, other: &Self) -> bool {
        let secret =
            |credentials: &Self| credentials.password.as_ref().map(|password| password.expose_secret().to_owned());
        self.user == other.user && secret(self) == secret(other)
    }
}

impl Eq for RestCredentials {}
