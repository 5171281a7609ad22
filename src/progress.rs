//! Progress on stderr, for people only: nothing is drawn where stderr is no terminal.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

/// A spinner that names the step at hand.
#[derive(Debug)]
pub(crate) struct Steps {
    bar: ProgressBar,
}

impl Steps {
    /// Starts the spinner, unless `quiet`.
    pub(crate) fn start(quiet: bool, total: u64) -> Self {
        if quiet {
            return Self { bar: ProgressBar::hidden() };
        }
        let bar = ProgressBar::new(total);
        if let Ok(style) = ProgressStyle::with_template("{spinner} [{elapsed}] {pos}/{len} {msg}") {
            bar.set_style(style);
        }
        bar.enable_steady_tick(Duration::from_millis(100));
        Self { bar }
    }

    /// Goes on to the next step.
    pub(crate) fn next(&self, name: &str) {
        self.say(name);
        self.bar.inc(1);
    }

    /// Says more about the step at hand.
    pub(crate) fn say(&self, what: &str) {
        tracing::info!("{what}");
        self.bar.set_message(what.to_owned());
    }
}

impl Drop for Steps {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}

/// A bar that counts sets, replays or transactions, with the time that is left.
#[derive(Debug)]
pub(crate) struct Sets {
    bar: ProgressBar,
}

impl Sets {
    /// Starts the bar at `total` sets to come, unless `quiet`.
    pub(crate) fn start(quiet: bool, total: u64) -> Self {
        Self::counting("sets", quiet, total)
    }

    /// Starts a bar that counts something else; its total is told by [`Sets::done_of`].
    pub(crate) fn of_replays(quiet: bool) -> Self {
        Self::counting("replays", quiet, 0)
    }

    /// Starts a bar that counts candidates; its total is told by [`Sets::done_of`].
    pub(crate) fn of_candidates(quiet: bool) -> Self {
        Self::counting("candidates", quiet, 0)
    }

    /// Starts a bar that counts transactions of a chain; its total is told by [`Sets::done_of`].
    #[cfg(feature = "live")]
    pub(crate) fn of_transactions(quiet: bool) -> Self {
        Self::counting("transactions", quiet, 0)
    }

    fn counting(what: &'static str, quiet: bool, total: u64) -> Self {
        if quiet {
            return Self { bar: ProgressBar::hidden() };
        }
        let bar = ProgressBar::new(total);
        let style = format!("{{bar:40}} {{pos}}/{{len}} {what}, {{per_sec}}, {{elapsed}} gone, {{eta}} to go");
        if let Ok(style) = ProgressStyle::with_template(&style) {
            bar.set_style(style);
        }
        Self { bar }
    }

    /// So many sets are done.
    pub(crate) fn done(&self, sets: u64) {
        self.bar.set_position(sets);
    }

    /// So many of so many are done.
    pub(crate) fn done_of(&self, done: u64, total: u64) {
        self.bar.set_length(total);
        self.bar.set_position(done);
    }
}

impl Drop for Sets {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}

/// A line about what goes on, below what is printed.
#[cfg(feature = "live")]
#[derive(Debug)]
pub(crate) struct Status {
    bar: ProgressBar,
}

#[cfg(feature = "live")]
impl Status {
    /// Starts the line, unless `quiet`.
    pub(crate) fn start(quiet: bool) -> Self {
        let bar = if quiet { ProgressBar::hidden() } else { ProgressBar::new_spinner() };
        bar.enable_steady_tick(Duration::from_millis(250));
        Self { bar }
    }

    /// Says what goes on, where anybody sees it.
    pub(crate) fn say(&self, what: impl FnOnce() -> String) {
        if !self.bar.is_hidden() {
            self.bar.set_message(what());
        }
    }

    /// Prints without the line.
    pub(crate) fn aside<T>(&self, print: impl FnOnce() -> T) -> T {
        self.bar.suspend(print)
    }
}

#[cfg(feature = "live")]
impl Drop for Status {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}
