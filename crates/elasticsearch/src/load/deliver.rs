//! Brings a batch to the server: each document is stored or rejected when this is done, or there is an error. What is
//! in doubt is sent again; that is safe because every document has an id. Never drops a document in silence.

use std::{
    collections::VecDeque,
    time::{Duration, Instant},
};

use bytes::Bytes;

use super::{
    Loader,
    answer::{self, Outcome, Refusal, Unbelievable, Verb},
    batch::{Aside, BulkTarget, Line, plain},
    error::{LoadError, Result},
    loaded::Loaded,
    parcel::Parcel,
};
use crate::{
    backoff::Backoff,
    error::{Error, Retry},
    request::Request,
};

/// All that is needed of the answer. Measured on 7.14: a seventh of the bytes, and no more work for the server.
const FILTER: &str = "errors,items.*.status,items.*.error";

/// How long a server waits for a primary that is away, unless it is told otherwise.
const PRIMARY_WAIT: Duration = Duration::from_mins(1);

/// From this failure of the same documents on they are sent in halves: what is between us and the server may only
/// let smaller requests pass, and a small heap may only hold smaller ones.
const HALVE_FROM: u32 = 2;

/// Requests of this size, in bytes, are not what a server or a proxy chokes on.
const SMALL: usize = 256 << 10;

/// Status of a document that is not created because there is one of its id.
const CONFLICT: u16 = 409;

/// How one request ended.
enum Sent {
    /// With an outcome for each document; here those that are not stored.
    Answered(Vec<(usize, Outcome)>),
    /// Without an answer that counts.
    Failed(Failure),
}

/// What is worth another attempt, in one form or another.
enum Failure {
    /// It was too large for the server or a proxy.
    TooLarge(Error),
    /// Nothing is known of it, or the server was too busy.
    Doubtful(Error),
}

/// Documents on their way, and how often they failed together.
struct Waiting {
    parcel: Parcel,
    failures: u32,
    /// Whether they were sent before, so that some may be stored already.
    in_doubt: bool,
}

/// Sends `lines` of `body` to `target`.
pub(super) async fn lines(loader: &Loader, target: &BulkTarget, body: &Bytes, lines: &[Line]) -> Result<Loaded> {
    let mut account = Loaded::default();
    let mut patience = loader.patience();
    let mut queue: VecDeque<_> = Parcel::all(lines).into_iter().map(fresh).collect();
    while let Some(Waiting { parcel, failures, in_doubt }) = queue.pop_front() {
        let count = parcel.lines().len();
        match post(loader, target, body, &parcel).await? {
            Sent::Answered(failed) => {
                let failed = without_ours(failed, target, in_doubt);
                let later = settle(&mut account, target, body, &parcel, failed);
                let Some((again, refusal)) = later else {
                    patience = loader.patience();
                    continue;
                };
                if again.lines().len() < count {
                    patience = loader.patience();
                }
                queue.push_front(Waiting { parcel: again, failures: 0, in_doubt: true });
                pause(&mut patience, target, refused(target, refusal)).await?;
            }
            Sent::Failed(Failure::TooLarge(error)) => match parcel.halves() {
                Some(halves) => requeue(&mut queue, halves, in_doubt),
                None => account.reject(&target.index, id(body, &parcel.lines()[0]), too_large(&error)),
            },
            Sent::Failed(Failure::Doubtful(error)) => {
                pause(&mut patience, target, error).await?;
                match parcel.halves().filter(|_| failures + 1 >= HALVE_FROM && parcel.size() > SMALL) {
                    Some(halves) => requeue(&mut queue, halves, true),
                    None => queue.push_front(Waiting { parcel, failures: failures + 1, in_doubt: true }),
                }
            }
        }
    }
    Ok(account)
}

fn fresh(parcel: Parcel) -> Waiting {
    Waiting { parcel, failures: 0, in_doubt: false }
}

fn requeue(queue: &mut VecDeque<Waiting>, halves: [Parcel; 2], in_doubt: bool) {
    for parcel in halves.into_iter().rev() {
        queue.push_front(Waiting { in_doubt, ..fresh(parcel) });
    }
}

/// Leaves out the documents of which the server says that they are there, where that is no wonder: they were sent before, and
/// the answer was lost. Ids are unique within what a dump has of a shard.
fn without_ours(failed: Vec<(usize, Outcome)>, target: &BulkTarget, in_doubt: bool) -> Vec<(usize, Outcome)> {
    let may_be_ours = in_doubt && target.verb() == Verb::Create;
    let is_there = |outcome: &Outcome| matches!(outcome, Outcome::Refused(refusal) if refusal.status == CONFLICT);
    failed.into_iter().filter(|(_, outcome)| !(may_be_ours && is_there(outcome))).collect()
}

