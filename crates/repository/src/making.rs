//! Makes a repository at a place where there is none. Of several who do so at once one succeeds, and the others find its repository:
//! two configurations one after the other would leave the first one's data sealed with a key that nobody finds any more.
//!
//! Stores promise no write that fails if something is there, but all of them list what was written before. So whoever makes a
//! repository writes its key first, and goes on only if it sees no other's; of two at least one sees the other.

use std::{
    collections::BTreeMap,
    thread,
    time::{Duration, Instant},
};

use rand::RngExt as _;
use secrecy::SecretString;

use crate::{
    backend::{self, Backend, BackendError, FileKind},
    error::{Error, Result},
    format::config::Config,
    id::Id,
    key::Key,
    keys,
};

/// A key without a configuration that is there for longer was left by somebody who did not live to finish.
const LEFT_BEHIND: Duration = Duration::from_secs(30);
/// How long others are left alone before it is tried again, in milliseconds: each waits otherwise.
const PAUSE: std::ops::Range<u64> = 50..500;

/// Makes it: its key, and the name of the key's file.
pub(crate) fn make(backend: &dyn Backend, config: &Config, password: &SecretString, user: &str) -> Result<(Key, Id)> {
    let location = backend.location();
    let unreachable = |source| Error::Unreachable { location: location.clone(), source };
    let mut seen = BTreeMap::new();
    loop {
        if backend::has_config(backend).map_err(unreachable)? {
            return Err(Error::Exists { location });
        }
        backend.create()?;
        if !someone_is_at_it(backend, None, &mut seen)?
            && let Some(made) = try_once(backend, config, password, user, &mut seen)?
        {
            return Ok(made);
        }
        thread::sleep(Duration::from_millis(rand::rng().random_range(PAUSE)));
    }
}

/// Nothing where somebody else is at it, too.
fn try_once(
    backend: &dyn Backend,
    config: &Config,
    password: &SecretString,
    user: &str,
    seen: &mut BTreeMap<Id, Instant>,
) -> Result<Option<(Key, Id)>> {
    let key = Key::random();
    let own = keys::add(backend, &key, password, user)?;
    if someone_is_at_it(backend, Some(&own), seen)? || backend::has_config(backend)? {
        backend.remove(FileKind::Key, &own)?;
        return Ok(None);
    }
    for left in others(backend, Some(&own))? {
        tracing::warn!(key = %left, "removing the key of a repository that was never finished");
        backend.remove(FileKind::Key, &left)?;
    }
    let sealed = key.seal(&config.to_json());
    // Last, since this is what makes a repository of the place.
    backend.write(FileKind::Config, &Id::of(&sealed), sealed.clone().into())?;
    let read = backend.read(FileKind::Config, &Id::from_bytes([0; 32]))?;
    let key_is_there = backend.list(FileKind::Key)?.iter().any(|(id, _)| *id == own);
    if read == sealed && key_is_there {
        return Ok(Some((key, own)));
    }
    // Somebody who does not know of this way, or to whom we seemed dead, was faster.
    if read == sealed {
        backend.remove(FileKind::Config, &Id::of(&sealed))?;
    }
    backend.remove(FileKind::Key, &own)?;
    Ok(None)
}

/// Whether somebody else's key is there that may still be followed by a configuration.
fn someone_is_at_it(
    backend: &dyn Backend,
    own: Option<&Id>,
    seen: &mut BTreeMap<Id, Instant>,
) -> Result<bool, BackendError> {
    let now = Instant::now();
    let others = others(backend, own)?;
    Ok(others.into_iter().any(|id| now.duration_since(*seen.entry(id).or_insert(now)) < LEFT_BEHIND))
}

fn others(backend: &dyn Backend, own: Option<&Id>) -> Result<Vec<Id>, BackendError> {
    let keys = backend.list(FileKind::Key)?.into_iter().map(|(id, _)| id);
    Ok(keys.filter(|id| Some(id) != own).collect())
}
