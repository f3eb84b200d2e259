//! What newer servers refuse of mappings and analyzers that older ones took, and what they take in its place: where they name it,
//! and where it changes how documents are searched but none of them. Knows no server.

use serde_json::value::RawValue;

use super::{
    object::{Object, raw, scalar},
    settings::Settings,
};

/// Parameters of fields that say how a field is searched, and nothing of what a document holds.
const OF_FIELDS: [&str; 9] = [
    "include_in_all",
    "boost",
    "similarity",
    "tree",
    "tree_levels",
    "precision",
    "strategy",
    "distance_error_pct",
    "points_only",
];

/// The same at the root of a mapping.
const OF_ROOTS: [&str; 6] = ["_all", "include_in_all", "_field_names", "_timestamp", "_ttl", "_size"];

/// Parts of analyzers by the names that they had, and have now.
const RENAMED: [(&str, &str); 6] = [
    ("nGram", "ngram"),
    ("edgeNGram", "edge_ngram"),
    ("delimited_payload_filter", "delimited_payload"),
    ("htmlStrip", "html_strip"),
    ("PathHierarchy", "path_hierarchy"),
    ("uaxUrlEmail", "uax_url_email"),
];

/// Properties nested deeper than this are left as they are: servers allow 20 levels by default.
const MAX_DEPTH: usize = 100;

