//! `cargo xtask bench dump`: the contenders, out of a server into a new repository on the same disk. Leaves the indices as they are.

use std::fs::{self, File};
use std::io::{BufRead, BufReader};
use std::path::Path;

use anyhow::{Context, Result, ensure};

use super::contenders::{self, NEW, OLD};
use super::indices::{self, PATTERN};
use super::outcome::Outcome;
use super::race::{Contender, Field, PATIENCE, size};

/// In the order in which they run: (a) after (b), whose files its restic saves.
pub const CONTENDERS: [Contender; 5] = [
    Contender {
        key: 'b',
        what: "multielasticdump 6.125.1 `--limit=10000` + restic 0.18.1",
        remark: None,
        once: false,
        run: newest,
    },
    Contender {
        key: 'a',
        what: "multielasticdump 6.76.0, its defaults + restic 0.14",
        remark: Some(
            "Estimated: stopped after 60 s, time, CPU and disk are taken as proportional to the documents read until \
             then, its start included. restic was measured over a whole dump, that of (b).",
        ),
        once: true,
        run: defaults,
    },
    Contender { key: 'c', what: "raw reader, throws the bodies away", remark: None, once: false, run: raw },
    Contender { key: 'e', what: "the server's own snapshot (fs)", remark: None, once: false, run: native },
    Contender { key: 'f', what: "**larder backup**", remark: None, once: false, run: larder },
];

/// Reads that nobody counts before the first round.
const WARM_UPS: u32 = 4;

/// Reads everything a few times: a server in use has long since compiled what a read needs, and whoever comes first would pay
/// for it.
///
/// # Errors
/// When the server fails.
pub fn warm_up(field: &Field<'_>) -> Result<()> {
    (0..WARM_UPS).try_for_each(|_| raw(field).map(drop))
}

fn newest(field: &Field<'_>) -> Result<Outcome> {
    let (lab, stopwatch) = (field.lab, field.lab.stopwatch());
    let folder = lab.empty("dump")?;
    let dumped = stopwatch.measure(&mut contenders::dump(lab, NEW.0, &folder, Some(10_000)))?;
    let lines = lines(&folder)?;
    ensure!(lines == field.documents, "it dumped {lines} documents and not {}", field.documents);
    let temporary = size(&folder)?;
    let repository = contenders::restic_init(lab, NEW.1, "restic-new")?;
    let saved = stopwatch.measure(&mut contenders::restic_backup(lab, NEW.1, &repository, &folder))?;
    Ok(Outcome { temporary, stored: size(&repository)?, ..Outcome::one(dumped).then(saved) })
}

fn defaults(field: &Field<'_>) -> Result<Outcome> {
    let (lab, stopwatch) = (field.lab, field.lab.stopwatch());
    let whole = lab.folder.join("dump");
    ensure!(whole.exists(), "it needs the dump of (b): do not skip (b), or skip (a) too");
    let folder = lab.empty("dump-defaults")?;
    let (part, _) = stopwatch.measure_for(&mut contenders::dump(lab, OLD.0, &folder, None), PATIENCE)?;
    let lines = lines(&folder)?;
    ensure!(lines > 0, "it dumped no document in {} s", PATIENCE.as_secs());
    let factor = field.documents as f64 / lines as f64;
    let repository = contenders::restic_init(lab, OLD.1, "restic-old")?;
    let saved = stopwatch.measure(&mut contenders::restic_backup(lab, OLD.1, &repository, &whole))?;
    let outcome = Outcome::one(part.times(factor)).then(saved);
    Ok(Outcome { temporary: size(&whole)?, stored: size(&repository)?, ..outcome })
}

fn raw(field: &Field<'_>) -> Result<Outcome> {
    Ok(Outcome::one(field.lab.stopwatch().measure(&mut contenders::read(field.lab)?)?))
}

fn native(field: &Field<'_>) -> Result<Outcome> {
    let lab = field.lab;
    indices::register_snapshots(&mut lab.connection()?)?;
    let body = format!(r#"{{"indices":"{PATTERN}","include_global_state":false}}"#);
    let path = "/_snapshot/bench/once?wait_for_completion=true";
    let cost = lab.stopwatch().measure(&mut contenders::ask(lab, "PUT", path, &body))?;
    let stored = size(&lab.folder.join("lab/repo/bench"))?;
    lab.connection()?.json("DELETE", "/_snapshot/bench/once", "")?;
    Ok(Outcome { stored, ..Outcome::one(cost) })
}

fn larder(field: &Field<'_>) -> Result<Outcome> {
    let (lab, program) = (field.lab, field.larder());
    let repository = contenders::larder_init(lab, program, "larder")?;
    let cost = lab.stopwatch().measure(&mut contenders::larder_backup(lab, program, &repository))?;
    Ok(Outcome { stored: size(&repository)?, ..Outcome::one(cost) })
}

/// Documents in multielasticdump's files.
pub fn lines(folder: &Path) -> Result<u64> {
    let mut lines = 0;
    for entry in fs::read_dir(folder).with_context(|| format!("cannot read {}", folder.display()))? {
        let file = entry?.path();
        let name = file.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if name.strip_suffix(".json").is_some_and(|index| !index.contains('.')) {
            let open = File::open(&file).with_context(|| format!("cannot read {}", file.display()))?;
            lines += BufReader::new(open).split(b'\n').count() as u64;
        }
    }
    Ok(lines)
}
