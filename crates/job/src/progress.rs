//! Says in the log how far a work is, so that whoever looks at a pod at night sees that it goes on.

use std::time::Duration;

use engine::progress::Progress;

/// How often.
const EVERY: Duration = Duration::from_secs(30);

/// Works, and says how far it is.
pub(crate) async fn logged<T>(progress: &Progress, work: impl Future<Output = T>) -> T {
    let mut work = std::pin::pin!(work);
    let mut ticks = tokio::time::interval_at(tokio::time::Instant::now() + EVERY, EVERY);
    loop {
        tokio::select! {
            result = &mut work => return result,
            _ = ticks.tick() => {
                let view = progress.view();
                tracing::info!(
                    phase = view.phase,
                    documents = view.documents,
                    expected = view.expected,
                    bytes = view.bytes,
                    indices = view.indices,
                    finished = view.finished,
                    seconds = view.elapsed.as_secs(),
                    "at work"
                );
            }
        }
    }
}