/// What is changed so that a server may take it.
#[derive(Debug, PartialEq, Eq)]
enum Concession {
    /// These parameters of fields are left out.
    Fields(Vec<&'static str>),
    /// These members of the root are left out.
    Root(Vec<&'static str>),
    /// The similarity `classic` gives way to the server's own.
    Classic,
    /// Fields of the type `string` become `text` or `keyword`.
    Strings,
    /// Analyzers get the new names of their parts, without those that did nothing.
    Analyzers,
}

/// Changes what a refusal with this reason names. Gives what was changed, in words; nothing where it is nothing that may be
/// changed, or where it was changed before.
pub fn concede(reason: &str, settings: &mut Settings, mappings: &mut Box<RawValue>) -> Vec<String> {
    match of(reason) {
        None => Vec::new(),
        Some(Concession::Fields(names)) => without_parameters(mappings, &names),
        Some(Concession::Root(names)) => without_members(mappings, &names),
        Some(Concession::Classic) => without_classic(settings, mappings),
        Some(Concession::Strings) => without_strings(mappings),
        Some(Concession::Analyzers) => renamed(settings),
    }
}

/// What a server's words ask for (read from Elasticsearch 6.8 to 9.5 and OpenSearch 1.3 to 3.8).
fn of(reason: &str) -> Option<Concession> {
    let asked =
        |names: Vec<&'static str>, make: fn(Vec<&'static str>) -> Concession| (!names.is_empty()).then(|| make(names));
    if reason.contains("Root mapping definition has unsupported parameters") {
        return asked(named_in(reason, &OF_ROOTS), Concession::Root);
    }
    if reason.contains("`_field_names` field has been deprecated and removed") {
        return Some(Concession::Root(vec!["_field_names"]));
    }
    if reason.contains("[classic] similarity") || reason.contains("Unknown Similarity type [classic]") {
        return Some(Concession::Classic);
    }
    if reason.contains("type [string] declared on field") {
        return Some(Concession::Strings);
    }
    if reason.contains("include_in_all] is not allowed") {
        return Some(Concession::Fields(vec!["include_in_all"]));
    }
    if reason.contains("nknown parameter [") || reason.contains("unsupported parameters:") {
        // The name of a field may be that of a parameter: only what stands first is meant.
        let what = reason.split_once("parameter").map_or("", |(_, what)| what);
        let what = what.split(" on mapper").next().unwrap_or(what);
        return asked(named_in(what, &OF_FIELDS), Concession::Fields);
    }
    // One after the other stands in one pair of brackets.
    if reason.contains("using deprecated parameters [") {
        let list = reason.split_once("using deprecated parameters [")?.1.split(']').next()?;
        let listed: Vec<&str> = list.split(", ").collect();
        return asked(OF_FIELDS.into_iter().filter(|name| listed.contains(name)).collect(), Concession::Fields);
    }
    let analysis = ["token filter", "tokenizer", "char filter", "Failed to build analyzers"];
    let wants_a_name =
        reason.contains("has been removed") || reason.contains("deprecated") || reason.contains("Failed to build");
    (wants_a_name && analysis.iter().any(|word| reason.contains(word))).then_some(Concession::Analyzers)
}

/// Those of `known` that stand in brackets, alone or before a value.
fn named_in(text: &str, known: &[&'static str]) -> Vec<&'static str> {
    let is_named = |name: &&str| text.contains(&format!("[{name}]")) || text.contains(&format!("[{name} : "));
    known.iter().copied().filter(is_named).collect()
}

/// Names of fields, as many as a line bears.
pub fn listing(fields: &[String]) -> String {
    const NAMED: usize = 5;
    let named = fields[..fields.len().min(NAMED)].join(", ");
    if fields.len() > NAMED { format!("{named} and {} more", fields.len() - NAMED) } else { named }
}

fn without_parameters(mappings: &mut Box<RawValue>, names: &[&str]) -> Vec<String> {
    let mut changes = Vec::new();
    for name in names {
        let mut fields = Vec::new();
        edit(mappings, &mut |path, field| {
            if field.remove(name).is_some() {
                fields.push(path.to_owned());
            }
        });
        if !fields.is_empty() {
            changes.push(format!("mapping parameter {name} is left out of {}: the server has none", listing(&fields)));
        }
    }
    changes
}

fn without_members(mappings: &mut Box<RawValue>, names: &[&str]) -> Vec<String> {
    let mut changes = Vec::new();
    let mut remove = |root: &mut Object| {
        for name in names.iter().filter(|name| root.remove(name).is_some()) {
            changes.push(format!("mapping parameter {name} is left out: the server has none"));
        }
    };
    roots(mappings, &mut remove);
    changes
}

fn without_classic(settings: &mut Settings, mappings: &mut Box<RawValue>) -> Vec<String> {
    const SIMILARITY: &str = "index.similarity.";
    let own: Vec<String> = settings
        .iter()
        .filter(|(_, value)| scalar(value) == "classic")
        .filter_map(|(name, _)| typed(name, SIMILARITY).map(str::to_owned))
        .collect();
    let mut changes = Vec::new();
    for name in &own {
        let prefix = format!("{SIMILARITY}{name}.");
        let members: Vec<String> =
            settings.iter().filter(|(name, _)| name.starts_with(&prefix)).map(|(name, _)| name.to_owned()).collect();
        for member in &members {
            settings.remove(member);
        }
        changes.push(format!("similarity {name} is left out: the server has no similarity classic"));
    }
    let mut fields = Vec::new();
    edit(mappings, &mut |path, field| {
        let similarity = field.get("similarity").map(scalar).unwrap_or_default();
        if similarity == "classic" || own.contains(&similarity) {
            field.remove("similarity");
            fields.push(path.to_owned());
        }
    });
    if !fields.is_empty() {
        changes.push(format!("similarity classic of {} becomes the server's own", listing(&fields)));
    }
    changes
}

/// As Elasticsearch 5 and 6 did it themselves with what 2.x had made.
fn without_strings(mappings: &mut Box<RawValue>) -> Vec<String> {
    let mut fields = Vec::new();
    edit(mappings, &mut |path, field| {
        if field.get("type").map(scalar).as_deref() != Some("string") {
            return;
        }
        let kind = match field.remove("index").as_deref().map(scalar).as_deref() {
            Some("not_analyzed") => "keyword",
            Some("no" | "false") => {
                field.set("index", raw(&false));
                "keyword"
            }
            _ => "text",
        };
        field.set("type", raw(kind));
        fields.push(format!("{path} ({kind})"));
    });
    if fields.is_empty() { fields } else { vec![format!("type string becomes text or keyword: {}", listing(&fields))] }
}

fn renamed(settings: &mut Settings) -> Vec<String> {
    const ANALYSIS: &str = "index.analysis.";
    let mut changes = Vec::new();
    let of_analysis: Vec<(String, Box<RawValue>)> = settings
        .iter()
        .filter(|(name, _)| name.starts_with(ANALYSIS))
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect();
    // Filters that the index defines as the one that did nothing.
    let idle: Vec<String> = of_analysis
        .iter()
        .filter(|(_, value)| scalar(value) == "standard")
        .filter_map(|(name, _)| typed(name, "index.analysis.filter.").map(str::to_owned))
        .collect();
    for (name, value) in &of_analysis {
        let idle_one = idle.iter().any(|filter| name.starts_with(&format!("index.analysis.filter.{filter}.")));
        if idle_one {
            settings.remove(name);
            changes.push(format!("setting {name} is left out: the token filter standard did nothing, and is gone"));
        } else if typed(name, ANALYSIS).is_some() {
            if let Some(new) = new_name(&scalar(value)) {
                settings.set(name, raw(new));
                changes.push(format!("setting {name} becomes {new}: the server knows {} by that name", scalar(value)));
            }
        } else if ["filter", "char_filter", "tokenizer"].iter().any(|end| name.ends_with(&format!(".{end}")))
            && let Some((list, changed)) = with_new_names(value, &idle)
        {
            settings.set(name, list);
            changes.push(format!("setting {name} has other names: {changed}"));
        }
    }
    changes
}

/// Of what below `prefix` a setting tells the type.
fn typed<'a>(name: &'a str, prefix: &str) -> Option<&'a str> {
    name.strip_prefix(prefix)?.strip_suffix(".type")
}

fn new_name(old: &str) -> Option<&'static str> {
    RENAMED.iter().find(|(known, _)| *known == old).map(|(_, new)| *new)
}

