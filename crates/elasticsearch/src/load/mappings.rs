//! Fits saved mappings to the server: with a type around them, or without. Decides only; what it has to change is
//! named, what it cannot fit is refused, and nothing else is touched.

use std::collections::BTreeSet;

use serde_json::value::RawValue;

use super::object::Object;

/// The type that servers before 7.0 get where the dump has none.
pub const DEFAULT_TYPE: &str = "_doc";

/// What stands at the root of a mapping without a type; everything else at the root is a type.
const ROOT: [&str; 25] = [
    "properties",
    "dynamic",
    "dynamic_templates",
    "dynamic_date_formats",
    "date_detection",
    "numeric_detection",
    "runtime",
    "derived",
    "enabled",
    "subobjects",
    "include_in_all",
    "transform",
    "data_stream_timestamp",
    "_source",
    "_routing",
    "_meta",
    "_all",
    "_field_names",
    "_size",
    "_parent",
    "_timestamp",
    "_ttl",
    "_data_stream_timestamp",
    "_doc_count",
    "_id",
];

/// Properties nested deeper than this are not compared: servers allow 20 levels by default.
const MAX_DEPTH: usize = 100;

/// Why saved mappings cannot be given to this server.
#[derive(Debug, thiserror::Error)]
pub enum MappingsError {
    /// Not the JSON that a server writes.
    #[error("the mappings are not a JSON object")]
    Json(#[from] serde_json::Error),
    /// Several types in one index ended with 6.0.
    #[error(
        "the index has the types {}, and this server takes one type an index at most: restore it into Elasticsearch 5.x, copy \
         each type into an index of its own there (_reindex with source.type), and save those", .types.join(", ")
    )]
    SeveralTypes {
        /// Their names.
        types: Vec<String>,
    },
    /// Parents of another type ended with 6.0.
    #[error(
        "the types {} have parents (_parent), which this server does not know: restore it into Elasticsearch 5.x, copy it into \
         an index with a join field there, and save that", .types.join(", ")
    )]
    Parents {
        /// The types whose documents have parents.
        types: Vec<String>,
    },
}

/// What kind of mappings a server takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Types {
    /// Several types an index (5.x).
    Several,
    /// One type an index (6.x).
    One,
    /// No types (7.0 and later, OpenSearch).
    None,
}

/// Mappings as the server takes them.
#[derive(Debug, Clone)]
pub struct Fitted {
    /// The value of `mappings` when the index is created.
    pub mappings: Box<RawValue>,
    /// The type of documents that do not name theirs, where the server has types.
    pub doc_type: Option<String>,
    /// What had to be changed.
    pub changes: Vec<String>,
}

/// Fits mappings, with or without types, to a server that takes `types`.
///
/// # Errors
/// [`MappingsError`] where they are no object, or hold parents or several types and the server cannot.
pub fn fit(saved: &RawValue, types: Types) -> Result<Fitted, MappingsError> {
    let mut saved = Object::parse(saved.get())?;
    let mut changes = Vec::new();
    if types != Types::Several && is_typed(&saved) && saved.remove("_default_").is_some() {
        changes.push("mapping _default_ is left out: the server has none".to_owned());
    }
    let names: Vec<String> =
        if is_typed(&saved) { saved.iter().map(|(name, _)| name.to_owned()).collect() } else { Vec::new() };
    let children = with_parents(&saved, &names);
    if types != Types::Several && !children.is_empty() {
        return Err(MappingsError::Parents { types: children });
    }
    match (types, names.as_slice()) {
        (Types::Several, _) | (Types::One, [_]) => {
            let doc_type = names.iter().find(|name| *name != "_default_").cloned();
            let mappings = if names.is_empty() { under_type(&saved) } else { saved.to_raw() };
            Ok(Fitted { mappings, doc_type: Some(doc_type.unwrap_or_else(|| DEFAULT_TYPE.to_owned())), changes })
        }
        (Types::One, []) => {
            Ok(Fitted { mappings: under_type(&saved), doc_type: Some(DEFAULT_TYPE.to_owned()), changes })
        }
        (Types::None, []) => Ok(Fitted { mappings: saved.to_raw(), doc_type: None, changes }),
        (Types::None, [name]) => {
            if name != DEFAULT_TYPE {
                changes.push(format!("type {name} is dropped: the server has no types"));
            }
            let mut inner = saved.object(name).unwrap_or_default();
            if inner.remove("_all").is_some() {
                changes.push("mapping parameter _all is left out: the server has none".to_owned());
            }
            Ok(Fitted { mappings: inner.to_raw(), doc_type: None, changes })
        }
        (_, _) => Err(MappingsError::SeveralTypes { types: names }),
    }
}

