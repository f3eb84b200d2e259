//! Who and where this process is, for locks, keys and snapshots. Never guesses: what is unknown is empty.

use std::{fs, time::Duration};

use jiff::Timestamp;
use rustix::{
    io::Errno,
    process::{Pid, getgid, getuid, test_kill_process},
};

/// The machine's (or pod's) name.
pub(crate) fn name() -> String {
    rustix::system::uname().nodename().to_string_lossy().into_owned()
}

/// The user's name, from the password file, else the number.
pub(crate) fn user() -> String {
    let uid = getuid().as_raw();
    let users = fs::read_to_string("/etc/passwd").unwrap_or_default();
    let named = users.lines().find_map(|line| {
        let mut fields = line.split(':');
        let name = fields.next()?;
        (fields.nth(1)?.parse() == Ok(uid)).then(|| name.to_owned())
    });
    named.unwrap_or_else(|| uid.to_string())
}

/// User and group of this process.
pub(crate) fn ids() -> (u32, u32) {
    (getuid().as_raw(), getgid().as_raw())
}

/// Whether this machine runs a process of that number.
pub(crate) fn process_exists(pid: u32) -> bool {
    let Some(pid) = i32::try_from(pid).ok().and_then(Pid::from_raw) else { return false };
    // Another user's process may not be signalled, but it is there.
    !matches!(test_kill_process(pid), Err(Errno::SRCH))
}

/// Since when a process of this machine is running; `None` when that cannot be seen.
pub(crate) fn running_since(pid: u32) -> Option<Timestamp> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The second field is the command in parentheses and may hold anything; the 22nd is the start.
    let ticks: u64 = stat.rsplit_once(')')?.1.split_whitespace().nth(19)?.parse().ok()?;
    let since_boot =
        Duration::from_millis(ticks.checked_mul(1000)?.checked_div(rustix::param::clock_ticks_per_second())?);
    let kernel = fs::read_to_string("/proc/stat").ok()?;
    let boot: i64 = kernel.lines().find_map(|line| line.strip_prefix("btime "))?.trim().parse().ok()?;
    Timestamp::from_second(boot).ok()?.checked_add(since_boot).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_process_is_there_with_a_start_in_the_past_and_a_number_that_is_too_large_is_not() {
        let own = std::process::id();
        assert!(process_exists(own));
        assert!(running_since(own).unwrap() <= Timestamp::now().checked_add(Duration::from_secs(2)).unwrap());
        assert!(!process_exists(u32::MAX));
        assert!(!process_exists(0));
        assert!(!name().is_empty());
    }
}
