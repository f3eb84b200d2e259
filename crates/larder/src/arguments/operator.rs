//! How the operator is started.

use std::{net::SocketAddr, path::PathBuf, time::Duration};

use clap::{Args, ValueEnum};
use operator::{CertificateSource, Options, ServingOptions};

/// `operator`.
#[derive(Debug, Args)]
pub struct OperatorArguments {
    /// The operator's own image, which the pods that it makes run
    #[arg(long, env = "LARDER_IMAGE", value_name = "IMAGE")]
    image: String,
    /// Where metrics of sessions are pushed to; nowhere if nothing is said
    #[arg(long, env = "LARDER_PUSHGATEWAY_URL", value_name = "URL", default_value = "")]
    pushgateway_url: String,
    /// Sessions whose Jobs run at once; others wait
    #[arg(long, env = "LARDER_MAX_CONCURRENT_JOBS", value_name = "N", default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..))]
    max_concurrent_jobs: u32,
    /// Where /healthz, /readyz and /metrics are answered
    #[arg(long, env = "LARDER_LISTEN", value_name = "ADDRESS", default_value = "0.0.0.0:8080")]
    listen: SocketAddr,
    /// Keep the CustomResourceDefinitions those of this version
    #[arg(long, env = "LARDER_MANAGE_CRDS", value_name = "BOOL", default_value_t = true, action = clap::ArgAction::Set)]
    manage_crds: bool,
    /// Secrets of the operator's namespace for pulling images, which its pods in other namespaces need too
    #[arg(long, env = "LARDER_IMAGE_PULL_SECRETS", value_name = "NAMES", value_delimiter = ',')]
    image_pull_secrets: Vec<String>,
    /// Lease by which one of several replicas works
    #[arg(long, env = "LARDER_LEASE_NAME", value_name = "NAME", default_value = "larder-operator")]
    lease_name: String,
    /// Namespace of that lease, and of the operator
    #[arg(long, env = "POD_NAMESPACE", value_name = "NAMESPACE", alias = "namespace", default_value = "larder")]
    lease_namespace: String,
    /// Name that no other replica has
    #[arg(long, env = "POD_NAME", value_name = "NAME", default_value = "larder-operator")]
    pod_name: String,
    #[command(flatten)]
    serving: ServingArguments,
    /// How logs are written
    #[arg(long, env = "LARDER_LOG_FORMAT", value_name = "FORMAT", default_value = "json")]
    log_format: LogFormat,
}

/// What is served over TLS.
#[derive(Debug, Args)]
#[command(next_help_heading = "Served over TLS")]
struct ServingArguments {
    /// Serve the API for snapshots (repositories.stash.appscode.com)
    #[arg(long, env = "LARDER_SNAPSHOTS_API", value_name = "BOOL", default_value_t = false, action = clap::ArgAction::Set)]
    snapshots_api: bool,
    /// Answer the API server's question whether an object may be
    #[arg(long, env = "LARDER_WEBHOOK", value_name = "BOOL", default_value_t = false, action = clap::ArgAction::Set)]
    webhook: bool,
    /// Where both are served
    #[arg(long, env = "LARDER_SERVE", value_name = "ADDRESS", default_value = "0.0.0.0:8443")]
    serve: SocketAddr,
    /// Service by which the API server calls
    #[arg(long, env = "LARDER_SERVICE", value_name = "NAME", default_value = "larder")]
    service: String,
    /// Secret of the operator's namespace in which the serving certificate is kept; the operator makes and renews it
    #[arg(long, env = "LARDER_SERVING_SECRET", value_name = "NAME", default_value = "larder-serving")]
    serving_secret: String,
    /// How long each serving certificate lasts, such as 2160h
    #[arg(long, env = "LARDER_SERVING_LIFETIME", value_name = "TIME", default_value = "2160h", value_parser = lifetime)]
    serving_lifetime: Duration,
    /// Folder with tls.crt and tls.key that somebody else renews, in place of the Secret
    #[arg(long, env = "LARDER_SERVING_CERTIFICATE", value_name = "FOLDER")]
    serving_certificate: Option<PathBuf>,
}

/// Certificates of less are renewed all the time.
const SHORTEST_LIFETIME: Duration = Duration::from_secs(20);
/// Those of more are not renewed in anybody's time.
const LONGEST_LIFETIME: Duration = Duration::from_hours(10 * 365 * 24);

fn lifetime(text: &str) -> Result<Duration, String> {
    let lifetime = operator::tasks::duration(text)?;
    if (SHORTEST_LIFETIME..=LONGEST_LIFETIME).contains(&lifetime) {
        Ok(lifetime)
    } else {
        Err("it has to be between 20s and 87600h".to_owned())
    }
}

impl ServingArguments {
    fn options(self) -> Option<ServingOptions> {
        let Self { snapshots_api, webhook, serve, service, serving_secret, serving_lifetime, serving_certificate } =
            self;
        let own = CertificateSource::Own { secret: serving_secret, lifetime: serving_lifetime };
        (snapshots_api || webhook).then(|| ServingOptions {
            listen: serve,
            service,
            certificate: serving_certificate.map_or(own, CertificateSource::Folder),
            snapshots: snapshots_api,
            webhook,
        })
    }
}

/// How logs are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum LogFormat {
    /// One object a line
    Json,
    /// For people
    Text,
}

impl OperatorArguments {
    /// Whether logs are JSON.
    pub fn logs_json(&self) -> bool {
        self.log_format == LogFormat::Json
    }

    /// The options that were described.
    pub fn options(self) -> Options {
        Options {
            image: self.image,
            pushgateway_url: self.pushgateway_url,
            max_concurrent_jobs: usize::try_from(self.max_concurrent_jobs).unwrap_or(usize::MAX),
            listen: self.listen,
            manage_definitions: self.manage_crds,
            image_pull_secrets: self.image_pull_secrets.into_iter().filter(|name| !name.is_empty()).collect(),
            namespace: self.lease_namespace,
            lease: self.lease_name,
            pod: self.pod_name,
            serving: self.serving.options(),
        }
    }
}