/// Enters the outcomes into the account; gives what has to be sent again, and the last reason for it.
fn settle(
    account: &mut Loaded,
    target: &BulkTarget,
    body: &Bytes,
    parcel: &Parcel,
    failed: Vec<(usize, Outcome)>,
) -> Option<(Parcel, Refusal)> {
    account.indexed += to_u64(parcel.lines().len() - failed.len());
    let mut again = Vec::new();
    let mut why = None;
    for (place, outcome) in failed {
        match outcome {
            Outcome::Refused(refusal) => account.reject(&target.index, id(body, &parcel.lines()[place]), refusal),
            Outcome::Later(refusal) => {
                again.push(place);
                why = Some(refusal);
            }
        }
    }
    why.map(|why| (parcel.only(&again), why))
}

/// Sends a parcel once.
async fn post(loader: &Loader, target: &BulkTarget, body: &Bytes, parcel: &Parcel) -> Result<Sent> {
    let bytes = parcel.bytes(body);
    let size = bytes.len();
    let mut request = Request::post(&[target.addressed(), "_bulk"]).query("filter_path", FILTER).ndjson(bytes);
    let give_up = loader.give_up();
    if give_up < PRIMARY_WAIT {
        request = request.query("timeout", &format!("{}ms", give_up.as_millis()));
    }
    let permit = loader.gate().enter().await;
    let sent_at = Instant::now();
    let result = loader.client().send_once(&request).await;
    let took = sent_at.elapsed();
    drop(permit);
    let sent = match result {
        Ok(response) => answered(target, &response.body, parcel.lines().len())?,
        Err(error) => Sent::Failed(failed(error).map_err(|source| stopped(target, source))?),
    };
    learn(loader, &sent, size, sent_at, took);
    Ok(sent)
}

fn answered(target: &BulkTarget, body: &[u8], sent: usize) -> Result<Sent> {
    match answer::read(body, sent, target.verb()) {
        Ok(failed) => Ok(Sent::Answered(failed)),
        Err(source @ Unbelievable::Shape(_)) => Ok(Sent::Failed(Failure::Doubtful(Error::Truncated {
            method: "POST".into(),
            path: path(target),
            why: format!("{source}; it begins: {}", crate::error::quote(body)),
        }))),
        Err(source) => Err(LoadError::Unbelievable { index: target.index.clone(), source }),
    }
}

/// What a request that was not answered properly means; the error itself where sending it again is of no use.
fn failed(error: Error) -> Result<Failure, Error> {
    match error.status() {
        Some(413) => Ok(Failure::TooLarge(error)),
        Some(status) if answer::may_pass(status) => Ok(Failure::Doubtful(error)),
        _ if error.retry() == Retry::Again => Ok(Failure::Doubtful(error)),
        _ => Err(error),
    }
}

fn learn(loader: &Loader, sent: &Sent, size: usize, sent_at: Instant, took: Duration) {
    let later = |failed: &[(usize, Outcome)]| failed.iter().any(|(_, o)| matches!(o, Outcome::Later(_)));
    match sent {
        Sent::Answered(failed) if !later(failed) => loader.gate().learn(|pace| pace.taken(size, took)),
        Sent::Answered(_) | Sent::Failed(Failure::Doubtful(_)) => {
            loader.gate().learn(|pace| pace.refused(sent_at, Instant::now()));
        }
        Sent::Failed(Failure::TooLarge(_)) => loader.too_large(size),
    }
}

/// Sends one document that cannot be a line of a `_bulk`.
pub(super) async fn aside(loader: &Loader, target: &BulkTarget, document: &Aside) -> Result<Loaded> {
    let mut account = Loaded::default();
    let request = match put(target, document) {
        Ok(request) => request,
        Err(refusal) => {
            account.reject(&target.index, &document.id, refusal);
            return Ok(account);
        }
    };
    let mut patience = loader.patience();
    let mut in_doubt = false;
    loop {
        let permit = loader.gate().enter().await;
        let result = loader.client().send_once(&request).await;
        drop(permit);
        let Err(error) = result else {
            account.indexed = 1;
            return Ok(account);
        };
        if in_doubt && error.status() == Some(CONFLICT) && target.verb() == Verb::Create {
            account.indexed = 1;
            return Ok(account);
        }
        if let Error::Refused { status: status @ (400 | CONFLICT), kind, reason, .. } = error {
            account.reject(&target.index, &document.id, Refusal { status, kind, reason });
            return Ok(account);
        }
        match failed(error).map_err(|source| stopped(target, source))? {
            Failure::Doubtful(error) => {
                in_doubt = true;
                pause(&mut patience, target, error).await?;
            }
            Failure::TooLarge(error) => {
                account.reject(&target.index, &document.id, too_large(&error));
                return Ok(account);
            }
        }
    }
}

