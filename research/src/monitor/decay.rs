//! Are live trades still like the backtest's?

use super::{Wealth, alone};

/// Trades whose mean is one observation where trades depend on each other.
const BLOCK: usize = 10;
/// Correlation of a trade with the one before it above which they count as dependent: a judgement.
const CORRELATION: f64 = 0.1;

/// Whether live trades are exchangeable with those of the backtest, against "they are worse".
///
/// The score of a trade is its net return. Its conformal p-value is the share of trades that are not better, in a bag of all
/// backtest trades and all live ones up to and including it: `p = #{r_j <= r_n} / n`, ties counting against the alarm, and
/// `z = 1 - 2 p` (Vovk, Gammerman, Shafer, *Algorithmic Learning in a Random World*, 2nd edition, chapter 8). Trades are
/// taken in the order of their entries, in backtest and live; one waits until all that were entered before it are closed.
///
/// Trades that depend on each other are not exchangeable, and alarm by themselves: then means of a fixed number of
/// consecutive trades, on both sides, hold the level and cost power.
#[derive(Clone, Debug, PartialEq)]
pub struct Decay {
    /// Returns, ascending.
    bag: Vec<f64>,
    wealth: Wealth,
}

impl Decay {
    /// The returns of the backtest's trades; alarms at this logarithm of wealth. What is no number is left out.
    #[must_use]
    pub fn alarming_at(log_wealth: f64, backtest: &[f64]) -> Self {
        let mut bag: Vec<f64> = backtest.iter().copied().filter(|r| !r.is_nan()).collect();
        bag.sort_by(f64::total_cmp);
        Self { bag, wealth: Wealth::alarming_at(log_wealth) }
    }

    /// Takes note of a live trade and returns its p-value, `None` where its return is no number and nothing is noted.
    pub fn observe(&mut self, net_return: f64) -> Option<f64> {
        if net_return.is_nan() {
            return None;
        }
        let not_better = self.bag.partition_point(|r| *r <= net_return);
        self.bag.insert(not_better, net_return);
        let p = (not_better + 1) as f64 / self.bag.len() as f64;
        self.wealth.observe(1.0 - 2.0 * p);
        Some(p)
    }

    /// The evidence.
    #[must_use]
    pub fn wealth(&self) -> &Wealth {
        &self.wealth
    }
}

/// How many consecutive trades of a backtest, and of the session after it, make one observation, as their mean: 1, or 10
/// where the backtest would raise an alarm about itself (its second half as if it were live) or its trades depend on each
/// other (correlation of neighbours above 0.1).
#[must_use]
pub fn block(backtest: &[f64]) -> usize {
    let (first, second) = backtest.split_at(backtest.len() / 2);
    let mut itself = Decay::alarming_at(alone(), first);
    for trade in second {
        itself.observe(*trade);
    }
    let depends = itself.wealth().alarm_at().is_some() || neighbours(backtest).is_some_and(|rho| rho > CORRELATION);
    if depends { BLOCK } else { 1 }
}

/// Correlation of each value with the next; none where they do not vary.
fn neighbours(values: &[f64]) -> Option<f64> {
    let mean = values.iter().sum::<f64>() / values.len() as f64;
    let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
    let products: f64 = values.windows(2).map(|pair| (pair[0] - mean) * (pair[1] - mean)).sum();
    (squares > 0.0).then(|| products / squares)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn trades_that_depend_on_each_other_are_taken_ten_at_a_time() {
        let alternating: Vec<f64> = (0..100).map(|i| if i % 2 == 0 { 0.01 } else { -0.01 }).collect();
        assert_eq!((block(&alternating), block(&[]), block(&[0.01])), (1, 1, 1));
        // Runs of five: neighbours agree in four of five pairs.
        let runs: Vec<f64> = (0..100).map(|i| if i / 5 % 2 == 0 { 0.01 } else { -0.01 }).collect();
        assert_eq!(block(&runs), 10);
        // The second half is worse than the first.
        let decayed: Vec<f64> = (0..100).map(|i| alternating[i] - if i < 50 { 0.0 } else { 0.05 }).collect();
        assert_eq!(block(&decayed), 10);
    }

    #[test]
    fn p_values_by_hand() {
        let mut decay = Decay::alarming_at(alone(), &[0.01, -0.02, 0.03]);
        assert_eq!(decay.observe(-0.05), Some(1.0 / 4.0));
        assert_eq!(decay.observe(0.01), Some(4.0 / 5.0), "the tie counts");
        assert_eq!(decay.observe(9.0), Some(1.0));
        assert_eq!(decay.observe(f64::NAN), None);
        assert_eq!(decay.wealth().observed(), 3);
    }
}
