//! What a cluster defines besides its indices: templates and ingest pipelines, each exactly as the server printed it.

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::{
    client::Client,
    entries::Entries,
    error::{Error, Result},
    request::Request,
};

/// What kind of definition.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum DefinitionKind {
    /// `_template`.
    LegacyTemplate,
    /// `_component_template`.
    ComponentTemplate,
    /// `_index_template`.
    IndexTemplate,
    /// `_ingest/pipeline`.
    Pipeline,
}

impl DefinitionKind {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::LegacyTemplate, Self::ComponentTemplate, Self::IndexTemplate, Self::Pipeline];
}

/// One definition.
#[derive(Debug, Clone)]
pub struct Definition {
    /// Its kind.
    pub kind: DefinitionKind,
    /// Its name.
    pub name: String,
    /// What a PUT of it takes, exactly as the server printed it.
    pub body: Box<RawValue>,
    /// Whether it is the server's own: its name begins with a dot, or `_meta.managed` says so.
    pub system: bool,
}

impl Client {
    /// All definitions of these kinds, kind by kind and in the server's order. Asks for no other kind: a login need not be
    /// allowed to see it.
    ///
    /// # Errors
    /// As [`Client::send`].
    pub async fn definitions(&self, kinds: &[DefinitionKind]) -> Result<Vec<Definition>> {
        let mut all = Vec::new();
        for kind in kinds {
            all.extend(self.of_kind(*kind).await?);
        }
        Ok(all)
    }

    async fn of_kind(&self, kind: DefinitionKind) -> Result<Vec<Definition>> {
        let bodies = match kind {
            DefinitionKind::LegacyTemplate => self.ask::<Bodies>(Request::get(&["_template"])).await?.0,
            DefinitionKind::ComponentTemplate | DefinitionKind::IndexTemplate if !self.can().composable_templates => {
                Vec::new()
            }
            DefinitionKind::ComponentTemplate => {
                let found: ComponentTemplates = self.ask(Request::get(&["_component_template"])).await?;
                found.component_templates.into_iter().map(|t| (t.name, t.component_template)).collect()
            }
            DefinitionKind::IndexTemplate => {
                let found: IndexTemplates = self.ask(Request::get(&["_index_template"])).await?;
                found.index_templates.into_iter().map(|t| (t.name, t.index_template)).collect()
            }
            // 404 and an empty object where there is none (6.8, 7.14, 7.17, OpenSearch 2.19).
            DefinitionKind::Pipeline => match self.ask::<Bodies>(Request::get(&["_ingest", "pipeline"])).await {
                Err(Error::Refused { status: 404, .. }) => Vec::new(),
                answer => answer?.0,
            },
        };
        Ok(named(kind, bodies))
    }
}

/// Definitions by name.
type Bodies = Entries<Box<RawValue>>;

#[derive(Deserialize)]
struct ComponentTemplates {
    component_templates: Vec<ComponentTemplate>,
}

#[derive(Deserialize)]
struct ComponentTemplate {
    name: String,
    component_template: Box<RawValue>,
}

#[derive(Deserialize)]
struct IndexTemplates {
    index_templates: Vec<IndexTemplate>,
}

#[derive(Deserialize)]
struct IndexTemplate {
    name: String,
    index_template: Box<RawValue>,
}

/// Definitions of one kind, the server's own among them marked.
pub(crate) fn named(
    kind: DefinitionKind,
    bodies: impl IntoIterator<Item = (String, Box<RawValue>)>,
) -> Vec<Definition> {
    let definition = |(name, body): (String, Box<RawValue>)| {
        let system = name.starts_with('.') || is_managed(&body);
        Definition { kind, name, body, system }
    };
    bodies.into_iter().map(definition).collect()
}

#[derive(Deserialize)]
struct WithMeta {
    #[serde(rename = "_meta")]
    meta: Option<Meta>,
}

#[derive(Deserialize)]
struct Meta {
    managed: Option<serde_json::Value>,
}

fn is_managed(body: &RawValue) -> bool {
    let with_meta = serde_json::from_str::<WithMeta>(body.get());
    with_meta.is_ok_and(|with| with.meta.is_some_and(|meta| meta.managed == Some(true.into())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_servers_own_definitions_are_marked() {
        for (name, body, system) in [
            ("mine", r#"{"_meta":{"owner":"me"}}"#, false),
            ("mine", r#"{"_meta":{"managed":"yes"}}"#, false),
            (".monitoring-es", "{}", true),
            ("logs", r#"{"priority":100,"_meta":{"managed":true}}"#, true),
        ] {
            let body = RawValue::from_string(body.to_owned()).expect("JSON");
            let definitions = named(DefinitionKind::IndexTemplate, [(name.to_owned(), body)]);
            assert_eq!(definitions[0].system, system, "{name}");
        }
    }
}
