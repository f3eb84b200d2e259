//! What the kernel tells of processes and of the machine, through `/proc`. Starts and ends nothing.

use std::collections::HashMap;
use std::fs;

use anyhow::{Context, Result};

/// Clock ticks a second in `/proc`: the same on all of Linux's architectures.
const TICKS: f64 = 100.0;

/// Some processes at one moment.
#[derive(Clone, Copy, Debug, Default)]
pub struct Sample {
    /// Memory that they have, in bytes.
    pub rss: u64,
    /// The most that one of them ever had, in bytes.
    pub largest: u64,
    /// CPU seconds that they and their ended children used.
    pub cpu: f64,
}

/// One line of `/proc/PID/stat`.
#[derive(Debug, PartialEq)]
struct Stat {
    parent: u32,
    own: f64,
    children: f64,
}

/// CPU seconds that a living process used.
///
/// # Errors
/// When there is no such process.
pub fn cpu_of(process: u32) -> Result<f64> {
    Ok(stat(process).with_context(|| format!("there is no process {process}"))?.own)
}

/// CPU seconds of all ended children of this process that were waited for, and of theirs.
///
/// # Errors
/// When `/proc` is not there.
pub fn cpu_of_ended_children() -> Result<f64> {
    Ok(stat(std::process::id()).context("/proc does not show this process")?.children)
}

/// CPU seconds that the whole machine used since it was started, waiting left out.
///
/// # Errors
/// When `/proc` is not there.
pub fn cpu_of_machine() -> Result<f64> {
    let text = fs::read_to_string("/proc/stat").context("cannot read /proc/stat")?;
    busy(&text).context("/proc/stat has another form than Linux's")
}

/// The machine's load over the last minute.
///
/// # Errors
/// When `/proc` is not there.
pub fn load() -> Result<f64> {
    let text = fs::read_to_string("/proc/loadavg").context("cannot read /proc/loadavg")?;
    text.split(' ').next().and_then(|load| load.parse().ok()).context("/proc/loadavg has another form than Linux's")
}

/// A process and all that descend from it, itself first.
pub fn tree(root: u32) -> Vec<u32> {
    let mut children: HashMap<u32, Vec<u32>> = HashMap::new();
    let listed = fs::read_dir("/proc").into_iter().flatten().flatten();
    for process in listed.filter_map(|entry| entry.file_name().to_str()?.parse().ok()) {
        if let Some(stat) = stat(process) {
            children.entry(stat.parent).or_default().push(process);
        }
    }
    let mut found = vec![root];
    let mut at = 0;
    while let Some(process) = found.get(at) {
        found.extend(children.remove(process).unwrap_or_default());
        at += 1;
    }
    found
}

/// What these processes have and used; those that have ended meanwhile count nothing.
pub fn sample(processes: &[u32]) -> Sample {
    let mut all = Sample::default();
    for process in processes {
        let Ok(status) = fs::read_to_string(format!("/proc/{process}/status")) else { continue };
        all.rss += kibibytes(&status, "VmRSS:") << 10;
        all.largest = all.largest.max(kibibytes(&status, "VmHWM:") << 10);
        all.cpu += stat(*process).map_or(0.0, |stat| stat.own + stat.children);
    }
    all
}

fn stat(process: u32) -> Option<Stat> {
    parse_stat(&fs::read_to_string(format!("/proc/{process}/stat")).ok()?)
}

/// The name, in brackets, may hold anything: the fields are counted from behind it.
fn parse_stat(text: &str) -> Option<Stat> {
    let fields: Vec<&str> = text.rsplit_once(") ")?.1.split(' ').collect();
    let ticks = |at: usize| fields.get(at)?.parse::<f64>().ok();
    Some(Stat {
        parent: fields.get(1)?.parse().ok()?,
        own: (ticks(11)? + ticks(12)?) / TICKS,
        children: (ticks(13)? + ticks(14)?) / TICKS,
    })
}

/// user, nice, system, irq, softirq, steal; not idle, iowait.
fn busy(text: &str) -> Option<f64> {
    let fields: Vec<f64> = text.lines().next()?.split_whitespace().skip(1).filter_map(|f| f.parse().ok()).collect();
    Some((fields.get(..3)?.iter().sum::<f64>() + fields.get(5..8)?.iter().sum::<f64>()) / TICKS)
}

fn kibibytes(status: &str, key: &str) -> u64 {
    let line = status.lines().find_map(|line| line.strip_prefix(key));
    line.and_then(|line| line.split_whitespace().next()?.parse().ok()).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_with_a_strange_name_is_read_rightly() {
        let text = "12 (a ) b) S 7 1 1 0 -1 4 0 0 0 0 150 50 30 20 20 0 1 0 99";
        assert_eq!(parse_stat(text), Some(Stat { parent: 7, own: 2.0, children: 0.5 }));
        assert_eq!(parse_stat("12 (cut"), None);
    }

    #[test]
    fn waiting_is_not_counted_as_work() {
        assert_eq!(busy("cpu  100 200 300 99999 88888 10 20 30 0 0\n"), Some(6.6));
    }

    #[test]
    fn this_process_is_in_its_own_tree_and_has_memory() {
        let processes = tree(std::process::id());
        assert_eq!(processes[0], std::process::id());
        assert!(sample(&processes).largest > 0);
    }
}
