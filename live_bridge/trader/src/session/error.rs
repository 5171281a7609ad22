//! Why a session ends.

use crate::clock_watch::ClockError;
use crate::execution::ExecutionError;
use crate::feed::FeedError;
use crate::history::HistoryError;
use crate::journal::JournalError;
use crate::signal_file::SignalFileError;
use q50_engine::strategy::ConfigError;
use std::path::PathBuf;
use thiserror::Error;

/// Why a session ends. What is open stays open, and the next start settles it.
#[derive(Debug, Error)]
pub enum SessionError {
    /// No bars.
    #[error(transparent)]
    Feed(#[from] FeedError),
    /// Its history is another one.
    #[error(transparent)]
    History(#[from] HistoryError),
    /// No signals.
    #[error(transparent)]
    Signals(#[from] SignalFileError),
    /// Nothing can be kept.
    #[error("session.sqlite: {0}")]
    Journal(#[from] JournalError),
    /// What became of an order is not known.
    #[error(transparent)]
    Execution(#[from] ExecutionError),
    /// The strategy cannot be fed.
    #[error(transparent)]
    Strategy(#[from] ConfigError),
    /// The strategy does more than decide.
    #[error("the strategy places orders of its own, and a session carries out those of decisions only")]
    PlacesOrders,
    /// What trades were held against is gone.
    #[error(
        "the session's folder has lost `promoted`, the backtest's tables that trades were held against; put them back, or begin \
         another session with --out"
    )]
    NoReference,
    /// Its journal is older than the executor's, or another one's.
    #[error(
        "order {key} is {there} in {executor:?} and {here} in session.sqlite: one of the two is an old copy; put back the one that \
         belongs to the other, or begin another session with --out. Nothing was sent"
    )]
    NotOneStory {
        /// The order.
        key: String,
        /// What the executor says of it.
        there: &'static str,
        /// The executor's journal.
        executor: PathBuf,
        /// What the session says of it.
        here: &'static str,
    },
    /// This machine's clock was set.
    #[error(transparent)]
    Clock(#[from] ClockError),
    /// What it holds is gone.
    #[error(
        "the session holds {expected} units of the coin, and the wallet {found}: they were sold (q50 close) or moved away. Begin \
         another session with --out; nothing was sent"
    )]
    Gone {
        /// What it holds.
        expected: u64,
        /// What the wallet has.
        found: u64,
    },
    /// The strategy is another one.
    #[error(
        "the strategy decides otherwise than it did: at the bar of {bar} it said {was}, and now says {is}; go on with the q50 that \
         began this session, or begin another with --out"
    )]
    Otherwise {
        /// The bar.
        bar: String,
        /// Then.
        was: String,
        /// Now.
        is: String,
    },
}
