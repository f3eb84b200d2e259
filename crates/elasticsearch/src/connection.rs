//! How to reach a server: addresses, credentials, trust, patience. Checks them once and makes the HTTP client of
//! them. Never prints a secret: credentials that came inside a URL are moved out of it here.

use std::{fmt, sync::Arc, time::Duration};

use base64::{Engine as _, engine::general_purpose::STANDARD as BASE64};
use percent_encoding::percent_decode_str;
use reqwest::{
    Certificate, Identity,
    dns::{Addrs, Name, Resolve, Resolving},
    header::{ACCEPT, AUTHORIZATION, HeaderMap, HeaderName, HeaderValue, USER_AGENT},
    redirect::Policy,
};
use secrecy::{ExposeSecret, SecretString};
use url::Url;

use crate::{
    direct::Direct,
    error::{Error, Result},
};

/// Connections kept open to one address between requests: as many as readers and loaders work side by side.
pub(crate) const IDLE_CONNECTIONS: usize = 32;

/// An idle connection is probed this often, so that one which a firewall forgot is noticed.
pub(crate) const KEEP_ALIVE: Duration = Duration::from_secs(30);

/// How to reach one cluster.
#[derive(Clone)]
pub struct Connection {
    /// Addresses of nodes of one cluster, each with an optional path prefix; requests are spread over them.
    pub urls: Vec<Url>,
    /// Who we are.
    pub auth: Auth,
    /// Whom we trust.
    pub tls: Tls,
    /// Headers sent with every request.
    pub headers: Vec<(String, SecretString)>,
    /// How patient we are.
    pub timeouts: Timeouts,
}

impl Connection {
    /// A connection to `urls` with nothing else set.
    pub fn new(urls: Vec<Url>) -> Self {
        Self { urls, auth: Auth::None, tls: Tls::default(), headers: Vec::new(), timeouts: Timeouts::default() }
    }

    /// Whether requests say who we are: by credentials, a certificate, or a header, which may be one that a proxy knows.
    pub(crate) fn has_login(&self) -> bool {
        let in_url = |url: &Url| !url.username().is_empty();
        let by_auth = !matches!(self.auth, Auth::None) || self.urls.iter().any(in_url);
        by_auth || self.tls.client.is_some() || !self.headers.is_empty()
    }
}

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connection")
            .field("urls", &self.urls.iter().map(origin).collect::<Vec<_>>())
            .field("auth", &self.auth)
            .field("tls", &self.tls)
            .field("headers", &self.headers)
            .field("timeouts", &self.timeouts)
            .finish()
    }
}

/// Who we are.
#[derive(Clone, Default)]
pub enum Auth {
    /// Nobody, unless a URL holds `user:password@`.
    #[default]
    None,
    /// HTTP basic authentication.
    Basic {
        /// The name.
        user: String,
        /// The password.
        password: SecretString,
    },
    /// An API key: `id:key`, or that in base64 as the server gives it as `encoded`.
    ApiKey(SecretString),
    /// A token.
    Bearer(SecretString),
}

impl fmt::Debug for Auth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::None => "None",
            Self::Basic { .. } => "Basic(***)",
            Self::ApiKey(_) => "ApiKey(***)",
            Self::Bearer(_) => "Bearer(***)",
        })
    }
}

/// Whom we trust.
#[derive(Clone)]
pub struct Tls {
    /// Authorities in PEM; if given, only these are trusted.
    pub ca: Option<Vec<u8>>,
    /// Our own certificate and its key in PEM.
    pub client: Option<(Vec<u8>, SecretString)>,
    /// The name that the server's certificate is verified for, where it is another than the address's host. Goes with one
    /// address.
    pub server_name: Option<String>,
    /// Whether the server's certificate is verified. Only a person can turn that off.
    pub verify: bool,
}

impl Default for Tls {
    fn default() -> Self {
        Self { ca: None, client: None, server_name: None, verify: true }
    }
}

impl fmt::Debug for Tls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (ca, client) = (self.ca.is_some(), self.client.is_some());
        write!(f, "Tls {{ ca: {ca}, client: {client}, verify: {} }}", self.verify)
    }
}

/// How patient we are.
#[derive(Debug, Clone, Copy)]
pub struct Timeouts {
    /// For a connection to come about.
    pub connect: Duration,
    /// For one request, from its first byte to the last byte of the answer. A request may bring its own.
    pub request: Duration,
    /// For a request that is repeated: all attempts and pauses together.
    pub give_up: Duration,
    /// The first pause before a request is repeated; later pauses double up to 50 times it.
    pub pause: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(10),
            // A page or a bulk of 15 MB takes seconds on a server that works; a stuck one must not take the night.
            request: Duration::from_mins(2),
            // Longer than a node's restart or a master's election (30-60 s), shorter than anybody's patience.
            give_up: Duration::from_mins(4),
            pause: Duration::from_millis(200),
        }
    }
}

