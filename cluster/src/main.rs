//! `q50-cluster`: the q50 command with searches on several machines, by Ballista.
//!
//! * [`scheduler`] gives tasks to workers, [`worker`] replays their sets with the data that [`session`] holds, [`client`] is the
//!   side of `q50-cluster sweep --cluster`. [`task`] is what travels between them.

mod address;
mod client;
mod scheduler;
mod session;
mod task;
mod worker;

use std::process::ExitCode;

use anyhow::Result;
use q50::{
    cluster::{Cluster, Remote, SchedulerArguments, Sweep, SweepOnCluster, WorkerArguments},
    engine::strategy::Registry,
};

struct Ballista;

impl Cluster for Ballista {
    fn scheduler(&self, arguments: &SchedulerArguments) -> Result<()> {
        scheduler::serve(arguments)
    }

    fn worker(&self, arguments: &WorkerArguments) -> Result<()> {
        worker::serve(arguments)
    }

    fn connect(&self, on: &SweepOnCluster, sweep: &Sweep<'_>) -> Result<Box<dyn Remote>> {
        Ok(Box::new(client::Client::connect(on, sweep)?))
    }
}

fn main() -> ExitCode {
    // Ballista speaks through the crate `log`. Left out is what it repeats twenty times a second while its scheduler is away, and
    // what it says of metrics that nobody asked for. Refused only where somebody listens already.
    let log = tracing_log::LogTracer::builder();
    let _heard =
        log.ignore_crate("ballista_executor::execution_loop").ignore_crate("ballista_scheduler::display").init();
    q50::cluster::run_on(Registry::default(), &Ballista)
}
