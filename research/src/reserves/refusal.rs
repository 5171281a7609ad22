//! Why reserves are not inferred: each reason with the number found and the limit it broke.

use std::fmt;

use q50_datasets::time::rfc3339;
use thiserror::Error;

/// All reasons against one tape, at least one.
#[derive(Clone, Debug, PartialEq)]
pub struct Refusal {
    reasons: Vec<Reason>,
}

impl Refusal {
    pub(super) const fn new(reasons: Vec<Reason>) -> Self {
        Self { reasons }
    }

    /// What speaks against the tape: faults of its order and its holes first, then what the fit says.
    #[must_use]
    pub fn reasons(&self) -> &[Reason] {
        &self.reasons
    }

    /// The settings or the amounts make no sense, whatever the pool.
    #[must_use]
    pub fn is_bad_input(&self) -> bool {
        self.any(|reason| matches!(reason, Reason::Setting { .. } | Reason::Amount { .. } | Reason::OutOfOrder { .. }))
    }

    /// There are too few trades.
    #[must_use]
    pub fn is_too_few(&self) -> bool {
        self.any(|reason| matches!(reason, Reason::TooFew { .. }))
    }

    /// Trades are missing, or may be.
    #[must_use]
    pub fn is_gap(&self) -> bool {
        self.any(|reason| matches!(reason, Reason::Hole { .. } | Reason::Break { .. }))
    }

    /// The trades are not those of a constant product: the residual says so.
    #[must_use]
    pub fn is_not_constant_product(&self) -> bool {
        self.any(|reason| matches!(reason, Reason::Residual { .. }))
    }

    /// Liquidity came or went.
    #[must_use]
    pub fn is_liquidity_event(&self) -> bool {
        self.any(|reason| matches!(reason, Reason::DepthShift { .. }))
    }

    fn any(&self, is: impl Fn(&Reason) -> bool) -> bool {
        self.reasons.iter().any(is)
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("no reserves from these trades")?;
        for (index, reason) in self.reasons.iter().enumerate() {
            write!(f, "{} {reason}", if index == 0 { ":" } else { ";" })?;
        }
        Ok(())
    }
}

impl std::error::Error for Refusal {}

/// One reason. Trades are counted from 1 in its text and from 0 in its fields.
#[derive(Clone, Debug, PartialEq, Error)]
#[non_exhaustive]
pub enum Reason {
    /// A setting is outside its range.
    #[error("`{name}` is {value}, where {wanted} is needed")]
    Setting {
        /// Its name.
        name: &'static str,
        /// What was given.
        value: f64,
        /// What it must be.
        wanted: &'static str,
    },
    /// An amount is not a finite number above zero.
    #[error("trade {} has {sol} SOL for {token} tokens, where amounts above zero are needed", trade + 1)]
    Amount {
        /// The trade.
        trade: usize,
        /// Its SOL.
        sol: f64,
        /// Its tokens.
        token: f64,
    },
    /// The trades are not in the order of the chain.
    #[error("trade {} (block {block}) stands after one of block {before}: sort by block and seq", trade + 1)]
    OutOfOrder {
        /// The trade that comes too late.
        trade: usize,
        /// Its block.
        block: u64,
        /// The block of the trade before it.
        before: u64,
    },
    /// Fewer trades than windows on both sides of a liquidity event need.
    #[error("{found} trades, where at least {needed} are needed")]
    TooFew {
        /// Trades that there are.
        found: usize,
        /// Trades that are needed.
        needed: usize,
    },
    /// Consecutive trades lie so far apart that trades between them may be missing.
    #[error(
        "{holes} holes of more than {limit} blocks, the longest of {longest} blocks before trade {} ({})",
        trade + 1, rfc3339(*ts_ms)
    )]
    Hole {
        /// How many.
        holes: usize,
        /// The longest, in blocks.
        longest: u64,
        /// The trade after the longest.
        trade: usize,
        /// When that trade was, epoch milliseconds.
        ts_ms: i64,
        /// Longest distance allowed, in blocks.
        limit: u64,
    },
    /// Consecutive trades have the same block and `seq`: which came first is not known.
    #[error("{tied} of {steps} steps join trades of the same block and seq, so the order is not known (limit {:.0} %)", limit * 100.0)]
    UnknownOrder {
        /// Steps between trades of equal position.
        tied: usize,
        /// All steps.
        steps: usize,
        /// Largest share allowed, a fraction.
        limit: f64,
    },
    /// Nearly all trades go one way, where the fee cannot be told from the price.
    #[error("{buys} buys and {sells} sells: to profile the fee, the rarer needs {:.0} % of the trades; state the fee", needed * 100.0)]
    OneSided {
        /// Buys.
        buys: usize,
        /// Sells.
        sells: usize,
        /// Smallest share of the rarer side, a fraction.
        needed: f64,
    },
    /// No window without a hole, or none that any reserves could have paid out.
    #[error("no window of {window} trades can be fitted")]
    NoWindow {
        /// Trades in a window.
        window: usize,
    },
    /// The windows fit ever better with a higher fee.
    #[error("no fee up to {highest} bps fits best")]
    NoFee {
        /// The highest fee tried, basis points.
        highest: f64,
    },
    /// The typical window does not fit: the pool is not constant product, or its trades are not all here in order.
    #[error("the median residual is {found:.1} bps over {windows} windows (limit {limit} bps): no constant product")]
    Residual {
        /// Median over windows of the median absolute residual, basis points.
        found: f64,
        /// Windows fitted.
        windows: usize,
        /// Limit, basis points.
        limit: f64,
    },
    /// One window does not fit: between its trades others are missing, or liquidity came or went.
    #[error(
        "the window from trade {} ({}) has a median residual of {found:.1} bps (limit {limit} bps): trades are missing \
         or liquidity changed there",
        trade + 1, rfc3339(*ts_ms)
    )]
    Break {
        /// The first trade of the worst window.
        trade: usize,
        /// When that trade was, epoch milliseconds.
        ts_ms: i64,
        /// Its median absolute residual, basis points.
        found: f64,
        /// Limit, basis points.
        limit: f64,
    },
    /// The depth before and after a trade differs: liquidity came or went.
    #[error("the depth (root of x y) changes {} about trade {} ({}; limit {limit})", times(*factor), trade + 1, rfc3339(*ts_ms))]
    DepthShift {
        /// The first trade after the change, to within a window.
        trade: usize,
        /// When that trade was, epoch milliseconds.
        ts_ms: i64,
        /// Depth after over depth before.
        factor: f64,
        /// Largest factor allowed, either way.
        limit: f64,
    },
    /// The windows do not agree on a depth: the trades hardly move the price, or the record is too coarse.
    #[error(
        "depth is not identified: the quartiles of the windows are {low:.4} and {high:.4} times the median (limit {limit})"
    )]
    Unidentified {
        /// Lower quartile over median.
        low: f64,
        /// Upper quartile over median.
        high: f64,
        /// Largest upper over lower quartile allowed.
        limit: f64,
    },
    /// The recorded flows take out more than the inferred reserves hold.
    #[error("the reserves run out at trade {}", trade + 1)]
    Drained {
        /// The trade.
        trade: usize,
    },
}

/// A factor as text. Where a window's trades tell no depth, it can have any size, and its digits mean nothing.
fn times(factor: f64) -> String {
    match factor {
        f if f > 1e3 => "more than a thousandfold".to_owned(),
        f if f < 1e-3 => "to less than a thousandth".to_owned(),
        f => format!("by a factor of {f:.2}"),
    }
}
