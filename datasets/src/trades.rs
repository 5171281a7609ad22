//! Recorded trades: the ledger from which an audit rebuilds equity.

use std::collections::BTreeSet;
use std::path::Path;

use crate::error::{Error, Kind, Result, list, quoted};
use crate::frame::{Frame, Wanted};
use crate::input::Input;
use crate::source::{Format, detect};
use crate::time::rfc3339;

/// The trades of a hummingbot run, in its directory.
pub(crate) const TRADES_FILE: &str = "trades.csv";

/// Which way a recorded trade went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TradeSide {
    /// Base was bought.
    Buy,
    /// Base was sold.
    Sell,
}

/// One recorded trade. Quantities are units of base, money is in quote units.
#[derive(Clone, Debug, PartialEq)]
pub struct RecordedTrade {
    /// The run it belongs to, where the file says so.
    pub run: Option<String>,
    /// Epoch milliseconds UTC.
    pub ts_ms: i64,
    /// Which way.
    pub side: TradeSide,
    /// The recorder's kind: `DIRECTIONAL`, `POSITION_CLOSURE`, ...
    pub trade_type: String,
    /// The signal it was made for: `LONG`, `SHORT`, `NEUTRAL_CLOSE`, `BACKTEST_END`, ...
    pub original_signal: String,
    /// Units traded.
    pub quantity: f64,
    /// Price of one unit.
    pub price: f64,
    /// Units held before.
    pub position_before: f64,
    /// Units held after.
    pub position_after: f64,
    /// Fee paid.
    pub fee_cost: f64,
    /// Slippage paid as cash.
    pub slippage_cost: f64,
    /// Cash after the trade.
    pub balance_after: f64,
}

const NUMBERS: [&str; 7] =
    ["quantity", "price", "position_before", "position_after", "fee_cost", "slippage_cost", "balance_after"];

/// Reads recorded trades from Parquet or CSV (hummingbot's `trades.csv` included) or a directory with a hummingbot
/// run, in the order of the file. Where the file has a `run` column, `run` picks one of its runs.
///
/// # Errors
/// Where the file cannot be read, columns are missing, a side is neither BUY nor SELL, a number is absent, the trades
/// of a run go back in time, the run is unknown, or several runs are there and none is named (they are listed).
pub fn read_trades(path: &Path, run: Option<&str>) -> Result<Vec<RecordedTrade>> {
    let mut input = Input::open(path)?;
    if detect(&input)? == Format::Hummingbot {
        input = Input::open(&path.join(TRADES_FILE))?;
    }
    let path = input.path();
    let has_runs = Frame::column_names(&input)?.iter().any(|name| name == "run");
    let mut texts = vec!["side", "trade_type", "original_signal"];
    texts.extend(has_runs.then_some("run"));
    let wanted = Wanted { time: true, numbers: NUMBERS.to_vec(), texts, ..Wanted::default() };
    let frame = Frame::read_input(&input, &wanted)?.strict()?;
    let text = |name: &str, row: usize| frame.text(name).map_or("", |column| column[row].as_str());
    let runs: BTreeSet<&str> = frame.text("run").unwrap_or_default().iter().map(String::as_str).collect();
    choose(path, run, &runs)?;

    let mut trades: Vec<RecordedTrade> = Vec::new();
    for row in 0..frame.rows() {
        if has_runs && run.is_some_and(|run| text("run", row) != run) {
            continue;
        }
        let mut numbers = [0.0; NUMBERS.len()];
        for (slot, name) in numbers.iter_mut().zip(NUMBERS) {
            *slot = frame.number(name).map_or(f64::NAN, |column| column[row]);
            if !slot.is_finite() {
                return Err(Error::new(Kind::Value, path, format!("found {slot}"))
                    .at_row(row)
                    .column(name)
                    .expected("a finite number")
                    .remedy("an audit needs every figure of a trade"));
            }
        }
        let side = match text("side", row) {
            "BUY" | "buy" => TradeSide::Buy,
            "SELL" | "sell" => TradeSide::Sell,
            other => {
                return Err(Error::new(Kind::Value, path, format!("found {}", quoted(other)))
                    .at_row(row)
                    .column("side")
                    .expected("`BUY` or `SELL`"));
            }
        };
        let ts_ms = frame.time()[row];
        if let Some(before) = trades.last().filter(|before| before.ts_ms > ts_ms) {
            return Err(Error::new(Kind::Order, path, format!("{} after {}", rfc3339(ts_ms), rfc3339(before.ts_ms)))
                .at_row(row)
                .expected("trades of a run in order of time")
                .remedy("sort the rows by time"));
        }
        let [quantity, price, position_before, position_after, fee_cost, slippage_cost, balance_after] = numbers;
        trades.push(RecordedTrade {
            run: has_runs.then(|| text("run", row).to_owned()),
            ts_ms,
            side,
            trade_type: text("trade_type", row).to_owned(),
            original_signal: text("original_signal", row).to_owned(),
            quantity,
            price,
            position_before,
            position_after,
            fee_cost,
            slippage_cost,
            balance_after,
        });
    }
    if trades.is_empty() {
        return Err(Error::new(Kind::Empty, path, "no trade").expected("at least one row"));
    }
    Ok(trades)
}

