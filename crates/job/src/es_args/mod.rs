//! The parameter `args`: multielasticdump's options, each honoured, or without effect and said so, or refused with a reason.
//! Pure.

mod options;
mod search_body;
mod words;

use std::collections::BTreeSet;

use options::{Effect, OPTIONS, Takes};
use regress::Regex;
use serde_json::{Map, Value};

/// Why nothing that chooses among the documents of a query has an effect.
const WHOLE: &str = "every document that the query chooses is saved";

/// What multielasticdump saves and loads of an index.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Part {
    /// Its documents.
    Data,
    /// Its mapping.
    Mapping,
    /// Its analyzers, which are part of its settings.
    Analyzer,
    /// Its aliases.
    Alias,
    /// Its settings.
    Settings,
    /// The templates of the cluster, of every kind.
    Template,
}

/// What the options say.
#[derive(Debug, Clone)]
pub struct EsArgs {
    /// Which indices, by their names; all but the system's where nothing is said.
    pub matching: Option<Match>,
    /// What is taken of them.
    pub parts: BTreeSet<Part>,
    /// Go on with the next index when one fails.
    pub ignore_child_error: bool,
    /// Put before the names of indices that are restored.
    pub prefix: String,
    /// Put behind the names of indices that are restored.
    pub suffix: String,
    /// Which documents: a JSON object as it was written; `None` for all of them.
    pub query: Option<String>,
    /// Headers of each request.
    pub headers: Vec<(String, String)>,
    /// Indices at once.
    pub parallel: Option<usize>,
    /// Templates that are left out, by their names.
    pub template_regex: Option<Match>,
    /// A line for each option that has no effect.
    pub notes: Vec<String>,
}

/// A regular expression of JavaScript, upper and lower case alike.
#[derive(Debug, Clone)]
pub struct Match {
    pattern: String,
    regex: Regex,
}

impl Match {
    fn new(pattern: &str) -> Result<Self, String> {
        let regex = Regex::with_flags(pattern, "i")
            .map_err(|error| format!("it is no regular expression of JavaScript: {error}"))?;
        Ok(Self { pattern: pattern.to_owned(), regex })
    }

    /// As it was written.
    pub fn pattern(&self) -> &str {
        &self.pattern
    }

    /// Whether a part of `name` matches.
    pub fn is_match(&self, name: &str) -> bool {
        self.regex.find(name).is_some()
    }
}

/// Why options cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EsArgsError {
    /// A quotation does not end.
    #[error("args: the quotation that begins with {text:.60} does not end")]
    Quote {
        /// From the quote on.
        text: String,
    },
    /// Nobody knows the option.
    #[error("args: --{name} is no option of multielasticdump; see docs/reference/es-args.md")]
    Unknown {
        /// Its name.
        name: String,
    },
    /// A word that belongs to no option.
    #[error("args: {word:?} belongs to no option; a value with spaces needs quotes: --match='a b'")]
    Word {
        /// The word.
        word: String,
    },
    /// An option lacks its value.
    #[error("args: --{name} needs a value")]
    NoValue {
        /// Its name.
        name: String,
    },
    /// A value cannot be used.
    #[error("args: --{name}={value:.100} cannot be used: {why}")]
    Value {
        /// The option's name.
        name: String,
        /// The value.
        value: String,
        /// Why.
        why: String,
    },
    /// An option that is not for here.
    #[error("args: --{name} is refused: {why}")]
    Refused {
        /// Its name.
        name: String,
        /// Why, and what to do instead.
        why: &'static str,
    },
}

impl Default for EsArgs {
    /// multielasticdump's defaults, with analyzers and aliases, which it leaves out for no good reason.
    fn default() -> Self {
        Self {
            matching: None,
            parts: BTreeSet::from(Part::ALL),
            ignore_child_error: false,
            prefix: String::new(),
            suffix: String::new(),
            query: None,
            headers: Vec::new(),
            parallel: None,
            template_regex: None,
            notes: Vec::new(),
        }
    }
}

impl Part {
    const ALL: [Self; 6] = [Self::Data, Self::Mapping, Self::Analyzer, Self::Alias, Self::Settings, Self::Template];

    fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|part| part.name() == name)
    }

    /// As multielasticdump calls it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Data => "data",
            Self::Mapping => "mapping",
            Self::Analyzer => "analyzer",
            Self::Alias => "alias",
            Self::Settings => "settings",
            Self::Template => "template",
        }
    }
}

