use q50_datasets::time::rfc3339;
use thiserror::Error;

/// Why no audit could be made: the request and the ledger do not belong together.
///
/// What is wrong inside the ledger is not an error but a [`Violation`](super::Violation).
#[derive(Clone, Debug, PartialEq, Error)]
#[non_exhaustive]
pub enum AuditError {
    /// No trade belongs to the run.
    #[error("no trade of the run `{run}` (the trades hold {}); name one of them", list(runs))]
    NoTrades {
        /// The run that was asked for.
        run: String,
        /// The runs that there are.
        runs: Vec<String>,
    },
    /// Trades go back in time.
    #[error(
        "trade {trade} of the run is stamped {}, after one at {} (expected ascending times); sort the trades by time",
        rfc3339(*time), rfc3339(*before)
    )]
    OutOfOrder {
        /// Which trade of the run, counted from 1.
        trade: usize,
        /// Its time, epoch milliseconds.
        time: i64,
        /// Time of the trade before, epoch milliseconds.
        before: i64,
    },
    /// No trade falls on a bar.
    #[error(
        "none of the trades, {}, falls on a bar (the bars: {}); give the bars of the run's period",
        span(*trades), bars.map_or_else(|| "none".to_owned(), span)
    )]
    NoTradeOnBars {
        /// First and last trade, epoch milliseconds.
        trades: (i64, i64),
        /// First and last bar, epoch milliseconds; none without bars.
        bars: Option<(i64, i64)>,
    },
    /// The price of a trade lies beyond the last bar.
    #[error(
        "with a price shift of {shift}, the trade at {} takes its price {shift} bars later, but only {after} bars follow \
         (the last opens at {}); give longer bars or a smaller shift",
        rfc3339(*time), rfc3339(*last_bar)
    )]
    ShiftBeyondBars {
        /// The shift, in bars.
        shift: usize,
        /// Time of the first such trade, epoch milliseconds.
        time: i64,
        /// Bars after that trade's.
        after: usize,
        /// Opening of the last bar, epoch milliseconds.
        last_bar: i64,
    },
    /// Cash that is no amount to start with.
    #[error("cash of {cash} (expected an amount above zero); give what the run started with")]
    Cash {
        /// What was given, quote units.
        cash: f64,
    },
    /// Cash from which the first balance does not follow.
    #[error(
        "cash of {cash} contradicts the first balance: the trade at {} leaves what takes {needed} before it; \
         give that amount as cash, if it is what the run started with",
        rfc3339(*time)
    )]
    CashContradicted {
        /// What was given, quote units.
        cash: f64,
        /// What the first trade and its balance need.
        needed: f64,
        /// Time of the first trade, epoch milliseconds.
        time: i64,
    },
    /// A cap that is no share.
    #[error("a cap of {cap} (expected a share of equity above zero, 0.3 for thirty per cent); give that or none")]
    Cap {
        /// What was given.
        cap: f64,
    },
    /// A period without a bar.
    #[error(
        "no bar with a price from {} to {} (the bars with a price: {}); give a period that they cover",
        rfc3339(*from), rfc3339(*to), span(*bars)
    )]
    EmptyPeriod {
        /// First moment, epoch milliseconds.
        from: i64,
        /// Last moment, epoch milliseconds.
        to: i64,
        /// First and last bar that has a price under the shift, epoch milliseconds.
        bars: (i64, i64),
    },
}

fn span((first, last): (i64, i64)) -> String {
    format!("{} to {}", rfc3339(first), rfc3339(last))
}

fn list(runs: &[String]) -> String {
    if runs.is_empty() {
        return "no named run".to_owned();
    }
    runs.iter().map(|run| format!("`{run}`")).collect::<Vec<_>>().join(", ")
}
