//! The comparison: one run through the engine's own loop and through NautilusTrader, side by side.

use std::fmt::{Display, Formatter};

use nautilus_model::enums::OrderSide;
use q50_engine::{
    decision::{Decision, Reason},
    record::Recorder,
    replay::replay,
    strategy::Explanation,
    units::PerPeriodSharpe,
    venue::{Fill, FillSide, Rejection, Venue},
};

use crate::{
    books::{Amounts, Kept},
    check::{check, check_all},
    error::RunError,
    feed::NS_PER_MS,
    run::{Run, VenueSetup},
    scale::{lamports, money},
    second::{SecondRun, run_at},
    terms::Terms,
    wire::ReportedFill,
};

/// Amounts of a price venue agree within this share of themselves, equity within this share of the capital.
const RELATIVE: f64 = 1e-12;
/// Money of a pool agrees within this many SOL.
const LAMPORT: f64 = 1e-9;
/// How many differences are kept.
const SHOWN: usize = 10;

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

/// One line of the parity table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Line {
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
    pub table: Vec<Line>,
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
        self.table.iter().all(|line| line.differing == 0)
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
    L: Kept,
{
    check(run)?;
    let mut loop_tape = LoopTape::default();
    let mut strategy = run.strategy.prepare(&run.market);
    replay(&run.market, &mut strategy, &mut first, run.capital, &mut loop_tape);
    let second = run_at(run, second)?;
    Ok(Comparison::new(run).of(&loop_tape, second))
}

/// What the engine's own loop did.
#[derive(Debug, Default)]
struct LoopTape {
    decisions: Vec<(usize, Decision)>,
    fills: Vec<(Fill, Reason)>,
    rejections: Vec<(usize, Rejection)>,
    equity: Vec<f64>,
}

impl Recorder for LoopTape {
    const WANTS_EXPLANATIONS: bool = false;

    fn begin(&mut self, _: f64) {
        *self = Self::default();
    }

    fn decision(&mut self, row: usize, decision: &Decision, _: Option<Explanation>) {
        self.decisions.push((row, *decision));
    }

    fn fill(&mut self, fill: &Fill, reason: Reason) {
        self.fills.push((*fill, reason));
    }

    fn rejection(&mut self, row: usize, rejection: Rejection) {
        self.rejections.push((row, rejection));
    }

    fn mark(&mut self, _: usize, equity: f64, _: f64) {
        self.equity.push(equity);
    }
}

struct Comparison<'a> {
    run: &'a Run<'a>,
    terms: Terms,
    pool: bool,
    table: Vec<Line>,
    differences: Vec<Difference>,
}

impl<'a> Comparison<'a> {
    fn new(run: &'a Run<'a>) -> Self {
        let table = Check::ALL.map(|check| Line { check, counts: [0, 0], differing: 0 }).to_vec();
        let pool = matches!(run.venue, VenueSetup::PumpSwap { .. });
        Self { run, terms: Terms::new(run), pool, table, differences: Vec::new() }
    }

    fn of(mut self, first: &LoopTape, second: SecondRun) -> Validation {
        self.intents(first, &second);
        self.fills(first, &second);
        self.rejections(first, &second);
        let max_equity_difference = self.equity(first, &second);
        self.account(&second);
        let last = |equity: &[f64]| equity.last().copied().unwrap_or(self.run.capital);
        Validation {
            final_equity: [last(&first.equity), last(&second.equity)],
            sharpe: [sharpe(&first.equity), sharpe(&second.equity)],
            table: self.table,
            differences: self.differences,
            max_equity_difference,
            second,
        }
    }

    fn count(&mut self, check: Check, counts: [usize; 2]) {
        self.table[check as usize].counts = counts;
    }

    fn differ(&mut self, check: Check, row: usize, first: impl ToString, second: impl ToString) {
        self.table[check as usize].differing += 1;
        if self.differences.len() < SHOWN {
            let (first, second) = (first.to_string(), second.to_string());
            self.differences.push(Difference { check, row, first, second });
        }
    }

