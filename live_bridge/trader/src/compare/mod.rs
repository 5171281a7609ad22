//! A backtest and the live session that was to do the same, laid beside each other: decisions, orders, fills, time, money.

/// A backtest.
mod backtest;
/// Why a fill differs.
mod parts;
/// A session.
mod record;
/// The replay of a session's own record.
mod replayed;
/// Middle and tail of a series.
mod stages;

pub use backtest::{Backtest, ReplayedDecision, ReplayedFill};
pub use parts::{Amount, Outcome, Parts, ReplayVenue};
pub use record::Record;
pub use stages::{Latency, Slippage, Stage};

use crate::journal::{DecisionRow, JournalError, OrderRow, State};
use crate::spec::Mode;
use q50_datasets::time::rfc3339;
use q50_engine::units::{Lamports, TokenAmount};
use q50_engine::venue::pool_path::Reserves;
use q50_executor::order::Size;
use q50_pumpswap::chain::SwapEvent;
use q50_research::inference::StationaryBootstrap;
use q50_research::metrics::sharpe;
use serde::Serialize;
use std::collections::BTreeMap;
use std::path::PathBuf;
use thiserror::Error;

/// Differences that are named one by one.
const NAMED: usize = 20;
/// Of the backtest's Sharpe ratio, how far the live one may be from it.
const CLOSE: f64 = 0.1;

/// Two that cannot be compared.
#[derive(Debug, Error)]
pub enum CompareError {
    /// No backtest.
    #[error("{path:?} is no backtest that q50 verify wrote: {problem}")]
    NoBacktest {
        /// The file.
        path: PathBuf,
        /// Why not.
        problem: String,
    },
    /// No session.
    #[error("{path:?} is no session that q50 live kept: {problem}")]
    NoSession {
        /// The file.
        path: PathBuf,
        /// Why not.
        problem: String,
    },
    /// Its record cannot be replayed.
    #[error("the session's record cannot be replayed: {problem}")]
    NoReplay {
        /// Why not.
        problem: String,
    },
    /// They have no bar in common.
    #[error("backtest and session have no bar in common: the backtest begins at {backtest}, the session at {session}")]
    Apart {
        /// First bar of the backtest.
        backtest: String,
        /// First bar of the session.
        session: String,
    },
    /// The session's file.
    #[error("session.sqlite: {0}")]
    Journal(#[from] JournalError),
    /// The log of the pool.
    #[error("collection.sqlite: {0}")]
    Store(#[from] q50_collector::store::StoreError),
    /// A table.
    #[error(transparent)]
    Data(#[from] q50_datasets::Error),
}

/// A decision that differs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Difference {
    /// Opening of its bar.
    pub bar: String,
    /// Reason in the backtest.
    pub backtest: String,
    /// Reason in the session.
    pub live: String,
}

/// Decisions side by side.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Decisions {
    /// Bars that both decided on.
    pub compared: usize,
    /// Those that they decided differently on.
    pub differing: usize,
    /// The first of them.
    pub differences: Vec<Difference>,
}

/// An order that was not filled.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Unfilled {
    /// Opening of the bar that it was decided on.
    pub bar: String,
    /// What became of it.
    pub state: State,
    /// Why.
    pub why: Option<String>,
}

/// Orders of the session.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Orders {
    /// All.
    pub attempted: usize,
    /// Those that were filled.
    pub filled: usize,
    /// How many became what.
    pub states: BTreeMap<&'static str, usize>,
    /// The first of those that were not filled.
    pub unfilled: Vec<Unfilled>,
}

/// A fill in both.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Pair {
    /// Opening of the bar that both were decided on.
    pub bar: String,
    /// `buy` or `sell`.
    pub side: &'static str,
    /// Coins and lamports in the backtest.
    pub backtest: [String; 2],
    /// Coins and lamports in the session.
    pub live: [String; 2],
    /// Why they differ; none where no transaction of the session says on what pool it was filled.
    pub parts: Option<Parts>,
}

/// Fills side by side.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Fills {
    /// In both.
    pub matched: usize,
    /// In the session alone.
    pub live_only: usize,
    /// In the backtest alone.
    pub backtest_only: usize,
    /// All parts together.
    pub total: Parts,
    /// Each.
    pub pairs: Vec<Pair>,
}

/// Money on the bars that both have.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Money {
    /// Bars.
    pub bars: usize,
    /// Return of the backtest, a fraction.
    pub backtest_return: Option<f64>,
    /// Return of the session.
    pub live_return: Option<f64>,
    /// Annual Sharpe ratio of the backtest.
    pub backtest_sharpe: Option<f64>,
    /// Of the session.
    pub live_sharpe: Option<f64>,
    /// 95 % interval of the session's less the backtest's.
    pub sharpe_difference_ci95: Option<[f64; 2]>,
    /// Whether the session's is within 10 % of the backtest's.
    pub is_close: Option<bool>,
}

