//! The configuration file: format, id and how chunks are cut. Never changed once it is written.

use rand::Rng;
use serde::{Deserialize, Serialize};

use crate::{
    chunker::{Chunker, Sizes},
    error::{Error, Result},
    id::{ID_LENGTH, Id},
    polynomial,
};

/// Version of a repository's format.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Format {
    /// Version 1: no compression; restic before 0.14.
    V1,
    /// Version 2: with compression.
    V2,
}

impl Format {
    /// The number that the configuration holds.
    pub const fn version(self) -> u32 {
        match self {
            Self::V1 => 1,
            Self::V2 => 2,
        }
    }
}

/// What we need of the configuration file.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Config {
    version: u32,
    pub(crate) id: String,
    #[serde(default)]
    chunker_polynomial: String,
    // rustic's additions.
    #[serde(skip_serializing_if = "Option::is_none")]
    chunk_size: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    chunk_min_size: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    chunk_max_size: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    is_hot: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    append_only: Option<bool>,
}

impl Config {
    /// A new repository's: a random id and polynomial, restic's sizes.
    pub(crate) fn new(format: Format) -> Self {
        let mut id = [0; ID_LENGTH];
        rand::rng().fill_bytes(&mut id);
        Self {
            version: format.version(),
            id: Id::from_bytes(id).to_string(),
            chunker_polynomial: format!("{:x}", polynomial::random_irreducible()),
            chunk_size: None,
            chunk_min_size: None,
            chunk_max_size: None,
            is_hot: None,
            append_only: None,
        }
    }

    /// The form in which it is sealed; never compressed, whatever the format.
    pub(crate) fn to_json(&self) -> Vec<u8> {
        serde_json::to_vec(self).expect("a configuration has a JSON form")
    }

    pub(crate) fn format(&self) -> Result<Format> {
        if self.is_hot == Some(true) {
            return Err(Error::Unsupported {
                what: "only the hot half of rustic's hot and cold repositories".to_owned(),
            });
        }
        match self.version {
            1 => Ok(Format::V1),
            2 => Ok(Format::V2),
            other => Err(Error::Unsupported { what: format!("format version {other}") }),
        }
    }

    pub(crate) fn is_append_only(&self) -> bool {
        self.append_only == Some(true)
    }

    pub(crate) fn chunker(&self) -> Result<Chunker> {
        let refused = |reason: &str| Error::damaged("the configuration", reason);
        let polynomial = u64::from_str_radix(&self.chunker_polynomial, 16)
            .map_err(|_| refused("chunker_polynomial is not a hexadecimal number"))?;
        let standard = Sizes::default();
        let sizes = Sizes {
            average: self.chunk_size.unwrap_or(standard.average),
            minimum: self.chunk_min_size.unwrap_or(standard.minimum),
            maximum: self.chunk_max_size.unwrap_or(standard.maximum),
        };
        Chunker::new(polynomial, sizes).map_err(|error| refused(&error.to_string()))
    }
}
