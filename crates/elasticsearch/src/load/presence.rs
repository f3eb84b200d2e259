//! What is there already, taking it away, and counting what came. Never deletes what only bears the name as an alias.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;

use super::{
    Loader,
    error::{LoadError, Result},
    object::Object,
};
use crate::{catalog::batches::batches, error::Error, request::Request};

#[derive(Deserialize)]
struct IndexAliases {
    #[serde(default)]
    aliases: Object,
}

type Aliases = BTreeMap<String, IndexAliases>;

#[derive(Deserialize)]
struct Refreshed {
    #[serde(rename = "_shards")]
    shards: Shards,
}

#[derive(Deserialize)]
struct Counted {
    count: u64,
    #[serde(rename = "_shards")]
    shards: CountedShards,
}

#[derive(Deserialize)]
struct Shards {
    failed: u64,
}

#[derive(Deserialize)]
struct CountedShards {
    total: u64,
    successful: u64,
    failed: u64,
}

impl Loader {
    /// Which of `names` are taken, by an index (open or closed) or by an alias.
    ///
    /// # Errors
    /// [`LoadError::Server`].
    pub async fn existing(&self, names: &[String]) -> Result<Vec<String>> {
        let mut taken = BTreeSet::new();
        for names in batches(names.iter().map(String::as_str)) {
            let found = self.aliases_of(&names).await?;
            taken.extend(found.values().flat_map(|index| index.aliases.iter().map(|(alias, _)| alias.to_owned())));
            taken.extend(found.into_keys());
        }
        Ok(names.iter().filter(|name| taken.contains(*name)).cloned().collect())
    }

    /// Deletes the index `name`; that there is none is as good.
    ///
    /// # Errors
    /// [`LoadError::Exists`] where `name` is an alias: what is behind it is not deleted. [`LoadError::Server`].
    pub async fn delete_index(&self, name: &str) -> Result<()> {
        let found = self.aliases_of(name).await?;
        if found.is_empty() {
            return Ok(());
        }
        if !found.contains_key(name) {
            let behind = found.into_keys().collect::<Vec<_>>().join(", ");
            let also = Some(format!("of {behind}; delete the alias, or restore under another name"));
            return Err(LoadError::Exists { what: "alias", name: name.to_owned(), also });
        }
        match self.client().send(Request::delete(&[name])).await {
            // Repeated after a lost answer, or somebody was faster.
            Err(Error::Refused { status: 404, .. }) | Ok(_) => Ok(()),
            Err(source) => Err(LoadError::doing(format!("deleting index {name}"))(source)),
        }
    }

    /// Makes all documents of the index visible and counts them.
    ///
    /// # Errors
    /// [`LoadError::Server`], also where a shard did not take part: then the count would be too small.
    pub async fn refresh_and_count(&self, name: &str) -> Result<u64> {
        let doing = || LoadError::doing(format!("counting index {name}"));
        let refresh = Request::post(&[name, "_refresh"]).idempotent(true);
        let refreshed: Refreshed = self.client().ask(refresh).await.map_err(doing())?;
        let counted: Counted = self.client().ask(Request::get(&[name, "_count"])).await.map_err(doing())?;
        let CountedShards { total, successful, failed } = counted.shards;
        if refreshed.shards.failed + failed > 0 || successful != total {
            let why = format!("{} of {total} shards did not take part", (total - successful.min(total)).max(1));
            let path = format!("/{name}/_count");
            return Err(doing()(Error::Answer { method: "GET".into(), path, why }));
        }
        Ok(counted.count)
    }

    /// The indices that `names` (with commas) stand for, and all aliases of each.
    async fn aliases_of(&self, names: &str) -> Result<Aliases> {
        let request = Request::get(&[names, "_alias"]).query("ignore_unavailable", "true");
        match self.client().ask(request).await {
            Err(Error::Refused { status: 404, .. }) => Ok(Aliases::new()),
            answer => answer.map_err(LoadError::doing(format!("looking for {names}"))),
        }
    }
}
