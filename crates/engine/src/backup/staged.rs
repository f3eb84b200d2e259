//! Elasticsearch → folder → repository: the database is asked only as long as the dump takes, however slow the repository
//! is. The snapshot is the same as without the folder, and so is the account: what was counted must be dumped, and what was
//! dumped must be stored.

use std::{path::Path, sync::Arc};

use elasticsearch::{Client, Index, load::foreign};
use repository::{Lock, Repository, Writer};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::{
    BackupOptions, BackupReport, assemble,
    shard::{ShardRuns, ShardWriter},
    stage::{Stage, StagedShard},
    steps::{Backup, Looked},
};
use crate::{
    blocking::blocking,
    error::{Error, Result},
    layout::Piece,
    parts::{Part, Parts},
    progress::Progress,
};

/// Saves what `options` choose by way of `folder`, which needs room for all of it, must be empty, and is emptied in the end.
/// While it works, a folder of the same name with `.unfinished` behind it stands beside; where a killed dump left both, they
/// are taken over.
///
/// # Errors
/// As [`super::backup`]; [`Error::Stage`] and [`Error::Staged`] where the folder does not do.
pub async fn staged(
    client: &Client,
    repository: &Repository,
    lock: &Arc<Lock>,
    options: BackupOptions,
    folder: &Path,
    progress: &Progress,
    cancel: &CancellationToken,
) -> Result<BackupReport> {
    let backup = Backup { client, repository, lock, options: &options, progress, cancel };
    let looked = Arc::new(Box::pin(backup.look()).await?);
    let place = folder.to_owned();
    let stage = Arc::new(blocking(move || Stage::begin(&place)).await?);
    let saved = by_way_of(&stage, &backup, looked).await;
    // Removing files blocks.
    let removed = blocking(move || {
        drop(stage);
        Ok(())
    });
    removed.await?;
    saved
}

async fn by_way_of(stage: &Arc<Stage>, backup: &Backup<'_>, looked: Arc<Looked>) -> Result<BackupReport> {
    backup.progress.phase("dumping");
    let numbered = backup.client.can().sequence_numbers_in_hits;
    let into = Arc::clone(stage);
    let make = move |index: &Index, shard| into.shard(&index.name, shard, numbered);
    let shards = Box::pin(backup.read(&looked.catalog.indices, make)).await??;
    let (whole, of, parts) = (Arc::clone(stage), Arc::clone(&looked), backup.options.parts.clone());
    blocking(move || complete(&whole, &of, &parts)).await?;

    let writer = backup.open_writer().await?;
    backup.progress.phase("storing");
    backup.progress.again();
    let storing = Storing {
        stage: Arc::clone(stage),
        writer: Arc::clone(&writer),
        numbered,
        progress: backup.progress.clone(),
        cancel: backup.cancel.child_token(),
    };
    match storing.all(&looked.catalog.indices, shards, backup.readers()).await {
        Ok(shards) => backup.save(writer, looked, shards).await,
        Err(error) => Err(backup.keep_for_the_next(writer, error).await),
    }
}

/// Makes a folder of multielasticdump of the shards' files.
fn complete(stage: &Stage, looked: &Looked, parts: &Parts) -> Result<()> {
    let templates = foreign::write_template(&looked.definitions);
    for index in &looked.catalog.indices {
        if parts.has(Part::Documents) {
            stage.join(&index.name, index.shards)?;
        }
        for (piece, bytes) in assemble::index_definitions(index, parts)? {
            stage.write(&index.name, piece, &bytes)?;
        }
        if !templates.is_empty() {
            stage.write(&index.name, Piece::Template, &templates)?;
        }
    }
    Ok(())
}

/// What stores the documents of the folder.
struct Storing {
    stage: Arc<Stage>,
    writer: Arc<Writer>,
    numbered: bool,
    progress: Progress,
    cancel: CancellationToken,
}

/// A shard in the file of its index.
struct Place {
    /// Its index's place among all.
    at: usize,
    index: String,
    shard: u32,
    begin: u64,
    staged: StagedShard,
}

impl Storing {
    /// Stores all shards, `readers` at once; gives them in their order. Ends only when nobody is at work any more.
    async fn all(
        self,
        indices: &[Index],
        shards: Vec<Vec<StagedShard>>,
        readers: usize,
    ) -> Result<Vec<Vec<ShardRuns>>> {
        let storing = Arc::new(self);
        let mut done: Vec<Vec<Option<ShardRuns>>> =
            shards.iter().map(|shards| shards.iter().map(|_| None).collect()).collect();
        let mut waiting = places(indices, shards).into_iter();
        let mut tasks = JoinSet::new();
        let mut failed = None;
        loop {
            while tasks.len() < readers
                && failed.is_none()
                && let Some(place) = waiting.next()
            {
                storing.progress.begin(&place.index, indices[place.at].documents);
                let storing = Arc::clone(&storing);
                tasks.spawn(blocking(move || storing.one(&place).map(|runs| (place, runs))));
            }
            let error = match tasks.join_next().await {
                None => break,
                Some(Ok(Ok((place, runs)))) => {
                    done[place.at][place.shard as usize] = Some(runs);
                    if done[place.at].iter().all(Option::is_some) {
                        storing.progress.end(&place.index);
                    }
                    continue;
                }
                Some(Ok(Err(error))) => error,
                Some(Err(join)) => Error::Worker { what: join.to_string() },
            };
            storing.cancel.cancel();
            failed.get_or_insert(error);
        }
        match failed {
            Some(error) => Err(error),
            None => Ok(done.into_iter().map(|shards| shards.into_iter().flatten().collect()).collect()),
        }
    }

    fn one(&self, place: &Place) -> Result<ShardRuns> {
        let Place { index, shard, begin, staged, .. } = place;
        let into = ShardWriter::new(Arc::clone(&self.writer), index, *shard, self.numbered);
        self.stage.store(index, *begin, staged, into, &self.progress, &self.cancel)
    }
}

/// Where each shard lies: one behind the other, in the order of their numbers.
fn places(indices: &[Index], shards: Vec<Vec<StagedShard>>) -> Vec<Place> {
    let mut places = Vec::new();
    for (at, (index, shards)) in indices.iter().zip(shards).enumerate() {
        let mut begin = 0;
        for (shard, staged) in (0..).zip(shards) {
            let bytes = staged.bytes;
            places.push(Place { at, index: index.name.clone(), shard, begin, staged });
            begin += bytes;
        }
    }
    places
}