impl EsArgs {
    /// Reads the parameter `args`.
    ///
    /// # Errors
    /// [`EsArgsError`], which names the option.
    pub fn parse(text: &str) -> Result<Self, EsArgsError> {
        let mut args = Self::default();
        let mut words = words::split(text)?.into_iter().peekable();
        while let Some(word) = words.next() {
            let Some(option) = word.strip_prefix("--") else { return Err(EsArgsError::Word { word }) };
            let (name, mut value) = match option.split_once('=') {
                Some((name, value)) => (name.to_owned(), Some(value.to_owned())),
                None => (option.to_owned(), None),
            };
            let Some((_, takes, effect)) = OPTIONS.iter().find(|(known, _, _)| *known == name) else {
                return Err(EsArgsError::Unknown { name });
            };
            if value.is_none() && *takes == Takes::Value {
                value = words.next_if(|next| !next.starts_with("--"));
            } else if value.is_none() {
                value = words.next_if(|next| next == "true" || next == "false");
            }
            match effect {
                Effect::Honoured => args.set(&name, value)?,
                Effect::Without(why) => args.notes.push(format!("args: --{name} has no effect: {why}")),
                Effect::Refused(_) if value.as_deref() == Some("false") => {}
                Effect::Refused(why) => return Err(EsArgsError::Refused { name, why }),
            }
        }
        Ok(args)
    }

    fn set(&mut self, name: &str, value: Option<String>) -> Result<(), EsArgsError> {
        if let Some(part) = name.strip_prefix("ignore").and_then(|part| Part::named(&part.to_lowercase())) {
            self.take(part, !flag(name, value.as_deref())?);
            return Ok(());
        }
        if name == "ignoreChildError" {
            self.ignore_child_error = flag(name, value.as_deref())?;
            return Ok(());
        }
        let value = value.ok_or_else(|| EsArgsError::NoValue { name: name.to_owned() })?;
        let unusable = |why: String| EsArgsError::Value { name: name.to_owned(), value: value.clone(), why };
        match name {
            "match" => self.matching = Some(Match::new(&value).map_err(unusable)?),
            "templateRegex" => self.template_regex = Some(Match::new(&value).map_err(unusable)?),
            "ignoreType" => {
                for part in parts(&value).map_err(unusable)? {
                    self.take(part, false);
                }
            }
            "includeType" => self.parts = parts(&value).map_err(unusable)?,
            "prefix" => self.prefix = value,
            "suffix" => self.suffix = value,
            "searchBody" => {
                let body = search_body::parse(&value).map_err(unusable)?;
                let note = |member| format!("args: `{member}` in --searchBody has no effect: {WHOLE}");
                self.notes.extend(body.without_effect.into_iter().map(note));
                self.query = body.query;
            }
            "headers" => self.headers = headers(&value).map_err(unusable)?,
            "parallel" => {
                let number = value.parse().ok().filter(|number| *number > 0);
                self.parallel = Some(number.ok_or_else(|| unusable("it is no number above 0".into()))?);
            }
            _ => unreachable!("every option that is honoured is honoured here"),
        }
        Ok(())
    }

    fn take(&mut self, part: Part, take: bool) {
        if take {
            self.parts.insert(part);
        } else {
            self.parts.remove(&part);
        }
    }
}

/// As JavaScript's command lines have it: the option alone is true.
fn flag(name: &str, value: Option<&str>) -> Result<bool, EsArgsError> {
    match value {
        None | Some("true" | "") => Ok(true),
        Some("false") => Ok(false),
        Some(value) => Err(EsArgsError::Value {
            name: name.to_owned(),
            value: value.to_owned(),
            why: "it is true or false".into(),
        }),
    }
}

fn parts(list: &str) -> Result<BTreeSet<Part>, String> {
    let names = list.split(',').map(str::trim).filter(|name| !name.is_empty());
    let known = Part::ALL.map(Part::name).join(", ");
    names.map(|name| Part::named(name).ok_or_else(|| format!("{name:?} is none of {known}"))).collect()
}

fn object(text: &str) -> Result<Map<String, Value>, String> {
    serde_json::from_str(text).map_err(|error| format!("it is no JSON object: {error}"))
}

