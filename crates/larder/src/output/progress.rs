//! Progress while work goes on: lines that move on a terminal, a line now and then elsewhere, objects for scripts.

use std::{collections::BTreeMap, future::Future, time::Duration};

use engine::progress::{Progress, View};
use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde_json::json;

use super::{Output, bytes, colour, count, counted, duration, indices_of, rate};

/// How often a terminal is drawn.
const DRAW: Duration = Duration::from_millis(200);
/// How often a line is written where there is no terminal.
const LINE: Duration = Duration::from_secs(5);
/// How often an object is written.
const OBJECT: Duration = Duration::from_secs(1);
/// More indices at work than this are not listed one by one.
const LISTED: usize = 8;

/// Shows `progress` until `work` is done.
pub async fn showing<T>(output: &Output, progress: &Progress, work: impl Future<Output = T>) -> T {
    let mut display = Display::new(output);
    let mut tick = tokio::time::interval(display.every());
    tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    tick.tick().await;
    tokio::pin!(work);
    loop {
        tokio::select! {
            done = &mut work => {
                display.clear();
                return done;
            }
            _ = tick.tick() => display.show(output, &progress.view()),
        }
    }
}

enum Display {
    Objects,
    Lines,
    Terminal { all: MultiProgress, overall: ProgressBar, indices: BTreeMap<String, ProgressBar> },
}

impl Display {
    fn new(output: &Output) -> Self {
        let terminal = std::io::IsTerminal::is_terminal(&std::io::stderr());
        match (output.is_json(), terminal) {
            (true, _) => Self::Objects,
            (false, false) => Self::Lines,
            (false, true) => {
                let all = MultiProgress::with_draw_target(ProgressDrawTarget::stderr());
                let overall = all.add(ProgressBar::new_spinner().with_style(style()));
                Self::Terminal { all, overall, indices: BTreeMap::new() }
            }
        }
    }

    fn every(&self) -> Duration {
        match self {
            Self::Objects => OBJECT,
            Self::Lines => LINE,
            Self::Terminal { .. } => DRAW,
        }
    }

    fn show(&mut self, output: &Output, view: &View) {
        match self {
            Self::Objects => output.object("progress", &object(view)),
            Self::Lines => eprintln!("{}", line(view)),
            Self::Terminal { all, overall, indices } => {
                overall.set_message(line(view));
                overall.tick();
                indices.retain(|name, bar| {
                    let at_work = view.at_work.iter().any(|(index, _)| index == name);
                    if !at_work {
                        bar.finish_and_clear();
                    }
                    at_work
                });
                for (name, at) in view.at_work.iter().take(LISTED) {
                    let bar = indices
                        .entry(name.clone())
                        .or_insert_with(|| all.add(ProgressBar::new_spinner().with_style(style())));
                    bar.set_message(format!("  {name}: {} documents, {}", count(at.documents), bytes(at.bytes)));
                    bar.tick();
                }
            }
        }
    }

    fn clear(&mut self) {
        if let Self::Terminal { all, .. } = self
            && let Err(error) = all.clear()
        {
            tracing::debug!(%error, "cannot clear the progress");
        }
    }
}

fn style() -> ProgressStyle {
    let template = if colour(&std::io::stderr()) { "{spinner:.cyan} {wide_msg}" } else { "{spinner} {wide_msg}" };
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_spinner())
}

/// Seconds that are left at this pace; nested documents make it an upper bound.
fn left(view: &View) -> Option<Duration> {
    let pace = rate(view.documents, view.elapsed);
    (pace > 0 && view.expected > view.documents).then(|| Duration::from_secs((view.expected - view.documents) / pace))
}

fn line(view: &View) -> String {
    let View { phase, elapsed, documents, indices, finished, .. } = view;
    let mut text = format!(
        "{phase}: {}, {}, {}/s, {finished} of {}, {}",
        counted(*documents, "document"),
        bytes(view.bytes),
        count(rate(*documents, *elapsed)),
        indices_of(*indices),
        duration(*elapsed),
    );
    if let Some(left) = left(view) {
        text.push_str(&format!(", about {} left", duration(left)));
    }
    text
}

fn object(view: &View) -> serde_json::Value {
    let at_work: Vec<_> = view
        .at_work
        .iter()
        .map(|(name, at)| json!({"index": name, "documents": at.documents, "bytes": at.bytes, "documents_expected": at.expected}))
        .collect();
    json!({
        "phase": view.phase,
        "seconds": view.elapsed.as_secs_f64(),
        "documents": view.documents,
        "documents_expected": view.expected,
        "bytes": view.bytes,
        "documents_per_second": rate(view.documents, view.elapsed),
        "seconds_left": left(view).map(|left| left.as_secs()),
        "indices": view.indices,
        "indices_done": view.finished,
        "at_work": at_work,
    })
}
