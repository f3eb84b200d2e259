//! Which run a person means: by its own name, by that of its invoker, or the newest.

use api::{BackupBatch, BackupConfiguration, BackupSession, RestoreBatch, RestoreSession};

use crate::{
    Cluster, Error, Result,
    session::{self, BACKUP_SESSION, Session},
    trigger::Of,
};

/// What a person says of a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Which {
    /// A name: of a BackupSession, of a restore, or of what has BackupSessions.
    Named(String),
    /// The newest of an invoker.
    NewestOf(Of),
    /// A RestoreSession.
    RestoreSession(String),
    /// A RestoreBatch.
    RestoreBatch(String),
    /// The newest of all.
    Newest,
}

/// The run that is meant.
///
/// # Errors
/// Where there is none.
pub async fn session(cluster: &Cluster, which: &Which) -> Result<Session> {
    let namespace = cluster.namespace();
    match which {
        Which::Named(name) => named(cluster, name).await,
        Which::NewestOf(of) => newest_of(cluster, of).await,
        Which::RestoreSession(name) => Ok(cluster.get::<RestoreSession>(namespace, name).await?.into()),
        Which::RestoreBatch(name) => Ok(cluster.get::<RestoreBatch>(namespace, name).await?.into()),
        Which::Newest => newest(cluster).await,
    }
}

/// The same run as it is now.
///
/// # Errors
/// [`Error::Missing`] where it is not there any more.
pub async fn again(cluster: &Cluster, session: &Session) -> Result<Session> {
    let (namespace, name) = (session.namespace(), session.name());
    match session.kind {
        BACKUP_SESSION => Ok(cluster.get::<BackupSession>(namespace, name).await?.into()),
        api::invoker::RESTORE_BATCH => Ok(cluster.get::<RestoreBatch>(namespace, name).await?.into()),
        _ => Ok(cluster.get::<RestoreSession>(namespace, name).await?.into()),
    }
}

/// The runs of an invoker, the newest first.
///
/// # Errors
/// [`Error::Missing`] where the invoker is not there.
pub async fn sessions_of(cluster: &Cluster, of: &Of) -> Result<Vec<Session>> {
    let namespace = cluster.namespace();
    let (kind, name) = match of {
        Of::Configuration(name) => {
            cluster.get::<BackupConfiguration>(namespace, name).await?;
            (api::invoker::BACKUP_CONFIGURATION, name)
        }
        Of::Batch(name) => {
            cluster.get::<BackupBatch>(namespace, name).await?;
            (api::invoker::BACKUP_BATCH, name)
        }
    };
    let all: Vec<BackupSession> = cluster.list(Some(namespace), "").await?;
    let mut all: Vec<Session> = all.into_iter().map(Into::into).collect();
    all.retain(|session| session.invoker.as_ref().is_some_and(|(of_kind, of_name)| of_kind == kind && of_name == name));
    session::newest_first(&mut all);
    Ok(all)
}

async fn newest_of(cluster: &Cluster, of: &Of) -> Result<Session> {
    let (kind, name) = match of {
        Of::Configuration(name) => ("BackupConfiguration", name),
        Of::Batch(name) => ("BackupBatch", name),
    };
    let newest = sessions_of(cluster, of).await?.into_iter().next();
    newest.ok_or_else(|| {
        let why = format!("it has no BackupSession: none has begun, or its history is gone; `kubectl larder trigger {name}` begins one");
        Error::Unfit { kind, name: format!("{}/{name}", cluster.namespace()), why }
    })
}

async fn named(cluster: &Cluster, name: &str) -> Result<Session> {
    let namespace = cluster.namespace();
    if let Some(session) = cluster.find::<BackupSession>(namespace, name).await? {
        return Ok(session.into());
    }
    if let Some(session) = cluster.find::<RestoreSession>(namespace, name).await? {
        return Ok(session.into());
    }
    if let Some(batch) = cluster.find::<RestoreBatch>(namespace, name).await? {
        return Ok(batch.into());
    }
    if cluster.find::<BackupConfiguration>(namespace, name).await?.is_some() {
        return newest_of(cluster, &Of::Configuration(name.to_owned())).await;
    }
    if cluster.find::<BackupBatch>(namespace, name).await?.is_some() {
        return newest_of(cluster, &Of::Batch(name.to_owned())).await;
    }
    let kind = "BackupSession, RestoreSession, RestoreBatch, BackupConfiguration or BackupBatch".to_owned();
    Err(Error::Missing { kind, name: name.to_owned(), namespace: namespace.to_owned() })
}

async fn newest(cluster: &Cluster) -> Result<Session> {
    let namespace = Some(cluster.namespace());
    let (backups, restores, batches) = tokio::try_join!(
        cluster.list::<BackupSession>(namespace, ""),
        cluster.list::<RestoreSession>(namespace, ""),
        cluster.list::<RestoreBatch>(namespace, ""),
    )?;
    let mut all: Vec<Session> = backups.into_iter().map(Into::into).collect();
    all.extend(restores.into_iter().map(Session::from));
    all.extend(batches.into_iter().map(Session::from));
    session::newest_first(&mut all);
    all.into_iter().next().ok_or_else(|| {
        let why = format!("there is no BackupSession and no restore in namespace {}", cluster.namespace());
        Error::Flags { why }
    })
}
