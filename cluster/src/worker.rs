//! `q50-cluster worker`: asks a scheduler for tasks and replays their sets.

use std::{io::Write, sync::Arc, time::Duration};

use anyhow::{Context, Result, anyhow};
use ballista_core::{config::TaskSchedulingPolicy, registry::BallistaFunctionRegistry, utils::default_config_producer};
use ballista_executor::{
    executor_process::{ExecutorProcessConfig, start_executor_process},
    health::ExecutorHealth,
};
use q50::cluster::WorkerArguments;
use tokio::{runtime::Runtime, time};

use crate::{address, scheduler, session};

pub(crate) fn serve(arguments: &WorkerArguments) -> Result<()> {
    let (scheduler_host, scheduler_port) = address::scheduler(&arguments.scheduler).context("--scheduler")?;
    let bind = address::listen(arguments.bind, arguments.network)?;
    // Its hash is asked for by every search, and takes a moment.
    session::program().map_err(|problem| anyhow!(problem))?;
    session::name_worker(bind.to_string());
    // Removed at the end, but for a kill.
    let temporary = tempfile::Builder::new().prefix("q50-worker-").tempdir()?;
    let work_dir = arguments.work_dir.as_deref().unwrap_or(temporary.path());
    std::fs::create_dir_all(work_dir).with_context(|| format!("--work-dir {}", work_dir.display()))?;
    let work_dir = work_dir.to_str().context("--work-dir: expected a path in UTF-8")?;
    let registry = BallistaFunctionRegistry::from(&scheduler::state(default_config_producer())?);
    let health = ExecutorHealth::new();
    let config = ExecutorProcessConfig {
        bind_host: bind.ip().to_string(),
        // Where it listens everywhere, the scheduler knows under which address it was reached.
        external_host: (!bind.ip().is_unspecified()).then(|| bind.ip().to_string()),
        port: bind.port(),
        scheduler_host,
        scheduler_port,
        // Any number: it waits for its scheduler.
        scheduler_connect_timeout_seconds: 1,
        vcores: arguments.slots.map_or(0, usize::from),
        task_scheduling_policy: TaskSchedulingPolicy::PullStaged,
        work_dir: Some(work_dir.to_owned()),
        // The rows of a task are all that passes through.
        memory_pool_size: Some(0),
        override_function_registry: Some(Arc::new(registry)),
        health: health.clone(),
        ..ExecutorProcessConfig::default()
    };
    writeln!(std::io::stdout(), r#"{{"worker": "{bind}", "scheduler": "{}"}}"#, arguments.scheduler)?;
    Runtime::new()?.block_on(async {
        tokio::select! {
            ended = start_executor_process(Arc::new(config)) => ended.context("the worker"),
            () = watch(&health, &arguments.scheduler) => Ok(()),
        }
    })
}

/// Tells when the scheduler goes and comes, and never ends.
async fn watch(health: &ExecutorHealth, scheduler: &str) {
    let mut answered = true;
    loop {
        time::sleep(Duration::from_secs(1)).await;
        let answers = health.is_ready();
        match (answered, answers) {
            (true, false) => tracing::warn!("the scheduler {scheduler} does not answer; waiting for it"),
            (false, true) => tracing::warn!("the scheduler {scheduler} answers"),
            _ => {}
        }
        answered = answers;
    }
}
