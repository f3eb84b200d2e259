//! Indices and data streams, several at once. Whatever one of them comes to, the others go on; a signal ends all.

use tokio::task::JoinSet;

use super::{IndexPlan, IndexReport, RestorePlan, Restoring, StreamPlan, StreamReport, index, streams};
use crate::error::{Error, Result};

/// What one task restores.
enum Work {
    Stream(StreamPlan),
    Index(IndexPlan),
}

/// What became of it.
type Done = (Vec<IndexReport>, Option<StreamReport>);

/// Restores all of them; gives their reports by name.
///
/// # Errors
/// [`Error::Interrupted`], [`Error::Worker`].
pub(super) async fn all(restoring: &Restoring, plan: RestorePlan) -> Result<(Vec<IndexReport>, Vec<StreamReport>)> {
    restoring.progress.expect(plan.index_count() as u64, plan.documents());
    // A stream's backing indices come one after the other: who begins last would end alone.
    let (streams, indices) = (plan.streams.into_iter().map(Work::Stream), plan.indices.into_iter().map(Work::Index));
    let mut waiting = streams.chain(indices);
    let mut tasks = JoinSet::new();
    let (mut reports, mut of_streams) = (Vec::new(), Vec::new());
    let mut interrupted = false;
    loop {
        while tasks.len() < restoring.indices_at_once
            && !restoring.cancel.is_cancelled()
            && let Some(work) = waiting.next()
        {
            let restoring = restoring.clone();
            tasks.spawn(async move { one(&restoring, work).await });
        }
        match tasks.join_next().await {
            None => break,
            Some(Ok(Ok((indices, stream)))) => {
                reports.extend(indices);
                of_streams.extend(stream);
            }
            Some(Ok(Err(_))) => interrupted = true,
            Some(Err(join)) => return Err(Error::Worker { what: join.to_string() }),
        }
    }
    if interrupted || restoring.cancel.is_cancelled() {
        return Err(Error::Interrupted);
    }
    reports.sort_by(|a, b| a.name.cmp(&b.name));
    of_streams.sort_by(|a, b| a.name.cmp(&b.name));
    Ok((reports, of_streams))
}

async fn one(restoring: &Restoring, work: Work) -> Result<Done> {
    match work {
        Work::Index(plan) => index::restore(restoring, plan).await.map(|report| (vec![report], None)),
        Work::Stream(plan) => streams::restore(restoring, plan).await.map(|(indices, stream)| (indices, Some(stream))),
    }
}