/// The whole.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Comparison {
    /// `q50.compare/1`.
    pub schema: &'static str,
    /// Whether they did the same, as far as they can: every decision, every fill that the backtest had, nothing unexplained.
    pub parity: bool,
    /// Run of the backtest.
    pub backtest: String,
    /// Hash of the session's specification.
    pub session: String,
    /// What became of the session's orders.
    pub mode: Mode,
    /// Opening of the first bar that both decided on.
    pub from: String,
    /// Of the last.
    pub to: String,
    /// Decisions.
    pub decisions: Decisions,
    /// Orders.
    pub orders: Orders,
    /// Fills.
    pub fills: Fills,
    /// Time.
    pub latency: Latency,
    /// How much worse than quoted.
    pub slippage: Slippage,
    /// Money.
    pub money: Money,
    /// Equity at the close of each bar that both have: the bar's opening, the backtest's, the session's, SOL.
    #[serde(skip)]
    pub equity: Vec<(i64, [f64; 2])>,
    /// Capital of the session, SOL.
    pub capital: f64,
}

impl Comparison {
    /// Lays the two beside each other, on the bars that both decided on.
    ///
    /// # Errors
    /// [`CompareError::Apart`] where there is none.
    pub fn of(backtest: &Backtest, record: &Record) -> Result<Self, CompareError> {
        let replayed: BTreeMap<i64, &str> =
            backtest.decisions.iter().map(|made| (made.bar_ms, made.reason.as_str())).collect();
        let both: Vec<(&DecisionRow, &str)> =
            record.decisions.iter().filter_map(|live| Some((live, *replayed.get(&live.bar_ms)?))).collect();
        let (Some((first, _)), Some((last, _))) = (both.first(), both.last()) else {
            let session = record.decisions.first().map_or_else(|| "no bar".to_owned(), |live| rfc3339(live.bar_ms));
            return Err(CompareError::Apart { backtest: rfc3339(backtest.from_ms), session });
        };
        let window = first.bar_ms..=last.bar_ms;
        let mut decisions = Decisions { compared: both.len(), ..Decisions::default() };
        for (live, reason) in both.iter().filter(|(live, reason)| live.reason != *reason) {
            decisions.differing += 1;
            if decisions.differences.len() < NAMED {
                let (bar, backtest, live) = (rfc3339(live.bar_ms), (*reason).to_owned(), live.reason.clone());
                decisions.differences.push(Difference { bar, backtest, live });
            }
        }
        // What was decided at the last bar lands in a bar that the backtest does not have.
        let orders: Vec<&OrderRow> =
            record.orders.iter().filter(|order| window.contains(&order.bar_ms) && order.bar_ms < last.bar_ms).collect();
        let fills = fills(backtest, record, &orders, window);
        let equity = equity(backtest, &both);
        let parity =
            decisions.differing == 0 && fills.backtest_only + fills.live_only == 0 && fills.total.unexplained == 0;
        Ok(Self {
            schema: "q50.compare/1",
            parity,
            backtest: backtest.run_id.clone(),
            session: record.id.clone(),
            mode: record.spec.mode,
            from: rfc3339(first.bar_ms),
            to: rfc3339(last.bar_ms),
            decisions,
            orders: told(&orders),
            fills,
            latency: Latency::of(record, &orders),
            slippage: Slippage::of(&orders),
            money: money(backtest, &equity),
            equity,
            capital: record.spec.settings.capital,
        })
    }
}

fn told(orders: &[&OrderRow]) -> Orders {
    let mut told = Orders { attempted: orders.len(), ..Orders::default() };
    for order in orders {
        *told.states.entry(order.done.state.name()).or_default() += 1;
        if order.done.state == State::Filled {
            told.filled += 1;
        } else if told.unfilled.len() < NAMED {
            let (bar, state, why) = (rfc3339(order.bar_ms), order.done.state, order.done.why.clone());
            told.unfilled.push(Unfilled { bar, state, why });
        }
    }
    told
}

