//! Whether an index keeps its documents' `_source`. Where it does not, nothing can be backed up.

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::{
    entries::Entries,
    error::{Error, Result},
};

#[derive(Deserialize)]
struct Kept {
    enabled: Option<Switch>,
    #[serde(default)]
    includes: Vec<String>,
    #[serde(default)]
    excludes: Vec<String>,
}

/// Old indices print booleans as text.
#[derive(Deserialize)]
#[serde(untagged)]
enum Switch {
    Plain(bool),
    Text(String),
}

impl Switch {
    fn is_off(&self) -> bool {
        match self {
            Self::Plain(on) => !on,
            Self::Text(on) => on == "false",
        }
    }
}

/// Looks for `_source` in mappings, plain or under the name of a type.
///
/// # Errors
/// [`Error::Unreadable`] if `_source` is off.
pub(super) fn check_kept(index: &str, mappings: &RawValue) -> Result<()> {
    let top = members(mappings);
    let typed = top.0.iter().filter(|(name, _)| !matches!(name.as_str(), "properties" | "runtime" | "_meta"));
    let found = top.get("_source").map(|source| (*source).to_owned());
    let below = typed.filter_map(|(_, mapping)| members(mapping).get("_source").map(|source| (*source).to_owned()));
    for source in found.into_iter().chain(below) {
        let Ok(kept) = serde_json::from_str::<Kept>(source.get()) else { continue };
        if kept.enabled.is_some_and(|enabled| enabled.is_off()) {
            return Err(Error::Unreadable {
                what: format!("index {index}"),
                why: "its mapping turns _source off, so the server does not keep the documents; exclude it".into(),
            });
        }
        if !kept.includes.is_empty() || !kept.excludes.is_empty() {
            tracing::warn!(index, "the mapping keeps only some fields of _source: only these can be saved");
        }
    }
    Ok(())
}

/// The members of an object; none of anything else.
fn members(value: &RawValue) -> Entries<&RawValue> {
    serde_json::from_str(value.get()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_source_that_is_off_is_noticed_wherever_it_stands() {
        for (mappings, kept) in [
            ("{}", true),
            (r#"{"properties":{"_source":{"enabled":false}}}"#, true),
            (r#"{"_source":{"enabled":false},"properties":{}}"#, false),
            (r#"{"_doc":{"_source":{"enabled":false}}}"#, false),
            (r#"{"_doc":{"_source":{"enabled":"false"}}}"#, false),
            (r#"{"_meta":{"_source":{"enabled":false}}}"#, true),
            (r#"{"_source":{"excludes":["a"]}}"#, true),
            (r#"{"dynamic":"strict","_source":{"enabled":true}}"#, true),
            (r#"{"_doc":{"properties":{"a":{"type":"text"}}}}"#, true),
        ] {
            let raw = RawValue::from_string(mappings.to_owned()).expect("JSON");
            assert_eq!(check_kept("i", &raw).is_ok(), kept, "{mappings}");
        }
    }
}
