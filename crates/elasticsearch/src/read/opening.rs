//! The first search of a shard: all of it at once, or the opening of a scroll. Asks in smaller ways until an answer
//! fits; that is safe because nothing was handed out yet.

use std::sync::Arc;

use serde_json::json;

use super::{
    ReadOptions,
    context::{Context, Kind, duration, preference},
    frame::{frame, is_overload, total},
    page_size::PageSize,
};
use crate::{
    backoff::Backoff,
    body::Body,
    catalog::Index,
    client::Client,
    error::{Error, Result, Retry},
    request::Request,
    scan,
};

/// A shard about to be read.
pub(super) struct Opening<'a> {
    pub(super) client: &'a Client,
    pub(super) index: &'a Index,
    pub(super) shard: u32,
    pub(super) options: ReadOptions,
    pub(super) size: PageSize,
}

/// What a first search gave.
pub(super) struct First {
    pub(super) body: Body,
    /// How many documents were asked for.
    pub(super) documents: u32,
    /// How many there are.
    pub(super) total: u64,
}

impl First {
    pub(super) fn is_all(&self) -> bool {
        self.total <= u64::from(self.documents)
    }
}

impl Opening<'_> {
    /// Searches once, with nothing kept open on the server.
    pub(super) async fn search(&mut self) -> Result<First> {
        let answer = self.ask_until_it_fits(false).await?;
        let head = frame(&self.index.name, self.shard, &answer)?;
        let total = total(&self.index.name, self.shard, &head)?;
        Ok(First { body: answer, documents: self.size.documents(), total })
    }

    /// Opens a scroll, which cannot change its size any more. One whose first page was too long is closed by the
    /// server's clock: its id was in that answer.
    pub(super) async fn scroll(&mut self) -> Result<(Arc<Context>, First)> {
        let body = self.ask_until_it_fits(true).await?;
        let head = scan::page_head(&body).map_err(|source| self.page(source))?;
        let missing = scan::ScanError::Malformed { at: 0, expected: "a scroll id" };
        let id = head.scroll_id.as_deref().ok_or_else(|| self.page(missing))?.to_owned();
        let context = Context::new(self.client, Kind::Scroll, id);
        let total = total(&self.index.name, self.shard, &head)?;
        Ok((context, First { documents: self.size.documents(), total, body }))
    }

    async fn ask_until_it_fits(&mut self, scroll: bool) -> Result<Body> {
        let mut backoff = Backoff::new(self.client.timeouts());
        loop {
            let error = match self.ask(scroll).await {
                Ok(body) => return Ok(body),
                Err(error) => error,
            };
            let too_large = matches!(error, Error::TooLarge { .. });
            let halved = (too_large || is_overload(&error)) && self.size.halve();
            if too_large && halved {
                continue;
            }
            if error.retry() == Retry::Never {
                return Err(error);
            }
            backoff.pause(error).await?;
        }
    }

    async fn ask(&self, scroll: bool) -> Result<Body> {
        let body = self.client.send_once(&self.request(scroll)).await?.body;
        match frame(&self.index.name, self.shard, &body) {
            Ok(_) => Ok(body),
            Err(error) => {
                self.close_scroll_of(&body).await;
                Err(error)
            }
        }
    }

    /// An answer that is not taken may have opened a scroll all the same.
    async fn close_scroll_of(&self, body: &[u8]) {
        if let Some(id) = scan::page_head(body).ok().and_then(|head| head.scroll_id) {
            let context = Context::new(self.client, Kind::Scroll, id.into_owned());
            if let Err(error) = context.close().await {
                tracing::debug!(%error, "a scroll stays open until the server closes it");
            }
        }
    }

    fn request(&self, scroll: bool) -> Request {
        let can = self.client.can();
        let mut body = json!({ "size": self.size.documents(), "sort": ["_doc"], "version": true });
        if can.sequence_numbers_in_hits {
            body["seq_no_primary_term"] = true.into();
        }
        let mut request =
            Request::post(&[&self.index.name, "_search"]).query("preference", &preference(self.index, self.shard));
        if scroll {
            // A scroll counts exactly by itself, and 7.x refuses to be told about it.
            request = request.query("scroll", &duration(self.options.keep_alive));
        } else if can.track_total_hits {
            body["track_total_hits"] = true.into();
        }
        if can.refuses_partial_results {
            request = request.query("allow_partial_search_results", "false");
        }
        request
            .json(self.with_query(&body.to_string()))
            .max_body(self.size.max_body(self.size.documents()))
            .large_answer()
    }

    /// The query as it was written; a tree of values would print its numbers anew.
    fn with_query(&self, body: &str) -> String {
        match (&self.options.query, body.strip_suffix('}')) {
            (Some(query), Some(open)) => format!("{open},\"query\":{query}}}"),
            _ => body.to_owned(),
        }
    }

    fn page(&self, source: scan::ScanError) -> Error {
        Error::Page { index: self.index.name.clone(), shard: self.shard, source }
    }
}
