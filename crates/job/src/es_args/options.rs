//! Every option of multielasticdump and elasticdump, and what becomes of it here.

/// What becomes of an option.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Effect {
    /// It does what it says.
    Honoured,
    /// It does nothing, because of this.
    Without(&'static str),
    /// It is refused, because of this.
    Refused(&'static str),
}

/// Whether an option has a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Takes {
    Value,
    Nothing,
}

use Effect::{Honoured, Refused, Without};
use Takes::{Nothing, Value};

const STREAMED: &str = "pages and batches find their size by themselves, and no pauses are made";
const ADDRESS: &str = "the address comes from the AppBinding";
const LOGIN: &str = "the login comes from the AppBinding's Secret";
const TLS: &str = "certificates come from the AppBinding: caBundle and tlsSecret";
const NUMBERS: &str = "every number keeps its digits anyhow";
const FILES: &str = "documents are streamed into the repository, which compresses them";
const STORE: &str = "where data is stored is said by the Repository";
const CHANGES: &str = "documents are kept byte for byte; change them by an ingest pipeline or a reindex";
const FORMAT: &str = "documents are kept as the server has them, not as CSV or without their ids";

/// The options by name, as multielasticdump 6.76 knows them and the elasticdump that it runs.
pub(super) const OPTIONS: [(&str, Takes, Effect); 88] = [
    ("match", Value, Honoured),
    ("ignoreType", Value, Honoured),
    ("includeType", Value, Honoured),
    ("ignoreAnalyzer", Nothing, Honoured),
    ("ignoreAlias", Nothing, Honoured),
    ("ignoreData", Nothing, Honoured),
    ("ignoreMapping", Nothing, Honoured),
    ("ignoreSettings", Nothing, Honoured),
    ("ignoreTemplate", Nothing, Honoured),
    ("ignoreChildError", Nothing, Honoured),
    ("prefix", Value, Honoured),
    ("suffix", Value, Honoured),
    ("searchBody", Value, Honoured),
    ("headers", Value, Honoured),
    ("parallel", Value, Honoured),
    ("templateRegex", Value, Honoured),
    ("limit", Value, Without(STREAMED)),
    ("interval", Value, Without(STREAMED)),
    ("scrollTime", Value, Without(STREAMED)),
    ("scroll-with-post", Nothing, Without(STREAMED)),
    ("timeout", Value, Without(STREAMED)),
    ("maxSockets", Value, Without(STREAMED)),
    ("concurrency", Value, Without(STREAMED)),
    ("concurrencyInterval", Value, Without(STREAMED)),
    ("intervalCap", Value, Without(STREAMED)),
    ("carryoverConcurrencyCount", Nothing, Without(STREAMED)),
    ("throttleInterval", Value, Without(STREAMED)),
    ("retryAttempts", Value, Without("what can be tried again is tried again anyhow")),
    ("retryDelay", Value, Without("pauses between attempts find their length by themselves")),
    ("retryDelayBase", Value, Without("pauses between attempts find their length by themselves")),
    ("noRefresh", Nothing, Without("an index is refreshed once, before its documents are counted")),
    ("order", Value, Without("indices are taken as they come")),
    ("debug", Nothing, Without("what is logged is said by the environment variable RUST_LOG")),
    ("quiet", Nothing, Without("what is logged is said by the environment variable RUST_LOG")),
    ("support-big-int", Nothing, Without(NUMBERS)),
    ("big-int-fields", Value, Without(NUMBERS)),
    ("fsCompress", Nothing, Without(FILES)),
    ("compressionLevel", Value, Without(FILES)),
    ("overwrite", Nothing, Without(FILES)),
    ("fileSize", Value, Without(FILES)),
    ("maxRows", Value, Without(FILES)),
    ("filterSystemTemplates", Nothing, Without("the server's own templates are left out anyhow")),
    ("force-os-version", Value, Without("OpenSearch is known by what it says of itself")),
    ("parseExtraFields", Value, Without("routing, parent and version are kept anyhow")),
    ("handleVersion", Nothing, Without("versions are kept anyhow")),
    ("versionType", Value, Without("versions are kept anyhow")),
    ("ignore-es-write-errors", Nothing, Without("each document that is refused is named")),
    ("direction", Value, Refused("it is said by the Task")),
    ("input", Value, Refused(ADDRESS)),
    ("output", Value, Refused(ADDRESS)),
    ("input-index", Value, Refused("choose indices by --match")),
    ("output-index", Value, Refused("give indices other names by --prefix and --suffix")),
    ("httpAuthFile", Value, Refused(LOGIN)),
    ("pass", Value, Refused(TLS)),
    ("cert", Value, Refused(TLS)),
    ("key", Value, Refused(TLS)),
    ("ca", Value, Refused(TLS)),
    ("input-cert", Value, Refused(TLS)),
    ("input-key", Value, Refused(TLS)),
    ("input-pass", Value, Refused(TLS)),
    ("input-ca", Value, Refused(TLS)),
    ("output-cert", Value, Refused(TLS)),
    ("output-key", Value, Refused(TLS)),
    ("output-pass", Value, Refused(TLS)),
    ("output-ca", Value, Refused(TLS)),
    ("tlsAuth", Nothing, Refused(TLS)),
    ("awsAccessKeyId", Value, Refused(STORE)),
    ("awsSecretAccessKey", Value, Refused(STORE)),
    ("awsChain", Nothing, Refused(STORE)),
    ("awsIniFileProfile", Value, Refused(STORE)),
    ("awsIniFileName", Value, Refused(STORE)),
    ("awsService", Value, Refused(STORE)),
    ("awsRegion", Value, Refused(STORE)),
    ("awsUrlRegex", Value, Refused(STORE)),
    ("s3Bucket", Value, Refused(STORE)),
    ("s3RecordKey", Value, Refused(STORE)),
    ("s3Region", Value, Refused(STORE)),
    ("transform", Value, Refused(CHANGES)),
    ("searchWithTemplate", Nothing, Refused("give the query itself by --searchBody")),
    ("searchBodyTemplate", Value, Refused("give the query itself by --searchBody")),
    ("sourceOnly", Nothing, Refused(FORMAT)),
    ("csvDelimiter", Value, Refused(FORMAT)),
    ("delete", Nothing, Refused("a backup changes nothing; delete the documents once it has succeeded")),
    ("offset", Value, Refused("a backup of a part would pass for a whole one; choose documents by --searchBody")),
    ("skip", Value, Refused("a backup of a part would pass for a whole one; choose documents by --searchBody")),
    ("size", Value, Refused("a backup of a part would pass for a whole one; choose documents by --searchBody")),
    ("type", Value, Refused("choose what is saved by --ignoreType or --includeType")),
    ("ignore-errors", Nothing, Refused("an error that is ignored is a document that is lost")),
];
