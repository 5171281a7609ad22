//! Refusals before a run, and errors during one.

use q50_engine::strategy::ConfigError;
use thiserror::Error;

/// A run that is refused before it starts, because it would measure nothing or something else.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum InputError {
    /// There is nothing to trade.
    #[error("the window has {bars} bars from row {first} on, expected 1 or more; choose an earlier first row")]
    Empty {
        /// Rows of the market.
        bars: usize,
        /// First row that is traded.
        first: usize,
    },
    /// A column has another length than the opening times.
    #[error("column '{column}' has {rows} rows for {bars} bars; give one row a bar")]
    Column {
        /// The column.
        column: &'static str,
        /// Its rows.
        rows: usize,
        /// Bars.
        bars: usize,
    },
    /// The strategy lacks a column.
    #[error(transparent)]
    Strategy(#[from] ConfigError),
    /// No bar of the window has a signal.
    #[error(
        "column '{column}' has no value from row {first} on, and the strategy trades on it; give signals of this period"
    )]
    NoSignals {
        /// The column.
        column: &'static str,
        /// First row that is traded.
        first: usize,
    },
    /// The signals end before the bars.
    #[error(
        "column '{column}' ends at row {last} and the bars at row {end}; cut the bars to {} rows, or give later signals",
        last + 1
    )]
    SignalsEnd {
        /// The column.
        column: &'static str,
        /// Its last row with a value.
        last: usize,
        /// Last row of the bars.
        end: usize,
    },
    /// A time is unusable.
    #[error("row {row}: the bar opens at {found} ms, expected {expected}; sort, repair or cut the bars")]
    Time {
        /// Row of the bar, from 0.
        row: usize,
        /// Its opening time.
        found: i64,
        /// What is expected.
        expected: String,
    },
    /// The interval is not positive.
    #[error("the interval is {0} ms, expected 1 or more")]
    Interval(i64),
    /// A price is no positive number.
    #[error("row {row}: {column} is {found}, expected a finite price above 0; repair or cut the bars")]
    Price {
        /// Row of the bar, from 0.
        row: usize,
        /// The column.
        column: &'static str,
        /// What it is.
        found: String,
    },
    /// The capital is unusable.
    #[error("the capital is {found}, expected more than 0 and at most {most}; state it in whole quote units")]
    Capital {
        /// What it is.
        found: String,
        /// Largest amount that is exact in both engines.
        most: &'static str,
    },
    /// The strategy sells short, and the venue has no short side.
    #[error("the strategy sells short and {venue} has no short side; set allow_short = false, or {remedy}")]
    Short {
        /// The venue.
        venue: &'static str,
        /// What else to do.
        remedy: &'static str,
    },
    /// The strategy rests orders on a pool.
    #[error(
        "the strategy closes positions inside a bar and a pool has no resting orders; set exits.trigger = \"close\", and in a \
         file write stop_loss and take_profit as {{type: none}} and give them in exits"
    )]
    Resting,
    /// The path is not that of the bars.
    #[error("{rows} rows of reserves for {bars} bars: the path has a gap; give one row a bar")]
    Path {
        /// Rows of the path.
        rows: usize,
        /// Bars.
        bars: usize,
    },
    /// NautilusTrader does not know the quote currency.
    #[error("quote currency '{code}' is unknown to NautilusTrader {expected}")]
    Currency {
        /// The code.
        code: String,
        /// What is expected and what to do.
        expected: &'static str,
    },
    /// A name is no identifier.
    #[error("{what} is '{found}', expected 1 to 24 letters or digits")]
    Name {
        /// Which name.
        what: &'static str,
        /// What it is.
        found: String,
    },
    /// What is bought is what it is paid with.
    #[error("base and quote are both '{0}': two currencies are traded against each other; rename the base")]
    OneCurrency(String),
    /// A portfolio is empty.
    #[error("there is no instrument, expected 1 or more")]
    NoInstrument,
    /// Two instruments of one account trade the same base.
    #[error("two instruments trade '{0}'; one account has one position in it: rename one")]
    TwoBases(String),
    /// Instruments of one account do not share it.
    #[error("{what} of '{base}' is not that of the first instrument, and they share one account; give the same")]
    OneAccount {
        /// What differs.
        what: &'static str,
        /// The instrument's base.
        base: String,
    },
    /// Two runs of one comparison have the same venue name.
    #[error("two venues are named '{0}'; their tables could not be told apart: rename one")]
    TwoVenues(String),
}

/// Why there is no result.
#[derive(Debug, Error)]
pub enum RunError {
    /// The run is refused.
    #[error(transparent)]
    Input(#[from] InputError),
    /// NautilusTrader refused a step of the run.
    #[error("NautilusTrader could not {step}: {message}")]
    Engine {
        /// Which step.
        step: &'static str,
        /// Its own words.
        message: String,
    },
    /// Something happened in the run that its components cannot have meant.
    #[error("the run is not to be trusted: {0}")]
    Fault(String),
    /// NautilusTrader or a component panicked; the thread and all that lived on it is gone.
    #[error("the second engine panicked: {0}")]
    Panicked(String),
}

impl RunError {
    pub(crate) fn engine(step: &'static str) -> impl FnOnce(anyhow::Error) -> Self {
        move |error| Self::Engine { step, message: format!("{error:#}") }
    }
}
