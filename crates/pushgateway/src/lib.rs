//! Pushes metrics to a Prometheus Pushgateway. Knows no metric, and never waits long: a gateway that is down harms nobody.

use std::time::Duration;

use http::{Method, Request, Uri, header::CONTENT_TYPE};
use kube::{Client, Config};

/// How long one push may take.
const PATIENCE: Duration = Duration::from_secs(5);

/// A Pushgateway. kube's client is the HTTP client here, so that there is no second one.
pub struct Pushgateway {
    client: Client,
    base: String,
}

impl Pushgateway {
    /// The one at `url`, such as `http://larder.larder.svc:56789`.
    ///
    /// # Errors
    /// Where it is no URL.
    pub fn new(url: &str) -> Result<Self, String> {
        let base = url.trim_end_matches('/').to_owned();
        let uri: Uri = base.parse().map_err(|error| format!("the Pushgateway's URL {url:?} is none: {error}"))?;
        if uri.host().is_none() || uri.scheme().is_none() {
            return Err(format!("the Pushgateway's URL {url:?} is none such as http://larder.larder.svc:56789"));
        }
        let mut config = Config::new(uri);
        (config.connect_timeout, config.read_timeout, config.write_timeout) =
            (Some(PATIENCE), Some(PATIENCE), Some(PATIENCE));
        let client = Client::try_from(config).map_err(|error| format!("the Pushgateway's URL {url:?}: {error}"))?;
        Ok(Self { client, base })
    }

    /// Adds metrics, in Prometheus's text format, to those of their job; values of the same name and labels are replaced.
    ///
    /// # Errors
    /// Why they are not there.
    pub async fn push(&self, job: &str, text: String) -> Result<(), String> {
        self.ask(Method::POST, job, text).await
    }

    /// Removes all metrics of a job; there may be none.
    ///
    /// # Errors
    /// Why they may still be there.
    pub async fn forget(&self, job: &str) -> Result<(), String> {
        self.ask(Method::DELETE, job, String::new()).await
    }

    async fn ask(&self, method: Method, job: &str, text: String) -> Result<(), String> {
        let request = Request::builder()
            .method(method)
            .uri(format!("/metrics/job/{job}"))
            .header(CONTENT_TYPE, "text/plain; version=0.0.4")
            .body(text.into_bytes())
            .map_err(|error| format!("job {job:?}: {error}"))?;
        match tokio::time::timeout(PATIENCE, self.client.request_text(request)).await {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(error)) => Err(format!("{}: {}", self.base, innermost(&error))),
            Err(_) => Err(format!("{}: no answer within {} s", self.base, PATIENCE.as_secs())),
        }
    }
}

/// The innermost cause says what happened.
fn innermost(error: &dyn std::error::Error) -> String {
    let mut cause = error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    cause.to_string()
}
