//! `cargo xtask soak`: tests of the tree with more of everything than CI has time for. Runs the test itself, on one server of the
//! lab after the other, and writes down what it came to.

use std::fs;
use std::path::Path;
use std::process::{Command, ExitCode};
use std::time::Instant;

use anyhow::{Context, Result, ensure};
use clap::{Args, Subcommand};
use serde_json::Value;

use crate::bench::lab::Lab;
use crate::bench::{outcome::thousands, process};
use crate::tree;

/// Every server that Larder is tested on.
const SERVERS: [&str; 15] = [
    "elasticsearch-5.6.4",
    "elasticsearch-6.2.4",
    "elasticsearch-6.3.0",
    "elasticsearch-6.4.0",
    "elasticsearch-6.5.3",
    "elasticsearch-6.8.0",
    "elasticsearch-7.2.0",
    "elasticsearch-7.3.2",
    "elasticsearch-7.14.0",
    "elasticsearch-7.17.29",
    "elasticsearch-8.19.21",
    "elasticsearch-9.5.3",
    "opensearch-1.3.13",
    "opensearch-2.19.1",
    "opensearch-3.8.0",
];

const PAGE: &str = "docs/exactness.md";

/// Test for hours what CI tests for minutes.
#[derive(Subcommand)]
pub enum Soak {
    Exact(Exact),
}

/// Random documents of every shape, backed up, deleted, restored and compared byte by byte; writes docs/exactness.md.
#[derive(Args)]
pub struct Exact {
    /// Documents on each server.
    #[arg(long, default_value_t = 1_000_000)]
    documents: usize,
    /// Only these servers, as lab/lab calls them; the page then has only them.
    #[arg(long = "server", value_name = "SERVER")]
    servers: Vec<String>,
}

impl Soak {
    /// Tests.
    ///
    /// # Errors
    /// When a server does not start, or a document differs: the test's output names it.
    pub fn run(&self) -> Result<ExitCode> {
        let Self::Exact(exact) = self;
        exact.run().map(|()| ExitCode::SUCCESS)
    }
}

impl Exact {
    fn run(&self) -> Result<()> {
        let chosen = self.servers.iter().map(String::as_str).collect();
        let servers = if self.servers.is_empty() { SERVERS.to_vec() } else { chosen };
        let mut rows = Vec::new();
        for server in servers {
            let row = self.on(server)?;
            eprintln!("{row}");
            rows.push(row);
        }
        let page = page(self.documents, &rows)?;
        fs::write(tree::root().join(PAGE), page).with_context(|| format!("cannot write {PAGE}"))
    }

    /// One server, from its start to its end; gives its row.
    fn on(&self, server: &str) -> Result<String> {
        let lab = Lab::of(server, &[], &[])?;
        let report = lab.folder.join("report");
        let label = server.trim_start_matches("elasticsearch-").replace("opensearch-", "os-");
        let began = Instant::now();
        let status = Command::new("cargo")
            .args(["test", "--quiet", "--workspace", "--test", "heavy_exact"])
            .current_dir(tree::root())
            .env("LARDER_TEST_ES", format!("{label}={}", lab.url))
            .env("LARDER_EXACT_DOCUMENTS", self.documents.to_string())
            .env("LARDER_EXACT_REPORT", &report)
            .status()
            .context("cannot run cargo")?;
        ensure!(status.success(), "{server}: the test failed, see above");
        row(server, &report, began.elapsed().as_secs())
    }
}

fn row(server: &str, report: &Path, seconds: u64) -> Result<String> {
    let text = fs::read_to_string(report).context("the test wrote no report")?;
    let found: Value = serde_json::from_str(text.trim()).context("the test's report")?;
    let shapes = found["shapes"].as_object().context("the report has no shapes")?;
    let refused: Vec<String> = shapes
        .iter()
        .filter(|(_, shape)| shape["refused"].as_u64() != Some(0))
        .map(|(name, shape)| format!("{name} {}", grouped(shape["refused"].as_u64().unwrap_or(0))))
        .collect();
    let documents = grouped(found["documents"].as_u64().context("the report has no number of documents")?);
    let refused = if refused.is_empty() { "none".to_owned() } else { refused.join(", ") };
    Ok(format!("| {server} | {documents} | {refused} | {} | {seconds} |", found["seed"]))
}

fn grouped(number: u64) -> String {
    thousands(number as f64)
}

fn page(documents: usize, rows: &[String]) -> Result<String> {
    let load = process::load()?;
    let cores = std::thread::available_parallelism()?;
    Ok(format!(
        "# Exactness\n\n\
        Random documents of every shape that JSON allows (numbers that no double holds, lone surrogates, keys twice, hundreds of\n\
        levels, 1 MB strings, line breaks, nested fields, join fields where the server has them, custom routing, external versions),\n\
        {} on each server: indexed, backed up, deleted, restored, and read back. Compared: `_id`, routing, `_version`, and `_source`\n\
        byte by byte; the run ends at the first difference, so what stands here had none. A document that the server itself refused\n\
        when it was indexed is counted and not among them.\n\n\
        Written by `cargo xtask soak exact`; ./test.sh runs the same test with 20,000 documents on each server. The seed makes the\n\
        same documents again: `LARDER_TEST_SEED`.\n\n\
        | server | documents | refused by the server at first, by shape | seed | seconds |\n|---|--:|---|--:|--:|\n{}\n\n\
        {cores} cores; load at the end {load}. The seconds tell how long it took beside other work, not how fast anything is.\n",
        grouped(documents as u64),
        rows.join("\n"),
    ))
}
