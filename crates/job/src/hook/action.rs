//! What a hook does, with its templates filled in and its port still to be found. Pure.

use api::hooks::{Exec, FormEntry, Hook, HttpGet, HttpPost, TcpSocket};
use k8s_openapi::{api::core::v1::HTTPHeader, apimachinery::pkg::util::intstr::IntOrString};

use super::summary::{Summary, TemplateError};

/// One thing to do.
#[derive(Debug, Clone, PartialEq)]
pub enum Action {
    /// A command in the target's pod.
    Exec(Vec<String>),
    /// A request over HTTP.
    Http(Request),
    /// A connection.
    Tcp {
        /// Whereto; the target's pod if there is none.
        host: Option<String>,
        /// At which port.
        port: IntOrString,
    },
}

/// A request.
#[derive(Debug, Clone, PartialEq)]
pub struct Request {
    /// Whether it is encrypted.
    pub https: bool,
    /// Whereto; the target's pod if there is none.
    pub host: Option<String>,
    /// At which port.
    pub port: IntOrString,
    /// With a query, beginning with a slash.
    pub path: String,
    /// Names and values.
    pub headers: Vec<(String, String)>,
    /// What is posted; none of a GET.
    pub body: Option<String>,
}

/// Why a hook cannot be run.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ActionError {
    /// It names nothing.
    #[error("{field} names none of exec, httpGet, httpPost and tcpSocket")]
    Nothing {
        /// Where it stands.
        field: String,
    },
    /// There is no command.
    #[error("{field}.exec.command is empty")]
    NoCommand {
        /// Where it stands.
        field: String,
    },
    /// It is neither HTTP nor HTTPS.
    #[error("{field}.scheme: {scheme:?} is neither HTTP nor HTTPS")]
    Scheme {
        /// Where it stands.
        field: String,
        /// What is written there.
        scheme: String,
    },
    /// A template says nothing.
    #[error(transparent)]
    Template(#[from] TemplateError),
}

const FORM: &str = "application/x-www-form-urlencoded";

/// What a hook does. Of several things the first counts, in the order of [`Hook`]'s fields, as under Stash.
///
/// # Errors
/// [`ActionError`], with the field's name.
pub fn action(field: &str, hook: &Hook, summary: &Summary) -> Result<Action, ActionError> {
    let Hook { exec, http_get, http_post, tcp_socket, container_name: _ } = hook;
    let fill = |at: &str, text: &str| summary.fill(&format!("{field}.{at}"), text);
    if let Some(Exec { command }) = exec {
        let command = command.as_deref().unwrap_or_default();
        if command.is_empty() {
            return Err(ActionError::NoCommand { field: field.to_owned() });
        }
        let filled = command.iter().enumerate().map(|(at, word)| fill(&format!("exec.command[{at}]"), word));
        return Ok(Action::Exec(filled.collect::<Result<_, _>>()?));
    }
    if let Some(HttpGet { host, port, path, scheme, http_headers }) = http_get {
        let target = (host.as_deref(), port, path.as_deref(), scheme.as_deref());
        return request(&format!("{field}.httpGet"), target, http_headers.as_deref(), None, summary).map(Action::Http);
    }
    if let Some(HttpPost { host, port, path, scheme, http_headers, body, form }) = http_post {
        let target = (host.as_deref(), port, path.as_deref(), scheme.as_deref());
        let (body, type_) = match form.as_deref().filter(|form| !form.is_empty()) {
            Some(form) if body.as_deref().unwrap_or_default().is_empty() => (posted(&fill, form)?, Some(FORM)),
            _ => (fill("httpPost.body", body.as_deref().unwrap_or_default())?, None),
        };
        let mut request = request(&format!("{field}.httpPost"), target, http_headers.as_deref(), Some(body), summary)?;
        let named = request.headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("content-type"));
        if let Some(type_) = type_.filter(|_| !named) {
            request.headers.push(("Content-Type".into(), type_.into()));
        }
        return Ok(Action::Http(request));
    }
    if let Some(TcpSocket { host, port }) = tcp_socket {
        let host = host.as_deref().filter(|host| !host.is_empty());
        let host = host.map(|host| fill("tcpSocket.host", host)).transpose()?;
        return Ok(Action::Tcp { host, port: port.clone() });
    }
    Err(ActionError::Nothing { field: field.to_owned() })
}

