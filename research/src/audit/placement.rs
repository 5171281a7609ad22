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
/// The most that the rounding of printed prices may be of one: a basis point.
const ROUNDING_AT_MOST: f64 = 1e-4;
/// Share of the fills that may be in no bar.
const WITHOUT_BAR_AT_MOST: f64 = 0.01;
/// Share of the fills from which on fills at the best price of their bars are no chance, of [`MANY`] or more.
const AT_BEST_AT_MOST: f64 = 0.5;
const MANY: usize = 20;

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
    /// Those at a time at which no bar is open, whose price is within 1 % of the bars on both sides.
    pub without_bar: usize,
    /// Those at the very low (bought) or high (sold) of a bar that neither opened nor closed there.
    pub at_best: usize,
    /// Those that could not have happened, one sentence each.
    pub impossible: Vec<String>,
}

impl Placement {
    /// Holds every fill against its bar.
    #[must_use]
    pub fn of(fills: &[PlacedFill], bars: &Bars) -> Self {
        let mut all = Self { fills: fills.len(), ..Self::default() };
        let half_a_digit = half_a_digit(fills);
        for fill in fills {
            let rounding = (half_a_digit / fill.price).clamp(ROUNDING, ROUNDING_AT_MOST);
            // The end of a bar is still in it, where no other begins.
            let Some(row) = row_at(bars, fill.ts_ms).or_else(|| row_at(bars, fill.ts_ms - 1)) else {
                match beside(bars, fill.ts_ms, fill.price) {
                    None => all.without_bar += 1,
                    Some((low, high)) => all.impossible.push(format!(
                        "{} at {} at {}, where no bar is, and the bars on both sides went from {low} to {high}",
                        word(fill.side),
                        fill.price,
                        rfc3339(fill.ts_ms)
                    )),
                }
                continue;
            };
            let (low, high) = (bars.low[row], bars.high[row]);
            let is_price = fill.price.is_finite() && fill.price > 0.0;
            let (better, worse) = match fill.side {
                TradeSide::Buy => (low / fill.price - 1.0, fill.price / high - 1.0),
                TradeSide::Sell => (fill.price / high - 1.0, low / fill.price - 1.0),
            };
            if !is_price || better > rounding || worse > SLIPPAGE || better.is_nan() {
                all.impossible.push(format!(
                    "{} at {} at {}, while the bar went from {low} to {high}",
                    word(fill.side),
                    fill.price,
                    rfc3339(fill.ts_ms)
                ));
            } else if worse > rounding {
                all.slipped += 1;
                all.largest_slip = all.largest_slip.max(worse);
            } else if better >= -ROUNDING && is_an_extreme(bars, row, fill.side) {
                all.at_best += 1;
            }
        }
        all
    }

    /// The share of the fills that makes the result unsound, and the share that would not: impossible ones, too many in no
    /// bar, or so many at the best price of their bar that whoever made them knew it. `None` of a sound one.
    #[must_use]
    pub fn faulty_share(&self) -> Option<(f64, f64)> {
        let share = |count: usize| count as f64 / self.fills.max(1) as f64;
        let at_best = if self.fills < MANY { 0.0 } else { share(self.at_best) };
        [
            (share(self.impossible.len()), 0.0),
            (share(self.without_bar), WITHOUT_BAR_AT_MOST),
            (at_best, AT_BEST_AT_MOST),
        ]
        .into_iter()
        .find(|(share, most)| share > most)
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
            text += &format!(", {} in no bar, with prices of the bars beside it", self.without_bar);
        }
        if self.at_best > 0 {
            text += &format!(", {} at the best price of their bar", self.at_best);
            if self.fills >= MANY && self.at_best as f64 > AT_BEST_AT_MOST * self.fills as f64 {
                text += " (which nobody knows before the bar has closed, unless orders are laid at each low and high)";
            }
        }
        match self.impossible.first() {
            None => text += ", none that its bar did not offer",
            Some(first) => text += &format!(", {} impossible: {first}", self.impossible.len()),
        }
        text
    }
}

fn word(side: TradeSide) -> &'static str {
    if side == TradeSide::Buy { "bought" } else { "sold" }
}

