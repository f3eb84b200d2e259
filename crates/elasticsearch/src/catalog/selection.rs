//! Which indices a person wants: names, patterns and aliases against what there is. Asks nobody.

use super::Matcher;
use crate::error::{Error, Result};

/// What a person asked for.
#[derive(Debug, Clone, Default)]
pub struct Selection {
    /// Names, aliases, data streams, or patterns in which `*` stands for anything; none means all.
    pub include: Vec<String>,
    /// The same, for what stays out; these win.
    pub exclude: Vec<String>,
    /// Where given, only indices are wanted whose name it accepts, or one of whose aliases' names.
    pub matching: Option<Matcher>,
    /// Whether indices whose name begins with a dot, and hidden ones, are wanted too.
    pub include_system: bool,
}

impl Selection {
    /// Splits names without aliases, as a dump has them, into the chosen and those left out only because they begin
    /// with a dot. `stream_of` gives the data stream of a backing index.
    ///
    /// # Errors
    /// [`Error::Unreadable`] naming an include without `*` that is not among them.
    pub fn choose(
        &self,
        names: Vec<String>,
        stream_of: impl Fn(&str) -> Option<String>,
    ) -> Result<(Vec<String>, Vec<String>)> {
        let named = |name: String| Named { stream: stream_of(&name), name };
        let (chosen, left_out) = choose(names.into_iter().map(named).collect(), self)?;
        Ok((chosen.into_iter().map(|named| named.name).collect(), left_out))
    }

    /// Whether it asks for this name by itself: for a data stream, not only for its backing indices.
    pub fn asks_for(&self, name: &str) -> bool {
        let included = self.include.is_empty() || self.include.iter().any(|pattern| wildcard(pattern, name));
        included && self.matching.as_ref().is_none_or(|matcher| matcher.accepts(name))
    }

    /// What is asked for, for messages; `None` where it is everything, so that there may be nothing.
    pub fn patterns(&self) -> Option<String> {
        let patterns = self.include.iter().cloned().chain(self.matching.iter().map(Matcher::to_string));
        Some(patterns.collect::<Vec<_>>().join(", ")).filter(|patterns| !patterns.is_empty())
    }
}

/// A name, its data stream's name, and nothing else known.
struct Named {
    name: String,
    stream: Option<String>,
}

impl Choosable for Named {
    fn name(&self) -> &str {
        &self.name
    }

    fn aliases(&self) -> &[String] {
        &[]
    }

    fn hidden(&self) -> bool {
        false
    }

    fn stream(&self) -> Option<&str> {
        self.stream.as_deref()
    }
}

/// What the choice needs to know of an index.
pub(crate) trait Choosable {
    /// Its name.
    fn name(&self) -> &str;
    /// Its aliases' names.
    fn aliases(&self) -> &[String];
    /// Whether it, or its data stream, is hidden or belongs to the server.
    fn hidden(&self) -> bool;
    /// The name of its data stream.
    fn stream(&self) -> Option<&str>;
}

/// Splits `all` into the chosen and the names of those left out only because they are the system's.
///
/// # Errors
/// [`Error::Unreadable`] naming an include without `*` that is neither an index nor an alias nor a data stream.
pub(crate) fn choose<T: Choosable>(all: Vec<T>, selection: &Selection) -> Result<(Vec<T>, Vec<String>)> {
    for wanted in selection.include.iter().filter(|wanted| !wanted.contains('*')) {
        if !all.iter().any(|index| matches(wanted, index)) {
            return Err(Error::Unreadable {
                what: format!("index {wanted:?}"),
                why: "there is no index, alias or data stream of this name; use * in a pattern that may match nothing"
                    .into(),
            });
        }
    }
    let (mut chosen, mut left_out) = (Vec::new(), Vec::new());
    for index in all {
        match verdict(&index, selection) {
            Verdict::Chosen => chosen.push(index),
            Verdict::System => left_out.push(index.name().to_owned()),
            Verdict::Unwanted => {}
        }
    }
    left_out.sort_unstable();
    Ok((chosen, left_out))
}

enum Verdict {
    Chosen,
    System,
    Unwanted,
}

