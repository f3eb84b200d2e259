//! How the server's interfaces show each kind of definition, and what of it a PUT takes. Sends nothing.

use serde_json::value::RawValue;

use super::DefinitionKind;
use crate::load::object::{Object, raw};

/// Definitions by name, each as the server shows it.
pub(crate) type Shown = Vec<(String, Object)>;

/// What servers add to a definition that they show, and do not take back.
const SHOWN_ONLY: [&str; 4] = ["created_date", "created_date_millis", "modified_date", "modified_date_millis"];

/// The name of the one definition that the settings of a cluster are.
pub(super) const PERSISTENT: &str = "persistent";

/// Policies that Elasticsearch before 7.16 makes and does not mark as its own.
const UNMARKED: [&str; 12] = [
    "watch-history-ilm-policy",
    "ilm-history-ilm-policy",
    "slm-history-ilm-policy",
    "ml-size-based-ilm-policy",
    "logs",
    "metrics",
    "synthetics",
    "7-days-default",
    "30-days-default",
    "90-days-default",
    "180-days-default",
    "365-days-default",
];

/// The definitions in an answer to a GET of a kind, or of one of it by its name.
///
/// # Errors
/// Where it is no object.
pub(crate) fn entries(kind: DefinitionKind, name: Option<&str>, answer: &RawValue) -> Result<Shown, serde_json::Error> {
    let answer = Object::parse(answer.get())?;
    Ok(match (kind, name) {
        (DefinitionKind::ComponentTemplate, _) => {
            listed(&answer, "component_templates", "name", Some("component_template"))
        }
        (DefinitionKind::IndexTemplate, _) => listed(&answer, "index_templates", "name", Some("index_template")),
        (DefinitionKind::Transform, _) => listed(&answer, "transforms", "id", None),
        (DefinitionKind::EnrichPolicy, _) => enrich_policies(&answer),
        // Asked for by name, it stands by itself.
        (DefinitionKind::StatePolicy, Some(name)) => one(name, answer.object("policy")),
        (DefinitionKind::StatePolicy, None) => listed(&answer, "policies", "_id", Some("policy")),
        (DefinitionKind::Script, Some(name)) => one(name, answer.object("script")),
        (DefinitionKind::Script, None) => {
            let scripts = answer.object("metadata").and_then(|metadata| metadata.object("stored_scripts"));
            scripts_by_name(&scripts.unwrap_or_default())
        }
        (DefinitionKind::ClusterSettings, _) => {
            one(PERSISTENT, answer.object(PERSISTENT).filter(|settings| !settings.is_empty()))
        }
        _ => by_name(&answer),
    })
}

fn one(name: &str, shown: Option<Object>) -> Shown {
    shown.map(|shown| (name.to_owned(), shown)).into_iter().collect()
}

fn by_name(answer: &Object) -> Shown {
    answer.iter().filter_map(|(name, _)| Some((name.to_owned(), answer.object(name)?))).collect()
}

/// 5.x keeps each script twice, as NAME and as LANGUAGE#NAME; those of before 5.3 only as the latter.
fn scripts_by_name(scripts: &Object) -> Shown {
    let named = by_name(scripts).into_iter().filter_map(|(name, script)| match without_language(&name, &script) {
        Some(plain) if scripts.get(plain).is_some() => None,
        Some(plain) => Some((plain.to_owned(), script)),
        None => Some((name, script)),
    });
    named.collect()
}

/// Scripts of 5.x, as LANGUAGE#NAME, behind whose name is one of another language.
pub(super) fn hidden_scripts(scripts: &Object) -> impl Iterator<Item = &str> {
    scripts.iter().map(|(name, _)| name).filter(|name| {
        let script = scripts.object(name).unwrap_or_default();
        let plain = without_language(name, &script).and_then(|plain| scripts.object(plain));
        plain.is_some_and(|plain| text(&plain, "lang") != text(&script, "lang"))
    })
}

fn without_language<'a>(name: &'a str, script: &Object) -> Option<&'a str> {
    name.strip_prefix(&text(script, "lang")?)?.strip_prefix('#')
}

/// `{"LIST":[{"ID":"name","BODY":{…}}]}`; without a body, the entry is it.
fn listed(answer: &Object, list: &str, id: &str, body: Option<&str>) -> Shown {
    let entries = array(answer, list).into_iter();
    let named = entries.filter_map(|entry| {
        let name = text(&entry, id)?;
        Some((name, body.map_or(Some(entry.clone()), |body| entry.object(body))?))
    });
    named.collect()
}

/// `{"policies":[{"config":{"match":{"name":"name",…}}}]}`.
fn enrich_policies(answer: &Object) -> Shown {
    let policies = array(answer, "policies").into_iter().filter_map(|entry| entry.object("config"));
    let named = policies.filter_map(|config| {
        let (kind, _) = config.iter().next()?;
        Some((text(&config.object(kind)?, "name")?, config))
    });
    named.collect()
}

