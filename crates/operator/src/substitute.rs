//! Replaces `${NAME}` in Tasks and Functions, as the envsubst library that Stash uses does: bash's operators, and an error for
//! a variable that has neither value nor default. Pure.

use std::iter::Peekable;
use std::str::Chars;

use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;

/// Deeper defaults inside defaults than this are refused.
const MAX_DEPTH: u32 = 16;

/// Why a text cannot be completed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SubstituteError {
    /// A variable has neither a value nor a default.
    #[error("the variable {name} has neither a value nor a default; give it among the task's params")]
    Missing {
        /// Its name.
        name: String,
    },
    /// A `${` that no `}` ends, or something in it that is no expression.
    #[error("{text:?} is no expression that can be replaced: {why}")]
    Malformed {
        /// The text from `${` on.
        text: String,
        /// What is wrong with it.
        why: &'static str,
    },
    /// What came out is no longer an object of its kind.
    #[error("with its variables replaced it is no longer valid: {why}")]
    Invalid {
        /// The parser's words.
        why: String,
    },
}

/// Replaces the variables in all strings of an object.
///
/// Stash replaces them in the object's JSON text, so that a value may hold escapes of JSON. Where that breaks the text (a value
/// with quotes, say) they are replaced string by string.
///
/// # Errors
/// [`SubstituteError`].
pub fn object<T: Serialize + DeserializeOwned>(
    object: &T,
    value: impl Fn(&str) -> Option<String>,
) -> Result<T, SubstituteError> {
    let invalid = |error: serde_json::Error| SubstituteError::Invalid { why: error.to_string() };
    let json = serde_json::to_string(object).map_err(invalid)?;
    if let Ok(replaced) = serde_json::from_str(&text(&json, &value)?) {
        return Ok(replaced);
    }
    let mut json = serde_json::to_value(object).map_err(invalid)?;
    strings(&mut json, &value)?;
    serde_json::from_value(json).map_err(invalid)
}

fn strings(json: &mut Value, value: &impl Fn(&str) -> Option<String>) -> Result<(), SubstituteError> {
    match json {
        Value::String(string) => *string = text(string, value)?,
        Value::Array(items) => items.iter_mut().try_for_each(|item| strings(item, value))?,
        Value::Object(fields) => fields.values_mut().try_for_each(|field| strings(field, value))?,
        _ => {}
    }
    Ok(())
}

/// Replaces the variables in a text.
///
/// # Errors
/// [`SubstituteError`].
pub fn text(text: &str, value: &impl Fn(&str) -> Option<String>) -> Result<String, SubstituteError> {
    let mut parser = Parser { rest: text.chars().peekable(), text, value, unused: false };
    parser.until_end(None, 0)
}

struct Parser<'a, F> {
    rest: Peekable<Chars<'a>>,
    text: &'a str,
    value: &'a F,
    /// Inside a default that is not used: what is missing there is not missed.
    unused: bool,
}

