//! Are live trades still like the backtest's?

use super::Wealth;

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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::monitor::alone;

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
