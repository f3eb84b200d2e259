//! Opens what a pod works on: the database that an AppBinding names, and the repository that a Secret opens.

use api::app_binding::SecretRef;
use elasticsearch::{Auth, Connection, Tls};
use repository::{Access, Location, S3Credentials};
use url::Url;

use crate::{
    binding::{self, BindingError, Keys},
    cluster::Cluster,
    error::JobError,
    store::{self, Place, Store},
};

/// Where the data goes or comes from: flags that backup, restore and `update-status` have in common.
#[derive(Debug, Clone)]
pub struct Backend {
    /// Where the repository lies.
    pub place: Place,
    /// The storage Secret's name.
    pub secret: String,
    /// The storage Secret's namespace.
    pub secret_namespace: String,
    /// Requests to the backend at once; 0 where nothing is said.
    pub max_connections: usize,
}

/// The database that an AppBinding names.
pub(crate) async fn database(
    cluster: &Cluster,
    namespace: &str,
    name: &str,
    headers: &[(String, String)],
) -> Result<Connection, JobError> {
    let spec = cluster.binding(namespace, name).await?;
    let field = |field: &str, why: String| BindingError::Field { name: name.to_owned(), field: field.to_owned(), why };
    let address = binding::address(name, namespace, &spec)?;
    // The address may hold a password: it is not repeated.
    let url: Url =
        address.parse().map_err(|error: url::ParseError| field("spec.clientConfig.url", error.to_string()))?;
    let mut connection = Connection::new(vec![url]);
    if let Some(secret) = named(spec.secret.as_ref()) {
        let keys = cluster.secret(namespace, secret).await?;
        let others = cluster.secrets_of_transforms(namespace, &spec).await?;
        let transforms = spec.secret_transforms.as_deref().unwrap_or_default();
        let keys = binding::transformed(name, keys, transforms, &others)?;
        let login = binding::login(secret, &keys)?;
        connection.auth = Auth::Basic { user: login.user, password: login.password.into() };
    }
    let config = &spec.client_config;
    let of_tls = match named(spec.tls_secret.as_ref()) {
        Some(secret) => Some((secret, cluster.secret(namespace, secret).await?)),
        None => None,
    };
    let bundle = config.ca_bundle.as_ref().map(|bundle| bundle.0.clone());
    let authority = of_tls.as_ref().and_then(|(_, keys)| keys.get("ca.crt").cloned());
    connection.tls = Tls {
        ca: bundle.filter(|pem| !pem.is_empty()).or_else(|| authority.filter(|pem| !pem.is_empty())),
        client: of_tls.map(|(secret, keys)| client_certificate(secret, &keys)).transpose()?,
        server_name: config.server_name.clone().filter(|name| !name.is_empty()),
        verify: config.insecure_skip_tls_verify != Some(true),
    };
    connection.headers = headers.iter().map(|(name, value)| (name.clone(), value.clone().into())).collect();
    Ok(connection)
}

/// The name of a Secret, where there is one.
fn named(secret: Option<&SecretRef>) -> Option<&str> {
    secret.and_then(|secret| secret.name.as_deref()).filter(|name| !name.is_empty())
}

/// As Kubernetes' own TLS Secrets have it.
fn client_certificate(secret: &str, keys: &Keys) -> Result<(Vec<u8>, secrecy::SecretString), JobError> {
    let missing = |key: &str| BindingError::NoKey { secret: secret.to_owned(), key: key.to_owned() };
    let certificate = keys.get("tls.crt").ok_or_else(|| missing("tls.crt"))?;
    let key = keys.get("tls.key").ok_or_else(|| missing("tls.key"))?;
    let key = String::from_utf8(key.clone())
        .map_err(|_| BindingError::NoText { secret: secret.to_owned(), key: "tls.key".into() })?;
    Ok((certificate.clone(), key.into()))
}

/// What opens the repository.
pub(crate) async fn repository(cluster: &Cluster, backend: &Backend, namespace: &str) -> Result<Access, JobError> {
    let keys = cluster.secret(&backend.secret_namespace, &backend.secret).await?;
    let mut access = access(store::store(&backend.place, &backend.secret, &keys)?, namespace)?;
    if let Some(connections) = std::num::NonZeroUsize::new(backend.max_connections) {
        access.connections = connections;
    }
    Ok(access)
}

/// What opens a repository, for somebody in `namespace`, who signs locks.
pub(crate) fn access(store: Store, namespace: &str) -> Result<Access, JobError> {
    let Store { location, password, variables, ca } = store;
    let location: Location = location.parse().map_err(|source| JobError::Repository { doing: "find", source })?;
    let mut access = Access::new(location, password.into());
    access.s3 = S3Credentials {
        access_key_id: variables.get("AWS_ACCESS_KEY_ID").cloned(),
        secret_access_key: variables.get("AWS_SECRET_ACCESS_KEY").cloned().map(Into::into),
        session_token: None,
        region: variables.get("AWS_DEFAULT_REGION").cloned(),
    };
    access.user = Some(store::signature(namespace));
    access.ca_certificate = ca.filter(|pem| !pem.is_empty());
    Ok(access)
}
