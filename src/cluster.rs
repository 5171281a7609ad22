//! Searches on several machines: what a program adds to the command that can reach others.
//!
//! That program is `q50-cluster` (the crate in `cluster/`): all of the command, with schedulers and workers, by [`run_on`]. It
//! is a program of its own because Ballista takes longer to build than everything else together.

use std::{ffi::OsString, process::ExitCode};

use anyhow::{Result, anyhow, bail};
use q50_engine::strategy::Registry;
pub use q50_research::sweep::{Identity, Remote, RemoteError, Row, Sweep};

pub use crate::args::{NetworkArguments, SchedulerArguments, SweepOnCluster, WorkerArguments};
use crate::{
    args::{Arguments, Command},
    commands,
};

/// Schedulers, workers, and the way to them.
pub trait Cluster {
    /// Gives sets to workers until the process is asked to end.
    ///
    /// # Errors
    /// It cannot listen.
    fn scheduler(&self, arguments: &SchedulerArguments) -> Result<()>;

    /// Replays sets until the process is asked to end.
    ///
    /// # Errors
    /// It cannot listen, or was refused.
    fn worker(&self, arguments: &WorkerArguments) -> Result<()>;

    /// The workers of a scheduler for one search.
    ///
    /// # Errors
    /// Nobody answers there, or workers are refused.
    fn connect(&self, on: &SweepOnCluster, sweep: &Sweep<'_>) -> Result<Box<dyn Remote>>;
}

/// Runs the command that was typed, with these strategies, on this cluster.
///
/// # Panics
/// Strategies were registered before.
#[must_use]
pub fn run_on(strategies: Registry, cluster: &dyn Cluster) -> ExitCode {
    crate::run_with(strategies, Some(cluster))
}

/// Reads the data of a `q50 sweep` that was typed elsewhere, and lends the search to `f`. The name of the program is not among
/// the arguments.
///
/// # Errors
/// The arguments are not those of a sweep, or the data cannot be read here.
pub fn with_sweep<T>(arguments: &[OsString], f: impl FnOnce(&Sweep<'_>) -> T) -> Result<T> {
    let typed = ["q50".into()].into_iter().chain(arguments.iter().cloned());
    match Arguments::parse(typed).map_err(|error| anyhow!("{}", error.render()))?.command {
        Command::Sweep(sweep) => commands::with_sweep(&sweep, f),
        _ => bail!("these are not the arguments of a sweep"),
    }
}

/// The cluster that a command needs.
pub(crate) fn needed(cluster: Option<&dyn Cluster>) -> Result<&dyn Cluster> {
    cluster.ok_or_else(|| {
        anyhow!(
            "searches on several machines need the program q50-cluster, which takes the same arguments; build it: cargo build \
             --locked --manifest-path cluster/Cargo.toml"
        )
    })
}

/// The workers that a sweep asks for.
pub(crate) fn remote(
    cluster: Option<&dyn Cluster>,
    on: &SweepOnCluster,
    sweep: &Sweep<'_>,
) -> Result<Option<Box<dyn Remote>>> {
    on.cluster.as_ref().map(|_| needed(cluster)?.connect(on, sweep)).transpose()
}
