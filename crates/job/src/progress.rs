//! Says in the log how far a work is, so that whoever looks at a pod at night sees that it goes on, and whoever waits for it how far it
//! is: `kubectl larder trigger --wait` reads these lines.

use std::time::Duration;

use engine::progress::Progress;

/// The first time after this; each further one after twice as long.
const FIRST: Duration = Duration::from_secs(2);
/// At the latest after this.
const LATEST: Duration = Duration::from_secs(30);

/// Works, and says how far it is.
pub(crate) async fn logged<T>(progress: &Progress, work: impl Future<Output = T>) -> T {
    let mut work = std::pin::pin!(work);
    let mut pause = FIRST;
    loop {
        tokio::select! {
            result = &mut work => return result,
            () = tokio::time::sleep(pause) => {
                pause = LATEST.min(pause * 2);
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
