//! `download`.

use std::path::{Path, PathBuf};

use anyhow::Result;
use kubectl::{Cluster, download, errand::Errands};
use serde_json::json;

use super::tell_without_effect;
use crate::{
    arguments::kubectl::DownloadArguments,
    exit::Exit,
    output::{Output, bytes, counted},
    signals::cancellable,
};

/// Writes the files of each snapshot into a folder of its id.
pub async fn run(cluster: &Cluster, arguments: &DownloadArguments, output: &Output) -> Result<Exit> {
    tell_without_effect(&arguments.docker.without_effect());
    let wanted = download::Wanted {
        snapshots: arguments.snapshots.clone(),
        paths: arguments.paths.clone(),
        host: arguments.host.clone(),
    };
    cancellable(async |cancel| {
        let errands = Errands::on(cluster, &arguments.repository, arguments.errand.place(), cancel).await?;
        let chosen = wanted.choose(&errands.run(&["snapshots"], &mut |_| {}).await?)?;
        let folders: Vec<PathBuf> = chosen.iter().map(|one| arguments.destination.join(&one.folder)).collect();
        let exports: Vec<(String, &Path)> =
            chosen.iter().zip(&folders).map(|(one, folder)| (one.id.clone(), folder.as_path())).collect();
        let exported = errands.export(&exports).await?;
        for ((id, folder), exported) in exports.iter().zip(exported) {
            let (files, size) = (counted(exported.files, "file"), bytes(exported.bytes));
            output.say(format!("snapshot {}: {files}, {size}, in {}", &id[..8], folder.display()));
            output.object(
                "snapshot",
                &json!({"id": id, "folder": folder, "files": exported.files, "bytes": exported.bytes}),
            );
        }
        Ok(Exit::Done)
    })
    .await
}