fn fills(backtest: &Backtest, record: &Record, orders: &[&OrderRow], window: std::ops::RangeInclusive<i64>) -> Fills {
    let mut fills = Fills::default();
    let filled = || orders.iter().filter(|order| order.done.state == State::Filled);
    // Of the orders of a bar the first is the strategy's; what is sold between bars comes after it.
    let mut live: BTreeMap<i64, &OrderRow> = BTreeMap::new();
    for order in filled() {
        live.entry(order.bar_ms).or_insert(order);
    }
    let replayed: BTreeMap<i64, &ReplayedFill> =
        backtest.fills.iter().filter(|fill| window.contains(&fill.bar_ms)).map(|fill| (fill.bar_ms, fill)).collect();
    for (bar_ms, fill) in replayed {
        let Some(order) = live.get(&bar_ms).filter(|order| (order.done.base > 0) == fill.is_buy) else {
            fills.backtest_only += 1;
            continue;
        };
        let swap = order.done.signature.as_ref().and_then(|signature| record.swaps.get(signature));
        let parts = swap.and_then(|swap| parts_of(backtest, record, fill, order, swap));
        fills.matched += 1;
        fills.total = fills.total.and(parts.unwrap_or_default());
        fills.pairs.push(Pair {
            bar: rfc3339(bar_ms),
            side: if fill.is_buy { "buy" } else { "sell" },
            backtest: [fill.base, fill.quote].map(|amount| amount.to_string()),
            live: [order.done.base, order.done.quote].map(|amount| amount.unsigned_abs().to_string()),
            parts,
        });
    }
    fills.live_only = filled().count() - fills.matched;
    fills
}

/// None where the pool would have refused one of the fills between the two.
fn parts_of(
    backtest: &Backtest,
    record: &Record,
    fill: &ReplayedFill,
    order: &OrderRow,
    swap: &SwapEvent,
) -> Option<Parts> {
    let venue = ReplayVenue::new(backtest.venue, record.bars.first()?.reserves(), record.supply);
    let here = record.reserves_at(fill.time_ms)?;
    let virtual_quote = swap.virtual_quote_before.unwrap_or(0);
    let quote = u64::try_from(i128::from(swap.pool_quote_before) + virtual_quote).ok()?;
    let there = Reserves { base: TokenAmount(swap.pool_base_before), quote: Lamports(quote) };
    let replayed_size = if fill.is_buy { venue.offered(here, fill.quote, fill.base) } else { Amount::Sold(fill.base) };
    let size = match order.size? {
        Size::Spend(lamports) => Amount::Spent(lamports.0),
        Size::Sell(base) => Amount::Sold(base),
        Size::Buy(_) => return None,
    };
    let sign = |is_positive: bool, amount: u64| if is_positive { i128::from(amount) } else { -i128::from(amount) };
    let changed = |base: u64, quote: u64, network: i128| Outcome {
        base: sign(fill.is_buy, base),
        lamports: sign(!fill.is_buy, quote) - network,
    };
    // What no event prints is tried both ways.
    let again = swap.replay(false).or_else(|_| swap.replay(true)).ok()?;
    let network = i128::from(order.done.network_fee);
    let live = changed(order.done.base.unsigned_abs(), order.done.quote.unsigned_abs(), network);
    let charged = changed(again.base, again.user_quote, network);
    let between = [
        changed(fill.base, fill.quote, venue.network()),
        venue.fill(here, replayed_size)?,
        venue.fill(here, size)?,
        venue.fill(there, size)?,
        charged,
        live,
    ];
    Some(Parts::between(between, there))
}

/// Equity of both at the closes of the same bars.
fn equity(backtest: &Backtest, both: &[(&DecisionRow, &str)]) -> Vec<(i64, [f64; 2])> {
    let replayed: BTreeMap<i64, f64> = backtest.equity.iter().copied().collect();
    let pair =
        |(live, _): &(&DecisionRow, &str)| Some((live.bar_ms, [*replayed.get(&live.bar_ms)?, live.account.equity]));
    both.iter().filter_map(pair).collect()
}

fn money(backtest: &Backtest, equity: &[(i64, [f64; 2])]) -> Money {
    let pairs: Vec<[f64; 2]> = equity.iter().map(|(_, pair)| *pair).collect();
    let returns =
        |side: usize| -> Vec<f64> { pairs.windows(2).map(|pair| pair[1][side] / pair[0][side] - 1.0).collect() };
    let whole = |side: usize| Some(pairs.last()?[side] / pairs.first()?[side] - 1.0);
    let year = backtest.settings.periods_per_year;
    let [backtest_sharpe, live_sharpe] =
        [0, 1].map(|side| sharpe(&returns(side), year).ok().map(q50_engine::units::AnnualSharpe::get));
    let difference = StationaryBootstrap::default().sharpe_difference(&returns(1), &returns(0), year).ok();
    let is_close =
        backtest_sharpe.zip(live_sharpe).map(|(replayed, live)| (live - replayed).abs() <= CLOSE * replayed.abs());
    Money {
        bars: pairs.len(),
        backtest_return: whole(0),
        live_return: whole(1),
        backtest_sharpe,
        live_sharpe,
        sharpe_difference_ci95: difference.map(|difference| [difference.low.get(), difference.high.get()]),
        is_close,
    }
}
