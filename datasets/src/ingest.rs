//! Converts other tools' files to q50's own Parquet files, with checks on the way.

use std::path::{Path, PathBuf};

use crate::bars::{Bars, ascending};
use crate::error::Result;
use crate::frame::{Frame, Wanted};
use crate::hash::{HashColumn, content_hash};
use crate::hummingbot::Run;
use crate::input::Input;
use crate::names;
use crate::qlib::Selection;
use crate::read::pickle;
use crate::run_folder::RunFolder;
use crate::signals::{SignalOptions, SignalTable};
use crate::source::Content;
use crate::trades::{RecordedTrade, TradeSide};
use crate::write::{Column, write_batch, write_parquet};

impl Bars {
    /// Writes `ts_ms open high low close [volume]`.
    ///
    /// # Errors
    /// Where the folder or disk refuses; nothing is left behind then.
    pub fn write_parquet(&self, path: &Path) -> Result<()> {
        write_parquet(path, &self.to_columns())
    }

    /// The columns that [`Bars::write_parquet`] writes.
    #[must_use]
    pub fn to_columns(&self) -> Vec<(&str, Column<'_>)> {
        let mut columns = vec![("ts_ms", Column::I64(&self.open_time))];
        columns.extend(self.prices().map(|(name, column)| (name, Column::F64(column))));
        columns.extend(self.volume.as_deref().map(|volume| ("volume", Column::F64(volume))));
        columns
    }
}

impl SignalTable {
    /// Writes `ts_ms` and the columns that are there, crossing quantiles as the policy left them.
    ///
    /// # Errors
    /// Where the folder or disk refuses; nothing is left behind then.
    pub fn write_parquet(&self, path: &Path) -> Result<()> {
        write_parquet(path, &self.to_columns())
    }

    /// The columns that [`SignalTable::write_parquet`] writes.
    #[must_use]
    pub fn to_columns(&self) -> Vec<(&str, Column<'_>)> {
        let mut columns = vec![("ts_ms", Column::I64(&self.ts))];
        columns.extend(self.columns.present().map(|(name, column)| (name, Column::F64(column))));
        columns
    }
}

/// Reads bars in any format (Parquet, Feather, CSV, JSON, Qlib), checks them, and writes them as Parquet to `out`.
///
/// # Errors
/// As [`Bars::read_selected`] and [`Bars::write_parquet`].
pub fn ingest_bars(from: &Path, selection: &Selection, out: &Path) -> Result<Bars> {
    let bars = Bars::read_selected(from, selection)?;
    bars.write_parquet(out)?;
    Ok(bars)
}

/// Reads signals in any format (Parquet, Feather, CSV, JSON, a hummingbot run), checks them, and writes them as Parquet to `out`.
///
/// # Errors
/// As [`SignalTable::read`] and [`SignalTable::write_parquet`].
pub fn ingest_signals(from: &Path, options: &SignalOptions, out: &Path) -> Result<SignalTable> {
    let table = SignalTable::read(from, options)?;
    table.write_parquet(out)?;
    Ok(table)
}

/// Reads a pandas frame from a pickle without running anything and writes it to `out`: its signals, checked as
/// [`SignalTable::read`] does, or with `raw` every column and every level of the index (the latter as `@NAME`, instants
/// as `@time_ns` in nanoseconds since 1970), values bit for bit. Of a dictionary the frame under `key`. The number of rows,
/// and of the bytes after the end of the pickle, which were not looked at.
///
/// # Errors
/// As [`SignalTable::read`] and [`SignalTable::write_parquet`]; and where the file is no pickle of a frame, with the byte
/// where it fails.
pub fn ingest_pickle(from: &Path, key: Option<String>, raw: bool, out: &Path) -> Result<(usize, u64)> {
    let input = Input::open(from)?.as_pickle(key);
    let trailing = pickle::frame(from, Content::of(&input)?)?.trailing;
    if raw {
        let batch = pickle::raw(from, Content::of(&input)?)?;
        write_batch(out, &batch)?;
        return Ok((batch.num_rows(), trailing));
    }
    let table = SignalTable::read_input(&input, &SignalOptions::default())?;
    table.write_parquet(out)?;
    Ok((table.len(), trailing))
}

/// Reads a table with a time column and writes all of its columns to `out` as Parquet, as numbers, or as text where they
/// hold a word; `ts_ms` first. Its signals, where it has some, are checked as [`SignalTable::read`] does. The number of rows.
///
/// # Errors
/// Where it cannot be read, times are not strictly ascending, a signal is out of its range, or the folder or disk refuses.
pub fn ingest_table(from: &Path, out: &Path) -> Result<usize> {
    let input = Input::open(from)?;
    match SignalTable::read_input(&input, &SignalOptions::default()) {
        // Columns of any name may be signals: --signal-column says which.
        Err(error) if error.is_missing_column() => {}
        checked => drop(checked?),
    }
    let names = Frame::column_names(&input)?;
    let time = names::time_column(&names);
    let others = names.iter().enumerate().filter(|(at, _)| time.is_none_or(|(time, _)| *at != time));
    let either: Vec<&str> = others.map(|(_, name)| name.as_str()).collect();
    let frame = Frame::read_input(&input, &Wanted { time: true, either: either.clone(), ..Wanted::default() })?;
    let frame = frame.strict()?.not_empty()?;
    ascending(from, frame.time())?;
    let text = |name: &&str| {
        frame.text(name).map(|cells| cells.iter().map(|cell| Some(cell.as_str()).filter(|c| !c.is_empty())))
    };
    let texts: Vec<(&str, Vec<Option<&str>>)> =
        either.iter().filter_map(|name| Some((*name, text(name)?.collect()))).collect();
    let mut columns = vec![("ts_ms", Column::I64(frame.time()))];
    columns.extend(either.iter().filter_map(|name| Some((*name, Column::F64(frame.number(name)?)))));
    columns.extend(texts.iter().map(|(name, cells)| (*name, Column::OptionText(cells))));
    write_parquet(out, &columns)?;
    Ok(frame.rows())
}

