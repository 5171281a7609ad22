//! The events that a session reports while it runs.

use crate::host::BarSignals;
use crate::journal::{Alarm, Done};
use q50_executor::order::Size;
use serde::{Serialize, Serializer};

/// Something that happened.
#[derive(Clone, Debug, Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Event {
    /// The session begins, or goes on.
    Started {
        /// Hash of its specification.
        session: String,
        /// Whether it goes on.
        goes_on: bool,
        /// Bars that are shown to the strategy and not decided on.
        history: usize,
        /// Decisions that were made before.
        decisions: usize,
    },
    /// A bar closed, and this was decided.
    Decided {
        /// When the bar opened, RFC 3339.
        bar: String,
        /// Its close, SOL for a coin.
        close: f64,
        /// Its signals.
        #[serde(serialize_with = "by_name")]
        signals: BarSignals,
        /// Reason of the decision.
        reason: &'static str,
        /// What it wants done.
        wants: Option<String>,
        /// Free SOL.
        cash: f64,
        /// Coins held, in the smallest unit.
        position: String,
        /// Cash and position, SOL.
        equity: f64,
    },
    /// An order is to be given.
    Wanted {
        /// Its name in the executor's journal.
        key: String,
        /// How much.
        size: Option<Size>,
    },
    /// What became of an order.
    Done {
        /// Its name.
        key: String,
        /// What.
        #[serde(flatten)]
        done: Box<Done>,
    },
    /// The monitor raised an alarm.
    Alarm(Alarm),
    /// Something that is worth a note.
    Note {
        /// What kind.
        kind: &'static str,
        /// What.
        text: String,
    },
    /// The session ends, cleanly.
    Stopped {
        /// Bars that were decided on since it began.
        decisions: usize,
        /// Orders that were given or missed.
        orders: usize,
        /// Opening of the first bar that was decided on, RFC 3339: where a replay begins.
        from: Option<String>,
        /// Units of the coin that it holds: nobody sells them until it goes on.
        holds: String,
    },
}

fn by_name<S: Serializer>(signals: &BarSignals, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_map(signals.iter().map(|(column, value)| (column.name(), value)))
}
