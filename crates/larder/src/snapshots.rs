//! Shows the operator what lies in Repositories: the operator knows no repository, and what opens them knows no operator.

use std::collections::HashSet;

use job::snapshots::{Snapshots, SnapshotsError};
use operator::snapshots::{Listed, Promised, SnapshotStore, Unread};

/// What opens Repositories, as the operator wants it.
pub struct Opened(pub Snapshots);

impl SnapshotStore for Opened {
    fn list<'a>(&'a self, of: &'a api::Repository, known: HashSet<String>, at_most: usize) -> Promised<'a, Listed> {
        Box::pin(async move {
            let job::snapshots::Listed { ids, new, incomplete } =
                self.0.list(of, known, at_most).await.map_err(unread)?;
            Ok(Listed { ids, new, incomplete })
        })
    }

    fn forget<'a>(&'a self, of: &'a api::Repository, id: &'a str) -> Promised<'a, ()> {
        Box::pin(async move { self.0.forget(of, id).await.map_err(unread) })
    }
}

fn unread(error: SnapshotsError) -> Unread {
    match error {
        SnapshotsError::NotFromHere(why) => Unread::NotFromHere(why),
        SnapshotsError::Locked(why) => Unread::Locked(why),
        SnapshotsError::NoSnapshot(why) => Unread::NoSnapshot(why),
        SnapshotsError::Failed(why) => Unread::Failed(why),
    }
}
