//! Reads all shards, some at once, each again from its beginning where that helps. Never takes a shard for read whose
//! documents are not as many as the server counted.

use std::{sync::Arc, time::Duration};

use elasticsearch::{Body, Client, Index, Query, ReadOptions, Retry, ShardReader};
use tokio::{sync::mpsc, task::JoinSet};
use tokio_util::sync::CancellationToken;

use crate::{
    blocking::blocking,
    error::{Doing as _, Error, Result},
    progress::Progress,
};

/// How often one shard is read from its beginning before the work is given up.
const ATTEMPTS: u32 = 5;

/// How long a stopped read waits for what it is opening on the server, to close it again.
const OPENING: Duration = Duration::from_secs(10);

/// Takes the answers of one shard, in order, on a thread of its own. One that was not finished is as if it had never
/// been: the shard is read again with a new one.
pub(crate) trait PageSink: Send + 'static {
    /// What a whole shard becomes.
    type Output: Send + 'static;

    /// Takes one answer; gives how many documents and bytes it brought.
    fn page(&mut self, body: &[u8]) -> Result<(u64, u64)>;

    /// The shard is whole.
    fn finish(self) -> Result<Self::Output>;
}

/// What every reader needs.
#[derive(Clone)]
pub(crate) struct Reading {
    pub(crate) client: Client,
    pub(crate) progress: Progress,
    pub(crate) cancel: CancellationToken,
    /// Shards read at once.
    pub(crate) readers: usize,
    /// Which documents; all where there is none.
    pub(crate) query: Option<Query>,
}

/// What the shards of each index became, in the order of `indices` and of shard numbers. `make` makes the sink of a
/// shard, for each attempt a new one.
pub(crate) async fn read_shards<S: PageSink>(
    reading: Reading,
    indices: &[Index],
    make: impl Fn(&Index, u32) -> S + Send + Sync + 'static,
) -> Result<Vec<Vec<S::Output>>> {
    // When one reader fails the others stop, but each of them closes what it has open.
    let reading = Reading { cancel: reading.cancel.child_token(), ..reading };
    let make = Arc::new(make);
    let mut done: Vec<Vec<Option<S::Output>>> =
        indices.iter().map(|index| (0..index.shards).map(|_| None).collect()).collect();
    let mut waiting = largest_first(indices).into_iter();
    let mut tasks = JoinSet::new();
    let mut failed = None;
    loop {
        while tasks.len() < reading.readers
            && failed.is_none()
            && let Some((at, shard)) = waiting.next()
        {
            let index = indices[at].clone();
            reading.progress.begin(&index.name, index.documents);
            let (reading, make) = (reading.clone(), Arc::clone(&make));
            tasks.spawn(async move {
                let make = || make(&index, shard);
                reading.shard(&index, shard, make).await.map(|output| (at, shard, output))
            });
        }
        match tasks.join_next().await {
            None => break,
            Some(Ok(Ok((at, shard, output)))) => {
                done[at][shard as usize] = Some(output);
                if done[at].iter().all(Option::is_some) {
                    reading.progress.end(&indices[at].name);
                }
            }
            Some(Ok(Err(error))) => fail(&mut failed, error, &reading.cancel),
            Some(Err(join)) => fail(&mut failed, Error::Worker { what: join.to_string() }, &reading.cancel),
        }
    }
    match failed {
        Some(error) => Err(error),
        None => Ok(done.into_iter().map(|shards| shards.into_iter().flatten().collect()).collect()),
    }
}

/// The first failure counts; what the others say is only that they were stopped.
fn fail(failed: &mut Option<Error>, error: Error, cancel: &CancellationToken) {
    cancel.cancel();
    failed.get_or_insert(error);
}

/// A large index that begins last would end alone.
fn largest_first(indices: &[Index]) -> Vec<(usize, u32)> {
    let mut order: Vec<usize> = (0..indices.len()).collect();
    order.sort_by_key(|at| std::cmp::Reverse(indices[*at].bytes));
    order.into_iter().flat_map(|at| (0..indices[at].shards).map(move |shard| (at, shard))).collect()
}

