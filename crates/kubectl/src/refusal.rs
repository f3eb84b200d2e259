//! What it means to a person that the API server did not do what was asked. Pure.

use api::labels;
use kube::Resource;

use crate::Error;

/// What a failure of the API server means to a person.
pub(crate) fn failed<K: Resource<DynamicType = ()>>(
    verb: &'static str,
    namespace: Option<&str>,
    name: &str,
    error: kube::Error,
) -> Error {
    let kind = K::kind(&()).into_owned();
    let answer = match error {
        kube::Error::Api(answer) => answer,
        source => {
            let name = [namespace.unwrap_or_default(), name].join("/");
            return Error::Object { verb, kind, name: name.trim_matches('/').to_owned(), source: Box::new(source) };
        }
    };
    // With a name in its details it is the object that is not there, not the kind.
    let of_object = answer.details.as_ref().is_some_and(|details| details.name == name && !name.is_empty());
    match answer.code {
        401 => Error::Unauthorized,
        403 if answer.message.contains(" cannot ") => Error::Forbidden {
            verb,
            resource: resource::<K>(),
            place: match namespace {
                Some(namespace) => format!(" in namespace {namespace}"),
                None if verb == "list" => " in all namespaces".to_owned(),
                None => String::new(),
            },
            remedy: if namespace.is_none() && verb == "list" {
                "name a namespace in which you may (-n), or ask for that right in all of them"
            } else {
                remedy::<K>()
            },
            answer: answer.message.clone(),
        },
        404 if of_object => {
            Error::Missing { kind, name: name.to_owned(), namespace: namespace.unwrap_or_default().to_owned() }
        }
        404 if !answer.message.contains("namespaces ") => {
            Error::UnknownKind { kind, api_version: K::api_version(&()).into_owned() }
        }
        _ => {
            let name = [namespace.unwrap_or_default(), name].join("/");
            let source = Box::new(kube::Error::Api(answer));
            Error::Object { verb, kind, name: name.trim_matches('/').to_owned(), source }
        }
    }
}

/// As rules of roles have it: `repositories.stash.appscode.com`.
fn resource<K: Resource<DynamicType = ()>>() -> String {
    let (plural, group) = (K::plural(&()), K::group(&()));
    if group.is_empty() { plural.into_owned() } else { format!("{plural}.{group}") }
}

/// Who may do that.
fn remedy<K: Resource<DynamicType = ()>>() -> &'static str {
    match K::group(&()).as_ref() {
        labels::GROUP | labels::CATALOG_GROUP => {
            "ask for the ClusterRole appscode:stash:edit, which Kubernetes' own roles edit and admin include"
        }
        "apps" => {
            "ask for the right to get Deployments of the operator's namespace, or do without: --image names the image"
        }
        _ => "ask for Kubernetes' own ClusterRole edit in that namespace",
    }
}

#[cfg(test)]
mod tests {
    use api::Repository;
    use serde_json::json;

    use super::*;

    fn answer(code: u16, message: &str, name: &str) -> kube::Error {
        let status = json!({"status": "Failure", "code": code, "message": message, "details": {"name": name}});
        kube::Error::Api(Box::new(serde_json::from_value(status).expect("a status")))
    }

    #[test]
    fn a_refusal_names_the_right_that_is_missing() {
        let message =
            r#"repositories.stash.appscode.com "r" is forbidden: User "u" cannot get resource "repositories""#;
        let text = failed::<Repository>("get", Some("ns"), "r", answer(403, message, "r")).to_string();
        assert!(text.starts_with("you may not get repositories.stash.appscode.com in namespace ns;"), "{text}");
        assert!(text.contains("appscode:stash:edit") && text.contains(r#"User "u""#), "{text}");
        // A quota or Pod Security refuses too, but no role helps.
        let quota = failed::<Repository>("create", Some("ns"), "r", answer(403, "exceeded quota", "r"));
        assert!(matches!(quota, Error::Object { .. }), "{quota}");
    }

    #[test]
    fn who_may_not_look_everywhere_is_told_to_name_a_namespace() {
        let message =
            r#"backupsessions.stash.appscode.com is forbidden: User "u" cannot list resource "backupsessions""#;
        let text = failed::<api::BackupSession>("list", None, "", answer(403, message, "")).to_string();
        assert!(text.contains("in all namespaces; name a namespace in which you may (-n)"), "{text}");
        let unknown = failed::<Repository>("get", Some("ns"), "r", answer(401, "Unauthorized", ""));
        assert!(matches!(unknown, Error::Unauthorized), "{unknown}");
    }

    #[test]
    fn what_is_not_there_is_told_from_what_nobody_knows() {
        let missing = failed::<Repository>("get", Some("ns"), "r", answer(404, "not found", "r")).to_string();
        assert_eq!(missing, "there is no Repository r in namespace ns");
        let unknown = failed::<Repository>("get", Some("ns"), "r", answer(404, "404 page not found", "")).to_string();
        assert!(
            unknown.contains("stash.appscode.com/v1alpha1") && unknown.contains("is Larder installed"),
            "{unknown}"
        );
    }
}