/// Addresses without credentials, and the HTTP client that sends them along.
pub(crate) struct Prepared {
    pub(crate) http: reqwest::Client,
    /// For large answers; `None` where a proxy may stand in between.
    pub(crate) direct: Option<Direct>,
    pub(crate) urls: Vec<Url>,
}

/// Checks `connection` and makes the HTTP client.
///
/// # Errors
/// [`Error::Connection`] naming the part that cannot be used.
pub(crate) fn prepare(connection: Connection) -> Result<Prepared> {
    let Connection { urls, auth, tls, headers, timeouts } = connection;
    let (mut urls, in_urls) = addresses(urls)?;
    let auth = if matches!(auth, Auth::None) { in_urls } else { auth };
    let headers = standing_headers(&auth, headers)?;
    let direct = (!has_proxy()).then(|| Direct::new(headers.clone(), timeouts.connect));
    let mut builder = reqwest::Client::builder()
        .default_headers(headers)
        .redirect(Policy::none())
        .http1_only()
        .connect_timeout(timeouts.connect)
        .tcp_keepalive(KEEP_ALIVE)
        .tcp_nodelay(true)
        .pool_max_idle_per_host(IDLE_CONNECTIONS);
    if let Some(name) = &tls.server_name {
        builder = builder.dns_resolver(aliased(&mut urls, name)?);
    }
    if let Some(pem) = &tls.ca {
        builder = builder.tls_certs_only(authorities(pem)?);
    }
    if let Some((certificate, key)) = &tls.client {
        builder = builder.identity(identity(certificate, key)?);
    }
    if !tls.verify {
        tracing::warn!("the server's certificate is not verified: anybody in between can read and change everything");
        builder = builder.tls_danger_accept_invalid_certs(true);
    }
    let http = builder.build().map_err(|e| unusable("the TLS or proxy configuration", innermost(&e)))?;
    Ok(Prepared { http, direct, urls })
}

/// Puts the name that certificates are verified for in the address's place; the resolver that comes out still leads to the
/// address's host.
fn aliased(urls: &mut [Url], name: &str) -> Result<Arc<HostOfAlias>> {
    let what = format!("server name {name:?}");
    let [url] = urls else { return Err(unusable(&what, "it goes with one address only".into())) };
    let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']).to_owned();
    match url::Host::parse(name) {
        Ok(url::Host::Domain(_)) => {}
        _ => return Err(unusable(&what, "it is no name of a host".into())),
    }
    url.set_host(Some(name)).map_err(|error| unusable(&what, error.to_string()))?;
    Ok(Arc::new(HostOfAlias(host)))
}

/// Finds one host, whatever name is asked for.
struct HostOfAlias(String);

impl Resolve for HostOfAlias {
    fn resolve(&self, _: Name) -> Resolving {
        let host = self.0.clone();
        Box::pin(async move {
            let found: Vec<_> = tokio::net::lookup_host((host.as_str(), 0)).await?.collect();
            Ok(Box::new(found.into_iter()) as Addrs)
        })
    }
}

/// Whether the environment names a proxy for plain HTTP.
fn has_proxy() -> bool {
    ["http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"]
        .into_iter()
        .any(|name| std::env::var_os(name).is_some_and(|value| !value.is_empty()))
}

/// Takes credentials out of the URLs; the first that has any counts.
fn addresses(urls: Vec<Url>) -> Result<(Vec<Url>, Auth)> {
    if urls.is_empty() {
        return Err(unusable("the list of server addresses", "it is empty".into()));
    }
    let mut auth = Auth::None;
    let mut plain = Vec::with_capacity(urls.len());
    for mut url in urls {
        if matches!(auth, Auth::None) && !url.username().is_empty() {
            auth = Auth::Basic {
                user: decoded(url.username()),
                password: decoded(url.password().unwrap_or_default()).into(),
            };
        }
        let bare = url.set_username("").and_then(|()| url.set_password(None)).is_ok();
        if !bare || !matches!(url.scheme(), "http" | "https") {
            return Err(unusable("the server's address", format!("scheme {:?} is not http or https", url.scheme())));
        }
        if url.query().is_some() || url.fragment().is_some() {
            return Err(unusable(&format!("address {}", origin(&url)), "it has a query or a fragment".into()));
        }
        plain.push(url);
    }
    Ok((plain, auth))
}

fn decoded(text: &str) -> String {
    percent_decode_str(text).decode_utf8_lossy().into_owned()
}

/// What of a URL may be shown.
pub(crate) fn origin(url: &Url) -> String {
    let mut shown = url.clone();
    shown.set_query(None);
    // These fail only for addresses that cannot hold credentials in the first place.
    let _ = shown.set_username("");
    let _ = shown.set_password(None);
    shown.to_string()
}

