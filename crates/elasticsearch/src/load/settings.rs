//! Settings of an index, in the flat form in which servers hold them and the nested one in which they print them. Never
//! reprints a value.

use serde::{Serialize, Serializer};
use serde_json::value::RawValue;

use super::object::{Object, raw};

/// Settings nested deeper than this are refused: names with more parts do not exist, and the walk uses the stack.
const MAX_DEPTH: usize = 50;

/// Settings by their full dotted names, in the order in which they were read.
#[derive(Debug, Clone, Default)]
pub struct Settings(Object);

/// Why saved settings cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum SettingsError {
    /// Not the JSON that a server writes.
    #[error("the settings are not a JSON object")]
    Json(#[from] serde_json::Error),
    /// A nesting that no server writes.
    #[error("the setting `{name}` is nested deeper than {MAX_DEPTH} levels")]
    Deep {
        /// Its dotted name, as far as it was followed.
        name: String,
    },
}

impl Settings {
    /// Reads `{"index":{"analysis":{…}}}`, `{"index.analysis.x":…}`, and mixtures of the two.
    ///
    /// # Errors
    /// [`SettingsError`] where it is neither.
    pub fn parse(value: &RawValue) -> Result<Self, SettingsError> {
        let mut flat = Object::default();
        for (name, value) in Object::parse(value.get())?.iter() {
            flatten(name.to_owned(), value, 0, &mut flat)?;
        }
        Ok(Self(flat.iter().map(|(name, value)| (with_prefix(name), value.to_owned())).collect()))
    }

    /// The value of the setting with this full name.
    pub fn get(&self, name: &str) -> Option<&RawValue> {
        self.0.get(name)
    }

    /// Takes a setting out; whether it was there.
    pub fn remove(&mut self, name: &str) -> bool {
        self.0.remove(name).is_some()
    }

    /// Sets a setting.
    pub fn set(&mut self, name: &str, value: Box<RawValue>) {
        self.0.set(name, value);
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Full names and values.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &RawValue)> {
        self.0.iter()
    }

    /// As the flat object that servers take.
    pub fn to_raw(&self) -> Box<RawValue> {
        self.0.to_raw()
    }

    /// As the nested object `{"index":{…}}` that `GET _settings` gives. A name that is both a value and a parent of
    /// others (`index.a` and `index.a.b`) keeps its dots where they clash.
    pub fn to_nested(&self) -> Box<RawValue> {
        let mut root = Vec::new();
        for (name, value) in self.iter() {
            nest(&mut root, name, value);
        }
        raw(&Node::Branch(root))
    }
}

/// A nested form being built; `serde_json::Value` would reprint numbers.
enum Node {
    Leaf(Box<RawValue>),
    Branch(Vec<(String, Node)>),
}

impl Serialize for Node {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Leaf(value) => value.serialize(serializer),
            Self::Branch(members) => serializer.collect_map(members.iter().map(|(name, node)| (name, node))),
        }
    }
}

fn nest(members: &mut Vec<(String, Node)>, name: &str, value: &RawValue) {
    let Some((head, rest)) = name.split_once('.') else {
        members.push((name.to_owned(), Node::Leaf(value.to_owned())));
        return;
    };
    match members.iter_mut().find(|(key, _)| key == head) {
        Some((_, Node::Branch(inner))) => nest(inner, rest, value),
        Some((_, Node::Leaf(_))) => members.push((name.to_owned(), Node::Leaf(value.to_owned()))),
        None => {
            let mut inner = Vec::new();
            nest(&mut inner, rest, value);
            members.push((head.to_owned(), Node::Branch(inner)));
        }
    }
}

fn flatten(name: String, value: &RawValue, depth: usize, flat: &mut Object) -> Result<(), SettingsError> {
    if !value.get().starts_with('{') {
        flat.set(name, value.to_owned());
        return Ok(());
    }
    if depth == MAX_DEPTH {
        return Err(SettingsError::Deep { name });
    }
    for (key, value) in Object::parse(value.get())?.iter() {
        flatten(format!("{name}.{key}"), value, depth + 1, flat)?;
    }
    Ok(())
}

/// Servers take `number_of_shards` for `index.number_of_shards`; archived settings keep their own prefix.
fn with_prefix(name: &str) -> String {
    if name.starts_with("index.") || name.starts_with("archived.") { name.to_owned() } else { format!("index.{name}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(text: &str) -> Settings {
        Settings::parse(&RawValue::from_string(text.to_owned()).expect("JSON")).expect("settings")
    }

    #[test]
    fn flat_nested_and_mixed_forms_are_the_same_settings() {
        let flat = r#"{"index.number_of_shards":"2","index.analysis.filter.x.stopwords":["a","b"]}"#;
        let forms = [
            r#"{"index":{"number_of_shards":"2","analysis":{"filter":{"x":{"stopwords":["a","b"]}}}}}"#,
            r#"{"number_of_shards":"2","index":{"analysis.filter":{"x.stopwords":["a","b"]}}}"#,
            flat,
        ];
        for form in forms {
            assert_eq!(settings(form).to_raw().get(), flat, "{form}");
        }
    }

    #[test]
    fn the_nested_form_holds_every_setting_even_where_names_clash() {
        let cases = [
            (r#"{"index.a":"1","index.b.c":[1.0],"index.b.d":"2"}"#, r#"{"index":{"a":"1","b":{"c":[1.0],"d":"2"}}}"#),
            (r#"{"index.a":"1","index.a.b":"2"}"#, r#"{"index":{"a":"1","a.b":"2"}}"#),
        ];
        for (flat, nested) in cases {
            assert_eq!(settings(flat).to_nested().get(), nested);
            assert_eq!(settings(nested).to_raw().get(), flat);
        }
    }

    #[test]
    fn hostile_nesting_is_an_error() {
        let text = format!("{}1{}", r#"{"a":"#.repeat(5_000), "}".repeat(5_000));
        let value = RawValue::from_string(text).expect("JSON");
        assert!(matches!(Settings::parse(&value), Err(SettingsError::Deep { .. })));
    }
}
