//! Puts templates and pipelines back, each only where it is missing or may be replaced. Compares before it writes;
//! never reprints a number.

use serde::{Deserialize, de::IgnoredAny};
use serde_json::value::RawValue;

use super::{
    Loader,
    error::{LoadError, Result},
    mappings::{self, Types},
    object::{Object, raw, same},
};
use crate::{
    definitions::{Definition, DefinitionKind},
    error::Error,
    request::Request,
};

/// The place of a kind in the order in which definitions are put back: each may name those of earlier kinds. From Elasticsearch
/// 8 on, a legacy template is refused where an index template of the same patterns is; the other way round it is taken.
pub fn put_order(kind: DefinitionKind) -> u8 {
    match kind {
        DefinitionKind::Pipeline => 0,
        DefinitionKind::LegacyTemplate => 1,
        DefinitionKind::ComponentTemplate => 2,
        DefinitionKind::IndexTemplate => 3,
    }
}

/// As it is called in messages.
fn noun(kind: DefinitionKind) -> &'static str {
    match kind {
        DefinitionKind::Pipeline => "pipeline",
        DefinitionKind::ComponentTemplate => "component template",
        DefinitionKind::IndexTemplate => "index template",
        DefinitionKind::LegacyTemplate => "template",
    }
}

fn path(kind: DefinitionKind) -> &'static [&'static str] {
    match kind {
        DefinitionKind::Pipeline => &["_ingest", "pipeline"],
        DefinitionKind::ComponentTemplate => &["_component_template"],
        DefinitionKind::IndexTemplate => &["_index_template"],
        DefinitionKind::LegacyTemplate => &["_template"],
    }
}

/// What to do where another definition has the name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnConflict {
    /// Give up.
    Fail,
    /// Leave it.
    Skip,
    /// Replace it.
    Overwrite,
}

/// What was done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Put {
    /// There was none.
    Created,
    /// Another was there.
    Replaced,
    /// It was there already, just so.
    Same,
    /// Another was there and stays.
    Skipped,
}

/// What the server has under the name of a definition.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// Nothing.
    Absent,
    /// Just the same, as this server would show it.
    Same,
    /// Something else.
    Other,
}

/// What newer servers add to a definition that they show, and do not take back.
const SHOWN_ONLY: [&str; 4] = ["created_date", "created_date_millis", "modified_date", "modified_date_millis"];

#[derive(Deserialize)]
struct Listed<'a> {
    name: String,
    #[serde(borrow, alias = "component_template")]
    index_template: &'a RawValue,
}

#[derive(Deserialize)]
struct Listing<'a> {
    #[serde(borrow, alias = "component_templates")]
    index_templates: Vec<Listed<'a>>,
}

impl Loader {
    /// Puts one definition back.
    ///
    /// # Errors
    /// [`LoadError::Exists`] where another has its name and `on_conflict` is [`OnConflict::Fail`];
    /// [`LoadError::Unknown`] where the server has nothing of its kind; [`LoadError::Definition`],
    /// [`LoadError::Mappings`], [`LoadError::Server`].
    pub async fn put_definition(&self, definition: &Definition, on_conflict: OnConflict) -> Result<Put> {
        let wanted = self.fitted(definition)?;
        let put = match (self.standing_of(definition, &wanted).await?, on_conflict) {
            (Standing::Same, _) => return Ok(Put::Same),
            (Standing::Other, OnConflict::Skip) => return Ok(Put::Skipped),
            (Standing::Other, OnConflict::Fail) => {
                let also = Some("and says something else".into());
                return Err(LoadError::Exists { what: noun(definition.kind), name: definition.name.clone(), also });
            }
            (Standing::Other, OnConflict::Overwrite) => Put::Replaced,
            (Standing::Absent, _) => Put::Created,
        };
        self.write(definition, &wanted).await?;
        Ok(put)
    }

    /// How a definition compares with what the server has, after it was fitted to this server. Changes nothing.
    ///
    /// # Errors
    /// As [`Loader::put_definition`], but never [`LoadError::Exists`].
    pub async fn standing(&self, definition: &Definition) -> Result<Standing> {
        self.standing_of(definition, &self.fitted(definition)?).await
    }

    async fn standing_of(&self, definition: &Definition, wanted: &RawValue) -> Result<Standing> {
        Ok(match self.definition(definition.kind, &definition.name).await? {
            None => Standing::Absent,
            Some(current) if same(&current, wanted) => Standing::Same,
            Some(_) => Standing::Other,
        })
    }

    /// The definition that the server has under this name.
    ///
    /// # Errors
    /// [`LoadError::Server`].
    pub async fn definition(&self, kind: DefinitionKind, name: &str) -> Result<Option<Box<RawValue>>> {
        let doing = || LoadError::doing(format!("looking for {} {name}", noun(kind)));
        let segments = [path(kind), &[name]].concat();
        let body: Box<RawValue> = match self.client().ask(Request::get(&segments)).await {
            Err(Error::Refused { status: 404, .. }) => return Ok(None),
            answer => answer.map_err(doing())?,
        };
        let found = shown(kind, name, &body).map_err(|error| {
            doing()(Error::Answer { method: "GET".into(), path: path(kind).join("/"), why: error.to_string() })
        })?;
        Ok(found.map(|found| found.to_raw()))
    }