/// What the server puts into the mappings of a data stream's backing index. Elsewhere it has no meaning, and servers without data
/// streams do not know it.
const OF_STREAMS: &str = "_data_stream_timestamp";

/// The mappings without what belongs to a data stream, and whether there was such a thing.
pub fn without_stream(mappings: &RawValue) -> Result<(Box<RawValue>, bool), serde_json::Error> {
    let mut mappings = Object::parse(mappings.get())?;
    let removed = mappings.remove(OF_STREAMS).is_some();
    Ok((mappings.to_raw(), removed))
}

/// The types among `names` whose documents have parents.
fn with_parents(saved: &Object, names: &[String]) -> Vec<String> {
    let has = |name: &&String| saved.object(name).is_some_and(|mapping| mapping.get("_parent").is_some());
    names.iter().filter(has).cloned().collect()
}

/// A mapping whose root holds nothing but names that are no mapping parameter holds types.
pub(super) fn is_typed(mappings: &Object) -> bool {
    !mappings.is_empty()
        && mappings.iter().all(|(name, value)| {
            value.get().starts_with('{') && (!ROOT.contains(&name) || typed_root_name(name, value))
        })
}

/// A type may be called like a mapping parameter, `enabled` or `properties`: then its value is a mapping.
fn typed_root_name(name: &str, value: &RawValue) -> bool {
    !name.starts_with('_')
        && name != "properties"
        && Object::parse(value.get()).is_ok_and(|inner| inner.get("properties").is_some())
}

/// Nothing stays nothing: then the first document brings its own type.
fn under_type(mappings: &Object) -> Box<RawValue> {
    if mappings.is_empty() {
        return mappings.to_raw();
    }
    Object::from_iter([(DEFAULT_TYPE.to_owned(), mappings.to_raw())]).to_raw()
}

/// The fields (dotted names) that `effective` has beyond `saved`: they came from a template of the server.
pub fn beyond_saved(effective: &RawValue, saved: &RawValue) -> Vec<String> {
    let (effective, saved) = (fields(effective), fields(saved));
    effective.difference(&saved).cloned().collect()
}

/// The fields (dotted names) whose values are documents of their own.
pub fn nested_paths(mappings: &RawValue) -> Vec<String> {
    let mut paths = BTreeSet::new();
    walk(mappings, &mut |name, field| {
        if field.get("type").is_some_and(|kind| kind.get() == r#""nested""#) {
            paths.insert(name.to_owned());
        }
    });
    paths.into_iter().collect()
}

fn fields(mappings: &RawValue) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    walk(mappings, &mut |name, _| {
        names.insert(name.to_owned());
    });
    names
}

/// Shows each field of mappings, with types or without, by its dotted name.
fn walk(mappings: &RawValue, see: &mut impl FnMut(&str, &Object)) {
    let Ok(root) = Object::parse(mappings.get()) else { return };
    if is_typed(&root) {
        for (_, mapping) in root.iter() {
            properties(&Object::parse(mapping.get()).unwrap_or_default(), "", 0, see);
        }
    } else {
        properties(&root, "", 0, see);
    }
}

