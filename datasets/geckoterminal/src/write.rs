//! Writes everything that was taken to a folder; `ingest.json` is its main file.
//!
//! - `POOL_TIMEFRAME.parquet`, one file per series: `ts_ms open high low close volume`.
//! - `trades.parquet`: `pool_id block_number seq ts_ms side from_token_amount to_token_amount` as `q50 pool infer` reads
//!   them, `price_usd` of the token, `volume_usd`, `polled_ms`, `id`.
//! - `pools.parquet`: snapshots of each pool, with their times.

use std::collections::BTreeMap;
use std::path::Path;

use q50_datasets::hash::{HashColumn, content_hash, text_hash};
use q50_datasets::run_folder::{RunFolder, run_id};
use q50_datasets::time::rfc3339;
use q50_datasets::write::Column;
use serde_json::Value;

use crate::bars::{BarSeries, PRICES};
use crate::report::{BarFile, Conflict, Report};
use crate::trades::Trade;
use crate::{Collection, Error};

const REPORT: &str = "ingest.json";
const TRADES: &str = "trades.parquet";
const POOLS: &str = "pools.parquet";

impl Collection {
    /// Writes everything into a folder: all files, or none. Files of an earlier ingest there are replaced; `source` is named
    /// where there is nothing to write.
    ///
    /// # Errors
    /// Where there is nothing to write, or the folder has files of another kind, or cannot be written.
    pub fn write(&self, source: &Path, out: &Path) -> Result<Report, Error> {
        let mut series: BTreeMap<String, &BarSeries> = BTreeMap::new();
        for bars in self.bars().iter().filter(|bars| bars.len() > 1) {
            if let Some(other) = series.insert(file_name(bars), bars) {
                return Err(Error::SameFile(other.pool.clone(), bars.pool.clone()));
            }
        }
        let trades = self.trades.trades();
        let mut names: Vec<String> = series.keys().cloned().collect();
        names.extend((!trades.is_empty()).then(|| TRADES.to_owned()));
        names.extend((self.pools.len() > 0).then(|| POOLS.to_owned()));
        if names.is_empty() {
            return Err(self.nothing(source));
        }
        names.push(REPORT.to_owned());
        let folder = RunFolder::open(out, &names)?;
        let report = self.report(&series, &names);
        let mut files = folder.new_run(&report.run_id);
        for (name, bars) in &series {
            write_bars(&mut files, name, bars)?;
        }
        if !trades.is_empty() {
            write_trades(&mut files, trades)?;
        }
        if self.pools.len() > 0 {
            self.write_pools(&mut files)?;
        }
        let text =
            serde_json::to_vec_pretty(&report).map_err(|source| Error::Json { path: folder.file(REPORT), source })?;
        files.bytes(REPORT, &text)?;
        let former = former(&folder.file(REPORT));
        files.commit()?;
        remove_former(&folder, &former, &names)?;
        Ok(report)
    }

    fn nothing(&self, source: &Path) -> Error {
        let refused = self.files.iter().find_map(|file| Some((file, file.first_refused.first()?)));
        let refused =
            refused.map(|(file, refused)| format!("{}, row {}: {}", file.origin, refused.row, refused.reason));
        let reason = refused.or_else(|| self.passed_over.first().map(|passed_over| passed_over.reason.clone()));
        let reason = reason.map_or_else(String::new, |reason| format!(" ({reason})"));
        Error::Nothing { path: source.to_path_buf(), files: self.files.len() + self.passed_over.len(), reason }
    }

    fn report(&self, series: &BTreeMap<String, &BarSeries>, names: &[String]) -> Report {
        let file = |at: usize| self.files.get(at).map(|file| file.origin.clone()).unwrap_or_default();
        let conflicts = self.conflicts.found.iter().map(|found| Conflict {
            key: found.key.clone(),
            column: found.column,
            kept: found.kept.0.clone(),
            kept_from: file(found.kept.1),
            other: found.other.0.clone(),
            other_from: file(found.other.1),
        });
        let bars = series.iter().map(|(name, bars)| {
            let times = bars.times();
            BarFile {
                file: name.clone(),
                pool: bars.pool.clone(),
                timeframe: bars.timeframe.clone(),
                rows: bars.len(),
                from: times.first().copied().map(rfc3339).unwrap_or_default(),
                to: times.last().copied().map(rfc3339).unwrap_or_default(),
            }
        });
        let single = self.bars().iter().filter(|bars| bars.len() == 1);
        Report {
            schema: "q50.geckoterminal/1",
            run_id: self.id(series),
            written: names.iter().filter(|name| *name != REPORT).cloned().collect(),
            files: self.files.clone(),
            passed_over: self.passed_over.clone(),
            bars: bars.collect(),
            single_bars: single.map(|bars| format!("{} {}", bars.pool, bars.timeframe)).collect(),
            trades: self.trades.trades().len(),
            pool_rows: self.pools.len(),
            pools: self.pools.pools(),
            trades_on_bars: self.trades_on_bars(),
            repeated: self.conflicts.repeated,
            conflicts: conflicts.collect(),
        }
    }

