//! What a `--searchBody` may hold: the query that chooses documents. Nothing that would take a part of a document, or of those
//! that the query chooses: such a backup would pass for a whole one.

use std::collections::BTreeMap;

use serde_json::{Value, json, value::RawValue};

/// What concerns the answers that multielasticdump gets, and not the documents.
const WITHOUT_EFFECT: [&str; 4] = ["size", "from", "sort", "track_total_hits"];

/// What a search body means.
#[derive(Debug, Default)]
pub(super) struct SearchBody {
    /// The query, as it was written; `None` where it chooses every document.
    pub(super) query: Option<String>,
    /// Members that have no effect.
    pub(super) without_effect: Vec<String>,
}

/// Reads a search body.
///
/// # Errors
/// Why it cannot be used, in words.
pub(super) fn parse(text: &str) -> Result<SearchBody, String> {
    if text.starts_with('@') {
        return Err("a file cannot be read here; give the query itself".into());
    }
    let members: BTreeMap<String, &RawValue> =
        serde_json::from_str(text).map_err(|error| format!("it is no JSON object: {error}"))?;
    let mut body = SearchBody::default();
    for (name, value) in members {
        match name.as_str() {
            "query" => body.query = query(value)?,
            name if WITHOUT_EFFECT.contains(&name) => body.without_effect.push(name.to_owned()),
            name if asks_for_all(name, value) => {}
            name => return Err(format!("documents are saved whole, so that only `query` is honoured, not `{name}`")),
        }
    }
    Ok(body)
}

fn query(value: &RawValue) -> Result<Option<String>, String> {
    if !value.get().starts_with('{') {
        return Err("its `query` is no JSON object".into());
    }
    let is_everything = serde_json::from_str::<Value>(value.get()).is_ok_and(|query| query == json!({"match_all": {}}));
    Ok((!is_everything).then(|| value.get().to_owned()))
}

/// What multielasticdump asks for by itself.
fn asks_for_all(name: &str, value: &RawValue) -> bool {
    match name {
        "_source" => value.get() == "true",
        "fields" | "stored_fields" => serde_json::from_str::<Value>(value.get()).is_ok_and(|list| list == json!(["*"])),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_query_is_kept_as_it_was_written_and_everything_is_no_query() {
        for (text, query) in [
            (r#"{"query":{"term":{"n":9007199254740993.0}}}"#, Some(r#"{"term":{"n":9007199254740993.0}}"#)),
            (r#"{"query": { "match_all" : {} }, "stored_fields": ["*"], "_source": true}"#, None),
            (r#"{"query":{"match_all":{"boost":2}}}"#, Some(r#"{"match_all":{"boost":2}}"#)),
            (r#"{"fields":["*"]}"#, None),
            ("{}", None),
        ] {
            let body = parse(text).expect(text);
            assert_eq!(body.query.as_deref(), query, "{text}");
            assert!(body.without_effect.is_empty());
        }
        let body = parse(r#"{"size":10,"query":{"exists":{"field":"a"}},"from":0,"sort":["_doc"]}"#).expect("a body");
        assert_eq!(body.without_effect, ["from", "size", "sort"]);
    }

    #[test]
    fn what_would_take_a_part_is_refused_by_name() {
        for (text, named) in [
            (r#"{"_source":["a"]}"#, "`_source`"),
            (r#"{"_source":false,"query":{}}"#, "`_source`"),
            (r#"{"stored_fields":["a"]}"#, "`stored_fields`"),
            (r#"{"min_score":1}"#, "`min_score`"),
            (r#"{"terminate_after":1}"#, "`terminate_after`"),
            (r#"{"query":[]}"#, "its `query` is no JSON object"),
            (r#"{"query":null}"#, "its `query` is no JSON object"),
            ("[]", "it is no JSON object"),
            ("@/x.json", "a file cannot be read here"),
        ] {
            let why = parse(text).expect_err(text);
            assert!(why.contains(named), "{text}: {why}");
        }
    }
}
