//! The reserves of a pool over time, bar by bar: recorded, or rebuilt from prices at a stated depth and labelled so.

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::units::{LAMPORTS_PER_SOL, Lamports, TokenAmount};

/// Reserves that price a trade.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reserves {
    /// Base vault.
    pub base: TokenAmount,
    /// Effective quote reserve; the pool's SOL is its vault, never a dollar figure divided by a price.
    pub quote: Lamports,
}

impl Reserves {
    /// Lamports for one smallest unit of base, before fees.
    #[must_use]
    #[inline]
    pub fn price(&self) -> f64 {
        self.quote.0 as f64 / self.base.0 as f64
    }
}

/// Where a path comes from; every report says it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PathSource {
    /// Reserves were recorded.
    Recorded,
    /// Reserves are those that the last swap before a bar's close left.
    SwapEvents,
    /// Only prices were recorded; the depth is an assumption.
    RebuiltFromBars,
}

/// Base reserve that a rebuilt path starts with, in smallest units. A bar's price fixes the ratio of the reserves only,
/// so that the size of a token is free; this one leaves the curve's rounding below 10^-16.
const REBUILT_BASE: u64 = 100_000_000_000_000_000;

/// Reserves of one pool, a row for each bar of the market.
#[derive(Clone, Debug, PartialEq)]
pub struct PoolPath {
    source: PathSource,
    at_open: Vec<Reserves>,
    at_close: Vec<Reserves>,
    /// Price at each close, SOL for one smallest unit of base.
    marks: Vec<f64>,
    /// Supply of the coin, smallest units, where it was recorded.
    supply: Option<u64>,
}

/// Reserves that are no pool.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum PathError {
    /// A reserve is zero or beyond 64 bits.
    #[error("row {row}: {reserve} is {found}, expected 1 to 2^64 - 1; {remedy}")]
    Reserve {
        /// Row of the bar, from 0.
        row: usize,
        /// Which reserve.
        reserve: &'static str,
        /// What it is.
        found: String,
        /// What to do.
        remedy: &'static str,
    },
    /// The path has another length than the bars.
    #[error("{reserves} rows of reserves for {bars} bars; give one row a bar")]
    Length {
        /// Rows of reserves.
        reserves: usize,
        /// Bars.
        bars: usize,
    },
    /// No swap was recorded before the close of a bar.
    #[error("row {row}: no swap is recorded before the close of this bar; start later, or give earlier events")]
    BeforeFirstEvent {
        /// Row of the bar, from 0.
        row: usize,
    },
}

impl PoolPath {
    /// The same path of a coin with this supply, smallest units, which decides the fee tier; `None` where it is not known.
    #[must_use]
    pub fn with_supply(mut self, supply: Option<u64>) -> Self {
        self.supply = supply;
        self
    }

    /// Supply of the coin, smallest units, where it was recorded.
    #[must_use]
    pub fn supply(&self) -> Option<u64> {
        self.supply
    }

    /// A path from the reserves recorded at the close of each bar. The open of a bar sees the last bar's close.
    ///
    /// # Errors
    /// A reserve is zero, or the columns have other lengths than the bars.
    pub fn recorded(base: &[u64], quote: &[u64], bars: usize) -> Result<Self, PathError> {
        if base.len() != bars || quote.len() != bars {
            return Err(PathError::Length { reserves: base.len().min(quote.len()), bars });
        }
        let rows: Vec<Reserves> =
            base.iter().zip(quote).map(|(&b, &q)| Reserves { base: TokenAmount(b), quote: Lamports(q) }).collect();
        Self::of_closes(PathSource::Recorded, rows)
    }

    /// A path from the reserves that swaps left, `(epoch milliseconds, reserves after it)` in ascending time: a bar's
    /// close sees the last swap before it.
    ///
    /// # Errors
    /// A bar closes before the first swap, or a reserve is zero.
    pub fn from_events(open_time: &[i64], interval_ms: i64, events: &[(i64, Reserves)]) -> Result<Self, PathError> {
        let last_before = |(row, open): (usize, &i64)| {
            let known = events.partition_point(|(time, _)| *time < open + interval_ms);
            known.checked_sub(1).map(|i| events[i].1).ok_or(PathError::BeforeFirstEvent { row })
        };
        let rows = open_time.iter().enumerate().map(last_before).collect::<Result<Vec<_>, _>>()?;
        Self::of_closes(PathSource::SwapEvents, rows)
    }

    fn of_closes(source: PathSource, at_close: Vec<Reserves>) -> Result<Self, PathError> {
        for (row, reserves) in at_close.iter().enumerate() {
            for (reserve, amount) in [("base reserve", reserves.base.0), ("quote reserve", reserves.quote.0)] {
                if amount == 0 {
                    let remedy = "an empty pool prices nothing: cut it off or record it again";
                    return Err(PathError::Reserve { row, reserve, found: "0".to_owned(), remedy });
                }
            }
        }
        let mut at_open = at_close.clone();
        if let Some(last) = at_open.len().checked_sub(1) {
            at_open.copy_within(0..last, 1);
        }
        Ok(Self::new(source, at_open, at_close))
    }