    fn intents(&mut self, first: &LoopTape, second: &SecondRun) {
        self.count(Check::Intent, [first.decisions.len(), second.decisions.len()]);
        for pair in pairs(&first.decisions, &second.decisions) {
            if let (Some((row, a)), Some((other, b))) = pair
                && row == other
                && same_decision(a, b)
            {
                continue;
            }
            self.differ_by(Check::Intent, pair, |(row, decision)| (*row, format!("{decision:?}")));
        }
    }

    fn differ_by<A>(&mut self, check: Check, pair: (Option<&A>, Option<&A>), show: impl Fn(&A) -> (usize, String)) {
        let (a, b) = (pair.0.map(&show), pair.1.map(&show));
        let row = a.as_ref().or(b.as_ref()).map_or(0, |shown| shown.0);
        let text = |shown: Option<(usize, String)>| shown.map_or_else(|| "nothing".to_owned(), |s| s.1);
        self.differ(check, row, text(a), text(b));
    }

    fn fills(&mut self, first: &LoopTape, second: &SecondRun) {
        let counts = [first.fills.len(), second.fills.len()];
        for check in [Check::Fill, Check::Landing, Check::Amount, Check::Commission] {
            self.count(check, counts);
        }
        for pair in pairs(&first.fills, &second.fills) {
            match pair {
                (Some((fill, reason)), Some(reported)) => self.fill(fill, *reason, reported),
                (Some((fill, reason)), None) => {
                    self.differ(Check::Fill, fill.row, format!("{:?} {}", fill.side, reason.name()), "nothing");
                }
                (None, Some(reported)) => {
                    let shown = format!("{} {}", reported.event.order_side, reported.reason.name());
                    self.differ(Check::Fill, reported.decided_row, "nothing", shown);
                }
                (None, None) => {}
            }
        }
    }

    fn fill(&mut self, fill: &Fill, reason: Reason, reported: &ReportedFill) {
        let row = fill.row;
        let side = match fill.side {
            FillSide::Buy => OrderSide::Buy,
            FillSide::Sell => OrderSide::Sell,
        };
        if (side, reason) != (reported.event.order_side, reported.reason) {
            let second = format!("{} {}", reported.event.order_side, reported.reason.name());
            self.differ(Check::Fill, row, format!("{side} {}", reason.name()), second);
        }
        let (lands, landed) = (fill.time as u64 * NS_PER_MS, reported.event.ts_event.as_u64());
        if lands != landed {
            self.differ(Check::Landing, row, format!("{lands} ns"), format!("{landed} ns"));
        }
        let amounts = Amounts::of(&reported.event);
        if self.pool { self.pool_amounts(fill, amounts) } else { self.price_amounts(fill, amounts) }
    }

    /// To the lamport: NautilusTrader's quantity and price give back the tokens and the quote that moved.
    fn pool_amounts(&mut self, fill: &Fill, amounts: Amounts) {
        let Some(costs) = fill.pool else {
            self.differ(Check::Amount, fill.row, "no exact amounts", format!("{amounts:?}"));
            return;
        };
        let fees = costs.lp.0 + costs.protocol.0 + costs.creator.0;
        let commission = lamports(amounts.commission);
        if commission != Some(fees + costs.network.0) {
            self.differ(Check::Commission, fill.row, fees + costs.network.0, format!("{commission:?}"));
        }
        let notional = match fill.side {
            FillSide::Buy => costs.quote.0.checked_sub(fees),
            FillSide::Sell => costs.quote.0.checked_add(fees),
        };
        let tokens = self.terms.scale.tokens(amounts.quantity);
        let value = tokens.and_then(|tokens| self.terms.scale.lamports(tokens, amounts.price));
        if (Some(costs.tokens.0), notional) != (tokens, value) {
            let first = format!("{} tokens for {notional:?} lamports", costs.tokens.0);
            self.differ(Check::Amount, fill.row, first, format!("{tokens:?} tokens for {value:?} lamports"));
        }
    }

    fn price_amounts(&mut self, fill: &Fill, amounts: Amounts) {
        let scale = self.terms.scale;
        let (units, price) = (scale.units(amounts.quantity as i128), scale.price(amounts.price));
        if !near(fill.units, units, fill.units) || !near(fill.price, price, fill.price) {
            let first = format!("{} at {}", fill.units, fill.price);
            self.differ(Check::Amount, fill.row, first, format!("{units} at {price}"));
        }
        let commission = money(amounts.commission);
        if !near(fill.cost, commission, fill.notional) {
            self.differ(Check::Commission, fill.row, fill.cost, commission);
        }
    }

