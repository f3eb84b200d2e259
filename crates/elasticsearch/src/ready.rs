//! Waits for a cluster that is not ready yet: one that starts, recovers, or whose name is not known yet. Never waits for what
//! no time mends: refused credentials, a certificate that is not trusted, an address of something else.

use std::time::{Duration, Instant};

use crate::{
    catalog::{self, Selection},
    client::{Client, Stranger},
    connection::Connection,
    error::{Error, Result, Retry},
    server::Server,
};

/// One attempt waits no longer than this for an answer: a node that starts may take a connection and be silent on it.
const ATTEMPT: Duration = Duration::from_secs(30);

/// Pauses double up to this.
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// What a cluster is needed for.
#[derive(Debug, Clone)]
pub enum Need {
    /// To be read: it has recovered its state, and the primaries of these indices are at work. A cluster that is red for
    /// indices that nobody wants is ready.
    Dump(Selection),
    /// To be filled: it has recovered its state. It may be red, which may be why it is to be filled.
    Load,
}

/// Why a cluster is not ready.
enum Obstacle {
    /// Time may take it away.
    Passing(Error),
    /// It stays.
    Lasting(Error),
}

impl Client {
    /// Connects to a cluster as soon as it is ready: tries until `within` is over, and at least once. What waiting cannot
    /// mend ends it at once. May be cancelled.
    ///
    /// # Errors
    /// As [`Client::connect`]; [`Error::Unreadable`] naming an index that does not exist; [`Error::GaveUp`] with the last
    /// error when the time is over.
    pub async fn connect_when_ready(connection: Connection, need: &Need, within: Duration) -> Result<Self> {
        let began = Instant::now();
        let mut pause = connection.timeouts.pause;
        let attempt_bound = ATTEMPT.min(connection.timeouts.request);
        let stranger = Stranger::prepare(connection)?;
        let (mut attempts, mut told) = (0, String::new());
        loop {
            attempts += 1;
            let left = within.saturating_sub(began.elapsed());
            let source = match attempt(&stranger, need, attempt_bound.min(left.max(pause))).await {
                Ok(server) => return Ok(stranger.known(server)),
                Err(Obstacle::Lasting(error)) => return Err(error),
                Err(Obstacle::Passing(error)) => error,
            };
            let after = began.elapsed();
            if after >= within {
                return Err(Error::GaveUp { attempts, after, source: Box::new(source) });
            }
            tell(&source, &mut told);
            tokio::time::sleep(pause.min(within.saturating_sub(after))).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }
}

/// Says each reason once, not at each attempt.
fn tell(error: &Error, told: &mut String) {
    let text = error.to_string();
    if text != *told {
        tracing::info!(error = text, "waiting for the cluster");
        *told = text;
    }
}

/// Looks once; each answer may take as long as `within`.
async fn attempt(stranger: &Stranger, need: &Need, within: Duration) -> Result<Server, Obstacle> {
    let server = stranger.ask_who(Duration::ZERO, within).await.map_err(obstacle)?;
    let request = match need {
        Need::Dump(_) => catalog::listing(),
        Need::Load => catalog::blocks(),
    };
    let answer = match stranger.send_once(&request.timeout(within)).await {
        // A login may fill what it may not look at.
        Err(error) if error.status() == Some(403) && matches!(need, Need::Load) => return Ok(server),
        answer => answer.map_err(obstacle)?,
    };
    let listed = catalog::read_listing(&answer.body).map_err(obstacle)?;
    if let Need::Dump(selection) = need {
        let (chosen, _) = catalog::choose(listed, selection).map_err(Obstacle::Lasting)?;
        chosen.iter().try_for_each(catalog::Listed::check_primaries).map_err(Obstacle::Passing)?;
    }
    Ok(server)
}

fn obstacle(error: Error) -> Obstacle {
    let error = match error {
        Error::GaveUp { source, .. } => *source,
        error => error,
    };
    let starting = error.status().is_some_and(|status| status >= 500) || matches!(error, Error::NotRecovered);
    if starting || error.retry() == Retry::Again { Obstacle::Passing(error) } else { Obstacle::Lasting(error) }
}