    /// A path rebuilt from prices: the product of the reserves stays what it is with `depth` of quote at the open of row
    /// `first`, so that quote = depth x sqrt(p / p0) and base falls by the same factor. Liquidity neither comes nor goes.
    ///
    /// # Errors
    /// A reserve leaves the range of the program's integers.
    pub fn rebuilt(open: &[f64], close: &[f64], first: usize, depth: Lamports) -> Result<Self, PathError> {
        let Some(&reference) = open.get(first) else {
            return Ok(Self::new(PathSource::RebuiltFromBars, Vec::new(), Vec::new()));
        };
        let column = |prices: &[f64]| {
            prices
                .iter()
                .enumerate()
                .map(|(row, price)| rebuild(row, price / reference, depth))
                .collect::<Result<Vec<_>, _>>()
        };
        Ok(Self::new(PathSource::RebuiltFromBars, column(open)?, column(close)?))
    }

    fn new(source: PathSource, at_open: Vec<Reserves>, at_close: Vec<Reserves>) -> Self {
        let marks = at_close.iter().map(|reserves| reserves.price() / LAMPORTS_PER_SOL).collect();
        Self { source, at_open, at_close, marks, supply: None }
    }

    /// Price at the close of each bar, SOL for one smallest unit of base.
    #[must_use]
    #[inline]
    pub fn marks(&self) -> &[f64] {
        &self.marks
    }

    /// Number of rows.
    #[must_use]
    pub fn len(&self) -> usize {
        self.at_close.len()
    }

    /// Whether there is no row at all.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.at_close.is_empty()
    }

    /// Where the path comes from.
    #[must_use]
    pub fn source(&self) -> PathSource {
        self.source
    }

    /// Reserves at the open of bar `row`.
    #[must_use]
    #[inline]
    pub fn at_open(&self, row: usize) -> Reserves {
        self.at_open[row]
    }

    /// Reserves at the close of bar `row`.
    #[must_use]
    #[inline]
    pub fn at_close(&self, row: usize) -> Reserves {
        self.at_close[row]
    }
}

fn rebuild(row: usize, relative_price: f64, depth: Lamports) -> Result<Reserves, PathError> {
    let root = relative_price.sqrt();
    let integer = |reserve, amount: f64| {
        if amount >= 1.0 && amount < u64::MAX as f64 {
            Ok(amount as u64)
        } else {
            let remedy = "choose a depth between 1 lamport and 10^10 SOL";
            Err(PathError::Reserve { row, reserve, found: format!("{amount:e}"), remedy })
        }
    };
    Ok(Reserves {
        base: TokenAmount(integer("base reserve", REBUILT_BASE as f64 / root)?),
        quote: Lamports(integer("quote reserve", depth.0 as f64 * root)?),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOL: u64 = 1_000_000_000;

    #[test]
    fn a_rebuilt_pool_follows_the_price_and_keeps_its_product() {
        let path = PoolPath::rebuilt(&[50.0, 100.0], &[100.0, 400.0], 1, Lamports(10 * SOL)).unwrap();
        assert_eq!(path.source(), PathSource::RebuiltFromBars);
        assert_eq!(path.at_open(1), Reserves { base: TokenAmount(REBUILT_BASE), quote: Lamports(10 * SOL) });
        let later = path.at_close(1);
        assert_eq!((later.base.0, later.quote.0), (REBUILT_BASE / 2, 20 * SOL), "four times the price");
        assert!((later.price() / path.at_open(1).price() - 4.0).abs() < 1e-12);
    }

    #[test]
    fn an_open_sees_the_reserves_of_the_last_close() {
        let path = PoolPath::recorded(&[10, 20, 30], &[1, 2, 3], 3).unwrap();
        assert_eq!(path.at_open(1), path.at_close(0));
        assert_eq!(path.at_close(2).quote, Lamports(3));
    }

    #[test]
    fn a_close_sees_the_last_swap_before_it_and_never_a_later_one() {
        let at = |quote| Reserves { base: TokenAmount(1), quote: Lamports(quote) };
        let events = [(5, at(1)), (15, at(2)), (20, at(3))];
        let path = PoolPath::from_events(&[0, 10, 20], 10, &events).unwrap();
        assert_eq!([0, 1, 2].map(|row| path.at_close(row).quote.0), [1, 2, 3]);
        assert_eq!(PoolPath::from_events(&[0], 5, &events), Err(PathError::BeforeFirstEvent { row: 0 }));
    }

    #[test]
    fn an_empty_pool_is_refused_with_its_row() {
        let error = PoolPath::recorded(&[10, 0], &[1, 2], 2).unwrap_err().to_string();
        assert!(error.contains("row 1") && error.contains("base reserve is 0"), "{error}");
        assert!(PoolPath::recorded(&[1], &[1], 2).unwrap_err().to_string().contains("2 bars"));
        assert!(PoolPath::rebuilt(&[1.0], &[1.0], 0, Lamports(0)).unwrap_err().to_string().contains("depth"));
    }
}
