//! Files that are taken into an archive, all of them or none, and what becomes of their rows.

use std::path::{Path, PathBuf};

use q50_datasets::time::{parse_ms, rfc3339};
use rusqlite::{Connection, Transaction, TransactionBehavior, params};
use serde::Serialize;

use crate::Error;
use crate::archive::{settlement, word};
use crate::interval::Interval;
use crate::name::{Kind, Market};
use crate::rows::{Kline, Settlement, VALUES};

/// A row that says something else than the one that was there.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Conflict {
    /// The file that came later.
    pub file: String,
    /// Symbol, kind and interval.
    pub series: String,
    /// The row's time, RFC 3339.
    pub time: String,
    /// The column.
    pub column: &'static str,
    /// What is in the archive, and stays.
    pub kept: Option<f64>,
    /// What the file says.
    pub offered: Option<f64>,
}

/// A file that is being taken in.
pub(crate) struct Offered<'a> {
    pub(crate) name: &'a str,
    pub(crate) symbol: &'a str,
    pub(crate) sha256: &'a str,
    pub(crate) checked: bool,
    pub(crate) market: Option<Market>,
    pub(crate) from_ms: i64,
    pub(crate) to_ms: i64,
}

/// What became of the rows of a file.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Taken {
    pub(crate) inserted: usize,
    pub(crate) repeated: usize,
    pub(crate) conflicts: Vec<Conflict>,
}

/// Files that are being taken in; dropping it takes none.
pub(crate) struct Session<'a> {
    path: PathBuf,
    transaction: Transaction<'a>,
    id: i64,
}

impl<'a> Session<'a> {
    /// Begins one in the archive at `path`; `source` is what was named.
    pub(crate) fn begin(
        path: &Path,
        connection: &'a mut Connection,
        source: &Path,
        now_ms: i64,
    ) -> Result<Self, Error> {
        let refused = |source: rusqlite::Error| Error::Sqlite { path: path.to_path_buf(), source: source.into() };
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(refused)?;
        let insert = "INSERT INTO sessions (time_ms, source) VALUES (?1, ?2)";
        transaction.execute(insert, params![now_ms, source.display().to_string()]).map_err(refused)?;
        let id = transaction.last_insert_rowid();
        Ok(Self { path: path.to_path_buf(), transaction, id })
    }

    pub(crate) fn commit(self) -> Result<(), Error> {
        let Self { path, transaction, .. } = self;
        transaction.commit().map_err(|source| Error::Sqlite { path, source: source.into() })
    }

    /// Takes klines in.
    pub(crate) fn klines(
        &mut self,
        file: &Offered<'_>,
        kind: Kind,
        interval: Interval,
        rows: &[Kline],
    ) -> Result<Taken, Error> {
        let interval = interval.to_string();
        let (symbol, word) = (file.symbol, kind.word());
        let series = format!("{symbol} {word} {interval}");
        let take = || -> rusqlite::Result<Taken> {
            let mut insert = self.transaction.prepare_cached(
                "INSERT INTO raw_klines VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)",
            )?;
            let mut select = self.transaction.prepare_cached(
                "SELECT open, high, low, close, volume, quote_volume, count, taker_buy_volume, taker_buy_quote_volume
                 FROM raw_klines WHERE symbol = ?1 AND kind = ?2 AND interval = ?3 AND open_time = ?4",
            )?;
            let mut taken = Taken::default();
            for row in rows {
                let v = row.values.map(known);
                let all = params![
                    symbol,
                    word,
                    interval,
                    row.open_time,
                    v[0],
                    v[1],
                    v[2],
                    v[3],
                    v[4],
                    v[5],
                    v[6],
                    v[7],
                    v[8]
                ];
                if insert.execute(all)? > 0 {
                    taken.inserted += 1;
                    continue;
                }
                let kept: [Option<f64>; 9] =
                    select.query_row(params![symbol, word, interval, row.open_time], |row| {
                        let mut kept = [None; 9];
                        for (at, value) in kept.iter_mut().enumerate() {
                            *value = row.get(at)?;
                        }
                        Ok(kept)
                    })?;
                let pairs = VALUES.into_iter().zip(kept).zip(v).map(|((name, kept), offered)| (name, kept, offered));
                taken.compare(file.name, &series, row.open_time, pairs);
            }
            Ok(taken)
        };
        let taken = take().map_err(|source| self.refused(source))?;
        self.file(file, word, &interval, rows.len(), &taken)?;
        Ok(taken)
    }

