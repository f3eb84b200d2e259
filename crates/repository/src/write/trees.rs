//! The folders of a snapshot, from a list of paths. Never reads a file's content.

use std::{collections::BTreeMap, io};

use crate::{
    error::{Error, Result},
    id::Id,
    write::{
        FileSpec,
        sealer::{Sealer, TreeSink},
        shared::Shared,
    },
};

/// Folders inside each other; deeper paths are refused, since they are followed by recursion.
const DEEPEST: usize = 64;

/// A folder's entries in the order of their names' bytes, which is restic's.
#[derive(Default)]
pub(crate) struct Folder<'a> {
    entries: BTreeMap<&'a str, Entry<'a>>,
}

enum Entry<'a> {
    File(&'a FileSpec),
    Folder(Folder<'a>),
}

impl<'a> Folder<'a> {
    /// The root folder with all files in their places.
    pub(crate) fn root_of(files: &'a [FileSpec]) -> Result<Self> {
        let mut root = Self::default();
        for file in files {
            root.place(file).map_err(|reason| Error::Path {
                path: file.path.clone(),
                snapshot: "to be written".to_owned(),
                reason,
            })?;
        }
        Ok(root)
    }

    fn place(&mut self, file: &'a FileSpec) -> Result<(), &'static str> {
        let path = file.path.strip_prefix('/').ok_or("it is not absolute")?;
        let parts: Vec<&str> = path.split('/').collect();
        if parts.len() > DEEPEST {
            return Err("it has too many parts");
        }
        if parts.iter().any(|part| matches!(*part, "" | "." | "..") || part.contains('\0')) {
            return Err("a part of it is empty, '.', '..' or holds a zero byte");
        }
        let (name, folders) = parts.split_last().ok_or("it is empty")?;
        let mut here = self;
        for folder in folders {
            let entry = here.entries.entry(folder).or_insert_with(|| Entry::Folder(Folder::default()));
            match entry {
                Entry::Folder(inner) => here = inner,
                Entry::File(_) => return Err("a part of it is a file, too"),
            }
        }
        match here.entries.insert(name, Entry::File(file)) {
            None => Ok(()),
            Some(_) => Err("it is given twice, or is a folder, too"),
        }
    }

    /// Stores the folder and all below it; gives its tree's id.
    pub(crate) fn store(&self, shared: &Shared, sealer: &mut Sealer) -> Result<Id> {
        let mut folders = BTreeMap::new();
        for (name, entry) in &self.entries {
            if let Entry::Folder(folder) = entry {
                folders.insert(*name, folder.store(shared, sealer)?);
            }
        }
        let tree = self.text(shared.tree_level(), &folders).map_err(|error| Error::Tree { source: error })?;
        shared.store_tree(sealer, tree)
    }

    fn text(&self, level: Option<i32>, folders: &BTreeMap<&str, Id>) -> io::Result<super::sealer::TreeBlob> {
        let mut text = TreeSink::begin(level)?;
        for (name, entry) in &self.entries {
            match entry {
                Entry::File(file) => {
                    let size = file.segments.iter().map(|segment| segment.bytes).sum();
                    let blobs: Vec<&[Id]> = file.segments.iter().map(|segment| &segment.blobs[..]).collect();
                    text.file(name, size, &blobs)?;
                }
                Entry::Folder(_) => text.folder(name, folders[name])?,
            }
        }
        TreeSink::end(text)
    }
}
