//! Answers of the API, and the rows that are recorded of them. Numbers that the API writes as text stay text, digit by digit.

use q50_datasets::time::{parse_ms, rfc3339};
use rusqlite::types::Value as Cell;
use serde::Deserialize;
use serde_json::{Map, Value};

use super::store::Table;
use crate::files::{flatten, text};

/// Pools or trades.
#[derive(Debug, Deserialize)]
pub(super) struct Objects {
    data: Vec<Value>,
}

impl Objects {
    /// Each as a row, with the names of the client's frames.
    pub(super) fn rows(&self) -> Vec<Map<String, Value>> {
        self.data.iter().map(flatten).collect()
    }
}

/// Bars, the newest first.
#[derive(Debug, Deserialize)]
pub(super) struct Bars {
    pub(super) data: BarData,
}

#[derive(Debug, Deserialize)]
pub(super) struct BarData {
    pub(super) attributes: BarList,
}

#[derive(Debug, Deserialize)]
pub(super) struct BarList {
    pub(super) ohlcv_list: Vec<Bar>,
}

/// Opening in epoch seconds; open, high, low, close in USD; volume in USD.
pub(super) type Bar = (i64, f64, f64, f64, f64, Option<f64>);

pub(super) fn bar(pool: &str, timeframe: &str, bar: &Bar, now: i64) -> Vec<Cell> {
    let (opening, open, high, low, close, volume) = *bar;
    let mut row: Vec<Cell> = vec![pool.to_owned().into(), timeframe.to_owned().into(), opening.into()];
    row.extend([open, high, low, close].map(Cell::from));
    row.extend([volume.into(), moment(now)]);
    row
}

pub(super) fn trade(pool: &str, trade: &Map<String, Value>, now: i64) -> Vec<Cell> {
    row(Table::Trades, trade, pool, now)
}

/// When a trade happened, epoch seconds.
pub(super) fn trade_time(trade: &Map<String, Value>) -> Option<i64> {
    Some(parse_ms(trade.get("block_timestamp")?.as_str()?)?.div_euclid(1_000))
}

pub(super) fn snapshot(pool: &Map<String, Value>, now: i64) -> Vec<Cell> {
    let id = pool.get("id").map(text).unwrap_or_default();
    row(Table::Snapshots, pool, &id, now)
}

/// The cells of an object in the order of a table's columns.
fn row(table: Table, object: &Map<String, Value>, pool: &str, now: i64) -> Vec<Cell> {
    let cell = |column: &&str| match *column {
        "pool_id" => pool.to_owned().into(),
        "collected_at" => moment(now),
        // The names that the client's frames have for these.
        "side" => known(object.get("kind")),
        "volume_usd" => known(object.get("volume_in_usd")),
        column => known(object.get(column)),
    };
    table.columns().map(|column| cell(&column)).collect()
}

fn known(value: Option<&Value>) -> Cell {
    value.filter(|value| !value.is_null()).map_or(Cell::Null, |value| text(value).into_owned().into())
}

fn moment(seconds: i64) -> Cell {
    rfc3339(seconds * 1_000).into()
}
