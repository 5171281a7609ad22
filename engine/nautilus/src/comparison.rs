//! Compares what the loop did with what NautilusTrader reported, row by row.

use nautilus_model::enums::OrderSide;
use q50_engine::{
    decision::{Budget, Decision, Order, Reason},
    orders::{Event, Outcome},
    record::Recorder,
    strategy::Explanation,
    units::PerPeriodSharpe,
    venue::{Fill, FillSide, FillTiming, Rejection},
};

use crate::{
    books::Amounts,
    feed::NS_PER_MS,
    parity::{Check, Difference, ParityRow, Validation},
    run::{Run, VenueSetup},
    run_log::ReportedFill,
    scale::{lamports, money},
    second::SecondRun,
    terms::Terms,
};

/// Amounts of a price venue agree within this share of themselves, equity within this share of the capital.
const RELATIVE: f64 = 1e-12;
/// Money of a pool agrees within this many SOL.
const LAMPORT: f64 = 1e-9;
/// How many differences are kept.
const SHOWN: usize = 10;

/// What the engine's own loop did.
#[derive(Debug, Default)]
pub(crate) struct LoopResults {
    decisions: Vec<(usize, Decision)>,
    fills: Vec<(Fill, Reason)>,
    rejections: Vec<(usize, Rejection)>,
    /// What became of placed orders before the record ended, which the loop tells nobody.
    events: Vec<Event>,
    bars: usize,
    equity: Vec<f64>,
}

impl Recorder for LoopResults {
    const EVERY_BAR: bool = true;

    fn begin(&mut self, _: f64, bars: usize) {
        *self = Self { bars, ..Self::default() };
    }

    fn decision(&mut self, row: usize, decision: &Decision, _: Option<Explanation>) {
        self.decisions.push((row, *decision));
    }

    fn event(&mut self, event: &Event) {
        let beside =
            matches!(event.outcome, Outcome::Cut(_) | Outcome::Charged(_) | Outcome::Rejected(Rejection::NoNextBar));
        let ended = self.equity.len() == self.bars;
        if event.order.is_some() && !beside && !ended {
            self.events.push(*event);
        }
        match event.outcome {
            Outcome::Filled(fill) | Outcome::PartiallyFilled(fill) => self.fills.push((fill, event.reason)),
            Outcome::Rejected(rejection) => self.rejections.push((event.decided_row, rejection)),
            _ => {}
        }
    }

    fn mark(&mut self, _: usize, equity: f64, _: f64) {
        self.equity.push(equity);
    }
}

impl LoopResults {
    /// Equity at each mark.
    pub(crate) fn equity(&self) -> &[f64] {
        &self.equity
    }
}

/// How far apart two engines' equity may be where the loop has `equity`.
pub(crate) fn allowed_distance(pool: bool, equity: f64, capital: f64) -> f64 {
    if pool { LAMPORT } else { RELATIVE * equity.abs().max(capital) }
}

/// A comparison in progress.
pub(crate) struct Comparison<'a> {
    run: &'a Run<'a>,
    terms: Terms,
    pool: bool,
    table: Vec<ParityRow>,
    differences: Vec<Difference>,
}

impl<'a> Comparison<'a> {
    pub(crate) fn new(run: &'a Run<'a>) -> Self {
        let table = Check::ALL.map(|check| ParityRow { check, counts: [0, 0], differing: 0 }).to_vec();
        let pool = matches!(run.venue, VenueSetup::PumpSwap { .. });
        Self { run, terms: Terms::new(run, FillTiming::NextOpen), pool, table, differences: Vec::new() }
    }