impl Reading {
    async fn shard<S: PageSink>(&self, index: &Index, shard: u32, make: impl Fn() -> S) -> Result<S::Output> {
        let mut attempt = 1;
        loop {
            match self.once(index, shard, make()).await {
                Ok(output) => return Ok(output),
                Err(error) if error.retry() == Retry::Never || attempt == ATTEMPTS => return Err(error),
                Err(error) => {
                    let why = error.chain();
                    tracing::warn!(index = index.name, shard, attempt, error = why, "reading a shard again");
                    attempt += 1;
                }
            }
        }
    }

    /// Reads the shard from its beginning. What a failed attempt stored stays in the repository, referred to by
    /// nothing, and is used again when the same bytes come again.
    async fn once<S: PageSink>(&self, index: &Index, shard: u32, sink: S) -> Result<S::Output> {
        let doing = || format!("cannot read index {}, shard {shard}", index.name);
        let options = ReadOptions { query: self.query.clone(), ..ReadOptions::default() };
        let mut reader = tokio::select! {
            opened = self.client.read_shard(index, shard, &options) => opened.doing(doing)?,
            () = self.cancelled_for(OPENING) => return Err(Error::Interrupted),
        };
        let read = self.pages(&mut reader, index, shard, sink).await;
        if let Err(error) = reader.close().await {
            tracing::warn!(index = index.name, shard, %error, "the server keeps an unused context until it expires");
        }
        read
    }

    async fn cancelled_for(&self, time: Duration) {
        self.cancel.cancelled().await;
        tokio::time::sleep(time).await;
    }

    async fn pages<S: PageSink>(
        &self,
        reader: &mut ShardReader,
        index: &Index,
        shard: u32,
        sink: S,
    ) -> Result<S::Output> {
        let (pages, incoming) = mpsc::channel(1);
        let taking = tokio::spawn(blocking({
            let (progress, name) = (self.progress.clone(), index.name.clone());
            move || take(sink, incoming, &progress, &name)
        }));
        let fetched = self.fetch(reader, pages, index, shard).await;
        let (sink, documents, bytes) = taking.await.map_err(|join| Error::Worker { what: join.to_string() })??;
        match fetched.and_then(|()| check(reader.expected(), documents, index, shard)) {
            Ok(()) => blocking(move || sink.finish()).await,
            Err(error) => {
                self.progress.retract(&index.name, documents, bytes);
                Err(error)
            }
        }
    }

    /// Hands pages on until there are no more, or until nobody takes them.
    async fn fetch(
        &self,
        reader: &mut ShardReader,
        pages: mpsc::Sender<Body>,
        index: &Index,
        shard: u32,
    ) -> Result<()> {
        loop {
            // The place for a page is taken before the page: one that waits for its place would be one more in memory.
            let Ok(place) = pages.reserve().await else { return Ok(()) };
            let page = tokio::select! {
                () = self.cancel.cancelled() => return Err(Error::Interrupted),
                page = reader.next_page() => page,
            };
            let page = page.doing(|| format!("cannot read index {}, shard {shard}", index.name))?;
            let Some(page) = page else { return Ok(()) };
            place.send(page);
        }
    }
}

/// Takes pages until no more come; gives the sink, and what it took in documents and bytes.
fn take<S: PageSink>(
    mut sink: S,
    mut incoming: mpsc::Receiver<Body>,
    progress: &Progress,
    index: &str,
) -> Result<(S, u64, u64)> {
    let (mut documents, mut bytes) = (0, 0);
    while let Some(page) = incoming.blocking_recv() {
        match sink.page(&page) {
            Ok(added) => {
                progress.advance(index, added.0, added.1);
                documents += added.0;
                bytes += added.1;
            }
            Err(error) => {
                progress.retract(index, documents, bytes);
                return Err(error);
            }
        }
    }
    Ok((sink, documents, bytes))
}

fn check(expected: Option<u64>, found: u64, index: &Index, shard: u32) -> Result<()> {
    match expected {
        Some(expected) if expected == found => Ok(()),
        Some(expected) => Err(Error::Count { what: format!("index {}, shard {shard}", index.name), expected, found }),
        None => Err(Error::Uncounted { what: format!("index {}, shard {shard}", index.name) }),
    }
}