/// A list of parts of an analyzer, or one, with what was changed in it.
fn with_new_names(value: &RawValue, idle: &[String]) -> Option<(Box<RawValue>, String)> {
    let is_list = value.get().starts_with('[');
    let old: Vec<String> = if is_list { serde_json::from_str(value.get()).ok()? } else { vec![scalar(value)] };
    let (mut new, mut changes) = (Vec::new(), Vec::new());
    for part in old {
        if part == "standard" && is_list || idle.contains(&part) {
            changes.push(format!("without {part}"));
        } else if let Some(name) = new_name(&part) {
            changes.push(format!("{name} for {part}"));
            new.push(name.to_owned());
        } else {
            new.push(part);
        }
    }
    if changes.is_empty() {
        return None;
    }
    let value = if is_list { raw(&new) } else { raw(new.first()?) };
    Some((value, changes.join(", ")))
}

/// Shows the root of the mappings of each type, or of all.
fn roots(mappings: &mut Box<RawValue>, change: &mut impl FnMut(&mut Object)) {
    let Ok(mut root) = Object::parse(mappings.get()) else { return };
    if super::mappings::is_typed(&root) {
        let names: Vec<String> = root.iter().map(|(name, _)| name.to_owned()).collect();
        for name in names {
            let Some(mut inner) = root.object(&name) else { continue };
            change(&mut inner);
            root.set(name, inner.to_raw());
        }
    } else {
        change(&mut root);
    }
    *mappings = root.to_raw();
}

/// Shows each field of the mappings, and each that a dynamic template would make, by its dotted name.
fn edit(mappings: &mut Box<RawValue>, change: &mut impl FnMut(&str, &mut Object)) {
    roots(mappings, &mut |root| {
        within(root, "", 0, change);
        let Some(templates) = root.get("dynamic_templates") else { return };
        let Ok(mut templates) = serde_json::from_str::<Vec<Object>>(templates.get()) else { return };
        for template in &mut templates {
            let names: Vec<String> = template.iter().map(|(name, _)| name.to_owned()).collect();
            for name in names {
                let Some(mut rule) = template.object(&name) else { continue };
                let Some(mut field) = rule.object("mapping") else { continue };
                let path = format!("dynamic template {name}");
                within(&mut field, &path, 1, change);
                change(&path, &mut field);
                rule.set("mapping", field.to_raw());
                template.set(name, rule.to_raw());
            }
        }
        root.set("dynamic_templates", raw(&templates));
    });
}

