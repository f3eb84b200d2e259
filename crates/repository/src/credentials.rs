//! What lets us into a store. Never prints a secret.

use secrecy::SecretString;

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
