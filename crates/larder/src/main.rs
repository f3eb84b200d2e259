//! The `larder` program: arguments, signals, exit codes. Decides nothing about data.

mod arguments;
mod commands;
mod exit;
mod output;
mod signals;
mod snapshots;
mod telemetry;

use std::process::ExitCode;

use arguments::Arguments;
use exit::Exit;
use output::Output;

fn main() -> ExitCode {
    let arguments = Arguments::read();
    let output = Output::new(arguments.json());
    let verbose = arguments.output.verbose.max(u8::from(arguments.command.is_in_kubernetes()));
    if let Err(error) = telemetry::start(verbose, arguments.json() || arguments.logs_json()) {
        return output.failed(&error, Exit::Usage);
    }
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return output.failed(&anyhow::Error::new(error).context("cannot start"), Exit::Failed),
    };
    match runtime.block_on(commands::run(arguments.command, output.clone())) {
        Ok(exit) => exit.into(),
        Err(error) => output.failed(&error, Exit::of(&error)),
    }
}
