//! Checks everything but the content of data packs. Never reads a data blob.

use std::collections::{HashMap, HashSet};

use crate::{
    backend::FileKind,
    check::{CheckProgress, CheckReport, Findings},
    error::{Error, Result},
    format::{
        config::Config,
        index::{BlobKind, IndexFile, IndexedPack},
        pack::pack_length,
        snapshot::SnapshotFile,
        tree::{EntryKind, Node},
    },
    id::Id,
    index_files, keys,
    read::{
        blobs::read_tree,
        index::{BlobIndex, IndexBuilder},
        trees,
    },
    repository::Repository,
    store,
};

/// The index, and what is known of each pack.
pub(crate) struct Structure {
    pub(crate) index: BlobIndex,
    /// Packs in the store and their sizes.
    pub(crate) packs: Vec<(Id, u64)>,
    /// Blobs of each pack that the index names, marked or not.
    pub(crate) blobs: HashMap<Id, usize>,
}

/// A pack as the index has it.
struct Expected {
    bytes: u64,
    blobs: usize,
    marked: bool,
}

pub(crate) fn check_config(repository: &Repository, findings: &Findings) {
    let store = repository.store();
    let config = store.backend.read(FileKind::Config, &Id::from_bytes([0; 32])).map_err(Error::from);
    let checked = config.and_then(|sealed| {
        store::open_json::<Config>(&store.key, &sealed)
            .map_err(|reason| Error::damaged("the configuration file", reason))
    });
    if let Err(error) = checked {
        findings.error(error.chain());
    }
}

pub(crate) fn check_keys(repository: &Repository, findings: &Findings) -> Result<()> {
    let names = repository.store().names(FileKind::Key)?;
    if names.is_empty() {
        findings.error("there is no key file: nobody can open the repository again");
    }
    for id in names {
        if let Err(error) = keys::check(&*repository.store().backend, &id) {
            findings.error(error.chain());
        }
    }
    Ok(())
}

/// The index files against their names and against the list of packs.
pub(crate) fn check_packs(repository: &Repository, findings: &Findings) -> Result<Structure> {
    let store = repository.store();
    let mut builder = IndexBuilder::default();
    let mut expected = HashMap::new();
    index_files::for_each(store, repository.connections(), |name, file| {
        match file {
            Ok(file) => {
                builder.add(&file);
                expect(&mut expected, &name, &file, findings);
            }
            Err(error) => findings.error(error.chain()),
        }
        Ok(())
    })?;
    let packs = store.backend.list(FileKind::Pack)?;
    let stored: HashMap<Id, u64> = packs.iter().copied().collect();
    for (id, Expected { bytes, marked, .. }) in &expected {
        match stored.get(id) {
            Some(size) if size == bytes => {}
            Some(size) => findings.error(format!("pack {id} has {size} bytes, but by the index it has {bytes}")),
            None if *marked => {
                findings.warning(format!("pack {id} is marked for removal in the index and gone already"));
            }
            None => findings.error(format!("pack {id} is in the index, but not in the store")),
        }
    }
    for id in stored.keys().filter(|id| !expected.contains_key(*id)) {
        findings.warning(format!("pack {id} is in no index: left by a killed run, or its index file is gone"));
    }
    let blobs = expected.into_iter().map(|(id, expected)| (id, expected.blobs)).collect();
    Ok(Structure { index: builder.finish(), packs, blobs })
}

fn expect(expected: &mut HashMap<Id, Expected>, name: &Id, file: &IndexFile, findings: &Findings) {
    let packs = file.packs.iter().map(|pack| (pack, false)).chain(file.packs_to_delete.iter().map(|pack| (pack, true)));
    for (IndexedPack { id, blobs }, marked) in packs {
        if marked && blobs.is_empty() {
            // rustic marks packs that were in no index so: their content is not known.
            continue;
        }
        let bytes = pack_length(blobs);
        let entry = expected.entry(*id).or_insert(Expected { bytes, blobs: blobs.len(), marked });
        entry.marked &= marked;
        if entry.bytes != bytes {
            findings
                .error(format!("index {name} has {bytes} bytes for pack {id}, another index file has {}", entry.bytes));
        }
    }
}

/// These snapshots, every tree below them, and the presence of every blob that a file needs.
pub(crate) fn check_snapshots(
    repository: &Repository,
    snapshots: &[Id],
    index: &BlobIndex,
    findings: &Findings,
    report: &mut CheckReport,
    on_progress: &(dyn Fn(CheckProgress) + Sync),
) {
    let store = repository.store();
    let mut seen = HashSet::new();
    for id in snapshots {
        let snapshot: SnapshotFile = match store.load(FileKind::Snapshot, id) {
            Ok(snapshot) => snapshot,
            Err(error) => {
                findings.error(error.chain());
                continue;
            }
        };
        report.snapshots += 1;
        let mut todo = vec![(String::from("/"), snapshot.tree)];
        while let Some((path, tree)) = todo.pop() {
            if !seen.insert(tree) {
                continue;
            }
            let place = || format!("snapshot {}, {path:?}", id.short());
            if let Err(error) = check_tree(repository, index, &path, &tree, findings, &mut todo) {
                findings.error(format!("{}: {}", place(), error.chain()));
            }
            report.trees += 1;
            on_progress(CheckProgress::Trees { done: report.trees });
        }
    }
}

fn check_tree(
    repository: &Repository,
    index: &BlobIndex,
    path: &str,
    tree: &Id,
    findings: &Findings,
    todo: &mut Vec<(String, Id)>,
) -> Result<()> {
    let blob = read_tree(repository.store(), index, tree)?;
    for node in trees::parse(tree, &blob)?.into_nodes() {
        let inner = format!("{}/{}", path.trim_end_matches('/'), node.name());
        let checked = match (node.kind(), node.subtree) {
            (EntryKind::Folder, Some(subtree)) => {
                todo.push((inner.clone(), subtree));
                Ok(())
            }
            (EntryKind::Folder, None) => Err("it is a folder without a tree".to_owned()),
            (EntryKind::File, _) => check_file(index, &node),
            (EntryKind::Other, _) => Ok(()),
        };
        if let Err(reason) = checked {
            findings.error(format!("tree {tree}, {inner:?}: {reason}"));
        }
    }
    Ok(())
}

fn check_file(index: &BlobIndex, node: &Node<'_>) -> Result<(), String> {
    let mut held = 0;
    for blob in node.content().map_err(|error| error.to_string())? {
        let place = index.get(BlobKind::Data, &blob).ok_or_else(|| format!("its blob {blob} is in no index"))?;
        held += u64::from(place.plain_length());
    }
    if held == node.size {
        Ok(())
    } else {
        Err(format!("it should have {} bytes, but its blobs have {held}", node.size))
    }
}
