//! Bars from before those that a node still has, out of a folder that `q50 collect` or an earlier session left.

use q50_datasets::dataset::{Dataset, DatasetOptions};
use q50_datasets::pool_bars::{PoolBar, PoolReserves};
use q50_datasets::reserves::ReserveTable;
use q50_datasets::time::rfc3339;
use serde::Deserialize;
use std::path::{Path, PathBuf};
use thiserror::Error;

/// Bars that cannot be gone on from.
#[derive(Debug, Error)]
pub enum HistoryError {
    /// A table cannot be read.
    #[error(transparent)]
    Data(#[from] q50_datasets::Error),
    /// It is no collection.
    #[error(
        "{path:?}: {problem}; expected the folder of a collection: --out of q50 collect, or of an earlier q50 live"
    )]
    NoCollection {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        problem: String,
    },
    /// It is of something else.
    #[error("{path:?} is of {what} {found}, and the session trades in {expected}")]
    Other {
        /// The file.
        path: PathBuf,
        /// Which field.
        what: &'static str,
        /// What it has.
        found: String,
        /// What it should have.
        expected: String,
    },
    /// Nothing joins it to what the node has.
    #[error(
        "the history ends with the bar of {end}, and what the node still has begins with that of {begin}: bars between them are \
         missing; collect until now (q50 collect), or begin without --history"
    )]
    Gap {
        /// Opening of its last bar.
        end: String,
        /// Opening of the chain's first bar.
        begin: String,
    },
    /// It says something else than the chain.
    #[error("the history's bar of {bar} is not the chain's: it was recorded from other transactions; record it anew")]
    Differs {
        /// Opening of the first such bar.
        bar: String,
    },
}

#[derive(Deserialize)]
struct Collection {
    pool: String,
    genesis: String,
    interval_ms: i64,
}

/// The bars of a collection of that pool.
///
/// # Errors
/// [`HistoryError`] where the folder holds none, or one of another pool, chain or interval.
pub fn read(folder: &Path, pool: &str, genesis: &str, interval_ms: i64) -> Result<Vec<PoolBar>, HistoryError> {
    let path = folder.join("collection.json");
    let none = |problem: String| HistoryError::NoCollection { path: path.clone(), problem };
    let text = std::fs::read_to_string(&path).map_err(|error| none(error.to_string()))?;
    let collection: Collection = serde_json::from_str(&text).map_err(|error| none(error.to_string()))?;
    let ms = |interval_ms: i64| format!("{interval_ms} ms");
    for (what, found, expected) in [
        ("the chain", collection.genesis, genesis.to_owned()),
        ("the pool", collection.pool, pool.to_owned()),
        ("bars of", ms(collection.interval_ms), ms(interval_ms)),
    ] {
        if found != expected {
            return Err(HistoryError::Other { path, what, found, expected });
        }
    }
    let data = Dataset::read_bars(&folder.join("bars.parquet"), &DatasetOptions::default())?;
    let bars = data.bars();
    let table = folder.join("reserves.parquet");
    let (base, quote) = ReserveTable::read(&table)?.aligned(&bars.open_time, &table)?;
    let volume = |row: usize| bars.volume.as_ref().map_or(0.0, |volume| volume[row]);
    let bar = |row: usize| PoolBar {
        open_time: bars.open_time[row],
        open: bars.open[row],
        high: bars.high[row],
        low: bars.low[row],
        close: bars.close[row],
        volume: volume(row),
        reserves: PoolReserves { base: base[row], quote: quote[row] },
    };
    Ok((0..bars.open_time.len()).map(bar).collect())
}

/// The bars of `history` that come before those of the `chain`, and then these. Where both have a bar it has to be the same
/// one, but for the chain's first: a node that has forgotten what came before may have half of it.
///
/// # Errors
/// [`HistoryError`] where bars are missing between them, or differ.
pub fn before(history: &[PoolBar], chain: &[PoolBar], interval_ms: i64) -> Result<Vec<PoolBar>, HistoryError> {
    let (Some(last), Some(first)) = (history.last(), chain.first()) else {
        return Ok([history, chain].concat());
    };
    if last.open_time + interval_ms < first.open_time {
        let [end, begin] = [last, first].map(|bar| rfc3339(bar.open_time));
        return Err(HistoryError::Gap { end, begin });
    }
    let earlier = history.partition_point(|bar| bar.open_time <= first.open_time);
    let same = |bar: &PoolBar| match chain.binary_search_by_key(&bar.open_time, |bar| bar.open_time) {
        Ok(place) => chain[place] == *bar,
        // A node that lags has not closed it yet.
        Err(place) => place == chain.len(),
    };
    if let Some(bar) = history[earlier..].iter().find(|bar| !same(bar)) {
        return Err(HistoryError::Differs { bar: rfc3339(bar.open_time) });
    }
    let history = &history[..earlier];
    let behind = chain.iter().filter(|bar| history.last().is_none_or(|last| bar.open_time > last.open_time));
    Ok(history.iter().chain(behind).copied().collect())
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a panic is how a test fails")]
mod tests {
    use super::*;

    fn bar(open_time: i64, close: f64) -> PoolBar {
        let reserves = PoolReserves { base: 10, quote: 10 };
        PoolBar { open_time, open: 1.0, high: 2.0, low: 1.0, close, volume: 0.0, reserves }
    }

    fn bars(times: std::ops::Range<i64>, close: f64) -> Vec<PoolBar> {
        times.map(|number| bar(number * 10, close)).collect()
    }

    #[test]
    fn history_comes_before_what_the_chain_has_and_half_a_bar_of_the_chain_is_taken_from_history() {
        let joined =
            |history: &[PoolBar], chain: &[PoolBar]| before(history, chain, 10).map_err(|error| error.to_string());
        assert_eq!(joined(&bars(0..3, 1.5), &bars(3..5, 1.5)), Ok(bars(0..5, 1.5)));
        assert_eq!(joined(&bars(0..4, 1.5), &bars(2..6, 1.5)), Ok(bars(0..6, 1.5)));
        assert_eq!(joined(&[], &bars(3..5, 1.5)), Ok(bars(3..5, 1.5)));
        assert_eq!(joined(&bars(0..3, 1.5), &[]), Ok(bars(0..3, 1.5)));
        let half: Vec<PoolBar> = [bars(2..3, 1.1), bars(3..6, 1.5)].concat();
        assert_eq!(joined(&bars(0..4, 1.5), &half), Ok(bars(0..6, 1.5)));
        assert!(joined(&bars(0..3, 1.5), &bars(4..6, 1.5)).unwrap_err().contains("are missing"));
        let refused = joined(&bars(0..4, 1.5), &bars(2..6, 1.4)).unwrap_err();
        assert!(refused.contains("1970-01-01T00:00:00.03Z is not the chain's"), "{refused}");
    }
}