impl<F: Fn(&str) -> Option<String>> Parser<'_, F> {
    /// Text up to its end, or up to one of `ends`, which is not taken.
    fn until_end(&mut self, ends: Option<&[char]>, depth: u32) -> Result<String, SubstituteError> {
        let mut out = String::new();
        while let Some(&next) = self.rest.peek() {
            if ends.is_some_and(|ends| ends.contains(&next)) {
                return Ok(out);
            }
            self.rest.next();
            match (next, self.rest.peek()) {
                ('$', Some('{')) => {
                    self.rest.next();
                    out += &self.expression(depth + 1)?;
                }
                ('$', Some('$')) => {
                    self.rest.next();
                    out.push('$');
                }
                ('\\', Some(&escaped)) if ends.is_some_and(|ends| ends.contains(&escaped)) => {
                    self.rest.next();
                    out.push(escaped);
                }
                _ => out.push(next),
            }
        }
        if ends.is_some() { Err(self.malformed("no } ends it")) } else { Ok(out) }
    }

    /// What stands between `${` and `}`, the latter taken.
    fn expression(&mut self, depth: u32) -> Result<String, SubstituteError> {
        if depth > MAX_DEPTH {
            return Err(self.malformed("defaults inside defaults are too deep"));
        }
        let length = self.rest.next_if_eq(&'#').is_some();
        let name = self.name();
        if name.is_empty() {
            return Err(self.malformed("it names no variable"));
        }
        let value = (self.value)(&name);
        let unused = self.unused.then(String::new);
        let known = || value.clone().or(unused.clone()).ok_or_else(|| SubstituteError::Missing { name: name.clone() });
        if length {
            self.end()?;
            return Ok(known()?.chars().count().to_string());
        }
        let Some(operator) = self.rest.next() else { return Err(self.malformed("no } ends it")) };
        let out = match operator {
            '}' => return known(),
            '=' => self.default(value, depth)?,
            // The library takes bash's other two operators for the same.
            ':' if self.rest.next_if(|next| matches!(next, '=' | '-' | '?' | '+')).is_some() => {
                self.default(value, depth)?
            }
            ':' => {
                let bounds = self.until_end(Some(&['}']), depth)?;
                cut(&known()?, &bounds).ok_or_else(|| self.malformed("positions are numbers"))?
            }
            '^' if self.rest.next_if_eq(&'^').is_some() => known()?.to_uppercase(),
            ',' if self.rest.next_if_eq(&',').is_some() => known()?.to_lowercase(),
            '^' => first(&known()?, |first| first.to_uppercase().collect()),
            ',' => first(&known()?, |first| first.to_lowercase().collect()),
            '#' | '%' => {
                let longest = self.rest.next_if_eq(&operator).is_some();
                let pattern = self.until_end(Some(&['}']), depth)?;
                strip(&known()?, &pattern, operator == '#', longest)
            }
            '/' => {
                let how = self.rest.next_if(|next| matches!(next, '/' | '#' | '%'));
                let old = self.until_end(Some(&['/', '}']), depth)?;
                let new = match self.rest.next_if_eq(&'/') {
                    Some(_) => self.until_end(Some(&['}']), depth)?,
                    None => String::new(),
                };
                replace(&known()?, &old, &new, how)
            }
            _ => return Err(self.malformed("behind the variable's name stands no operator")),
        };
        self.end()?;
        Ok(out)
    }

    /// Letters, digits, `_` and `-`.
    fn name(&mut self) -> String {
        let mut name = String::new();
        while let Some(next) = self.rest.next_if(|next| next.is_alphanumeric() || matches!(next, '_' | '-')) {
            name.push(next);
        }
        name
    }

    /// A default counts only where there is no value at all: one that is empty stays.
    fn default(&mut self, value: Option<String>, depth: u32) -> Result<String, SubstituteError> {
        let outside = self.unused;
        self.unused |= value.is_some();
        let default = self.until_end(Some(&['}']), depth);
        self.unused = outside;
        default.map(|default| value.unwrap_or(default))
    }

    fn end(&mut self) -> Result<(), SubstituteError> {
        if self.rest.next_if_eq(&'}').is_some() { Ok(()) } else { Err(self.malformed("no } ends it")) }
    }

    fn malformed(&self, why: &'static str) -> SubstituteError {
        let left: usize = self.rest.clone().map(char::len_utf8).sum();
        let before = &self.text[..self.text.len() - left];
        let from = before.rfind("${").unwrap_or_default();
        SubstituteError::Malformed { text: self.text[from..].chars().take(60).collect(), why }
    }
}

fn first(value: &str, change: impl Fn(char) -> String) -> String {
    let mut chars = value.chars();
    chars.next().map_or_else(String::new, |first| change(first) + chars.as_str())
}

/// `pos` or `pos:length`, in characters.
fn cut(value: &str, bounds: &str) -> Option<String> {
    let (from, length) = match bounds.split_once(':') {
        Some((from, length)) => (from, Some(length.trim().parse().ok()?)),
        None => (bounds, None),
    };
    let from: usize = from.trim().parse().ok()?;
    Some(value.chars().skip(from).take(length.unwrap_or(usize::MAX)).collect())
}

/// Takes what the pattern matches, `*` and `?` in it as in a shell, off the front or the back.
fn strip(value: &str, pattern: &str, front: bool, longest: bool) -> String {
    let mut cuts: Vec<usize> = value.char_indices().map(|(at, _)| at).chain([value.len()]).collect();
    // The shortest part off the back begins at its end.
    if longest == front {
        cuts.reverse();
    }
    let part = |at: usize| if front { (&value[..at], &value[at..]) } else { (&value[at..], &value[..at]) };
    let found = cuts.into_iter().map(part).find(|(stripped, _)| matches(stripped, pattern));
    found.map_or(value, |(_, kept)| kept).to_owned()
}

