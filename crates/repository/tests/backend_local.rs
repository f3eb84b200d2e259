//! The backend suite on a folder, and what only a folder has: leftovers and rights.
#![allow(clippy::unwrap_used, clippy::cast_possible_truncation, reason = "a test that cannot go on fails")]

mod support;

use std::{fs, os::unix::fs::PermissionsExt};

use bytes::Bytes;
use repository::{FileKind, Format, Id, Repository};
use support::{backend_suite, local, one_of_several_makes_it};

#[test]
fn a_folder_keeps_the_contract() {
    let folder = tempfile::tempdir().unwrap();
    backend_suite::check(&*local(&folder.path().join("new/repo")).backend().unwrap());
}

#[test]
fn leftovers_of_a_killed_writer_are_not_listed() {
    let folder = tempfile::tempdir().unwrap();
    let access = local(folder.path());
    Repository::init(&access, Format::V2).unwrap();
    let id = Id::of(b"pack");
    let name = id.to_string();
    for place in ["index", "snapshots", "locks", "keys", &format!("data/{}", &name[..2])] {
        fs::write(folder.path().join(place).join(format!("{name}-tmp-123")), b"half").unwrap();
    }
    let backend = access.backend().unwrap();
    for kind in [FileKind::Pack, FileKind::Index, FileKind::Snapshot, FileKind::Lock] {
        assert_eq!(backend.list(kind).unwrap(), [], "{kind}");
    }
    assert_eq!(Repository::open(&access).unwrap().snapshots().unwrap().len(), 0);
}

#[test]
fn a_group_that_may_read_the_repository_may_read_new_files() {
    let folder = tempfile::tempdir().unwrap();
    let access = local(folder.path());
    Repository::init(&access, Format::V2).unwrap();
    let backend = access.backend().unwrap();
    let mode_of = |content: &'static [u8]| {
        let id = Id::of(content);
        backend.write(FileKind::Index, &id, Bytes::from_static(content)).unwrap();
        fs::metadata(folder.path().join(FileKind::Index.path(&id))).unwrap().permissions().mode() & 0o777
    };
    assert_eq!(mode_of(b"private"), 0o600);
    fs::set_permissions(folder.path().join("config"), fs::Permissions::from_mode(0o640)).unwrap();
    assert_eq!(mode_of(b"shared"), 0o640);
}

#[test]
fn of_many_who_make_a_repository_at_once_one_does() {
    let folder = tempfile::tempdir().unwrap();
    one_of_several_makes_it(&local(folder.path()));
}
