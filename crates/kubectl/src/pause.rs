//! `pause` and `resume`: whether a schedule rests.

use api::{BackupBatch, BackupConfiguration};
use serde_json::json;

use crate::{Cluster, Result, trigger::Of};

/// Lets a schedule rest, or go on.
///
/// # Errors
/// Where the invoker is not there or may not be changed.
pub async fn pause(cluster: &Cluster, of: &Of, paused: bool) -> Result<()> {
    let (namespace, patch) = (cluster.namespace(), json!({"spec": {"paused": paused}}));
    match of {
        Of::Configuration(name) => drop(cluster.merge::<BackupConfiguration>(namespace, name, &patch).await?),
        Of::Batch(name) => drop(cluster.merge::<BackupBatch>(namespace, name, &patch).await?),
    }
    Ok(())
}
