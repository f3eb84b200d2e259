//! Documents that are a pure function of where they stand and of how often their index was written: made-up text that
//! hardly compresses, so that packs fill. Never asks a server for what it should hold.

use std::collections::BTreeMap;

use rand::{Rng as _, SeedableRng as _, rngs::StdRng};
use serde_json::{Value, json, value::RawValue};

use super::{http::Http, server::Server};

/// Bytes of documents in one `_bulk` request.
const BULK: usize = 4 << 20;

/// Indices of one shape.
pub struct Dataset {
    pub server: Server,
    /// Their names begin so; nothing else in the cluster does.
    pub prefix: String,
    pub indices: usize,
    /// In each index.
    pub documents: u64,
    /// Bytes of made-up text in each document.
    pub text: usize,
    /// How often each index was written.
    writes: Vec<u64>,
    seed: u64,
}

impl Dataset {
    /// Writes all of it.
    pub fn write(server: Server, prefix: &str, indices: usize, documents: u64, text: usize, seed: u64) -> Self {
        let mut new = Self { server, prefix: prefix.into(), indices, documents, text, writes: vec![0; indices], seed };
        new.server.remove(&new.pattern());
        for at in 0..indices {
            new.server.create(&new.index(at), 1, &json!({ "enabled": false }));
            new.rewrite(at);
        }
        new
    }

    pub fn pattern(&self) -> String {
        format!("{}-*", self.prefix)
    }

    pub fn index(&self, at: usize) -> String {
        format!("{}-{at:02}", self.prefix)
    }

    /// Gives every document of one index a new text.
    pub fn rewrite(&mut self, at: usize) {
        self.writes[at] += 1;
        let (mut http, target) = (self.server.connect(), self.server.bulk_target(&self.index(at)));
        let mut body = Vec::new();
        for n in 0..self.documents {
            body.extend_from_slice(format!("{{\"index\":{{\"_id\":\"{n}\"}}}}\n{}\n", self.document(at, n)).as_bytes());
            if body.len() >= BULK || n + 1 == self.documents {
                let answer = http.bulk(&format!("{target}?filter_path=errors"), &body).good();
                assert_eq!(answer.json(), json!({ "errors": false }));
                body.clear();
            }
        }
    }

    /// Every document as it should be, compared byte by byte with what the server has.
    pub fn compare(&self) {
        for at in 0..self.indices {
            let mut found = read_all(&mut self.server.connect(), &self.index(at));
            assert_eq!(found.len() as u64, self.documents, "documents of {}", self.index(at));
            for n in 0..self.documents {
                let source = found.remove(&n.to_string()).map(|hit| hit.source.get().to_owned());
                assert_eq!(source.as_deref(), Some(self.document(at, n).as_str()), "{}/{n}", self.index(at));
            }
        }
    }

    fn document(&self, at: usize, n: u64) -> String {
        const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
        let place = (at as u64) << 48 | self.writes[at] << 32 | n;
        let mut random = StdRng::seed_from_u64(self.seed ^ place.wrapping_mul(0x9E37_79B9_7F4A_7C15));
        let mut bytes = vec![0u8; self.text];
        random.fill_bytes(&mut bytes);
        let text: String = bytes.iter().map(|byte| char::from(ALPHABET[usize::from(byte % 64)])).collect();
        format!("{{\"n\":{n},\"written\":{},\"text\":\"{text}\"}}", self.writes[at])
    }
}

impl Drop for Dataset {
    fn drop(&mut self) {
        // After a failure it stays, for whoever looks for the cause.
        if !std::thread::panicking() {
            self.server.remove(&self.pattern());
        }
    }
}

/// A document as a search shows it.
#[derive(Debug, serde::Deserialize)]
pub struct Found {
    #[serde(rename = "_id")]
    pub id: String,
    #[serde(rename = "_routing", default)]
    pub routing: Option<String>,
    #[serde(rename = "_version")]
    pub version: u64,
    #[serde(rename = "_source")]
    pub source: Box<RawValue>,
}

/// One page of a scroll.
#[derive(serde::Deserialize)]
struct Page {
    #[serde(rename = "_scroll_id")]
    scroll: String,
    timed_out: bool,
    hits: Hits,
}

#[derive(serde::Deserialize)]
struct Hits {
    hits: Vec<Found>,
}

/// All documents of an index by id, read raw through a scroll.
pub fn read_all(http: &mut Http, index: &str) -> BTreeMap<String, Found> {
    http.post(&format!("/{index}/_refresh"), "").good();
    let query = json!({ "size": 1000, "version": true, "sort": ["_doc"] });
    let mut answer = http.post(&format!("/{index}/_search?scroll=5m"), query.to_string());
    let mut all = BTreeMap::new();
    loop {
        let answer_body = answer.good().body;
        let page: Page = serde_json::from_slice(&answer_body).expect("a page of a scroll");
        assert!(!page.timed_out);
        let scroll = page.scroll;
        if page.hits.hits.is_empty() {
            let body: Value = json!({ "scroll_id": [scroll] });
            http.delete_with("/_search/scroll", body.to_string());
            return all;
        }
        for found in page.hits.hits {
            let twice = all.insert(found.id.clone(), found);
            assert!(twice.is_none(), "{twice:?} came twice");
        }
        answer = http.post("/_search/scroll", json!({ "scroll": "5m", "scroll_id": scroll }).to_string());
    }
}
