//! Which request gets which answer. Who asks for snapshots is known and allowed to before anything else is looked at.

use api::snapshot::{GROUP, KIND, PLURAL, VERSION};
use axum::{
    body::{Body, to_bytes},
    extract::Request,
    http::{HeaderMap, Method, Response, header::WARNING},
};
use serde_json::{Value, json};

use super::{
    cache::Cache,
    discovery,
    gather::{self, Question},
    object::{self, Shape},
    openapi,
    page::Place,
    selector::{FieldSelector, LabelSelector},
};
use crate::serving::{
    Access, Asked,
    answer::{Failure, json as answered, warning},
};

/// The longest body that is read: options of a removal.
const LONGEST_BODY: usize = 64 * 1024;

/// Answers a request.
pub(crate) async fn answer(cache: &Cache, access: &Access<'_>, request: Request) -> Response<Body> {
    let (head, body) = request.into_parts();
    let asked = Asked::of(&head.method, &head.uri, &head.headers);
    match route(cache, access, &asked, &head.headers, body).await {
        Ok(response) => response,
        Err(failure) => answered(failure.code, &failure.status(GROUP, PLURAL)),
    }
}

async fn route(
    cache: &Cache,
    access: &Access<'_>,
    asked: &Asked,
    headers: &HeaderMap,
    body: Body,
) -> Result<Response<Body>, Failure> {
    let parameters = asked.wanted().ok_or_else(|| Failure::new(406, "NotAcceptable", "only JSON is given"))?;
    let path: Vec<&str> = asked.path.iter().map(String::as_str).collect();
    if let Some(document) = document(&path, &parameters) {
        only(&asked.method, &[Method::GET])?;
        return Ok(answered(200, &document));
    }
    let ["apis", GROUP, VERSION, place @ ..] = path.as_slice() else { return Err(nothing()) };
    let shape = Shape::of(&parameters, asked.field("includeObject"));
    match *place {
        [PLURAL] => list(cache, access, asked, headers, "", shape).await,
        ["namespaces", namespace, PLURAL] => list(cache, access, asked, headers, namespace, shape).await,
        ["namespaces", namespace, PLURAL, name] if asked.method == Method::DELETE => {
            let who = access.allowed(headers, "delete", namespace, Some(name)).await?;
            remove(cache, access, asked, options(body).await?, &who, [namespace, name]).await
        }
        ["namespaces", namespace, PLURAL, name] => {
            only(&asked.method, &[Method::GET, Method::DELETE])?;
            access.allowed(headers, "get", namespace, Some(name)).await?;
            let (repository, state) = gather::find(cache, access.cluster, namespace, name).await?;
            Ok(answered(200, &object::one(&object::snapshot(&repository, &state), shape)))
        }
        _ => Err(nothing()),
    }
}

/// What is the same for everybody.
fn document(path: &[&str], parameters: &[(&str, &str)]) -> Option<Value> {
    let aggregated = || {
        let is = |name, value| parameters.contains(&(name, value));
        let version = parameters.iter().find(|(name, _)| *name == "v").map(|(_, value)| *value);
        let wanted = is("g", "apidiscovery.k8s.io") && is("as", "APIGroupDiscoveryList");
        version.filter(|version| wanted && matches!(*version, "v2" | "v2beta1"))
    };
    match path {
        ["apis"] => Some(aggregated().map_or_else(discovery::groups, discovery::aggregated)),
        ["apis", GROUP] => Some(discovery::group()),
        ["apis", GROUP, VERSION] => Some(discovery::resources()),
        ["openapi", "v2"] => Some(openapi::v2()),
        ["openapi", "v3"] => Some(openapi::index()),
        ["openapi", "v3", "apis", GROUP, VERSION] => Some(openapi::v3()),
        _ => None,
    }
}

