//! Names of what is made, cut as Stash cuts them. Pure.

use api::labels::LONGEST_NAME;

/// A name of at most 63 characters that begins with `prefix`; one that is longer keeps its first 32 and last 31.
pub fn with_prefix(prefix: &str, name: &str) -> String {
    let whole = format!("{prefix}-{name}");
    if whole.len() <= LONGEST_NAME {
        return whole;
    }
    let back = whole.char_indices().map(|(at, _)| at).find(|at| whole.len() - at <= 31).unwrap_or(whole.len());
    format!("{}{}", cut(&whole, 32), &whole[back..])
}

/// The CronJob of an invoker. Kubernetes allows 52 characters, as it appends 11 to the names of Jobs.
pub fn cron_job(invoker: &str) -> String {
    cut(&format!("stash-trigger-{}", no_dots(invoker)), 52).to_owned()
}

/// The Job of a session's target.
pub fn backup_job(session: &str, target: usize) -> String {
    with_prefix("stash-backup", &format!("{}-{target}", no_dots(session)))
}

/// The Job of a restore's target.
pub fn restore_job(session: &str, target: usize) -> String {
    with_prefix("stash-restore", &format!("{}-{target}", no_dots(session)))
}

/// The Job of a batch's hook, before or behind its targets.
pub fn hook_job(session: &str, restore: bool, behind: bool) -> String {
    let (prefix, which) = (if restore { "stash-restore" } else { "stash-backup" }, if behind { "post" } else { "pre" });
    with_prefix(prefix, &format!("{}-{which}-hook", no_dots(session)))
}

/// Repository and BackupConfiguration of an AppBinding that asks for backups by an annotation.
pub fn auto_backup(binding: &str) -> String {
    with_prefix("app", binding)
}

/// The Job that wipes a Repository's data. A later Repository of the same name has another.
pub fn wipe_job(repository: &str, uid: &str) -> String {
    let uid = uid.split('-').next().unwrap_or_default();
    with_prefix("stash-wipe", &format!("{}-{uid}", no_dots(repository)))
}

/// A Task's container.
pub fn container(function: &str, step: usize) -> String {
    let suffix = format!("-{step}");
    format!("{}{suffix}", cut(&no_dots(function), LONGEST_NAME - suffix.len()))
}

/// The claim of a session.
pub fn interim_claim(session: &str, template: &str) -> String {
    cut(&format!("{session}-{template}"), LONGEST_NAME).trim_end_matches(['-', '.']).to_owned()
}

fn no_dots(name: &str) -> String {
    name.replace('.', "-")
}

fn cut(name: &str, length: usize) -> &str {
    let end = name.char_indices().map(|(at, c)| at + c.len_utf8()).take_while(|end| *end <= length).last();
    &name[..end.unwrap_or_default()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_stashs_and_never_too_long() {
        let long = "a".repeat(40) + &"b".repeat(40);
        assert_eq!(cron_job("alpha.full"), "stash-trigger-alpha-full");
        assert_eq!(cron_job(&long).len(), 52);
        assert_eq!(backup_job("alpha-nightly-1643", 0), "stash-backup-alpha-nightly-1643-0");
        assert_eq!(backup_job(&long, 3), format!("stash-backup-{}{}-3", "a".repeat(19), "b".repeat(29)));
        assert_eq!(restore_job("x.y", 0), "stash-restore-x-y-0");
        assert_eq!(container("elasticsearch-backup-7.14.0", 0), "elasticsearch-backup-7-14-0-0");
        assert_eq!(interim_claim("alpha-1643", "dump-space"), "alpha-1643-dump-space");
    }
}
