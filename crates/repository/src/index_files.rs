//! Reads all index files of a repository, several at once. Never keeps them: each is handed on and dropped.

use std::{num::NonZeroUsize, thread};

use crossbeam_channel::bounded;

use crate::{
    backend::FileKind,
    error::{Error, Result},
    format::index::IndexFile,
    id::Id,
    store::Store,
};

/// Loads every index file and hands it, or what is wrong with it, to `take`, in any order; ends with the first error that
/// `take` gives back.
///
/// A file that went away between listing and reading was replaced by somebody (a prune without our lock): that is an error,
/// since what replaced it is not in our list.
pub(crate) fn for_each(
    store: &Store,
    connections: NonZeroUsize,
    mut take: impl FnMut(Id, Result<IndexFile>) -> Result<()>,
) -> Result<()> {
    let names = store.names(FileKind::Index)?;
    let (work, todo) = bounded(names.len());
    for name in names {
        work.send(name).expect("the channel has room for every name");
    }
    drop(work);
    thread::scope(|scope| {
        // One loaded file may wait: an index file of restic is about 8 MB of JSON.
        let (done, loaded) = bounded(1);
        for _ in 0..connections.get() {
            let (todo, done) = (todo.clone(), done.clone());
            scope.spawn(move || {
                for name in todo {
                    if done.send((name, store.load::<IndexFile>(FileKind::Index, &name))).is_err() {
                        return;
                    }
                }
            });
        }
        drop((todo, done));
        loaded.into_iter().try_for_each(|(name, file)| take(name, file.map_err(|error| vanished(error, &name))))
    })
}

fn vanished(error: Error, name: &Id) -> Error {
    match error {
        Error::Backend(error) if error.missing => Error::damaged(
            format_args!("index {name}"),
            "it vanished while the index was read (a prune without a lock?)",
        ),
        other => other,
    }
}
