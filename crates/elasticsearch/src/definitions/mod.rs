//! What a cluster defines besides its indices: templates, pipelines, scripts, policies and the like, each as its server printed it.

mod kind;
mod listing;
mod unsaved;

use serde_json::value::RawValue;

pub use kind::DefinitionKind;

pub(crate) use listing::{body, entries, is_system, strip};

use crate::{
    client::Client,
    error::{Error, Result},
    load::object::Object,
    request::Request,
};

/// Definitions asked for at once, where the server gives only so many.
const PAGE: usize = 1000;

/// One definition.
#[derive(Debug, Clone)]
pub struct Definition {
    /// Its kind.
    pub kind: DefinitionKind,
    /// Its name.
    pub name: String,
    /// What a PUT of it takes, its values exactly as the server printed them.
    pub body: Box<RawValue>,
    /// Whether it is the server's own: its name begins with a dot, or the server marks it.
    pub system: bool,
}

/// What a cluster defines, and what of it a backup cannot have.
#[derive(Debug, Default)]
pub struct Survey {
    /// Kind by kind and in the server's order.
    pub definitions: Vec<Definition>,
    /// What exists and is not among them, in words.
    pub not_saved: Vec<String>,
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

    /// All definitions of these kinds, and what else the cluster defines. A kind that this login may not see, or that the server
    /// does not tell, is named, unless an index may need it: then that is an error.
    ///
    /// # Errors
    /// As [`Client::send`].
    pub async fn survey(&self, kinds: &[DefinitionKind]) -> Result<Survey> {
        let mut survey = Survey::default();
        // Scripts are in the state that also tells what is not saved.
        let with_scripts = kinds.contains(&DefinitionKind::Script);
        let state = if with_scripts { Some(self.metadata().await?) } else { None };
        for kind in kinds {
            let of_kind = match &state {
                Some(state) if *kind == DefinitionKind::Script => read(*kind, state).map(|shown| named(*kind, shown)),
                _ => self.of_kind(*kind).await,
            };
            match of_kind {
                Ok(definitions) => survey.definitions.extend(definitions),
                Err(error @ Error::Refused { .. }) if !kind.is_needed_by_indices() => {
                    survey.not_saved.push(format!("{}: {error}", kind.plural()));
                }
                Err(error) => return Err(error),
            }
        }
        survey.not_saved.extend(unsaved::find(self, kinds, state.as_deref()).await?);
        Ok(survey)
    }

    async fn of_kind(&self, kind: DefinitionKind) -> Result<Vec<Definition>> {
        if !kind.is_known_to(self.can()) {
            return Ok(Vec::new());
        }
        let shown = match self.shown(kind).await {
            Err(error) if is_absent(&error) => Vec::new(),
            shown => shown?,
        };
        Ok(named(kind, shown))
    }

    async fn metadata(&self) -> Result<Box<RawValue>> {
        self.ask(unsaved::metadata()).await
    }

    async fn shown(&self, kind: DefinitionKind) -> Result<listing::Shown> {
        if kind == DefinitionKind::Script {
            return read(kind, &self.metadata().await?);
        }
        if !kind.is_paged() {
            return read(kind, &self.ask::<Box<RawValue>>(Request::get(kind.path())).await?);
        }
        let mut all = listing::Shown::new();
        loop {
            let request =
                Request::get(kind.path()).query("size", &PAGE.to_string()).query("from", &all.len().to_string());
            let page = read(kind, &self.ask::<Box<RawValue>>(request).await?)?;
            let is_last = page.len() < PAGE;
            all.extend(page);
            if is_last {
                return Ok(all);
            }
        }
    }
}

fn named(kind: DefinitionKind, shown: listing::Shown) -> Vec<Definition> {
    let definition = |(name, shown): (String, Object)| {
        let system = is_system(kind, &name, &shown);
        Definition { kind, name, body: body(kind, shown).to_raw(), system }
    };
    shown.into_iter().map(definition).collect()
}

fn read(kind: DefinitionKind, answer: &RawValue) -> Result<listing::Shown> {
    let path = format!("/{}", kind.path().join("/"));
    entries(kind, None, answer).map_err(|error| Error::Answer { method: "GET".into(), path, why: error.to_string() })
}

/// Whether an answer to a question says that there is nothing, be it that the server lacks the module: 404 and an empty object where
/// there is no pipeline (6.8, 7.14, 7.17, OpenSearch 2.19).
pub(crate) fn is_absent(error: &Error) -> bool {
    matches!(error, Error::Refused { status: 404, .. }) || is_unknown(error)
}

/// Whether an answer says that the server lacks the module: what is no interface is taken for an index, or for none.
pub(crate) fn is_unknown(error: &Error) -> bool {
    match error {
        Error::Refused { status: 405, .. } => true,
        // What a policy refers to may be absent, too.
        Error::Refused { status: 404, path, reason, .. } => {
            let interface = path.trim_start_matches('/').split('/').next().unwrap_or_default();
            reason.contains(&format!("no such index [{interface}]"))
        }
        Error::Refused { status: 400, reason, .. } => {
            ["no handler found", "nvalid index name", "contains unrecognized parameters"]
                .iter()
                .any(|words| reason.contains(words))
        }
        _ => false,
    }
}
