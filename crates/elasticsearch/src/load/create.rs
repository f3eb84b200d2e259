//! Creates an index so that it is quick to fill, and remembers what has to be put back. Takes an index for its own
//! only where the server shows this loader's marker in it: one that somebody else made is never filled.

use serde::Deserialize;
use serde_json::value::RawValue;

use super::{
    BulkTarget, Loader, concession,
    error::{LoadError, Result},
    fate::{self, Knows, MARKER, Plan},
    mappings::{self, Types},
    object::{Object, raw, scalar},
    settings::Settings,
};
use crate::{
    error::{Error, Retry},
    request::Request,
};

/// An index that this loader created, and what it still owes it.
#[derive(Debug, Clone)]
pub struct CreatedIndex {
    pub(super) name: String,
    pub(super) uuid: String,
    /// The data stream whose write index it is.
    pub(super) stream: Option<String>,
    pub(super) doc_type: Option<String>,
    pub(super) parents: bool,
    pub(super) saved: Settings,
    pub(super) after: Settings,
    pub(super) blocks: Settings,
    /// What could not be made as it was saved, and why.
    pub changes: Vec<String>,
}

impl CreatedIndex {
    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Where its documents go.
    pub fn target(&self) -> BulkTarget {
        let Self { name, stream, doc_type, parents, .. } = self;
        BulkTarget { index: name.clone(), stream: stream.clone(), doc_type: doc_type.clone(), parents: *parents }
    }
}

/// One index as the server shows it.
#[derive(Deserialize)]
pub(super) struct Shown {
    #[serde(default)]
    settings: Option<Box<RawValue>>,
    #[serde(default)]
    pub(super) mappings: Option<Box<RawValue>>,
}

impl Shown {
    pub(super) fn settings(&self) -> Settings {
        self.settings.as_deref().and_then(|settings| Settings::parse(settings).ok()).unwrap_or_default()
    }

    fn setting(&self, name: &str) -> Option<String> {
        self.settings().get(name).map(scalar)
    }

    pub(super) fn uuid(&self) -> String {
        self.setting("index.uuid").unwrap_or_default()
    }
}

#[derive(Deserialize)]
struct Acknowledged {
    acknowledged: bool,
}

impl Loader {
    /// Creates an index with saved settings and mappings (the values of `settings` and `mappings` as servers give
    /// them), but without replicas, refresh and fsync for each request, without pipelines, life-cycle policies and
    /// blocks: see [`Loader::put_back_settings`] and [`Loader::put_back_blocks`].
    ///
    /// # Errors
    /// [`LoadError::Exists`] where the name is taken; [`LoadError::Settings`], [`LoadError::Mappings`],
    /// [`LoadError::Server`].
    pub async fn create_index(&self, name: &str, settings: &RawValue, mappings: &RawValue) -> Result<CreatedIndex> {
        let index = || name.to_owned();
        let saved = Settings::parse(settings).map_err(|source| LoadError::Settings { index: index(), source })?;
        let mut plan = fate::plan(&saved, self.marker(), self.knows());
        let damaged = |source| LoadError::Mappings { index: index(), source };
        // Those of a stream name no types yet.
        let (plain, was_of_stream) = mappings::without_stream(mappings).map_err(|source| damaged(source.into()))?;
        let fitted = mappings::fit(&plain, self.types()).map_err(damaged)?;
        self.create(name, &mut plan, &saved, &fitted.mappings).await?;

        let shown = self.show(name).await?.filter(|shown| self.marks(shown));
        let shown = shown.ok_or_else(|| LoadError::Replaced { index: index() })?;
        let beyond = shown.mappings.as_deref().map(|shown| mappings::beyond_saved(shown, mappings)).unwrap_or_default();
        let Plan { after, blocks, changes, .. } = plan;
        let from_templates =
            (!beyond.is_empty()).then(|| format!("a template of the server added the fields {}", beyond.join(", ")));
        let of_stream = was_of_stream.then(|| "it was part of a data stream, and is none".to_owned());
        Ok(CreatedIndex {
            name: index(),
            uuid: shown.uuid(),
            stream: None,
            doc_type: fitted.doc_type,
            parents: self.client().can().parents,
            saved,
            after,
            blocks,
            changes: [changes, fitted.changes].concat().into_iter().chain(from_templates).chain(of_stream).collect(),
        })
    }

