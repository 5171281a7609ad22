//! What `q50 scheduler` and `q50 worker` take, and a sweep that needs them.

use std::{net::SocketAddr, path::PathBuf};

use clap::Args;

/// What a scheduler takes.
#[derive(Args, Clone, Debug)]
pub struct SchedulerArguments {
    /// Address to listen on.
    #[arg(long, value_name = "IP:PORT", default_value = "127.0.0.1:50050")]
    pub bind: SocketAddr,
    #[command(flatten)]
    #[allow(missing_docs, reason = "documented where it is defined")]
    pub network: NetworkArguments,
}

/// What a worker takes.
#[derive(Args, Clone, Debug)]
pub struct WorkerArguments {
    /// Scheduler to take sets from.
    #[arg(long, value_name = "HOST:PORT")]
    pub scheduler: String,
    /// Address that results are fetched from; port 0 picks a free one.
    #[arg(long, value_name = "IP:PORT", default_value = "127.0.0.1:0")]
    pub bind: SocketAddr,
    /// Tasks at once; default: one per core.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub slots: Option<u16>,
    /// Folder for results until they are fetched; default: a temporary one.
    #[arg(long, value_name = "DIR")]
    pub work_dir: Option<PathBuf>,
    #[command(flatten)]
    #[allow(missing_docs, reason = "documented where it is defined")]
    pub network: NetworkArguments,
}

/// Heading of the help.
const CLUSTER: &str = "Several machines";

/// Where the sets of a sweep are replayed.
#[derive(Args, Clone, Debug)]
pub struct SweepOnCluster {
    /// Replay the sets on the workers of this scheduler (q50-cluster; docs/GUIDE.md, Searches on several machines).
    #[arg(long, value_name = "HOST:PORT", help_heading = CLUSTER)]
    pub cluster: Option<String>,
    /// Give up after so many seconds without an answer of the cluster.
    #[arg(long, value_name = "SECONDS", default_value_t = 600, requires = "cluster", help_heading = CLUSTER)]
    pub cluster_patience: u64,
}

/// Who can reach it.
#[derive(Args, Clone, Copy, Debug)]
pub struct NetworkArguments {
    /// Listen on an address other than 127.0.0.1. Nobody is asked for a password and nothing is encrypted: whoever reaches the
    /// port can run queries.
    #[arg(long)]
    pub trusted_network: bool,
}
