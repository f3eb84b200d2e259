//! Which objects are meant: selectors of labels and of fields, as they stand in a request. Pure.

use std::collections::BTreeMap;

/// Chooses by labels.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LabelSelector(Vec<Requirement>);

/// What one label has to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Requirement {
    /// The label.
    pub key: String,
    /// What it has to be.
    pub needs: Needs,
}

/// What a label has to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Needs {
    /// One of these values.
    In(Vec<String>),
    /// None of these values, or absent.
    NotIn(Vec<String>),
    /// There.
    Exists,
    /// Absent.
    Absent,
}

impl LabelSelector {
    /// Reads `a=b,c!=d,e in (f,g),h notin (i),j,!k`.
    ///
    /// # Errors
    /// Names the part that cannot be understood.
    pub fn parse(text: &str) -> Result<Self, String> {
        let parts = split(text);
        parts
            .iter()
            .map(|part| part.trim())
            .filter(|part| !part.is_empty())
            .map(requirement)
            .collect::<Result<_, _>>()
            .map(Self)
    }

    /// Whether it chooses what has these labels.
    pub fn chooses(&self, labels: &BTreeMap<String, String>) -> bool {
        self.0.iter().all(|requirement| requirement.holds(labels))
    }

    /// Whether it may choose something of which these labels are known, and the label `open` is not.
    pub fn may_choose(&self, labels: &BTreeMap<String, String>, open: &str) -> bool {
        self.0.iter().filter(|requirement| requirement.key != open).all(|requirement| requirement.holds(labels))
    }
}

impl Requirement {
    fn holds(&self, labels: &BTreeMap<String, String>) -> bool {
        let value = labels.get(&self.key);
        let among = |values: &[String]| value.is_some_and(|value| values.contains(value));
        match &self.needs {
            Needs::In(values) => among(values),
            Needs::NotIn(values) => !among(values),
            Needs::Exists => value.is_some(),
            Needs::Absent => value.is_none(),
        }
    }
}

/// The parts between commas that are in no parentheses.
fn split(text: &str) -> Vec<String> {
    let (mut parts, mut inside) = (vec![String::new()], false);
    for c in text.chars() {
        match c {
            ',' if !inside => parts.push(String::new()),
            _ => {
                inside = (inside || c == '(') && c != ')';
                if let Some(part) = parts.last_mut() {
                    part.push(c);
                }
            }
        }
    }
    parts
}

fn requirement(part: &str) -> Result<Requirement, String> {
    let wrong = || format!("{part:?} is no requirement; write it as a=b, a!=b, a in (b,c), a notin (b,c), a or !a");
    let key = |text: &str| {
        let key = text.trim();
        let good = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | '/');
        if key.is_empty() || !key.chars().all(good) { Err(wrong()) } else { Ok(key.to_owned()) }
    };
    let one = |value: &str| vec![value.trim().to_owned()];
    if let Some(list) = part.strip_suffix(')') {
        let (head, list) = list.split_once('(').ok_or_else(wrong)?;
        let values = list.split(',').map(|value| value.trim().to_owned()).collect();
        let mut words = head.split_whitespace();
        return match (words.next(), words.next(), words.next()) {
            (Some(name), Some("in"), None) => Ok(Requirement { key: key(name)?, needs: Needs::In(values) }),
            (Some(name), Some("notin"), None) => Ok(Requirement { key: key(name)?, needs: Needs::NotIn(values) }),
            _ => Err(wrong()),
        };
    }
    if let Some((name, value)) = part.split_once("!=") {
        return Ok(Requirement { key: key(name)?, needs: Needs::NotIn(one(value)) });
    }
    if let Some((name, value)) = part.split_once("==").or_else(|| part.split_once('=')) {
        return Ok(Requirement { key: key(name)?, needs: Needs::In(one(value)) });
    }
    match part.strip_prefix('!') {
        Some(name) => Ok(Requirement { key: key(name)?, needs: Needs::Absent }),
        None => Ok(Requirement { key: key(part)?, needs: Needs::Exists }),
    }
}

