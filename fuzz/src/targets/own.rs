//! Files of ours, as a damaged disk or somebody else may have left them.

use engine::manifest::Manifest;
use engine::sequence;
use engine::window::Windows;

/// Any bytes as a manifest.
pub fn manifest(bytes: &[u8]) {
    let Ok(read) = Manifest::read(bytes) else { return };
    let mut written = Vec::new();
    let write = |line: &[u8]| {
        written.extend_from_slice(line);
        Ok::<(), ()>(())
    };
    read.write(write).expect("memory takes it");
    assert_eq!(Manifest::read(&written).ok(), Some(read), "what was accepted comes back");
}

/// Any bytes as a run's sequence numbers.
pub fn sequence(bytes: &[u8]) {
    let Some(places) = sequence::decode(bytes) else { return };
    assert_eq!(sequence::decode(&sequence::encode(&places)), Some(places), "what was accepted comes back");
}

/// Any bytes as a shard's windows.
pub fn windows(bytes: &[u8]) {
    let Some(windows) = Windows::decode(bytes) else { return };
    assert!(windows.differing(&windows).is_empty(), "windows do not differ from themselves");
    let _documents = windows.documents();
    assert_eq!(Windows::decode(&windows.encode()), Some(windows), "what was accepted comes back");
}
