//! A page for each kind: its fields, from its schema.

use std::fmt::Write as _;

use anyhow::{Context, Result};
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::{
    CustomResourceDefinition, JSONSchemaProps, JSONSchemaPropsOrArray,
};

use super::HEAD;
use crate::generated::Generated;

/// Where the pages lie.
const FOLDER: &str = "docs/reference/kinds";

/// A page for each kind, and one that lists them.
///
/// # Errors
/// When a definition has no schema.
pub(super) fn pages() -> Result<Vec<Generated>> {
    let mut index =
        format!("# Kinds\n\n{HEAD}\n\n| kind | version | short names | what it is |\n| --- | --- | --- | --- |\n");
    let mut pages = Vec::new();
    for crd in api::crds::crds() {
        let names = &crd.spec.names;
        let (version, schema) = schema(&crd)?;
        let short = names.short_names.iter().flatten().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(" ");
        let about = schema.description.as_deref().unwrap_or_default();
        writeln!(index, "| [{kind}]({kind}.md) | `{version}` | {short} | {about} |", kind = names.kind)?;
        let text = page(&crd, &version, schema)?;
        pages.push(Generated { path: format!("{FOLDER}/{}.md", names.kind), text });
    }
    pages.push(Generated { path: format!("{FOLDER}/README.md"), text: index });
    Ok(pages)
}

/// `GROUP/VERSION` and the schema of the version that is stored.
fn schema(crd: &CustomResourceDefinition) -> Result<(String, &JSONSchemaProps)> {
    let version = crd.spec.versions.iter().find(|version| version.storage).context("no version is stored")?;
    let schema = version.schema.as_ref().and_then(|schema| schema.open_api_v3_schema.as_ref());
    Ok((format!("{}/{}", crd.spec.group, version.name), schema.context("a version without a schema")?))
}

fn page(crd: &CustomResourceDefinition, version: &str, schema: &JSONSchemaProps) -> Result<String> {
    let about = schema.description.as_deref().unwrap_or_default();
    let mut page = format!("# {}\n\n{HEAD}\n\n`{version}`. {about}\n", crd.spec.names.kind);
    let mut rules = Vec::new();
    for (part, title) in [("spec", "Spec"), ("status", "Status")] {
        let Some(of_part) = schema.properties.as_ref().and_then(|properties| properties.get(part)) else { continue };
        let mut rows = String::new();
        list(part, of_part, &mut rows, &mut rules)?;
        if !rows.is_empty() {
            write!(page, "\n## {title}\n\n| field | type | what it is |\n| --- | --- | --- |\n{rows}")?;
        }
    }
    if !rules.is_empty() {
        page += "\n## Rules\n\nThe API server refuses an object that breaks one.\n\n";
        for (at, rule) in rules {
            writeln!(page, "- `{at}`: {rule}")?;
        }
    }
    Ok(page)
}

/// A row for each field under `at`, and the rules on the way. Fields of Kubernetes' own types, which nothing is said about, are left
/// to its documentation.
fn list(at: &str, schema: &JSONSchemaProps, rows: &mut String, rules: &mut Vec<(String, String)>) -> Result<()> {
    for rule in schema.x_kubernetes_validations.iter().flatten() {
        rules.push((at.to_owned(), rule.message.clone().unwrap_or_else(|| format!("`{}`", rule.rule))));
    }
    let required = schema.required.as_deref().unwrap_or_default();
    for (name, field) in schema.properties.iter().flatten() {
        let Some(about) = &field.description else { continue };
        let (type_, inner, suffix) = type_of(field);
        let mut says = vec![about.replace('|', "\\|").replace("\n\n", " ").replace('\n', " ")];
        if let Some(values) = &inner.enum_ {
            let values = values.iter().filter(|value| !value.0.is_null()).map(|value| format!("`{}`", value.0));
            says.push(format!("One of {}.", values.collect::<Vec<_>>().join(", ").replace('"', "")));
        }
        if let Some(default) = &field.default {
            says.push(format!("Default: `{}`.", default.0));
        }
        if required.contains(name) {
            says.push("Required.".into());
        }
        let path = format!("{at}.{name}");
        writeln!(rows, "| `{path}{suffix}` | {type_} | {} |", says.join(" "))?;
        list(&format!("{path}{suffix}"), inner, rows, rules)?;
    }
    Ok(())
}

/// The type in words, what is inside of it, and how its path goes on.
fn type_of(field: &JSONSchemaProps) -> (String, &JSONSchemaProps, &'static str) {
    let word = |schema: &JSONSchemaProps| match (schema.type_.as_deref(), schema.format.as_deref()) {
        _ if schema.x_kubernetes_int_or_string == Some(true) => "integer or string".to_owned(),
        (Some("string"), Some("date-time")) => "time".to_owned(),
        (Some(type_), _) => type_.to_owned(),
        (None, _) => "any".to_owned(),
    };
    if let Some(JSONSchemaPropsOrArray::Schema(item)) = &field.items {
        return (format!("list of {}", word(item)), item, "[]");
    }
    (word(field), field, "")
}
