//! A snapshot with a data stream and an index, made without a server: for those that have no data streams.

use std::{io::Write as _, path::Path};

use elasticsearch::DataStream;
use engine::{
    data_streams::KIND,
    fingerprint::Fingerprint,
    layout::{self, Piece},
    manifest::{DefinitionEntry, Head, IndexEntry, Manifest, RunEntry, ShardEntry, VERSION},
    parts::Parts,
    window::Windows,
};
use repository::{Access, FileSpec, Location, Repository, Segment, SnapshotSpec, Writer, WriterOptions};

use super::PASSWORD;

/// Of the stream's backing index: with what servers from Elasticsearch 7 on refuse.
const OF_STREAM: &str =
    r#""_data_stream_timestamp":{"enabled":true},"properties":{"ranked":{"type":"text","similarity":"classic"}}"#;

/// Saves stream `stream` with one backing index, and index `index`, one document each.
pub fn save(repository: &Path, stream: &str, index: &str) {
    let access = Access::new(Location::Local(repository.to_owned()), PASSWORD.into());
    let repository = Repository::open(&access).unwrap();
    let writer = repository.writer(WriterOptions::default()).unwrap();
    let backing = format!(".ds-{stream}-000001");
    let mut files = Vec::new();
    let indices = [backing.as_str(), index].map(|name| save_index(&writer, name, &mut files)).to_vec();
    let definition = DataStream {
        name: stream.to_owned(),
        timestamp_field: "@timestamp".into(),
        generation: 1,
        indices: vec![backing],
        hidden: false,
        allow_custom_routing: false,
        beyond: Vec::new(),
        system: false,
    };
    let path = layout::definition_path(KIND, stream);
    files.push(file(&writer, &path, &serde_json::to_vec(&definition).unwrap()));
    let manifest = Manifest {
        head: head(),
        definitions: vec![DefinitionEntry { kind: KIND.into(), name: stream.to_owned(), path }],
        indices,
        left_out_system: Vec::new(),
        not_saved: Vec::new(),
    };
    let mut text = Vec::new();
    manifest.write(|line| text.write_all(line)).unwrap();
    files.push(file(&writer, &layout::manifest_path(), &text));
    let spec = SnapshotSpec {
        files,
        paths: vec![layout::DATA.into()],
        hostname: layout::HOST.into(),
        username: "test".into(),
        tags: Vec::new(),
        time: jiff::Zoned::now(),
        parent: None,
        program_version: "test".into(),
    };
    writer.finish(spec).unwrap();
}

fn head() -> Head {
    Head {
        version: VERSION,
        program: "test".into(),
        started: "2026-01-01T00:00:00Z".into(),
        cluster_name: "made".into(),
        cluster_uuid: "made".into(),
        flavour: "opensearch".into(),
        server_version: "2.19.1".into(),
        parts: Parts::usual(),
        query: None,
    }
}

fn save_index(writer: &Writer, name: &str, files: &mut Vec<FileSpec>) -> IndexEntry {
    let line = format!("{{\"_index\":\"{name}\",\"_id\":\"1\",\"_source\":{{\"@timestamp\":1}}}}\n");
    let settings = serde_json::json!({ name: { "settings": { "index": { "number_of_shards": "1" } } } }).to_string();
    let settings = serde_json::to_vec(&settings).unwrap();
    let of_stream = if name.starts_with(".ds-") { OF_STREAM } else { "" };
    let mapping = format!("{{\"{name}\":{{\"mappings\":{{{of_stream}}}}}}}");
    for (piece, bytes) in
        [(Piece::Data, line.as_bytes()), (Piece::Settings, &settings), (Piece::Mapping, mapping.as_bytes())]
    {
        files.push(file(writer, &layout::data_path(name, piece), bytes));
    }
    files.push(FileSpec { path: layout::runs_path(name), segments: vec![Segment::default()] });
    let bytes = line.len() as u64;
    let (identity, windows) = (None, Windows::default());
    let shard = ShardEntry { shard: 0, documents: 1, identity, windows, runs: vec![RunEntry(1, bytes, 0)] };
    IndexEntry { name: name.into(), documents: 1, bytes, fingerprint: Fingerprint::default(), shards: vec![shard] }
}

fn file(writer: &Writer, path: &str, bytes: &[u8]) -> FileSpec {
    let mut stream = writer.stream().unwrap();
    stream.write_all(bytes).unwrap();
    FileSpec { path: path.to_owned(), segments: vec![stream.finish().unwrap()] }
}