fn within(mapping: &mut Object, path: &str, depth: usize, change: &mut impl FnMut(&str, &mut Object)) {
    if depth == MAX_DEPTH {
        return;
    }
    for part in ["properties", "fields"] {
        let Some(mut fields) = mapping.object(part) else { continue };
        let names: Vec<String> = fields.iter().map(|(name, _)| name.to_owned()).collect();
        for name in names {
            let Some(mut field) = fields.object(&name) else { continue };
            let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
            within(&mut field, &path, depth + 1, change);
            change(&path, &mut field);
            fields.set(name, field.to_raw());
        }
        mapping.set(part, fields.to_raw());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn json(text: &str) -> Box<RawValue> {
        RawValue::from_string(text.to_owned()).expect("JSON")
    }

    fn conceded(reason: &str, settings: &str, mappings: &str) -> (Vec<String>, String, String) {
        let (mut settings, mut mappings) = (Settings::parse(&json(settings)).expect("settings"), json(mappings));
        let changes = concede(reason, &mut settings, &mut mappings);
        assert_eq!(concede(reason, &mut settings, &mut mappings), Vec::<String>::new(), "{reason}: again and again");
        (changes, settings.to_raw().get().to_owned(), mappings.get().to_owned())
    }

    #[test]
    fn parameters_that_only_say_how_to_search_are_left_out_where_a_server_names_them() {
        let old = r#"{"properties":{"boost":{"type":"text","boost":2.0,"include_in_all":false},"g":{"properties":{"h":{"type":"keyword","boost":1e1}}}},"dynamic_templates":[{"d":{"match":"*","mapping":{"type":"text","include_in_all":true}}}]}"#;
        let reason = "Failed to parse mapping: Unknown parameter [boost] on mapper [include_in_all]";
        let (changes, _, mappings) = conceded(reason, "{}", old);
        assert_eq!(changes, ["mapping parameter boost is left out of boost, g.h: the server has none"]);
        assert!(!mappings.contains("boost\":2.0") && mappings.contains("include_in_all\":false"), "{mappings}");
        for reason in [
            "Failed to parse mapping [_doc]: unknown parameter [include_in_all] on mapper [f] of type [text]",
            "Mapping definition for [f] has unsupported parameters:  [include_in_all : false]",
            "[include_in_all] is not allowed for indices created on or after version 6.0.0 as [_all] is deprecated.",
        ] {
            let (changes, _, mappings) = conceded(reason, "{}", old);
            let expected =
                "mapping parameter include_in_all is left out of boost, dynamic template d: the server has none";
            assert_eq!(changes, [expected], "{reason}");
            assert!(mappings.contains("\"boost\":2.0") && mappings.contains("1e1"), "{mappings}");
        }
        let reason =
            "using deprecated parameters [tree, precision] in mapper [s] of type [geo_shape] is no longer allowed";
        let shape = r#"{"properties":{"s":{"type":"geo_shape","tree":"quadtree","precision":"1m"}}}"#;
        let (changes, _, mappings) = conceded(reason, "{}", shape);
        assert_eq!((changes.len(), mappings.as_str()), (2, r#"{"properties":{"s":{"type":"geo_shape"}}}"#));
    }

    #[test]
    fn members_of_the_root_are_left_out_with_types_and_without() {
        let reason = "Root mapping definition has unsupported parameters:  [_all : {enabled=false}]";
        for (old, new) in [
            (r#"{"_all":{"enabled":false},"properties":{}}"#, r#"{"properties":{}}"#),
            (r#"{"doc":{"_all":{"enabled":false},"properties":{}}}"#, r#"{"doc":{"properties":{}}}"#),
        ] {
            let (changes, _, mappings) = conceded(reason, "{}", old);
            assert_eq!(changes, ["mapping parameter _all is left out: the server has none"]);
            assert_eq!(mappings, new);
        }
    }

    #[test]
    fn strings_of_2_become_what_5_made_of_them() {
        let reason = "Failed to parse mapping [_doc]: No handler for type [string] declared on field [a]";
        let old = r#"{"properties":{"a":{"type":"string"},"b":{"type":"string","index":"not_analyzed","fields":{"c":{"type":"string","index":"no"}}}}}"#;
        let (changes, _, mappings) = conceded(reason, "{}", old);
        assert_eq!(changes, ["type string becomes text or keyword: a (text), b.c (keyword), b (keyword)"]);
        let new = r#"{"properties":{"a":{"type":"text"},"b":{"type":"keyword","fields":{"c":{"type":"keyword","index":false}}}}}"#;
        assert_eq!(mappings, new);
    }

    #[test]
    fn analyzers_get_the_new_names_of_their_parts() {
        let old = r#"{"index":{"analysis":{"filter":{"n":{"type":"nGram","min_gram":"2"},"idle":{"type":"standard"}},
            "tokenizer":{"t":{"type":"edgeNGram"}},"analyzer":{"a":{"tokenizer":"nGram","filter":["standard","idle","n","lowercase"]},
            "b":{"type":"standard","tokenizer":"standard"}}}}}"#;
        for reason in [
            "The [standard] token filter has been removed.",
            "Failed to build analyzers: [a]",
            "The [nGram] token filter name was deprecated in 6.4 and cannot be used in new indices. Please change the filter name to [ngram] instead.",
        ] {
            let (changes, settings, _) = conceded(reason, old, "{}");
            assert_eq!(changes.len(), 5, "{changes:?}");
            for part in [
                r#""index.analysis.filter.n.type":"ngram""#,
                r#""index.analysis.tokenizer.t.type":"edge_ngram""#,
                r#""index.analysis.analyzer.a.tokenizer":"ngram""#,
                r#""index.analysis.analyzer.a.filter":["n","lowercase"]"#,
                r#""index.analysis.analyzer.b.tokenizer":"standard""#,
                r#""index.analysis.analyzer.b.type":"standard""#,
            ] {
                assert!(settings.contains(part), "{part}: {settings}");
            }
        }
    }

    #[test]
    fn the_similarity_classic_gives_way() {
        let reason = "The [classic] similarity may not be used anymore. Please use the [BM25] similarity";
        let settings =
            r#"{"index":{"similarity":{"s":{"type":"classic","discount_overlaps":"true"},"d":{"type":"DFR"}}}}"#;
        let old = r#"{"properties":{"a":{"type":"text","similarity":"classic"},"b":{"type":"text","similarity":"s"},"c":{"type":"text","similarity":"d"}}}"#;
        let (changes, settings, mappings) = conceded(reason, settings, old);
        assert_eq!(changes.len(), 2, "{changes:?}");
        assert_eq!(settings, r#"{"index.similarity.d.type":"DFR"}"#);
        assert!(mappings.contains(r#""c":{"type":"text","similarity":"d"}"#) && !mappings.contains("classic"));
    }

    #[test]
    fn nothing_else_is_conceded() {
        for reason in [
            "Failed to parse mapping: No handler for type [geo_shape] declared on field [f]",
            "Failed to parse mapping: unknown parameter [null_value] on mapper [boost] of type [text]",
            "Invalid format: [YYYY]: Unknown pattern letter: Y",
            "Limit of total fields [1000] has been exceeded",
        ] {
            let old = r#"{"properties":{"boost":{"type":"text","boost":2.0}}}"#;
            let (changes, _, mappings) = conceded(reason, "{}", old);
            assert_eq!((changes, mappings.as_str()), (Vec::new(), old), "{reason}");
        }
    }
}
