//! Where recorded fills lie against the range of their bars.
//!
//! A backtest that models slippage fills worse than its bar: a buy above the high, a sale below the low. That costs, and is
//! possible. A fill that is better than anything the bar offered is not, nor is one that is worse by more than slippage.

use q50_datasets::{Bars, time::rfc3339, trades::TradeSide};

use super::row_at;

/// Slippage beyond a bar's range that may have been modelled: 1 % of the price.
const SLIPPAGE: f64 = 0.01;
/// Relative distance that counts as none: prices of bars as float32, and prices printed with six digits.
const ROUNDING: f64 = 2e-6;

/// A fill, as far as its place is concerned.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PlacedFill {
    /// Epoch milliseconds.
    pub ts_ms: i64,
    /// Which way.
    pub side: TradeSide,
    /// Price, quote units.
    pub price: f64,
}

/// Where the fills of a result lie.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Placement {
    /// All of them.
    pub fills: usize,
    /// Those outside of their bar to their own disadvantage, by no more than 1 % (`SLIPPAGE`); how far at most, a fraction.
    pub slipped: usize,
    /// The largest of these distances.
    pub largest_slip: f64,
    /// Those at a time at which no bar is open, whose price cannot be checked.
    pub without_bar: usize,
    /// Those that could not have happened, one sentence each.
    pub impossible: Vec<String>,
}

impl Placement {
    /// Holds every fill against its bar.
    #[must_use]
    pub fn of(fills: &[PlacedFill], bars: &Bars) -> Self {
        let mut all = Self { fills: fills.len(), ..Self::default() };
        for fill in fills {
            let Some(row) = row_at(bars, fill.ts_ms) else {
                all.without_bar += 1;
                continue;
            };
            let (low, high) = (bars.low[row], bars.high[row]);
            let (better, worse) = match fill.side {
                TradeSide::Buy => (low / fill.price - 1.0, fill.price / high - 1.0),
                TradeSide::Sell => (fill.price / high - 1.0, low / fill.price - 1.0),
            };
            if better > ROUNDING || worse > SLIPPAGE || better.is_nan() {
                let side = if fill.side == TradeSide::Buy { "bought" } else { "sold" };
                all.impossible.push(format!(
                    "{side} at {} at {}, while the bar went from {low} to {high}",
                    fill.price,
                    rfc3339(fill.ts_ms)
                ));
            } else if worse > ROUNDING {
                all.slipped += 1;
                all.largest_slip = all.largest_slip.max(worse);
            }
        }
        all
    }

    /// Fills that are not where their bar is.
    #[must_use]
    pub fn outside(&self) -> usize {
        self.slipped + self.without_bar + self.impossible.len()
    }

    /// The counts in words.
    #[must_use]
    pub fn text(&self) -> String {
        let mut text = format!("{} fills", self.fills);
        if self.slipped > 0 {
            text += &format!(
                ", {} worse than their bar by at most {:.3} % (slippage, which is possible)",
                self.slipped,
                100.0 * self.largest_slip
            );
        }
        if self.without_bar > 0 {
            text += &format!(", {} in no bar, whose price was not checked", self.without_bar);
        }
        match self.impossible.first() {
            None => text += ", none that its bar did not offer",
            Some(first) => text += &format!(", {} impossible: {first}", self.impossible.len()),
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: i64 = 3_600_000;

    fn placed(side: TradeSide, price: f64) -> Placement {
        let bars =
            Bars::new(vec![0, HOUR], vec![100.0; 2], vec![102.0; 2], vec![98.0; 2], vec![101.0; 2], None).unwrap();
        Placement::of(&[PlacedFill { ts_ms: HOUR, side, price }], &bars)
    }

    #[test]
    fn slippage_is_possible_and_a_gift_is_not() {
        for (side, inside, slipped, gift) in
            [(TradeSide::Buy, 102.0, 102.5, 97.9), (TradeSide::Sell, 98.0, 97.5, 102.1)]
        {
            assert_eq!(placed(side, inside).outside(), 0);
            let found = placed(side, slipped);
            assert_eq!((found.slipped, found.impossible.len()), (1, 0));
            assert!((found.largest_slip - 0.005).abs() < 2e-4, "{found:?}");
            assert_eq!(placed(side, gift).impossible.len(), 1);
        }
    }

    #[test]
    fn what_is_worse_by_more_than_slippage_is_an_error() {
        assert_eq!(placed(TradeSide::Buy, 104.0).impossible.len(), 1);
        assert_eq!(placed(TradeSide::Sell, 96.0).impossible.len(), 1);
        assert_eq!(placed(TradeSide::Sell, f64::NAN).impossible.len(), 1);
    }

    #[test]
    fn a_fill_without_a_bar_is_neither() {
        let bars =
            Bars::new(vec![0, HOUR, 3 * HOUR], vec![1.0; 3], vec![1.0; 3], vec![1.0; 3], vec![1.0; 3], None).unwrap();
        let found = Placement::of(&[PlacedFill { ts_ms: 2 * HOUR, side: TradeSide::Buy, price: 5.0 }], &bars);
        assert_eq!((found.without_bar, found.impossible.len()), (1, 0));
    }
}
