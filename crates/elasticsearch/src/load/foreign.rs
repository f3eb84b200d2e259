//! The files beside multielasticdump's data: settings, mapping, alias, template, analyzer. Reads what any version of
//! it wrote, and writes what all of them read. Only turns bytes into definitions and back; opens no file.
//!
//! multielasticdump writes most of them as a JSON string that holds JSON, the mapping as an object, and nothing (0
//! bytes) where there was nothing; it loads them in the same forms only. All are one line.

use serde::de::Error as _;
use serde_json::value::RawValue;

use super::{
    fate::without_server_owned,
    object::{Object, raw},
    settings::{Settings, SettingsError},
};
use crate::definitions::{Definition, DefinitionKind, is_system};

/// JSON in a string in a string…: nobody wraps it more often.
const MAX_WRAPS: usize = 3;

/// Why such a file cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum ForeignError {
    /// No JSON, or a string that holds none.
    #[error("the {kind} of index {index} is no JSON: {source}")]
    Json {
        /// `settings`, `mapping` and the like.
        kind: &'static str,
        /// The index whose file it is.
        index: String,
        /// Where it is wrong.
        source: serde_json::Error,
    },
    /// Other members than multielasticdump writes.
    #[error("the {kind} of index {index} lacks `{member}`")]
    Lacks {
        /// `settings`, `mapping` and the like.
        kind: &'static str,
        /// The index whose file it is.
        index: String,
        /// What should be there.
        member: String,
    },
    /// Settings that no server writes.
    #[error("the {kind} of index {index}: {source}")]
    Settings {
        /// `settings`, `mapping` and the like.
        kind: &'static str,
        /// The index whose file it is.
        index: String,
        /// What is wrong with them.
        source: SettingsError,
    },
}

type Result<T, E = ForeignError> = std::result::Result<T, E>;

/// The settings in `INDEX.settings.json`, as [`super::Loader::create_index`] takes them; `None` for an empty file.
///
/// # Errors
/// [`ForeignError`].
pub fn parse_settings(file: &[u8], index: &str) -> Result<Option<Box<RawValue>>> {
    part("settings", "settings", file, index)
}

/// The mappings in `INDEX.mapping.json`, with or without types; `None` for an empty file.
///
/// # Errors
/// [`ForeignError`].
pub fn parse_mapping(file: &[u8], index: &str) -> Result<Option<Box<RawValue>>> {
    part("mapping", "mappings", file, index)
}

/// The aliases in `INDEX.alias.json`, as [`super::Loader::put_aliases`] takes them; `None` for an empty file.
///
/// # Errors
/// [`ForeignError`].
pub fn parse_alias(file: &[u8], index: &str) -> Result<Option<Box<RawValue>>> {
    part("alias", "aliases", file, index)
}

/// The analysis settings in `INDEX.analyzer.json`, and nothing else of it; `None` for an empty file.
///
/// # Errors
/// [`ForeignError`].
pub fn parse_analyzer(file: &[u8], index: &str) -> Result<Option<Box<RawValue>>> {
    let Some(settings) = part("analyzer", "settings", file, index)? else { return Ok(None) };
    only_analysis(&settings, index).map(Some)
}

/// The analysis among settings, and nothing else of them.
///
/// # Errors
/// [`ForeignError::Settings`].
pub fn only_analysis(settings: &RawValue, index: &str) -> Result<Box<RawValue>> {
    those(settings, index, is_analysis)
}

/// Settings without the analysis among them.
///
/// # Errors
/// [`ForeignError::Settings`].
pub fn without_analysis(settings: &RawValue, index: &str) -> Result<Box<RawValue>> {
    those(settings, index, |name| !is_analysis(name))
}

/// Settings together with analysis settings from an analyzer file; what the settings say themselves holds.
///
/// # Errors
/// [`ForeignError::Settings`].
pub fn with_analysis(settings: &RawValue, analysis: &RawValue, index: &str) -> Result<Box<RawValue>> {
    let mut settings = flat("settings", index, settings)?;
    for (name, value) in flat("analyzer", index, analysis)?.iter() {
        if settings.get(name).is_none() {
            settings.set(name, value.to_owned());
        }
    }
    Ok(settings.to_nested())
}

/// The legacy templates in `INDEX.template.json`: all of the cluster, the same in each index's file.
///
/// # Errors
/// [`ForeignError`].
pub fn parse_template(file: &[u8], index: &str) -> Result<Vec<Definition>> {
    let templates = object("template", file, index)?.unwrap_or_default();
    let kind = DefinitionKind::LegacyTemplate;
    let template = |(name, body): (&str, &RawValue)| Definition {
        kind,
        name: name.to_owned(),
        body: body.to_owned(),
        system: is_system(kind, name, &Object::parse(body.get()).unwrap_or_default()),
    };
    Ok(templates.iter().map(template).collect())
}

/// `INDEX.settings.json` for these settings: without what belongs to the server that wrote them, because the one that
/// reads them refuses to be told.
///
/// # Errors
/// [`ForeignError::Settings`].
pub fn write_settings(index: &str, settings: &RawValue) -> Result<Vec<u8>> {
    let settings = without_server_owned(&flat("settings", index, settings)?);
    Ok(as_string(&under(index, "settings", &settings.to_nested())))
}

