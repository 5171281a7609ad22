//! From the log to Parquet: the swaps, and bars with the reserves at their close, rebuilt and put in place together.
//!
//! | file | a row is | read by |
//! |---|---|---|
//! | `trades.parquet` | a swap, in the chain's order | `q50 pool infer` (GeckoTerminal's columns), anybody (exact integers) |
//! | `bars.parquet` | a bar that is closed: open, high, low, close in SOL for a coin, volume in coins | `--bars` |
//! | `reserves.parquet` | the reserves that price at the close of the same bar, and the coin's supply | `--pool` |
//! | `collection.json` | the whole: what, from when to when, and every step without explanation | people |

use crate::CollectError;
use crate::check::{Checker, Kind, Step, Tally};
use crate::store::{Place, Store, StoreError};
use crate::tape::{SOL_DECIMALS, StepBars};
use crate::target::Target;
use q50_datasets::hash::text_hash;
use q50_datasets::pool_bars::PoolBar;
use q50_datasets::run_folder::{NewRun, RunFolder};
use q50_datasets::time::rfc3339;
use q50_datasets::write::{Column, TableWriter};
use q50_pumpswap::amm::Side;
use q50_pumpswap::chain::SwapEvent;
use serde::Serialize;

/// The files, the one that stands for all of them last.
pub const FILES: &[&str] = &["trades.parquet", "reserves.parquet", "bars.parquet", "collection.json"];
/// Transactions that are read, and rows that are written, at a time.
const BATCH: usize = 16_384;

/// What a collection holds.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Summary {
    schema: &'static str,
    run_id: String,
    pool: String,
    mint: String,
    decimals: u8,
    genesis: String,
    /// Time of the first step.
    from: Option<String>,
    /// Everything up to this time of the chain is there.
    to: String,
    /// And up to this slot.
    slot: u64,
    /// Transactions that name the pool.
    pub transactions: u64,
    /// Those of them that failed.
    pub failed: u64,
    /// Steps by kind.
    #[serde(flatten)]
    pub tally: Tally,
    /// Gaps that were looked into.
    pub gaps: u64,
    /// Those of them that were transactions which the first list had not told of.
    pub gaps_refilled: u64,
    interval_ms: i64,
    /// Bars that are closed.
    pub bars: u64,
}

impl Summary {
    /// What it is of, in a line.
    #[must_use]
    pub fn headline(&self) -> String {
        let from = self.from.as_deref().unwrap_or("its beginning");
        format!("pool {} of the coin {}, from {from} to {} (slot {})", self.pool, self.mint, self.to, self.slot)
    }
}

/// Writes the datasets of a log that has caught up; none before it has.
///
/// # Errors
/// [`CollectError`] where the log cannot be read, or the folder or disk refuses; the last datasets stay then.
pub fn write(
    store: &Store,
    target: &Target,
    genesis: &str,
    interval_ms: i64,
    folder: &RunFolder,
) -> Result<Option<Summary>, CollectError> {
    let Some(known) = store.known()? else { return Ok(None) };
    let known_ms = known.unix_seconds.saturating_mul(1_000);
    let (transactions, failed, _) = store.counts()?;
    let (gaps, gaps_refilled) = store.refills()?;
    let run_id = text_hash(&format!("{genesis} {} {interval_ms} {} {transactions}", target.pool, known.slot));
    let mut run = folder.new_run(&run_id);

    let mut checker = Checker::new(target.pool, target.is_mayhem);
    let mut bars = StepBars::new(target, interval_ms);
    let mut trades = TradeTable::default();
    let mut table = trades.columns(|columns| run.start_table(FILES[0], columns))?;
    let (mut place, mut first) = (None, None);
    loop {
        let stored = read(store, place)?;
        for step in stored.iter().flat_map(|stored| checker.steps(stored)) {
            first = first.or(Some(step.time_ms));
            if step.slot <= known.slot {
                bars.push(&step)?;
            }
            trades.push(&step, target);
        }
        trades.flush(&mut table)?;
        place = stored.last().map(|stored| stored.place);
        if stored.len() < BATCH {
            break;
        }
    }
    run.add_table(table)?;
    let bars = bars.closed(known.slot, known_ms);
    write_bars(&mut run, &bars, target.supply)?;
    let summary = Summary {
        schema: "q50.collection/1",
        run_id,
        pool: target.pool.to_string(),
        mint: target.mint.to_string(),
        decimals: target.decimals,
        genesis: genesis.to_owned(),
        from: first.map(rfc3339),
        to: rfc3339(known_ms),
        slot: known.slot,
        transactions,
        failed,
        tally: checker.tally().clone(),
        gaps,
        gaps_refilled,
        interval_ms,
        bars: bars.len() as u64,
    };
    let json = serde_json::to_vec_pretty(&summary).map_err(|error| StoreError::Damaged(error.to_string()))?;
    run.bytes(FILES[3], &json)?;
    run.commit()?;
    Ok(Some(summary))
}

fn read(store: &Store, place: Option<Place>) -> Result<Vec<crate::store::Stored>, CollectError> {
    Ok(store.behind(place, BATCH)?)
}

