//! What the options of multielasticdump mean for the engine.

use elasticsearch::{Matcher, Query, Selection, load::OnConflict};
use engine::{
    backup::{BackupOptions, READERS},
    parts::{Part, Parts},
    restore::{Rejections, Rename, RestoreOptions, Wanted},
};
use jiff::Zoned;
use repository::WriterOptions;

use crate::es_args::{self, EsArgs, Match};

/// Which indices. A `--match` means what it says, system indices included; without one those are left out.
pub(crate) fn selection(args: &EsArgs) -> Selection {
    Selection {
        matching: args.matching.as_ref().map(|regex| matcher("match", regex)),
        include_system: args.matching.is_some(),
        ..Selection::default()
    }
}

fn matcher(option: &str, regex: &Match) -> Matcher {
    let asked = regex.clone();
    Matcher::new(format!("--{option}={}", regex.pattern()), move |name| asked.is_match(name))
}

/// multielasticdump knows no pipelines, scripts, policies and transforms: they come along.
fn parts(args: &EsArgs) -> Parts {
    let part = |part: &es_args::Part| match part {
        es_args::Part::Data => Part::Documents,
        es_args::Part::Mapping => Part::Mappings,
        es_args::Part::Analyzer => Part::Analyzers,
        es_args::Part::Alias => Part::Aliases,
        es_args::Part::Settings => Part::Settings,
        es_args::Part::Template => Part::Templates,
    };
    args.parts.iter().map(part).chain([Part::Pipelines, Part::Scripts, Part::Policies, Part::Transforms]).collect()
}

/// For a backup. What else there is to say is the caller's.
pub(crate) fn of_backup(args: &EsArgs, now: Zoned) -> BackupOptions {
    BackupOptions {
        selection: selection(args),
        parts: parts(args),
        query: args.query.as_deref().map(|text| Query::parse(text).expect("the options hold an object")),
        without_templates: args.template_regex.as_ref().map(|regex| matcher("templateRegex", regex)),
        hostname: String::new(),
        username: String::new(),
        tags: Vec::new(),
        program: String::new(),
        now,
        writer: WriterOptions::default(),
        readers: args.parallel.unwrap_or(READERS),
    }
}

/// For a restore.
pub(crate) fn of_restore(args: &EsArgs) -> RestoreOptions {
    let wanted = Wanted {
        selection: selection(args),
        renames: vec![Rename::prefix(&args.prefix), Rename::suffix(&args.suffix)],
        parts: parts(args),
        without_templates: args.template_regex.as_ref().map(|regex| matcher("templateRegex", regex)),
    };
    RestoreOptions {
        wanted,
        on_conflict: OnConflict::Fail.into(),
        allow_rejected: 0,
        rejections: Rejections::default(),
        indices_at_once: args.parallel,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_choose_indices_parts_and_names() {
        let args = EsArgs::parse("--match=^a --ignoreType=template,data --prefix=x-$1- --suffix=-y").expect("args");
        let options = of_restore(&args);
        let wanted = &options.wanted;
        assert!(
            wanted.selection.matching.as_ref().is_some_and(|matcher| matcher.accepts("Alpha") && !matcher.accepts("b"))
        );
        assert!(wanted.selection.include_system);
        assert!(
            !wanted.parts.has(Part::Documents)
                && !wanted.parts.has(Part::Templates)
                && wanted.parts.has(Part::Pipelines)
        );
        assert_eq!(wanted.rename("alpha"), "x-$1-alpha-y");
        let none = EsArgs::parse("").expect("args");
        let now = jiff::Timestamp::UNIX_EPOCH.to_zoned(jiff::tz::TimeZone::UTC);
        assert!(of_backup(&none, now).parts == Parts::usual() && !selection(&none).include_system);
        assert_eq!(of_restore(&none).wanted.rename("alpha"), "alpha");
    }
}
