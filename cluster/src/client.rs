//! The side of `q50-cluster sweep --cluster`: sends chunks of sets as jobs, and waits for their rows.
//!
//! A chunk is some seconds of work, so that a scheduler that dies takes no more with it. Whatever goes wrong on the way to an
//! answer, the chunk is sent again: rows depend on their set alone.

use std::{
    ffi::OsString,
    fmt,
    sync::atomic::{AtomicBool, Ordering},
    time::{Duration, Instant},
};

use anyhow::{Context, Result, anyhow};
use ballista::prelude::SessionContextExt;
use ballista_core::{config, utils::default_config_producer};
use datafusion::{
    arrow::array::{Array, BinaryArray},
    common::DataFusionError,
    prelude::SessionContext,
};
use q50::cluster::{Remote, RemoteError, Row, Sweep, SweepOnCluster};
use tokio::{runtime::Runtime, time};

use crate::{
    address, scheduler, session,
    task::{Answer, Job, Task, broken, function, query},
};

/// Wall time that chunks grow to; the first is shorter, because it is not known how many workers there are.
const FIRST: Duration = Duration::from_secs(2);
const LONGEST: Duration = Duration::from_secs(60);
/// Most sets of a chunk, which bounds memory here.
const MOST_SETS: u64 = 262_144;
/// Most sets that are named one by one in a query, which every task carries whole.
const MOST_NAMED: usize = 32_768;
/// Most tasks of a job that are made for their work: each carries the plan of all.
const MOST_TASKS: f64 = 64.0;
/// Most sets of a task: their rows come back in one message, of at most 16 MiB.
const MOST_SETS_OF_TASK: usize = 8_192;
/// Work of a task on one core: a task costs some hundredths of it.
const TASK_SECONDS: f64 = 1.0;
/// Seconds on this machine alone below which nothing is gained.
const WORTH_SECONDS: f64 = 60.0;
/// How long sets are replayed here to know what one costs.
const MEASURED: Duration = Duration::from_millis(200);

/// Workers that replay one search.
pub(crate) struct Client {
    runtime: Runtime,
    context: SessionContext,
    scheduler: String,
    job: String,
    patience: Duration,
    /// Bars times sets a second: of one core here, and of all workers in the last chunk.
    core: f64,
    workers: f64,
    chunk: Duration,
    bars: usize,
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").field("scheduler", &self.scheduler).finish_non_exhaustive()
    }
}

/// Why there is no answer.
enum Failed {
    /// It may be there another time.
    Lost(DataFusionError),
    /// There will be none.
    Refused(String),
}

impl Client {
    /// Finds a worker of the scheduler that has the program and the data of `sweep`.
    pub(crate) fn connect(on: &SweepOnCluster, sweep: &Sweep<'_>) -> Result<Self> {
        let scheduler = on.cluster.clone().unwrap_or_default();
        let (host, port) = address::scheduler(&scheduler).context("--cluster")?;
        let arguments = std::env::args_os().skip(1).map(OsString::into_string);
        let arguments = arguments.collect::<Result<_, _>>().map_err(|word| anyhow!("{word:?} is not UTF-8"))?;
        let program = session::program().map_err(|problem| anyhow!(problem))?;
        let job = serde_json::to_string(&Job { program, arguments, identity: sweep.identity() })?;
        let config = default_config_producer()
            // A task is a part of the query, and is not planned anew on the way.
            .set_str(config::BALLISTA_SCHEDULER_MAX_PARTITIONS_PER_TASK, "1")
            .set_str(config::BALLISTA_ADAPTIVE_PLANNER_ENABLED, "false");
        let runtime = Runtime::new()?;
        let url = format!("df://{host}:{port}");
        let context = runtime.block_on(SessionContext::remote_with_state(&url, scheduler::state(config)?))?;
        context.register_udf(function());
        let core = speed(sweep).map_err(|problem| anyhow!(problem))?;
        let patience = Duration::from_secs(on.cluster_patience);
        let (workers, bars) = (core, 0);
        let client = Self { runtime, context, scheduler, job, patience, core, workers, chunk: FIRST, bars };
        client.seconds(1)?;
        let alone = seconds_alone(sweep, core);
        if alone < WORTH_SECONDS {
            client.say_what_it_costs(alone)?;
        }
        Ok(client)
    }

    /// Tells somebody who asks for little what it costs to send it away.
    fn say_what_it_costs(&self, alone: f64) -> Result<()> {
        /// As a job of some size has.
        const TASKS: u32 = 64;
        // Every worker opens the search.
        self.seconds(TASKS)?;
        let (job, more) = (self.seconds(1)?, self.seconds(TASKS)?);
        let task = 1_000.0 * (more - job).max(0.0) / f64::from(TASKS - 1);
        tracing::warn!(
            "this search takes about {alone:.1} s on this machine alone; a cluster begins to pay above a minute: here a job costs \
             {job:.2} s and each of its tasks {task:.1} ms before anything is replayed"
        );
        Ok(())
    }

    /// How long a job of so many tasks without sets takes.
    fn seconds(&self, tasks: u32) -> Result<f64> {
        let began = Instant::now();
        self.answers(&Task::empty(tasks), &AtomicBool::new(false)).map_err(|error| anyhow!(error))?;
        Ok(began.elapsed().as_secs_f64())
    }

