//! What reads bytes that others wrote, for the fuzz targets (fuzz/README.md): each takes any bytes and panics when a promise is
//! broken. Not part of the crate's interface.

use serde::{Serialize, de::DeserializeOwned};

use crate::{
    format::{config::Config, index::IndexFile, name, pack, snapshot::SnapshotFile, tree::Tree},
    keys::KeyFile,
};

/// A tree blob: its nodes can be asked for everything, and every name comes back from its quoted form.
pub fn tree(bytes: &[u8]) {
    let Ok(tree) = Tree::parse(bytes) else { return };
    for node in tree.into_nodes() {
        let plain = node.name();
        assert_eq!(name::unquote(&name::quote(&plain)), plain, "a name comes back");
        let (_kind, _blobs) = (node.kind(), node.content());
    }
}

/// A snapshot file.
pub fn snapshot(bytes: &[u8]) {
    comes_back::<SnapshotFile>(bytes);
}

/// An index file.
pub fn index(bytes: &[u8]) {
    comes_back::<IndexFile>(bytes);
}

/// A repository's configuration: what is accepted has a format and chunks, or is refused with a reason.
pub fn config(bytes: &[u8]) {
    let Ok(config) = serde_json::from_slice::<Config>(bytes) else { return };
    let (_format, _chunker) = (config.format(), config.chunker().map(drop));
}

/// A key file.
pub fn key(bytes: &[u8]) {
    comes_back::<KeyFile>(bytes);
}

/// The header of a pack, opened: what is accepted takes up exactly its bytes.
pub fn pack_header(bytes: &[u8]) {
    let Some(blobs) = pack::parse_header(bytes) else { return };
    assert_eq!(pack::header_of(&blobs), bytes, "a header comes back");
}

/// What is accepted comes out of being written and read again the same.
fn comes_back<T: Serialize + DeserializeOwned>(bytes: &[u8]) {
    let Ok(read) = serde_json::from_slice::<T>(bytes) else { return };
    let written = serde_json::to_string(&read).expect("plain structures become JSON");
    let again: T = serde_json::from_str(&written).expect("what was written is read");
    assert_eq!(
        serde_json::to_string(&again).expect("plain structures become JSON"),
        written,
        "what was accepted comes back"
    );
}
