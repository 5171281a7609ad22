//! What an order at the market loses to the spread and to its own size.

/// Returns that volatility is estimated from, and bars that volume is.
pub const WINDOW: usize = 20;

/// The square-root law of price impact beside half the spread: `s = spread / 2 + k sigma sqrt(size / V)`, and a fill at
/// `mid (1 + s)` for a buy, `mid (1 - s)` for a sale (Torre and Ferrari 1997; Grinold and Kahn 2000, chapter 16).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Slippage {
    /// Spread as a share of the mid price.
    pub spread: f64,
    /// `k`: impact of an order for the whole volume of a bar, in volatilities of a bar.
    pub coefficient: f64,
}

/// A market as it trades: what slippage depends on, known at a close.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Activity {
    /// Standard deviation (ddof 1) of the last [`WINDOW`] log returns of closes, per bar.
    pub volatility: f64,
    /// Mean volume of those bars, units.
    pub mean_volume: f64,
}

impl Activity {
    /// The activity at the last of `closes`; `volumes` are those of the same bars. `None` with fewer than [`WINDOW`] returns,
    /// and where a number is unknown.
    #[must_use]
    pub fn at(closes: &[f64], volumes: &[f64]) -> Option<Self> {
        let closes: &[f64; WINDOW + 1] = closes.last_chunk()?;
        let volumes: &[f64; WINDOW] = volumes.last_chunk()?;
        let returns: [f64; WINDOW] = std::array::from_fn(|i| (closes[i + 1] / closes[i]).ln());
        let n = WINDOW as f64;
        let mean = returns.iter().sum::<f64>() / n;
        let squares: f64 = returns.iter().map(|r| (r - mean) * (r - mean)).sum();
        let (volatility, mean_volume) = ((squares / (n - 1.0)).sqrt(), volumes.iter().sum::<f64>() / n);
        (volatility.is_finite() && mean_volume.is_finite()).then_some(Self { volatility, mean_volume })
    }
}

impl Slippage {
    /// Share of the mid price that an order for `size` units loses in a market of this `activity`; `None` where that is
    /// unknown: without an activity, or without volume in a market that moves.
    #[must_use]
    pub fn of(&self, size: f64, activity: Option<Activity>) -> Option<f64> {
        let half = self.spread / 2.0;
        if self.coefficient == 0.0 || size == 0.0 {
            return Some(half);
        }
        let Activity { volatility, mean_volume } = activity?;
        let impact = if volatility == 0.0 { 0.0 } else { self.coefficient * volatility * (size / mean_volume).sqrt() };
        impact.is_finite().then_some(half + impact)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MODEL: Slippage = Slippage { spread: 0.0002, coefficient: 0.1 };

    #[test]
    fn by_hand() {
        let activity = Activity { volatility: 0.005, mean_volume: 1_000.0 };
        assert!((MODEL.of(10.0, Some(activity)).unwrap() - 0.000_15).abs() < 1e-15, "0.0001 + 0.1 x 0.005 x 0.1");
        assert_eq!(MODEL.of(0.0, None), Some(0.000_1));
        assert_eq!(Slippage { coefficient: 0.0, ..MODEL }.of(10.0, None), Some(0.000_1));
    }

    #[test]
    fn what_is_unknown_is_no_number() {
        let of = |activity| MODEL.of(10.0, activity);
        assert_eq!(of(None), None);
        assert_eq!(of(Some(Activity { volatility: 0.005, mean_volume: 0.0 })), None);
        assert_eq!(of(Some(Activity { volatility: 0.0, mean_volume: 0.0 })), Some(0.000_1), "a market at rest");
        assert_eq!(Activity::at(&[1.0; 20], &[1.0; 20]), None, "21 closes are 20 returns");
        assert_eq!(Activity::at(&[1.0; 21], &[f64::NAN; 21]), None);
    }

    #[test]
    fn only_the_last_twenty_returns_count() {
        let closes: Vec<f64> =
            [50.0, 80.0].into_iter().chain((0..21).map(|i| if i % 2 == 0 { 100.0 } else { 101.0 })).collect();
        let volumes: Vec<f64> = [1e9; 3].into_iter().chain([4.0; 20]).collect();
        let activity = Activity::at(&closes, &volumes).unwrap();
        let step = 1.01_f64.ln();
        assert!((activity.volatility - step * (20.0_f64 / 19.0).sqrt()).abs() < 1e-15, "mean 0, ten each way");
        assert_eq!(activity.mean_volume, 4.0);
    }
}
