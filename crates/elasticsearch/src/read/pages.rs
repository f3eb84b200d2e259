//! The pages of one shard, one after the other: asks, judges the frame of each answer, asks again in a smaller way
//! where that is safe. Never gives a page that may be incomplete, never looks into a document.

use std::{sync::Arc, time::Duration};

use serde_json::{json, value::RawValue};

use super::{
    ReadOptions,
    context::{Context, duration, open_point_in_time},
    frame::{frame, is_lost, is_overload, total},
    opening::Opening,
    page_size::PageSize,
};
use crate::{
    backoff::Backoff,
    body::Body,
    capabilities::PointInTime,
    catalog::Index,
    client::Client,
    error::{Error, Result, Retry},
    request::Request,
    scan,
};

/// The read of one shard.
pub(super) struct Pages {
    client: Client,
    index: String,
    index_uuid: String,
    shard: u32,
    keep_alive: Duration,
    size: PageSize,
    source: Source,
    /// The sort values of the last hit that came.
    after: Option<Box<RawValue>>,
    /// Documents that may have come: the sizes of all pages that were not empty.
    asked: u64,
    expected: Option<u64>,
    finished: bool,
}

/// Where pages come from.
enum Source {
    PointInTime(Arc<Context>),
    /// Its size cannot be changed; the first page came with the opening.
    Scroll(Arc<Context>, First),
    /// One search gave everything; nothing is open for it.
    Whole(First),
}

/// A page that came with the opening, until it is taken.
struct First {
    documents: u32,
    body: Option<Body>,
}

impl From<super::opening::First> for First {
    fn from(first: super::opening::First) -> Self {
        Self { documents: first.documents, body: Some(first.body) }
    }
}

impl Source {
    async fn open(opening: &mut Opening<'_>) -> Result<Self> {
        match opening.client.can().point_in_time {
            // A query may say `now`: each search of a point in time would take it anew, and the count would not hold. A
            // scroll is asked once.
            Some(kind) if opening.options.query.is_none() => Self::in_point_in_time(kind, opening).await,
            _ => Self::in_scroll(opening).await,
        }
    }

    /// A small shard is read by one search, instead of three requests.
    async fn in_point_in_time(kind: PointInTime, opening: &mut Opening<'_>) -> Result<Self> {
        if opening.index.documents <= u64::from(opening.size.documents()) {
            let first = opening.search().await?;
            if first.is_all() {
                return Ok(Self::Whole(first.into()));
            }
            opening.size.learn(first.documents, first.body.len());
        }
        let Opening { client, index, shard, options, .. } = opening;
        Ok(Self::PointInTime(open_point_in_time(client, kind, index, *shard, options.keep_alive).await?))
    }

    /// As a scroll's size is fixed, a search before it shows which one fits.
    async fn in_scroll(opening: &mut Opening<'_>) -> Result<Self> {
        let first = opening.search().await?;
        if first.is_all() {
            return Ok(Self::Whole(first.into()));
        }
        opening.size.learn(first.documents, first.body.len());
        drop(first);
        let (context, first) = opening.scroll().await?;
        Ok(Self::Scroll(context, first.into()))
    }
}

impl Pages {
    /// Opens a context on the shard, unless one search gives all of it.
    pub(super) async fn open(client: &Client, index: &Index, shard: u32, options: ReadOptions) -> Result<Self> {
        let size = PageSize::new(&options, index, client.page_bound(&index.uuid, shard));
        let keep_alive = options.keep_alive;
        let mut opening = Opening { client, index, shard, options, size };
        let source = Source::open(&mut opening).await?;
        Ok(Self {
            client: client.clone(),
            index: index.name.clone(),
            index_uuid: index.uuid.clone(),
            shard,
            keep_alive,
            size: opening.size,
            source,
            after: None,
            asked: 0,
            expected: None,
            finished: false,
        })
    }

    /// What is open on the server for this read.
    pub(super) fn context(&self) -> Option<Arc<Context>> {
        match &self.source {
            Source::PointInTime(context) | Source::Scroll(context, _) => Some(context.clone()),
            Source::Whole(_) => None,
        }
    }

    pub(super) fn expected(&self) -> Option<u64> {
        self.expected
    }

    pub(super) fn finished(&self) -> bool {
        self.finished
    }

    /// The next page with hits; `None` behind the last.
    pub(super) async fn next(&mut self) -> Result<Option<Body>> {
        if self.finished {
            return Ok(None);
        }
        let context = match &mut self.source {
            Source::PointInTime(context) => {
                let context = context.clone();
                return self.next_in_point_in_time(&context).await;
            }
            Source::Scroll(context, first) => match first.body.take() {
                None => context.clone(),
                Some(body) => return self.accept(body),
            },
            Source::Whole(first) => match first.body.take() {
                None => return self.end(),
                Some(body) => return self.accept(body),
            },
        };
        self.next_in_scroll(&context).await
    }