/// Host, port, path and scheme, as they are written.
type Target<'a> = (Option<&'a str>, &'a IntOrString, Option<&'a str>, Option<&'a str>);

fn request(
    field: &str,
    (host, port, path, scheme): Target<'_>,
    headers: Option<&[HTTPHeader]>,
    body: Option<String>,
    summary: &Summary,
) -> Result<Request, ActionError> {
    let fill = |at: &str, text: &str| summary.fill(&format!("{field}.{at}"), text);
    let https = match scheme.unwrap_or_default().to_ascii_uppercase().as_str() {
        "" | "HTTP" => false,
        "HTTPS" => true,
        _ => {
            let scheme = scheme.unwrap_or_default().to_owned();
            return Err(ActionError::Scheme { field: field.to_owned(), scheme });
        }
    };
    let host = host.filter(|host| !host.is_empty()).map(|host| fill("host", host)).transpose()?;
    let path = fill("path", path.unwrap_or_default())?;
    let path = if path.starts_with('/') { path } else { format!("/{path}") };
    let headers = headers.unwrap_or_default().iter().map(|header| {
        let value = fill(&format!("httpHeaders[{}]", header.name), &header.value)?;
        Ok((header.name.clone(), value))
    });
    let headers = headers.collect::<Result<Vec<_>, TemplateError>>()?;
    Ok(Request { https, host, port: port.clone(), path, headers, body })
}

fn posted(
    fill: &impl Fn(&str, &str) -> Result<String, TemplateError>,
    form: &[FormEntry],
) -> Result<String, TemplateError> {
    let mut pairs = url::form_urlencoded::Serializer::new(String::new());
    for (at, FormEntry { key, values }) in form.iter().enumerate() {
        for value in values.iter().flatten() {
            let value = fill(&format!("httpPost.form[{at}].values"), value)?;
            pairs.append_pair(key.as_deref().unwrap_or_default(), &value);
        }
    }
    Ok(pairs.finish())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn of(hook: serde_json::Value) -> Result<Action, String> {
        let hook: Hook = serde_json::from_value(hook).expect("a hook");
        let summary =
            Summary { name: "es-1".into(), phase: "Failed".into(), error: "a & b".into(), ..Summary::default() };
        action("spec.hooks.postBackup", &hook, &summary).map_err(|error| error.to_string())
    }

    #[test]
    fn a_hook_is_one_thing_with_its_templates_filled_in() {
        let exec = of(json!({ "exec": { "command": ["sh", "-c", "echo {{ .Name }}"] }, "tcpSocket": { "port": 1 } }));
        assert_eq!(exec, Ok(Action::Exec(vec!["sh".into(), "-c".into(), "echo es-1".into()])));
        let get = of(json!({ "httpGet": { "port": "http", "path": "x?y={{ .Status.Phase }}", "scheme": "HTTPS" } }));
        let Ok(Action::Http(get)) = get else { panic!("{get:?}") };
        assert_eq!((get.https, get.host, get.path.as_str(), get.body), (true, None, "/x?y=Failed", None));
        let post = of(json!({ "httpPost": { "host": "chat.example.net", "port": 443, "path": "/hook",
            "httpHeaders": [{ "name": "X-Session", "value": "{{ .Name }}" }],
            "form": [{ "key": "text", "values": ["{{ .Status.Error }}", "z"] }] } }));
        let Ok(Action::Http(post)) = post else { panic!("{post:?}") };
        assert_eq!(post.body.as_deref(), Some("text=a+%26+b&text=z"));
        let header = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        assert_eq!(post.headers, [header("X-Session", "es-1"), header("Content-Type", FORM)]);
        let tcp = of(json!({ "tcpSocket": { "port": "transport" } }));
        assert_eq!(tcp, Ok(Action::Tcp { host: None, port: IntOrString::String("transport".into()) }));
    }

    #[test]
    fn a_hook_that_cannot_be_run_names_its_field() {
        let cases = [
            (json!({}), "spec.hooks.postBackup names none of exec, httpGet, httpPost and tcpSocket"),
            (json!({ "exec": {} }), "spec.hooks.postBackup.exec.command is empty"),
            (
                json!({ "httpGet": { "port": 1, "scheme": "ftp" } }),
                "spec.hooks.postBackup.httpGet.scheme: \"ftp\" is neither HTTP nor HTTPS",
            ),
        ];
        for (hook, want) in cases {
            assert_eq!(of(hook), Err(want.to_owned()));
        }
    }
}
