//! Key files: the repository's key, sealed with a password. Never stores or prints a password.

use base64::{Engine, engine::general_purpose::STANDARD};
use bytes::Bytes;
use jiff::{Timestamp, Zoned};
use rand::Rng;
use scrypt::Params;
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};

use crate::{
    backend::{Backend, FileKind},
    error::{Error, Result},
    format::snapshot::{read_time, write_time},
    host,
    id::Id,
    key::{Key, KeyJson},
};

/// scrypt's cost of new keys: N = 2^15, r = 8, p = 4, what restic chooses on a machine of today; 32 MiB of memory for each
/// lane under way.
const LOG_N: u8 = 15;
const R: u32 = 8;
const P: u32 = 4;
/// Bytes of salt.
const SALT_LENGTH: usize = 64;
/// Memory that a key file may ask scrypt to take (128 · N · r bytes): a hostile one must not exhaust the machine.
const LARGEST_SCRYPT: u64 = 512 << 20;
/// scrypt's parallelism that a key file may ask for; it multiplies time.
const LARGEST_P: u32 = 256;

/// A key file.
#[derive(Serialize, Deserialize)]
pub(crate) struct KeyFile {
    #[serde(serialize_with = "write_time", deserialize_with = "read_time", default = "unknown_time")]
    created: Zoned,
    #[serde(default)]
    username: String,
    #[serde(default)]
    hostname: String,
    kdf: String,
    #[serde(rename = "N")]
    n: u32,
    r: u32,
    p: u32,
    salt: String,
    data: String,
}

/// One of a repository's keys.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct KeyEntry {
    /// The key file's name.
    pub id: Id,
    /// Who made it.
    pub user: String,
    /// Where it was made.
    pub host: String,
    /// When it was made.
    pub created: Timestamp,
    /// Whether the repository was opened with it.
    pub current: bool,
}

fn unknown_time() -> Zoned {
    Timestamp::UNIX_EPOCH.to_zoned(jiff::tz::TimeZone::UTC)
}

/// Finds the key file that `password` opens: its name and the repository's key.
pub(crate) fn unlock(backend: &dyn Backend, location: &str, password: &SecretString) -> Result<(Id, Key)> {
    let mut names: Vec<Id> = backend.list(FileKind::Key)?.into_iter().map(|(id, _)| id).collect();
    names.sort_unstable();
    if names.is_empty() {
        return Err(Error::damaged("the repository", "it has no key file"));
    }
    let mut damaged = None;
    for id in &names {
        match load(backend, id).and_then(|file| open(&file, id, password)) {
            Ok(Some(key)) => return Ok((*id, key)),
            Ok(None) => {}
            Err(error) => damaged = damaged.or(Some(error)),
        }
    }
    Err(damaged.unwrap_or(Error::WrongPassword { location: location.to_owned(), keys: names.len() }))
}

/// Stores `key`, sealed with `password` and signed by `user`.
pub(crate) fn add(backend: &dyn Backend, key: &Key, password: &SecretString, user: &str) -> Result<Id> {
    let mut salt = [0; SALT_LENGTH];
    rand::rng().fill_bytes(&mut salt);
    let params = Params::new(LOG_N, R, P).expect("the constants are valid for scrypt");
    let json = serde_json::to_vec(&key.to_json()).expect("a key has a JSON form");
    let sealed = derive(password, &salt, &params).seal(&json);
    let file = KeyFile {
        created: Zoned::now(),
        username: user.to_owned(),
        hostname: host::name(),
        kdf: "scrypt".to_owned(),
        n: 1 << LOG_N,
        r: R,
        p: P,
        salt: STANDARD.encode(salt),
        data: STANDARD.encode(sealed),
    };
    let content = serde_json::to_vec(&file).expect("a key file has a JSON form");
    let id = Id::of(&content);
    backend.write(FileKind::Key, &id, Bytes::from(content))?;
    Ok(id)
}

/// All keys, oldest first.
pub(crate) fn list(backend: &dyn Backend, current: &Id) -> Result<Vec<KeyEntry>> {
    let mut keys = Vec::new();
    for (id, _) in backend.list(FileKind::Key)? {
        let file = load(backend, &id)?;
        keys.push(KeyEntry {
            id,
            user: file.username,
            host: file.hostname,
            created: file.created.timestamp(),
            current: id == *current,
        });
    }
    keys.sort_by_key(|key| (key.created, key.id));
    Ok(keys)
}

/// Checks a key file's name and form.
pub(crate) fn check(backend: &dyn Backend, id: &Id) -> Result<()> {
    let file = load(backend, id)?;
    params(&file, id).map(|_| ())
}

fn damaged(id: &Id, reason: impl std::fmt::Display) -> Error {
    Error::damaged(format_args!("key {id}"), reason)
}

fn load(backend: &dyn Backend, id: &Id) -> Result<KeyFile> {
    let content = backend.read(FileKind::Key, id)?;
    if Id::of(&content) != *id {
        return Err(damaged(id, "its content does not have the digest in its name"));
    }
    serde_json::from_slice(&content).map_err(|error| damaged(id, error))
}

fn params(file: &KeyFile, id: &Id) -> Result<Params> {
    if file.kdf != "scrypt" {
        return Err(Error::Unsupported { what: format!("key {id} with key derivation {:?}", file.kdf) });
    }
    let memory = u64::from(file.n) * u64::from(file.r) * 128;
    if !file.n.is_power_of_two() || memory > LARGEST_SCRYPT || file.p > LARGEST_P {
        return Err(damaged(id, format_args!("scrypt with N={}, r={}, p={} is refused", file.n, file.r, file.p)));
    }
    let log_n = u8::try_from(file.n.ilog2()).expect("a logarithm of 32 bits is below 32");
    Params::new(log_n, file.r, file.p).map_err(|error| damaged(id, error))
}

/// `None` when the password is not this key's.
fn open(file: &KeyFile, id: &Id, password: &SecretString) -> Result<Option<Key>> {
    let params = params(file, id)?;
    let salt = STANDARD.decode(&file.salt).map_err(|error| damaged(id, error))?;
    let sealed = STANDARD.decode(&file.data).map_err(|error| damaged(id, error))?;
    let Ok(json) = derive(password, &salt, &params).open(&sealed) else { return Ok(None) };
    let json: KeyJson = serde_json::from_slice(&json).map_err(|error| damaged(id, error))?;
    Key::from_json(&json).map(Some).ok_or_else(|| damaged(id, "the key in it is malformed"))
}

/// scrypt's lanes two at a time: it halves the wait, and no machine, however many cores it has, needs the memory of all.
fn derive(password: &SecretString, salt: &[u8], params: &Params) -> Key {
    let mut bytes = [0; 64];
    let mut scrypt = || {
        scrypt::scrypt(password.expose_secret().as_bytes(), salt, params, &mut bytes)
            .expect("64 bytes are a length that scrypt gives");
    };
    match rayon::ThreadPoolBuilder::new().num_threads(2).build() {
        Ok(threads) => threads.install(scrypt),
        Err(_) => scrypt(),
    }
    Key::from_bytes(bytes)
}
