//! The contract of a backend, checked on whichever is given. Never looks at how it does it.

use bytes::Bytes;
use repository::{Backend, FileKind, Id};

use super::random;

/// Runs every check on an empty place.
pub fn check(backend: &dyn Backend) {
    nothing_is_there_before_it_is_created(backend);
    creating_twice_changes_nothing(backend);
    for kind in FileKind::FOLDERS {
        files_come_back_whole_and_in_ranges(backend, kind);
        removing_twice_is_fine(backend, kind);
    }
    the_configuration_has_no_id(backend);
    many_files_are_all_listed(backend);
    many_threads_may_work_at_once(backend);
}

fn store(backend: &dyn Backend, kind: FileKind, content: &[u8]) -> Id {
    let id = Id::of(content);
    backend.write(kind, &id, Bytes::copy_from_slice(content)).unwrap();
    id
}

fn nothing_is_there_before_it_is_created(backend: &dyn Backend) {
    let error = backend.read(FileKind::Config, &Id::of(b"")).unwrap_err();
    assert!(error.missing, "{error:?}");
}

fn creating_twice_changes_nothing(backend: &dyn Backend) {
    backend.create().unwrap();
    let id = store(backend, FileKind::Key, b"kept");
    backend.create().unwrap();
    assert_eq!(&backend.read(FileKind::Key, &id).unwrap()[..], b"kept");
    backend.remove(FileKind::Key, &id).unwrap();
    for kind in FileKind::FOLDERS {
        assert_eq!(backend.list(kind).unwrap(), [], "{kind}");
    }
}

fn files_come_back_whole_and_in_ranges(backend: &dyn Backend, kind: FileKind) {
    let mut expected = Vec::new();
    for (seed, length) in [(1, 0), (2, 1), (3, 100_000), (4, 9 << 20)] {
        let content = random(length, seed);
        let id = store(backend, kind, &content);
        // Again, as after a kill in the middle.
        assert_eq!(store(backend, kind, &content), id);
        assert!(backend.read(kind, &id).unwrap() == content, "{kind} of {length} bytes");
        for (offset, part) in [(0, length), (length / 2, length - length / 2), (length / 3, length / 3)] {
            let range = backend.read_range(kind, &id, offset as u64, part);
            if part > 0 {
                assert!(range.unwrap() == content[offset..offset + part], "{part} bytes at {offset} of {length}");
            }
        }
        assert!(backend.read_range(kind, &id, length as u64, 1).is_err(), "beyond the end of {length}");
        assert!(backend.read_range(kind, &id, 0, length + 1).is_err(), "over the end of {length}");
        assert!(backend.read_range(kind, &id, u64::MAX, 1).is_err());
        expected.push((id, length as u64));
    }
    let mut listed = backend.list(kind).unwrap();
    listed.sort_unstable();
    expected.sort_unstable();
    assert_eq!(listed, expected, "{kind}");
    for (id, _) in expected {
        backend.remove(kind, &id).unwrap();
    }
}

fn removing_twice_is_fine(backend: &dyn Backend, kind: FileKind) {
    let id = store(backend, kind, b"to be removed");
    backend.remove(kind, &id).unwrap();
    backend.remove(kind, &id).unwrap();
    assert!(backend.read(kind, &id).unwrap_err().missing);
    assert!(backend.read_range(kind, &id, 0, 1).unwrap_err().missing);
    assert_eq!(backend.list(kind).unwrap(), [], "{kind}");
}

fn the_configuration_has_no_id(backend: &dyn Backend) {
    assert_eq!(backend.list(FileKind::Config).unwrap(), []);
    let (one, other) = (Id::of(b"one"), Id::of(b"other"));
    backend.write(FileKind::Config, &one, Bytes::from_static(b"configuration")).unwrap();
    assert_eq!(&backend.read(FileKind::Config, &other).unwrap()[..], b"configuration");
    assert_eq!(backend.list(FileKind::Config).unwrap(), [(Id::from_bytes([0; 32]), 13)]);
}

/// More than one page of a listing has.
fn many_files_are_all_listed(backend: &dyn Backend) {
    const FILES: u32 = 1100;
    std::thread::scope(|scope| {
        for part in 0..8 {
            scope.spawn(move || {
                for number in (part..FILES).step_by(8) {
                    store(backend, FileKind::Pack, &number.to_le_bytes());
                }
            });
        }
    });
    let listed = backend.list(FileKind::Pack).unwrap();
    assert_eq!(listed.len(), FILES as usize);
    assert!(listed.iter().all(|(_, size)| *size == 4));
}

fn many_threads_may_work_at_once(backend: &dyn Backend) {
    std::thread::scope(|scope| {
        for thread in 0..8 {
            scope.spawn(move || {
                for round in 0..5 {
                    let content = random(200_000, 1000 + thread * 10 + round);
                    let id = store(backend, FileKind::Index, &content);
                    assert!(backend.read(FileKind::Index, &id).unwrap() == content);
                    backend.remove(FileKind::Index, &id).unwrap();
                }
            });
        }
    });
}
