//! Sealed files: JSON, compressed in format 2, encrypted, named by the digest of what is stored. Never handles blobs.

use std::{io::Read, sync::Arc};

use bytes::Bytes;
use serde::{Serialize, de::DeserializeOwned};

use crate::{
    backend::{Backend, FileKind},
    error::{Error, Result},
    format::Format,
    id::Id,
    key::Key,
};

/// restic's mark before compressed JSON.
const COMPRESSED: u8 = 2;
/// zstd level for JSON files: zstd's own default; they are few and small.
const LEVEL: i32 = 3;
/// Largest JSON file that is read, in bytes before compression: an index file of restic has 50,000 blobs in about 8 MB.
const LARGEST_JSON: u64 = 1 << 30;

/// A backend with the key to it.
#[derive(Clone)]
pub(crate) struct Store {
    pub(crate) backend: Arc<dyn Backend>,
    pub(crate) key: Key,
    pub(crate) format: Format,
    /// Who signs locks and keys.
    pub(crate) user: Arc<str>,
}

impl Store {
    /// A file's JSON, after its name, its seal and its form were checked.
    pub(crate) fn load<T: DeserializeOwned>(&self, kind: FileKind, id: &Id) -> Result<T> {
        let sealed = self.backend.read(kind, id)?;
        if Id::of(&sealed) != *id {
            return Err(Error::damaged(
                format_args!("{kind} {id}"),
                "its content does not have the digest in its name",
            ));
        }
        open_json(&self.key, &sealed).map_err(|reason| Error::damaged(format_args!("{kind} {id}"), reason))
    }

    /// Stores `value` and gives the file's name.
    pub(crate) fn save<T: Serialize>(&self, kind: FileKind, value: &T) -> Result<Id> {
        let json = serde_json::to_vec(value).expect("our files' types have a JSON form");
        let sealed = match self.format {
            Format::V1 => self.key.seal(&json),
            Format::V2 => {
                let mut compressed = vec![COMPRESSED];
                zstd::stream::copy_encode(&json[..], &mut compressed, LEVEL)
                    .expect("compressing from memory to memory does no input or output");
                self.key.seal(&compressed)
            }
        };
        let id = Id::of(&sealed);
        self.backend.write(kind, &id, Bytes::from(sealed))?;
        Ok(id)
    }

    /// The names of all files of a kind, sorted.
    pub(crate) fn names(&self, kind: FileKind) -> Result<Vec<Id>> {
        let mut names: Vec<Id> = self.backend.list(kind)?.into_iter().map(|(id, _)| id).collect();
        names.sort_unstable();
        Ok(names)
    }
}

/// The JSON inside a sealed file; an error says what is wrong with it.
pub(crate) fn open_json<T: DeserializeOwned>(key: &Key, sealed: &[u8]) -> Result<T, String> {
    let plain = key.open(sealed).map_err(|error| error.to_string())?;
    let json = match plain.split_first() {
        Some((b'{' | b'[', _)) => plain,
        Some((&COMPRESSED, compressed)) => decompress(compressed).map_err(|error| format!("decompressing: {error}"))?,
        _ => return Err("it is neither JSON nor compressed JSON".to_owned()),
    };
    serde_json::from_slice(&json).map_err(|error| error.to_string())
}

fn decompress(compressed: &[u8]) -> std::io::Result<Vec<u8>> {
    let mut json = Vec::new();
    zstd::stream::read::Decoder::with_buffer(compressed)?.take(LARGEST_JSON).read_to_end(&mut json)?;
    Ok(json)
}
