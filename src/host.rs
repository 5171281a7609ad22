//! Commands inside another program, such as a Python interpreter: arguments in, the answer as JSON out.
//!
//! It is the command itself that runs, so figures, files and the trial ledger are the same. What belongs to a process is left
//! to the host: its signals ([`Host::interrupt`]), its standard output and its log.

use std::{
    collections::HashMap,
    ffi::OsString,
    fs::File,
    path::PathBuf,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

use q50_datasets::input::Opened;
use q50_engine::strategy::Registry;

use crate::{
    Answer,
    args::{Arguments, MOST_THREADS},
    commands, interrupt, output, sources,
};

/// What the host has in memory, by the name that stands behind `frame:`, as files that q50 reads.
static FRAMES: Mutex<Option<HashMap<String, PathBuf>>> = Mutex::new(None);

fn frames() -> MutexGuard<'static, Option<HashMap<String, PathBuf>>> {
    FRAMES.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Opens `frame:NAME`.
pub(crate) fn frame(name: &str) -> Result<Opened, String> {
    let path = frames().as_ref().and_then(|known| known.get(name).cloned()).ok_or("there is no such frame")?;
    File::open(path).map(Opened::from).map_err(|error| error.to_string())
}

/// A program that runs q50's commands, one at a time.
#[derive(Debug)]
pub struct Host {
    stop: Arc<AtomicBool>,
}

/// What a command answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answered {
    /// What `--format json` prints.
    pub json: String,
    /// Whether the command line would have ended with 0; with 1, the answer is no.
    pub yes: bool,
}

/// Why a command could not be done: what the command line prints before it ends with 2.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Refusal {
    /// The whole of it.
    pub message: String,
    /// The file at fault.
    pub file: Option<PathBuf>,
    /// The place in it: a row and column, or a line and path.
    pub place: Option<String>,
    /// What to do about it.
    pub hint: Option<String>,
    /// Whether it was asked to end ([`Host::interrupt`]).
    pub interrupted: bool,
}

impl Host {
    /// Makes this process a host with these strategies, once.
    ///
    /// # Panics
    /// Strategies were registered before.
    #[must_use]
    pub fn new(strategies: Registry) -> Self {
        strategies.with_written::<q50_language::FileStrategy>().install();
        sources::install_for_host();
        Self { stop: interrupt::leave_to_host() }
    }

    /// Asks the command that runs to end. One that can go on later (`sweep`) ends within the sets at hand; others finish.
    pub fn interrupt(&self) {
        self.stop.store(true, Ordering::Relaxed);
    }

    /// Runs one command, without the name of the program, on `threads` workers (absent: one a core). `frames` are files that
    /// the arguments name as `frame:NAME`.
    ///
    /// # Errors
    /// A [`Refusal`] where the command line would have ended with 2.
    pub fn run(
        &self,
        arguments: &[OsString],
        threads: Option<u16>,
        named: HashMap<String, PathBuf>,
    ) -> Result<Answered, Refusal> {
        static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
        let _turn = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
        self.stop.store(false, Ordering::Relaxed);
        *frames() = Some(named);
        let answered = self.on_workers(arguments, threads);
        *frames() = None;
        answered
    }

    fn on_workers(&self, arguments: &[OsString], threads: Option<u16>) -> Result<Answered, Refusal> {
        let typed = ["q50".into()].into_iter().chain(arguments.iter().cloned());
        let arguments = Arguments::parse(typed).map_err(|error| plain(error.render().to_string().trim_end()))?;
        if let Some(asked) = threads.filter(|asked| !(1..=MOST_THREADS).contains(asked)) {
            return Err(plain(&format!("threads is {asked}, expected 1 to {MOST_THREADS}")));
        }
        let workers = rayon::ThreadPoolBuilder::new().num_threads(threads.unwrap_or(0).into()).build();
        let workers = workers.map_err(|error| plain(&format!("the worker threads cannot be started: {error}")))?;
        // On a worker, so that nothing is left of the process's own pool, whose size could not change any more.
        let (answer, json) = workers.install(|| output::captured(|| commands::run(&arguments, None)));
        match answer {
            Ok(answer) => Ok(Answered { json, yes: answer == Answer::Yes }),
            Err(error) => Err(self.refusal(&error)),
        }
    }

    fn refusal(&self, error: &anyhow::Error) -> Refusal {
        let mut refusal = plain(&output::told(error));
        refusal.interrupted = self.stop.load(Ordering::Relaxed);
        for cause in error.chain() {
            if let Some(data) = cause.downcast_ref::<q50_datasets::Error>() {
                let row = data.row().map(|row| format!("row {row}"));
                let column = data.column_name().map(|name| format!("column {name}"));
                let place: Vec<String> = row.into_iter().chain(column).collect();
                refusal.file = Some(data.path().to_owned());
                refusal.place = (!place.is_empty()).then(|| place.join(", "));
                refusal.hint = data.remedy_text().map(str::to_owned);
                break;
            }
            if let Some(file) = cause.downcast_ref::<q50_language::Error>() {
                let path = if file.path.is_empty() { String::new() } else { format!(", {}", file.path) };
                refusal.place = Some(format!("line {}{path}", file.line));
                break;
            }
        }
        refusal
    }
}

fn plain(message: &str) -> Refusal {
    Refusal { message: message.to_owned(), file: None, place: None, hint: None, interrupted: false }
}
