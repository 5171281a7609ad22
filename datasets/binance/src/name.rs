//! What a file of the archive holds, as its name and its folders say: symbol, interval and period; market and kind of price.

use std::fmt;
use std::path::Path;

use q50_datasets::time::parse_ms;
use serde::Serialize;

use crate::interval::Interval;

/// Whose prices klines are of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Trades.
    Klines,
    /// The mark price, at which positions are valued and liquidated.
    Mark,
    /// The index price of the underlying.
    Index,
}

impl Kind {
    pub(crate) const ALL: [Self; 3] = [Self::Klines, Self::Mark, Self::Index];

    /// Its word in the archive.
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::Klines => "klines",
            Self::Mark => "mark",
            Self::Index => "index",
        }
    }

    /// The folder that such files are published in.
    const fn folder(self) -> &'static str {
        match self {
            Self::Klines => "klines",
            Self::Mark => "markPriceKlines",
            Self::Index => "indexPriceKlines",
        }
    }
}

/// Where a symbol is traded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Market {
    /// Spot.
    Spot,
    /// Futures margined in a stablecoin.
    Um,
    /// Futures margined in the coin.
    Cm,
}

impl Market {
    pub(crate) const ALL: [Self; 3] = [Self::Spot, Self::Um, Self::Cm];

    /// Its folder.
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::Spot => "spot",
            Self::Um => "futures/um",
            Self::Cm => "futures/cm",
        }
    }
}

impl fmt::Display for Market {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

/// The table that a file is a part of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Table {
    /// Klines of an interval.
    Klines(Interval),
    /// Funding rates.
    Funding,
}

/// What the name of a file says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Name {
    pub(crate) symbol: String,
    pub(crate) table: Table,
    /// The month or day, epoch milliseconds, end exclusive.
    pub(crate) from_ms: i64,
    pub(crate) to_ms: i64,
}

impl Name {
    /// Reads `BTCUSDT-1m-2024-01.zip`, `BTCUSDT-fundingRate-2024-01.csv`, `BTCUSDT-1h-2024-01-31.zip`; `None` for others.
    pub(crate) fn of(path: &Path) -> Option<Self> {
        let name = path.file_name()?.to_str()?;
        let stem = name.strip_suffix(".zip").or_else(|| name.strip_suffix(".csv"))?;
        let parts: Vec<&str> = stem.split('-').collect();
        let (symbol, table, date) = match parts[..] {
            [symbol, table, _, _] | [symbol, table, _, _, _] => (symbol, table, &parts[2..]),
            _ => return None,
        };
        if symbol.is_empty() || !symbol.chars().all(|c| c.is_alphanumeric() || c == '_') {
            return None;
        }
        let table = match table {
            "fundingRate" => Table::Funding,
            interval => Table::Klines(interval.parse().ok()?),
        };
        let (from_ms, to_ms) = period(date)?;
        Some(Self { symbol: symbol.to_owned(), table, from_ms, to_ms })
    }
}

/// The month of `[YYYY, MM]` or the day of `[YYYY, MM, DD]`.
fn period(date: &[&str]) -> Option<(i64, i64)> {
    let digits = |text: &str, count: usize| text.len() == count && text.bytes().all(|byte| byte.is_ascii_digit());
    let (year, month) = (date.first().filter(|y| digits(y, 4))?, date.get(1).filter(|m| digits(m, 2))?);
    let (year, month): (u16, u16) = (year.parse().ok()?, month.parse().ok()?);
    let first_of = |year: u16, month: u16| parse_ms(&format!("{year:04}-{month:02}-01"));
    match date.get(2) {
        None if month == 12 => Some((first_of(year, month)?, first_of(year + 1, 1)?)),
        None => Some((first_of(year, month)?, first_of(year, month + 1)?)),
        Some(day) if digits(day, 2) => {
            let day = parse_ms(&format!("{year:04}-{month:02}-{day}"))?;
            Some((day, day + 86_400_000))
        }
        Some(_) => None,
    }
}

/// The names of the folders above a file, the nearest first.
fn folders(path: &Path) -> impl Iterator<Item = &str> {
    path.ancestors().skip(1).filter_map(|folder| folder.file_name()?.to_str())
}

/// The kind of price that the folders above a file name, where they do. `Some(None)`: one that is not read.
pub(crate) fn kind(path: &Path) -> Option<Option<Kind>> {
    folders(path).find_map(|folder| match folder {
        "premiumIndexKlines" => Some(None),
        folder => Kind::ALL.into_iter().find(|kind| kind.folder() == folder).map(Some),
    })
}

/// The market that the folders above a file name, as in the archive itself: `spot/monthly`, `futures/um`.
pub(crate) fn market(path: &Path) -> Option<Market> {
    let folders: Vec<&str> = folders(path).collect();
    folders.windows(2).find_map(|pair| match (pair[1], pair[0]) {
        ("spot", "monthly" | "daily") => Some(Market::Spot),
        ("futures", "um") => Some(Market::Um),
        ("futures", "cm") => Some(Market::Cm),
        _ => None,
    })
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a panic is how a test fails")]
mod tests {
    use super::*;

    #[test]
    fn a_name_says_symbol_interval_and_period() {
        let of = |name: &str| Name::of(Path::new(name));
        let month = of("BTCUSDT-1m-2024-12.zip").unwrap();
        assert_eq!((month.symbol.as_str(), month.table), ("BTCUSDT", Table::Klines("1m".parse().unwrap())));
        assert_eq!((month.from_ms, month.to_ms), (1_733_011_200_000, 1_735_689_600_000));
        let day = of("x/BTCUSDT_240329-1h-2024-02-29.csv").unwrap();
        assert_eq!((day.symbol.as_str(), day.to_ms - day.from_ms), ("BTCUSDT_240329", 86_400_000));
        assert_eq!(of("ETHUSDT-fundingRate-2023-01.zip").unwrap().table, Table::Funding);
        for other in [
            "BTCUSDT-1m-2024-01.zip.CHECKSUM",
            "BTCUSDT-trades-2024-01.zip",
            "BTCUSDT-1w-2024-01.zip",
            "BTCUSDT-1m-2024-13.zip",
            "BTCUSDT-1m-2023-02-29.zip",
            "BTCUSDT-1m-24-01.zip",
            "-1m-2024-01.zip",
            "../x-1m-2024-01.txt",
            "bars.csv",
        ] {
            assert_eq!(of(other), None, "{other}");
        }
    }

    #[test]
    fn folders_say_market_and_kind_of_price() {
        let path = Path::new("/d/data/futures/um/monthly/markPriceKlines/BTCUSDT/1m/BTCUSDT-1m-2024-01.zip");
        assert_eq!((kind(path), market(path)), (Some(Some(Kind::Mark)), Some(Market::Um)));
        let path = Path::new("/spot/data/spot/daily/klines/BTCUSDT/1m/BTCUSDT-1m-2024-01-01.zip");
        assert_eq!((kind(path), market(path)), (Some(Some(Kind::Klines)), Some(Market::Spot)));
        assert_eq!(market(Path::new("/home/spot/BTCUSDT-1m-2024-01.zip")), None);
        assert_eq!(kind(Path::new("/a/premiumIndexKlines/BTCUSDT/1m/x.zip")), Some(None));
    }
}
