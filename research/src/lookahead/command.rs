//! A user's program, run without a shell: bars in, signals out.

use std::{
    fs::File,
    io::{self, Read, Seek, SeekFrom},
    os::unix::process::CommandExt,
    path::Path,
    process::{Child, Command, ExitStatus, Stdio},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use nix::{
    sys::signal::{Signal, killpg},
    unistd::Pid,
};
use thiserror::Error;

/// How often a running program is looked at.
const PAUSE: Duration = Duration::from_millis(5);
/// How much of what a failing program said is shown, bytes from the end.
const TAIL: u64 = 2_000;

/// A command that reads `{bars}` and writes `{out}`.
#[derive(Clone, Debug)]
pub struct Producer {
    command: String,
    words: Vec<String>,
    timeout: Duration,
    stop: Arc<AtomicBool>,
}

/// A producer that did not do its work.
#[derive(Debug, Error)]
pub enum ProducerError {
    /// The command is no command with both places.
    #[error("the producer's command '{command}' {problem}; write it as 'python3 signals.py {{bars}} {{out}}'")]
    Command {
        /// The command.
        command: String,
        /// What is wrong with it.
        problem: &'static str,
    },
    /// The program cannot be started.
    #[error("the producer '{program}' cannot be started: {source}")]
    Start {
        /// The first word of the command.
        program: String,
        /// Why.
        source: io::Error,
    },
    /// It ended with a failure.
    #[error("the producer failed ({status}){said}")]
    Failed {
        /// How it ended.
        status: ExitStatus,
        /// The end of what it printed.
        said: String,
    },
    /// It took too long, and was ended.
    #[error("the producer was ended after {seconds} s; give it longer with --timeout{said}")]
    TimedOut {
        /// How long it was given.
        seconds: u64,
        /// The end of what it printed.
        said: String,
    },
    /// It ended well without writing anything.
    #[error("the producer wrote nothing to {{out}}{said}")]
    Silent {
        /// The end of what it printed.
        said: String,
    },
    /// Somebody stopped the examination.
    #[error("stopped, and the producer with it")]
    Stopped,
}

impl ProducerError {
    /// Whether the program itself said that it could not do it.
    pub(super) const fn is_failure(&self) -> bool {
        matches!(self, Self::Failed { .. } | Self::Silent { .. })
    }
}

impl Producer {
    /// Splits `command` as a shell would. Each run is ended after `timeout`, or once `stop` is set.
    ///
    /// # Errors
    /// A quote is not closed, there is no word, or `{bars}` or `{out}` does not occur.
    pub fn new(command: &str, timeout: Duration, stop: Arc<AtomicBool>) -> Result<Self, ProducerError> {
        let fail = |problem| ProducerError::Command { command: command.to_owned(), problem };
        let words = shlex::split(command).ok_or_else(|| fail("has a quote that is not closed"))?;
        if words.is_empty() {
            return Err(fail("is empty"));
        }
        let names = |place: &str| words.iter().any(|word| word.contains(place));
        if !names("{bars}") {
            return Err(fail("does not say where it reads its bars, {bars}"));
        }
        if !names("{out}") {
            return Err(fail("does not say where it writes its signals, {out}"));
        }
        Ok(Self { command: command.to_owned(), words, timeout, stop })
    }

    /// The command as it was given.
    #[must_use]
    pub fn command(&self) -> &str {
        &self.command
    }

    /// Runs the program to its end; `said` takes what it prints.
    pub(super) fn run(&self, bars: &Path, out: &Path, said: &Path) -> Result<(), ProducerError> {
        let place = |word: &String| {
            word.replace("{bars}", &bars.display().to_string()).replace("{out}", &out.display().to_string())
        };
        let words: Vec<String> = self.words.iter().map(place).collect();
        let cannot = |source| ProducerError::Start { program: words[0].clone(), source };
        let prints = File::create(said).map_err(cannot)?;
        let child = Command::new(&words[0])
            .args(&words[1..])
            .stdin(Stdio::null())
            .stdout(prints.try_clone().map_err(cannot)?)
            .stderr(prints)
            // A group of its own, so that whatever it starts ends with it.
            .process_group(0)
            .spawn()
            .map_err(cannot)?;
        let mut family = Family { child };
        let started = Instant::now();
        let status = loop {
            if let Some(status) = family.child.try_wait().map_err(cannot)? {
                break status;
            }
            if self.stop.load(Ordering::Relaxed) {
                return Err(ProducerError::Stopped);
            }
            if started.elapsed() > self.timeout {
                return Err(ProducerError::TimedOut { seconds: self.timeout.as_secs(), said: tail(said) });
            }
            thread::sleep(PAUSE);
        };
        if !status.success() {
            return Err(ProducerError::Failed { status, said: tail(said) });
        }
        if !out.exists() {
            return Err(ProducerError::Silent { said: tail(said) });
        }
        Ok(())
    }
}

/// A program and whatever it started; none of them outlives this.
struct Family {
    child: Child,
}

impl Drop for Family {
    fn drop(&mut self) {
        if let Ok(group) = i32::try_from(self.child.id()) {
            // Nobody may be left of the group, which is well.
            let _ = killpg(Pid::from_raw(group), Signal::SIGKILL);
        }
        let _ = self.child.wait();
    }
}

/// The end of what was printed, each line indented below the message; empty where nothing was.
fn tail(said: &Path) -> String {
    let read = || -> io::Result<String> {
        let mut file = File::open(said)?;
        let length = file.metadata()?.len();
        file.seek(SeekFrom::Start(length.saturating_sub(TAIL)))?;
        let mut bytes = Vec::new();
        file.take(TAIL).read_to_end(&mut bytes)?;
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    };
    let text = read().unwrap_or_default();
    let text = text.trim_end();
    if text.is_empty() { String::new() } else { format!("; it said:\n  {}", text.replace('\n', "\n  ")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn producer(command: &str) -> Result<Producer, ProducerError> {
        Producer::new(command, Duration::from_secs(20), Arc::default())
    }

    fn run(producer: &Producer) -> Result<(), ProducerError> {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        producer.run(&path("b"), &path("o"), &path("said"))
    }

    #[test]
    fn a_command_is_split_as_a_shell_would_and_names_both_places() {
        let words = producer("'my program' --in={bars} \"--out {out}\"").unwrap().words;
        assert_eq!(words, ["my program", "--in={bars}", "--out {out}"]);
        for (command, problem) in
            [("a {out}", "{bars}"), ("a {bars}", "{out}"), ("", "empty"), ("a '{bars} {out}", "not closed")]
        {
            let error = producer(command).unwrap_err().to_string();
            assert!(error.contains(problem), "{error}");
        }
    }

    #[test]
    fn no_shell_reads_the_command() {
        let error = run(&producer("test '$(exit 0)' = {bars}{out}").unwrap()).unwrap_err();
        assert!(matches!(error, ProducerError::Failed { .. }), "{error}");
    }

    #[test]
    fn a_failure_shows_the_end_of_what_was_said() {
        let error = run(&producer("sh -c 'echo first; echo no such column >&2; exit 3' {bars} {out}").unwrap());
        let text = error.unwrap_err().to_string();
        assert!(text.contains("exit status: 3") && text.ends_with("it said:\n  first\n  no such column"), "{text}");
        let error = run(&producer("true {bars} {out}").unwrap()).unwrap_err().to_string();
        assert_eq!(error, "the producer wrote nothing to {out}");
        let error = run(&producer("/no/such/program {bars} {out}").unwrap()).unwrap_err().to_string();
        assert!(error.contains("'/no/such/program' cannot be started"), "{error}");
    }

    #[test]
    fn a_program_that_takes_too_long_is_ended_with_what_it_started() {
        let folder = tempfile::tempdir().unwrap();
        let mark = folder.path().join("mark");
        let command = format!("sh -c '(sleep 1; touch {}) & wait' {{bars}} {{out}}", mark.display());
        let slow = Producer::new(&command, Duration::from_millis(200), Arc::default()).unwrap();
        assert!(matches!(run(&slow), Err(ProducerError::TimedOut { .. })));
        thread::sleep(Duration::from_millis(1_500));
        assert!(!mark.exists(), "the grandchild lives on");
    }

    #[test]
    fn stopping_ends_the_program() {
        let stop = Arc::new(AtomicBool::new(true));
        let endless = Producer::new("sh -c 'sleep 60' {bars} {out}", Duration::from_secs(60), stop).unwrap();
        let started = Instant::now();
        assert!(matches!(run(&endless), Err(ProducerError::Stopped)));
        assert!(started.elapsed() < Duration::from_secs(5));
    }
}
