//! What to do with what is there already, for all and by kind.

use clap::ValueEnum as _;
use elasticsearch::load::OnConflict;
use engine::{parts::Part, restore::ConflictRules};

use super::restore::PartArgument;

/// The kind that stands for indices and data streams.
const INDICES: &str = "indices";

/// `RULE` for all, `KIND=RULE` for one kind, several with commas. What has no rule fails.
pub fn parse_conflicts(text: &str) -> Result<ConflictRules, String> {
    let mut rules = ConflictRules::from(OnConflict::Fail);
    let mut said = Vec::new();
    for one in text.split(',').map(str::trim) {
        let (kind, rule) = one.split_once('=').map_or((None, one), |(kind, rule)| (Some(kind.trim()), rule.trim()));
        let rule = parse_rule(rule)?;
        if said.contains(&kind) {
            return Err(format!("{} has two rules", kind.unwrap_or("whatever has no rule of its own")));
        }
        said.push(kind);
        match kind {
            None => rules.otherwise = rule,
            Some(INDICES) => rules.indices = Some(rule),
            Some(kind) => {
                rules.definitions.insert(parse_kind(kind)?, rule);
            }
        }
    }
    Ok(rules)
}

fn parse_rule(text: &str) -> Result<OnConflict, String> {
    match text {
        "fail" => Ok(OnConflict::Fail),
        "skip" => Ok(OnConflict::Skip),
        "overwrite" => Ok(OnConflict::Overwrite),
        _ => Err(format!("`{text}` is no rule: fail, skip or overwrite")),
    }
}

fn parse_kind(text: &str) -> Result<Part, String> {
    let word = |part: Part| PartArgument::from(part).to_possible_value().map(|value| value.get_name().to_owned());
    let mut of_definitions = Part::ALL.into_iter().filter(|part| !Part::OF_AN_INDEX.contains(part));
    let words: Vec<String> = of_definitions.clone().filter_map(word).collect();
    of_definitions
        .find(|part| word(*part).is_some_and(|word| word == text))
        .ok_or_else(|| format!("`{text}` is no kind: {INDICES}, {}", words.join(", ")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rule_is_for_all_or_for_a_kind() {
        let rules =
            parse_conflicts("skip, templates=overwrite,indices=fail,cluster-settings=overwrite").expect("rules");
        assert_eq!((rules.otherwise, rules.indices), (OnConflict::Skip, Some(OnConflict::Fail)));
        let expected = [(Part::Templates, OnConflict::Overwrite), (Part::ClusterSettings, OnConflict::Overwrite)];
        assert_eq!(rules.definitions, expected.into());
        assert_eq!(parse_conflicts("overwrite"), Ok(OnConflict::Overwrite.into()));
        assert_eq!(parse_conflicts("security=skip").expect("rules").otherwise, OnConflict::Fail);
    }

    #[test]
    fn what_is_no_rule_is_named() {
        for (text, named) in [
            ("maybe", "`maybe` is no rule: fail, skip or overwrite"),
            ("", "`` is no rule"),
            ("skip,", "`` is no rule"),
            ("templates=", "`` is no rule"),
            (
                "documents=skip",
                "`documents` is no kind: indices, pipelines, templates, scripts, policies, transforms, cluster-settings, security",
            ),
            ("skip,fail", "whatever has no rule of its own has two rules"),
            ("scripts=skip,scripts=fail", "scripts has two rules"),
        ] {
            let error = parse_conflicts(text).expect_err(text);
            assert!(error.starts_with(named), "{text}: {error}");
        }
    }
}
