//! The `q50` command: arguments become a validated configuration and one call. No logic of its own.
//!
//! A program that adds a strategy is this command with one more name for `--strategy`: it registers the strategy and calls
//! [`run`]. `examples/moving_average.rs` is such a program.

mod args;
mod catalog;
pub mod cluster;
mod commands;
mod configuration;
pub mod host;
mod interrupt;
mod output;
mod progress;
mod record;
mod sources;
mod table;
mod usage;

use std::process::ExitCode;

use cluster::Cluster;
pub use q50_engine as engine;
use q50_engine::strategy::Registry;

/// Done, and the answer is yes, or there was no question.
const DONE: u8 = 0;
/// Done, and the answer is no.
const ANSWER_IS_NO: u8 = 1;
/// It could not be done.
const FAILED: u8 = 2;

/// What a command came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    /// The answer is yes, or there was no question.
    Yes,
    /// A check failed, a defect was found, a gate refused.
    No,
}

/// Runs the command that was typed, with these strategies.
///
/// # Panics
/// Strategies were registered before.
#[must_use]
pub fn run(strategies: Registry) -> ExitCode {
    run_with(strategies, None)
}

fn run_with(strategies: Registry, cluster: Option<&dyn Cluster>) -> ExitCode {
    strategies.with_written::<q50_language::FileStrategy>().install();
    sources::install();
    let arguments = args::Arguments::read();
    output::start_log(&arguments.log);
    match commands::run(&arguments, cluster) {
        Ok(Answer::Yes) => ExitCode::from(DONE),
        Ok(Answer::No) => ExitCode::from(ANSWER_IS_NO),
        Err(error) if output::is_broken_pipe(&error) => ExitCode::from(DONE),
        Err(error) => {
            output::print_error(&error);
            ExitCode::from(FAILED)
        }
    }
}