fn properties(mapping: &Object, path: &str, depth: usize, see: &mut impl FnMut(&str, &Object)) {
    if depth == MAX_DEPTH {
        return;
    }
    for part in ["properties", "fields"] {
        for (name, inner) in mapping.object(part).unwrap_or_default().iter() {
            let name = if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") };
            let Ok(field) = Object::parse(inner.get()) else { continue };
            properties(&field, &name, depth + 1, see);
            see(&name, &field);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn json(text: &str) -> Box<RawValue> {
        RawValue::from_string(text.to_owned()).expect("JSON")
    }

    #[test]
    fn mappings_get_and_lose_their_type_as_the_server_needs() {
        let plain = r#"{"dynamic":"strict","properties":{"n":{"type":"long"}}}"#;
        let typed = format!(r#"{{"_doc":{plain}}}"#);
        let named = format!(r#"{{"log":{plain}}}"#);
        let cases: [(&str, Types, &str, Option<&str>, usize); 11] = [
            (plain, Types::None, plain, None, 0),
            (&typed, Types::None, plain, None, 0),
            (&named, Types::None, plain, None, 1),
            (plain, Types::One, &typed, Some("_doc"), 0),
            (&typed, Types::One, &typed, Some("_doc"), 0),
            (&named, Types::One, &named, Some("log"), 0),
            (&named, Types::Several, &named, Some("log"), 0),
            ("{}", Types::None, "{}", None, 0),
            ("{}", Types::One, "{}", Some("_doc"), 0),
            (r#"{"enabled":{"properties":{}}}"#, Types::None, r#"{"properties":{}}"#, None, 1),
            (r#"{"_default_":{},"log":{"_all":{"enabled":false}}}"#, Types::None, "{}", None, 3),
        ];
        for (saved, types, mappings, doc_type, changes) in cases {
            let fitted = fit(&json(saved), types).expect("fits");
            assert_eq!(fitted.mappings.get(), mappings, "{saved} {types:?}");
            assert_eq!(fitted.doc_type.as_deref(), doc_type, "{saved} {types:?}");
            assert_eq!(fitted.changes.len(), changes, "{saved} {types:?} {:?}", fitted.changes);
        }
    }

    #[test]
    fn several_types_are_kept_where_they_can_be_and_refused_elsewhere() {
        let saved = json(r#"{"a":{"properties":{}},"b":{}}"#);
        assert_eq!(fit(&saved, Types::Several).expect("fits").mappings.get(), saved.get());
        for types in [Types::One, Types::None] {
            assert!(fit(&saved, types).is_err_and(|error| error.to_string().contains("types a, b")));
        }
    }

    #[test]
    fn parents_are_kept_where_they_can_be_and_refused_elsewhere() {
        let saved = json(
            r#"{"question":{},"answer":{"_parent":{"type":"question"},"_routing":{"required":true}},"vote":{"_parent":{"type":"answer"}}}"#,
        );
        assert_eq!(fit(&saved, Types::Several).expect("fits").mappings.get(), saved.get());
        for types in [Types::One, Types::None] {
            let error = fit(&saved, types).expect_err("refused").to_string();
            assert!(error.contains("types answer, vote have parents (_parent)"), "{error}");
        }
    }

    #[test]
    fn fields_of_templates_are_found_at_any_depth() {
        let saved = json(r#"{"_doc":{"properties":{"a":{"properties":{"b":{"type":"text"}}}}}}"#);
        let effective = json(
            r#"{"properties":{"a":{"properties":{"b":{"type":"text","fields":{"raw":{"type":"keyword"}}}}},"c":{"type":"long"}}}"#,
        );
        assert_eq!(beyond_saved(&effective, &saved), ["a.b.raw", "c"]);
        assert!(beyond_saved(&saved, &effective).is_empty());
    }

    #[test]
    fn nested_fields_are_found_below_others_and_below_types() {
        let plain = r#"{"properties":{"a":{"properties":{"b":{"type":"nested","properties":{"c":{"type":"nested"}}}}},"type":{"type":"keyword"}}}"#;
        for mappings in [plain.to_owned(), format!(r#"{{"doc":{plain}}}"#)] {
            assert_eq!(nested_paths(&json(&mappings)), ["a.b", "a.b.c"], "{mappings}");
        }
    }
}
