//! Makes a data stream anew, one backing index after the other: each is made by a rollover, under a template that gives it what
//! it had. Takes a backing index for its own only where the server shows this loader's marker in it.

use serde::de::IgnoredAny;
use serde_json::value::RawValue;

use super::{
    CreatedIndex, Loader,
    create::{Refusal, concede, refusal},
    error::{LoadError, Result},
    fate::{self, Plan, without_server_owned},
    mappings,
    object::raw,
    settings::Settings,
    stream_template::{Rank, Template, stream_template},
};
use crate::{data_streams::DataStream, error::Retry, request::Request};

/// What every backing index is, by itself.
const HIDDEN: &str = "index.hidden";

/// What one backing index had, as servers give it.
#[derive(Debug, Clone, Copy)]
pub struct Generation<'a> {
    /// The value of `settings`.
    pub settings: &'a RawValue,
    /// The value of `mappings`.
    pub mappings: &'a RawValue,
    /// Its aliases; `None` where nobody wants them.
    pub aliases: Option<&'a RawValue>,
}

impl Loader {
    /// Gives the stream its next backing index behind the one that is called `newest`, and is then the one that is written to;
    /// without `newest` it makes the stream. As [`Loader::create_index`] does it, the index is made so that it is quick to fill.
    ///
    /// # Errors
    /// [`LoadError::Exists`] where there is such a stream that is not ours; [`LoadError::Replaced`] where somebody has changed
    /// it; [`LoadError::Settings`], [`LoadError::Mappings`], [`LoadError::Server`].
    pub async fn add_generation(
        &self,
        stream: &DataStream,
        newest: Option<&str>,
        of: Generation<'_>,
    ) -> Result<CreatedIndex> {
        self.check_newest(&stream.name, newest).await?;
        let saved = settings(stream, of)?;
        let mut plan = fate::plan(&saved, self.marker(), self.knows());
        let (mappings, changes) = fitted(stream, of)?;
        self.put_fitting(stream, Rank::First, &mut plan, &saved, &mappings, of.aliases).await?;
        let index = self.roll(stream, newest).await?;

        let shown = self.show(&index).await?.filter(|shown| self.marks(shown));
        let shown = shown.ok_or_else(|| replaced(&stream.name))?;
        let mut beyond =
            shown.mappings.as_deref().map(|shown| mappings::beyond_saved(shown, &mappings)).unwrap_or_default();
        beyond.retain(|field| *field != stream.timestamp_field);
        let added = (!beyond.is_empty()).then(|| format!("the server added the fields {}", beyond.join(", ")));
        let Plan { after, blocks, changes: left_out, .. } = plan;
        Ok(CreatedIndex {
            uuid: shown.uuid(),
            name: index,
            stream: Some(stream.name.clone()),
            doc_type: None,
            parents: false,
            saved,
            after,
            blocks,
            changes: [left_out, changes].concat().into_iter().chain(added).collect(),
        })
    }

    /// Lets a generation pass that is not there any more: a backing index that is empty, and small. Gives its name; it can be
    /// deleted as soon as there is another one.
    ///
    /// # Errors
    /// As [`Loader::add_generation`].
    pub async fn pass_generation(&self, stream: &DataStream, newest: Option<&str>) -> Result<String> {
        self.check_newest(&stream.name, newest).await?;
        let empty = RawValue::from_string("{}".into()).expect("an object");
        let mut settings = Settings::default();
        for (name, value) in
            [("index.number_of_shards", "1"), ("index.number_of_replicas", "0"), (fate::MARKER, self.marker())]
        {
            settings.set(name, raw(value));
        }
        let template = Template { settings: settings.to_raw(), mappings: empty, aliases: None };
        let put = self.put_stream_template(stream, Rank::First, &template).await;
        put.map_err(LoadError::doing(format!("putting the template of data stream {}", stream.name)))?;
        self.roll(stream, newest).await
    }

    /// Leaves a template for the stream, made of this backing index, where [`Loader::remove_stream_template`] found no other.
    /// Gives its name.
    ///
    /// # Errors
    /// [`LoadError::Settings`], [`LoadError::Mappings`], [`LoadError::Server`].
    pub async fn leave_template(&self, stream: &DataStream, of: Generation<'_>) -> Result<String> {
        let mut settings = without_server_owned(&settings(stream, of)?);
        let blocks: Vec<String> =
            settings.iter().map(|(name, _)| name.to_owned()).filter(|name| name.starts_with("index.blocks.")).collect();
        for name in blocks {
            settings.remove(&name);
        }
        let (mappings, _) = fitted(stream, of)?;
        let nothing = Settings::default;
        let mut plan = Plan { create: settings, after: nothing(), blocks: nothing(), changes: Vec::new() };
        self.put_fitting(stream, Rank::Last, &mut plan, &nothing(), &mappings, of.aliases).await?;
        Ok(stream_template(&stream.name))
    }

