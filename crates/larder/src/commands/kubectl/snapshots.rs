//! `snapshots`.

use anyhow::Result;
use jiff::Timestamp;
use kubectl::{
    Cluster, age,
    errand::{self, Errands},
    snapshots::{self, Index, Snapshot},
    table::Table,
};
use serde_json::json;

use crate::{
    arguments::kubectl::SnapshotsOfArguments,
    exit::Exit,
    output::{Output, bytes, count, counted},
    signals::cancellable,
};

/// Lists snapshots, or the indices of one.
pub async fn run(cluster: &Cluster, arguments: &SnapshotsOfArguments, output: &Output) -> Result<Exit> {
    cancellable(async |cancel| {
        let repository = errand::repository(cluster, arguments.repository.as_deref()).await?;
        let errands = Errands::on(cluster, &repository, arguments.errand.place(), cancel).await?;
        if let Some(id) = &arguments.snapshot {
            let shown = errands.run(&["show", id], &mut |_| {}).await?;
            tell_indices(&snapshots::indices(&shown), output);
        } else {
            let listed = errands.run(&["snapshots"], &mut |_| {}).await?;
            tell(&snapshots::of_repository(&repository, &listed), Timestamp::now(), output);
        }
        Ok(Exit::Done)
    })
    .await
}

fn tell(all: &[Snapshot], now: Timestamp, output: &Output) {
    let mut table = Table::new(&["SNAPSHOT", "TIME (UTC)", "AGE", "HOST", ">SIZE", "MADE BY", "PATHS"]);
    for snapshot in all {
        let Snapshot { name, id, time, host, bytes: size, paths, program } = snapshot;
        table.row([
            name.clone(),
            time.map_or_else(|| "?".to_owned(), |time| time.strftime("%Y-%m-%d %H:%M:%S").to_string()),
            time.map_or_else(|| "?".to_owned(), |time| age::span(now.as_second() - time.as_second())),
            host.clone(),
            size.map_or_else(|| "?".to_owned(), bytes),
            if program.is_empty() { "?".to_owned() } else { program.clone() },
            paths.join(","),
        ]);
        output.object(
            "snapshot",
            &json!({"name": name, "id": id, "time": time, "host": host, "bytes": size, "paths": paths, "program": program}),
        );
    }
    if !table.is_empty() {
        output.say(table);
    }
    output.say(counted(all.len() as u64, "snapshot"));
}

/// The indices of a snapshot.
pub(super) fn tell_indices(all: &[Index], output: &Output) {
    let mut table = Table::new(&["INDEX", ">DOCUMENTS", ">SIZE"]);
    for index in all {
        let Index { name, documents, bytes: size } = index;
        table.row([name.clone(), documents.map_or_else(|| "?".to_owned(), count), bytes(*size)]);
        output.object("index", &json!({"index": name, "documents": documents, "bytes": size}));
    }
    output.say(table);
}
