//! Reads the documents of one shard, page by page, as they were at one moment. Never gives less than all without
//! saying so: whoever reads compares what came with [`ShardReader::expected`].

mod context;
mod frame;
mod opening;
mod page_size;
mod pages;

use std::{sync::Arc, time::Duration};

use tokio::task::JoinHandle;

use crate::{
    body::Body,
    catalog::Index,
    client::Client,
    error::{Error, Result},
    query::Query,
};
use context::Context;
use pages::Pages;

/// How to read.
#[derive(Debug, Clone)]
pub struct ReadOptions {
    /// The most documents in a page.
    pub page_documents: u32,
    /// The size of a page to aim at, in bytes. A page may be up to three times as large, or one document.
    pub page_bytes: usize,
    /// How long the server keeps a context between two pages.
    pub keep_alive: Duration,
    /// Only the documents that match; then these are what is counted too.
    pub query: Option<Query>,
}

impl Default for ReadOptions {
    fn default() -> Self {
        Self {
            // Larger pages are no faster, cost three times their size in memory for each reader, and four of 7.8 MB
            // at once were refused by a heap of 1 GiB.
            page_documents: 5_000,
            page_bytes: 5 << 20,
            // Longer than a store that has stopped taking data is waited for.
            keep_alive: Duration::from_mins(10),
            query: None,
        }
    }
}

impl Client {
    /// Opens a shard for reading, in a point in time where the server has them and there is no query, else in a scroll, and
    /// begins to fetch. A small shard is read by one search with nothing kept open.
    ///
    /// If this is cancelled, what it opened is closed in the background.
    ///
    /// # Errors
    /// As [`Client::send`]; [`Error::Partial`] if the shard does not answer.
    pub async fn read_shard(&self, index: &Index, shard: u32, options: &ReadOptions) -> Result<ShardReader> {
        let (client, of, options) = (self.clone(), index.clone(), options.clone());
        // On a task of its own: it gets to know what it opened even if nobody waits for it any more.
        let opening = tokio::spawn(async move { Pages::open(&client, &of, shard, options).await });
        let name = Name { index: index.name.clone(), shard };
        let pages = opening.await.map_err(|error| name.ended(&error.to_string()))??;
        Ok(ShardReader { context: pages.context(), expected: None, name, state: State::ahead(pages) })
    }
}

/// An open shard. Holds at most the page that comes next, while the caller is busy with the one before.
pub struct ShardReader {
    context: Option<Arc<Context>>,
    expected: Option<u64>,
    name: Name,
    state: State,
}

struct Name {
    index: String,
    shard: u32,
}

impl Name {
    fn ended(&self, why: &str) -> Error {
        Error::Reopen { index: self.index.clone(), shard: self.shard, why: why.to_owned() }
    }
}

enum State {
    Ahead(JoinHandle<(Pages, Result<Option<Body>>)>),
    Finished,
    Failed,
}

impl State {
    fn ahead(mut pages: Pages) -> Self {
        if pages.finished() {
            return Self::Finished;
        }
        Self::Ahead(tokio::spawn(async move {
            let page = pages.next().await;
            (pages, page)
        }))
    }
}

impl ShardReader {
    /// How many documents the shard held at the moment of reading, counted by the server; known after the first page.
    pub fn expected(&self) -> Option<u64> {
        self.expected
    }

    /// The body of the next search answer, whole, with at least one hit; `None` behind the last. May be cancelled.
    ///
    /// # Errors
    /// [`crate::Retry::Reopen`] where the shard has to be read again from its beginning, by a new reader; other
    /// errors are final. After an error there is only that again.
    pub async fn next_page(&mut self) -> Result<Option<Body>> {
        let task = match &mut self.state {
            State::Ahead(task) => task,
            State::Finished => return Ok(None),
            State::Failed => return Err(self.name.ended("the read has failed before")),
        };
        let ended = task.await;
        self.state = State::Failed;
        let (pages, page) = ended.map_err(|error| self.name.ended(&error.to_string()))?;
        let page = page?;
        self.expected = pages.expected();
        self.state = if page.is_some() { State::ahead(pages) } else { State::Finished };
        Ok(page)
    }

    /// Ends the read and closes its context on the server.
    ///
    /// # Errors
    /// As [`Client::send`]; the server then closes the context by its own clock.
    pub async fn close(mut self) -> Result<()> {
        if let State::Ahead(task) = &mut self.state {
            task.abort();
            // Aborted or at its end: in both cases nothing uses the context any more.
            let _ = task.await;
        }
        match &self.context {
            Some(context) => context.close().await,
            None => Ok(()),
        }
    }
}

impl Drop for ShardReader {
    fn drop(&mut self) {
        if let State::Ahead(task) = &self.state {
            task.abort();
        }
    }
}