/// What came out of a hummingbot run.
#[derive(Clone, Debug, PartialEq)]
pub struct IngestedRun {
    /// Where the signals are now.
    pub signals_path: PathBuf,
    /// Where the trades are now.
    pub trades_path: PathBuf,
    /// Hours with a forecast.
    pub signals: usize,
    /// Trades.
    pub trades: usize,
    /// Rows that carried no forecast.
    pub rows_without_forecast: usize,
}

/// The files of an ingested hummingbot run.
pub const HUMMINGBOT_FILES: &[&str] = &["trades.parquet", "signals.parquet"];

/// Reads a hummingbot run and writes `signals.parquet` and `trades.parquet` (under the run's name `run`) into the
/// folder `out`, opened for [`HUMMINGBOT_FILES`], both or neither.
///
/// # Errors
/// As [`Run::read`] and [`SignalTable::new`]; and where the folder or disk refuses.
pub fn ingest_hummingbot(from: &Path, run: &str, options: &SignalOptions, out: &RunFolder) -> Result<IngestedRun> {
    let recorded = Run::read(from)?;
    let table = recorded.signals(options)?;
    let trades = TradeColumns::new(run, &recorded.trades);
    let columns = table.columns.present().map(|(name, column)| (name, HashColumn::F64(column)));
    let mut files = out.new_run(&content_hash([("ts_ms", HashColumn::I64(&table.ts))].into_iter().chain(columns)));
    files.table("signals.parquet", &table.to_columns())?;
    files.table("trades.parquet", &trades.columns())?;
    files.commit()?;
    Ok(IngestedRun {
        signals_path: out.file("signals.parquet"),
        trades_path: out.file("trades.parquet"),
        signals: table.len(),
        trades: recorded.trades.len(),
        rows_without_forecast: recorded.rows_without_forecast,
    })
}

/// Trades turned on their side.
struct TradeColumns<'a> {
    texts: [Vec<&'a str>; 4],
    ts_ms: Vec<i64>,
    numbers: [(&'static str, Vec<f64>); 7],
}

impl<'a> TradeColumns<'a> {
    fn new(run: &'a str, trades: &'a [RecordedTrade]) -> Self {
        let text = |f: fn(&'a RecordedTrade) -> &'a str| trades.iter().map(f).collect::<Vec<_>>();
        let number = |f: fn(&RecordedTrade) -> f64| trades.iter().map(f).collect::<Vec<_>>();
        let side = |t: &RecordedTrade| match t.side {
            TradeSide::Buy => "BUY",
            TradeSide::Sell => "SELL",
        };
        Self {
            texts: [
                vec![run; trades.len()],
                trades.iter().map(side).collect(),
                text(|t| &t.trade_type),
                text(|t| &t.original_signal),
            ],
            ts_ms: trades.iter().map(|t| t.ts_ms).collect(),
            numbers: [
                ("quantity", number(|t| t.quantity)),
                ("price", number(|t| t.price)),
                ("position_before", number(|t| t.position_before)),
                ("position_after", number(|t| t.position_after)),
                ("fee_cost", number(|t| t.fee_cost)),
                ("slippage_cost", number(|t| t.slippage_cost)),
                ("balance_after", number(|t| t.balance_after)),
            ],
        }
    }

    fn columns(&self) -> Vec<(&str, Column<'_>)> {
        let mut columns = vec![("run", Column::Text(&self.texts[0])), ("ts_ms", Column::I64(&self.ts_ms))];
        for (name, text) in ["side", "trade_type", "original_signal"].into_iter().zip(&self.texts[1..]) {
            columns.push((name, Column::Text(text)));
        }
        columns.extend(self.numbers.iter().map(|(name, values)| (*name, Column::F64(values))));
        columns
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Dataset, DatasetOptions};

    #[test]
    fn a_dataset_has_the_same_hash_as_csv_and_as_parquet() {
        let dir = tempfile::tempdir().unwrap();
        let at = |name: &str| dir.path().join(name);
        let bars = "datetime,open,high,low,close,volume\n2024-01-01,1.1,3,1,0.1,7\n2024-01-02,2,2.3,1,1,\n2024-01-03,1,1,1,1,2\n";
        std::fs::write(at("bars.csv"), bars).unwrap();
        std::fs::write(at("signals.csv"), "ts,q10,q50,q90\n2024-01-02T00:00:00Z,-0.3,0.1,0.2\n").unwrap();
        ingest_bars(&at("bars.csv"), &Selection::default(), &at("bars.parquet")).unwrap();
        ingest_signals(&at("signals.csv"), &SignalOptions::default(), &at("signals.parquet")).unwrap();
        let read = |kind: &str| {
            let (bars, signals) = (at(&format!("bars.{kind}")), at(&format!("signals.{kind}")));
            Dataset::read(&bars, Some(&signals), &DatasetOptions::default()).unwrap()
        };
        assert_eq!(read("csv").hash(), read("parquet").hash());
        assert_eq!(read("parquet").rows(), 1..2);
    }
}
