//! Walks a snapshot's trees. Never reads a file's content.

use crate::{
    error::{Error, Result},
    format::tree::{EntryKind, Node, Tree},
    id::Id,
    read::{blobs::read_tree, index::BlobIndex},
    store::Store,
};

/// Calls `visit` with the path and node of everything below `root`, in no order.
pub(crate) fn walk(
    store: &Store,
    index: &BlobIndex,
    root: Id,
    visit: &mut dyn FnMut(&str, &Node<'_>) -> Result<()>,
) -> Result<()> {
    // A tree's id is the digest of its content, so no folder can be inside itself.
    let mut todo = vec![(String::new(), root)];
    while let Some((folder, id)) = todo.pop() {
        let blob = read_tree(store, index, &id)?;
        for node in parse(&id, &blob)?.into_nodes() {
            let path = format!("{folder}/{}", node.name());
            visit(&path, &node)?;
            if node.kind() == EntryKind::Folder {
                let subtree =
                    node.subtree.ok_or_else(|| Error::damaged(tree(&id), format!("{path:?} has no subtree")))?;
                todo.push((path, subtree));
            }
        }
    }
    Ok(())
}

/// Size and blobs of the file at `path`; `None` when there is none.
pub(crate) fn find(store: &Store, index: &BlobIndex, root: Id, path: &str) -> Result<Option<(u64, Vec<Id>)>> {
    let parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).collect();
    let mut id = root;
    for (depth, part) in parts.iter().enumerate() {
        let blob = read_tree(store, index, &id)?;
        let Some(node) = parse(&id, &blob)?.into_nodes().into_iter().find(|node| node.name() == *part) else {
            return Ok(None);
        };
        match (node.kind(), node.subtree) {
            (EntryKind::File, _) if depth + 1 == parts.len() => {
                let blobs = node.content().map_err(|error| Error::damaged(tree(&id), error))?;
                return Ok(Some((node.size, blobs)));
            }
            (EntryKind::Folder, Some(subtree)) => id = subtree,
            _ => return Ok(None),
        }
    }
    Ok(None)
}

pub(crate) fn parse<'a>(id: &Id, blob: &'a [u8]) -> Result<Tree<'a>> {
    Tree::parse(blob).map_err(|error| Error::damaged(tree(id), error))
}

fn tree(id: &Id) -> String {
    format!("tree {id}")
}
