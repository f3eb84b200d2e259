//! Puts definitions back, each only where it is missing or may be replaced. Compares before it writes; never reprints a number.

use serde::de::IgnoredAny;
use serde_json::value::RawValue;

use super::{
    Loader, concession,
    error::{LoadError, Result},
    fate,
    mappings::{self, Types},
    object::{Object, raw, same},
    settings::Settings,
};
use crate::{
    definitions::{self, Definition, DefinitionKind},
    error::Error,
    request::Request,
};

/// The place of a kind in the order in which definitions are put back: each may name those of earlier kinds. From Elasticsearch
/// 8 on, a legacy template is refused where an index template of the same patterns is; the other way round it is taken.
pub fn put_order(kind: DefinitionKind) -> u8 {
    match kind {
        DefinitionKind::Script => 0,
        DefinitionKind::Pipeline | DefinitionKind::SearchPipeline => 1,
        DefinitionKind::LifecyclePolicy | DefinitionKind::StatePolicy => 2,
        DefinitionKind::LegacyTemplate => 3,
        DefinitionKind::ComponentTemplate => 4,
        DefinitionKind::IndexTemplate => 5,
        DefinitionKind::EnrichPolicy => 6,
        DefinitionKind::Transform => 7,
        DefinitionKind::OpenSearchActionGroup | DefinitionKind::OpenSearchTenant => 8,
        DefinitionKind::Role | DefinitionKind::OpenSearchRole => 9,
        DefinitionKind::RoleMapping | DefinitionKind::OpenSearchRoleMapping => 10,
        // What they run, or forbid, must be there by then.
        DefinitionKind::SnapshotPolicy => 11,
        DefinitionKind::ClusterSettings => 12,
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

impl Loader {
    /// Puts one definition back. Gives with it what of a template had to be changed for this server, in words.
    ///
    /// # Errors
    /// [`LoadError::Exists`] where another has its name and `on_conflict` is [`OnConflict::Fail`];
    /// [`LoadError::Unknown`] where the server has nothing of its kind; [`LoadError::Definition`],
    /// [`LoadError::Mappings`], [`LoadError::Server`].
    pub async fn put_definition(&self, definition: &Definition, on_conflict: OnConflict) -> Result<(Put, Vec<String>)> {
        let unchanged = |put| Ok((put, Vec::new()));
        let wanted = self.fitted(definition)?;
        let put = match (self.standing_of(definition, &wanted).await?, on_conflict) {
            (Standing::Same, _) => return unchanged(Put::Same),
            (Standing::Other, OnConflict::Skip) => return unchanged(Put::Skipped),
            (Standing::Other, OnConflict::Fail) => {
                let also = Some("and says something else".into());
                return Err(LoadError::Exists { what: definition.kind.noun(), name: definition.name.clone(), also });
            }
            (Standing::Other, OnConflict::Overwrite) => Put::Replaced,
            (Standing::Absent, _) => Put::Created,
        };
        Ok((put, self.write(definition, wanted, put).await?))
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

    /// The definition that the server has under this name, as a PUT takes it.
    ///
    /// # Errors
    /// [`LoadError::Server`].
    pub async fn definition(&self, kind: DefinitionKind, name: &str) -> Result<Option<Box<RawValue>>> {
        let answer = match self.ask_for(kind, name).await {
            Err(error) if definitions::is_absent(&error) => return Ok(None),
            answer => answer.map_err(looking(kind, name))?,
        };
        let shown = definitions::entries(kind, Some(name), &answer).map_err(|error| {
            let path = kind.path().join("/");
            looking(kind, name)(Error::Answer { method: "GET".into(), path, why: error.to_string() })
        })?;
        let found = shown.into_iter().find(|(shown, _)| shown == name);
        Ok(found.map(|(_, shown)| definitions::body(kind, shown).to_raw()))
    }

    async fn ask_for(&self, kind: DefinitionKind, name: &str) -> Result<Box<RawValue>, Error> {
        self.client().ask(Request::get(&kind.path_of(name))).await
    }

    async fn write(&self, definition: &Definition, mut body: Box<RawValue>, put: Put) -> Result<Vec<String>> {
        let Definition { kind, ref name, .. } = *definition;
        let putting = || LoadError::doing(format!("putting {} {name}", kind.noun()));
        let path = kind.path_of(name);
        let mut request = Request::put(&path);
        match (kind, put) {
            // These are only replaced by one that names what it replaces.
            (DefinitionKind::StatePolicy, Put::Replaced) => {
                let current = self.ask_for(kind, name).await.map_err(looking(kind, name))?;
                let current = Object::parse(current.get()).unwrap_or_default();
                for (parameter, member) in [("if_seq_no", "_seq_no"), ("if_primary_term", "_primary_term")] {
                    if let Some(value) = current.get(member) {
                        request = request.query(parameter, value.get());
                    }
                }
            }
            // And these not at all.
            (DefinitionKind::EnrichPolicy | DefinitionKind::Transform, Put::Replaced) => {
                let mut delete = Request::delete(&path);
                if kind == DefinitionKind::Transform {
                    delete = delete.query("force", "true");
                }
                self.client().ask::<IgnoredAny>(delete).await.map_err(putting())?;
            }
            _ => {}
        }
        // What it reads may come later, or not at all: it says so when it is started.
        if kind == DefinitionKind::Transform {
            request = request.query("defer_validation", "true");
        }
        let mut changes = Vec::new();
        loop {
            let asked = request.clone().json(body.get().to_owned());
            let error = match self.client().ask::<IgnoredAny>(asked).await {
                Ok(_) => return Ok(changes),
                Err(error) if definitions::is_unknown(&error) => {
                    return Err(LoadError::Unknown { what: kind.noun(), name: name.clone() });
                }
                Err(error) => error,
            };
            match conceded(kind, &body, &error) {
                Some((changed, what)) => {
                    body = changed;
                    changes.extend(what);
                }
                None => return Err(putting()(error)),
            }
        }
    }

    /// Lets an enrich policy gather what it enriches with: without that no pipeline can name it.
    ///
    /// # Errors
    /// [`LoadError::Server`].
    pub async fn execute_enrich_policy(&self, name: &str) -> Result<()> {
        let request = Request::put(&["_enrich", "policy", name, "_execute"]);
        let answer = self.client().ask::<IgnoredAny>(request).await;
        answer.map(drop).map_err(LoadError::doing(format!("executing enrich policy {name}")))
    }

    /// The definition as this server takes it.
    fn fitted(&self, definition: &Definition) -> Result<Box<RawValue>> {
        let Definition { kind, ref name, ref body, system: _ } = *definition;
        if !kind.is_known_to(self.client().can()) {
            return Err(LoadError::Unknown { what: kind.noun(), name: name.clone() });
        }
        let parsed = Object::parse(body.get());
        let mut body =
            parsed.map_err(|source| LoadError::Definition { what: kind.noun(), name: name.clone(), source })?;
        definitions::strip(kind, &mut body);
        if kind == DefinitionKind::LegacyTemplate {
            fit_template(&mut body, self.types())
                .map_err(|source| LoadError::Mappings { index: format!("template {name}"), source })?;
        }
        Ok(body.to_raw())
    }
}

/// Says what was being tried.
fn looking(kind: DefinitionKind, name: &str) -> impl FnOnce(Error) -> LoadError {
    LoadError::doing(format!("looking for {} {name}", kind.noun()))
}

/// A template without what the server refuses, where that may be changed, and what was.
fn conceded(kind: DefinitionKind, body: &RawValue, error: &Error) -> Option<(Box<RawValue>, Vec<String>)> {
    let Error::Refused { status: 400, reason, .. } = error else { return None };
    let mut whole = Object::parse(body.get()).ok()?;
    let mut template = match kind {
        DefinitionKind::LegacyTemplate => whole.clone(),
        DefinitionKind::ComponentTemplate | DefinitionKind::IndexTemplate => whole.object("template")?,
        _ => return None,
    };
    let nothing = || raw(&Object::default());
    let (old_settings, old_mappings) = (template.get("settings"), template.get("mappings"));
    let mut settings = Settings::parse(&old_settings.map_or_else(nothing, ToOwned::to_owned)).ok()?;
    let mut mappings = old_mappings.map_or_else(nothing, ToOwned::to_owned);
    let (has_settings, has_mappings) = (old_settings.is_some(), old_mappings.is_some());
    let mut changes = concession::concede(reason, &mut settings, &mut mappings);
    if let Some(name) = fate::refused_setting(reason).filter(|name| settings.remove(name)) {
        changes.push(format!("setting {name} is left out: the server does not know it"));
    }
    if changes.is_empty() {
        return None;
    }
    if has_settings {
        template.set("settings", settings.to_nested());
    }
    if has_mappings {
        template.set("mappings", mappings);
    }
    if kind == DefinitionKind::LegacyTemplate {
        return Some((template.to_raw(), changes));
    }
    whole.set("template", template.to_raw());
    Some((whole.to_raw(), changes))
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn old_templates_are_fitted_to_servers_without_types() {
        let mut body = Object::parse(r#"{"template":"logs-*","order":1,"mappings":{"log":{"properties":{}}}}"#)
            .expect("an object");
        fit_template(&mut body, Types::None).expect("fits");
        assert_eq!(body.to_raw().get(), r#"{"order":1,"mappings":{"properties":{}},"index_patterns":["logs-*"]}"#);
    }

    #[test]
    fn a_template_is_changed_where_the_server_names_what_it_refuses() {
        let refused = |reason: &str| Error::Refused {
            method: "PUT".into(),
            path: "/x".into(),
            status: 400,
            kind: "mapper_parsing_exception".into(),
            reason: reason.into(),
            retry_after: None,
        };
        let json = |text: &str| RawValue::from_string(text.to_owned()).expect("JSON");
        let error = refused("Root mapping definition has unsupported parameters:  [_all : {enabled=false}]");
        let legacy = json(r#"{"order":1.0,"mappings":{"_all":{"enabled":false},"properties":{}}}"#);
        let (body, changes) = conceded(DefinitionKind::LegacyTemplate, &legacy, &error).expect("changed");
        assert_eq!((body.get(), changes.len()), (r#"{"order":1.0,"mappings":{"properties":{}}}"#, 1));
        let error = refused("unknown setting [index.old] please check");
        let component = json(r#"{"template":{"settings":{"index":{"old":"1","codec":"default"}}},"version":1}"#);
        let (body, _) = conceded(DefinitionKind::ComponentTemplate, &component, &error).expect("changed");
        assert_eq!(body.get(), r#"{"template":{"settings":{"index":{"codec":"default"}}},"version":1}"#);
        assert!(conceded(DefinitionKind::Pipeline, &legacy, &error).is_none());
    }

    #[test]
    fn definitions_are_put_back_before_those_that_name_them() {
        let mut kinds = DefinitionKind::ALL;
        kinds.sort_by_key(|kind| put_order(*kind));
        let place = |kind| kinds.iter().position(|of| *of == kind);
        for (first, then) in [
            (DefinitionKind::Script, DefinitionKind::Pipeline),
            (DefinitionKind::Pipeline, DefinitionKind::LegacyTemplate),
            (DefinitionKind::LegacyTemplate, DefinitionKind::IndexTemplate),
            (DefinitionKind::ComponentTemplate, DefinitionKind::IndexTemplate),
            (DefinitionKind::LifecyclePolicy, DefinitionKind::IndexTemplate),
            (DefinitionKind::Role, DefinitionKind::RoleMapping),
            (DefinitionKind::OpenSearchTenant, DefinitionKind::OpenSearchRole),
        ] {
            assert!(place(first) < place(then), "{first:?} {then:?}");
        }
    }
}
