//! `cargo xtask bench load`: the contenders, out of a repository on the same disk into an emptied server. Whatever one loads is
//! counted, and a load that left something out fails the benchmark.

use anyhow::{Result, ensure};

use super::contenders::{self, NEW, OLD};
use super::indices::{self, PATTERN};
use super::lab::Lab;
use super::measure::Cost;
use super::outcome::Outcome;
use super::race::{Contender, Field, PATIENCE, say, size};

/// In the order in which they run.
pub const CONTENDERS: [Contender; 5] = [
    Contender {
        key: 'a',
        what: "restic 0.14 + multielasticdump 6.76.0, its defaults",
        remark: Some(
            "Estimated: multielasticdump was stopped after 60 s, time and CPU are taken as proportional to the documents \
             that the server had then, its start included. restic was measured over the whole.",
        ),
        once: true,
        run: defaults,
    },
    Contender {
        key: 'b',
        what: "restic 0.18.1 + multielasticdump 6.125.1 `--limit=10000`",
        remark: None,
        once: false,
        run: newest,
    },
    Contender { key: 'd', what: "raw loader, bodies from files", remark: None, once: false, run: raw },
    Contender {
        key: 'e',
        what: "the server's own snapshot (fs), under other names",
        remark: None,
        once: false,
        run: native,
    },
    Contender { key: 'f', what: "**larder restore**", remark: None, once: false, run: larder },
];

/// The repositories that are loaded from: made once, not measured.
pub fn prepare(field: &Field<'_>, skip: &[char]) -> Result<()> {
    let lab = field.lab;
    say("making the repositories to load from");
    if !(skip.contains(&'a') && skip.contains(&'b')) {
        let folder = lab.empty("data")?;
        contenders::run(&mut contenders::dump(lab, NEW.0, &folder, Some(10_000)))?;
        for (version, name) in [(OLD.1, "restic-old"), (NEW.1, "restic-new")] {
            let repository = contenders::restic_init(lab, version, name)?;
            contenders::run(&mut contenders::restic_backup(lab, version, &repository, &folder))?;
        }
    }
    if !skip.contains(&'e') {
        let mut connection = lab.connection()?;
        indices::register_snapshots(&mut connection)?;
        let body = format!(r#"{{"indices":"{PATTERN}","include_global_state":false}}"#);
        connection.json("PUT", "/_snapshot/bench/kept?wait_for_completion=true", &body)?;
    }
    if let Some(program) = &field.larder {
        let repository = contenders::larder_init(lab, program, "larder")?;
        contenders::run(&mut contenders::larder_backup(lab, program, &repository))?;
    }
    Ok(())
}

/// No index is there and nothing is still being written.
fn emptied(lab: &Lab) -> Result<()> {
    let mut connection = lab.connection()?;
    indices::delete(&mut connection, PATTERN)?;
    indices::settle(&mut connection)
}

fn defaults(field: &Field<'_>) -> Result<Outcome> {
    let (lab, stopwatch) = (field.lab, field.lab.stopwatch());
    emptied(lab)?;
    let (restored, temporary) = restic_restore(lab, OLD.1, "restic-old")?;
    let data = lab.folder.join("restored").join(relative(lab));
    let (part, _) = stopwatch.measure_for(&mut contenders::load(lab, OLD.0, &data, None), PATIENCE)?;
    let counted = indices::count(&mut lab.connection()?, PATTERN)?;
    ensure!(counted > 0, "it loaded no document in {} s", PATIENCE.as_secs());
    let factor = field.documents as f64 / counted as f64;
    Ok(Outcome { temporary, ..Outcome::one(restored).then(part.times(factor)) })
}

fn newest(field: &Field<'_>) -> Result<Outcome> {
    let (lab, stopwatch) = (field.lab, field.lab.stopwatch());
    emptied(lab)?;
    let (restored, temporary) = restic_restore(lab, NEW.1, "restic-new")?;
    let data = lab.folder.join("restored").join(relative(lab));
    let loaded = stopwatch.measure(&mut contenders::load(lab, NEW.0, &data, Some(10_000)))?;
    field.check(PATTERN)?;
    Ok(Outcome { temporary, ..Outcome::one(restored).then(loaded) })
}

fn raw(field: &Field<'_>) -> Result<Outcome> {
    emptied(field.lab)?;
    let mut command = contenders::fill(field.lab, &field.bodies, field.workers)?;
    let cost = field.lab.stopwatch().measure(&mut command)?;
    field.check(PATTERN)?;
    Ok(Outcome::one(cost))
}

fn native(field: &Field<'_>) -> Result<Outcome> {
    let lab = field.lab;
    let body =
        r#"{"indices":"bench-*","include_global_state":false,"rename_pattern":"^bench","rename_replacement":"copy"}"#;
    let path = "/_snapshot/bench/kept/_restore?wait_for_completion=true";
    let cost = lab.stopwatch().measure(&mut contenders::ask(lab, "POST", path, body))?;
    field.check("copy-*")?;
    indices::delete(&mut lab.connection()?, "copy-*")?;
    Ok(Outcome::one(cost))
}

fn larder(field: &Field<'_>) -> Result<Outcome> {
    let lab = field.lab;
    emptied(lab)?;
    let mut command = contenders::larder_restore(lab, field.larder(), &lab.folder.join("larder"));
    let cost = lab.stopwatch().measure(&mut command)?;
    field.check(PATTERN)?;
    Ok(Outcome::one(cost))
}

/// Restores the last snapshot into a folder of its own; gives also the bytes of that.
fn restic_restore(lab: &Lab, version: &str, repository: &str) -> Result<(Cost, u64)> {
    let target = lab.empty("restored")?;
    let repository = lab.folder.join(repository);
    let cost = lab.stopwatch().measure(&mut contenders::restic_restore(lab, version, &repository, &target))?;
    Ok((cost, size(&target)?))
}

/// Where restic puts what was saved from `data`: it keeps the whole path.
fn relative(lab: &Lab) -> std::path::PathBuf {
    let data = lab.folder.join("data");
    data.strip_prefix("/").expect("temporary folders have absolute paths").to_path_buf()
}
