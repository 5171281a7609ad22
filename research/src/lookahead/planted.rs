//! Signals known to be honest, and signals with a known kind of foresight, to test the checks on.

/// How a signal is computed from closes. Where a formula has no bar to look at, the last value is carried on: the way of
/// hiding a look ahead that is hardest to see.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Recipe {
    /// Honest: the return of the last bars, a trend follower.
    Momentum(usize),
    /// Honest: how far the close lies below the mean of the last bars, a mean reverter.
    Reversion(usize),
    /// The slope of a mean that is centred on the bar: it reaches so many bars to each side.
    CentredMean(usize),
    /// The return of the bars that follow.
    Ahead(usize),
    /// The momentum that is known one bar later.
    LeakedBar(usize),
    /// Momentum in standard deviations from its mean, both over the whole record.
    FullSampleScore(usize),
}

impl Recipe {
    /// The honest recipes and one of each kind of foresight, by name.
    pub const ALL: [(&'static str, Self); 6] = [
        ("honest_momentum", Self::Momentum(24)),
        ("honest_reversion", Self::Reversion(24)),
        ("centred_mean", Self::CentredMean(12)),
        ("24_bars_ahead", Self::Ahead(24)),
        ("one_bar_leak", Self::LeakedBar(24)),
        ("full_sample_normalisation", Self::FullSampleScore(24)),
    ];

    /// The recipe of a name in [`Recipe::ALL`].
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|(known, _)| *known == name).map(|(_, recipe)| recipe)
    }

    /// Whether only bars up to its own are used for each value.
    #[must_use]
    pub const fn is_honest(self) -> bool {
        matches!(self, Self::Momentum(_) | Self::Reversion(_))
    }

    /// One value a close; above 0 it is a signal to buy. `NaN` before there is enough history.
    #[must_use]
    pub fn signal(self, close: &[f64]) -> Vec<f64> {
        let n = close.len();
        let momentum = |bars: usize| -> Vec<f64> {
            (0..n).map(|t| if t < bars { f64::NAN } else { close[t] / close[t - bars] - 1.0 }).collect()
        };
        match self {
            Self::Momentum(bars) => momentum(bars),
            Self::Reversion(bars) => (0..n)
                .map(|t| if t < bars { f64::NAN } else { mean(&close[t + 1 - bars..=t]) / close[t] - 1.0 })
                .collect(),
            Self::CentredMean(bars) => {
                let centred = |t: usize| mean(&close[t.saturating_sub(bars)..(t + bars + 1).min(n)]);
                (0..n).map(|t| if t == 0 { f64::NAN } else { centred(t) / centred(t - 1) - 1.0 }).collect()
            }
            Self::Ahead(bars) => {
                carried((0..n).map(|t| close.get(t + bars).map_or(f64::NAN, |later| later / close[t] - 1.0)))
            }
            Self::LeakedBar(bars) => {
                let known = momentum(bars);
                carried((0..n).map(|t| known.get(t + 1).copied().unwrap_or(f64::NAN)))
            }
            Self::FullSampleScore(bars) => {
                let values = momentum(bars);
                let known = values.get(bars..).unwrap_or_default();
                let (centre, spread) = (mean(known), deviation(known));
                values.iter().map(|value| (value - centre) / spread).collect()
            }
        }
    }
}

fn carried(values: impl Iterator<Item = f64>) -> Vec<f64> {
    values
        .scan(f64::NAN, |last, value| {
            *last = if value.is_nan() { *last } else { value };
            Some(*last)
        })
        .collect()
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

fn deviation(values: &[f64]) -> f64 {
    let centre = mean(values);
    (values.iter().map(|value| (value - centre).powi(2)).sum::<f64>() / values.len() as f64).sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn honest_recipes_do_not_change_when_the_record_grows_and_the_others_do() {
        let close: Vec<f64> = (0..400).map(|i| 100.0 + (f64::from(i) * 0.37).sin() * 5.0 + f64::from(i % 13)).collect();
        for (name, recipe) in Recipe::ALL {
            let (whole, part) = (recipe.signal(&close), recipe.signal(&close[..300]));
            let same = whole.iter().zip(&part).all(|(a, b)| a == b || (a.is_nan() && b.is_nan()));
            assert_eq!(same, recipe.is_honest(), "{name}");
            assert_eq!(Recipe::named(name), Some(recipe));
        }
    }

    #[test]
    fn values_are_those_worked_by_hand() {
        let close = [1.0, 2.0, 4.0, 8.0];
        assert_eq!(Recipe::Momentum(2).signal(&close)[2..], [3.0, 3.0]);
        assert_eq!(Recipe::Ahead(1).signal(&close), [1.0, 1.0, 1.0, 1.0]);
        assert_eq!(Recipe::Ahead(3).signal(&close), [7.0; 4], "carried on");
        let leaked = Recipe::LeakedBar(2).signal(&[1.0, 2.0, 4.0, 4.0, 2.0]);
        assert!(leaked[0].is_nan());
        assert_eq!(leaked[1..], [3.0, 1.0, -0.5, -0.5]);
        // Means of (1, 2, 4), (2, 4, 8) and (4, 8).
        assert_eq!(Recipe::CentredMean(1).signal(&close)[2..], [1.0, 6.0 / (14.0 / 3.0) - 1.0]);
        assert_eq!(Recipe::Reversion(2).signal(&close)[3], 6.0 / 8.0 - 1.0);
    }
}
