//! Bars of pools, by pool and timeframe.

use std::collections::BTreeMap;

use q50_datasets::time::rfc3339;

use crate::numbers::{agree, number, positive};
use crate::report::{Conflicts, Contradiction};
use crate::shape::{Cells, find};
use crate::times::{Readings, Times};

/// Places of the columns of a table of bars.
#[derive(Debug)]
pub(crate) struct BarColumns {
    pool: Option<usize>,
    timeframe: Option<usize>,
    seconds: Option<usize>,
    datetime: Option<usize>,
    prices: [usize; 4],
    volume: Option<usize>,
    /// What the pool is called where no column names it.
    unnamed: String,
}

impl BarColumns {
    pub(crate) fn of(names: &[String], unnamed: &str) -> Option<Self> {
        let price = |name: &str| find(names, &[name, &format!("{name}_price"), &format!("{name}_price_usd")]);
        let (seconds, datetime) = (find(names, &["timestamp"]), find(names, &["datetime"]));
        seconds.or(datetime)?;
        Some(Self {
            pool: find(names, &["pool_id", "symbol"]),
            timeframe: find(names, &["timeframe", "collection_interval"]),
            seconds,
            datetime,
            prices: [price("open")?, price("high")?, price("low")?, price("close")?],
            volume: find(names, &["volume_usd", "volume", "volume_usd_interval"]),
            unnamed: unnamed.to_owned(),
        })
    }
}

/// A bar, and the file that it comes from.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Bar {
    pub(crate) ts_ms: i64,
    /// Open, high, low, close in USD.
    pub(crate) prices: [f64; 4],
    /// In USD.
    volume: Option<f64>,
    file: usize,
}

/// The bars of a pool in one timeframe.
#[derive(Clone, Debug)]
pub struct BarSeries {
    /// Pool, such as `solana_F5vA..`.
    pub pool: String,
    /// Timeframe, such as `1h`; empty for a single bar of a table that does not say it.
    pub timeframe: String,
    pub(crate) bars: Vec<Bar>,
}

impl BarSeries {
    /// Number of bars.
    #[must_use]
    pub fn len(&self) -> usize {
        self.bars.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.bars.is_empty()
    }

    /// The bar that opens at `ts_ms`.
    pub(crate) fn at(&self, ts_ms: i64) -> Option<&Bar> {
        self.bars.binary_search_by_key(&ts_ms, |bar| bar.ts_ms).ok().map(|at| &self.bars[at])
    }

    /// Openings, epoch milliseconds.
    pub(crate) fn times(&self) -> Vec<i64> {
        self.bars.iter().map(|bar| bar.ts_ms).collect()
    }

    /// Open, high, low or close.
    pub(crate) fn price(&self, which: usize) -> Vec<f64> {
        self.bars.iter().map(|bar| bar.prices[which]).collect()
    }

    pub(crate) fn volume(&self) -> Vec<f64> {
        self.bars.iter().map(|bar| bar.volume.unwrap_or(f64::NAN)).collect()
    }
}

/// All bars.
#[derive(Debug, Default)]
pub(crate) struct BarTable {
    /// By pool, then by timeframe; the empty one is not known yet.
    taken: BTreeMap<String, BTreeMap<String, Vec<Bar>>>,
    series: Vec<BarSeries>,
}

impl BarTable {
    pub(crate) fn take(
        &mut self,
        columns: &BarColumns,
        cells: &dyn Cells,
        file: usize,
        times: &mut Times,
    ) -> Result<(), String> {
        let ts_ms = opening(columns, cells, times)?;
        let mut prices = [0.0; 4];
        for (price, (at, name)) in prices.iter_mut().zip(columns.prices.iter().zip(PRICES)) {
            let text = cells.cell(*at);
            *price = positive(text).ok_or_else(|| format!("{name} is `{text}`, which is no price above 0"))?;
        }
        let volume = number(cells.optional(columns.volume));
        let pool = columns.pool.map_or(columns.unnamed.as_str(), |at| cells.cell(at));
        if pool.is_empty() {
            return Err("the row names no pool".to_owned());
        }
        let bar = Bar { ts_ms, prices, volume, file };
        let timeframe = cells.optional(columns.timeframe);
        // Rows of a series stand together mostly: no name is copied for a series that is there.
        match self.taken.get_mut(pool).and_then(|pool| pool.get_mut(timeframe)) {
            Some(bars) => bars.push(bar),
            None => {
                self.taken.entry(pool.to_owned()).or_default().insert(timeframe.to_owned(), vec![bar]);
            }
        }
        Ok(())
    }

