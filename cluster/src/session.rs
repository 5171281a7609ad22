//! The searches that a worker holds: data is read once a search, whatever the number of its tasks.
//!
//! A search borrows from the data that it was made of, so each lives on the stack of a thread of its own, and whoever wants rows
//! asks there.

use std::{
    ffi::OsString,
    sync::{
        Mutex, OnceLock, PoisonError,
        mpsc::{self, Receiver, Sender},
    },
    thread,
};

use q50::cluster::{Identity, Row, Sweep, with_sweep};
use q50_research::program::Program;

use crate::task::{Job, Task};

/// Searches that are held at once; the data of one that nobody has asked for longest makes room.
const MOST: usize = 2;

/// What this worker is called in messages.
static WORKER: OnceLock<String> = OnceLock::new();
/// The searches that are open, the latest last.
static OPEN: Mutex<Vec<Session>> = Mutex::new(Vec::new());

struct Session {
    job: String,
    requests: Sender<Request>,
}

struct Request {
    task: Task,
    answer: Sender<Result<Vec<Row>, String>>,
}

/// Names this worker, once.
pub(crate) fn name_worker(name: String) {
    let _first = WORKER.set(name);
}

pub(crate) fn worker() -> String {
    WORKER.get().cloned().unwrap_or_default()
}

/// The rows of a task, or why this worker has none.
pub(crate) fn rows(job: &str, task: &Task) -> Result<Vec<Row>, String> {
    let (answer, rows) = mpsc::channel();
    let ended = || "the thread of the search has ended".to_owned();
    opened(job)?.send(Request { task: task.clone(), answer }).map_err(|_| ended())?;
    rows.recv().map_err(|_| ended())?
}

/// The search of a job, opened where it is not. Meanwhile other tasks wait: most of them need the same.
fn opened(text: &str) -> Result<Sender<Request>, String> {
    let mut open = OPEN.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(at) = open.iter().position(|session| session.job == text) {
        let session = open.remove(at);
        let requests = session.requests.clone();
        open.push(session);
        return Ok(requests);
    }
    let job: Job = serde_json::from_str(text).map_err(|error| format!("the job cannot be read: {error}"))?;
    let program = program()?;
    if job.program != program {
        return Err(format!(
            "it is another program: build {:.12} of version {}, and the sweep is that of build {:.12} of version {}; copy one \
             q50-cluster to every machine",
            program.executable, program.version, job.program.executable, job.program.version
        ));
    }
    if open.len() == MOST {
        open.remove(0);
    }
    let (requests, received) = mpsc::channel();
    let (ready, opening) = mpsc::channel();
    thread::spawn(move || hold(&job, &ready, &received));
    opening.recv().unwrap_or_else(|_| Err("the data could not be read".to_owned()))?;
    open.push(Session { job: text.to_owned(), requests: requests.clone() });
    Ok(requests)
}

/// Reads the data of a search, says whether it is the right one, and replays until nobody asks any more.
fn hold(job: &Job, ready: &Sender<Result<(), String>>, requests: &Receiver<Request>) {
    let arguments: Vec<OsString> = job.arguments.iter().map(OsString::from).collect();
    let held = with_sweep(&arguments, |sweep| {
        difference(&sweep.identity(), &job.identity).map_or(Ok(()), Err)?;
        // Who asked may have gone.
        let _ = ready.send(Ok(()));
        serve(sweep, requests);
        Ok(())
    });
    if let Err(reason) = held.unwrap_or_else(|error| Err(format!("{error:#}{}", folder()))) {
        let _ = ready.send(Err(reason));
    }
}

fn serve(sweep: &Sweep<'_>, requests: &Receiver<Request>) {
    thread::scope(|scope| {
        for Request { task, answer } in requests {
            // As many at once as the worker has slots: Ballista sends no more.
            scope.spawn(move || answer.send(sweep.rows_of(task.rung, &task.sets())));
        }
    });
}

/// What is not as it was where the sweep was typed.
fn difference(here: &Identity, there: &Identity) -> Option<String> {
    let parts = [
        ("the data is other data", &here.dataset, &there.dataset),
        ("the strategy, venue or capital is another", &here.strategy, &there.strategy),
        ("the grid is another", &here.grid, &there.grid),
        ("the engine is another", &here.engine, &there.engine),
    ];
    let (what, here, there) = parts.into_iter().find(|(_, here, there)| here != there)?;
    Some(format!(
        "{what} ({here:.12}, expected {there:.12}); it needs the files that the sweep was typed with{}",
        folder()
    ))
}

/// Relative paths start here.
fn folder() -> String {
    std::env::current_dir().map_or_else(|_| String::new(), |folder| format!(" (worker's folder: {})", folder.display()))
}

/// The program that runs.
pub(crate) fn program() -> Result<Program, String> {
    static RUNNING: OnceLock<Result<Program, String>> = OnceLock::new();
    RUNNING.get_or_init(|| Program::running().map_err(|error| error.to_string())).clone()
}