fn choose(path: &Path, run: Option<&str>, runs: &BTreeSet<&str>) -> Result<()> {
    let fault = |found: String| {
        Error::new(Kind::Choice, path, found).expected(format!("one of {}", list(runs))).remedy("name the run")
    };
    match run {
        // A file without runs holds one, whatever the caller calls it.
        _ if runs.is_empty() => Ok(()),
        Some(run) if !runs.contains(run) => Err(fault(format!("no run `{run}`"))),
        None if runs.len() > 1 => Err(fault(format!("{} runs", runs.len()))),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEAD: &str = "run,ts_ms,side,trade_type,original_signal,quantity,price,position_before,position_after,\
                        fee_cost,slippage_cost,balance_after\n";

    fn read(text: &str, run: Option<&str>) -> Result<Vec<RecordedTrade>> {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("trades.csv");
        std::fs::write(&path, text).unwrap();
        read_trades(&path, run)
    }

    fn two_runs() -> String {
        format!(
            "{HEAD}a,5,BUY,DIRECTIONAL,LONG,2,10,0,2,0.1,0.05,79.85\nb,1,SELL,POSITION_CLOSURE,BACKTEST_END,1,9,1,0,0,0,9\n"
        )
    }

    #[test]
    fn a_run_is_picked_by_its_name() {
        let trades = read(&two_runs(), Some("b")).unwrap();
        assert_eq!(trades.len(), 1);
        let trade = &trades[0];
        assert_eq!((trade.side, trade.ts_ms, trade.quantity, trade.balance_after), (TradeSide::Sell, 1, 1.0, 9.0));
        assert_eq!((trade.run.as_deref(), trade.original_signal.as_str()), (Some("b"), "BACKTEST_END"));
    }

    #[test]
    fn an_unknown_run_and_an_unnamed_one_are_answered_with_the_runs_there_are() {
        for run in [Some("c"), None] {
            let e = read(&two_runs(), run).unwrap_err();
            assert!(e.is_choice() && e.to_string().contains("`a`, `b`"), "{e}");
        }
    }

    #[test]
    fn a_side_a_number_and_an_order_that_cannot_be_are_refused() {
        let e = read(&two_runs().replace("BUY", "HOLD"), Some("a")).unwrap_err();
        assert_eq!((e.row(), e.column_name()), (Some(1), Some("side")));
        let e = read(&two_runs().replace(",9\n", ",\n"), Some("b")).unwrap_err();
        assert_eq!((e.row(), e.column_name()), (Some(2), Some("balance_after")));
        assert!(read(&two_runs().replace("\nb,", "\na,"), Some("a")).unwrap_err().is_order());
    }
}
