//! Runs one command and says what it cost: time, CPU of its own and of the server, memory, and what else the machine did
//! meanwhile. Decides nothing about the figures.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use super::process;

/// How often memory is looked at: a peak shorter than that is still in the kernel's own maximum, as long as the process lives.
const EVERY: Duration = Duration::from_millis(100);
/// How often it is asked whether the command has ended: what takes half a second is measured to a hundredth of it.
const GRAIN: Duration = Duration::from_millis(5);

/// What a command cost.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Cost {
    /// Seconds by the clock.
    pub wall: f64,
    /// CPU seconds of the command and its children.
    pub cpu: f64,
    /// CPU seconds of the server meanwhile.
    pub server_cpu: f64,
    /// The most memory that the command and its children had together, in bytes.
    pub rss: u64,
    /// The machine's load before.
    pub load_before: f64,
    /// The machine's load at the end.
    pub load_after: f64,
    /// Cores that everybody else used.
    pub others: f64,
}

/// Where commands are run and measured.
pub struct Stopwatch {
    /// The server's process.
    pub server: u32,
    /// What the commands print goes here.
    pub log: PathBuf,
}

impl Cost {
    /// Two commands, one after the other.
    pub fn then(self, next: Self) -> Self {
        let wall = self.wall + next.wall;
        Self {
            wall,
            cpu: self.cpu + next.cpu,
            server_cpu: self.server_cpu + next.server_cpu,
            rss: self.rss.max(next.rss),
            load_before: self.load_before,
            load_after: next.load_after,
            others: (self.others * self.wall + next.others * next.wall) / wall.max(f64::MIN_POSITIVE),
        }
    }

    /// The same work, so many times as much.
    pub fn times(self, factor: f64) -> Self {
        Self { wall: self.wall * factor, cpu: self.cpu * factor, server_cpu: self.server_cpu * factor, ..self }
    }
}

impl Stopwatch {
    /// Runs a command to its end.
    ///
    /// # Errors
    /// When it cannot be run or fails: with what it printed last.
    pub fn measure(&self, command: &mut Command) -> Result<Cost> {
        let (cost, status) = self.watch(command, None)?;
        if !status.is_some_and(|status| status.success()) {
            bail!("{command:?} failed\n{}", last_lines(&self.log));
        }
        Ok(cost)
    }

    /// Runs a command for at most so long, then ends it and its children. The second value says whether it came to its end.
    ///
    /// # Errors
    /// When it cannot be run, or fails before: with what it printed last.
    pub fn measure_for(&self, command: &mut Command, most: Duration) -> Result<(Cost, bool)> {
        let (cost, status) = self.watch(command, Some(most))?;
        if status.is_some_and(|status| !status.success()) {
            bail!("{command:?} failed\n{}", last_lines(&self.log));
        }
        Ok((cost, status.is_some()))
    }

    fn watch(&self, command: &mut Command, most: Option<Duration>) -> Result<(Cost, Option<ExitStatus>)> {
        let out = File::create(&self.log).with_context(|| format!("cannot write {}", self.log.display()))?;
        command.stdin(std::process::Stdio::null()).stdout(out.try_clone()?).stderr(out);
        let load_before = process::load()?;
        let (server, children, machine) = self.clocks()?;
        let begun = Instant::now();
        let mut child = command.spawn().with_context(|| format!("cannot run {command:?}"))?;
        let (seen, status) = follow(&mut child, begun, most)?;
        let wall = begun.elapsed().as_secs_f64();
        let (server_then, children_then, machine_then) = self.clocks()?;
        // What was ended here had children that nobody waited for: the last look at them knows more.
        let cpu = (children_then - children).max(if status.is_none() { seen.cpu } else { 0.0 });
        let server_cpu = server_then - server;
        let others = (machine_then - machine - cpu - server_cpu).max(0.0) / wall;
        let rss = seen.rss.max(seen.largest);
        Ok((Cost { wall, cpu, server_cpu, rss, load_before, load_after: process::load()?, others }, status))
    }

    fn clocks(&self) -> Result<(f64, f64, f64)> {
        Ok((process::cpu_of(self.server)?, process::cpu_of_ended_children()?, process::cpu_of_machine()?))
    }
}

/// Looks at a process and its descendants until it ends or is ended: then there is no status.
fn follow(child: &mut Child, begun: Instant, most: Option<Duration>) -> Result<(process::Sample, Option<ExitStatus>)> {
    let mut seen = process::Sample::default();
    let mut next_look = begun;
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok((seen, Some(status)));
        }
        if Instant::now() < next_look {
            thread::sleep(GRAIN);
            continue;
        }
        next_look = Instant::now() + EVERY;
        let processes = process::tree(child.id());
        let sample = process::sample(&processes);
        seen.rss = seen.rss.max(sample.rss);
        seen.largest = seen.largest.max(sample.largest);
        seen.cpu = seen.cpu.max(sample.cpu);
        if most.is_some_and(|most| begun.elapsed() >= most) {
            end(&processes)?;
            child.wait()?;
            return Ok((seen, None));
        }
    }
}

/// Ends processes that were started here. Some may have ended by themselves meanwhile.
fn end(processes: &[u32]) -> Result<()> {
    let numbers = processes.iter().map(u32::to_string);
    Command::new("kill")
        .arg("-TERM")
        .args(numbers)
        .stderr(std::process::Stdio::null())
        .status()
        .context("cannot run kill")?;
    Ok(())
}

fn last_lines(log: &Path) -> String {
    let text = fs::read(log).unwrap_or_default();
    let text = String::from_utf8_lossy(&text);
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(20)..].join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stopwatch(name: &str) -> Stopwatch {
        let log = std::env::temp_dir().join(format!("xtask-{name}-{}", std::process::id()));
        Stopwatch { server: std::process::id(), log }
    }

    fn shell(script: &str) -> Command {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        command
    }

    #[test]
    fn time_and_cpu_of_a_command_and_of_its_children_are_counted() {
        let stopwatch = stopwatch("counted");
        let work = "i=0; while [ $i -lt 300000 ]; do i=$((i+1)); done";
        let cost = stopwatch.measure(&mut shell(&format!("sh -c '{work}'; true"))).unwrap();
        assert!(cost.cpu > 0.05 && cost.wall > 0.05 && cost.rss > 100_000, "{cost:?}");
        fs::remove_file(stopwatch.log).unwrap();
    }

    #[test]
    fn a_command_that_fails_is_an_error_that_shows_what_it_printed() {
        let stopwatch = stopwatch("fails");
        let error = stopwatch.measure(&mut shell("echo the reason >&2; exit 3")).unwrap_err();
        assert!(error.to_string().contains("the reason"), "{error}");
        fs::remove_file(stopwatch.log).unwrap();
    }

    #[test]
    fn a_command_that_takes_too_long_is_ended() {
        let stopwatch = stopwatch("long");
        let (cost, ended) = stopwatch.measure_for(&mut shell("sleep 600"), Duration::from_millis(200)).unwrap();
        assert!(!ended && cost.wall < 60.0, "{cost:?}");
        fs::remove_file(stopwatch.log).unwrap();
    }
}
