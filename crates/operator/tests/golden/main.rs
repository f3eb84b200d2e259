//! What goes in and what comes out, compared with what was kept. One program, since each would be as large as all.

mod batches;
mod blueprints;
#[path = "../chart/mod.rs"]
mod chart;
mod executor;
#[path = "../manifests/mod.rs"]
mod manifests;
mod monitoring;
mod papers;
mod plans;
mod served;
