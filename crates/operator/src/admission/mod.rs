//! Whether an object may be, as the API server asks before it keeps one: only what the definitions' own rules cannot say, in the words
//! in which the controllers say it as a condition. What cannot be judged may be: the controllers say it then.

mod judge;

use axum::{
    body::{Body, to_bytes},
    extract::Request,
    http::Response,
};
use serde_json::{Value, json};

use self::judge::{Refusal, Subject};
use crate::{
    cluster::{Cluster, look},
    serving::answer::{Failure, json as answered},
};

/// Where it is asked.
pub(crate) const PATH: &str = "/validate";
/// The longest question that is read. The API server takes objects of up to 3 MB, and may ask about two at once.
const LONGEST_BODY: usize = 8 * 1024 * 1024;

/// Answers an AdmissionReview.
pub(crate) async fn answer(cluster: &Cluster, request: Request) -> Response<Body> {
    let bad = |why: String| answered(400, &Failure::new(400, "BadRequest", why).status("", ""));
    let body = match to_bytes(request.into_body(), LONGEST_BODY).await {
        Ok(body) => body,
        Err(error) => return bad(format!("cannot read the body: {error}")),
    };
    let review: Value = match serde_json::from_slice(&body) {
        Ok(review) => review,
        Err(error) => return bad(format!("the body is no JSON: {error}")),
    };
    let Some(uid) = review.pointer("/request/uid").and_then(Value::as_str) else {
        return bad("request.uid: it is no AdmissionReview".into());
    };
    let refusal = match Subject::of(&review["request"]) {
        Some(subject) => look_at(&subject, cluster).await,
        None => None,
    };
    answered(200, &reviewed(uid, refusal.as_ref()))
}

async fn look_at(subject: &Subject, cluster: &Cluster) -> Option<Refusal> {
    if let Some(broken) = subject.broken() {
        return Some(broken);
    }
    let (namespace, name) = subject.repository()?;
    let looked = async {
        let repository = look(&cluster.namespaced::<api::Repository>(namespace), name).await?;
        Ok::<_, kube::Error>((repository, cluster.labels_of(&subject.namespace).await?))
    };
    match looked.await {
        Ok((repository, labels)) => subject.not_allowed(repository.found()?, &labels),
        Err(error) => {
            tracing::warn!(%error, "an object is let through without a look at its Repository");
            None
        }
    }
}

fn reviewed(uid: &str, refusal: Option<&Refusal>) -> Value {
    let mut response = json!({ "uid": uid, "allowed": refusal.is_none() });
    if let Some(Refusal { field, message }) = refusal {
        // Clients put the field before a cause's words themselves.
        let words = message.strip_prefix(&format!("{field}: ")).unwrap_or(message);
        let cause = json!({ "reason": "FieldValueInvalid", "field": field, "message": words });
        response["status"] = json!({
            "status": "Failure", "code": 422, "reason": "Invalid", "message": message, "details": { "causes": [cause] },
        });
    }
    json!({ "apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "response": response })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_names_the_field_once_for_clients_that_put_it_first() {
        let refusal = Refusal { field: "spec.rules[1]".into(), message: "spec.rules[1]: no".into() };
        let review = reviewed("u", Some(&refusal));
        let status = &review["response"]["status"];
        assert_eq!((&review["response"]["allowed"], &status["message"]), (&json!(false), &json!("spec.rules[1]: no")));
        assert_eq!(status["details"]["causes"][0]["message"], "no");
        assert_eq!(reviewed("u", None)["response"], json!({ "uid": "u", "allowed": true }));
    }
}
