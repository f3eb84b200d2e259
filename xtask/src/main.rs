//! `cargo xtask`: automation that is not a test. Of Larder's own crates it uses `api` and `operator`, to write down their kinds
//! and their catalog.

mod bench;
mod catalog;
mod crds;
mod generate;
mod generated;
mod manifest;
mod reference;
mod soak;
mod stash_crds;
mod tidy;
mod tree;

use std::process::ExitCode;

use anyhow::Result;
use clap::Parser;

/// Automation that is not a test.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
enum Command {
    /// Check what the compiler does not: arrows between crates, file sizes, names, links.
    Tidy,
    Catalog(catalog::Catalog),
    Crds(crds::Crds),
    /// Print CustomResourceDefinitions with the fields of Stash's.
    StashCrds,
    Generate(generate::Generate),
    Manifest(manifest::Manifest),
    Mapping(generate::Mapping),
    Reference(reference::Reference),
    #[command(subcommand)]
    Bench(bench::Bench),
    #[command(subcommand)]
    Soak(soak::Soak),
}

fn main() -> Result<ExitCode> {
    match Command::parse() {
        Command::Catalog(arguments) => arguments.run(&tree::root()),
        Command::Crds(arguments) => arguments.run(&tree::root()),
        Command::Generate(arguments) => arguments.run().map(|()| ExitCode::SUCCESS),
        Command::Manifest(arguments) => arguments.run(&tree::root()),
        Command::Mapping(arguments) => {
            arguments.run();
            Ok(ExitCode::SUCCESS)
        }
        Command::Reference(arguments) => arguments.run(&tree::root()),
        Command::Bench(bench) => bench.run(),
        Command::Soak(soak) => soak.run(),
        Command::StashCrds => stash_crds::print(&tree::root()).map(|()| ExitCode::SUCCESS),
        Command::Tidy => Ok(tidy::run(&tree::Tree::of_this_project()?)),
    }
}