/// Chooses by name and namespace.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FieldSelector(Vec<(Field, bool, String)>);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Field {
    Name,
    Namespace,
}

impl FieldSelector {
    /// Reads `metadata.name=a,metadata.namespace!=b`.
    ///
    /// # Errors
    /// Names the field that nothing is chosen by.
    pub fn parse(text: &str) -> Result<Self, String> {
        let part = |part: &str| {
            let (name, same, value) = if let Some((name, value)) = part.split_once("!=") {
                (name, false, value)
            } else {
                let pair = part.split_once("==").or_else(|| part.split_once('='));
                let (name, value) =
                    pair.ok_or_else(|| format!("{part:?} is no requirement; write it as field=value"))?;
                (name, true, value)
            };
            let field = match name {
                "metadata.name" => Field::Name,
                "metadata.namespace" => Field::Namespace,
                other => return Err(format!("{other:?}: only metadata.name and metadata.namespace are chosen by")),
            };
            Ok((field, same, value.to_owned()))
        };
        text.split(',').filter(|part| !part.is_empty()).map(part).collect::<Result<_, _>>().map(Self)
    }

    /// Whether it chooses an object.
    pub fn chooses(&self, namespace: &str, name: &str) -> bool {
        self.0.iter().all(|(field, same, value)| {
            let found = match field {
                Field::Name => name,
                Field::Namespace => namespace,
            };
            (found == value) == *same
        })
    }

    /// Whether it may choose a snapshot of this Repository.
    pub fn may_choose(&self, namespace: &str, repository: &str) -> bool {
        self.0.iter().all(|(field, same, value)| match field {
            Field::Namespace => (namespace == value) == *same,
            Field::Name => !same || api::snapshot::parts(value).is_some_and(|(of, _)| of == repository),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_choose_as_kubernetes_says() {
        let labels: BTreeMap<String, String> =
            [("repository", "store"), ("hostname", "host-0"), ("example.com/tier", "gold")]
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .into();
        for (text, chosen) in [
            ("", true),
            ("repository=store", true),
            ("repository==store,hostname=host-0", true),
            ("repository=other", false),
            ("repository!=other", true),
            ("absent!=other", true),
            ("hostname in (host-0, host-1)", true),
            ("hostname in (host-1),repository", false),
            ("hostname notin (host-1,host-2),repository=store", true),
            ("absent notin (a)", true),
            ("example.com/tier", true),
            ("!example.com/tier", false),
            ("!absent", true),
            ("absent", false),
        ] {
            let selector = LabelSelector::parse(text).unwrap_or_else(|error| panic!("{text}: {error}"));
            assert_eq!(selector.chooses(&labels), chosen, "{text}");
        }
        for text in ["a>1", "a in b", "a in (b", "=b", "a within (b)", "a b"] {
            assert!(LabelSelector::parse(text).is_err_and(|error| error.contains("is no requirement")), "{text}");
        }
    }

    #[test]
    fn a_repository_that_no_selector_can_choose_is_not_read() {
        let labels = BTreeMap::from([("repository".to_owned(), "store".to_owned())]);
        for (text, may) in [("repository=other,hostname=a", false), ("hostname=a", true), ("repository=store,x", false)]
        {
            assert_eq!(LabelSelector::parse(text).expect("one").may_choose(&labels, "hostname"), may, "{text}");
        }
        for (text, may) in [
            ("metadata.name=store-0a1b2c3d", true),
            ("metadata.name=store-two-0a1b2c3d", false),
            ("metadata.name!=store-0a1b2c3d", true),
            ("metadata.namespace=logs", true),
            ("metadata.namespace=search", false),
            ("metadata.name=store", false),
        ] {
            assert_eq!(FieldSelector::parse(text).expect("one").may_choose("logs", "store"), may, "{text}");
        }
        assert!(FieldSelector::parse("status.hostname=a").is_err_and(|error| error.contains("status.hostname")));
        assert!(FieldSelector::parse("metadata.name=store-0a1b2c3d").expect("one").chooses("logs", "store-0a1b2c3d"));
    }
}
