//! What `--help` says, and that shells get their completions. A change of either is seen in review: `cargo insta review`.

#![allow(clippy::unwrap_used)] // a test that cannot go on fails

mod support;

use std::process::Command;

use support::larder::Larder;

/// The commands that a help text lists.
fn commands(help: &str) -> Vec<String> {
    let behind = help.lines().skip_while(|line| *line != "Commands:").skip(1);
    let listed = behind.take_while(|line| !line.is_empty());
    listed.map(|line| line.split_whitespace().next().expect("a command").to_owned()).collect()
}

fn help(path: &[String]) -> String {
    let outcome = Larder::bare().run(&[path, &["--help".to_owned()]].concat()).expect(0, &format!("{path:?} --help"));
    assert_eq!(outcome.err, "");
    outcome.out
}

#[test]
fn the_help_of_every_command_is_as_reviewed() {
    let mut waiting = vec![Vec::new()];
    let mut seen = 0;
    while let Some(path) = waiting.pop() {
        let help = help(&path);
        waiting.extend(commands(&help).into_iter().map(|command| [path.clone(), vec![command]].concat()));
        let name = if path.is_empty() { "larder".to_owned() } else { path.join("-") };
        insta::assert_snapshot!(name, help);
        seen += 1;
    }
    assert!(seen > 20, "{seen} help texts");
}

#[test]
fn every_secret_has_another_way_in_than_the_command_line() {
    let mut all = commands(&help(&[]));
    all.retain(|command| command != "key");
    for command in all {
        let help = help(std::slice::from_ref(&command));
        for option in help.split_whitespace().filter(|word| word.starts_with("--")) {
            let secret = ["password", "api-key", "token", "secret"].iter().any(|word| option.contains(word));
            let elsewhere = ["-file", "-command"].iter().any(|ending| option.contains(ending));
            // Names of Kubernetes' Secrets are none.
            let names = matches!(option, "--image-pull-secrets" | "--serving-secret");
            assert!(!secret || elsewhere || names, "{command} {option} takes a secret itself");
        }
    }
}

#[test]
fn every_shell_gets_completions_for_every_command() {
    let all = commands(&help(&[]));
    for shell in ["bash", "zsh", "fish"] {
        let script = Larder::bare().done(&["completions", shell]).out;
        for command in &all {
            assert!(script.contains(command.as_str()), "{shell} knows no {command}");
        }
    }
    Larder::bare().run(&["completions", "cmd"]).expect(2, "an unknown shell");
}

#[test]
fn bash_understands_its_completions() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("larder.bash");
    std::fs::write(&file, Larder::bare().done(&["completions", "bash"]).out).expect("written");
    assert!(Command::new("bash").arg("-n").arg(&file).status().expect("bash").success());
}

#[test]
fn the_version_is_told_in_each_form() {
    let version = env!("CARGO_PKG_VERSION");
    assert!(Larder::bare().done(&["--version"]).out.contains(version));
    assert!(Larder::bare().done(&["version"]).out.contains(version));
    assert!(Larder::bare().done(&["version", "--json"]).objects()[0].to_string().contains(version));
}
