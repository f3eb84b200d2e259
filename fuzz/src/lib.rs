//! The targets: each takes any bytes and panics when a promise is broken. They keep nothing and print nothing.

mod targets;

pub use targets::dump::{answer, documents, hit};
pub use targets::foreign::foreign;
pub use targets::own::{manifest, sequence, windows};
pub use targets::repository::{config, index, key, pack_header, snapshot, tree};

/// A target.
pub type Target = fn(&[u8]);

/// All targets, by the names of their folders of seeds.
pub const TARGETS: [(&str, Target); 13] = [
    ("answer", answer),
    ("hit", hit),
    ("documents", documents),
    ("manifest", manifest),
    ("sequence", sequence),
    ("windows", windows),
    ("foreign", foreign),
    ("tree", tree),
    ("snapshot", snapshot),
    ("index", index),
    ("config", config),
    ("key", key),
    ("pack_header", pack_header),
];
