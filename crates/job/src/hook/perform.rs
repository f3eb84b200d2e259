//! Does what a hook says, and tells what came of it.

use std::time::Duration;

use k8s_openapi::{api::core::v1::Pod, apimachinery::pkg::apis::meta::v1::Status};
use kube::api::AttachParams;
use reqwest::{Method, redirect::Policy};
use tokio::io::{AsyncRead, AsyncReadExt as _};

use super::{
    action::{Action, Request},
    place::{self, Place},
};
use crate::{cluster::Cluster, error::JobError};

/// How long a hook may take, as under Stash.
pub(crate) const PATIENCE: Duration = Duration::from_mins(5);

/// Of what a hook says, so many characters are told.
const TOLD: usize = 500;
/// And so many bytes are read: it may say something without end.
const READ: u64 = 64 * 1024;

/// Why a hook failed.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// It took too long.
    #[error("it did not end within {} s", PATIENCE.as_secs())]
    Late,
    /// The command failed.
    #[error("{command:?} in container {container} of pod {pod} failed: {why}{output}")]
    Command {
        /// Program and arguments.
        command: Vec<String>,
        /// The pod.
        pod: String,
        /// The container.
        container: String,
        /// The exit code, in Kubernetes' words.
        why: String,
        /// What it said.
        output: String,
    },
    /// The command cannot be run.
    #[error("cannot run a command in pod {pod}")]
    Exec {
        /// The pod.
        pod: String,
        /// Why.
        source: Box<kube::Error>,
    },
    /// Nobody answered.
    #[error("{method} {url}")]
    Unanswered {
        /// GET or POST.
        method: Method,
        /// Whereto.
        url: String,
        /// Why.
        source: reqwest::Error,
    },
    /// The answer is no success.
    #[error("{method} {url} was answered with {status}{output}")]
    Answer {
        /// GET or POST.
        method: Method,
        /// Whereto.
        url: String,
        /// The status.
        status: u16,
        /// What was said.
        output: String,
    },
    /// A header cannot be sent.
    #[error("httpHeaders: {name:?} cannot be sent")]
    Header {
        /// Its name.
        name: String,
    },
    /// There is no connection.
    #[error("cannot connect to {address}")]
    Tcp {
        /// Whereto.
        address: String,
        /// Why.
        source: std::io::Error,
    },
}

/// Does it, in the place or where it names a host.
pub(crate) async fn perform(
    cluster: &Cluster,
    namespace: &str,
    action: &Action,
    at: Option<&Place>,
) -> Result<(), JobError> {
    let doing = async {
        match action {
            Action::Exec(command) => {
                let place = at.expect("a command has a place");
                exec(cluster, namespace, command, place).await.map_err(JobError::from)
            }
            Action::Http(request) => {
                let port = place::number(&request.port, at.map(|at| &at.container))?;
                Ok(send(request, &host(request.host.as_deref(), at), port).await?)
            }
            Action::Tcp { host: named, port } => {
                let port = place::number(port, at.map(|at| &at.container))?;
                let address = format!("{}:{port}", host(named.as_deref(), at));
                let connected = tokio::net::TcpStream::connect(&address).await;
                connected.map_err(|source| Failure::Tcp { address, source })?;
                Ok(())
            }
        }
    };
    tokio::time::timeout(PATIENCE, doing).await.map_err(|_| Failure::Late)?
}

/// The host that is named, or the pod. An address of version 6 stands in brackets.
fn host(named: Option<&str>, at: Option<&Place>) -> String {
    let host = named.or_else(|| at.map(|at| at.address.as_str())).unwrap_or_default();
    if host.contains(':') && !host.starts_with('[') { format!("[{host}]") } else { host.to_owned() }
}

