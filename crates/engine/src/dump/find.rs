//! Which snapshot of a repository is meant, where it may hold other things than dumps. Blocking; changes nothing.

use repository::{Repository, Snapshot, SnapshotQuery};

use crate::{
    error::{Doing as _, Error, Result},
    layout,
};

/// The snapshot that is meant: by `latest` the newest dump, of `host` if one is given; by anything else the one whose id
/// begins so, whatever its host.
///
/// # Errors
/// [`Error::NoSnapshot`]; where no snapshot, or more than one, has such an id; where the repository cannot be read.
pub fn find(repository: &Repository, id: &str, host: Option<&str>) -> Result<Snapshot> {
    if id == "latest" {
        return newest(repository, host);
    }
    repository.find(&SnapshotQuery::id(id)).doing(|| "cannot find the snapshot".into())
}

/// The newest dump of a host, or of all.
///
/// # Errors
/// [`Error::NoSnapshot`]; where the repository cannot be read.
pub fn newest(repository: &Repository, host: Option<&str>) -> Result<Snapshot> {
    let snapshots = repository.snapshots().doing(|| "cannot list the snapshots".into())?;
    let newest = snapshots.into_iter().rev().find(|snapshot| is_dump(snapshot, host));
    newest.ok_or_else(|| Error::NoSnapshot { host: host.map(str::to_owned) })
}

fn is_dump(snapshot: &Snapshot, host: Option<&str>) -> bool {
    snapshot.paths.iter().any(|path| layout::is_data(path)) && host.is_none_or(|host| snapshot.hostname == host)
}

#[cfg(test)]
mod tests {
    use repository::{Access, Format, Location, SnapshotSpec, WriterOptions};
    use tempfile::TempDir;

    use super::*;

    fn repository(folder: &TempDir) -> Repository {
        let access = Access::new(Location::Local(folder.path().join("repository")), "secret".into());
        Repository::init(&access, Format::V2).expect("a repository")
    }

    /// Saves an empty snapshot; each is newer than those before.
    fn save(repository: &Repository, path: &str, host: &str) -> Snapshot {
        let spec = SnapshotSpec {
            files: Vec::new(),
            paths: vec![path.to_owned()],
            hostname: host.to_owned(),
            username: "test".into(),
            tags: Vec::new(),
            time: jiff::Zoned::now(),
            parent: None,
            program_version: "test".into(),
        };
        repository.writer(WriterOptions::default()).expect("a writer").finish(spec).expect("saved").snapshot
    }

    #[test]
    fn the_newest_is_that_of_a_database_and_of_the_host() {
        let folder = TempDir::new().expect("a folder");
        let repository = repository(&folder);
        let none = newest(&repository, None).expect_err("empty").to_string();
        assert_eq!(none, "the repository holds no snapshot of Elasticsearch or OpenSearch");
        let ours = save(&repository, layout::DATA, "host-0");
        let stashs = save(&repository, "/tmp/stash-interim-volume/data", "other");
        save(&repository, "/etc", "host-0");
        for (host, newest_of) in [(None, &stashs), (Some("host-0"), &ours), (Some("other"), &stashs)] {
            assert_eq!(find(&repository, "latest", host).expect("found").id, newest_of.id, "{host:?}");
        }
        let error = newest(&repository, Some("nobody")).expect_err("no such host").to_string();
        assert!(error.ends_with("of host \"nobody\""), "{error}");
    }

    #[test]
    fn an_id_may_be_short_or_whole_and_its_host_does_not_matter() {
        let folder = TempDir::new().expect("a folder");
        let repository = repository(&folder);
        let snapshot = save(&repository, layout::DATA, "host-0");
        for id in [snapshot.id.to_string(), snapshot.short_id()] {
            assert_eq!(find(&repository, &id, Some("other")).expect("found").id, snapshot.id);
        }
        assert!(find(&repository, "0123456789", None).is_err());
    }
}
