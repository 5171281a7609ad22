//! `q50 lookahead`: does the program that makes the signals know bars that come later?

use std::{
    io::{self, Write},
    path::Path,
    time::Duration,
};

use anyhow::Result;
use q50_research::lookahead::{self, Examination, Lookahead, Producer};

use crate::{
    Answer,
    args::{LookaheadArguments, ProducerRuns, ReplayArguments},
    interrupt, output,
    progress::Steps,
};

pub(crate) fn run(arguments: &LookaheadArguments, quiet: bool) -> Result<Answer> {
    let setup = Examination {
        bars: &arguments.bars,
        signals: arguments.signals.as_ref().unwrap_or(&arguments.bars),
        column: arguments.signal_column.as_deref(),
        delay_ms: arguments.signal_delay.map(milliseconds),
        window: None,
        cuts: arguments.runs.cuts,
        seed: arguments.runs.seed,
    };
    let steps = Steps::start(quiet, arguments.runs.cuts as u64 + lookahead::OTHER_RUNS);
    let found = examined(&setup, &arguments.producer, arguments.runs, &mut |run| steps.next(run))?;
    drop(steps);
    output::print(arguments.format, &found, |out| text(out, &found))?;
    Ok(if found.passes() { Answer::Yes } else { Answer::No })
}

/// The producer of the signals that `q50 verify` replays, cut within the bars of `period`.
pub(super) fn of_replay(
    replay: &ReplayArguments,
    bars: &Path,
    period: (i64, i64),
    command: &str,
    runs: ProducerRuns,
    on_run: &mut dyn FnMut(&str),
) -> Result<Lookahead> {
    let setup = Examination {
        bars,
        signals: replay.signals.first().map_or(bars, |signals| &**signals),
        column: replay.signal_column.as_deref(),
        delay_ms: replay.signal_delay.map(milliseconds),
        window: Some(period),
        cuts: runs.cuts,
        seed: runs.seed,
    };
    examined(&setup, command, runs, on_run)
}

fn milliseconds(seconds: u32) -> i64 {
    i64::from(seconds) * 1_000
}

fn examined(
    setup: &Examination<'_>,
    command: &str,
    runs: ProducerRuns,
    on_run: &mut dyn FnMut(&str),
) -> Result<Lookahead> {
    // Stopped by a signal the examination ends by itself, and leaves neither a process nor a file behind.
    let producer = Producer::new(command, Duration::from_secs(runs.timeout), interrupt::flag()?)?;
    Ok(lookahead::examine(setup, &producer, on_run)?)
}

fn text(out: &mut dyn Write, found: &Lookahead) -> io::Result<()> {
    writeln!(out, "{}", found.producer)?;
    writeln!(out, "compared: {}\n", found.columns.join(", "))?;
    for finding in found.findings() {
        writeln!(out, "{finding}")?;
    }
    let answer = if found.passes() { "no look-ahead found" } else { "not what an honest producer does" };
    writeln!(out, "\nAnswer: {answer}")
}