    /// Repeats putting the template, leaving out, or naming otherwise, what the server does not know.
    async fn put_fitting(
        &self,
        stream: &DataStream,
        rank: Rank,
        plan: &mut Plan,
        saved: &Settings,
        mappings: &RawValue,
        aliases: Option<&RawValue>,
    ) -> Result<()> {
        let mut mappings = mappings.to_owned();
        loop {
            let template = Template {
                settings: plan.create.to_raw(),
                mappings: mappings.clone(),
                aliases: aliases.map(RawValue::to_owned),
            };
            let Err(error) = self.put_stream_template(stream, rank, &template).await else { return Ok(()) };
            match refusal(&error) {
                Refusal::Setting(setting) if plan.leave_out(&setting, saved) => {}
                _ if concede(&error, plan, &mut mappings) => {}
                _ => {
                    let doing = format!("putting the template of data stream {}", stream.name);
                    return Err(LoadError::doing(doing)(error));
                }
            }
        }
    }

    /// Makes the stream, or rolls it over; gives the index that is written to now. Nobody knows what became of a rollover whose
    /// answer is lost: then the stream tells.
    async fn roll(&self, stream: &DataStream, newest: Option<&str>) -> Result<String> {
        let name = &stream.name;
        let doing = || LoadError::doing(format!("giving data stream {name} a backing index"));
        let mut patience = self.patience();
        let mut in_doubt = false;
        loop {
            let request = match newest {
                None => Request::put(&["_data_stream", name]).idempotent(false),
                Some(_) => Request::post(&[name, "_rollover"]),
            };
            let answer = self.client().ask::<IgnoredAny>(request).await;
            let now = self.write_index(name).await?;
            match (answer, now.filter(|now| Some(now.as_str()) != newest)) {
                (Err(error), Some(_)) if !in_doubt && matches!(refusal(&error), Refusal::Exists) => {
                    return Err(exists(name));
                }
                // After a failure its marker tells whether it is ours.
                (_, Some(now)) => return Ok(now),
                (Err(error), None) if error.retry() == Retry::Again => {
                    in_doubt = true;
                    patience.pause(error).await.map_err(doing())?;
                }
                (Err(error), None) => return Err(doing()(error)),
                (Ok(_), None) => return Err(replaced(name)),
            }
        }
    }

    /// Nothing is done to a stream that is not as this restore left it.
    async fn check_newest(&self, stream: &str, newest: Option<&str>) -> Result<()> {
        match (self.write_index(stream).await?, newest) {
            (found, newest) if found.as_deref() == newest => Ok(()),
            (_, None) => Err(exists(stream)),
            (_, Some(_)) => Err(replaced(stream)),
        }
    }

    async fn write_index(&self, stream: &str) -> Result<Option<String>> {
        let shown = self.stream(stream).await?;
        Ok(shown.and_then(|shown| shown.indices().last().map(|last| (*last).to_owned())))
    }
}

fn exists(stream: &str) -> LoadError {
    LoadError::Exists { what: "data stream", name: stream.to_owned(), also: None }
}

fn replaced(stream: &str) -> LoadError {
    LoadError::Replaced { index: format!("newest of data stream {stream}") }
}

fn settings(stream: &DataStream, of: Generation<'_>) -> Result<Settings> {
    let parsed = Settings::parse(of.settings);
    let mut saved = parsed.map_err(|source| LoadError::Settings { index: stream.name.clone(), source })?;
    // Also where settings are not wanted: that it is so is no change.
    saved.set(HIDDEN, raw("true"));
    Ok(saved)
}

/// The mappings without what the server puts into them, and what else had to be changed.
fn fitted(stream: &DataStream, of: Generation<'_>) -> Result<(Box<RawValue>, Vec<String>)> {
    let damaged = |source| LoadError::Mappings { index: stream.name.clone(), source };
    let fitted = mappings::fit(of.mappings, mappings::Types::None).map_err(damaged)?;
    let (mappings, _) = mappings::without_stream(&fitted.mappings).map_err(|source| damaged(source.into()))?;
    Ok((mappings, fitted.changes))
}
