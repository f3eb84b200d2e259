//! Which data streams are there, whether a server can have one, and taking them away. Never makes one.

use serde::{Deserialize, de::IgnoredAny};

use super::{
    Loader,
    error::{LoadError, Result},
};
use crate::{catalog::batches::batches, data_streams::DataStream, error::Error, request::Request, server::Flavour};

/// The one timestamp field of Elasticsearch, and the usual one of OpenSearch.
const TIMESTAMP: &str = "@timestamp";

/// A data stream as the server shows it.
#[derive(Debug, Deserialize)]
pub struct ShownStream {
    name: String,
    /// Rises with each rollover.
    pub generation: u64,
    indices: Vec<ShownIndex>,
}

#[derive(Debug, Deserialize)]
struct ShownIndex {
    index_name: String,
}

#[derive(Deserialize)]
struct ShownStreams {
    data_streams: Vec<ShownStream>,
}

impl ShownStream {
    /// Its backing indices, oldest first; the last one is written to.
    pub fn indices(&self) -> Vec<&str> {
        self.indices.iter().map(|index| index.index_name.as_str()).collect()
    }
}

impl Loader {
    /// Whether the server has data streams at all: some lack the module.
    ///
    /// # Errors
    /// [`LoadError::Server`].
    pub async fn has_data_streams(&self) -> Result<bool> {
        if !self.client().can().data_streams {
            return Ok(false);
        }
        // Without the module the path is taken for an index's, or for none.
        match self.client().ask::<IgnoredAny>(Request::get(&["_data_stream"])).await {
            Err(Error::Refused { status: 400 | 404 | 405, .. }) => Ok(false),
            answer => answer.map(|_| true).map_err(LoadError::doing("asking for data streams")),
        }
    }

    /// Whether this server can have such a stream.
    ///
    /// # Errors
    /// [`LoadError::Unknown`] where its timestamp field has a name of its own: Elasticsearch allows one name only.
    pub fn check_stream(&self, stream: &DataStream) -> Result<()> {
        let one_name = self.client().server().flavour == Flavour::Elasticsearch;
        if one_name && stream.timestamp_field != TIMESTAMP {
            return Err(LoadError::Unknown {
                what: "data stream whose timestamp field is not called @timestamp,",
                name: stream.name.clone(),
            });
        }
        Ok(())
    }

    /// The data stream of exactly this name.
    ///
    /// # Errors
    /// [`LoadError::Server`].
    pub async fn stream(&self, name: &str) -> Result<Option<ShownStream>> {
        let shown: ShownStreams = match self.client().ask(Request::get(&["_data_stream", name])).await {
            Err(Error::Refused { status: 404, .. }) => return Ok(None),
            answer => answer.map_err(LoadError::doing(format!("looking at data stream {name}")))?,
        };
        Ok(shown.data_streams.into_iter().find(|stream| stream.name == name))
    }

    /// Deletes a data stream with all that is in it; that there is none is as good.
    ///
    /// # Errors
    /// [`LoadError::Server`].
    pub async fn delete_stream(&self, name: &str) -> Result<()> {
        match self.client().send(Request::delete(&["_data_stream", name])).await {
            // Repeated after a lost answer, or somebody was faster.
            Err(Error::Refused { status: 404, .. }) | Ok(_) => Ok(()),
            Err(source) => Err(LoadError::doing(format!("deleting data stream {name}"))(source)),
        }
    }

    /// Deletes backing indices that are not written to.
    ///
    /// # Errors
    /// [`LoadError::Server`].
    pub async fn delete_passed(&self, indices: &[String]) -> Result<()> {
        for names in batches(indices.iter().map(String::as_str)) {
            let deleted = self.client().send(Request::delete(&[&names])).await;
            match deleted {
                Err(Error::Refused { status: 404, .. }) | Ok(_) => {}
                Err(source) => return Err(LoadError::doing(format!("deleting the empty indices {names}"))(source)),
            }
        }
        Ok(())
    }
}
