//! What a test would have seen: sessions are simulated from the returns or shortfalls at hand, moved to another mean.

use super::{Decay, Execution, Wealth};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// Sessions that are simulated: the standard error of a probability is at most 2.5 percentage points.
const SESSIONS: u64 = 400;

/// Probability that [`Execution`] alarms within `fills` fills whose shortfalls are spread as `seen` are, about the mean
/// `mean`; fractions, as in [`Execution::observe`]. None where nothing was seen, or the model is refused.
#[must_use]
pub fn of_execution(alarm: f64, seen: &[f64], fills: usize, mean: f64, modelled: f64, bound: f64) -> Option<f64> {
    let moved = moved(seen, mean)?;
    Execution::alarming_at(alarm).observe(mean, modelled, bound).ok()?;
    Some(share_that_alarms(|rng| {
        let mut test = Execution::alarming_at(alarm);
        for _ in 0..fills {
            let refused = test.observe(moved[rng.random_range(0..moved.len())], modelled, bound).is_err();
            if refused || is_over(test.wealth()) {
                break;
            }
        }
        is_over(test.wealth())
    }))
}

/// Probability that [`Decay`] alarms within `trades` trades that are spread as the backtest's are, about the mean `mean`.
/// None where the backtest has no trade.
#[must_use]
pub fn of_decay(alarm: f64, backtest: &[f64], trades: usize, mean: f64) -> Option<f64> {
    let moved = moved(backtest, mean)?;
    let quiet = Decay::alarming_at(alarm, backtest);
    Some(share_that_alarms(|rng| {
        let mut test = quiet.clone();
        for _ in 0..trades {
            test.observe(moved[rng.random_range(0..moved.len())]);
            if is_over(test.wealth()) {
                break;
            }
        }
        is_over(test.wealth())
    }))
}

fn is_over(wealth: &Wealth) -> bool {
    wealth.alarm_at().is_some()
}

/// The values about another mean; none of nothing.
fn moved(values: &[f64], mean: f64) -> Option<Vec<f64>> {
    let shift = mean - values.iter().sum::<f64>() / values.len() as f64;
    (!values.is_empty()).then(|| values.iter().map(|value| value + shift).collect())
}

fn share_that_alarms(session: impl Fn(&mut ChaCha8Rng) -> bool) -> f64 {
    let alarms = (0..SESSIONS).filter(|seed| session(&mut ChaCha8Rng::seed_from_u64(*seed))).count();
    alarms as f64 / SESSIONS as f64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::monitor::both_together;

    #[test]
    fn few_observations_see_nothing_and_many_see_what_is_large() {
        let spread = [-0.003, -0.001, 0.0, 0.001, 0.003];
        let seen = |fills, mean| of_execution(both_together(), &spread, fills, mean, 0.001, 0.01).unwrap();
        // The fastest growth at this bound is (0.01 + 0.002) / 0.011 a fill, so that 40 takes 43 fills.
        assert_eq!((seen(0, 0.002), seen(20, 0.002), seen(2_000, 0.002)), (0.0, 0.0, 1.0));
        assert!(seen(500, 0.0) <= 1.0 / 40.0, "what is as modelled is not seen more often than the level says");

        let trades: Vec<f64> = (0..200).map(|i| 0.002 + 0.02 * (f64::from(i) * 2.4).sin()).collect();
        let seen = |trades_seen, mean| of_decay(both_together(), &trades, trades_seen, mean).unwrap();
        assert!(seen(5, -0.02) == 0.0 && seen(200, -0.02) > 0.95, "{} {}", seen(5, -0.02), seen(200, -0.02));
        assert!(seen(200, 0.002) <= 1.0 / 20.0, "{}", seen(200, 0.002));
    }

    #[test]
    fn of_nothing_there_is_no_power() {
        assert_eq!(of_execution(both_together(), &[], 10, 0.002, 0.001, 0.01), None);
        assert_eq!(of_execution(both_together(), &[0.0], 10, 0.002, 0.01, 0.01), None, "outside the bound");
        assert_eq!(of_decay(both_together(), &[], 10, 0.0), None);
    }
}
