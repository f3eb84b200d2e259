//! `larder diff`.

use anyhow::Result;
use engine::compare::{self, Change};

use super::open;
use crate::{
    arguments::DiffArguments,
    exit::Exit,
    output::{Output, Table, count},
};

/// Compares two snapshots.
pub fn run(arguments: &DiffArguments, output: &Output) -> Result<Exit> {
    let repository = open::unlocked(&arguments.repository)?;
    let before = open::dump(&repository, &arguments.before)?;
    let after = open::dump(&repository, &arguments.after)?;
    let mut table = Table::new(&["Index", "Change", ">Documents before", ">after", ">Windows changed"]);
    let or_nothing = |count: Option<String>| count.unwrap_or_default();
    for change in compare::compare(&before, &after) {
        let word = match change.change {
            Change::Added => "added",
            Change::Removed => "removed",
            Change::Changed => "changed",
            Change::Same => "same",
            Change::Unknown => "unknown",
        };
        table.row([
            change.index.clone(),
            word.to_owned(),
            or_nothing(change.documents_before.map(count)),
            or_nothing(change.documents_after.map(count)),
            or_nothing(change.windows.map(|windows| windows.to_string())),
        ]);
        output.object("index", &change);
    }
    output.say(table);
    Ok(Exit::Done)
}
