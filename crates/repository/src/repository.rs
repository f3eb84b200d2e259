//! An open repository. Never writes a snapshot itself: that is [`crate::Writer`].

use std::{num::NonZeroUsize, sync::Arc};

use rustic_core::{RepositoryBackends, RepositoryOptions, repofile::MasterKey};
use secrecy::SecretString;

use crate::{
    access::Access,
    backend::{Backend, BackendError, FileKind, rustic::RusticBackend},
    error::{Error, Result},
    format::{Format, config::Config},
    id::Id,
    key::Key,
    keys::{self, KeyEntry},
    making,
    store::{self, Store},
};

/// An open repository, its key known. Clones share everything. All functions block: call them off async worker threads.
#[derive(Clone)]
pub struct Repository {
    inner: Arc<Inner>,
}

struct Inner {
    store: Store,
    config: Config,
    key_file: Id,
    connections: NonZeroUsize,
}

impl Repository {
    /// Makes a new repository and opens it.
    ///
    /// # Errors
    /// [`Error::Exists`] when one is there; nothing is changed then.
    pub fn init(access: &Access, format: Format) -> Result<Self> {
        Self::init_on(access.backend()?, access, format)
    }

    /// [`Repository::init`] on a store of the caller's; the access's location is not looked at.
    ///
    /// # Errors
    /// As there.
    pub fn init_on(backend: Arc<dyn Backend>, access: &Access, format: Format) -> Result<Self> {
        let user = access.signer();
        let config = Config::new(format);
        let (key, key_file) = making::make(&*backend, &config, &access.password, &user)?;
        let store = Store { backend, key, format, user: user.into() };
        Ok(Self { inner: Arc::new(Inner { store, config, key_file, connections: access.useful_connections() }) })
    }

    /// Opens a repository.
    ///
    /// # Errors
    /// [`Error::NotARepository`], [`Error::WrongPassword`] and [`Error::Unreachable`] say which it is.
    pub fn open(access: &Access) -> Result<Self> {
        Self::open_on(access.backend()?, access)
    }

    /// [`Repository::open`] on a store of the caller's; the access's location is not looked at.
    ///
    /// # Errors
    /// As there.
    pub fn open_on(backend: Arc<dyn Backend>, access: &Access) -> Result<Self> {
        let location = backend.location();
        let sealed = match backend.read(FileKind::Config, &Id::from_bytes([0; 32])) {
            Err(error) if error.missing => return Err(Error::NotARepository { location }),
            other => other.map_err(|source| unreachable(&location, source))?,
        };
        let (key_file, key) = keys::unlock(&*backend, &location, &access.password)?;
        let config: Config =
            store::open_json(&key, &sealed).map_err(|reason| Error::damaged("the configuration file", reason))?;
        let store = Store { backend, key, format: config.format()?, user: access.signer().into() };
        Ok(Self { inner: Arc::new(Inner { store, config, key_file, connections: access.useful_connections() }) })
    }

    /// The repository's id, as in its configuration.
    pub fn id(&self) -> String {
        self.inner.config.id.clone()
    }

    /// The version of its format.
    pub fn format(&self) -> Format {
        self.inner.store.format
    }

    /// Where it is, without secrets.
    pub fn location(&self) -> String {
        self.inner.store.backend.location()
    }

    /// All keys, oldest first.
    ///
    /// # Errors
    /// When a key file cannot be read or is damaged.
    pub fn keys(&self) -> Result<Vec<KeyEntry>> {
        keys::list(&*self.inner.store.backend, &self.inner.key_file)
    }

    /// Adds a password that opens the repository.
    ///
    /// # Errors
    /// When the key file cannot be written.
    pub fn add_key(&self, password: &SecretString) -> Result<Id> {
        let store = &self.inner.store;
        keys::add(&*store.backend, &store.key, password, &store.user)
    }

    /// Removes the key whose id begins with `prefix`.
    ///
    /// # Errors
    /// [`Error::KeyInUse`] for the key that opened the repository, [`Error::NoKey`] for none or several.
    pub fn remove_key(&self, prefix: &str) -> Result<Id> {
        let names = self.inner.store.names(FileKind::Key)?;
        let mut matching = names.iter().filter(|id| !prefix.is_empty() && id.to_string().starts_with(prefix));
        let (Some(&key), None) = (matching.next(), matching.next()) else {
            return Err(Error::NoKey { id: prefix.to_owned() });
        };
        if key == self.inner.key_file {
            return Err(Error::KeyInUse { key });
        }
        self.inner.store.backend.remove(FileKind::Key, &key)?;
        Ok(key)
    }

    pub(crate) fn store(&self) -> &Store {
        &self.inner.store
    }

    pub(crate) fn config(&self) -> &Config {
        &self.inner.config
    }

    /// Requests at once that are worth it.
    pub(crate) fn connections(&self) -> NonZeroUsize {
        self.inner.connections
    }
}

fn unreachable(location: &str, source: BackendError) -> Error {
    Error::Unreachable { location: location.to_owned(), source }
}

/// The key in `rustic_core`'s type.
pub(crate) fn rustic_key(key: &Key) -> MasterKey {
    let json = serde_json::to_vec(&key.to_json()).expect("a key has a JSON form");
    serde_json::from_slice(&json).expect("the JSON form of a key is restic's")
}

/// `rustic_core` on our backend, without its cache.
pub(crate) fn rustic_repository(backend: &Arc<dyn Backend>) -> Result<rustic_core::Repository<()>> {
    let backends = RepositoryBackends::new(Arc::new(RusticBackend(Arc::clone(backend))), None);
    rustic_core::Repository::new(&RepositoryOptions::default().no_cache(true), &backends)
        .map_err(|error| engine_error("set up the repository", &error))
}

pub(crate) fn engine_error(action: &'static str, error: &rustic_core::RusticError) -> Error {
    Error::Engine { action, reason: error.display_log() }
}
