//! The catalog: what the rest of q50 reads, made of the archive and of nothing else. The same archive gives the same bytes.
//!
//! - `SYMBOL_TIMEFRAME.parquet`: `ts_ms open high low close volume`; `SYMBOL_mark_TIMEFRAME.parquet` and
//!   `SYMBOL_index_TIMEFRAME.parquet`: the same without a volume.
//! - `SYMBOL_funding.parquet`: `ts_ms rate interval_hours`, a settlement a row, the rate as a fraction of the notional.
//!
//! A timeframe has the bars that were published in it; the others are folded from the next shorter timeframe that there is.
//! A process that is killed leaves each file as it was or as it is to be.

use std::collections::BTreeSet;
use std::path::Path;

use q50_datasets::RunFolder;
use q50_datasets::hash::file_hash;
use q50_datasets::staged::StagedFile;
use q50_datasets::time::rfc3339;
use q50_datasets::write::{Column, TableWriter};
use serde::Serialize;

use crate::Error;
use crate::archive::{Archive, Series};
use crate::fold::Folded;
use crate::interval::Interval;
use crate::name::Kind;
use crate::rows::Settlement;

/// Fewer bars than these are no file: nothing tells their interval.
const FEWEST_BARS: usize = 2;

/// The files that were made.
#[derive(Clone, Debug, Serialize)]
pub struct Catalog {
    /// In the order of symbols and timeframes.
    pub files: Vec<CatalogFile>,
}

/// A file of the catalog.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct CatalogFile {
    /// Its name.
    pub file: String,
    /// Bars or settlements.
    pub rows: usize,
    /// Time of the first, RFC 3339.
    pub from: String,
    /// Time of the last, RFC 3339.
    pub to: String,
    /// Bars at the edges of the record that it covers only in part, and that were left out.
    pub partial_left_out: usize,
    /// Bars inside the record that lack a part, because nothing was published.
    pub incomplete: usize,
    /// Whether it is another one than was there.
    pub changed: bool,
}

/// A file to be made.
pub(crate) struct Planned {
    pub(crate) name: String,
    pub(crate) content: Content,
}

pub(crate) enum Content {
    Bars(Folded),
    Funding(Vec<Settlement>),
}

/// Makes the whole catalog of a folder again, from its archive.
///
/// # Errors
/// Where there is no archive, it cannot be read, another process is at work in the folder, or it cannot be written.
pub fn rebuild(folder: &Path) -> Result<Catalog, Error> {
    let archive = Archive::open_to_read(folder)?;
    let _lock = lock(folder)?;
    let series = archive.series()?.into_iter().collect();
    build(&archive, folder, &series)
}

/// Holds a folder against other processes that would write to it.
pub(crate) fn lock(folder: &Path) -> Result<RunFolder, Error> {
    Ok(RunFolder::open(folder, &[] as &[&str])?)
}

/// Makes the files of some series.
pub(crate) fn build(archive: &Archive, folder: &Path, series: &BTreeSet<Series>) -> Result<Catalog, Error> {
    let mut files = Vec::new();
    for series in series {
        for planned in planned(archive, series)? {
            let path = folder.join(&planned.name);
            let before = file_hash(&path).ok();
            planned.write(&path)?;
            files.push(CatalogFile { changed: before != Some(file_hash(&path)?), ..planned.described() });
        }
    }
    Ok(Catalog { files })
}

/// The files of one series.
pub(crate) fn planned(archive: &Archive, series: &Series) -> Result<Vec<Planned>, Error> {
    let Some(kind) = series.kind else {
        let rows = archive.funding(&series.symbol)?;
        let name = format!("{}_funding.parquet", series.symbol);
        return Ok(Vec::from_iter((!rows.is_empty()).then_some(Planned { name, content: Content::Funding(rows) })));
    };
    let timeframes = timeframes(archive, series, kind)?.into_iter();
    let planned = timeframes.filter(|(_, folded)| folded.bars.len() >= FEWEST_BARS);
    Ok(planned
        .map(|(interval, folded)| Planned {
            name: file_name(&series.symbol, kind, interval),
            content: Content::Bars(folded),
        })
        .collect())
}

/// The name of a file of bars.
pub(crate) fn file_name(symbol: &str, kind: Kind, interval: Interval) -> String {
    match kind {
        Kind::Klines => format!("{symbol}_{interval}.parquet"),
        kind => format!("{symbol}_{}_{interval}.parquet", kind.word()),
    }
}

fn timeframes(archive: &Archive, series: &Series, kind: Kind) -> Result<Vec<(Interval, Folded)>, Error> {
    let published: BTreeSet<Interval> = archive.published(series)?.into_iter().map(|(interval, _)| interval).collect();
    let mut made: Vec<(Interval, Folded)> = Vec::new();
    for interval in published.iter().copied().chain(Interval::TIMEFRAMES).collect::<BTreeSet<_>>() {
        let own = match published.contains(&interval) {
            true => Some(Folded::published(archive.bars(&series.symbol, kind, interval)?)),
            false => None,
        };
        let shorter = made.iter().rev().find(|(shorter, _)| interval.ms() % shorter.ms() == 0);
        let folded = shorter.map(|(_, bars)| bars.fold(interval));
        made.extend(match (own, folded) {
            (Some(own), Some(folded)) => Some((interval, own.or(folded))),
            (own, folded) => own.or(folded).map(|bars| (interval, bars)),
        });
    }
    Ok(made)
}

impl Planned {
    /// Writes the file, whole or not at all.
    pub(crate) fn write(&self, path: &Path) -> Result<(), Error> {
        let table = |columns: &[(&str, Column<'_>)]| -> Result<(), Error> {
            Ok(TableWriter::new(StagedFile::create(path)?, None, columns)?.finish()?.commit()?)
        };
        match &self.content {
            Content::Bars(folded) => table(&folded.bars.to_columns()),
            Content::Funding(rows) => {
                let times: Vec<i64> = rows.iter().map(|row| row.time).collect();
                let rates: Vec<f64> = rows.iter().map(|row| row.rate).collect();
                let hours: Vec<i64> = rows.iter().map(|row| row.interval_hours).collect();
                table(&[
                    ("ts_ms", Column::I64(&times)),
                    ("rate", Column::F64(&rates)),
                    ("interval_hours", Column::I64(&hours)),
                ])
            }
        }
    }

    /// Opening times of bars, or times of settlements, ascending.
    pub(crate) fn times(&self) -> Vec<i64> {
        match &self.content {
            Content::Bars(folded) => folded.bars.open_time.clone(),
            Content::Funding(rows) => rows.iter().map(|row| row.time).collect(),
        }
    }

    fn described(&self) -> CatalogFile {
        let times = self.times();
        let time = |time: Option<&i64>| time.copied().map(rfc3339).unwrap_or_default();
        let (partial_left_out, incomplete) = match &self.content {
            Content::Bars(folded) => (folded.edges, folded.incomplete()),
            Content::Funding(_) => (0, 0),
        };
        CatalogFile {
            file: self.name.clone(),
            rows: times.len(),
            from: time(times.first()),
            to: time(times.last()),
            partial_left_out,
            incomplete,
            changed: false,
        }
    }
}