fn array(of: &Object, name: &str) -> Vec<Object> {
    of.get(name).and_then(|list| serde_json::from_str(list.get()).ok()).unwrap_or_default()
}

fn text(of: &Object, name: &str) -> Option<String> {
    of.get(name).and_then(|text| serde_json::from_str(text.get()).ok())
}

/// What a PUT takes of what is shown.
pub(crate) fn body(kind: DefinitionKind, mut shown: Object) -> Object {
    match kind {
        DefinitionKind::Script => {
            if shown.object("options").is_some_and(|options| options.is_empty()) {
                shown.remove("options");
            }
            wrapped("script", &shown)
        }
        DefinitionKind::LifecyclePolicy => wrapped("policy", &shown.object("policy").unwrap_or_default()),
        DefinitionKind::SnapshotPolicy => shown.object("policy").unwrap_or_default(),
        DefinitionKind::StatePolicy => wrapped("policy", &state_policy(shown)),
        DefinitionKind::EnrichPolicy => {
            let kinds = shown.iter().filter_map(|(kind, _)| Some((kind.to_owned(), shown.object(kind)?)));
            let nameless = kinds.map(|(kind, mut policy)| {
                policy.remove("name");
                (kind, policy.to_raw())
            });
            nameless.collect()
        }
        DefinitionKind::ClusterSettings => wrapped(PERSISTENT, &shown),
        _ => {
            strip(kind, &mut shown);
            shown
        }
    }
}

/// Takes away what a PUT does not take. What was saved by another version may hold it.
pub(crate) fn strip(kind: DefinitionKind, body: &mut Object) {
    shown_only(kind).iter().for_each(|name| drop(body.remove(name)));
}

fn shown_only(kind: DefinitionKind) -> &'static [&'static str] {
    match kind {
        DefinitionKind::Transform => &["id", "version", "create_time", "authorization"],
        DefinitionKind::Role => &["transient_metadata"],
        kind if kind.is_open_search_security() => &["reserved", "hidden", "static"],
        _ => &SHOWN_ONLY,
    }
}

fn wrapped(name: &str, inner: &Object) -> Object {
    std::iter::once((name.to_owned(), inner.to_raw())).collect()
}

fn state_policy(mut policy: Object) -> Object {
    for name in ["policy_id", "last_updated_time", "schema_version"] {
        policy.remove(name);
    }
    let templates = array(&policy, "ism_template");
    if !templates.is_empty() {
        let timeless = templates.into_iter().map(|mut template| {
            template.remove("last_updated_time");
            template
        });
        policy.set("ism_template", raw(&timeless.collect::<Vec<_>>()));
    }
    // It shows what there is not, too.
    let empty: Vec<String> =
        policy.iter().filter(|(_, value)| value.get() == "null").map(|(name, _)| name.to_owned()).collect();
    empty.iter().for_each(|name| drop(policy.remove(name)));
    policy
}

/// Whether a definition is the server's own: its name begins with a dot, or it is marked.
pub(crate) fn is_system(kind: DefinitionKind, name: &str, shown: &Object) -> bool {
    let is = |of: &Object, member: &str| of.get(member).is_some_and(|value| value.get() == "true");
    let managed = |of: &Object| of.object("_meta").is_some_and(|meta| is(&meta, "managed"));
    let marked = managed(shown) || shown.object("policy").is_some_and(|policy| managed(&policy));
    let reserved = match kind {
        DefinitionKind::LifecyclePolicy => UNMARKED.contains(&name),
        DefinitionKind::Role | DefinitionKind::RoleMapping => {
            shown.object("metadata").is_some_and(|metadata| is(&metadata, "_reserved"))
        }
        kind => kind.is_open_search_security() && ["reserved", "hidden", "static"].iter().any(|of| is(shown, of)),
    };
    name.starts_with('.') || marked || reserved
}

#[cfg(test)]
mod tests {
    use super::*;

    fn put_of(kind: DefinitionKind, name: Option<&str>, answer: &str) -> Vec<(String, String)> {
        let answer = RawValue::from_string(answer.to_owned()).expect("JSON");
        let shown = entries(kind, name, &answer).expect("an object");
        shown.into_iter().map(|(name, shown)| (name, body(kind, shown).to_raw().get().to_owned())).collect()
    }