fn standing_headers(auth: &Auth, headers: Vec<(String, SecretString)>) -> Result<HeaderMap> {
    let mut map = HeaderMap::new();
    map.insert(ACCEPT, HeaderValue::from_static("application/json"));
    map.insert(USER_AGENT, HeaderValue::from_static(concat!("larder/", env!("CARGO_PKG_VERSION"))));
    if let Some(value) = authorization(auth) {
        map.insert(AUTHORIZATION, sensitive("the credentials", &value)?);
    }
    for (name, value) in headers {
        let key = HeaderName::try_from(name.as_str())
            .map_err(|_| unusable(&format!("header {name:?}"), "it is no valid header name".into()))?;
        if matches!(key.as_str(), "host" | "content-length" | "content-type" | "transfer-encoding" | "accept-encoding")
        {
            return Err(unusable(&format!("header {name:?}"), "it is set by the request itself".into()));
        }
        map.insert(key, sensitive(&format!("the value of header {name:?}"), value.expose_secret())?);
    }
    Ok(map)
}

fn authorization(auth: &Auth) -> Option<String> {
    match auth {
        Auth::None => None,
        Auth::Basic { user, password } => {
            Some(format!("Basic {}", BASE64.encode(format!("{user}:{}", password.expose_secret()))))
        }
        Auth::ApiKey(key) if key.expose_secret().contains(':') => {
            Some(format!("ApiKey {}", BASE64.encode(key.expose_secret())))
        }
        Auth::ApiKey(key) => Some(format!("ApiKey {}", key.expose_secret())),
        Auth::Bearer(token) => Some(format!("Bearer {}", token.expose_secret())),
    }
}

fn sensitive(what: &str, value: &str) -> Result<HeaderValue> {
    let mut value = HeaderValue::from_str(value)
        .map_err(|_| unusable(what, "it holds a line break or another character that no header may hold".into()))?;
    value.set_sensitive(true);
    Ok(value)
}

fn authorities(pem: &[u8]) -> Result<Vec<Certificate>> {
    let found = Certificate::from_pem_bundle(pem).map_err(|e| unusable("the CA file", innermost(&e)))?;
    if found.is_empty() {
        return Err(unusable("the CA file", "it holds no certificate in PEM".into()));
    }
    Ok(found)
}

fn identity(certificate: &[u8], key: &SecretString) -> Result<Identity> {
    let both = [key.expose_secret().as_bytes(), b"\n", certificate].concat();
    Identity::from_pem(&both).map_err(|_| {
        unusable("the client certificate", "certificate and key must be PEM, the key without a password".into())
    })
}

fn unusable(what: &str, why: String) -> Error {
    Error::Connection { what: what.to_owned(), why }
}

/// The innermost cause says what happened; the outer ones only where.
pub(crate) fn innermost(error: &dyn std::error::Error) -> String {
    let mut cause = error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    cause.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with_url(url: &str) -> Connection {
        Connection::new(vec![Url::parse(url).expect("a URL")])
    }

    #[test]
    fn credentials_move_out_of_the_url() {
        let (urls, auth) = addresses(with_url("http://u%40x:p%3A%2Fw@h:9200/es/").urls).expect("addresses");
        assert_eq!(urls[0].as_str(), "http://h:9200/es/");
        let Auth::Basic { user, password } = auth else { panic!("{auth:?}") };
        assert_eq!((user.as_str(), password.expose_secret()), ("u@x", "p:/w"));
    }

    #[test]
    fn no_secret_is_printed() {
        let mut connection = with_url("http://u:hunter2@h:9200");
        connection.auth = Auth::Basic { user: "u".into(), password: "hunter2".into() };
        connection.headers = vec![("x-token".into(), "hunter2".into())];
        connection.tls.client = Some((Vec::new(), "hunter2".into()));
        assert!(!format!("{connection:?}").contains("hunter2"));
        for auth in [Auth::ApiKey("hunter2".into()), Auth::Bearer("hunter2".into())] {
            assert!(!format!("{auth:?}").contains("hunter2"));
        }
    }

    #[test]
    fn an_api_key_is_encoded_only_if_it_is_not_yet() {
        assert_eq!(authorization(&Auth::ApiKey("id:key".into())).as_deref(), Some("ApiKey aWQ6a2V5"));
        assert_eq!(authorization(&Auth::ApiKey("aWQ6a2V5".into())).as_deref(), Some("ApiKey aWQ6a2V5"));
    }

    #[test]
    fn what_cannot_be_used_is_named() {
        let cases = [
            (with_url("ftp://h"), "ftp"),
            (with_url("http://h/?pretty"), "query"),
            (Connection::new(Vec::new()), "empty"),
            (Connection { headers: vec![("b d".into(), "x".into())], ..with_url("http://h") }, "b d"),
            (Connection { auth: Auth::Bearer("a\nb".into()), ..with_url("http://h") }, "line break"),
            (Connection { tls: Tls { ca: Some(b"x".to_vec()), ..Tls::default() }, ..with_url("http://h") }, "CA file"),
        ];
        for (connection, named) in cases {
            let error = prepare(connection).err().expect("an error").to_string();
            assert!(error.contains(named), "{error}");
        }
    }
}
