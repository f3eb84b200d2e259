//! `cargo xtask bench memory`: the most memory that `larder backup` and `larder restore` have, with one large index and with many
//! small ones. Fails above the bound.

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;

use anyhow::{Context, Result, ensure};
use clap::Args;
use samples::{IndexShape, Set};

use super::bodies::{self, Wide};
use super::contenders;
use super::fill;
use super::indices::{self, PATTERN};
use super::lab::Lab;
use super::measure::Cost;
use super::outcome::thousands;
use super::race::say;

/// Indices made at once.
const MAKERS: usize = 4;

/// How much, and how much memory for it.
#[derive(Args)]
pub struct Memory {
    /// Bytes of the large index, as `_bulk` bodies.
    #[arg(long, default_value_t = 5_000_000_000)]
    bytes: u64,
    /// How many small indices.
    #[arg(long, default_value_t = 1000)]
    indices: u32,
    /// Documents in each of them.
    #[arg(long, default_value_t = 1000)]
    docs_per_index: u64,
    /// The bound, in MiB.
    #[arg(long, default_value_t = 256)]
    bound: u64,
    /// The program.
    #[arg(long, default_value = "target/release/larder")]
    larder: PathBuf,
}

impl Memory {
    /// Measures both and prints a table; the code says whether all stayed within the bound.
    ///
    /// # Errors
    /// When something cannot be run, or a restore left documents out.
    pub fn run(&self) -> Result<ExitCode> {
        let program = contenders::there(&self.larder)?;
        let shards = format!("cluster.max_shards_per_node={}", 2 * self.indices + 1000);
        let lab = Lab::start(&[&shards], &[])?;
        let mut good = true;
        println!(
            "| | documents | backup: s | peak MiB | restore: s | peak MiB | stored MB |\n|---|---|---|---|---|---|---|"
        );
        for (what, fill) in [
            (format!("one index of {} MB", self.bytes / 1_000_000), Self::large as fn(&Self, &Lab) -> Result<()>),
            (format!("{} indices of {} documents", self.indices, self.docs_per_index), Self::many),
        ] {
            say(&format!("loading {what}"));
            fill(self, &lab)?;
            let (documents, costs, stored) = both(&lab, &program).with_context(|| what.clone())?;
            let [backup, restore] = costs.map(|cost| format!("{:.1} | {}", cost.wall, cost.rss >> 20));
            println!("| {what} | {} | {backup} | {restore} | {} |", thousands(documents as f64), stored / 1_000_000);
            good &= costs.iter().all(|cost| cost.rss <= self.bound << 20);
        }
        println!("\n{}: the bound is {} MiB", if good { "within the bound" } else { "ABOVE THE BOUND" }, self.bound);
        Ok(if good { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }

    fn large(&self, lab: &Lab) -> Result<()> {
        let index = "bench-large";
        fill::create(&mut lab.connection()?, index, Wide::INDEX)?;
        fill::send(&lab.url, Wide { index, bytes: self.bytes, made: 0, next: 0 }, fill::WORKERS)?;
        indices::settle(&mut lab.connection()?)
    }

    fn many(&self, lab: &Lab) -> Result<()> {
        let body = IndexShape { shards: 1, replicas: 0, refresh: "-1", document_type: None }.body(Set::HttpLogs);
        let next = AtomicU32::new(0);
        thread::scope(|scope| {
            let makers: Vec<_> = (0..MAKERS).map(|_| scope.spawn(|| self.make_some(lab, &body, &next))).collect();
            makers.into_iter().try_for_each(|maker| maker.join().expect("a maker returns its errors"))
        })?;
        let bodies = (0..self.indices).map(|n| Ok(self.documents_of(n)));
        fill::send(&lab.url, bodies, fill::WORKERS)?;
        indices::settle(&mut lab.connection()?)
    }

    fn make_some(&self, lab: &Lab, body: &str, next: &AtomicU32) -> Result<()> {
        let mut connection = lab.connection()?;
        loop {
            let n = next.fetch_add(1, Ordering::Relaxed);
            if n >= self.indices {
                return Ok(());
            }
            fill::create(&mut connection, &name(n), body)?;
        }
    }

    fn documents_of(&self, n: u32) -> Vec<u8> {
        bodies::one(Set::HttpLogs, &name(n), u64::from(n) * self.docs_per_index, self.docs_per_index)
    }
}

fn name(n: u32) -> String {
    format!("bench-{n:04}")
}

/// Backs up what is there, deletes it, restores it, deletes it; gives documents, both costs, bytes of the repository.
fn both(lab: &Lab, program: &std::path::Path) -> Result<(u64, [Cost; 2], u64)> {
    let mut connection = lab.connection()?;
    let documents = indices::count(&mut connection, PATTERN)?;
    let repository = contenders::larder_init(lab, program, "larder")?;
    let backup = lab.stopwatch().measure(&mut contenders::larder_backup(lab, program, &repository))?;
    indices::delete(&mut connection, PATTERN)?;
    let restore = lab.stopwatch().measure(&mut contenders::larder_restore(lab, program, &repository))?;
    let restored = indices::count(&mut connection, PATTERN)?;
    ensure!(restored == documents, "{restored} of {documents} documents are there after the restore");
    indices::delete(&mut connection, PATTERN)?;
    Ok((documents, [backup, restore], super::race::size(&repository)?))
}
