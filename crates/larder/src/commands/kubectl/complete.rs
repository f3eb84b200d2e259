//! What `kubectl_complete-larder` answers when kubectl asks how words may go on: the candidates, a line each, and what the shell
//! shall do with them.

use clap::Command;

use crate::{exit::Exit, output::Output};

/// No names of files besides.
const NO_FILES: &str = ":4";
/// As the shell is used to.
const AS_USUAL: &str = ":0";

/// Prints the candidates for the last of the words.
pub fn run(words: &[String], output: &Output) -> Exit {
    let command = crate::arguments::kubectl::command("kubectl larder");
    let candidates = candidates(&command, words);
    for candidate in &candidates {
        output.say(candidate);
    }
    output.say(if candidates.is_empty() { AS_USUAL } else { NO_FILES });
    Exit::Done
}

/// Each with what it does behind a tabulator.
fn candidates(root: &Command, words: &[String]) -> Vec<String> {
    let (last, before) = words.split_last().map_or(("", words), |(last, before)| (last.as_str(), before));
    let mut path = vec![root];
    for word in before.iter().filter(|word| !word.starts_with('-')) {
        if let Some(next) = path[path.len() - 1].find_subcommand(word) {
            path.push(next);
        }
    }
    let here = path[path.len() - 1];
    if last.starts_with('-') {
        return options(&path, last);
    }
    let all = here.get_subcommands().filter(|one| !one.is_hide_set() && one.get_name().starts_with(last));
    all.map(|one| described(one.get_name(), one.get_about())).collect()
}

fn options(path: &[&Command], last: &str) -> Vec<String> {
    let (here, above) = (path[path.len() - 1], &path[..path.len() - 1]);
    let global = above.iter().flat_map(|command| command.get_arguments()).filter(|option| option.is_global_set());
    let options = here.get_arguments().chain(global).filter(|option| !option.is_hide_set());
    let named = options.filter_map(|option| Some((format!("--{}", option.get_long()?), option.get_help())));
    named.filter(|(name, _)| name.starts_with(last)).map(|(name, help)| described(&name, help)).collect()
}

fn described(name: &str, what: Option<&clap::builder::StyledStr>) -> String {
    let what = what.map(ToString::to_string).unwrap_or_default();
    let line = what.lines().next().unwrap_or_default();
    if line.is_empty() { name.to_owned() } else { format!("{name}\t{line}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(words: &[&str]) -> Vec<String> {
        let words: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
        let all = candidates(&crate::arguments::kubectl::command("kubectl larder"), &words);
        all.iter().map(|line| line.split('\t').next().unwrap_or_default().to_owned()).collect()
    }

    #[test]
    fn words_go_on_with_verbs_kinds_and_options() {
        assert_eq!(names(&["s"]), ["status", "snapshots"]);
        assert_eq!(names(&["create", ""]), ["repository", "backupconfig", "restoresession"]);
        assert_eq!(names(&["-n", "demo", "debug", "b"]), ["backup"]);
        assert_eq!(names(&["trigger", "es", "--w"]), ["--wait"]);
        assert!(names(&["trigger", "--name"]).contains(&"--namespace".to_owned()));
        assert_eq!(names(&["nonsense", "x"]), Vec::<String>::new());
    }
}
