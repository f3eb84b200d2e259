//! Kinds of definitions that no server of the lab has (policies, transforms), as documented: what a server shows, a new one is
//! given, and what replacing one takes.

use elasticsearch::{
    Client, Definition, DefinitionKind, Error,
    load::{LoadError, LoadOptions, Loader, OnConflict, Put, Standing},
};
use serde_json::{Value, json, value::RawValue};

use crate::support::{ROOT_7_14, Reply, Seen, Server};

const ROOT_OPENSEARCH: &str = r#"{"name":"n","cluster_name":"fake","cluster_uuid":"u","version":{"distribution":"opensearch","number":"2.19.1","build_hash":"h"},"tagline":"The OpenSearch Project: https://opensearch.org/"}"#;

/// What servers say where nothing answers such a path.
const NO_HANDLER: &str = r#"{"error":"no handler found for uri [/x] and method [GET]"}"#;

const FORBIDDEN: &str = r#"{"error":{"type":"security_exception","reason":"action [cluster:admin/ilm/get] is unauthorized for user [b]"},"status":403}"#;

/// A server that knows what `shown` gives for a `METHOD /path?query`, and takes every PUT and DELETE.
async fn server(root: &'static str, shown: impl Fn(&str) -> Option<Reply> + Send + Sync + 'static) -> Server {
    Server::start(move |seen: &Seen| match (seen.method.as_str(), seen.target.as_str()) {
        ("GET", "/") => Reply::json(200, root),
        ("GET", target) => shown(target).unwrap_or_else(|| Reply::json(400, NO_HANDLER)),
        _ => Reply::json(200, r#"{"acknowledged":true}"#),
    })
    .await
}

fn of_elasticsearch(target: &str) -> Option<Reply> {
    let body = match target.split('?').next()? {
        "/_ilm/policy" => json!({
            "hot": { "version": 3, "modified_date": "x", "policy": { "phases": { "hot": { "min_age": "0ms" } } } },
            "own": { "version": 1, "policy": { "phases": {}, "_meta": { "managed": true } } },
        }),
        "/_slm/policy" => {
            json!({ "nightly": { "version": 1, "policy": { "name": "<n-{now/d}>", "repository": "r" } } })
        }
        "/_enrich/policy" => json!({ "policies": [
            { "config": { "match": { "name": "users", "indices": ["u"], "match_field": "e", "enrich_fields": ["f"] } } },
        ] }),
        "/_transform" => json!({ "count": 1, "transforms": [
            { "id": "pivot", "version": "7.14.0", "create_time": 1, "source": { "index": ["a"] }, "dest": { "index": "b" } },
        ] }),
        "/_cluster/state/metadata" => json!({ "cluster_name": "c", "metadata": {
            "cluster_uuid": "u", "indices": {}, "repositories": { "s3": { "type": "s3" } },
            "stored_scripts": { "score": { "lang": "painless", "source": "1.0" } },
        } }),
        _ => return None,
    };
    Some(Reply::json(200, body.to_string()))
}

const OF_ELASTICSEARCH: [DefinitionKind; 5] = [
    DefinitionKind::Script,
    DefinitionKind::LifecyclePolicy,
    DefinitionKind::SnapshotPolicy,
    DefinitionKind::EnrichPolicy,
    DefinitionKind::Transform,
];

fn loader(client: Client) -> Loader {
    Loader::new(client, LoadOptions::default())
}

fn sent(server: &Server, method: &str) -> Vec<(String, Value)> {
    let seen = server.seen().into_iter().filter(|seen| seen.method == method);
    seen.map(|seen| (seen.target, serde_json::from_slice(&seen.body).unwrap_or(Value::Null))).collect()
}

#[tokio::test]
async fn what_one_server_shows_another_is_given() {
    let (from, to) = (server(ROOT_7_14, of_elasticsearch).await, server(ROOT_7_14, |_| None).await);
    let survey = from.client().await.survey(&OF_ELASTICSEARCH).await.expect("a survey");
    assert_eq!(survey.not_saved, ["snapshot repository s3"]);
    let loader = loader(to.client().await);
    for definition in survey.definitions.iter().filter(|definition| !definition.system) {
        assert_eq!(loader.put_definition(definition, OnConflict::Fail).await.expect("put").0, Put::Created);
    }
    let expected = [
        ("/_scripts/score", json!({ "script": { "lang": "painless", "source": "1.0" } })),
        ("/_ilm/policy/hot", json!({ "policy": { "phases": { "hot": { "min_age": "0ms" } } } })),
        ("/_slm/policy/nightly", json!({ "name": "<n-{now/d}>", "repository": "r" })),
        ("/_enrich/policy/users", json!({ "match": { "indices": ["u"], "match_field": "e", "enrich_fields": ["f"] } })),
        ("/_transform/pivot?defer_validation=true", json!({ "source": { "index": ["a"] }, "dest": { "index": "b" } })),
    ];
    assert_eq!(sent(&to, "PUT"), expected.map(|(path, body)| (path.to_owned(), body)));
    loader.execute_enrich_policy("users").await.expect("executed");
    assert_eq!(to.count("PUT /_enrich/policy/users/_execute"), 1);
}

#[tokio::test]
async fn what_is_there_is_compared_and_replaced_as_each_kind_wants_it() {
    let from = server(ROOT_7_14, of_elasticsearch).await;
    let definitions = from.client().await.definitions(&OF_ELASTICSEARCH).await.expect("definitions");
    // Asked for by name, it answers as for all; of scripts each stands by itself.
    let to = server(ROOT_7_14, |target| match target {
        "/_scripts/score" => {
            Some(Reply::json(200, r#"{"_id":"score","found":true,"script":{"lang":"painless","source":"1.0"}}"#))
        }
        target => of_elasticsearch(&target[..target.rfind('/').unwrap_or_default()]),
    })
    .await;
    let loader = loader(to.client().await);
    for definition in definitions.iter().filter(|definition| !definition.system) {
        assert_eq!(loader.standing(definition).await.expect("compared"), Standing::Same, "{}", definition.name);
        let other = Definition { body: raw(&json!({ "other": 1 })), ..definition.clone() };
        let refused = loader.put_definition(&other, OnConflict::Fail).await;
        assert!(matches!(refused, Err(LoadError::Exists { .. })), "{refused:?}");
        assert_eq!(loader.put_definition(&other, OnConflict::Skip).await.expect("skipped").0, Put::Skipped);
        assert_eq!(loader.put_definition(&other, OnConflict::Overwrite).await.expect("put").0, Put::Replaced);
    }
    let deleted: Vec<String> = sent(&to, "DELETE").into_iter().map(|(path, _)| path).collect();
    assert_eq!(deleted, ["/_enrich/policy/users", "/_transform/pivot?force=true"], "neither can be put over another");
    assert_eq!(sent(&to, "PUT").len(), 5);
}

#[tokio::test]
async fn an_index_state_policy_is_replaced_by_one_that_names_what_it_replaces() {
    let policy =
        r#"{"policy_id":"warm","last_updated_time":1,"schema_version":21,"error_notification":null,"states":[]}"#;
    let to = server(ROOT_OPENSEARCH, move |target| match target {
        "/_plugins/_ism/policies?size=1000&from=0" => Some(Reply::json(
            200,
            format!(r#"{{"policies":[{{"_id":"warm","_seq_no":7,"_primary_term":2,"policy":{policy}}}],"total_policies":1}}"#),
        )),
        "/_plugins/_ism/policies/warm" => Some(Reply::json(
            200,
            format!(r#"{{"_id":"warm","_version":3,"_seq_no":7,"_primary_term":2,"policy":{policy}}}"#),
        )),
        _ => None,
    })
    .await;
    let client = to.client().await;
    let all = client.definitions(&[DefinitionKind::StatePolicy]).await.expect("definitions");
    assert_eq!((all.len(), all[0].name.as_str(), all[0].body.get()), (1, "warm", r#"{"policy":{"states":[]}}"#));
    let loader = loader(client);
    assert_eq!(loader.standing(&all[0]).await.expect("compared"), Standing::Same);
    let other = Definition { body: raw(&json!({ "policy": { "states": [1] } })), ..all[0].clone() };
    assert_eq!(loader.put_definition(&other, OnConflict::Overwrite).await.expect("put").0, Put::Replaced);
    let put = sent(&to, "PUT");
    assert_eq!(put[0].0, "/_plugins/_ism/policies/warm?if_seq_no=7&if_primary_term=2");
}

#[tokio::test]
async fn many_are_asked_for_page_by_page() {
    let page = |from: usize, count: usize| {
        let transforms: Vec<Value> = (from..from + count).map(|n| json!({ "id": format!("t{n}") })).collect();
        Some(Reply::json(200, json!({ "count": 1003, "transforms": transforms }).to_string()))
    };
    let server = server(ROOT_7_14, move |target| match target {
        "/_transform?size=1000&from=0" => page(0, 1000),
        "/_transform?size=1000&from=1000" => page(1000, 3),
        _ => None,
    })
    .await;
    let all = server.client().await.definitions(&[DefinitionKind::Transform]).await.expect("definitions");
    assert_eq!((all.len(), all[1002].name.as_str()), (1003, "t1002"));
}

#[tokio::test]
async fn what_a_login_may_not_see_is_named_unless_an_index_may_need_it() {
    let server = server(ROOT_7_14, |target| match target {
        "/_ilm/policy" | "/_template" => Some(Reply::json(403, FORBIDDEN)),
        target => of_elasticsearch(target),
    })
    .await;
    let client = server.client().await;
    let survey = client.survey(&OF_ELASTICSEARCH).await.expect("a survey");
    assert_eq!(survey.definitions.len(), 4);
    assert!(
        survey.not_saved[0].starts_with("lifecycle policies: ") && survey.not_saved[0].contains("unauthorized"),
        "{:?}",
        survey.not_saved
    );
    let refused = client.survey(&[DefinitionKind::LegacyTemplate]).await;
    assert!(matches!(refused, Err(Error::Refused { status: 403, .. })), "{refused:?}");
}

#[tokio::test]
async fn a_server_without_the_module_has_none_and_takes_none() {
    let server = Server::start(|seen: &Seen| match seen.line().as_str() {
        "GET /" => Reply::json(200, ROOT_7_14),
        _ => Reply::json(400, NO_HANDLER),
    })
    .await;
    let client = server.client().await;
    let policies = [DefinitionKind::LifecyclePolicy, DefinitionKind::StatePolicy, DefinitionKind::Transform];
    assert_eq!(client.definitions(&policies).await.expect("none").len(), 0);
    let definition = Definition {
        kind: DefinitionKind::LifecyclePolicy,
        name: "hot".into(),
        body: raw(&json!({ "policy": {} })),
        system: false,
    };
    let refused = loader(client).put_definition(&definition, OnConflict::Fail).await;
    assert!(matches!(refused, Err(LoadError::Unknown { .. })), "{refused:?}");
}

/// It is not the module that is absent.
#[tokio::test]
async fn a_policy_that_refers_to_nothing_is_refused_not_unknown() {
    let server = Server::start(|seen: &Seen| match seen.line().as_str() {
        "GET /" => Reply::json(200, ROOT_7_14),
        "GET /_enrich/policy/users" => Reply::json(200, r#"{"policies":[]}"#),
        _ => Reply::json(
            404,
            r#"{"error":{"type":"index_not_found_exception","reason":"no such index [users]"},"status":404}"#,
        ),
    })
    .await;
    let definition = Definition {
        kind: DefinitionKind::EnrichPolicy,
        name: "users".into(),
        body: raw(&json!({ "match": { "indices": "users", "match_field": "email", "enrich_fields": ["name"] } })),
        system: false,
    };
    let refused = loader(server.client().await).put_definition(&definition, OnConflict::Fail).await;
    let Err(LoadError::Server { source, .. }) = refused else { panic!("{refused:?}") };
    assert!(source.to_string().contains("no such index [users]"), "{source}");
}

fn raw(value: &Value) -> Box<RawValue> {
    RawValue::from_string(value.to_string()).expect("JSON")
}
