//! Files of a repository, as a damaged disk, another program or an attacker may have left them. Opened: what is sealed cannot
//! be changed without the key.

pub use repository::fuzzing::{config, index, key, pack_header, snapshot, tree};
