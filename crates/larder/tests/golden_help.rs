//! What `--help` says, and that shells get their completions. A change of either is seen in review: `cargo insta review`.

#![allow(clippy::unwrap_used)] // a test that cannot go on fails

mod support;

use std::{os::unix::process::CommandExt as _, process::Command};

use support::larder::Larder;

/// The commands that a help text lists.
fn commands(help: &str) -> Vec<String> {
    let behind = help.lines().skip_while(|line| *line != "Commands:").skip(1);
    // What a command does may go on in a second line, further to the right.
    let listed = behind.take_while(|line| !line.is_empty()).filter(|line| !line.starts_with("   "));
    listed.map(|line| line.split_whitespace().next().expect("a command").to_owned()).collect()
}

/// Of the plugin, as kubectl calls it.
fn help(path: &[String]) -> String {
    let (name, words) = match path.split_first() {
        Some((first, rest)) if first == "kubectl" => ("kubectl-larder", rest),
        _ => ("larder", path),
    };
    let mut command = Larder::bare().command(&[words, &["--help".to_owned()]].concat());
    let output = command.arg0(name).output().expect("a help text");
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("text");
    assert!(output.status.success() && output.stderr.is_empty(), "{path:?}: {}", text(output.stderr));
    text(output.stdout)
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
    for words in [&["completions", "bash"][..], &["kubectl", "completion", "bash"]] {
        std::fs::write(&file, Larder::bare().done(words).out).expect("written");
        assert!(Command::new("bash").arg("-n").arg(&file).status().expect("bash").success());
    }
}

#[test]
fn the_plugin_is_called_by_its_names() {
    let said = |name: &str, words: &[&str]| {
        let output = Larder::bare().command(words).arg0(name).output().expect("an answer");
        (output.status.code(), String::from_utf8(output.stdout).expect("text"))
    };
    let version = env!("CARGO_PKG_VERSION");
    for name in ["kubectl-larder", "/usr/local/bin/kubectl-stash"] {
        assert_eq!(said(name, &["version", "--short"]), (Some(0), format!("{version}\n")), "{name}");
    }
    assert!(said("kubectl-stash", &["trigger", "--help"]).1.contains("Usage: kubectl stash trigger"));
    assert_eq!(said("kubectl-larder", &["version", "--check", ">=0.0.0", "--short"]).0, Some(0));
    assert_eq!(said("kubectl-larder", &["version", "--check", ">=999"]).0, Some(1));
    assert_eq!(said("kubectl-larder", &["version", "--check", "new"]).0, Some(2));
    let completed = said("kubectl_complete-larder", &["pause", "b"]);
    assert_eq!(completed, (Some(0), "backup\tOf a BackupConfiguration or BackupBatch\n:4\n".to_owned()));
}

#[test]
fn the_version_is_told_in_each_form() {
    let version = env!("CARGO_PKG_VERSION");
    assert!(Larder::bare().done(&["--version"]).out.contains(version));
    assert!(Larder::bare().done(&["version"]).out.contains(version));
    assert!(Larder::bare().done(&["version", "--json"]).objects()[0].to_string().contains(version));
}