    /// Repeats the creation until the index is there, leaving out, or naming otherwise, what the server does not know.
    async fn create(&self, name: &str, plan: &mut Plan, saved: &Settings, mappings: &RawValue) -> Result<()> {
        let mut mappings = mappings.to_owned();
        let doing = || LoadError::doing(format!("creating index {name}"));
        let mut patience = self.patience();
        let mut in_doubt = false;
        loop {
            let error = match self.try_create(name, &plan.create, &mappings).await {
                Ok(true) => return Ok(()),
                Ok(false) => Error::Answer {
                    method: "PUT".into(),
                    path: format!("/{name}"),
                    why: "the cluster did not acknowledge the index in time".into(),
                },
                Err(error) => error,
            };
            match refusal(&error) {
                Refusal::Setting(setting) if plan.leave_out(&setting, saved) => {}
                Refusal::Exists if in_doubt && self.is_ours(name).await? => return Ok(()),
                Refusal::Exists => {
                    return Err(LoadError::Exists { what: "index", name: name.to_owned(), also: None });
                }
                Refusal::Unclear => {
                    in_doubt = true;
                    patience.pause(error).await.map_err(doing())?;
                    if self.is_ours(name).await? {
                        return Ok(());
                    }
                }
                Refusal::Setting(_) | Refusal::Final if concede(&error, plan, &mut mappings) => {}
                Refusal::Setting(_) | Refusal::Final => return Err(doing()(error)),
            }
        }
    }

    async fn try_create(&self, name: &str, settings: &Settings, mappings: &RawValue) -> Result<bool, Error> {
        let body = Object::from_iter([
            ("settings".to_owned(), settings.to_raw()),
            ("mappings".to_owned(), mappings.to_owned()),
        ]);
        let request = Request::put(&[name]).json(raw(&body).get().to_owned()).idempotent(false);
        self.client().ask(request).await.map(|Acknowledged { acknowledged }| acknowledged)
    }

    /// Whether this loader created the index.
    async fn is_ours(&self, name: &str) -> Result<bool> {
        Ok(self.show(name).await?.is_some_and(|shown| self.marks(&shown)))
    }

    pub(super) fn marks(&self, shown: &Shown) -> bool {
        shown.setting(MARKER).as_deref() == Some(self.marker())
    }

    /// Settings and mappings of the index with exactly this name.
    pub(super) async fn show(&self, name: &str) -> Result<Option<Shown>> {
        let request = Request::get(&[name]).query("flat_settings", "true");
        let shown: Object = match self.client().ask(request).await {
            Err(Error::Refused { status: 404, .. }) => return Ok(None),
            answer => answer.map_err(LoadError::doing(format!("looking at index {name}")))?,
        };
        // What an alias leads to has another name.
        Ok(shown.get(name).and_then(|index| serde_json::from_str(index.get()).ok()))
    }

    pub(super) fn knows(&self) -> Knows {
        let can = self.client().can();
        Knows { default_pipeline: can.default_pipeline, final_pipeline: can.final_pipeline }
    }

    pub(super) fn types(&self) -> Types {
        let can = self.client().can();
        match (can.types, can.many_types) {
            (_, true) => Types::Several,
            (true, false) => Types::One,
            (false, false) => Types::None,
        }
    }
}

/// Changes what may be changed for the server's sake, and says so. Gives false where its refusal stands.
pub(super) fn concede(error: &Error, plan: &mut Plan, mappings: &mut Box<RawValue>) -> bool {
    let Error::Refused { status: 400, reason, .. } = error else { return false };
    let changes = concession::concede(reason, &mut plan.create, mappings);
    let conceded = !changes.is_empty();
    plan.changes.extend(changes);
    conceded
}

/// What a failed creation means.
pub(super) enum Refusal {
    /// This setting is not known, or not ours to give.
    Setting(String),
    /// The name is taken.
    Exists,
    /// The index may have been created, or may be created later.
    Unclear,
    /// It will not be created.
    Final,
}

pub(super) fn refusal(error: &Error) -> Refusal {
    match error {
        Error::Refused { kind, .. }
            if matches!(kind.as_str(), "resource_already_exists_exception" | "index_already_exists_exception") =>
        {
            Refusal::Exists
        }
        Error::Refused { reason, .. } if reason.contains("already exists as alias") => Refusal::Exists,
        Error::Refused { status: 400, reason, .. } => {
            fate::refused_setting(reason).map_or(Refusal::Final, |name| Refusal::Setting(name.to_owned()))
        }
        Error::Answer { .. } => Refusal::Unclear,
        error if error.retry() == Retry::Again => Refusal::Unclear,
        _ => Refusal::Final,
    }
}
