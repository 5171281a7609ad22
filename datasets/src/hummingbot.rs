//! A run of the published hummingbot backtester: `trades.csv` and `holds_analysis.csv`.
//!
//! Every hour is a row of one of the two files. The column `signal` holds the forecast as a printed Python dict. Rows
//! that only close a position carry no forecast: those hours are absent from the signals, and counted.

use std::collections::BTreeMap;
use std::path::Path;

use crate::error::{Error, Kind, Result};
use crate::frame::{Frame, Wanted};
use crate::pyliteral::{Value, parse};
use crate::signals::{SignalColumns, SignalOptions, SignalTable};
use crate::time::rfc3339;
use crate::trades::{RecordedTrade, TRADES_FILE, read_trades};

pub(crate) const HOLDS_FILE: &str = "holds_analysis.csv";

/// What a run recorded.
#[derive(Clone, Debug, PartialEq)]
pub struct Run {
    /// Epoch milliseconds UTC of every hour with a forecast, strictly ascending.
    pub ts: Vec<i64>,
    /// `q10 q50 q90 prob_up signal_thresh side`, each as long as `ts`.
    pub columns: SignalColumns,
    /// The trades, in order of time.
    pub trades: Vec<RecordedTrade>,
    /// Rows without a forecast: they close a position and do nothing else.
    pub rows_without_forecast: usize,
}

/// The forecast of one row, in the order of [`KEYS`].
type Forecast = [f64; 6];
const KEYS: [&str; 6] = ["q10", "q50", "q90", "prob_up", "signal_thresh", "side"];

impl Run {
    /// Reads the pair of files in a directory.
    ///
    /// # Errors
    /// As [`Run::read_files`].
    pub fn read(dir: &Path) -> Result<Self> {
        Self::read_files(&dir.join(TRADES_FILE), &dir.join(HOLDS_FILE))
    }

    /// Reads the two files.
    ///
    /// # Errors
    /// Where a file cannot be read or lacks columns, a signal is no printed dict (row and byte are named) or lacks a
    /// value, and where two rows tell different forecasts for one hour.
    pub fn read_files(trades: &Path, holds: &Path) -> Result<Self> {
        let mut forecasts = BTreeMap::new();
        let without = collect(trades, &mut forecasts)? + collect(holds, &mut forecasts)?;
        if forecasts.is_empty() {
            return Err(
                Error::new(Kind::Empty, holds, "no row with a forecast").expected("`raw_quantiles` in the signals")
            );
        }
        let column = |name: &str| {
            let at = KEYS.iter().position(|key| *key == name)?;
            Some(forecasts.values().map(|forecast: &Forecast| forecast[at]).collect())
        };
        Ok(Self {
            columns: SignalColumns::from_fn(column),
            ts: forecasts.into_keys().collect(),
            trades: read_trades(trades, None)?,
            rows_without_forecast: without,
        })
    }

    /// The forecasts as a checked table.
    ///
    /// # Errors
    /// As [`SignalTable::new`].
    pub fn signals(&self, options: &SignalOptions) -> Result<SignalTable> {
        SignalTable::new(self.ts.clone(), self.columns.clone(), options)
    }
}

