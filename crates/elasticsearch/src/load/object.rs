//! A JSON object that is edited without being reprinted: members keep their order, values keep their exact text.
//! Never turns a number into a float.

use std::fmt;

use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{MapAccess, Visitor},
    ser::SerializeMap,
};
use serde_json::value::RawValue;

/// The members of an object, in the order in which they stood.
#[derive(Debug, Clone, Default)]
pub struct Object(Vec<(String, Box<RawValue>)>);

impl Object {
    /// Reads an object.
    ///
    /// # Errors
    /// Where `text` is no JSON object.
    pub fn parse(text: &str) -> Result<Self, serde_json::Error> {
        serde_json::from_str(text)
    }

    /// The value of the member `name`.
    pub fn get(&self, name: &str) -> Option<&RawValue> {
        self.0.iter().rev().find(|(key, _)| key == name).map(|(_, value)| &**value)
    }

    /// The member `name` where it is an object itself.
    pub fn object(&self, name: &str) -> Option<Self> {
        Self::parse(self.get(name)?.get()).ok()
    }

    /// Replaces the member `name` where it stands, or adds it at the end.
    pub fn set(&mut self, name: impl Into<String>, value: Box<RawValue>) {
        let name = name.into();
        match self.0.iter_mut().find(|(key, _)| *key == name) {
            Some((_, old)) => *old = value,
            None => self.0.push((name, value)),
        }
    }

    /// Takes every member `name` out; gives the last of them, which is the one that counts.
    pub fn remove(&mut self, name: &str) -> Option<Box<RawValue>> {
        self.0.extract_if(.., |(key, _)| key == name).last().map(|(_, value)| value)
    }

    /// Whether there is no member.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// How many members there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// The members, in order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &RawValue)> {
        self.0.iter().map(|(key, value)| (key.as_str(), &**value))
    }

    /// The object as text, in one line if its values are.
    pub fn to_raw(&self) -> Box<RawValue> {
        raw(self)
    }
}

impl FromIterator<(String, Box<RawValue>)> for Object {
    fn from_iter<I: IntoIterator<Item = (String, Box<RawValue>)>>(members: I) -> Self {
        Self(members.into_iter().collect())
    }
}

impl Serialize for Object {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for (key, value) in &self.0 {
            map.serialize_entry(key, value)?;
        }
        map.end()
    }
}

impl<'de> Deserialize<'de> for Object {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Members;
        impl<'de> Visitor<'de> for Members {
            type Value = Object;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a JSON object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Object, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(Object(members))
            }
        }
        deserializer.deserialize_map(Members)
    }
}

/// Any serialisable value as exact text.
pub fn raw<T: Serialize + ?Sized>(value: &T) -> Box<RawValue> {
    serde_json::value::to_raw_value(value).expect("values built here have string keys and no failing serialiser")
}

/// The text that a setting or a pattern stands for: a string without its quotes, anything else as it is written.
pub fn scalar(value: &RawValue) -> String {
    serde_json::from_str::<String>(value.get()).unwrap_or_else(|_| value.get().to_owned())
}

/// Deeper nesting than this is compared as text: the comparison walks the stack.
const MAX_DEPTH: usize = 200;

/// Whether two JSON texts say the same: members in any order, white space apart, `1` and `"1"` alike, because servers
/// print a setting as text whatever it was given as. Numbers are compared by their digits, never as floats.
pub fn same(a: &RawValue, b: &RawValue) -> bool {
    same_to(a, b, MAX_DEPTH)
}

fn same_to(a: &RawValue, b: &RawValue, depth: usize) -> bool {
    if a.get() == b.get() || depth == 0 {
        return a.get() == b.get();
    }
    match (a.get().as_bytes().first(), b.get().as_bytes().first()) {
        (Some(b'{'), Some(b'{')) => match (Object::parse(a.get()), Object::parse(b.get())) {
            (Ok(a), Ok(b)) => {
                a.len() == b.len()
                    && a.iter().all(|(key, value)| b.get(key).is_some_and(|other| same_to(value, other, depth - 1)))
            }
            _ => false,
        },
        (Some(b'['), Some(b'[')) => match (list(a), list(b)) {
            (Some(a), Some(b)) => a.len() == b.len() && a.iter().zip(&b).all(|(a, b)| same_to(a, b, depth - 1)),
            _ => false,
        },
        (Some(b'{' | b'['), _) | (_, Some(b'{' | b'[')) => false,
        _ => scalar(a) == scalar(b),
    }
}

fn list(value: &RawValue) -> Option<Vec<Box<RawValue>>> {
    serde_json::from_str(value.get()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_order_survive_an_edit() {
        let text = r#"{"z":9007199254740993,"a":1E400,"m":0.0,"k":{"b" : -0}}"#;
        let mut object = Object::parse(text).expect("an object");
        object.remove("z");
        object.set("n", raw(&true));
        assert_eq!(object.to_raw().get(), r#"{"a":1E400,"m":0.0,"k":{"b" : -0},"n":true}"#);
    }

    #[test]
    fn sameness_ignores_order_and_quotes_but_no_digit() {
        let cases = [
            (r#"{"a":1,"b":[1,2]}"#, r#"{ "b":["1",2], "a":"1"}"#, true),
            (r#"{"a":9007199254740993}"#, r#"{"a":9007199254740992}"#, false),
            (r#"{"a":[1,2]}"#, r#"{"a":[2,1]}"#, false),
            (r#"{"a":{}}"#, r#"{"a":"{}"}"#, false),
            (r#"{"a":1}"#, r#"{"a":1,"b":null}"#, false),
            (r#""\u0061""#, r#""a""#, true),
        ];
        for (a, b, expected) in cases {
            let parse = |text: &str| RawValue::from_string(text.to_owned()).expect("JSON");
            assert_eq!(same(&parse(a), &parse(b)), expected, "{a} {b}");
        }
    }
}
