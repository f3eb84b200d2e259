//! `clone pvc`: refused.

use anyhow::Result;

use crate::{
    arguments::kubectl::CloneCommand,
    exit::{Exit, Misused},
};

/// Says why it is not done.
pub fn run(command: &CloneCommand) -> Result<Exit> {
    let CloneCommand::Pvc(arguments) = command;
    let why = format!(
        "volumes are not Larder's: it saves databases, and does not copy claim {}. Copy a database by a backup and a restore \
         (`trigger`, then `create restoresession` in the other namespace), a volume by a VolumeSnapshot of its storage",
        arguments.name
    );
    Err(Misused(why).into())
}