async fn exec(cluster: &Cluster, namespace: &str, command: &[String], at: &Place) -> Result<(), Failure> {
    let cannot = |source| Failure::Exec { pod: at.pod.clone(), source: Box::new(source) };
    let params = AttachParams::default().container(&at.container.name).stdout(true).stderr(true).stdin(false);
    let pods = cluster.api::<Pod>(namespace);
    let mut process = pods.exec(&at.pod, command, &params).await.map_err(cannot)?;
    let (out, err, status) = (process.stdout(), process.stderr(), process.take_status());
    let (out, err) = tokio::join!(read(out), read(err));
    let status = match status {
        Some(status) => status.await,
        None => None,
    };
    tracing::info!(pod = at.pod, ?command, stdout = out, stderr = err, "the hook's command has ended");
    match why_it_failed(status) {
        None => Ok(()),
        Some(why) => Err(Failure::Command {
            command: command.to_vec(),
            pod: at.pod.clone(),
            container: at.container.name.clone(),
            why,
            output: said(&if err.trim().is_empty() { out } else { err }),
        }),
    }
}

/// What is not told as a success is none.
fn why_it_failed(status: Option<Status>) -> Option<String> {
    let Some(status) = status else { return Some("nobody told how it ended".into()) };
    if status.status.as_deref() == Some("Success") {
        return None;
    }
    Some(status.message.or(status.reason).unwrap_or_else(|| "without a word".into()))
}

async fn read(from: Option<impl AsyncRead + Unpin>) -> String {
    let Some(mut from) = from else { return String::new() };
    let mut bytes = Vec::new();
    // What was read until it broke off is better than nothing; whether the command succeeded is told elsewhere.
    let _whole = (&mut from).take(READ).read_to_end(&mut bytes).await;
    let _rest = tokio::io::copy(&mut from, &mut tokio::io::sink()).await;
    String::from_utf8_lossy(&bytes).into_owned()
}

/// The end of what was said, behind a colon.
fn said(text: &str) -> String {
    let text = text.trim();
    let skipped = text.chars().count().saturating_sub(TOLD);
    let end: String = text.chars().skip(skipped).collect();
    match (end.is_empty(), skipped) {
        (true, _) => String::new(),
        (false, 0) => format!(": {end}"),
        (false, _) => format!(": …{end}"),
    }
}

/// A pod has no certificate for its address, so that is verified only where a host is named.
async fn send(request: &Request, host: &str, port: u16) -> Result<(), Failure> {
    let Request { https, host: named, port: _, path, headers, body } = request;
    let url = format!("{}://{host}:{port}{path}", if *https { "https" } else { "http" });
    let method = if body.is_some() { Method::POST } else { Method::GET };
    let unanswered = |source| Failure::Unanswered { method: method.clone(), url: url.clone(), source };
    let client = reqwest::Client::builder().redirect(Policy::none()).no_proxy();
    let client = client.tls_danger_accept_invalid_certs(named.is_none()).build().map_err(unanswered)?;
    let mut sent = client.request(method.clone(), &url);
    for (name, value) in headers {
        let sendable = (name.parse::<reqwest::header::HeaderName>(), value.parse::<reqwest::header::HeaderValue>());
        let (Ok(name), Ok(value)) = sendable else { return Err(Failure::Header { name: name.clone() }) };
        sent = sent.header(name, value);
    }
    if let Some(body) = body {
        sent = sent.body(body.clone());
    }
    let answer = sent.send().await.map_err(|source| unanswered(source.without_url()))?;
    let status = answer.status().as_u16();
    tracing::info!(%method, url, status, "the hook's request was answered");
    if (200..400).contains(&status) {
        return Ok(());
    }
    let text = answer.text().await.unwrap_or_default();
    Err(Failure::Answer { method, url, status, output: said(&text) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_of_what_was_said_is_told() {
        assert_eq!(said(" \n"), "");
        assert_eq!(said("no room\n"), ": no room");
        let long = said(&"x".repeat(TOLD + 1));
        assert_eq!((long.chars().count(), &long[..6]), (TOLD + 3, ": …x"));
    }

    #[test]
    fn only_what_is_told_as_success_is_one() {
        let status = |status: &str, message: Option<&str>| {
            Some(Status { status: Some(status.into()), message: message.map(Into::into), ..Status::default() })
        };
        assert_eq!(why_it_failed(status("Success", None)), None);
        assert_eq!(why_it_failed(status("Failure", Some("exit code 3"))).as_deref(), Some("exit code 3"));
        assert!(why_it_failed(status("Failure", None)).is_some() && why_it_failed(None).is_some());
    }
}
