//! Trades in pools: their times, and the token's price in each.

use q50_datasets::time::rfc3339;

use crate::bars::BarTable;
use crate::numbers::{agree, positive, whole};
use crate::report::{Conflicts, Contradiction, TradesOnBars};
use crate::shape::{Cells, find};
use crate::times::{self, Times};

/// Places of the columns of a table of trades.
#[derive(Debug)]
pub(crate) struct TradeColumns {
    id: usize,
    pool: Option<usize>,
    block: usize,
    side: usize,
    time: usize,
    from: usize,
    to: usize,
    /// Price of what went in; of a frame of the client also of what came out.
    price_from: Option<usize>,
    price_to: Option<usize>,
    volume: Option<usize>,
    unnamed: String,
}

impl TradeColumns {
    pub(crate) fn of(names: &[String], unnamed: &str) -> Option<Self> {
        let at = |name: &str| find(names, &[name]);
        Some(Self {
            id: at("id")?,
            pool: at("pool_id"),
            block: at("block_number")?,
            side: find(names, &["side", "kind"])?,
            time: at("block_timestamp")?,
            from: at("from_token_amount")?,
            to: at("to_token_amount")?,
            price_from: find(names, &["price_usd", "price_from_in_usd"]),
            price_to: at("price_to_in_usd"),
            volume: find(names, &["volume_usd", "volume_in_usd"]),
            unnamed: unnamed.to_owned(),
        })
    }
}

/// A trade. The base is the token of the pool, the quote what it is paid with.
#[derive(Clone, Debug)]
pub(crate) struct Trade {
    pub(crate) id: String,
    pub(crate) pool: String,
    pub(crate) block: u64,
    pub(crate) seq: u64,
    pub(crate) ts_ms: i64,
    pub(crate) polled_ms: Option<i64>,
    /// Whether the taker bought the token.
    pub(crate) buy: bool,
    pub(crate) from: f64,
    pub(crate) to: f64,
    /// Of one token, in USD.
    pub(crate) price_usd: Option<f64>,
    pub(crate) volume_usd: Option<f64>,
    file: usize,
}

/// All trades.
#[derive(Debug, Default)]
pub(crate) struct TradeTable {
    trades: Vec<Trade>,
}

impl TradeTable {
    pub(crate) fn take(
        &mut self,
        columns: &TradeColumns,
        cells: &dyn Cells,
        file: usize,
        times: &mut Times,
    ) -> Result<(), String> {
        let amount = |at: usize, name: &str| {
            let text = cells.cell(at);
            positive(text).ok_or_else(|| format!("{name} is `{text}`, which is no amount above 0"))
        };
        let (from, to) = (amount(columns.from, "from_token_amount")?, amount(columns.to, "to_token_amount")?);
        let buy = match cells.cell(columns.side) {
            "buy" => true,
            "sell" => false,
            other => return Err(format!("side is `{other}`, neither `buy` nor `sell`")),
        };
        let block = cells.cell(columns.block);
        let block = whole(block).ok_or_else(|| format!("block_number is `{block}`"))?;
        let id = cells.cell(columns.id);
        let (seq, polled_ms) = end_of_id(id).map_or((0, None), |(seq, polled)| (seq, Some(polled)));
        let pool = columns.pool.map_or(columns.unnamed.as_str(), |at| cells.cell(at));
        if id.is_empty() || pool.is_empty() {
            return Err("the row names no pool, or has no id".to_owned());
        }
        let ts_ms = times::of_trade(cells.cell(columns.time), polled_ms, times)?;
        let (price_from, price_to) =
            (positive(cells.optional(columns.price_from)), positive(cells.optional(columns.price_to)));
        // On a purchase SOL goes in, and the price of what goes in is SOL's.
        let price_usd = if buy { price_to.or(price_from.map(|sol| sol * from / to)) } else { price_from };
        self.trades.push(Trade {
            id: id.to_owned(),
            pool: pool.to_owned(),
            block,
            seq,
            ts_ms,
            polled_ms,
            buy,
            from,
            to,
            price_usd,
            volume_usd: positive(cells.optional(columns.volume)),
            file,
        });
        Ok(())
    }

    /// Drops what files from the `known`-th on gave.
    pub(crate) fn forget(&mut self, known: usize) {
        self.trades.retain(|trade| trade.file < known);
    }

    pub(crate) fn complete(&mut self, conflicts: &mut Conflicts) {
        // Stable: of two files the one that was read first comes first.
        self.trades.sort_by(|a, b| (&a.pool, a.block, a.seq, &a.id).cmp(&(&b.pool, b.block, b.seq, &b.id)));
        self.trades.dedup_by(|other, kept| {
            let same = (&other.pool, &other.id) == (&kept.pool, &kept.id);
            if same {
                compare(kept, other, conflicts);
            }
            same
        });
    }

    pub(crate) fn trades(&self) -> &[Trade] {
        &self.trades
    }

    pub(crate) fn on_bars(&self, bars: &BarTable) -> TradesOnBars {
        const MINUTE: i64 = 60_000;
        let mut found = TradesOnBars::default();
        for trades in self.trades.chunk_by(|a, b| a.pool == b.pool) {
            let pool = &trades[0].pool;
            let Some(series) = bars.series().iter().find(|s| s.timeframe == "1m" && s.pool == *pool) else { continue };
            for trade in trades {
                found.trades += 1;
                let Some(bar) = series.at(trade.ts_ms.div_euclid(MINUTE) * MINUTE) else { continue };
                found.on_a_bar += 1;
                let Some(price) = trade.price_usd.filter(|_| !trade.buy) else { continue };
                found.sales += 1;
                let [_, high, low, _] = bar.prices;
                found.sales_inside += usize::from((low..=high).contains(&price));
            }
        }
        found
    }
}

/// The order within its transaction and the polling time (epoch milliseconds) that end an id:
/// `network_block_transaction_seq_seconds`.
fn end_of_id(id: &str) -> Option<(u64, i64)> {
    let mut parts = id.rsplit('_');
    let seconds: i64 = parts.next()?.parse().ok()?;
    let seq = parts.next()?.parse().ok()?;
    let polled = seconds.checked_mul(1_000).filter(|ms| (1_000_000_000_000..7_258_118_400_000).contains(ms))?;
    Some((seq, polled))
}

fn compare(kept: &Trade, other: &Trade, conflicts: &mut Conflicts) {
    let side = |trade: &Trade| if trade.buy { "buy" } else { "sell" }.to_owned();
    let number = |value: Option<f64>| value.map(|value| value.to_string()).unwrap_or_default();
    let mut same = true;
    let mut differ = |column, a: String, b: String| {
        same = false;
        let key = format!("{} {}", kept.pool, kept.id);
        conflicts.found.push(Contradiction { key, column, kept: (a, kept.file), other: (b, other.file) });
    };
    if kept.ts_ms != other.ts_ms {
        differ("block_timestamp", rfc3339(kept.ts_ms), rfc3339(other.ts_ms));
    }
    if kept.buy != other.buy {
        differ("side", side(kept), side(other));
    }
    for (column, a, b) in [
        ("from_token_amount", Some(kept.from), Some(other.from)),
        ("to_token_amount", Some(kept.to), Some(other.to)),
        ("price_usd", kept.price_usd, other.price_usd),
        ("volume_usd", kept.volume_usd, other.volume_usd),
    ] {
        if !agree(a, b) {
            differ(column, number(a), number(b));
        }
    }
    conflicts.repeated += usize::from(same);
}
