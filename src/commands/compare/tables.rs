//! The comparison as tables: a row a bar, a fill, an order; lamports and smallest units as integers, milliseconds as such.

use anyhow::Result;
use q50_datasets::run_folder::NewRun;
use q50_datasets::write::Column;
use q50_trader::compare::{Comparison, Parts, Record, STAGES};
use q50_trader::journal::OrderRow;

/// Writes them.
pub(super) fn write(run: &mut NewRun<'_>, comparison: &Comparison, record: &Record) -> Result<()> {
    equity(run, comparison)?;
    fills(run, comparison)?;
    latency(run, comparison)?;
    orders(run, record)
}

/// Money at the closes of the bars that both have, SOL; of the promoted backtest, where it has these bars, a multiple of what
/// it begins with.
fn equity(run: &mut NewRun<'_>, comparison: &Comparison) -> Result<()> {
    let times: Vec<i64> = comparison.equity.iter().map(|(time, _)| *time).collect();
    let side = |side: usize| -> Vec<f64> { comparison.equity.iter().map(|(_, pair)| pair[side]).collect() };
    let (replayed, live) = (side(0), side(1));
    let promoted = &comparison.promoted;
    let promoted = if promoted.is_of_these_bars { promoted.equity.clone() } else { vec![f64::NAN; times.len()] };
    let columns = [
        ("ts_ms", Column::I64(&times)),
        ("live", Column::F64(&live)),
        ("replayed", Column::F64(&replayed)),
        ("promoted", Column::F64(&promoted)),
    ];
    Ok(run.table("equity.parquet", &columns)?)
}

/// Fills that both have, and what their difference is cut into.
fn fills(run: &mut NewRun<'_>, comparison: &Comparison) -> Result<()> {
    let pairs = &comparison.fills.pairs;
    let times: Vec<i64> = pairs.iter().map(|pair| pair.bar_ms).collect();
    let sides: Vec<&str> = pairs.iter().map(|pair| pair.side).collect();
    let amount = |of: fn(&q50_trader::compare::Pair) -> u64| -> Vec<u64> { pairs.iter().map(of).collect() };
    let part = |of: fn(&Parts) -> i128| -> Vec<Option<i64>> {
        pairs.iter().map(|pair| pair.parts.as_ref().and_then(|parts| i64::try_from(of(parts)).ok())).collect()
    };
    let amounts = [
        ("replayed_base", amount(|pair| pair.backtest[0])),
        ("replayed_quote", amount(|pair| pair.backtest[1])),
        ("live_base", amount(|pair| pair.live[0])),
        ("live_quote", amount(|pair| pair.live[1])),
    ];
    let parts = [
        ("difference", part(|parts| parts.difference)),
        ("state_drift", part(|parts| parts.state_drift)),
        ("size", part(|parts| parts.size)),
        ("latency", part(|parts| parts.latency)),
        ("fees", part(|parts| parts.fees)),
        ("rounding", part(|parts| parts.rounding)),
        ("unexplained", part(|parts| parts.unexplained)),
    ];
    let mut columns = vec![("bar_ms", Column::I64(&times)), ("side", Column::Text(&sides))];
    columns.extend(amounts.iter().map(|(name, values)| (*name, Column::U64(values))));
    columns.extend(parts.iter().map(|(name, values)| (*name, Column::OptionI64(values))));
    Ok(run.table("fills.parquet", &columns)?)
}

/// Where the time of each order went, milliseconds a stage.
fn latency(run: &mut NewRun<'_>, comparison: &Comparison) -> Result<()> {
    let orders = &comparison.stages;
    let times: Vec<i64> = orders.iter().map(|order| order.bar_ms).collect();
    let keys: Vec<&str> = orders.iter().map(|order| order.key.as_str()).collect();
    let stages: Vec<Vec<Option<u64>>> =
        (0..STAGES.len()).map(|stage| orders.iter().map(|order| order.ms[stage]).collect()).collect();
    let slots: Vec<Option<u64>> = orders.iter().map(|order| order.slots).collect();
    let names = STAGES.map(|(name, _)| format!("{name}_ms"));
    let mut columns = vec![("bar_ms", Column::I64(&times)), ("key", Column::Text(&keys))];
    columns.extend(names.iter().zip(&stages).map(|(name, values)| (name.as_str(), Column::OptionU64(values))));
    columns.push(("slots", Column::OptionU64(&slots)));
    Ok(run.table("latency.parquet", &columns)?)
}

/// Every order of the session, and what became of it.
fn orders(run: &mut NewRun<'_>, record: &Record) -> Result<()> {
    let orders = &record.orders;
    let number = |of: fn(&OrderRow) -> i64| -> Vec<i64> { orders.iter().map(of).collect() };
    let (bars, wanted) = (number(|order| order.bar_ms), number(|order| order.wanted_ms));
    let (base, quote) = (number(|order| order.done.base), number(|order| order.done.quote));
    let fee: Vec<u64> = orders.iter().map(|order| order.done.network_fee).collect();
    let slots: Vec<Option<u64>> = orders.iter().map(|order| order.done.slot).collect();
    let keys: Vec<&str> = orders.iter().map(|order| order.key.as_str()).collect();
    let reasons: Vec<&str> = orders.iter().map(|order| order.reason.as_str()).collect();
    let states: Vec<&str> = orders.iter().map(|order| order.done.state.name()).collect();
    let whys: Vec<Option<&str>> = orders.iter().map(|order| order.done.why.as_deref()).collect();
    let signatures: Vec<Option<&str>> = orders.iter().map(|order| order.done.signature.as_deref()).collect();
    let columns = [
        ("bar_ms", Column::I64(&bars)),
        ("key", Column::Text(&keys)),
        ("wanted_ms", Column::I64(&wanted)),
        ("reason", Column::Text(&reasons)),
        ("state", Column::Text(&states)),
        ("why", Column::OptionText(&whys)),
        ("base", Column::I64(&base)),
        ("quote", Column::I64(&quote)),
        ("network_fee", Column::U64(&fee)),
        ("slot", Column::OptionU64(&slots)),
        ("signature", Column::OptionText(&signatures)),
    ];
    Ok(run.table("orders.parquet", &columns)?)
}