/// Adds the forecasts of one file; returns how many rows have none.
fn collect(path: &Path, forecasts: &mut BTreeMap<i64, Forecast>) -> Result<usize> {
    let wanted = Wanted { time: true, texts: vec!["signal"], ..Wanted::default() };
    let frame = Frame::read(path, &wanted)?.strict()?;
    let mut without = 0;
    for (row, (text, ts)) in frame.text("signal").unwrap_or_default().iter().zip(frame.time()).enumerate() {
        let fault = |found: String| Error::new(Kind::Value, path, found).at_row(row).column("signal");
        let value = parse(text).map_err(|e| {
            fault(format!("no printed Python value at byte {}", e.byte))
                .expected(e.expected)
                .remedy("the column must hold what Python's print gives for a dict")
        })?;
        let Some(quantiles) = value.get("raw_quantiles") else {
            without += 1;
            continue;
        };
        if let Some(Value::Time(own)) = value.get("timestamp")
            && own != ts
        {
            return Err(fault(format!("the signal of {} in the row of {}", rfc3339(*own), rfc3339(*ts)))
                .remedy("the row was shifted: export the run again"));
        }
        let mut forecast = Forecast::default();
        for (slot, key) in forecast.iter_mut().zip(KEYS) {
            let holder = if key.starts_with('q') { quantiles } else { &value };
            *slot = holder
                .get(key)
                .and_then(Value::number)
                .ok_or_else(|| fault(format!("no number under `{key}`")).expected("a forecast with all its values"))?;
        }
        if let Some(before) = forecasts.insert(*ts, forecast)
            && before.map(f64::to_bits) != forecast.map(f64::to_bits)
        {
            return Err(fault(format!("a second, different forecast for {}", rfc3339(*ts)))
                .remedy("keep one run's files in a directory"));
        }
    }
    Ok(without)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trades::TradeSide;

    const TRADES: &str = "timestamp_formatted,side,trade_type,original_signal,quantity,price,position_before,\
                          position_after,fee_cost,slippage_cost,balance_after,timestamp,signal\n";
    const HOLDS: &str = "timestamp,hold_reason,signal\n";

    fn signal(hour: u32, q50: f64, side: i32) -> String {
        format!(
            "\"{{'timestamp': Timestamp('2024-01-01 {hour:02}:00:00'), 'side': {side}, 'prob_up': 0.6, \
             'signal_thresh': 0.001, 'raw_quantiles': {{'q10': -0.01, 'q50': {q50}, 'q90': 0.01}}}}\""
        )
    }

    fn trade(hour: u32, side: &str, signal: &str) -> String {
        format!("x,{side},DIRECTIONAL,LONG,1,10,0,1,0.1,0.05,9,2024-01-01 {hour:02}:00:00,{signal}\n")
    }

    fn run(trades: &str, holds: &str) -> Result<Run> {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join(TRADES_FILE), format!("{TRADES}{trades}")).unwrap();
        std::fs::write(dir.path().join(HOLDS_FILE), format!("{HOLDS}{holds}")).unwrap();
        Run::read(dir.path())
    }

    const CLOSURE: &str = "\"{'signal_direction': 'NEUTRAL_CLOSE', 'confidence': 0, 'close_details': {'side': -1}}\"";

    #[test]
    fn both_files_are_merged_in_order_of_time_and_closures_carry_no_forecast() {
        let trades = trade(1, "BUY", &signal(1, 0.002, 1)) + &trade(3, "SELL", CLOSURE);
        let holds =
            format!("2024-01-01 00:00:00,H,{}\n2024-01-01 02:00:00,H,{}\n", signal(0, 0.0, -1), signal(2, 0.0, 0));
        let run = run(&trades, &holds).unwrap();
        let t = 1_704_067_200_000;
        assert_eq!(run.ts, [t, t + 3_600_000, t + 7_200_000]);
        assert_eq!(run.columns.side, Some(vec![-1.0, 1.0, 0.0]));
        assert_eq!(run.columns.q50, Some(vec![0.0, 0.002, 0.0]));
        assert_eq!((run.rows_without_forecast, run.columns.vol_raw.is_none()), (1, true));
        let sides: Vec<TradeSide> = run.trades.iter().map(|t| t.side).collect();
        assert_eq!(sides, [TradeSide::Buy, TradeSide::Sell]);
        assert_eq!(run.signals(&SignalOptions::default()).unwrap().len(), 3);
    }

    #[test]
    fn code_in_the_signal_is_refused_with_row_and_byte() {
        let holds =
            format!("2024-01-01 00:00:00,H,{}\n2024-01-01 01:00:00,H,\"__import__('os')\"\n", signal(0, 0.0, 1));
        let e = run(&trade(5, "BUY", CLOSURE), &holds).unwrap_err();
        assert_eq!((e.row(), e.column_name()), (Some(2), Some("signal")));
        assert!(e.to_string().contains("byte 1"), "{e}");
    }

    #[test]
    fn a_shifted_row_and_a_second_opinion_are_refused() {
        let shifted = format!("2024-01-01 01:00:00,H,{}\n", signal(0, 0.0, 1));
        assert!(run(&trade(5, "BUY", CLOSURE), &shifted).unwrap_err().to_string().contains("shifted"));
        let second = format!("2024-01-01 01:00:00,H,{}\n", signal(1, 0.003, 1));
        let e = run(&trade(1, "BUY", &signal(1, 0.002, 1)), &second).unwrap_err();
        assert!(e.to_string().contains("different forecast"), "{e}");
    }

    #[test]
    fn a_forecast_without_one_of_its_values_is_refused() {
        let holds = format!("2024-01-01 00:00:00,H,{}\n", signal(0, 0.0, 1).replace("'prob_up': 0.6, ", ""));
        assert!(run(&trade(5, "BUY", CLOSURE), &holds).unwrap_err().to_string().contains("`prob_up`"));
    }
}
