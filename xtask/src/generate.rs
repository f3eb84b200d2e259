//! `cargo xtask generate` and `mapping`: sample documents and the body of the index for them, to standard output.

use std::io::{self, ErrorKind, Write};

use anyhow::{Context, Result};
use clap::{Args, ValueEnum};
use samples::{Bulk, Ids, IndexShape, Set};

/// Bytes gathered before they are written: large enough that the system calls do not show.
const WRITE_SIZE: usize = 1 << 20;

/// Print sample documents, one a line.
#[derive(Args)]
pub struct Generate {
    /// `http_logs` or `products`.
    #[arg(long)]
    set: Set,
    /// How many documents.
    #[arg(long)]
    docs: u64,
    /// The number of the first one.
    #[arg(long, default_value_t = 0)]
    start: u64,
    /// Other seeds give other documents.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Print a `_bulk` body for this index.
    #[arg(long, value_name = "INDEX")]
    bulk: Option<String>,
    /// With --bulk: the document type, for servers before 7.
    #[arg(long = "type", value_name = "TYPE", requires = "bulk")]
    document_type: Option<String>,
    /// With --bulk: how `_id` is made.
    #[arg(long, value_enum, default_value_t = IdForm::Number, requires = "bulk")]
    ids: IdForm,
    /// With --bulk: every how many documents one has a routing; 0 for none.
    #[arg(long, default_value_t = 0, requires = "bulk")]
    routing_every: u64,
}

/// How `_id` is made.
#[derive(Clone, Copy, ValueEnum)]
enum IdForm {
    /// The document's number.
    Number,
    /// Hexadecimal, without order.
    Hex,
    /// Left to the server.
    Server,
}

/// Print the body of `PUT /INDEX` for a set of sample documents.
#[derive(Args)]
pub struct Mapping {
    /// `http_logs` or `products`.
    #[arg(long)]
    set: Set,
    /// Number of primary shards.
    #[arg(long, default_value_t = 1)]
    shards: u32,
    /// Number of replicas.
    #[arg(long, default_value_t = 0)]
    replicas: u32,
    /// `refresh_interval`; -1 for none.
    #[arg(long, default_value = "1s", allow_hyphen_values = true)]
    refresh: String,
    /// The document type, for servers before 7.
    #[arg(long = "type", value_name = "TYPE")]
    document_type: Option<String>,
}

impl Generate {
    /// Writes the documents.
    ///
    /// # Errors
    /// When standard output cannot be written; a reader that has gone away is none.
    pub fn run(&self) -> Result<()> {
        let bulk = self.bulk.as_deref().map(|index| self.bulk_to(index));
        let mut out = io::stdout().lock();
        let mut buffer = Vec::with_capacity(2 * WRITE_SIZE);
        for n in self.start..self.start + self.docs {
            if let Some(bulk) = &bulk {
                bulk.lines(n, &mut buffer);
            } else {
                self.set.document(self.seed, n, &mut buffer);
                buffer.push(b'\n');
            }
            if buffer.len() >= WRITE_SIZE && !written(&mut out, &mut buffer)? {
                return Ok(());
            }
        }
        written(&mut out, &mut buffer).map(|_| ())
    }

    fn bulk_to<'a>(&'a self, index: &'a str) -> Bulk<'a> {
        let ids = match self.ids {
            IdForm::Number => Ids::Number,
            IdForm::Hex => Ids::Hex,
            IdForm::Server => Ids::Server,
        };
        let Self { set, seed, routing_every, .. } = *self;
        Bulk { set, seed, index, document_type: self.document_type.as_deref(), ids, routing_every }
    }
}

impl Mapping {
    /// Prints the body.
    pub fn run(&self) {
        let Self { set, shards, replicas, refresh, document_type } = self;
        let shape =
            IndexShape { shards: *shards, replicas: *replicas, refresh, document_type: document_type.as_deref() };
        println!("{}", shape.body(*set));
    }
}

/// Writes and empties the buffer; false when nobody reads any more.
fn written(out: &mut impl Write, buffer: &mut Vec<u8>) -> Result<bool> {
    match out.write_all(buffer).and_then(|()| out.flush()) {
        Err(e) if e.kind() == ErrorKind::BrokenPipe => return Ok(false),
        done => done.context("cannot write to standard output")?,
    }
    buffer.clear();
    Ok(true)
}