    /// The answers to `tasks`, in order; `None` where `stop` was set first.
    fn answers(&self, tasks: &[Task], stop: &AtomicBool) -> Result<Option<Vec<Answer>>, RemoteError> {
        let began = Instant::now();
        let mut lost = "no worker has finished".to_owned();
        let mut told = false;
        loop {
            let left = self.patience.saturating_sub(began.elapsed());
            let asked = async {
                tokio::select! {
                    answers = time::timeout(left, self.ask(tasks)) => Some(answers),
                    () = set(stop) => None,
                }
            };
            match self.runtime.block_on(asked) {
                None => return Ok(None),
                Some(Ok(Ok(answers))) => return Ok(Some(answers)),
                Some(Ok(Err(Failed::Refused(reason)))) => return Err(reason.into()),
                Some(Ok(Err(Failed::Lost(error)))) => lost = first_line(&error),
                Some(Err(_out_of_time)) => {}
            }
            if began.elapsed() >= self.patience {
                return Err(format!(
                    "--cluster {}: no answer for {} s ({lost}); is the scheduler there, and has it workers (q50-cluster worker \
                     --scheduler {0})? What is done is kept: go on with --resume",
                    self.scheduler,
                    self.patience.as_secs()
                )
                .into());
            }
            if !std::mem::replace(&mut told, true) {
                tracing::warn!("{}: {lost}; trying again for {} s", self.scheduler, self.patience.as_secs());
            }
            std::thread::sleep(Duration::from_secs(1).min(self.patience));
        }
    }

    /// One job.
    async fn ask(&self, tasks: &[Task]) -> Result<Vec<Answer>, Failed> {
        let plan = query(&self.job, tasks).map_err(Failed::Lost)?;
        let collected = async { self.context.execute_logical_plan(plan).await?.collect().await };
        let mut answers = Vec::with_capacity(tasks.len());
        for batch in collected.await.map_err(Failed::Lost)? {
            let column = batch.column(0).as_any().downcast_ref::<BinaryArray>();
            let column =
                column.ok_or_else(|| Failed::Refused("the answers are no answers of q50-cluster".to_owned()))?;
            for answer in column.iter().flatten() {
                answers.push(bincode::deserialize::<Answer>(answer).map_err(|error| Failed::Lost(broken(error)))?);
            }
        }
        if let Some((worker, reason)) = answers.iter().find_map(|a| Some((&a.worker, a.rows.as_ref().err()?))) {
            return Err(Failed::Refused(format!(
                "worker {worker} is refused: {reason}. What is done is kept: end that worker or repair it, and go on with --resume"
            )));
        }
        answers.sort_by_key(|answer| answer.task);
        if !answers.iter().map(|answer| answer.task as usize).eq(0..tasks.len()) {
            return Err(Failed::Refused("there is not one answer for every task".to_owned()));
        }
        Ok(answers)
    }

    /// Parts of a job: as many as have a second each.
    fn tasks(&self, sets: usize) -> usize {
        let of_work = (sets as f64 * self.bars as f64 / self.core / TASK_SECONDS).clamp(1.0, MOST_TASKS);
        (of_work as usize).max(sets.div_ceil(MOST_SETS_OF_TASK))
    }
}

impl Remote for Client {
    fn sets_at_once(&mut self, bars: usize) -> u64 {
        self.bars = bars;
        let sets = self.workers * self.chunk.as_secs_f64() / bars.max(1) as f64;
        (sets as u64).clamp(1, MOST_SETS)
    }

    fn rows(&mut self, rung: u32, sets: &[u64], stop: &AtomicBool) -> Result<Option<Vec<Row>>, RemoteError> {
        let began = Instant::now();
        let mut rows = Vec::with_capacity(sets.len());
        // The sets of the first round have no gaps.
        let most = if rung == 0 { sets.len() } else { MOST_NAMED };
        for sets in sets.chunks(most.max(1)) {
            let Some(answers) = self.answers(&Task::split(rung, sets, self.tasks(sets.len())), stop)? else {
                return Ok(None);
            };
            for answer in answers {
                rows.extend(answer.rows?);
            }
        }
        self.workers = sets.len() as f64 * self.bars as f64 / began.elapsed().as_secs_f64();
        self.chunk = (self.chunk * 4).min(LONGEST);
        Ok(Some(rows))
    }
}

/// Ends once `flag` is set.
async fn set(flag: &AtomicBool) {
    while !flag.load(Ordering::Relaxed) {
        time::sleep(Duration::from_millis(50)).await;
    }
}

/// Bars times sets that one core replays in a second here. What is replayed is dropped unseen.
fn speed(sweep: &Sweep<'_>) -> Result<f64, String> {
    let bars = sweep.rungs().first().map_or(0, ExactSizeIterator::len);
    let began = Instant::now();
    let mut sets = 0;
    while sets < sweep.space().count() && began.elapsed() < MEASURED {
        sweep.rows_of(0, &[sets])?;
        sets += 1;
    }
    Ok((bars as f64 * sets as f64 / began.elapsed().as_secs_f64()).max(1.0))
}

/// What the search takes on every core of this machine.
fn seconds_alone(sweep: &Sweep<'_>, core: f64) -> f64 {
    let bars = sweep.rungs().first().map_or(0, ExactSizeIterator::len);
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    // Every round of a halving search costs about the same.
    let work = sweep.space().count() as f64 * bars as f64 * f64::from(sweep.rounds());
    work / core / cores as f64
}

/// The words of an error, without what a library adds below them.
fn first_line(error: &DataFusionError) -> String {
    error.to_string().lines().next().unwrap_or_default().chars().take(300).collect()
}