fn verdict(index: &impl Choosable, selection: &Selection) -> Verdict {
    let included = selection.include.iter().filter(|pattern| matches(pattern, index)).collect::<Vec<_>>();
    let wanted = selection.include.is_empty() || !included.is_empty();
    if !wanted
        || selection.matching.as_ref().is_some_and(|matcher| !accepts(matcher, index))
        || selection.exclude.iter().any(|pattern| matches(pattern, index))
    {
        return Verdict::Unwanted;
    }
    let system = index.stream().unwrap_or(index.name()).starts_with('.') || index.hidden();
    let by_name = included.iter().any(|pattern| pattern.starts_with('.') || !pattern.contains('*'));
    if system && !selection.include_system && !by_name { Verdict::System } else { Verdict::Chosen }
}

fn accepts(matcher: &Matcher, index: &impl Choosable) -> bool {
    names(index).any(|name| matcher.accepts(name))
}

fn matches(pattern: &str, index: &impl Choosable) -> bool {
    names(index).any(|name| wildcard(pattern, name))
}

/// Everything that an index can be asked for by.
fn names(index: &impl Choosable) -> impl Iterator<Item = &str> {
    [index.name()].into_iter().chain(index.aliases().iter().map(String::as_str)).chain(index.stream())
}

/// Whether `pattern`, in which `*` stands for anything, matches all of `text`.
pub(crate) fn wildcard(pattern: &str, text: &str) -> bool {
    let mut parts = pattern.split('*');
    let first = parts.next().unwrap_or_default();
    let Some(mut rest) = text.strip_prefix(first) else { return false };
    let Some(last) = parts.next_back() else { return rest.is_empty() };
    for part in parts {
        let Some(found) = rest.find(part) else { return false };
        rest = &rest[found + part.len()..];
    }
    rest.ends_with(last)
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Fake(&'static str, Vec<String>, bool, Option<&'static str>);

    impl Choosable for Fake {
        fn name(&self) -> &str {
            self.0
        }
        fn aliases(&self) -> &[String] {
            &self.1
        }
        fn hidden(&self) -> bool {
            self.2
        }
        fn stream(&self) -> Option<&str> {
            self.3
        }
    }

    fn there_is() -> Vec<Fake> {
        vec![
            Fake("logs-1", vec!["logs".into()], false, None),
            Fake("logs-2", vec!["logs".into()], false, None),
            Fake("products", vec![], false, None),
            Fake(".kibana_1", vec![".kibana".into()], false, None),
            Fake("veiled", vec![], true, None),
        ]
    }

    fn chosen(include: &[&str], exclude: &[&str], include_system: bool) -> (Vec<&'static str>, Vec<String>) {
        chosen_of(there_is(), include, exclude, include_system)
    }

    fn chosen_of(
        all: Vec<Fake>,
        include: &[&str],
        exclude: &[&str],
        include_system: bool,
    ) -> (Vec<&'static str>, Vec<String>) {
        let list = |of: &[&str]| of.iter().map(ToString::to_string).collect();
        let selection =
            Selection { include: list(include), exclude: list(exclude), include_system, ..Selection::default() };
        let (chosen, left_out) = choose(all, &selection).expect("a choice");
        (chosen.iter().map(|index| index.0).collect(), left_out)
    }

    #[test]
    fn a_data_stream_chooses_its_backing_indices_and_says_whether_they_are_the_systems() {
        let (one, two, history) = (".ds-metrics-000001", ".ds-metrics-000002", ".ds-.history-000001");
        let there_is = || {
            vec![
                Fake(one, vec![], false, Some("metrics")),
                Fake(two, vec![], false, Some("metrics")),
                Fake(history, vec![], false, Some(".history")),
                Fake(".ds-veiled-000001", vec![], true, Some("veiled")),
                Fake("plain", vec![], false, None),
            ]
        };
        for (include, exclude, want) in [
            (&[][..], &[][..], &[one, two, "plain"][..]),
            (&["metrics"], &[], &[one, two]),
            (&["met*"], &[two], &[one]),
            (&[], &["metrics"], &["plain"]),
            (&[".ds-metrics-*"], &[], &[one, two]),
            (&["*"], &[".ds-metrics-*"], &["plain"]),
            (&["*history"], &[], &[]),
            (&[".history"], &[], &[history]),
        ] {
            assert_eq!(chosen_of(there_is(), include, exclude, false).0, want, "{include:?} {exclude:?}");
        }
        assert_eq!(chosen_of(there_is(), &[], &[], false).1, [history, ".ds-veiled-000001"]);
    }

    #[test]
    fn names_patterns_and_aliases_choose() {
        for (include, exclude, want) in [
            (&[][..], &[][..], &["logs-1", "logs-2", "products"][..]),
            (&["logs"], &[], &["logs-1", "logs-2"]),
            (&["logs-*", "products"], &["*-2"], &["logs-1", "products"]),
            (&["pro*ts"], &[], &["products"]),
            (&["nothing*"], &[], &[]),
            (&[], &["logs"], &["products"]),
            (&[".kib*"], &[], &[".kibana_1"]),
            (&["veiled"], &[], &["veiled"]),
        ] {
            assert_eq!(chosen(include, exclude, false).0, want, "{include:?} {exclude:?}");
        }
    }

    #[test]
    fn system_indices_are_left_out_and_named_unless_asked_for() {
        assert_eq!(chosen(&[], &[], false).1, [".kibana_1", "veiled"]);
        assert_eq!(chosen(&["*"], &[], false).1, [".kibana_1", "veiled"]);
        assert_eq!(chosen(&["logs"], &[], false).1, Vec::<String>::new());
        assert_eq!(chosen(&[], &[], true).0.len(), 5);
        assert_eq!(chosen(&[], &[".*"], false).1, ["veiled"]);
    }

    #[test]
    fn a_stream_is_asked_for_by_its_own_name_only() {
        let including = |pattern: &str| Selection { include: vec![pattern.into()], ..Selection::default() };
        assert!(
            Selection::default().asks_for("logs")
                && including("*").asks_for("logs")
                && including("lo*").asks_for("logs")
        );
        assert!(!including(".ds-logs-*").asks_for("logs"));
        let matching = Some(Matcher::new("^.ds", |name: &str| name.starts_with(".ds")));
        assert!(!Selection { matching, ..Selection::default() }.asks_for("logs"));
    }

    #[test]
    fn a_matcher_is_asked_for_the_name_and_each_alias() {
        let chosen = |part: &'static str, include: &[&str], include_system| {
            let matching = Some(Matcher::new(part, move |name: &str| name.contains(part)));
            let include = include.iter().map(ToString::to_string).collect();
            let selection = Selection { include, matching, include_system, ..Selection::default() };
            let (chosen, left_out) = choose(there_is(), &selection).expect("a choice");
            (chosen.iter().map(|index| index.0).collect::<Vec<_>>(), left_out)
        };
        assert_eq!(chosen("s-1", &[], false).0, ["logs-1"]);
        assert_eq!(chosen("logs", &["*-2", "products"], false).0, ["logs-2"]);
        assert_eq!(chosen("kibana", &[], false), (vec![], vec![".kibana_1".to_owned()]));
        assert_eq!(chosen("kibana", &[], true), (vec![".kibana_1"], vec![]));
        assert_eq!(chosen("d", &[], true).0, ["products", "veiled"]);
    }

    #[test]
    fn what_is_asked_for_is_told() {
        let matching = Some(Matcher::new("^b", |_: &str| true));
        let selection = Selection { include: vec!["a*".into()], matching, ..Selection::default() };
        assert_eq!(selection.patterns().as_deref(), Some("a*, ^b"));
        assert_eq!(Selection::default().patterns(), None);
    }

    #[test]
    fn a_name_that_matches_nothing_is_an_error_that_names_it() {
        let selection = Selection { include: vec!["logs".into(), "log".into()], ..Selection::default() };
        let error = choose(there_is(), &selection).err().expect("an error").to_string();
        assert!(error.contains("\"log\""), "{error}");
    }

    #[test]
    fn a_star_stands_for_anything_and_nothing_else_does() {
        for (pattern, text, want) in [
            ("*", "", true),
            ("a*", "a", true),
            ("a*a", "a", false),
            ("a*a", "aa", true),
            ("*b*", "abc", true),
            ("a**c", "abc", true),
            ("a.c", "abc", false),
            ("a*b*c", "a-b-b-c", true),
            ("abc", "abcd", false),
        ] {
            assert_eq!(wildcard(pattern, text), want, "{pattern} {text}");
        }
    }
}
