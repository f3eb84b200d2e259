//! The raw reader: asks for every document of some indices as fast as the server gives them and throws the bodies away. Shows
//! what a dump could cost at the least; saves nothing and checks only the count.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::thread;

use anyhow::{Context, Result, ensure};
use clap::Args;
use serde_json::{Value, json};

use super::http::Connection;

/// Read indices and throw the documents away.
#[derive(Args)]
pub struct Read {
    /// `http://HOST:PORT`.
    #[arg(long)]
    url: String,
    /// Name or pattern of the indices.
    #[arg(long)]
    index: String,
    /// Shards read at once.
    #[arg(long, default_value_t = 4)]
    readers: usize,
    /// Documents asked for at once.
    #[arg(long, default_value_t = 5000)]
    size: u64,
}

/// What has been read, by all readers.
#[derive(Default)]
struct Tally {
    documents: AtomicU64,
    bytes: AtomicU64,
}

impl Read {
    /// Reads everything and prints how much it was.
    ///
    /// # Errors
    /// When the server fails, or when it gave another number of documents than it counts.
    pub fn run(&self) -> Result<()> {
        let mut connection = Connection::open(&self.url)?;
        let shards = self.shards(&mut connection)?;
        let tally = Tally::default();
        let next = AtomicUsize::new(0);
        thread::scope(|scope| {
            let readers: Vec<_> =
                (0..self.readers).map(|_| scope.spawn(|| self.reader(&shards, &next, &tally))).collect();
            readers.into_iter().try_for_each(|reader| reader.join().expect("a reader returns its errors"))
        })?;
        let counted = connection.json("GET", &format!("/{}/_count", self.index), "")?["count"].clone();
        let (documents, bytes) = (tally.documents.into_inner(), tally.bytes.into_inner());
        ensure!(counted == json!(documents), "read {documents} documents, the server counts {counted}");
        println!("{documents} documents, {bytes} bytes of answers, {} shards", shards.len());
        Ok(())
    }

    fn shards(&self, connection: &mut Connection) -> Result<Vec<(String, u64)>> {
        let path = format!("/_cat/shards/{}?format=json&h=index,shard,prirep", self.index);
        let listed = connection.json("GET", &path, "")?;
        let listed = listed.as_array().context("_cat/shards gave no list")?;
        listed.iter().filter(|shard| shard["prirep"] == "p").map(shard).collect()
    }

    fn reader(&self, shards: &[(String, u64)], next: &AtomicUsize, tally: &Tally) -> Result<()> {
        let mut connection = Connection::open(&self.url)?;
        while let Some((index, shard)) = shards.get(next.fetch_add(1, Ordering::Relaxed)) {
            self.shard(&mut connection, index, *shard, tally).with_context(|| format!("shard {shard} of {index}"))?;
        }
        Ok(())
    }

    fn shard(&self, connection: &mut Connection, index: &str, shard: u64, tally: &Tally) -> Result<()> {
        let path = format!("/{index}/_pit?keep_alive=2m&preference=_shards:{shard}");
        let id = connection.json("POST", &path, "")?["id"].clone();
        let mut request = json!({
            "size": self.size, "sort": ["_doc"], "track_total_hits": false,
            "pit": {"id": id, "keep_alive": "2m"},
        });
        let (mut page, mut before) = (Vec::new(), Vec::new());
        loop {
            connection.ask("POST", "/_search", request.to_string().as_bytes(), &mut page)?;
            tally.bytes.fetch_add(page.len() as u64, Ordering::Relaxed);
            let Some(last) = last_sort(&page) else { break };
            request["search_after"] = serde_json::from_slice(last).context("the last sort value is no JSON")?;
            // Only the last page is not full, and only that one is worth counting.
            if !before.is_empty() {
                tally.documents.fetch_add(self.size, Ordering::Relaxed);
            }
            std::mem::swap(&mut page, &mut before);
        }
        tally.documents.fetch_add(hits(&before), Ordering::Relaxed);
        connection.json("DELETE", "/_pit", &json!({"id": id}).to_string()).map(drop)
    }
}

fn shard(listed: &Value) -> Result<(String, u64)> {
    let index = listed["index"].as_str();
    let number = listed["shard"].as_str().and_then(|number| number.parse().ok());
    index.map(str::to_owned).zip(number).with_context(|| format!("no shard: {listed}"))
}

/// The sort values of the last hit of a page: the last thing in it.
fn last_sort(page: &[u8]) -> Option<&[u8]> {
    const KEY: &[u8] = b"\"sort\":[";
    let tail = &page[page.len().saturating_sub(200)..];
    let at = tail.windows(KEY.len()).rposition(|window| window == KEY)?;
    let values = &tail[at + KEY.len() - 1..];
    values.iter().position(|byte| *byte == b']').map(|end| &values[..=end])
}

/// How many hits a page has: each has its sort values at its end.
fn hits(page: &[u8]) -> u64 {
    const END: &[u8] = b"},\"sort\":[";
    page.windows(END.len()).filter(|window| *window == END).count() as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_sort_values_are_at_the_end_of_a_page() {
        let page = br#"{"hits":{"hits":[{"_source":{"sort":[1]},"sort":[7,8]},{"_source":{},"sort":[9,10]}]}}"#;
        assert_eq!(last_sort(page), Some(&b"[9,10]"[..]));
        assert_eq!(hits(page), 2);
        assert_eq!(last_sort(br#"{"hits":{"max_score":null,"hits":[]}}"#), None);
    }
}
