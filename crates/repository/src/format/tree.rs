//! Tree blobs: the nodes of one folder. Never reads a file's list of blobs unless asked for it.
//!
//! Every node that we write carries the same time ([`NODE_TIME`]) and the same owner, so that a folder in which nothing
//! changed is the same blob in every snapshot. The price: a restored file does not show when it was saved; the snapshot does.

use std::{borrow::Cow, io};

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::{format::name, id::Id};

/// Time of every node: the earliest that every archive format can hold, so it is not mistaken for a real one.
const NODE_TIME: &str = "1980-01-01T00:00:00Z";
/// Go's form of `-rw-r--r--`.
const FILE_MODE: u32 = 0o644;
/// Go's form of `drwxr-xr-x`: its bit for folders is the highest.
const FOLDER_MODE: u32 = (1 << 31) | 0o755;

/// A node to be written: owner is root, which restic applies only where it runs as root.
#[derive(Serialize)]
struct WrittenNode<'a> {
    name: String,
    #[serde(rename = "type")]
    kind: &'static str,
    mode: u32,
    mtime: &'static str,
    atime: &'static str,
    ctime: &'static str,
    uid: u32,
    gid: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    size: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    content: Option<Content<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    subtree: Option<Id>,
}

/// The lists of blobs of a file's segments, one after the other.
struct Content<'a>(&'a [&'a [Id]]);

impl Serialize for Content<'_> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.iter().copied().flatten())
    }
}

/// Writes one tree's JSON, node by node, in the order of their names.
pub(crate) struct TreeText<W> {
    out: W,
    first: bool,
}

impl<W: io::Write> TreeText<W> {
    pub(crate) fn begin(mut out: W) -> io::Result<Self> {
        out.write_all(b"{\"nodes\":[")?;
        Ok(Self { out, first: true })
    }

    pub(crate) fn file(&mut self, name: &str, size: u64, segments: &[&[Id]]) -> io::Result<()> {
        let content = Some(Content(segments));
        self.node(&WrittenNode { size: Some(size), content, ..blank(name, "file", FILE_MODE) })
    }

    pub(crate) fn folder(&mut self, name: &str, subtree: Id) -> io::Result<()> {
        self.node(&WrittenNode { subtree: Some(subtree), ..blank(name, "dir", FOLDER_MODE) })
    }

    /// Closes the text, with the newline that restic ends it with.
    pub(crate) fn end(mut self) -> io::Result<W> {
        self.out.write_all(b"]}\n")?;
        Ok(self.out)
    }

    fn node(&mut self, node: &WrittenNode<'_>) -> io::Result<()> {
        if !std::mem::take(&mut self.first) {
            self.out.write_all(b",")?;
        }
        Ok(serde_json::to_writer(&mut self.out, node)?)
    }
}

fn blank(node: &str, kind: &'static str, mode: u32) -> WrittenNode<'static> {
    WrittenNode {
        name: name::quote(node),
        kind,
        mode,
        mtime: NODE_TIME,
        atime: NODE_TIME,
        ctime: NODE_TIME,
        uid: 0,
        gid: 0,
        size: None,
        content: None,
        subtree: None,
    }
}

/// A tree as read; it borrows from the blob.
#[derive(Deserialize)]
pub(crate) struct Tree<'a> {
    #[serde(borrow, default)]
    nodes: Option<Vec<Node<'a>>>,
}

/// A node as read.
#[derive(Deserialize)]
pub(crate) struct Node<'a> {
    #[serde(borrow)]
    name: Cow<'a, str>,
    #[serde(rename = "type", borrow)]
    kind: Cow<'a, str>,
    #[serde(default)]
    pub(crate) size: u64,
    #[serde(borrow, default)]
    content: Option<&'a RawValue>,
    #[serde(default)]
    pub(crate) subtree: Option<Id>,
}

/// What a node is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EntryKind {
    /// A regular file.
    File,
    /// A folder.
    Folder,
    /// A link, device, pipe or socket: not ours, and never read.
    Other,
}

impl<'a> Tree<'a> {
    pub(crate) fn parse(blob: &'a [u8]) -> serde_json::Result<Self> {
        serde_json::from_slice(blob)
    }

    pub(crate) fn into_nodes(self) -> Vec<Node<'a>> {
        self.nodes.unwrap_or_default()
    }
}

impl Node<'_> {
    pub(crate) fn name(&self) -> String {
        name::unquote(&self.name)
    }

    pub(crate) fn kind(&self) -> EntryKind {
        match &*self.kind {
            "file" => EntryKind::File,
            "dir" => EntryKind::Folder,
            _ => EntryKind::Other,
        }
    }

    /// Digest of a file's list of blobs.
    pub(crate) fn digest(&self) -> Option<Id> {
        self.content.map(|list| Id::of(list.get().as_bytes()))
    }

    /// A file's blobs.
    pub(crate) fn content(&self) -> serde_json::Result<Vec<Id>> {
        self.content.map_or_else(|| Ok(Vec::new()), |raw| serde_json::from_str(raw.get()))
    }
}