    /// Takes settlements of funding in.
    pub(crate) fn funding(&mut self, file: &Offered<'_>, rows: &[Settlement]) -> Result<Taken, Error> {
        let series = format!("{} funding", file.symbol);
        let take = || -> rusqlite::Result<Taken> {
            let mut insert =
                self.transaction.prepare_cached("INSERT INTO raw_funding_rates VALUES (?1, ?2, ?3, ?4, ?5)")?;
            let mut select = self.transaction.prepare_cached(
                "SELECT funding_time, calc_time, interval_hours, rate FROM raw_funding_rates
                 WHERE symbol = ?1 AND funding_time = ?2",
            )?;
            let mut taken = Taken::default();
            for row in rows {
                let rate = known(row.rate);
                if insert.execute(params![file.symbol, row.time, row.calc_time, row.interval_hours, rate])? > 0 {
                    taken.inserted += 1;
                    continue;
                }
                let kept = select.query_row(params![file.symbol, row.time], settlement)?;
                let hours = |settlement: &Settlement| Some(settlement.interval_hours as f64);
                let pairs = [("interval_hours", hours(&kept), hours(row)), ("rate", known(kept.rate), rate)];
                taken.compare(file.name, &series, row.time, pairs);
            }
            Ok(taken)
        };
        let taken = take().map_err(|source| self.refused(source))?;
        self.file(file, word(None), "", rows.len(), &taken)?;
        Ok(taken)
    }

    /// Keeps what a file said and what became of it.
    fn file(&self, file: &Offered<'_>, kind: &str, interval: &str, rows: usize, taken: &Taken) -> Result<(), Error> {
        let keep = || -> rusqlite::Result<()> {
            let mut insert = self
                .transaction
                .prepare_cached("INSERT INTO files VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)")?;
            let Offered { name, symbol, sha256, checked, market, from_ms, to_ms } = *file;
            let (inserted, conflicts) = (taken.inserted as i64, taken.conflicts.len() as i64);
            let market = market.map(Market::word);
            insert.execute(params![
                self.id,
                name,
                sha256,
                checked,
                market,
                symbol,
                kind,
                interval,
                from_ms,
                to_ms,
                rows as i64,
                inserted,
                conflicts
            ])?;
            let mut insert =
                self.transaction.prepare_cached("INSERT INTO conflicts VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)")?;
            for Conflict { time, column, kept, offered, .. } in &taken.conflicts {
                let time = parse_ms(time).unwrap_or_default();
                insert.execute(params![self.id, name, symbol, kind, interval, time, column, kept, offered])?;
            }
            Ok(())
        };
        keep().map_err(|source| self.refused(source))
    }

    fn refused(&self, source: rusqlite::Error) -> Error {
        Error::Sqlite { path: self.path.clone(), source: source.into() }
    }
}

