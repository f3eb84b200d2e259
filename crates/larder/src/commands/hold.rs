//! `larder hold`.

use std::{fs, time::Duration};

use anyhow::Result;
use rustix::process::{Pid, Signal, kill_process};

use crate::{exit::Exit, signals};

/// How often it is looked whether the others have ended.
const PAUSE: Duration = Duration::from_millis(50);
/// How long they may take: less than what the pod has between its signal and its end.
const PATIENCE: Duration = Duration::from_secs(8);

/// Does nothing until a signal comes: others are run beside it in its pod, whose deadline is the bound. As the first process of a
/// container it passes the signal on and waits for them: with it all end, and their locks would stay in the repository.
pub async fn run() -> Result<Exit> {
    signals::cancellable(async |cancel| {
        cancel.cancelled().await;
        if std::process::id() == 1 {
            end_others().await;
        }
        Ok(Exit::Done)
    })
    .await
}

async fn end_others() {
    for other in others() {
        // One that has ended meanwhile is what is wanted.
        kill_process(other, Signal::TERM).ok();
    }
    let ended = async {
        while !others().is_empty() {
            tokio::time::sleep(PAUSE).await;
        }
    };
    if tokio::time::timeout(PATIENCE, ended).await.is_err() {
        tracing::warn!("not every process of this container has ended");
    }
}

/// All processes of the container but this one; none where they cannot be seen.
fn others() -> Vec<Pid> {
    let processes = fs::read_dir("/proc").into_iter().flatten().flatten();
    let numbers = processes.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    numbers.filter(|number| *number != 1).filter_map(Pid::from_raw).collect()
}
