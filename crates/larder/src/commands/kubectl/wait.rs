//! `--wait`: the end of a run, and how far it is meanwhile: on a terminal a line that moves, elsewhere a line now and then.

use std::time::Duration;

use anyhow::Result;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use kubectl::{
    Cluster,
    progress::Progress,
    session::{Phase, Session},
    wait::{self, Told},
};
use serde_json::json;

use crate::{
    arguments::kubectl::WaitArguments,
    exit::Exit,
    output::{Output, bytes, colour, count, counted, duration, indices_of, rate},
    signals::cancellable,
};

/// How often the line moves on a terminal.
const TICK: Duration = Duration::from_millis(200);

/// Waits if that is wanted. Fails where the run does.
pub async fn until_ended(
    cluster: &Cluster,
    session: &Session,
    arguments: &WaitArguments,
    output: &Output,
) -> Result<Exit> {
    if !arguments.wait {
        return Ok(Exit::Done);
    }
    let display = Display::new(output);
    let ended = cancellable(async |cancel| {
        let mut tell = |told: &Told| display.show(told);
        Ok(wait::ended(cluster, session, arguments.timeout, cancel, &mut tell).await?)
    })
    .await;
    display.clear();
    let gone = |error: &anyhow::Error| matches!(error.downcast_ref(), Some(kubectl::Error::Missing { .. }));
    if ended.as_ref().is_err_and(|error| !gone(error)) {
        eprintln!("larder: it goes on: kubectl larder logs {} -n {} --follow", session.name(), session.namespace());
    }
    let ended = ended?;
    tell(&ended, output);
    Ok(if ended.phase == Phase::Succeeded { Exit::Done } else { Exit::Failed })
}

/// How it ended.
fn tell(session: &Session, output: &Output) {
    let took = session.duration.as_ref().map_or_else(String::new, |duration| format!(" after {duration}"));
    output.say(format!("{} {}/{}: {}{took}", session.kind, session.namespace(), session.name(), session.phase));
    for target in &session.targets {
        for snapshot in &target.snapshots {
            let text = |text: &Option<String>| text.clone().unwrap_or_else(|| "?".to_owned());
            let (name, size, uploaded) = (text(&snapshot.name), text(&snapshot.total_size), text(&snapshot.uploaded));
            output.say(format!("  {}: snapshot {name}, {size}, {uploaded} of it new", target.name));
        }
    }
    if session.phase != Phase::Succeeded {
        for why in &session.why {
            output.say(format!("  {why}"));
        }
        output.say(format!("  more: kubectl larder logs {} -n {}", session.name(), session.namespace()));
    }
    output.object(
        "summary",
        &json!({
            "command": "wait", "kind": session.kind, "namespace": session.namespace(), "name": session.name(),
            "phase": session.phase, "duration": session.duration, "why": session.why,
        }),
    );
}

enum Display<'a> {
    Objects(&'a Output),
    Lines,
    Terminal(ProgressBar),
}

impl<'a> Display<'a> {
    fn new(output: &'a Output) -> Self {
        if output.is_json() {
            return Self::Objects(output);
        }
        if !std::io::IsTerminal::is_terminal(&std::io::stderr()) {
            return Self::Lines;
        }
        let template = if colour(&std::io::stderr()) { "{spinner:.cyan} {wide_msg}" } else { "{spinner} {wide_msg}" };
        let style = ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_spinner());
        let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr()).with_style(style);
        bar.enable_steady_tick(TICK);
        Self::Terminal(bar)
    }

    fn show(&self, told: &Told) {
        match self {
            Self::Objects(output) => match told {
                Told::Phase(session) => {
                    output.object("phase", &json!({"name": session.name(), "phase": session.phase}));
                }
                Told::Target { name, phase } => output.object("phase", &json!({"target": name, "phase": phase})),
                Told::Progress { container, progress } => {
                    output.object("progress", &json!({"container": container, "progress": progress}));
                }
                Told::Obstacle(why) => output.object("obstacle", &json!({"message": why})),
            },
            Self::Lines => {
                // How it ended is told by itself.
                if !matches!(told, Told::Phase(session) if session.phase.is_final()) {
                    eprintln!("{}", line(told));
                }
            }
            Self::Terminal(bar) => match told {
                // What is in the way stays to be read.
                Told::Obstacle(_) => bar.println(line(told)),
                _ => bar.set_message(line(told)),
            },
        }
    }

    fn clear(&self) {
        if let Self::Terminal(bar) = self {
            bar.finish_and_clear();
        }
    }
}

fn line(told: &Told) -> String {
    match told {
        Told::Phase(session) => format!("{} {}: {}", session.kind, session.name(), session.phase),
        Told::Target { name, phase } => format!("  {name}: {phase}"),
        Told::Progress { container, progress } => format!("  {container}: {}", of(progress)),
        Told::Obstacle(why) => format!("  {why}"),
    }
}

/// As a backup on the command line says it.
fn of(progress: &Progress) -> String {
    let Progress { phase, documents, expected, bytes: size, indices, finished, seconds } = progress;
    let elapsed = Duration::from_secs(*seconds);
    let mut text = format!(
        "{phase}: {}, {}, {}/s, {finished} of {}, {}",
        counted(*documents, "document"),
        bytes(*size),
        count(rate(*documents, elapsed)),
        indices_of(*indices),
        duration(elapsed)
    );
    if expected > documents {
        text.push_str(&format!(", at most {} in all", count(*expected)));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn progress_is_told_as_on_the_command_line() {
        let progress = Progress {
            phase: "saving".into(),
            documents: 1200,
            expected: 5000,
            bytes: 9000,
            indices: 3,
            finished: 1,
            seconds: 10,
        };
        assert_eq!(
            of(&progress),
            "saving: 1,200 documents, 8.8 KiB, 120/s, 1 of 3 indices, 10.0s, at most 5,000 in all"
        );
    }
}