    /// What a content is known by: its numbers and times.
    fn id(&self, series: &BTreeMap<String, &BarSeries>) -> String {
        let mut parts = Vec::new();
        for (name, bars) in series {
            let (times, volume) = (bars.times(), bars.volume());
            let prices = [0, 1, 2, 3].map(|which| bars.price(which));
            let mut columns = vec![(name.as_str(), HashColumn::I64(&times)), ("volume", HashColumn::F64(&volume))];
            columns.extend(PRICES.into_iter().zip(prices.iter().map(|price| HashColumn::F64(price))));
            parts.push(content_hash(columns));
        }
        let trades = self.trades.trades();
        let times: Vec<i64> = trades.iter().map(|t| t.ts_ms).collect();
        let (from, to): (Vec<f64>, Vec<f64>) = trades.iter().map(|t| (t.from, t.to)).unzip();
        let columns =
            [("ts_ms", HashColumn::I64(&times)), ("from", HashColumn::F64(&from)), ("to", HashColumn::F64(&to))];
        parts.push(content_hash(columns));
        for (name, cells) in self.pools.values() {
            let cells: Vec<f64> = cells.into_iter().map(|cell| cell.unwrap_or(f64::NAN)).collect();
            parts.push(content_hash([(name, HashColumn::F64(&cells))]));
        }
        text_hash(&parts.join(" "))
    }

    fn write_pools(&self, files: &mut q50_datasets::NewRun<'_>) -> Result<(), Error> {
        let (names, collected, created) = (self.pools.names(), self.pools.collected(), self.pools.created());
        let (texts, values) = (self.pools.texts(), self.pools.values());
        let files_of = self.pools.files();
        let sources: Vec<&str> = files_of.iter().map(|at| self.files[*at].origin.as_str()).collect();
        let mut columns = vec![
            ("pool_id", Column::Text(&names)),
            ("collected_ms", Column::OptionI64(&collected)),
            ("created_ms", Column::OptionI64(&created)),
        ];
        columns.extend(texts.iter().map(|(name, cells)| (*name, Column::OptionText(cells))));
        columns.extend(values.iter().map(|(name, cells)| (*name, Column::OptionF64(cells))));
        columns.push(("source", Column::Text(&sources)));
        Ok(files.table(POOLS, &columns)?)
    }
}

/// `POOL_TIMEFRAME.parquet`, in which a pool that comes from a file cannot name another folder.
fn file_name(bars: &BarSeries) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() || matches!(c, '_' | '-') { c } else { '-' };
    format!("{}_{}.parquet", bars.pool, bars.timeframe)
        .trim_end_matches(".parquet")
        .chars()
        .map(plain)
        .collect::<String>()
        + ".parquet"
}

fn write_bars(files: &mut q50_datasets::NewRun<'_>, name: &str, bars: &BarSeries) -> Result<(), Error> {
    let (times, volume) = (bars.times(), bars.volume());
    let prices = [0, 1, 2, 3].map(|which| bars.price(which));
    let mut columns = vec![("ts_ms", Column::I64(&times))];
    columns.extend(PRICES.into_iter().zip(prices.iter().map(|price| Column::F64(price))));
    columns.push(("volume", Column::F64(&volume)));
    Ok(files.table(name, &columns)?)
}

fn write_trades(files: &mut q50_datasets::NewRun<'_>, trades: &[Trade]) -> Result<(), Error> {
    fn column<'a, T>(trades: &'a [Trade], value: impl Fn(&'a Trade) -> T) -> Vec<T> {
        trades.iter().map(value).collect()
    }
    let (pool, id) = (column(trades, |t| t.pool.as_str()), column(trades, |t| t.id.as_str()));
    let (block, seq) = (column(trades, |t| t.block), column(trades, |t| t.seq));
    let (ts_ms, polled) = (column(trades, |t| t.ts_ms), column(trades, |t| t.polled_ms));
    let side = column(trades, |t| u8::from(!t.buy));
    let (from, to) = (column(trades, |t| t.from), column(trades, |t| t.to));
    let (price, volume) = (column(trades, |t| t.price_usd), column(trades, |t| t.volume_usd));
    Ok(files.table(
        TRADES,
        &[
            ("pool_id", Column::Text(&pool)),
            ("block_number", Column::U64(&block)),
            ("seq", Column::U64(&seq)),
            ("ts_ms", Column::I64(&ts_ms)),
            ("side", Column::Labels { names: &["buy", "sell"], codes: &side }),
            ("from_token_amount", Column::F64(&from)),
            ("to_token_amount", Column::F64(&to)),
            ("price_usd", Column::OptionF64(&price)),
            ("volume_usd", Column::OptionF64(&volume)),
            ("polled_ms", Column::OptionI64(&polled)),
            ("id", Column::Text(&id)),
        ],
    )?)
}

/// The id and the files of the ingest that a report stands for.
fn former(report: &Path) -> (String, Vec<String>) {
    let read = || serde_json::from_slice::<Value>(&std::fs::read(report).ok()?).ok();
    let report = read().unwrap_or_default();
    let written = report["written"].as_array().into_iter().flatten().filter_map(Value::as_str).map(str::to_owned);
    (report["run_id"].as_str().unwrap_or_default().to_owned(), written.collect())
}

/// Removes what belongs to the former ingest alone, such as the bars of a pool that is no longer there.
fn remove_former(folder: &RunFolder, (id, written): &(String, Vec<String>), names: &[String]) -> Result<(), Error> {
    for name in written.iter().filter(|name| !names.contains(name) && Path::new(name).components().count() == 1) {
        let path = folder.file(name);
        if run_id(&path).ok().flatten().as_ref() == Some(id) {
            std::fs::remove_file(&path).map_err(|source| Error::Io { path, source })?;
        }
    }
    Ok(())
}