async fn list(
    cache: &Cache,
    access: &Access<'_>,
    asked: &Asked,
    headers: &HeaderMap,
    namespace: &str,
    shape: Shape,
) -> Result<Response<Body>, Failure> {
    only(&asked.method, &[Method::GET])?;
    let watch = asked.field("watch").is_some_and(|value| matches!(value, "1" | "true"));
    access.allowed(headers, if watch { "watch" } else { "list" }, namespace, None).await?;
    if watch {
        let why = "snapshots cannot be watched: nobody tells when one comes or goes; list them again";
        return Err(Failure::new(405, "MethodNotAllowed", why));
    }
    let question = question(asked, namespace)?;
    let found = gather::list(cache, access.cluster, &question).await?;
    let snapshots: Vec<_> =
        found.snapshots.iter().map(|(repository, state)| object::snapshot(repository, state)).collect();
    let next = found.next.map(|place| place.mark());
    let mut response = answered(200, &object::list(&snapshots, next.as_deref(), shape));
    for text in &found.warnings {
        response.headers_mut().append(WARNING, warning(text));
    }
    Ok(response)
}

fn question(asked: &Asked, namespace: &str) -> Result<Question, Failure> {
    let bad = |why: String| Failure::new(400, "BadRequest", why);
    let limit = match asked.field("limit") {
        None | Some("0") => None,
        Some(limit) => Some(limit.parse().map_err(|_| bad(format!("limit={limit:?} is no number")))?),
    };
    let in_selector = |name: &'static str| move |why: String| bad(format!("{name}: {why}"));
    Ok(Question {
        namespace: namespace.to_owned(),
        labels: LabelSelector::parse(asked.field("labelSelector").unwrap_or_default())
            .map_err(in_selector("labelSelector"))?,
        fields: FieldSelector::parse(asked.field("fieldSelector").unwrap_or_default())
            .map_err(in_selector("fieldSelector"))?,
        limit,
        behind: asked.field("continue").map(Place::parse).transpose().map_err(bad)?,
    })
}

async fn remove(
    cache: &Cache,
    access: &Access<'_>,
    asked: &Asked,
    options: Value,
    who: &str,
    [namespace, name]: [&str; 2],
) -> Result<Response<Body>, Failure> {
    let (repository, state) = gather::find(cache, access.cluster, namespace, name).await?;
    if let Some(uid) = options.pointer("/preconditions/uid").and_then(Value::as_str)
        && uid != state.id
    {
        let why = format!("{name}: the uid is {}, and not {uid} as the precondition says", state.id);
        return Err(Failure::new(409, "Conflict", why).about(name));
    }
    let dry = asked.field("dryRun").is_some() || options["dryRun"].as_array().is_some_and(|all| !all.is_empty());
    if !dry {
        gather::forget(cache, access.cluster, &repository, &state).await.map_err(|failure| failure.about(name))?;
        tracing::info!(namespace, snapshot = name, id = state.id, user = who, "snapshot forgotten");
    }
    let details = json!({ "name": name, "group": GROUP, "kind": PLURAL, "uid": state.id });
    let status =
        json!({ "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "details": details });
    Ok(answered(200, &status))
}

/// The options in a body; none where it is empty.
async fn options(body: Body) -> Result<Value, Failure> {
    let bad = |why: String| Failure::new(400, "BadRequest", why);
    let body = to_bytes(body, LONGEST_BODY).await;
    let body = body.map_err(|error| bad(format!("cannot read the body: {error}")))?;
    if body.is_empty() {
        return Ok(Value::Null);
    }
    serde_json::from_slice(&body)
        .map_err(|error| Failure::new(415, "UnsupportedMediaType", format!("the body is no JSON: {error}")))
}

fn only(method: &Method, methods: &[Method]) -> Result<(), Failure> {
    if methods.contains(method) {
        return Ok(());
    }
    let why = format!("{KIND}s are what the backend holds: {method} is nothing that can be done here");
    Err(Failure::new(405, "MethodNotAllowed", why))
}

fn nothing() -> Failure {
    Failure::new(404, "NotFound", "the server could not find the requested resource")
}
