//! How to reach a cluster, and as whom.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::{Context as _, Result};
use clap::Args;
use elasticsearch::{Auth, Connection, Timeouts, Tls};
use secrecy::SecretString;
use url::Url;

use super::parse_time;
use crate::exit::Misused;

/// A cluster.
#[derive(Debug, Args)]
#[command(next_help_heading = "Cluster")]
pub struct ElasticsearchArguments {
    /// URL of the cluster; several nodes of one cluster are used in turn. May have a path
    #[arg(
        long = "elasticsearch",
        short = 'e',
        env = "LARDER_ELASTICSEARCH",
        hide_env_values = true,
        value_delimiter = ',',
        required = true,
        value_name = "URL"
    )]
    urls: Vec<String>,
    #[command(flatten)]
    pub credentials: CredentialArguments,
}

/// Who asks, and whom to trust.
#[derive(Debug, Args)]
#[command(next_help_heading = "Cluster")]
pub struct CredentialArguments {
    /// User; the password comes from --elasticsearch-password-file or LARDER_ELASTICSEARCH_PASSWORD
    #[arg(long, env = "LARDER_USER", value_name = "NAME")]
    user: Option<String>,
    /// File that holds the user's password
    #[arg(long, env = "LARDER_ELASTICSEARCH_PASSWORD_FILE", value_name = "FILE")]
    elasticsearch_password_file: Option<PathBuf>,
    /// File that holds an API key, as `id:key` or encoded
    #[arg(long, env = "LARDER_API_KEY_FILE", value_name = "FILE", conflicts_with_all = ["user", "bearer_token_file"])]
    api_key_file: Option<PathBuf>,
    /// File that holds a bearer token
    #[arg(long, env = "LARDER_BEARER_TOKEN_FILE", value_name = "FILE", conflicts_with = "user")]
    bearer_token_file: Option<PathBuf>,
    /// File with the certificates (PEM) of the authorities to trust, instead of the system's
    #[arg(long, env = "LARDER_CA_FILE", value_name = "FILE")]
    ca_file: Option<PathBuf>,
    /// File with our certificate (PEM)
    #[arg(long, env = "LARDER_CLIENT_CERT", value_name = "FILE", requires = "client_key")]
    client_cert: Option<PathBuf>,
    /// File with our certificate's key (PEM)
    #[arg(long, env = "LARDER_CLIENT_KEY", value_name = "FILE", requires = "client_cert")]
    client_key: Option<PathBuf>,
    /// Do not verify the server's certificate: anybody in between can read and change everything
    #[arg(long, env = "LARDER_INSECURE_SKIP_TLS_VERIFY", value_parser = clap::builder::FalseyValueParser::new())]
    insecure_skip_tls_verify: bool,
    /// Header to send with every request, as `Name: value`
    #[arg(long = "header", env = "LARDER_HEADER", hide_env_values = true, value_name = "HEADER")]
    headers: Vec<String>,
    /// How long one request may take, such as 30s
    #[arg(long, env = "LARDER_REQUEST_TIMEOUT", value_name = "TIME", default_value = "2m", value_parser = parse_patience)]
    request_timeout: Duration,
    /// How long to repeat what fails for reasons that may pass; documents that are restored are given three times as long
    #[arg(long, env = "LARDER_GIVE_UP_AFTER", value_name = "TIME", default_value = "4m", value_parser = parse_patience)]
    give_up_after: Duration,
}

impl ElasticsearchArguments {
    /// The connection that was described.
    pub fn connection(&self) -> Result<Connection> {
        self.credentials.connection(&self.urls, "--elasticsearch")
    }
}

impl CredentialArguments {
    /// The connection to `urls`, which `option` gave, with these credentials.
    pub fn connection(&self, urls: &[String], option: &str) -> Result<Connection> {
        let urls = urls.iter().map(|url| parse_url(url, option)).collect::<Result<_>>()?;
        let headers = self.headers.iter().map(|header| parse_header(header)).collect::<Result<_>>()?;
        let timeouts = Timeouts { request: self.request_timeout, give_up: self.give_up_after, ..Timeouts::default() };
        Ok(Connection { auth: self.auth()?, tls: self.tls()?, headers, timeouts, ..Connection::new(urls) })
    }

    fn auth(&self) -> Result<Auth> {
        if let Some(file) = &self.api_key_file {
            return Ok(Auth::ApiKey(secret_file(file, "--api-key-file")?));
        }
        if let Some(file) = &self.bearer_token_file {
            return Ok(Auth::Bearer(secret_file(file, "--bearer-token-file")?));
        }
        let Some(user) = &self.user else { return Ok(Auth::None) };
        let password = match (&self.elasticsearch_password_file, std::env::var("LARDER_ELASTICSEARCH_PASSWORD")) {
            (Some(file), _) => secret_file(file, "--elasticsearch-password-file")?,
            (None, Ok(password)) => password.into(),
            (None, Err(_)) => {
                let how = "--user needs --elasticsearch-password-file or LARDER_ELASTICSEARCH_PASSWORD";
                return Err(Misused(how.into()).into());
            }
        };
        Ok(Auth::Basic { user: user.clone(), password })
    }

    fn tls(&self) -> Result<Tls> {
        let read = |file: &Path, option: &str| {
            std::fs::read(file).with_context(|| format!("cannot read {option} {}", file.display()))
        };
        let ca = self.ca_file.as_deref().map(|file| read(file, "--ca-file")).transpose()?;
        let client = match (&self.client_cert, &self.client_key) {
            (Some(cert), Some(key)) => Some((read(cert, "--client-cert")?, secret_file(key, "--client-key")?)),
            _ => None,
        };
        Ok(Tls { ca, client, verify: !self.insecure_skip_tls_verify, ..Tls::default() })
    }
}

fn parse_patience(text: &str) -> Result<Duration, String> {
    let time = parse_time(text)?;
    if time.is_zero() { Err("must not be zero".to_owned()) } else { Ok(time) }
}

/// Not parsed by clap, which would repeat it in its complaint: it may hold a password.
fn parse_url(url: &str, option: &str) -> Result<Url> {
    url.parse().map_err(|error| Misused(format!("{option} must be a URL such as https://host:9200: {error}")).into())
}

fn parse_header(header: &str) -> Result<(String, SecretString)> {
    // The value may be a secret: it is not repeated.
    let parts = header.split_once(':').filter(|(name, _)| !name.trim().is_empty());
    let (name, value) = parts.ok_or_else(|| Misused("--header must be `Name: value`".into()))?;
    Ok((name.trim().to_owned(), value.trim().into()))
}

/// The content of a file without the line break at its end.
pub(super) fn secret_file(file: &Path, option: &str) -> Result<SecretString> {
    let text = std::fs::read_to_string(file).with_context(|| format!("cannot read {option} {}", file.display()))?;
    let secret = text.trim_end_matches(['\r', '\n']);
    if secret.is_empty() {
        return Err(Misused(format!("{option} {} is empty", file.display())).into());
    }
    Ok(secret.into())
}