/// Half a unit of the last digit with which the prices are printed, quote units.
fn half_a_digit(fills: &[PlacedFill]) -> f64 {
    let decimals = |price: f64| format!("{price}").split_once('.').map_or(0, |(_, decimals)| decimals.len());
    let most = fills.iter().map(|fill| decimals(fill.price)).max().unwrap_or(0);
    0.5 / 10_f64.powi(i32::try_from(most).unwrap_or(i32::MAX))
}

/// The range of the bars before and after a time without one, where the price lies outside of it by more than slippage.
fn beside(bars: &Bars, time: i64, price: f64) -> Option<(f64, f64)> {
    let after = bars.open_time.partition_point(|open| *open <= time);
    let rows = after.saturating_sub(1)..(after + 1).min(bars.len());
    let low = bars.low[rows.clone()].iter().copied().fold(f64::INFINITY, f64::min);
    let high = bars.high[rows].iter().copied().fold(0.0, f64::max);
    let is_near = price >= low * (1.0 - SLIPPAGE) && price <= high * (1.0 + SLIPPAGE);
    (!is_near).then_some((low, high))
}

/// Whether the best price of a bar is one that it neither opened nor closed at.
fn is_an_extreme(bars: &Bars, row: usize, side: TradeSide) -> bool {
    let best = if side == TradeSide::Buy { bars.low[row] } else { bars.high[row] };
    [bars.open[row], bars.close[row]].iter().all(|price| (price / best - 1.0).abs() > ROUNDING)
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
    fn a_price_that_is_not_above_zero_is_in_no_bar() {
        for side in [TradeSide::Buy, TradeSide::Sell] {
            for price in [0.0, -0.4, -100.0] {
                assert_eq!(placed(side, price).impossible.len(), 1, "{side:?} at {price}");
            }
        }
    }

    #[test]
    fn a_fill_without_a_bar_is_neither() {
        let bars =
            Bars::new(vec![0, HOUR, 3 * HOUR], vec![1.0; 3], vec![1.0; 3], vec![1.0; 3], vec![1.0; 3], None).unwrap();
        let at = |price| Placement::of(&[PlacedFill { ts_ms: 2 * HOUR + 1, side: TradeSide::Sell, price }], &bars);
        assert_eq!((at(1.01).without_bar, at(1.01).impossible.len()), (1, 0));
        assert_eq!(at(1.01).faulty_share(), Some((1.0, WITHOUT_BAR_AT_MOST)), "all of them");
        // More than 1 % above what the bars on both sides offered, or below it.
        for price in [1.02, 0.98] {
            assert_eq!((at(price).without_bar, at(price).impossible.len()), (0, 1), "{price}");
        }
    }

    #[test]
    fn prices_are_held_to_the_digits_that_they_are_printed_with() {
        let bars = Bars::new(vec![0, HOUR], vec![100.2; 2], vec![101.0; 2], vec![100.004; 2], vec![100.2; 2], None);
        let bars = bars.unwrap();
        let bought = |price| PlacedFill { ts_ms: HOUR, side: TradeSide::Buy, price };
        let impossible = |fills: &[PlacedFill]| Placement::of(fills, &bars).impossible.len();
        assert_eq!(impossible(&[bought(100.0), bought(100.25)]), 0, "100.004 with two decimals is 100.00");
        assert_eq!(impossible(&[bought(100.0), bought(100.2501)]), 1, "with four it is not");
        // Whole prices are rounded by half of one, of which no more than a basis point is believed.
        assert_eq!(impossible(&[bought(99.0)]), 1);
    }

    #[test]
    fn fills_at_every_low_and_high_are_hindsight() {
        let bars = Bars::new(vec![0, HOUR], vec![100.0; 2], vec![102.0; 2], vec![98.0; 2], vec![101.0; 2], None);
        let bars = bars.unwrap();
        let fills = |best: usize, others: usize| -> Vec<PlacedFill> {
            let of = |price| PlacedFill { ts_ms: HOUR, side: TradeSide::Buy, price };
            std::iter::repeat_n(of(98.0), best).chain(std::iter::repeat_n(of(100.0), others)).collect()
        };
        let found = |best, others| Placement::of(&fills(best, others), &bars);
        assert_eq!((found(11, 9).at_best, found(11, 9).faulty_share()), (11, Some((0.55, AT_BEST_AT_MOST))));
        assert_eq!(found(10, 10).faulty_share(), None);
        assert_eq!(found(11, 0).faulty_share(), None, "too few to tell");
    }
}