    /// Drops what files from the `known`-th on gave.
    pub(crate) fn forget(&mut self, known: usize) {
        for timeframes in self.taken.values_mut() {
            timeframes.values_mut().for_each(|bars| bars.retain(|bar| bar.file < known));
            timeframes.retain(|_, bars| !bars.is_empty());
        }
    }

    pub(crate) fn complete(&mut self, conflicts: &mut Conflicts) {
        for (pool, mut timeframes) in std::mem::take(&mut self.taken) {
            if let Some(bars) = timeframes.remove("") {
                timeframes.entry(timeframe(&bars)).or_default().extend(bars);
            }
            for (timeframe, mut bars) in timeframes {
                // Stable: of two files the one that was read first comes first.
                bars.sort_by_key(|bar| bar.ts_ms);
                bars.dedup_by(|other, kept| {
                    let same = other.ts_ms == kept.ts_ms;
                    if same {
                        compare(&pool, &timeframe, kept, other, conflicts);
                    }
                    same
                });
                self.series.push(BarSeries { pool: pool.clone(), timeframe, bars });
            }
        }
    }

    pub(crate) fn series(&self) -> &[BarSeries] {
        &self.series
    }
}

pub(crate) const PRICES: [&str; 4] = ["open", "high", "low", "close"];

/// When a bar opens: its `timestamp`, which a `datetime` that is whole must confirm; without one, the `datetime`.
fn opening(columns: &BarColumns, cells: &dyn Cells, times: &mut Times) -> Result<i64, String> {
    let text = cells.optional(columns.datetime);
    let readings = Readings::of(text);
    let Some(at) = columns.seconds else {
        times.as_written += usize::from(readings.is_some());
        return readings
            .map(Readings::written)
            .ok_or_else(|| format!("datetime `{text}` is no moment, and there is no other"));
    };
    let stamp = cells.cell(at);
    let seconds: i64 =
        stamp.trim().parse().map_err(|_| format!("timestamp `{stamp}` is no whole number of seconds"))?;
    let ms = seconds.checked_mul(1_000).filter(|ms| (0..7_258_118_400_000).contains(ms));
    let ms = ms.ok_or_else(|| format!("timestamp {stamp} is no moment in seconds since 1970"))?;
    match readings {
        Some(readings) if readings.written() != ms => {
            Err(format!("datetime `{text}` is not the moment of timestamp {stamp}, {}", rfc3339(ms)))
        }
        Some(_) => {
            times.as_written += 1;
            Ok(ms)
        }
        None => {
            times.passed_over += usize::from(!text.is_empty());
            Ok(ms)
        }
    }
}

fn compare(pool: &str, timeframe: &str, kept: &Bar, other: &Bar, conflicts: &mut Conflicts) {
    let values = |bar: &Bar| bar.prices.map(Some).into_iter().chain([bar.volume]);
    let mut same = true;
    for (column, (a, b)) in PRICES.into_iter().chain(["volume"]).zip(values(kept).zip(values(other))) {
        if !agree(a, b) {
            same = false;
            let text = |value: Option<f64>| value.map(|value| value.to_string()).unwrap_or_default();
            conflicts.found.push(Contradiction {
                key: format!("{pool} {timeframe} {}", rfc3339(kept.ts_ms)),
                column,
                kept: (text(a), kept.file),
                other: (text(b), other.file),
            });
        }
    }
    conflicts.repeated += usize::from(same);
}

/// The timeframe of bars of which some may be missing: what divides all their distances. Empty for a single bar.
fn timeframe(bars: &[Bar]) -> String {
    let first = bars.first().map_or(0, |bar| bar.ts_ms);
    match bars.iter().fold(0, |step, bar| greatest_common_divisor(step, (bar.ts_ms - first).unsigned_abs())) {
        0 => String::new(),
        ms if ms.is_multiple_of(86_400_000) => format!("{}d", ms / 86_400_000),
        ms if ms.is_multiple_of(3_600_000) => format!("{}h", ms / 3_600_000),
        ms if ms.is_multiple_of(60_000) => format!("{}m", ms / 60_000),
        ms => format!("{ms}ms"),
    }
}

fn greatest_common_divisor(a: u64, b: u64) -> u64 {
    if b == 0 { a } else { greatest_common_divisor(b, a % b) }
}