    /// Asks until a page came whole: a point in time gives the same page however often it is asked.
    async fn next_in_point_in_time(&mut self, context: &Context) -> Result<Option<Body>> {
        let mut backoff = Backoff::new(self.client.timeouts());
        loop {
            let error = match self.attempt(context).await {
                Ok(page) => return Ok(page),
                Err(error) => error,
            };
            if matches!(error, Error::TooLarge { .. }) && self.size.halve() {
                continue;
            }
            if is_lost(&error) {
                return Err(self.reopen(&error));
            }
            if error.retry() == Retry::Never || matches!(error, Error::Reopen { .. }) {
                return Err(error);
            }
            if is_overload(&error) {
                self.size.halve();
            }
            backoff.pause(error).await?;
        }
    }

    async fn attempt(&mut self, context: &Context) -> Result<Option<Body>> {
        let answer = self.client.send_once(&self.page_request(context)).await?;
        self.accept(answer.body)
    }

    fn page_request(&self, context: &Context) -> Request {
        let mut body = json!({
            "size": self.size.documents(),
            "pit": { "id": context.id(), "keep_alive": duration(self.keep_alive) },
            "sort": ["_doc"],
            "version": true,
            "seq_no_primary_term": true,
            // Counting costs; the first answer has told.
            "track_total_hits": self.after.is_none(),
        })
        .to_string();
        if let Some(after) = &self.after {
            body.pop();
            body = body + ",\"search_after\":" + after.get() + "}";
        }
        Request::post(&["_search"])
            .query("allow_partial_search_results", "false")
            .json(body)
            .max_body(self.size.max_body(self.size.documents()))
            .large_answer()
    }

    /// Asks once: nobody knows whether a scroll that failed has moved on.
    async fn next_in_scroll(&mut self, context: &Context) -> Result<Option<Body>> {
        let body = json!({ "scroll": duration(self.keep_alive), "scroll_id": context.id() });
        let max_body = self.size.max_body(self.page_documents());
        let request = Request::post(&["_search", "scroll"]).json(body.to_string()).max_body(max_body).large_answer();
        let page = match self.client.send(request).await {
            Ok(answer) => self.accept(answer.body),
            Err(error) => Err(error),
        };
        page.map_err(|error| self.scroll_failed(error))
    }

    fn scroll_failed(&self, error: Error) -> Error {
        let too_large = matches!(error, Error::TooLarge { .. });
        let smaller = self.page_documents() / 2;
        if (too_large || is_overload(&error)) && smaller > 0 {
            self.client.bound_pages(&self.index_uuid, self.shard, smaller);
        } else if too_large {
            return error;
        }
        if too_large || is_lost(&error) || error.retry() != Retry::Never { self.reopen(&error) } else { error }
    }

    /// Takes a page whose frame is right, and notes where it ends.
    fn accept(&mut self, body: Body) -> Result<Option<Body>> {
        let head = frame(&self.index, self.shard, &body)?;
        if let (Some(context), Some(id)) = (self.context(), head.pit_id.as_deref().or(head.scroll_id.as_deref())) {
            context.renew(id);
        }
        if self.expected.is_none() {
            self.expected = Some(total(&self.index, self.shard, &head)?);
        }
        if head.empty {
            return self.end();
        }
        let first = self.after.is_none();
        self.advance(&body)?;
        let documents = self.page_documents();
        self.asked += u64::from(documents);
        // One page that could hold everything is the last. Later the server has to say that there is no more: a page
        // that was shorter than asked for would otherwise end the read early.
        self.finished = first && self.expected.is_some_and(|expected| expected <= u64::from(documents));
        if matches!(self.source, Source::PointInTime(_)) && !self.finished {
            self.size.learn(documents, body.len());
        }
        Ok(Some(body))
    }

    /// How many documents the page that came was asked to hold.
    fn page_documents(&self) -> u32 {
        match &self.source {
            Source::PointInTime(_) => self.size.documents(),
            Source::Scroll(_, first) | Source::Whole(first) => first.documents,
        }
    }

    /// An empty page is the end, unless too few documents can have come.
    fn end(&mut self) -> Result<Option<Body>> {
        let expected = self.expected.unwrap_or(0);
        if self.asked < expected {
            let why = format!("it ended after at most {} of {expected} documents", self.asked);
            return Err(Error::Reopen { index: self.index.clone(), shard: self.shard, why });
        }
        self.finished = true;
        Ok(None)
    }

    /// The last hit's sort values must be there, which shows that the page is whole to its end, and must be new.
    fn advance(&mut self, body: &[u8]) -> Result<()> {
        let (index, shard) = (&self.index, self.shard);
        let page = |source| Error::Page { index: index.clone(), shard, source };
        let sort = std::str::from_utf8(scan::last_sort(body).map_err(page)?).unwrap_or_default();
        let sort: Box<RawValue> = serde_json::from_str(sort)
            .map_err(|_| page(scan::ScanError::Malformed { at: body.len(), expected: "JSON as sort values" }))?;
        if self.after.as_ref().is_some_and(|after| after.get() == sort.get()) {
            return Err(Error::Reopen { index: index.clone(), shard, why: "the same page came twice".into() });
        }
        self.after = Some(sort);
        Ok(())
    }

    fn reopen(&self, error: &Error) -> Error {
        Error::Reopen { index: self.index.clone(), shard: self.shard, why: error.to_string() }
    }
}
