//! `q50-cluster scheduler`: gives the tasks of sweeps to workers. Its state is in memory, and lost with it: clients submit anew.

use std::{io::Write, sync::Arc};

use anyhow::{Context, Result};
use ballista_core::{config::TaskSchedulingPolicy, utils::default_session_builder};
use ballista_scheduler::{cluster::BallistaCluster, config::SchedulerConfig, scheduler_process::start_server};
use datafusion::{
    common::Result as Planned,
    execution::{FunctionRegistry, SessionState},
    prelude::SessionConfig,
};
use q50::cluster::SchedulerArguments;
use tokio::runtime::Runtime;

use crate::{address, task};

/// A worker asks for work, or says that it is busy, at least every 5 s. One that has been silent for so long is gone.
const SILENCE_SECONDS: u64 = 15;
/// How long a job waits for a worker once the last has gone.
const NO_WORKER_SECONDS: u64 = 60;

pub(crate) fn serve(arguments: &SchedulerArguments) -> Result<()> {
    let bind = address::listen(arguments.bind, arguments.network)?;
    let config = SchedulerConfig {
        bind_host: bind.ip().to_string(),
        external_host: bind.ip().to_string(),
        bind_port: bind.port(),
        // Workers ask: they need no port of their own for tasks, and find a scheduler again that was started anew.
        scheduling_policy: TaskSchedulingPolicy::PullStaged,
        executor_timeout_seconds: SILENCE_SECONDS,
        expire_dead_executor_interval_seconds: 1,
        no_executors_grace_period_seconds: NO_WORKER_SECONDS,
        override_session_builder: Some(Arc::new(state)),
        ..SchedulerConfig::default()
    };
    writeln!(std::io::stdout(), r#"{{"scheduler": "{bind}"}}"#)?;
    Runtime::new()?.block_on(async {
        let cluster = BallistaCluster::new_from_config(&config).await?;
        start_server(cluster, bind, Arc::new(config)).await.with_context(|| format!("the scheduler on {bind}"))
    })
}

/// What plans are made and read with, here and by workers.
pub(crate) fn state(config: SessionConfig) -> Planned<SessionState> {
    let mut state = default_session_builder(config)?;
    state.register_udf(Arc::new(task::function()))?;
    Ok(state)
}