/// `INDEX.mapping.json`, also for empty mappings: loading it is what creates the index where settings are left out.
pub fn write_mapping(index: &str, mappings: &RawValue) -> Vec<u8> {
    one_line(under(index, "mappings", mappings).to_raw().get().to_owned())
}

/// `INDEX.alias.json`. No aliases give an empty file: multielasticdump fails on an empty list.
pub fn write_alias(index: &str, aliases: &RawValue) -> Vec<u8> {
    if is_empty(aliases) {
        return Vec::new();
    }
    as_string(&under(index, "aliases", aliases))
}

/// `INDEX.template.json` of the legacy templates among `definitions`. None give an empty file.
pub fn write_template(definitions: &[Definition]) -> Vec<u8> {
    let legacy = definitions.iter().filter(|definition| definition.kind == DefinitionKind::LegacyTemplate);
    let templates: Object = legacy.map(|template| (template.name.clone(), template.body.clone())).collect();
    if templates.is_empty() { Vec::new() } else { as_string(&templates) }
}

fn is_empty(object: &RawValue) -> bool {
    Object::parse(object.get()).is_ok_and(|object| object.is_empty())
}

fn is_analysis(name: &str) -> bool {
    name.starts_with("index.analysis.")
}

fn those(settings: &RawValue, index: &str, wanted: impl Fn(&str) -> bool) -> Result<Box<RawValue>> {
    let mut kept = Settings::default();
    for (name, value) in flat("settings", index, settings)?.iter().filter(|(name, _)| wanted(name)) {
        kept.set(name, value.to_owned());
    }
    Ok(kept.to_nested())
}

fn flat(kind: &'static str, index: &str, settings: &RawValue) -> Result<Settings> {
    Settings::parse(settings).map_err(|source| ForeignError::Settings { kind, index: index.to_owned(), source })
}

/// `{"INDEX":{"MEMBER":value}}`.
fn under(index: &str, member: &str, value: &RawValue) -> Object {
    let inner = Object::from_iter([(member.to_owned(), value.to_owned())]);
    Object::from_iter([(index.to_owned(), inner.to_raw())])
}

fn as_string(object: &Object) -> Vec<u8> {
    one_line(raw(object.to_raw().get()).get().to_owned())
}

/// Line breaks stand only between the tokens of JSON, never inside a string.
fn one_line(json: String) -> Vec<u8> {
    let mut line = json.into_bytes();
    for byte in &mut line {
        if matches!(*byte, b'\n' | b'\r') {
            *byte = b' ';
        }
    }
    line.push(b'\n');
    line
}

/// `value` of `{"INDEX":{"MEMBER":value}}`, or of `{"MEMBER":value}`.
fn part(kind: &'static str, member: &str, file: &[u8], index: &str) -> Result<Option<Box<RawValue>>> {
    let lacks = |member: &str| ForeignError::Lacks { kind, index: index.to_owned(), member: member.to_owned() };
    // `{}` is what multielasticdump writes for an index without aliases.
    let Some(file) = object(kind, file, index)?.filter(|file| !file.is_empty()) else { return Ok(None) };
    let found = match file.object(index) {
        Some(found) => found,
        None if file.get(member).is_some() => file,
        // Dumped under an alias: the one index behind it stands here under its own name.
        None => only(&file).ok_or_else(|| lacks(index))?,
    };
    found.get(member).map(|value| Some(value.to_owned())).ok_or_else(|| lacks(member))
}

/// The value of the only member, where it is an object.
fn only(object: &Object) -> Option<Object> {
    let (_, value) = object.iter().next().filter(|_| object.len() == 1)?;
    Object::parse(value.get()).ok()
}

