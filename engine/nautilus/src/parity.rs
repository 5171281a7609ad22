//! The comparison: one run through the engine's own loop and through NautilusTrader.

use std::fmt::{Display, Formatter};

use q50_engine::{
    portfolio::{Instrument, replay_portfolio},
    replay::replay,
    units::PerPeriodSharpe,
    venue::{NextOpen, PumpSwap, Venue},
};

use crate::{
    books::MirroredLedger,
    check::{check, check_all, check_portfolio},
    comparison::{Comparison, LoopResults, allowed_distance},
    error::RunError,
    run::{Run, VenueSetup},
    second::{SecondRun, run_all, run_at},
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
    /// What became of the orders that the strategy has placed, in which order, in which bar and when.
    Order,
    /// Equity at each close.
    Equity,
    /// NautilusTrader's own account against its own events.
    Account,
}

impl Check {
    /// Every check, in the order of the table.
    pub const ALL: [Self; 9] = [
        Self::Intent,
        Self::Fill,
        Self::Landing,
        Self::Amount,
        Self::Commission,
        Self::Rejection,
        Self::Order,
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
            Self::Order => "order events",
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

/// The outcome of a comparison of several instruments under one account.
#[derive(Clone, Debug)]
pub struct PortfolioValidation {
    /// Each instrument; its equity is the capital plus what it has gained.
    pub each: Vec<Validation>,
    /// Moments at which the equity of the whole was compared: the loop, and NautilusTrader.
    pub moments: [usize; 2],
    /// Moments at which it differs.
    pub differing: usize,
    /// Largest distance between the two equity curves of the whole, quote units.
    pub max_equity_difference: f64,
    /// Equity of the whole at the last close: the loop, and NautilusTrader.
    pub final_equity: [f64; 2],
}

impl PortfolioValidation {
    /// Whether both engines did the same.
    #[must_use]
    pub fn agrees(&self) -> bool {
        self.differing == 0 && self.moments[0] == self.moments[1] && self.each.iter().all(Validation::agrees)
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

/// Runs several instruments under one account in both engines, in this order, and compares them. All have the venue's name,
/// its kind, the quote currency and the capital of the first, which is that of the whole account.
///
/// # Errors
/// A run is refused, or does not fit the others, or the second engine has no result.
pub fn validate_portfolio(runs: &[Run<'_>]) -> Result<PortfolioValidation, RunError> {
    check_portfolio(runs)?;
    let prices: Option<Vec<NextOpen>> =
        runs.iter().map(|run| if let VenueSetup::NextOpen(venue) = run.venue { Some(venue) } else { None }).collect();
    match prices {
        Some(venues) => compare_portfolio(runs, venues.clone(), venues),
        None => {
            let pools: Option<Vec<PumpSwap<'_>>> = runs.iter().map(|run| run.venue.pool(run.market.first)).collect();
            let pools = pools.ok_or_else(|| RunError::Fault("a pool venue has no pool".to_owned()))?;
            let owned = pools.iter().map(|pool| pool.clone().into_owned()).collect();
            compare_portfolio(runs, pools, owned)
        }
    }
}

/// As [`validate_portfolio`], with venues of the caller's own: `first` in the loop, `second` in NautilusTrader.
///
/// # Errors
/// As [`validate_portfolio`].
pub fn compare_portfolio<A, B, L>(
    runs: &[Run<'_>],
    mut first: Vec<A>,
    second: Vec<B>,
) -> Result<PortfolioValidation, RunError>
where
    A: Venue<Ledger = L>,
    B: Venue<Ledger = L> + Send + 'static,
    L: MirroredLedger,
{
    check_portfolio(runs)?;
    let capital = runs[0].capital;
    let mut strategies: Vec<_> = runs.iter().map(|run| run.strategy.prepare(&run.market)).collect();
    let mut each: Vec<LoopResults> = runs.iter().map(|_| LoopResults::default()).collect();
    let parts = runs.iter().zip(&mut strategies).zip(&mut first).zip(&mut each);
    let mut instruments: Vec<_> = parts
        .map(|(((run, strategy), venue), recorder)| Instrument { market: run.market, strategy, venue, recorder })
        .collect();
    let mut whole = LoopResults::default();
    replay_portfolio(&mut instruments, capital, &mut whole);
    let second = run_all(runs, second)?;
    let pool = matches!(runs[0].venue, VenueSetup::PumpSwap { .. });
    let apart: Vec<f64> = whole.equity().iter().zip(&second.equity).map(|(a, b)| (a - b).abs()).collect();
    let differs =
        |(apart, equity): &(&f64, &f64)| apart.is_nan() || **apart > allowed_distance(pool, **equity, capital);
    let differing = apart.iter().zip(whole.equity()).filter(differs).count();
    let last = |equity: &[f64]| equity.last().copied().unwrap_or(capital);
    Ok(PortfolioValidation {
        moments: [whole.equity().len(), second.equity.len()],
        differing,
        max_equity_difference: apart.into_iter().fold(0.0, f64::max),
        final_equity: [last(whole.equity()), last(&second.equity)],
        each: (runs.iter().zip(&each).zip(second.each))
            .map(|((run, first), second)| Comparison::new(run).of(first, second))
            .collect(),
    })
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
