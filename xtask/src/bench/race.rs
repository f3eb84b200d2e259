//! `cargo xtask bench dump` and `load`: all contenders over the same documents on the same server, one after the other, round by
//! round, so that what the machine does besides falls on all of them.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use clap::Args;
use samples::Set;

use super::bodies::{self, Layout};
use super::contenders;
use super::indices;
use super::lab::{HEAP, Lab, SERVER};
use super::outcome::{Outcome, Row, replaced, table, thousands};
use super::{dump, load};

/// multielasticdump with its defaults is stopped after this: it would take hours.
pub const PATIENCE: Duration = Duration::from_mins(1);

/// What is compared, and how often.
#[derive(Args)]
pub struct Race {
    /// How many documents.
    #[arg(long, default_value_t = 1_000_000)]
    docs: u64,
    /// `http_logs` or `products`.
    #[arg(long, default_value = "http_logs")]
    set: Set,
    /// Indices and their shards.
    #[arg(long, value_enum, default_value = "1x4")]
    layout: Layout,
    /// Rounds; (a) takes part in the first only.
    #[arg(long, default_value_t = 3)]
    runs: u32,
    /// The program that is (f).
    #[arg(long, default_value = "target/release/larder")]
    larder: PathBuf,
    /// Letters of those that do not take part.
    #[arg(long, value_delimiter = ',')]
    skip: Vec<char>,
    /// Requests that the raw loader has under way at once.
    #[arg(long, value_parser = clap::value_parser!(u8).range(1..=16))]
    workers: Option<u8>,
    /// Also put the table into this file, in the place of the last one of the same kind.
    #[arg(long, value_name = "FILE")]
    write: Option<PathBuf>,
}

/// A race under way.
pub struct Field<'a> {
    /// Server and tools.
    pub lab: &'a Lab,
    /// How many documents.
    pub documents: u64,
    /// Folder for the raw loader.
    pub bodies: PathBuf,
    /// (f), where it takes part.
    pub larder: Option<PathBuf>,
    /// Requests that the raw loader has under way at once.
    pub workers: Option<usize>,
}

/// One that takes part.
pub struct Contender {
    /// Its letter.
    pub key: char,
    /// What it is.
    pub what: &'static str,
    /// What must be known to read its figures rightly.
    pub remark: Option<&'static str>,
    /// Whether it runs in the first round only.
    pub once: bool,
    /// Runs it once.
    pub run: fn(&Field<'_>) -> Result<Outcome>,
}

/// Which way the documents go.
#[derive(Clone, Copy)]
pub enum Way {
    /// Out of the server.
    Dump,
    /// Into the server.
    Load,
}

impl Race {
    /// Runs everything and prints the table.
    ///
    /// # Errors
    /// When something cannot be run, or a contender did not do its work.
    pub fn run(&self, way: Way) -> Result<()> {
        let larder = if self.skip.contains(&'f') { None } else { Some(contenders::there(&self.larder)?) };
        let lab = Lab::start(&[], &contenders::TOOLS)?;
        say(&format!("{} documents of {}", thousands(self.docs as f64), self.set));
        let bodies = lab.empty("bodies")?;
        bodies::write(&bodies, self.set, self.layout, self.docs)?;
        let workers = self.workers.map(usize::from);
        let field = Field { lab: &lab, documents: self.docs, bodies, larder, workers };
        field.fill()?;
        let (contenders, against): (&[Contender], &[char]) = match way {
            Way::Dump => {
                dump::warm_up(&field)?;
                (&dump::CONTENDERS, &['b', 'c'])
            }
            Way::Load => {
                load::prepare(&field, &self.skip)?;
                (&load::CONTENDERS, &['b', 'd'])
            }
        };
        let rows = self.rounds(&field, contenders)?;
        let name = format!("bench {} {} {}", way.word(), self.set, self.layout.word());
        let text = format!("{}\n\n{}", self.head(way, &field)?, table(&rows, against, self.docs));
        println!("{text}");
        if let Some(file) = &self.write {
            put(file, &name, &text)?;
        }
        Ok(())
    }