impl Taken {
    fn compare(
        &mut self,
        file: &str,
        series: &str,
        time_ms: i64,
        pairs: impl IntoIterator<Item = (&'static str, Option<f64>, Option<f64>)>,
    ) {
        let before = self.conflicts.len();
        let differing = pairs.into_iter().filter(|(_, kept, offered)| kept != offered);
        self.conflicts.extend(differing.map(|(column, kept, offered)| Conflict {
            file: file.to_owned(),
            series: series.to_owned(),
            time: rfc3339(time_ms),
            column,
            kept,
            offered,
        }));
        self.repeated += usize::from(self.conflicts.len() == before);
    }
}

/// A value, where it is one.
fn known(value: f64) -> Option<f64> {
    (!value.is_nan()).then_some(value)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a panic is how a test fails")]
mod tests {
    use super::*;
    use crate::archive::Archive;

    const FILE: Offered<'_> = Offered {
        name: "X-1m-2024-01.zip",
        symbol: "X",
        sha256: "",
        checked: false,
        market: None,
        from_ms: 0,
        to_ms: 60_000,
    };

    fn kline(open_time: i64, close: f64) -> Kline {
        Kline { open_time, values: [1.0, 3.0, 0.5, close, 10.0, 20.0, 5.0, 4.0, f64::NAN] }
    }

    fn take(archive: &mut Archive, rows: &[Kline]) -> Taken {
        let mut session = archive.begin(Path::new("."), 0).unwrap();
        let taken = session.klines(&FILE, Kind::Klines, "1m".parse().unwrap(), rows).unwrap();
        session.commit().unwrap();
        taken
    }

    #[test]
    fn a_row_is_kept_once_and_a_contradiction_is_listed_and_changes_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let mut archive = Archive::open(dir.path()).unwrap();
        let taken = take(&mut archive, &[kline(60_000, 2.0), kline(0, 1.0), kline(0, 1.0)]);
        assert_eq!((taken.inserted, taken.repeated, taken.conflicts.len()), (2, 1, 0));
        let taken = take(&mut archive, &[kline(0, 1.5), kline(60_000, 2.0)]);
        assert_eq!((taken.inserted, taken.repeated), (0, 1));
        let conflict = Conflict {
            file: "X-1m-2024-01.zip".to_owned(),
            series: "X klines 1m".to_owned(),
            time: "1970-01-01T00:00:00Z".to_owned(),
            column: "close",
            kept: Some(1.0),
            offered: Some(1.5),
        };
        assert_eq!(taken.conflicts, [conflict]);
        let bars = archive.bars("X", Kind::Klines, "1m".parse().unwrap()).unwrap();
        assert_eq!((bars.open_time, bars.close), (vec![0, 60_000], vec![1.0, 2.0]));
    }

    #[test]
    fn nothing_that_sqlite_can_say_changes_a_row() {
        let dir = tempfile::tempdir().unwrap();
        let mut archive = Archive::open(dir.path()).unwrap();
        take(&mut archive, &[kline(0, 1.0)]);
        let mut session = archive.begin(Path::new("."), 0).unwrap();
        let row = Settlement { time: 0, calc_time: 5, interval_hours: 8, rate: 0.1 };
        session.funding(&FILE, &[row]).unwrap();
        session.commit().unwrap();
        let other = Connection::open(archive.path()).unwrap();
        for refused in [
            "UPDATE raw_klines SET close = 2",
            "DELETE FROM raw_klines",
            "UPDATE raw_funding_rates SET rate = 0",
            "DELETE FROM raw_funding_rates",
            "UPDATE files SET rows = 0",
            "DELETE FROM files",
        ] {
            assert!(other.execute(refused, []).unwrap_err().to_string().contains("never"), "{refused}");
        }
        for passed_over in [
            "INSERT OR REPLACE INTO raw_klines SELECT symbol, kind, interval, open_time, 9, 9, 9, 9, 9, 9, 9, 9, 9 FROM raw_klines",
            "INSERT OR REPLACE INTO raw_funding_rates SELECT symbol, funding_time, 0, 1, 9 FROM raw_funding_rates",
        ] {
            assert_eq!(other.execute(passed_over, []).unwrap(), 0, "{passed_over}");
        }
        assert_eq!(archive.bars("X", Kind::Klines, "1m".parse().unwrap()).unwrap().close, [1.0]);
        assert_eq!(archive.funding("X").unwrap(), [row]);
    }

    #[test]
    fn a_session_that_is_not_committed_leaves_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let mut archive = Archive::open(dir.path()).unwrap();
        let mut session = archive.begin(Path::new("."), 0).unwrap();
        session.klines(&FILE, Kind::Klines, "1m".parse().unwrap(), &[kline(0, 1.0)]).unwrap();
        drop(session);
        assert_eq!(archive.series().unwrap(), []);
        assert!(archive.bars("X", Kind::Klines, "1m".parse().unwrap()).unwrap().open_time.is_empty());
    }
}