fn headers(text: &str) -> Result<Vec<(String, String)>, String> {
    let header = |(name, value): (String, Value)| match value {
        Value::String(value) => Ok((name, value)),
        Value::Number(value) => Ok((name, value.to_string())),
        _ => Err(format!("the value of {name} is no text")),
    };
    object(text)?.into_iter().map(header).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> EsArgs {
        EsArgs::parse(text).unwrap_or_else(|error| panic!("{text}: {error}"))
    }

    #[test]
    fn the_arguments_of_stashs_own_documentation_mean_what_they_say() {
        let args = parsed("--match=^(?![.])(?!searchguard).+ --ignoreType=template");
        for (name, matches) in [("orders", true), (".kibana_1", false), ("searchguard", false), ("SearchGuard", false)]
        {
            assert_eq!(args.matching.as_ref().expect("one").is_match(name), matches, "{name}");
        }
        assert!(!args.parts.contains(&Part::Template) && args.parts.contains(&Part::Data));
        assert!(args.notes.is_empty());
    }

    #[test]
    fn a_pattern_matches_anywhere_and_in_any_case() {
        let matching = parsed("--match=orders").matching.expect("one");
        assert!(matching.is_match("old-ORDERS-2021") && !matching.is_match("invoices"));
        assert!(parsed("").matching.is_none());
    }

    #[test]
    fn types_are_left_out_or_chosen() {
        assert_eq!(parsed("--includeType=data,mapping").parts, BTreeSet::from([Part::Data, Part::Mapping]));
        assert_eq!(parsed("--ignoreType data,settings").parts.len(), 4);
        assert!(!parsed("--ignoreAnalyzer").parts.contains(&Part::Analyzer));
        assert!(parsed("--ignoreAlias=false").parts.contains(&Part::Alias));
        assert!(parsed("--ignoreData true --ignoreData false").parts.contains(&Part::Data));
    }

    #[test]
    fn the_rest_is_honoured() {
        let args = parsed(
            r#"--prefix=a- --suffix -b --ignoreChildError --parallel=3 --headers={"X-A":"b","n":1}
               --searchBody='{"query": {"term": {"user": "a b"}}, "size": 5}' --templateRegex=^x"#,
        );
        assert_eq!((args.prefix.as_str(), args.suffix.as_str(), args.parallel), ("a-", "-b", Some(3)));
        assert!(args.ignore_child_error);
        assert_eq!(args.headers, [("X-A".to_owned(), "b".to_owned()), ("n".to_owned(), "1".to_owned())]);
        assert_eq!(args.query.as_deref(), Some(r#"{"term": {"user": "a b"}}"#));
        assert_eq!(args.notes.len(), 1);
        assert!(args.notes[0].starts_with("args: `size` in --searchBody has no effect: "), "{:?}", args.notes);
        assert!(args.template_regex.is_some_and(|regex| regex.is_match("xyz")));
    }

    #[test]
    fn what_has_no_effect_is_said() {
        let args = parsed("--limit=1000 --quiet --support-big-int --concurrency 5");
        assert_eq!(args.notes.len(), 4);
        assert!(args.notes[0].starts_with("args: --limit has no effect: "), "{:?}", args.notes);
    }

    #[test]
    fn what_cannot_be_used_is_named() {
        for (text, named) in [
            ("--frobnicate", "--frobnicate is no option"),
            ("orders", r#""orders" belongs to no option"#),
            ("--match", "--match needs a value"),
            ("--match=(", "--match=( cannot be used: it is no regular expression"),
            ("--ignoreType=date", r#""date" is none of data"#),
            ("--searchBody={", "--searchBody={ cannot be used: it is no JSON object"),
            ("--searchBody=@/x.json", "a file cannot be read here"),
            (r#"--searchBody={"_source":["a"]}"#, "documents are saved whole"),
            ("--headers=[1]", "it is no JSON object"),
            ("--parallel=0", "no number above 0"),
            ("--delete", "--delete is refused: a backup changes nothing"),
            ("--input=http://x", "--input is refused: the address comes from the AppBinding"),
            ("--ignoreData=maybe", "it is true or false"),
            ("--match='a b", "does not end"),
        ] {
            let error = EsArgs::parse(text).expect_err(text).to_string();
            assert!(error.contains(named), "{text}: {error}");
        }
        assert!(EsArgs::parse("--delete=false").is_ok());
    }

    #[test]
    fn every_option_is_documented_as_it_is() {
        let page = include_str!("../../../../docs/reference/es-args.md");
        for (name, takes, effect) in OPTIONS {
            let row = match effect {
                Effect::Honoured if takes == Takes::Value => format!("| `--{name}=…` | "),
                Effect::Honoured => format!("| `--{name}` | "),
                Effect::Without(why) | Effect::Refused(why) => format!("| `--{name}` | {why} |\n"),
            };
            assert!(page.contains(&row), "{row}");
        }
    }

    #[test]
    fn every_option_stands_once_and_what_is_honoured_is_known() {
        for (at, (name, takes, effect)) in OPTIONS.iter().enumerate() {
            assert!(OPTIONS[..at].iter().all(|(other, _, _)| other != name), "{name} stands twice");
            if *effect == Effect::Honoured {
                let value = match *name {
                    "ignoreType" | "includeType" => "data",
                    "searchBody" | "headers" => "{}",
                    "parallel" => "1",
                    _ if *takes == Takes::Nothing => "true",
                    _ => "x",
                };
                parsed(&format!("--{name}={value}"));
            }
        }
    }
}
