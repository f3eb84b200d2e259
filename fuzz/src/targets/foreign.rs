//! The files that multielasticdump writes beside the documents.

use elasticsearch::load::foreign::{
    parse_alias, parse_analyzer, parse_mapping, parse_settings, parse_template, with_analysis, write_alias,
    write_mapping, write_settings, write_template,
};

const INDEX: &str = "i";

/// Any bytes as each of those files. What is accepted can be written, and is accepted again.
pub fn foreign(bytes: &[u8]) {
    let settings = parse_settings(bytes, INDEX).ok().flatten();
    if let Some(settings) = &settings
        && let Ok(written) = write_settings(INDEX, settings)
    {
        assert!(parse_settings(&written, INDEX).is_ok(), "settings come back");
    }
    if let Ok(Some(mapping)) = parse_mapping(bytes, INDEX) {
        assert!(parse_mapping(&write_mapping(INDEX, &mapping), INDEX).is_ok(), "a mapping comes back");
    }
    if let Ok(Some(aliases)) = parse_alias(bytes, INDEX) {
        assert!(parse_alias(&write_alias(INDEX, &aliases), INDEX).is_ok(), "aliases come back");
    }
    if let Ok(Some(analysis)) = parse_analyzer(bytes, INDEX) {
        drop(settings.map(|settings| with_analysis(&settings, &analysis, INDEX)));
    }
    if let Ok(templates) = parse_template(bytes, INDEX) {
        assert!(parse_template(&write_template(&templates), INDEX).is_ok(), "templates come back");
    }
}