    fn rejections(&mut self, first: &LoopTape, second: &SecondRun) {
        self.count(Check::Rejection, [first.rejections.len(), second.rejections.len()]);
        // A refusal is heard of at once, and the loop learns of an order that never landed only at its end.
        let by_row = |rejections: &[(usize, Rejection)]| {
            let mut sorted = rejections.to_vec();
            sorted.sort_by_key(|(row, _)| *row);
            sorted
        };
        let (a, b) = (by_row(&first.rejections), by_row(&second.rejections));
        for pair in pairs(&a, &b) {
            if pair.0 != pair.1 {
                self.differ_by(Check::Rejection, pair, |(row, rejection)| (*row, format!("{rejection:?}")));
            }
        }
    }

    fn equity(&mut self, first: &LoopTape, second: &SecondRun) -> f64 {
        self.count(Check::Equity, [first.equity.len(), second.equity.len()]);
        let mut largest = 0.0_f64;
        for (i, (a, b)) in first.equity.iter().zip(&second.equity).enumerate() {
            let distance = (a - b).abs();
            let allowed = if self.pool { LAMPORT } else { RELATIVE * a.abs().max(self.run.capital) };
            if distance > allowed || distance.is_nan() {
                self.differ(Check::Equity, self.run.market.first + i, a, b);
            }
            largest = largest.max(distance);
        }
        largest
    }

    fn account(&mut self, second: &SecondRun) {
        self.count(Check::Account, [1, 1]);
        // NautilusTrader rounds every balance to a float; the books of a price venue are floats themselves.
        let allowed = if self.pool { 0.0 } else { 1e-9 * self.run.capital.max(1.0) };
        if second.account_gap.abs() > allowed || second.account_gap.is_nan() {
            let row = self.run.market.len() - 1;
            self.differ(Check::Account, row, "0 from its events", format!("{} in its account", second.account_gap));
        }
    }
}

fn pairs<'t, A, B>(first: &'t [A], second: &'t [B]) -> impl Iterator<Item = (Option<&'t A>, Option<&'t B>)> {
    (0..first.len().max(second.len())).map(move |i| (first.get(i), second.get(i)))
}

fn near(a: f64, b: f64, size: f64) -> bool {
    (a - b).abs() <= RELATIVE * size.abs()
}

/// Sizes are shares that were computed from two books, so that they may differ in the last digits.
fn same_decision(a: &Decision, b: &Decision) -> bool {
    use q50_engine::decision::{Budget, Order};
    if a.reason() != b.reason() {
        return false;
    }
    match (a, b) {
        (Decision::Hold(_), Decision::Hold(_)) => true,
        (Decision::Act(a), Decision::Act(b)) => match (a.order, b.order) {
            (Order::Buy(Budget::Cash(x)), Order::Buy(Budget::Cash(y)))
            | (Order::Buy(Budget::Equity(x)), Order::Buy(Budget::Equity(y)))
            | (Order::Sell(x), Order::Sell(y))
            | (Order::Short(x), Order::Short(y))
            | (Order::Cover(x), Order::Cover(y)) => near(x.get(), y.get(), x.get()),
            _ => false,
        },
        _ => false,
    }
}

/// Mean over standard deviation (ddof 1) of the returns from one close to the next, in two passes; the engine's summary
/// takes one.
fn sharpe(equity: &[f64]) -> Option<PerPeriodSharpe> {
    let returns: Vec<f64> = equity.windows(2).map(|w| w[1] / w[0] - 1.0).collect();
    if returns.len() < 2 {
        return None;
    }
    let n = returns.len() as f64;
    let mean = returns.iter().sum::<f64>() / n;
    let variance = returns.iter().map(|r| (r - mean).powi(2)).sum::<f64>() / (n - 1.0);
    (variance > 0.0).then(|| PerPeriodSharpe::new(mean / variance.sqrt()))
}
