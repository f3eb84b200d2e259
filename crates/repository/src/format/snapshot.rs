//! Snapshot files. Never interprets what the tree holds.

use jiff::{Timestamp, Zoned, tz::Offset};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::id::Id;

/// A snapshot file.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct SnapshotFile {
    #[serde(serialize_with = "write_time", deserialize_with = "read_time")]
    pub(crate) time: Zoned,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) parent: Option<Id>,
    pub(crate) tree: Id,
    #[serde(default, deserialize_with = "null_is_empty")]
    pub(crate) paths: Vec<String>,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub(crate) hostname: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub(crate) username: String,
    /// restic's, which leaves out a 0.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub(crate) uid: u32,
    #[serde(default, skip_serializing_if = "is_zero")]
    pub(crate) gid: u32,
    #[serde(default, skip_serializing_if = "Vec::is_empty", deserialize_with = "null_is_empty")]
    pub(crate) tags: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) original: Option<Id>,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub(crate) program_version: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) summary: Option<Summary>,
}

/// What a snapshot says about the run that made it (restic 0.17 and later, rustic, and we write it).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct Summary {
    /// When the run began.
    #[serde(deserialize_with = "read_timestamp")]
    pub backup_start: Timestamp,
    /// When the run ended.
    #[serde(deserialize_with = "read_timestamp")]
    pub backup_end: Timestamp,
    /// Files in the snapshot.
    pub total_files_processed: u64,
    /// Their bytes.
    pub total_bytes_processed: u64,
    /// Data blobs that were new to the repository.
    pub data_blobs: u64,
    /// Tree blobs that were new to the repository.
    pub tree_blobs: u64,
    /// Bytes that were new to the repository, before compression.
    pub data_added: u64,
    /// Bytes that were new to the repository, as stored.
    pub data_added_packed: u64,
}

impl Default for Summary {
    fn default() -> Self {
        Self {
            backup_start: Timestamp::UNIX_EPOCH,
            backup_end: Timestamp::UNIX_EPOCH,
            total_files_processed: 0,
            total_bytes_processed: 0,
            data_blobs: 0,
            tree_blobs: 0,
            data_added: 0,
            data_added_packed: 0,
        }
    }
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "so it is called by serde")]
fn is_zero(number: &u32) -> bool {
    *number == 0
}

fn null_is_empty<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}

/// RFC 3339 with an offset, as Go writes a time.
pub(crate) fn write_time<S: Serializer>(time: &Zoned, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(&time.timestamp().display_with_offset(time.offset()))
}

/// A time as restic (RFC 3339) or rustic (with a zone in brackets) writes it; the offset is kept.
pub(crate) fn read_time<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Zoned, D::Error> {
    let text = String::deserialize(deserializer)?;
    parse_time(&text).map_err(de::Error::custom)
}

fn read_timestamp<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Timestamp, D::Error> {
    read_time(deserializer).map(|time| time.timestamp())
}

fn parse_time(text: &str) -> Result<Zoned, jiff::Error> {
    let moment: Timestamp = text.parse()?;
    let offset = jiff::fmt::temporal::Pieces::parse(&text)?.to_numeric_offset().unwrap_or(Offset::UTC);
    Ok(moment.to_zoned(offset.to_time_zone()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_of_restic_and_rustic_keep_moment_and_offset() {
        for (text, written) in [
            ("2026-11-23T10:11:12.123456789+02:00", "2026-11-23T10:11:12.123456789+02:00"),
            ("2026-11-23T10:11:12Z", "2026-11-23T10:11:12+00:00"),
            ("2026-11-23T10:11:12+01:00[Europe/Berlin]", "2026-11-23T10:11:12+01:00"),
        ] {
            let json = format!(r#"{{"time":"{text}","tree":"{}","paths":null}}"#, Id::of(b""));
            let snapshot: SnapshotFile = serde_json::from_str(&json).unwrap();
            assert!(serde_json::to_string(&snapshot).unwrap().contains(written), "{text}");
        }
    }
}
