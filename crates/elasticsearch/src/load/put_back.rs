//! Gives an index the settings that were held back while it was filled. May be called again and again, and after a
//! failure; never touches an index that another has put in the place of ours.

use serde::de::IgnoredAny;

use super::{
    Loader,
    create::{CreatedIndex, Shown},
    error::{LoadError, Result},
    fate::{beyond_saved, refused_setting},
    object::raw,
    settings::Settings,
};
use crate::{error::Error, request::Request};

impl Loader {
    /// Puts the saved refresh interval, replicas, pipelines and so on back, or the default where none was saved; takes
    /// away what a template of the server added. Gives what could not be put back, and why.
    ///
    /// # Errors
    /// [`LoadError::Replaced`], [`LoadError::Server`].
    pub async fn put_back_settings(&self, created: &CreatedIndex) -> Result<Vec<String>> {
        let name = &created.name;
        let shown = self.show_ours(created).await?;
        let mut changes = self.put_settings(name, created.after.clone()).await?;
        for extra in beyond_saved(&shown.settings(), &created.saved) {
            if created.after.get(&extra).is_some() {
                continue;
            }
            let mut unset = Settings::default();
            unset.set(&extra, raw(&()));
            if let Err(error) = self.put_settings_once(name, &unset).await {
                changes.push(format!("setting {extra} came from a template of the server and stays: {error}"));
            }
        }
        Ok(changes)
    }

    /// Puts saved blocks (`index.blocks.*`) back: the last thing that an index gets, because nothing else may be
    /// changed under them. Gives what could not be put back, and why.
    ///
    /// # Errors
    /// [`LoadError::Replaced`], [`LoadError::Server`].
    pub async fn put_back_blocks(&self, created: &CreatedIndex) -> Result<Vec<String>> {
        if created.blocks.is_empty() {
            return Ok(Vec::new());
        }
        self.show_ours(created).await?;
        self.put_settings(&created.name, created.blocks.clone()).await
    }

    /// The index, if it is still the one that was created.
    async fn show_ours(&self, created: &CreatedIndex) -> Result<Shown> {
        let shown = self.show(&created.name).await?.filter(|shown| shown.uuid() == created.uuid);
        shown.ok_or_else(|| LoadError::Replaced { index: created.name.clone() })
    }

    /// Servers take all settings of a request or none: what they do not know is left out and named.
    async fn put_settings(&self, name: &str, mut settings: Settings) -> Result<Vec<String>> {
        let mut changes = Vec::new();
        while !settings.is_empty() {
            let error = match self.put_settings_once(name, &settings).await {
                Ok(()) => break,
                Err(error) => error,
            };
            let unknown = match &error {
                Error::Refused { status: 400, reason, .. } => refused_setting(reason).map(str::to_owned),
                _ => None,
            };
            match unknown {
                Some(setting) if settings.remove(&setting) => {
                    changes.push(format!("setting {setting} is left out: the server does not know it"));
                }
                _ => return Err(LoadError::doing(format!("putting back the settings of index {name}"))(error)),
            }
        }
        Ok(changes)
    }

    async fn put_settings_once(&self, name: &str, settings: &Settings) -> Result<(), Error> {
        let request = Request::put(&[name, "_settings"]).json(settings.to_raw().get().to_owned());
        self.client().ask::<IgnoredAny>(request).await.map(drop)
    }
}