    fn rounds(&self, field: &Field<'_>, contenders: &[Contender]) -> Result<Vec<Row>> {
        let taking_part = contenders.iter().filter(|contender| !self.skip.contains(&contender.key));
        let mut rows: Vec<(&Contender, Row)> = taking_part.map(|contender| (contender, contender.row())).collect();
        for round in 1..=self.runs {
            for (contender, row) in rows.iter_mut().filter(|(contender, _)| round == 1 || !contender.once) {
                let outcome = (contender.run)(field).with_context(|| format!("({}) {}", row.key, row.what))?;
                say(&format!("round {round}: ({}) {}: {:.1} s", row.key, row.what, outcome.cost.wall));
                row.runs.push(outcome);
            }
        }
        rows.sort_by_key(|(contender, _)| contender.key);
        Ok(rows.into_iter().map(|(_, row)| row).collect())
    }

    /// What must be known to read the table, and nothing about when or where.
    fn head(&self, way: Way, field: &Field<'_>) -> Result<String> {
        let indices = match self.layout {
            Layout::OneOfFour => "one index of 4 shards",
            Layout::FourOfOne => "four indices of 1 shard",
        };
        let version = match &field.larder {
            None => String::new(),
            Some(program) => {
                let out = contenders::larder(program).arg("version").output().context("cannot run larder version")?;
                format!("; {}", String::from_utf8_lossy(&out.stdout).lines().next().unwrap_or_default())
            }
        };
        let cores = std::thread::available_parallelism()?;
        Ok(format!(
            "### {}, {}, {}\n\n{} documents, {} MB as `_bulk` bodies. {SERVER} with a heap of {HEAP}, on the same machine, {cores} \
             cores{version}. Medians of the runs.",
            way.word(),
            self.set,
            indices,
            thousands(self.docs as f64),
            size(&field.bodies)? / 1_000_000,
        ))
    }
}

impl Way {
    fn word(self) -> &'static str {
        match self {
            Self::Dump => "dump",
            Self::Load => "load",
        }
    }
}

impl Contender {
    fn row(&self) -> Row {
        Row { key: self.key, what: self.what.into(), remark: self.remark.map(str::to_owned), runs: Vec::new() }
    }
}

impl Field<'_> {
    /// Loads the documents with the raw loader and waits until the server is quiet.
    ///
    /// # Errors
    /// When the server does not have them all then.
    pub fn fill(&self) -> Result<()> {
        contenders::run(&mut contenders::fill(self.lab, &self.bodies, self.workers)?)?;
        self.check(indices::PATTERN)?;
        indices::settle(&mut self.lab.connection()?)
    }

    /// Checks that the server has all documents.
    ///
    /// # Errors
    /// When it does not.
    pub fn check(&self, pattern: &str) -> Result<()> {
        let counted = indices::count(&mut self.lab.connection()?, pattern)?;
        ensure!(counted == self.documents, "the server has {counted} documents in {pattern}, not {}", self.documents);
        Ok(())
    }

    /// (f), which takes part.
    pub fn larder(&self) -> &Path {
        self.larder.as_deref().expect("only called when (f) takes part")
    }
}

/// Bytes of all files in a folder.
///
/// # Errors
/// When it cannot be read.
pub fn size(folder: &Path) -> Result<u64> {
    let mut bytes = 0;
    for entry in fs::read_dir(folder).with_context(|| format!("cannot read {}", folder.display()))? {
        let entry = entry?;
        let metadata = entry.metadata()?;
        bytes += if metadata.is_dir() { size(&entry.path())? } else { metadata.len() };
    }
    Ok(bytes)
}

/// Tells a person who waits.
pub fn say(what: &str) {
    eprintln!("bench: {what}");
}

fn put(file: &Path, name: &str, part: &str) -> Result<()> {
    let text = fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))?;
    fs::write(file, replaced(&text, name, part)).with_context(|| format!("cannot write {}", file.display()))
}
