//! The comparison: one run through the engine's own loop and through NautilusTrader, side by side.

use std::fmt::{Display, Formatter};

use q50_engine::{replay::replay, units::PerPeriodSharpe, venue::Venue};

use crate::{
    books::MirroredLedger,
    check::{check, check_all},
    comparison::{Comparison, LoopResults},
    error::RunError,
    run::{Run, VenueSetup},
    second::{SecondRun, run_at},
};

/// What is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Check {
    /// The decision at each row: order and reason, or hold and reason.
    Intent,
    /// Order, reason and side of each fill.
    Fill,
    /// Nanoseconds at which it landed.
    Landing,
    /// What moved: tokens and lamports on a pool, units and price on a price venue.
    Amount,
    /// Fees.
    Commission,
    /// Orders that were not filled, and why.
    Rejection,
    /// Equity at each close.
    Equity,
    /// NautilusTrader's own account against its own events.
    Account,
}

impl Check {
    /// Every check, in the order of the table.
    pub const ALL: [Self; 8] = [
        Self::Intent,
        Self::Fill,
        Self::Landing,
        Self::Amount,
        Self::Commission,
        Self::Rejection,
        Self::Equity,
        Self::Account,
    ];

    /// Name in tables.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Intent => "intents",
            Self::Fill => "fills",
            Self::Landing => "landing times",
            Self::Amount => "amounts",
            Self::Commission => "commissions",
            Self::Rejection => "rejections",
            Self::Equity => "equity",
            Self::Account => "account",
        }
    }
}

/// One row of the parity table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ParityRow {
    /// What was compared.
    pub check: Check,
    /// How many there are in the engine's own loop, and in NautilusTrader.
    pub counts: [usize; 2],
    /// How many differ; what only one of them has differs.
    pub differing: usize,
}

/// Something on which the two engines disagree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// What was compared.
    pub check: Check,
    /// Row of the market: of the decision for orders, of the close for equity.
    pub row: usize,
    /// What the engine's own loop has.
    pub first: String,
    /// What NautilusTrader has.
    pub second: String,
}

impl Display for Difference {
    fn fmt(&self, f: &mut Formatter<'_>) -> std::fmt::Result {
        let Self { check, row, first, second } = self;
        write!(f, "{} at row {row}: {first} in the loop, {second} in NautilusTrader", check.name())
    }
}

/// The outcome of a comparison.
#[derive(Clone, Debug)]
pub struct Validation {
    /// The parity table.
    pub table: Vec<ParityRow>,
    /// The first differences, at most ten.
    pub differences: Vec<Difference>,
    /// Largest distance between the two equity curves, quote units.
    pub max_equity_difference: f64,
    /// Equity at the last close: the engine's own loop, and NautilusTrader.
    pub final_equity: [f64; 2],
    /// Sharpe ratio per period of both curves, each from its own; `None` where it is undefined.
    pub sharpe: [Option<PerPeriodSharpe>; 2],
    /// What the second engine did, with its reports.
    pub second: SecondRun,
}

impl Validation {
    /// Whether both engines did the same.
    #[must_use]
    pub fn agrees(&self) -> bool {
        self.table.iter().all(|row| row.differing == 0)
    }
}

/// Runs `run` in both engines and compares them.
///
/// # Errors
/// The run is refused, or the second engine has no result.
pub fn validate(run: &Run<'_>) -> Result<Validation, RunError> {
    check(run)?;
    match run.venue {
        VenueSetup::NextOpen(venue) => compare(run, venue, venue),
        VenueSetup::PumpSwap { .. } => match run.venue.pool(run.market.first) {
            Some(pool) => compare(run, pool.clone(), pool.into_owned()),
            None => Err(RunError::Fault("a pool venue has no pool".to_owned())),
        },
    }
}

/// Validates several runs, one after the other.
///
/// # Errors
/// Two venues have one name, or as [`validate`].
pub fn validate_all(runs: &[Run<'_>]) -> Result<Vec<Validation>, RunError> {
    check_all(runs)?;
    runs.iter().map(validate).collect()
}

/// As [`validate`], with venues of the caller's own: `first` in the loop, `second` in NautilusTrader. With two that
/// differ it shows what the comparison sees.
///
/// # Errors
/// As [`validate`].
pub fn compare<A, B, L>(run: &Run<'_>, mut first: A, second: B) -> Result<Validation, RunError>
where
    A: Venue<Ledger = L>,
    B: Venue<Ledger = L> + Send + 'static,
    L: MirroredLedger,
{
    check(run)?;
    let mut loop_results = LoopResults::default();
    let mut strategy = run.strategy.prepare(&run.market);
    replay(&run.market, &mut strategy, &mut first, run.capital, &mut loop_results);
    let second = run_at(run, second)?;
    Ok(Comparison::new(run).of(&loop_results, second))
}
