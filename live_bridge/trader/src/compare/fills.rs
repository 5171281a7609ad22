//! The fills of both, side by side, and why each differs.

use super::parts::{Amount, Outcome, Parts, ReplayVenue};
use super::{Backtest, Record, ReplayedFill};
use crate::journal::{Done, OrderRow, State};
use q50_datasets::time::rfc3339;
use q50_engine::units::{Lamports, TokenAmount};
use q50_engine::venue::PumpSwapConfig;
use q50_engine::venue::pool_path::Reserves;
use q50_executor::order::Size;
use serde::{Serialize, Serializer};
use std::collections::BTreeMap;
use std::ops::RangeInclusive;

/// A fill in both.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Pair {
    /// Opening of the bar that both were decided on.
    pub bar: String,
    /// The same, epoch milliseconds.
    #[serde(skip)]
    pub bar_ms: i64,
    /// `buy` or `sell`.
    pub side: &'static str,
    /// Coins and lamports in the backtest.
    #[serde(serialize_with = "text")]
    pub backtest: [u64; 2],
    /// Coins and lamports in the session.
    #[serde(serialize_with = "text")]
    pub live: [u64; 2],
    /// Why they differ; none where nothing says on what pool the session's was filled.
    pub parts: Option<Parts>,
}

/// Amounts as JSON can hold them.
fn text<S: Serializer>(amounts: &[u64; 2], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(amounts.map(|amount| amount.to_string()))
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
    /// Of those in both, how many differ without anything that says why.
    pub not_split: usize,
    /// All parts together.
    pub total: Parts,
    /// Each.
    pub pairs: Vec<Pair>,
}

impl Fills {
    /// Of the orders of a session that were decided on in the window.
    pub(super) fn of(backtest: &Backtest, record: &Record, orders: &[&OrderRow], window: RangeInclusive<i64>) -> Self {
        let mut fills = Self::default();
        let filled = || orders.iter().filter(|order| order.done.state == State::Filled);
        // Of the orders of a bar the first is the strategy's; what is sold between bars comes after it.
        let mut live: BTreeMap<i64, &OrderRow> = BTreeMap::new();
        for order in filled() {
            live.entry(order.bar_ms).or_insert(order);
        }
        let replayed: BTreeMap<i64, &ReplayedFill> = backtest
            .fills
            .iter()
            .filter(|fill| window.contains(&fill.bar_ms))
            .map(|fill| (fill.bar_ms, fill))
            .collect();
        for (bar_ms, fill) in replayed {
            let Some(order) = live.get(&bar_ms).filter(|order| (order.done.base > 0) == fill.is_buy) else {
                fills.backtest_only += 1;
                continue;
            };
            let parts = landed(record, order).and_then(|landed| parts_of(backtest, record, fill, order, landed));
            fills.matched += 1;
            match parts {
                Some(parts) => fills.total = fills.total.and(parts),
                None => fills.not_split += usize::from(!is_same(fill, order, backtest.venue)),
            }
            fills.pairs.push(Pair {
                bar: rfc3339(bar_ms),
                bar_ms,
                side: if fill.is_buy { "buy" } else { "sell" },
                backtest: [fill.base, fill.quote],
                live: [order.done.base, order.done.quote].map(i64::unsigned_abs),
                parts,
            });
        }
        fills.live_only = filled().count() - fills.matched;
        fills
    }

    /// Lamports that nothing explains, whichever side they are on: two fills do not make up for each other.
    #[must_use]
    pub fn unexplained(&self) -> i128 {
        self.pairs.iter().filter_map(|pair| pair.parts).map(|parts| parts.unexplained.abs()).sum()
    }
}

/// Whether a fill is the backtest's, to the lamport.
fn is_same(fill: &ReplayedFill, order: &OrderRow, venue: PumpSwapConfig) -> bool {
    let Done { base, quote, network_fee, .. } = order.done;
    [base, quote].map(i64::unsigned_abs) == [fill.base, fill.quote]
        && network_fee == venue.base_fee.0 + venue.priority_fee.0
}

/// The pool right before a fill, and what the pool made of the order there: coins, and lamports of the user.
#[derive(Clone, Copy)]
struct Landed {
    pool: Reserves,
    base: u64,
    quote: u64,
}

/// None where no transaction says it, and nothing was noted.
fn landed(record: &Record, order: &OrderRow) -> Option<Landed> {
    if let Some(pool) = order.done.filled_at {
        // On paper the fill is what the arithmetic made of the order, and nothing else.
        let [base, quote] = [order.done.base, order.done.quote].map(i64::unsigned_abs);
        return Some(Landed { pool, base, quote });
    }
    let swap = record.swaps.get(order.done.signature.as_ref()?)?;
    let virtual_quote = swap.virtual_quote_before.unwrap_or(0);
    let quote = u64::try_from(i128::from(swap.pool_quote_before) + virtual_quote).ok()?;
    let pool = Reserves { base: TokenAmount(swap.pool_base_before), quote: Lamports(quote) };
    // What no event prints is tried both ways.
    let again = swap.replay(false).or_else(|_| swap.replay(true)).ok()?;
    Some(Landed { pool, base: again.base, quote: again.user_quote })
}

/// None where the pool would have refused one of the fills between the two.
fn parts_of(
    backtest: &Backtest,
    record: &Record,
    fill: &ReplayedFill,
    order: &OrderRow,
    landed: Landed,
) -> Option<Parts> {
    let venue = ReplayVenue::new(backtest.venue, record.bars.first()?.reserves(), record.supply);
    let here = record.reserves_at(fill.time_ms)?;
    let there = landed.pool;
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
    let network = i128::from(order.done.network_fee);
    let live = changed(order.done.base.unsigned_abs(), order.done.quote.unsigned_abs(), network);
    let charged = changed(landed.base, landed.quote, network);
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