    pub(crate) fn of(mut self, first: &LoopResults, second: SecondRun) -> Validation {
        self.intents(first, &second);
        self.fills(first, &second);
        self.rejections(first, &second);
        self.events(first, &second);
        let max_equity_difference = self.equity(first, &second);
        self.account(&second);
        let last = |equity: &[f64]| equity.last().copied().unwrap_or(self.run.capital);
        // What comes later may follow from what came first.
        self.differences.sort_by_key(|difference| difference.row);
        self.differences.truncate(SHOWN);
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

    fn differ(&mut self, check: Check, row: usize, first: String, second: String) {
        self.table[check as usize].differing += 1;
        self.differences.push(Difference { check, row, first, second });
    }

    fn intents(&mut self, first: &LoopResults, second: &SecondRun) {
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
        let text = |shown: Option<(usize, String)>| shown.map_or_else(nothing, |s| s.1);
        self.differ(check, row, text(a), text(b));
    }

    fn fills(&mut self, first: &LoopResults, second: &SecondRun) {
        let counts = [first.fills.len(), second.fills.len()];
        for check in [Check::Fill, Check::Landing, Check::Amount, Check::Commission] {
            self.count(check, counts);
        }
        for pair in pairs(&first.fills, &second.fills) {
            match pair {
                (Some((fill, reason)), Some(reported)) => self.fill(fill, *reason, reported),
                (Some((fill, reason)), None) => {
                    self.differ(Check::Fill, fill.row, format!("{:?} {}", fill.side, reason.name()), nothing());
                }
                (None, Some(reported)) => {
                    let shown = format!("{} {}", reported.event.order_side, reported.reason.name());
                    self.differ(Check::Fill, reported.decided_row, nothing(), shown);
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
            self.differ(Check::Amount, fill.row, "no exact amounts".to_owned(), format!("{amounts:?}"));
            return;
        };
        let fees = costs.lp.0 + costs.protocol.0 + costs.creator.0;
        let commission = lamports(amounts.commission);
        if commission != Some(fees + costs.network.0) {
            self.differ(Check::Commission, fill.row, (fees + costs.network.0).to_string(), format!("{commission:?}"));
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
            self.differ(Check::Commission, fill.row, fill.cost.to_string(), commission.to_string());
        }
    }

    fn rejections(&mut self, first: &LoopResults, second: &SecondRun) {
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

    /// Amounts are compared as those of fills.
    fn events(&mut self, first: &LoopResults, second: &SecondRun) {
        self.count(Check::Order, [first.events.len(), second.events.len()]);
        let known = |e: &Event| (e.order, e.reason, e.decided_row, e.row, e.time, kind(&e.outcome));
        for pair in pairs(&first.events, &second.events) {
            if pair.0.map(known) != pair.1.map(known) {
                self.differ_by(Check::Order, pair, |event| (event.row, format!("{event:?}")));
            }
        }
    }

    fn equity(&mut self, first: &LoopResults, second: &SecondRun) -> f64 {
        self.count(Check::Equity, [first.equity.len(), second.equity.len()]);
        let mut largest = 0.0_f64;
        for (i, (a, b)) in first.equity.iter().zip(&second.equity).enumerate() {
            let distance = (a - b).abs();
            if distance > allowed_distance(self.pool, *a, self.run.capital) || distance.is_nan() {
                self.differ(Check::Equity, self.run.market.first + i, a.to_string(), b.to_string());
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
            let found = format!("{} in its account", second.account_gap);
            self.differ(Check::Account, row, "0 from its events".to_owned(), found);
        }
    }
}

/// What happened, without amounts.
fn kind(outcome: &Outcome) -> (&'static str, Option<Rejection>) {
    match outcome {
        Outcome::Accepted => ("accepted", None),
        Outcome::PartiallyFilled(_) => ("partially filled", None),
        Outcome::Cut(_) => ("cut", None),
        Outcome::Charged(_) => ("charged", None),
        Outcome::Funding(_) => ("funding", None),
        Outcome::Filled(_) => ("filled", None),
        Outcome::Rejected(rejection) => ("rejected", Some(*rejection)),
        Outcome::Cancelled => ("cancelled", None),
        Outcome::Expired => ("expired", None),
    }
}

fn nothing() -> String {
    "nothing".to_owned()
}

fn pairs<'t, A, B>(first: &'t [A], second: &'t [B]) -> impl Iterator<Item = (Option<&'t A>, Option<&'t B>)> {
    (0..first.len().max(second.len())).map(move |i| (first.get(i), second.get(i)))
}

fn near(a: f64, b: f64, size: f64) -> bool {
    (a - b).abs() <= RELATIVE * size.abs()
}

/// Sizes are shares that were computed from two books, so that they may differ in the last digits.
fn same_decision(a: &Decision, b: &Decision) -> bool {
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