/// The object in a file, whether it stands there itself or in a string.
fn object(kind: &'static str, file: &[u8], index: &str) -> Result<Option<Object>> {
    let wrong = |source| ForeignError::Json { kind, index: index.to_owned(), source };
    let file = file.strip_prefix("\u{feff}".as_bytes()).unwrap_or(file).trim_ascii();
    if file.is_empty() {
        return Ok(None);
    }
    let mut text = std::str::from_utf8(file).map_err(|e| wrong(serde_json::Error::custom(e)))?.to_owned();
    for _ in 0..MAX_WRAPS {
        if !text.trim_start().starts_with('"') {
            break;
        }
        text = serde_json::from_str(&text).map_err(wrong)?;
    }
    Object::parse(&text).map(Some).map_err(wrong)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn json(text: &str) -> Box<RawValue> {
        RawValue::from_string(text.to_owned()).expect("JSON")
    }

    #[test]
    fn settings_are_read_from_every_form_that_was_ever_written() {
        let object = r#"{"i":{"settings":{"index":{"number_of_shards":"1"}}}}"#;
        let string = serde_json::to_string(object).expect("a string");
        let twice = serde_json::to_string(&string).expect("a string");
        let by_alias = object.replace(r#""i""#, r#""real""#);
        let bare = r#"{"settings":{"index":{"number_of_shards":"1"}}}"#;
        for form in [object, &string, &twice, &by_alias, bare, &format!("\u{feff} {object}\n")] {
            let settings = parse_settings(form.as_bytes(), "i").expect("settings").expect("some");
            assert_eq!(settings.get(), r#"{"index":{"number_of_shards":"1"}}"#, "{form}");
        }
        for empty in ["", " \n", "{}", "\"{}\"\n"] {
            assert!(parse_settings(empty.as_bytes(), "i").expect("settings").is_none());
        }
    }

    #[test]
    fn what_is_no_such_file_is_refused_by_name() {
        let cases = [
            ("{", "the settings of index i is no JSON"),
            ("[]", "the settings of index i is no JSON"),
            (r#""{""#, "the settings of index i is no JSON"),
            (r#"{"i":{"mappings":{}}}"#, "lacks `settings`"),
            (r#"{"a":{"settings":{}},"b":{"settings":{}}}"#, "lacks `i`"),
        ];
        for (file, message) in cases {
            let error = parse_settings(file.as_bytes(), "i").expect_err("refused").to_string();
            assert!(error.contains(message), "{file}: {error}");
        }
    }

    #[test]
    fn files_come_back_as_they_were_written() {
        let settings =
            json(r#"{"index":{"uuid":"u","number_of_shards":"3","analysis":{"filter":{"f":{"type":"stop"}}}}}"#);
        let mappings = json("{\"dynamic\":\"strict\",\n\"properties\":{\"é\\n\":{\"type\":\"long\"}}}");
        let aliases = json(r#"{"a":{"filter":{"term":{"n":9007199254740993}}}}"#);
        let file = write_settings("i", &settings).expect("written");
        assert_eq!(
            parse_settings(&file, "i").expect("read").expect("some").get(),
            r#"{"index":{"number_of_shards":"3","analysis":{"filter":{"f":{"type":"stop"}}}}}"#
        );
        let (mapping, alias) = (write_mapping("i", &mappings), write_alias("i", &aliases));
        assert_eq!(parse_mapping(&mapping, "i").expect("read").expect("some").get(), mappings.get().replace('\n', " "));
        assert_eq!(parse_alias(&alias, "i").expect("read").expect("some").get(), aliases.get());
        for file in [file, mapping, alias] {
            assert!(file.ends_with(b"\n") && !file[..file.len() - 1].contains(&b'\n'));
        }
        assert_eq!(write_mapping("i", &json("{}")), b"{\"i\":{\"mappings\":{}}}\n");
        assert!(write_alias("i", &json("{ }")).is_empty());
    }

    #[test]
    fn templates_are_written_and_read_whole() {
        let template =
            |kind, name: &str| Definition { kind, name: name.into(), body: json(r#"{"order":1.0}"#), system: false };
        let all = [template(DefinitionKind::LegacyTemplate, "t"), template(DefinitionKind::IndexTemplate, "no")];
        let read = parse_template(&write_template(&all), "i").expect("read");
        assert_eq!(
            read.iter().map(|t| (t.name.as_str(), t.body.get())).collect::<Vec<_>>(),
            [("t", r#"{"order":1.0}"#)]
        );
        assert!(parse_template(b"", "i").expect("read").is_empty());
    }

    #[test]
    fn settings_and_analysis_come_apart_and_together_again() {
        let analysis = r#"{"index":{"analysis":{"filter":{"f":{"type":"stop"}}}}}"#;
        let whole =
            json(r#"{"index":{"analysis":{"filter":{"f":{"type":"stop"}}},"analyze":{"max_token_count":"5"}}}"#);
        let rest = without_analysis(&whole, "i").expect("settings");
        assert_eq!(rest.get(), r#"{"index":{"analyze":{"max_token_count":"5"}}}"#);
        assert_eq!(only_analysis(&whole, "i").expect("settings").get(), analysis);
        assert_eq!(only_analysis(&rest, "i").expect("settings").get(), "{}");
        let both = with_analysis(&rest, &json(analysis), "i").expect("settings");
        assert_eq!(
            both.get(),
            r#"{"index":{"analyze":{"max_token_count":"5"},"analysis":{"filter":{"f":{"type":"stop"}}}}}"#
        );
    }

    #[test]
    fn an_old_dump_has_its_analysis_in_the_analyzer_file() {
        let file = br#"{"i":{"settings":{"index":{"uuid":"u","analysis":{"analyzer":{"a":{"type":"keyword"}}}}}}}"#;
        let analysis = parse_analyzer(file, "i").expect("read").expect("some");
        assert_eq!(analysis.get(), r#"{"index":{"analysis":{"analyzer":{"a":{"type":"keyword"}}}}}"#);
        let both = with_analysis(&json(r#"{"index":{"number_of_shards":"1"}}"#), &analysis, "i").expect("merged");
        assert_eq!(
            both.get(),
            r#"{"index":{"number_of_shards":"1","analysis":{"analyzer":{"a":{"type":"keyword"}}}}}"#
        );
    }
}
