//! NautilusTrader's reports of all runs as two tables, and the comparison as JSON.

use anyhow::Result;
use q50_datasets::{run_folder::RunFolder, write::Column};
use q50_nautilus::{FillReport, PositionReport, SecondRun};

use super::report::Report;

/// The reports of all runs, each row with the number of its run, from 0 in the order of `runs`.
#[derive(Debug, Default)]
pub(super) struct Tables {
    fills: Vec<(i64, FillReport)>,
    positions: Vec<(i64, PositionReport)>,
}

impl Tables {
    pub(super) fn add(&mut self, run: i64, second: &SecondRun) {
        self.fills.extend(second.fill_reports.iter().map(|row| (run, row.clone())));
        self.positions.extend(second.position_reports.iter().map(|row| (run, row.clone())));
    }
}

/// What is written; the comparison stands for the whole run.
pub(super) const FILES: &[&str] = &["fills.parquet", "positions.parquet", "validate.json"];

/// Writes everything.
pub(super) fn write(folder: &RunFolder, tables: &Tables, report: &Report) -> Result<()> {
    let fills = Rows(&tables.fills);
    let (run, reconciliation) = (fills.run(), fills.all(|r| r.reconciliation));
    let (ts_event, ts_init) = (fills.times(|r| r.ts_event), fills.times(|r| r.ts_init));
    let (last_qty, last_px) = (fills.all(|r| r.last_qty), fills.all(|r| r.last_px));
    let text: [(&str, Vec<&str>); 13] = [
        ("client_order_id", fills.text(|r| &r.client_order_id)),
        ("trader_id", fills.text(|r| &r.trader_id)),
        ("strategy_id", fills.text(|r| &r.strategy_id)),
        ("instrument_id", fills.text(|r| &r.instrument_id)),
        ("venue_order_id", fills.text(|r| &r.venue_order_id)),
        ("account_id", fills.text(|r| &r.account_id)),
        ("trade_id", fills.text(|r| &r.trade_id)),
        ("position_id", fills.text(|r| &r.position_id)),
        ("order_side", fills.text(|r| &r.order_side)),
        ("order_type", fills.text(|r| &r.order_type)),
        ("currency", fills.text(|r| &r.currency)),
        ("liquidity_side", fills.text(|r| &r.liquidity_side)),
        ("commission", fills.text(|r| &r.commission)),
    ];
    let [ids @ .., currency, liquidity, commission] = &text;
    let mut fills_table = vec![("run", Column::I64(&run))];
    fills_table.extend(ids.iter().map(texts));
    fills_table.extend([("last_qty", Column::F64(&last_qty)), ("last_px", Column::F64(&last_px))]);
    fills_table.extend([currency, liquidity, commission].map(texts));
    fills_table.extend([
        ("ts_event", Column::I64(&ts_event)),
        ("ts_init", Column::I64(&ts_init)),
        ("reconciliation", Column::Bool(&reconciliation)),
    ]);

    let positions = Rows(&tables.positions);
    let run = positions.run();
    let ids: [(&str, Vec<&str>); 6] = [
        ("position_id", positions.text(|r| &r.position_id)),
        ("trader_id", positions.text(|r| &r.trader_id)),
        ("strategy_id", positions.text(|r| &r.strategy_id)),
        ("instrument_id", positions.text(|r| &r.instrument_id)),
        ("account_id", positions.text(|r| &r.account_id)),
        ("opening_order_id", positions.text(|r| &r.opening_order_id)),
    ];
    let closing: Vec<Option<&str>> = positions.0.iter().map(|(_, r)| r.closing_order_id.as_deref()).collect();
    let (entry, side) = (positions.text(|r| &r.entry), positions.text(|r| &r.side));
    let (quantity, peak) = (positions.all(|r| r.quantity), positions.all(|r| r.peak_qty));
    let [init, opened, last, duration] = [
        positions.times(|r| r.ts_init),
        positions.times(|r| r.ts_opened),
        positions.times(|r| r.ts_last),
        positions.times(|r| r.duration_ns),
    ];
    let closed = positions.all(|r| r.ts_closed.map(nanoseconds));
    let (bought, sold) = (positions.all(|r| r.avg_px_open), positions.all(|r| r.avg_px_close));
    let commissions = positions.all(|r| r.commissions.join(", "));
    let commissions: Vec<&str> = commissions.iter().map(String::as_str).collect();
    let (earned, profit) = (positions.all(|r| r.realized_return), positions.all(|r| r.realized_pnl));
    let mut positions_table = vec![("run", Column::I64(&run))];
    positions_table.extend(ids.iter().map(texts));
    positions_table.extend([
        ("closing_order_id", Column::OptionText(&closing)),
        ("entry", Column::Text(&entry)),
        ("side", Column::Text(&side)),
        ("quantity", Column::F64(&quantity)),
        ("peak_qty", Column::F64(&peak)),
        ("ts_init", Column::I64(&init)),
        ("ts_opened", Column::I64(&opened)),
        ("ts_last", Column::I64(&last)),
        ("ts_closed", Column::OptionI64(&closed)),
        ("duration_ns", Column::I64(&duration)),
        ("avg_px_open", Column::F64(&bought)),
        ("avg_px_close", Column::OptionF64(&sold)),
        ("commissions", Column::Text(&commissions)),
        ("realized_return", Column::F64(&earned)),
        ("realized_pnl", Column::OptionF64(&profit)),
    ]);

    let mut run = folder.new_run(&report.run_id);
    run.table("fills.parquet", &fills_table)?;
    run.table("positions.parquet", &positions_table)?;
    run.bytes("validate.json", &serde_json::to_vec_pretty(report)?)?;
    Ok(run.commit()?)
}

/// Rows of a report, turned into columns.
struct Rows<'a, R>(&'a [(i64, R)]);

impl<'a, R> Rows<'a, R> {
    fn run(&self) -> Vec<i64> {
        self.0.iter().map(|(run, _)| *run).collect()
    }

    fn all<T>(&self, f: impl Fn(&'a R) -> T) -> Vec<T> {
        self.0.iter().map(|(_, row)| f(row)).collect()
    }

    fn text(&self, f: impl Fn(&'a R) -> &'a String) -> Vec<&'a str> {
        self.all(|row| f(row).as_str())
    }

    fn times(&self, f: impl Fn(&'a R) -> u64) -> Vec<i64> {
        self.all(|row| nanoseconds(f(row)))
    }
}

/// Past 2262 the last nanosecond of an `i64`.
fn nanoseconds(ns: u64) -> i64 {
    i64::try_from(ns).unwrap_or(i64::MAX)
}

fn texts<'a>((name, values): &'a (&'static str, Vec<&'a str>)) -> (&'static str, Column<'a>) {
    (name, Column::Text(values))
}