/// The request that stores a document by its path, exact bytes as its body.
fn put(target: &BulkTarget, document: &Aside) -> Result<Request, Refusal> {
    let text = |raw: &[u8]| plain(raw).ok_or_else(|| unsendable("its id, type or routing is no Unicode text"));
    let id = text(&document.id)?;
    if id == "." || id == ".." {
        return Err(unsendable("with this id a document can only be sent by _bulk, and its _source has a line break"));
    }
    let doc_type = document.doc_type.as_deref().map(text).transpose()?;
    let doc_type = doc_type.as_deref().unwrap_or(super::mappings::DEFAULT_TYPE);
    let mut request = Request::put(&[target.addressed(), doc_type, &id]).json(document.source.clone());
    if target.verb() == Verb::Create {
        request = request.query("op_type", "create");
    }
    if let Some(routing) = &document.routing {
        request = request.query("routing", &text(routing)?);
    }
    if let Some(parent) = &document.parent {
        request = request.query("parent", &text(parent)?);
    }
    if let Some(version) = document.version {
        request = request.query("version", &version.to_string()).query("version_type", "external_gte");
    }
    Ok(request)
}

fn unsendable(reason: &str) -> Refusal {
    Refusal { status: 400, kind: "cannot_be_sent".into(), reason: reason.into() }
}

fn too_large(error: &Error) -> Refusal {
    Refusal { status: 413, kind: "content_too_long".into(), reason: error.to_string() }
}

/// Waits; an error once the time without any progress is up.
async fn pause(patience: &mut Backoff, target: &BulkTarget, error: Error) -> Result<()> {
    patience.pause(error).await.map_err(|source| stopped(target, source))
}

fn stopped(target: &BulkTarget, source: Error) -> LoadError {
    LoadError::doing(format!("loading into index {}", target.index))(source)
}

fn refused(target: &BulkTarget, refusal: Refusal) -> Error {
    let Refusal { status, kind, reason } = refusal;
    Error::Refused { method: "POST".into(), path: path(target), status, kind, reason, retry_after: None }
}

fn path(target: &BulkTarget) -> String {
    format!("/{}/_bulk", target.addressed())
}

fn id<'a>(body: &'a Bytes, line: &Line) -> &'a [u8] {
    &body[line.id.clone()]
}

fn to_u64(count: usize) -> u64 {
    u64::try_from(count).expect("a usize fits into 64 bits")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn document(id: &str, routing: Option<&'static str>, version: Option<u64>) -> Aside {
        Aside {
            id: Bytes::copy_from_slice(id.as_bytes()),
            doc_type: None,
            routing: routing.map(|routing| Bytes::from_static(routing.as_bytes())),
            parent: None,
            version,
            source: Bytes::from_static(b"{\n}"),
        }
    }

    #[test]
    fn a_document_by_itself_is_put_under_its_encoded_id_with_its_bytes() {
        let target = BulkTarget { index: "i".into(), stream: None, doc_type: None, parents: false };
        let request = put(&target, &document(r#""a/b ?\u00e9""#, Some(r#""r&1""#), Some(7))).expect("sendable");
        assert_eq!(request.path, "/i/_doc/a%2Fb%20%3F%C3%A9");
        assert_eq!(request.query, "routing=r%261&version=7&version_type=external_gte");
        assert_eq!(&request.body[..], b"{\n}");
    }

    #[test]
    fn what_is_there_counts_as_ours_only_where_it_was_sent_before() {
        let refused = |status| {
            (
                0,
                Outcome::Refused(Refusal {
                    status,
                    kind: "version_conflict_engine_exception".into(),
                    reason: String::new(),
                }),
            )
        };
        let index = BulkTarget { index: "i".into(), stream: None, doc_type: None, parents: false };
        let stream = BulkTarget { stream: Some("s".into()), ..index.clone() };
        for (target, status, in_doubt, left) in
            [(&stream, 409, true, 0), (&stream, 409, false, 1), (&stream, 400, true, 1), (&index, 409, true, 1)]
        {
            assert_eq!(without_ours(vec![refused(status)], target, in_doubt).len(), left, "{status} {in_doubt}");
        }
        let request = put(&stream, &document(r#""1""#, None, None)).expect("sendable");
        assert_eq!((request.path.as_str(), request.query.as_str()), ("/s/_doc/1", "op_type=create"));
    }

    #[test]
    fn ids_that_no_path_can_hold_are_refused() {
        let target = BulkTarget { index: "i".into(), stream: None, doc_type: None, parents: false };
        for id in [r#"".""#, r#""..""#, r#""\ud800""#] {
            assert!(put(&target, &document(id, None, None)).is_err(), "{id}");
        }
    }
}