fn write_bars(run: &mut NewRun<'_>, bars: &[PoolBar], supply: u64) -> Result<(), CollectError> {
    let times: Vec<i64> = bars.iter().map(|bar| bar.open_time).collect();
    let prices = |of: fn(&PoolBar) -> f64| bars.iter().map(of).collect::<Vec<f64>>();
    let (open, high, low) = (prices(|bar| bar.open), prices(|bar| bar.high), prices(|bar| bar.low));
    let (close, volume) = (prices(|bar| bar.close), prices(|bar| bar.volume));
    let base: Vec<u64> = bars.iter().map(|bar| bar.reserves.base).collect();
    let quote: Vec<u64> = bars.iter().map(|bar| bar.reserves.quote).collect();
    let supply = vec![supply; bars.len()];
    run.table(
        FILES[1],
        &[
            ("ts_ms", Column::I64(&times)),
            ("base_reserve", Column::U64(&base)),
            ("quote_reserve", Column::U64(&quote)),
            ("supply", Column::U64(&supply)),
        ],
    )?;
    run.table(
        FILES[2],
        &[
            ("ts_ms", Column::I64(&times)),
            ("open", Column::F64(&open)),
            ("high", Column::F64(&high)),
            ("low", Column::F64(&low)),
            ("close", Column::F64(&close)),
            ("volume", Column::F64(&volume)),
        ],
    )?;
    Ok(())
}

/// Rows of `trades.parquet` that are not written yet.
#[derive(Default)]
struct TradeTable {
    pool: Vec<String>,
    block: Vec<u64>,
    seq: Vec<u64>,
    time: Vec<i64>,
    side: Vec<u8>,
    paid: Vec<f64>,
    got: Vec<f64>,
    signature: Vec<String>,
    user: Vec<String>,
    instruction: Vec<Option<String>>,
    base: Vec<u64>,
    user_quote: Vec<u64>,
    curve_quote: Vec<Option<u64>>,
    lp_fee: Vec<u64>,
    protocol_fee: Vec<u64>,
    creator_fee: Vec<Option<u64>>,
    cashback: Vec<Option<u64>>,
    base_before: Vec<Option<u64>>,
    quote_before: Vec<Option<u64>>,
    base_after: Vec<Option<u64>>,
    quote_after: Vec<Option<u64>>,
    unexplained: Vec<Option<String>>,
}

impl TradeTable {
    fn push(&mut self, step: &Step, target: &Target) {
        let Kind::Swap(event, swap) = &step.kind else { return };
        let event: &SwapEvent = event;
        let user_quote = event.user_quote_in_all();
        let whole = |amount: u64, decimals: u8| amount as f64 / 10_f64.powi(i32::from(decimals));
        let (sol, coins) = (whole(user_quote, SOL_DECIMALS), whole(event.base, target.decimals));
        let (paid, got) = if event.side == Side::Buy { (sol, coins) } else { (coins, sol) };
        self.pool.push(target.pool.to_string());
        self.block.push(step.slot);
        self.seq.push(step.number);
        self.time.push(step.time_ms);
        self.side.push(u8::from(event.side == Side::Sell));
        self.paid.push(paid);
        self.got.push(got);
        self.signature.push(step.signature.to_string());
        self.user.push(event.user.to_string());
        self.instruction.push(event.instruction.clone());
        self.base.push(event.base);
        self.user_quote.push(user_quote);
        self.curve_quote.push(swap.map(|swap| swap.raw_quote));
        self.lp_fee.push(event.lp_fee);
        self.protocol_fee.push(event.protocol_fee);
        self.creator_fee.push(event.creator.map(|part| part.fee));
        self.cashback.push(event.cashback);
        self.base_before.push(step.before.map(|reserves| reserves.base));
        self.quote_before.push(step.before.map(|reserves| reserves.quote));
        self.base_after.push(step.after.map(|reserves| reserves.base));
        self.quote_after.push(step.after.map(|reserves| reserves.quote));
        self.unexplained.push(step.unexplained.as_ref().map(ToString::to_string));
    }

    /// Writes the rows into the table, which cuts them into row groups, and forgets them.
    fn flush(&mut self, table: &mut TableWriter) -> Result<(), CollectError> {
        self.columns(|columns| table.write(columns))?;
        *self = Self::default();
        Ok(())
    }
    fn columns<R>(&self, write: impl FnOnce(&[(&str, Column<'_>)]) -> R) -> R {
        let [pool, signature, user] =
            [&self.pool, &self.signature, &self.user].map(|texts| texts.iter().map(String::as_str).collect::<Vec<_>>());
        let [instruction, unexplained] =
            [&self.instruction, &self.unexplained].map(|texts| texts.iter().map(Option::as_deref).collect::<Vec<_>>());
        write(&[
            ("pool_id", Column::Text(&pool)),
            ("block_number", Column::U64(&self.block)),
            ("seq", Column::U64(&self.seq)),
            ("ts_ms", Column::I64(&self.time)),
            ("side", Column::Labels { names: &["buy", "sell"], codes: &self.side }),
            ("from_token_amount", Column::F64(&self.paid)),
            ("to_token_amount", Column::F64(&self.got)),
            ("signature", Column::Text(&signature)),
            ("user", Column::Text(&user)),
            ("instruction", Column::OptionText(&instruction)),
            ("base_amount", Column::U64(&self.base)),
            ("user_quote", Column::U64(&self.user_quote)),
            ("curve_quote", Column::OptionU64(&self.curve_quote)),
            ("lp_fee", Column::U64(&self.lp_fee)),
            ("protocol_fee", Column::U64(&self.protocol_fee)),
            ("creator_fee", Column::OptionU64(&self.creator_fee)),
            ("cashback", Column::OptionU64(&self.cashback)),
            ("base_reserve_before", Column::OptionU64(&self.base_before)),
            ("quote_reserve_before", Column::OptionU64(&self.quote_before)),
            ("base_reserve_after", Column::OptionU64(&self.base_after)),
            ("quote_reserve_after", Column::OptionU64(&self.quote_after)),
            ("unexplained", Column::OptionText(&unexplained)),
        ])
    }
}
