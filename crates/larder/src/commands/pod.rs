//! What the containers of sessions' pods do.

use anyhow::Result;

use crate::{
    arguments::{
        BackupPodArguments, HookPodArguments, RestorePodArguments, StatusPodArguments, TriggerPodArguments,
        WipePodArguments,
    },
    exit::Exit,
    signals::cancellable,
};

/// `create-backupsession`.
pub async fn create_session(arguments: TriggerPodArguments) -> Result<Exit> {
    job::create_session::run(&arguments.work()).await?;
    Ok(Exit::Done)
}

/// `backup-es`.
pub async fn backup(arguments: BackupPodArguments) -> Result<Exit> {
    let work = arguments.work();
    cancellable(async |cancel| Ok(job::backup::run(work, cancel).await?)).await?;
    Ok(Exit::Done)
}

/// `restore-es`.
pub async fn restore(arguments: RestorePodArguments) -> Result<Exit> {
    let work = arguments.work();
    cancellable(async |cancel| Ok(job::restore::run(work, cancel).await?)).await?;
    Ok(Exit::Done)
}

/// `run-hook`.
pub async fn run_hook(arguments: HookPodArguments) -> Result<Exit> {
    job::hook::run(&arguments.work()).await?;
    Ok(Exit::Done)
}

/// `update-status`.
pub async fn update_status(arguments: StatusPodArguments) -> Result<Exit> {
    job::update_status::run(&arguments.work()).await?;
    Ok(Exit::Done)
}

/// `wipe-repository`.
pub async fn wipe(arguments: WipePodArguments) -> Result<Exit> {
    job::wipe::run(arguments.work()).await?;
    Ok(Exit::Done)
}