fn matches(text: &str, pattern: &str) -> bool {
    let (text, pattern): (Vec<char>, Vec<char>) = (text.chars().collect(), pattern.chars().collect());
    let mut rows = vec![false; text.len() + 1];
    rows[0] = true;
    for token in pattern {
        let before = rows.clone();
        rows[0] = before[0] && token == '*';
        for at in 1..rows.len() {
            rows[at] = match token {
                '*' => before[at] || rows[at - 1],
                '?' => before[at - 1],
                other => before[at - 1] && text[at - 1] == other,
            };
        }
    }
    rows[text.len()]
}

fn replace(value: &str, old: &str, new: &str, how: Option<char>) -> String {
    match how {
        _ if old.is_empty() => value.to_owned(),
        Some('/') => value.replace(old, new),
        Some('#') => value.strip_prefix(old).map_or_else(|| value.to_owned(), |rest| format!("{new}{rest}")),
        Some('%') => value.strip_suffix(old).map_or_else(|| value.to_owned(), |rest| format!("{rest}{new}")),
        _ => value.replacen(old, new, 1),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn value(name: &str) -> Option<String> {
        match name {
            "A" => Some("alpha.beta.gamma".into()),
            "EMPTY" => Some(String::new()),
            "QUOTE" => Some(r#"a "b" \c"#.into()),
            _ => None,
        }
    }

    #[test]
    fn values_and_defaults_stand_where_the_variables_stood() {
        let cases = [
            ("plain $A $ } text", "plain $A $ } text"),
            ("<${A}>", "<alpha.beta.gamma>"),
            ("${X:=d}${X=e}${X:-f}${X:=}", "def"),
            ("${EMPTY:=d}|${EMPTY=d}|${EMPTY:-d}|${EMPTY}", "|||"),
            ("${X:=${A}}", "alpha.beta.gamma"),
            ("${A:=${X}}", "alpha.beta.gamma"),
            ("${X:=http://h:1/p}", "http://h:1/p"),
            ("$${A}", "${A}"),
            ("${#A}", "16"),
            ("${A^} ${A^^} ${A,} ${A,,}", "Alpha.beta.gamma ALPHA.BETA.GAMMA alpha.beta.gamma alpha.beta.gamma"),
            ("${A:6} ${A:6:4}", "beta.gamma beta"),
            ("${A#*.} ${A##*.} ${A%.*} ${A%%.*} ${A#x}", "beta.gamma gamma alpha.beta alpha alpha.beta.gamma"),
            (
                "${A/a/A} ${A//a/A} ${A/#al/AL} ${A/%ma/MA}",
                "Alpha.beta.gamma AlphA.betA.gAmmA ALpha.beta.gamma alpha.beta.gamMA",
            ),
        ];
        for (from, to) in cases {
            assert_eq!(text(from, &value).as_deref(), Ok(to), "{from}");
        }
    }

    #[test]
    fn a_missing_variable_is_named() {
        let error = text("--dir=${INTERIM_DATA_DIR}", &value).expect_err("missing");
        assert_eq!(error, SubstituteError::Missing { name: "INTERIM_DATA_DIR".into() });
    }

    #[test]
    fn what_is_no_expression_is_refused() {
        for from in ["${", "${A", "${}", "${A:=x", "${A!}", "${A:x}", "${#A", "${A%", &"${X:=".repeat(40)] {
            assert!(matches!(text(from, &value), Err(SubstituteError::Malformed { .. })), "{from}");
        }
    }

    #[test]
    fn a_value_may_hold_what_json_gives_a_meaning() {
        let replaced = object(&json!({ "args": ["${QUOTE}", "${A}"] }), value);
        assert_eq!(replaced, Ok(json!({ "args": [r#"a "b" \c"#, "alpha.beta.gamma"] })));
        let escaped = object(&json!({ "args": ["${E}"] }), |_| Some(r#"a \"b\""#.into()));
        assert_eq!(escaped, Ok(json!({ "args": [r#"a "b""#] })), "as users of Stash escape it");
    }
}
