//! Where things lie in a snapshot, and which file of a dump is what. Never reads a file.
//!
//! `docs/snapshot-layout.md` is normative.

/// multielasticdump's folder: the path that Stash saves and restores.
pub const DATA: &str = "/stash-interim-volume/data";
/// Our own folder beside it. multielasticdump takes every entry of its own folder for an index, hence a sibling.
pub const LARDER: &str = "/stash-interim-volume/larder";
/// Under which host Stash saves.
pub const HOST: &str = "host-0";

/// Whether a snapshot's path is that of a dump. Stash used the second form where the interim volume was an empty folder
/// of the pod.
pub fn is_data(path: &str) -> bool {
    path.strip_prefix("/tmp").unwrap_or(path).trim_end_matches('/') == DATA
}

/// What multielasticdump puts behind a file's name that it packs with gzip (`--fsCompress`).
pub const PACKED: &str = ".gz";

/// What a file of a dump holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Piece {
    /// `<index>.json`: documents, one a line.
    Data,
    /// `<index>.mapping.json`.
    Mapping,
    /// `<index>.settings.json`.
    Settings,
    /// `<index>.alias.json`.
    Alias,
    /// `<index>.template.json`: all legacy templates of the cluster.
    Template,
    /// `<index>.analyzer.json`, in dumps of old versions only.
    Analyzer,
}

impl Piece {
    /// Every piece but the documents, longest suffix first: an index may be called `a.mapping`.
    const NAMED: [Self; 5] = [Self::Settings, Self::Template, Self::Analyzer, Self::Mapping, Self::Alias];

    /// The ending of the file's name.
    pub fn suffix(self) -> &'static str {
        match self {
            Self::Data => ".json",
            Self::Mapping => ".mapping.json",
            Self::Settings => ".settings.json",
            Self::Alias => ".alias.json",
            Self::Template => ".template.json",
            Self::Analyzer => ".analyzer.json",
        }
    }

    /// Which index's which piece a file's name means, and whether it is packed; `None` for what is no piece of a dump.
    pub fn of(file: &str) -> Option<(&str, Self, bool)> {
        let plain = file.strip_suffix(PACKED);
        let (index, piece) = Self::of_plain(plain.unwrap_or(file))?;
        Some((index, piece, plain.is_some()))
    }

    fn of_plain(file: &str) -> Option<(&str, Self)> {
        Self::NAMED
            .into_iter()
            .chain([Self::Data])
            .find_map(|piece| file.strip_suffix(piece.suffix()).map(|index| (index, piece)))
            .filter(|(index, _)| !index.is_empty())
    }
}

/// A file of the dump, by its path in the snapshot.
pub fn data_path(index: &str, piece: Piece) -> String {
    format!("{DATA}/{index}{}", piece.suffix())
}

/// The manifest's path.
pub fn manifest_path() -> String {
    format!("{LARDER}/manifest")
}

/// The path of an index's lists of sequence numbers.
pub fn runs_path(index: &str) -> String {
    format!("{LARDER}/runs/{index}")
}

/// The path of a definition that multielasticdump has no file for.
pub fn definition_path(kind: &str, name: &str) -> String {
    format!("{LARDER}/{kind}/{}.json", escape(name))
}

/// A name that is safe as a file's: anything but letters, digits, `-`, `_` and inner dots becomes `%XX`.
fn escape(name: &str) -> String {
    let mut safe = String::with_capacity(name.len());
    for (at, byte) in name.bytes().enumerate() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' => safe.push(char::from(byte)),
            b'.' if at > 0 => safe.push('.'),
            _ => {
                use std::fmt::Write as _;
                let _ = write!(safe, "%{byte:02X}");
            }
        }
    }
    safe
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_files_name_tells_index_and_part() {
        let cases = [
            ("logs.json", Some(("logs", Piece::Data, false))),
            ("logs.json.gz", Some(("logs", Piece::Data, true))),
            ("logs.mapping.json", Some(("logs", Piece::Mapping, false))),
            ("logs.mapping.json.gz", Some(("logs", Piece::Mapping, true))),
            ("a.mapping.settings.json", Some(("a.mapping", Piece::Settings, false))),
            (".kibana_1.alias.json", Some((".kibana_1", Piece::Alias, false))),
            ("x.template.json", Some(("x", Piece::Template, false))),
            ("x.analyzer.json", Some(("x", Piece::Analyzer, false))),
            (".json", None),
            ("logs.gz", None),
            ("readme.txt", None),
        ];
        for (file, expected) in cases {
            assert_eq!(Piece::of(file), expected, "{file}");
        }
    }

    #[test]
    fn names_of_definitions_become_safe_file_names() {
        assert_eq!(definition_path("pipeline", "../a b/ü"), format!("{LARDER}/pipeline/%2E.%2Fa%20b%2F%C3%BC.json"));
    }
}