    async fn write(&self, definition: &Definition, body: &RawValue) -> Result<()> {
        let Definition { kind, ref name, .. } = *definition;
        let segments = [path(kind), &[name.as_str()]].concat();
        let request = Request::put(&segments).json(body.get().to_owned());
        let answer = self.client().ask::<IgnoredAny>(request).await;
        answer.map(drop).map_err(LoadError::doing(format!("putting {} {name}", noun(kind))))
    }

    /// The definition as this server takes it.
    fn fitted(&self, definition: &Definition) -> Result<Box<RawValue>> {
        let Definition { kind, ref name, ref body, system: _ } = *definition;
        let composable = matches!(kind, DefinitionKind::ComponentTemplate | DefinitionKind::IndexTemplate);
        if composable && !self.client().can().composable_templates {
            return Err(LoadError::Unknown { what: noun(kind), name: name.clone() });
        }
        let parsed = Object::parse(body.get());
        let mut body =
            parsed.map_err(|source| LoadError::Definition { what: noun(kind), name: name.clone(), source })?;
        without_shown_only(&mut body);
        if kind == DefinitionKind::LegacyTemplate {
            fit_template(&mut body, self.types())
                .map_err(|source| LoadError::Mappings { index: format!("template {name}"), source })?;
        }
        Ok(body.to_raw())
    }
}

fn without_shown_only(body: &mut Object) {
    for name in SHOWN_ONLY {
        body.remove(name);
    }
}

/// Templates of 5.x name their one pattern `template`; mappings have types before 7.0.
fn fit_template(body: &mut Object, types: Types) -> Result<(), mappings::MappingsError> {
    if types != Types::Several
        && let Some(pattern) = body.remove("template")
    {
        body.set("index_patterns", raw(&[pattern]));
    }
    if let Some(mappings) = body.get("mappings").filter(|mappings| mappings.get() != "{}") {
        let fitted = mappings::fit(mappings, types)?;
        body.set("mappings", fitted.mappings);
    }
    Ok(())
}

/// Finds the definition in an answer: `{"name":{…}}`, or a list of name and body.
fn shown(kind: DefinitionKind, name: &str, answer: &RawValue) -> Result<Option<Object>, serde_json::Error> {
    let mut found = match kind {
        DefinitionKind::Pipeline | DefinitionKind::LegacyTemplate => Object::parse(answer.get())?.object(name),
        DefinitionKind::ComponentTemplate | DefinitionKind::IndexTemplate => {
            let listing: Listing<'_> = serde_json::from_str(answer.get())?;
            let listed = listing.index_templates.into_iter().find(|listed| listed.name == name);
            listed.map(|listed| Object::parse(listed.index_template.get())).transpose()?
        }
    };
    if let Some(found) = &mut found {
        without_shown_only(found);
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn json(text: &str) -> Box<RawValue> {
        RawValue::from_string(text.to_owned()).expect("JSON")
    }

    #[test]
    fn a_definition_is_found_in_each_form_of_answer() {
        let cases = [
            (DefinitionKind::Pipeline, r#"{"p":{"processors":[],"modified_date_millis":1}}"#, r#"{"processors":[]}"#),
            (DefinitionKind::LegacyTemplate, r#"{"p":{"order":0}}"#, r#"{"order":0}"#),
            (
                DefinitionKind::IndexTemplate,
                r#"{"index_templates":[{"name":"q","index_template":{}},{"name":"p","index_template":{"priority":1}}]}"#,
                r#"{"priority":1}"#,
            ),
            (
                DefinitionKind::ComponentTemplate,
                r#"{"component_templates":[{"name":"p","component_template":{"version":1.0}}]}"#,
                r#"{"version":1.0}"#,
            ),
        ];
        for (kind, answer, body) in cases {
            let found = shown(kind, "p", &json(answer)).expect("an answer").expect("found");
            assert_eq!(found.to_raw().get(), body);
            assert!(shown(kind, "other", &json(answer)).expect("an answer").is_none());
        }
    }

    #[test]
    fn old_templates_are_fitted_to_servers_without_types() {
        let mut body = Object::parse(r#"{"template":"logs-*","order":1,"mappings":{"log":{"properties":{}}}}"#)
            .expect("an object");
        fit_template(&mut body, Types::None).expect("fits");
        assert_eq!(body.to_raw().get(), r#"{"order":1,"mappings":{"properties":{}},"index_patterns":["logs-*"]}"#);
    }

    #[test]
    fn definitions_are_put_back_before_those_that_name_them() {
        let mut kinds = [
            DefinitionKind::LegacyTemplate,
            DefinitionKind::IndexTemplate,
            DefinitionKind::Pipeline,
            DefinitionKind::ComponentTemplate,
        ];
        kinds.sort_by_key(|kind| put_order(*kind));
        assert_eq!(
            kinds,
            [
                DefinitionKind::Pipeline,
                DefinitionKind::LegacyTemplate,
                DefinitionKind::ComponentTemplate,
                DefinitionKind::IndexTemplate
            ]
        );
    }
}
