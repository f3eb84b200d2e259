//! Logs: to standard error, warnings unless more is asked for. Never the place for results.

use anyhow::Context as _;
use tracing_subscriber::EnvFilter;

/// What happens, without what libraries say about themselves: kube's client logs as an error what we try again, jiff that an
/// image has no time zones, and rustic each of its steps.
const INFO: &str = "info,kube_client=off,kube_runtime=warn,jiff=error,rustic_core=warn";

/// Begins to write logs; `LARDER_LOG` filters as in `tracing`'s `EnvFilter`.
pub fn start(verbose: u8, json: bool) -> anyhow::Result<()> {
    let default = match verbose {
        0 => "warn",
        1 => INFO,
        _ => "debug,hyper=info,reqwest=info,rustls=info,opendal=info,tower=info,kube=info",
    };
    let filter = match std::env::var("LARDER_LOG") {
        Ok(level) if level == "info" => EnvFilter::new(INFO),
        Ok(filter) => EnvFilter::try_new(&filter)
            .map_err(|error| crate::exit::Misused(format!("LARDER_LOG={filter}: {error}")))
            .context("cannot start logs")?,
        Err(_) => EnvFilter::new(default),
    };
    let logs = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).with_target(false);
    if json {
        logs.json().init();
    } else {
        logs.with_ansi(crate::output::colour(&std::io::stderr())).without_time().init();
    }
    Ok(())
}