    /// As Elasticsearch 8.19 and OpenSearch 2.19 document their answers, shortened.
    #[test]
    fn each_kind_is_taken_as_a_put_wants_it() {
        use DefinitionKind::{
            ClusterSettings, EnrichPolicy, LifecyclePolicy, Role, Script, SnapshotPolicy, StatePolicy, Transform,
        };
        let cases = [
            (
                Script,
                None,
                r#"{"metadata":{"stored_scripts":{"painless#p":{"lang":"painless","source":"1.0","options":{}},"p":{"lang":"painless","source":"1.0","options":{}}}}}"#,
                r#"{"script":{"lang":"painless","source":"1.0"}}"#,
            ),
            (
                Script,
                None,
                r#"{"metadata":{"stored_scripts":{"painless#p":{"lang":"painless","source":"1.0"}}}}"#,
                r#"{"script":{"lang":"painless","source":"1.0"}}"#,
            ),
            (
                Script,
                Some("p"),
                r#"{"_id":"p","found":true,"script":{"lang":"painless","source":"1.0"}}"#,
                r#"{"script":{"lang":"painless","source":"1.0"}}"#,
            ),
            (
                LifecyclePolicy,
                None,
                r#"{"p":{"version":3,"modified_date":"x","policy":{"phases":{"hot":{"min_age":"0ms"}}},"in_use_by":{}}}"#,
                r#"{"policy":{"phases":{"hot":{"min_age":"0ms"}}}}"#,
            ),
            (
                SnapshotPolicy,
                None,
                r#"{"p":{"version":1,"policy":{"name":"<s-{now/d}>","schedule":"0 1 * * * ?"},"next_execution":"x","stats":{}}}"#,
                r#"{"name":"<s-{now/d}>","schedule":"0 1 * * * ?"}"#,
            ),
            (
                StatePolicy,
                None,
                r#"{"policies":[{"_id":"p","_seq_no":7,"_primary_term":1,"policy":{"policy_id":"p","description":"d","last_updated_time":1,"schema_version":21,"error_notification":null,"default_state":"hot","states":[],"ism_template":[{"index_patterns":["l*"],"priority":1,"last_updated_time":2}]}}],"total_policies":1}"#,
                r#"{"policy":{"description":"d","default_state":"hot","states":[],"ism_template":[{"index_patterns":["l*"],"priority":1}]}}"#,
            ),
            (
                StatePolicy,
                Some("p"),
                r#"{"_id":"p","_version":1,"policy":{"policy_id":"p","states":[],"ism_template":null}}"#,
                r#"{"policy":{"states":[]}}"#,
            ),
            (
                EnrichPolicy,
                None,
                r#"{"policies":[{"config":{"match":{"name":"p","indices":["u"],"match_field":"e","enrich_fields":["f"]}}}]}"#,
                r#"{"match":{"indices":["u"],"match_field":"e","enrich_fields":["f"]}}"#,
            ),
            (
                Transform,
                None,
                r#"{"count":1,"transforms":[{"id":"p","version":"8.0.0","create_time":1,"authorization":{},"source":{"index":["a"]},"dest":{"index":"b"}}]}"#,
                r#"{"source":{"index":["a"]},"dest":{"index":"b"}}"#,
            ),
            (
                Role,
                None,
                r#"{"p":{"cluster":["all"],"transient_metadata":{"enabled":true}}}"#,
                r#"{"cluster":["all"]}"#,
            ),
            (
                DefinitionKind::OpenSearchRole,
                None,
                r#"{"p":{"reserved":false,"hidden":false,"static":false,"cluster_permissions":["a"]}}"#,
                r#"{"cluster_permissions":["a"]}"#,
            ),
        ];
        for (kind, name, answer, body) in cases {
            assert_eq!(put_of(kind, name, answer), [("p".to_owned(), body.to_owned())], "{kind:?}");
        }
        let settings = r#"{"persistent":{"action":{"auto_create_index":"false"}},"transient":{"a":"b"}}"#;
        let persistent = r#"{"persistent":{"action":{"auto_create_index":"false"}}}"#;
        assert_eq!(put_of(ClusterSettings, None, settings), [(PERSISTENT.to_owned(), persistent.to_owned())]);
        assert_eq!(put_of(ClusterSettings, None, r#"{"persistent":{},"transient":{}}"#), []);
    }

    #[test]
    fn the_servers_own_definitions_are_marked() {
        use DefinitionKind::{IndexTemplate, LifecyclePolicy, OpenSearchRole, Role};
        for (kind, name, shown, system) in [
            (IndexTemplate, "mine", r#"{"_meta":{"owner":"me"}}"#, false),
            (IndexTemplate, "mine", r#"{"_meta":{"managed":"yes"}}"#, false),
            (IndexTemplate, ".monitoring-es", "{}", true),
            (IndexTemplate, "logs", r#"{"priority":100,"_meta":{"managed":true}}"#, true),
            (LifecyclePolicy, "logs", r#"{"policy":{"phases":{}}}"#, true),
            (LifecyclePolicy, "mine", r#"{"policy":{"phases":{}}}"#, false),
            (LifecyclePolicy, "fleet", r#"{"policy":{"_meta":{"managed":true}}}"#, true),
            (Role, "mine", r#"{"metadata":{}}"#, false),
            (Role, "superuser", r#"{"metadata":{"_reserved":true}}"#, true),
            (OpenSearchRole, "mine", r#"{"reserved":false,"hidden":false,"static":false}"#, false),
            (OpenSearchRole, "all_access", r#"{"reserved":true,"hidden":false,"static":true}"#, true),
        ] {
            assert_eq!(is_system(kind, name, &Object::parse(shown).expect("an object")), system, "{name}");
        }
    }
}
