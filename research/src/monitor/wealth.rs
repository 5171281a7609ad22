//! The wealth of a bettor with predetermined stakes.

/// Stakes are multiples of one over this.
const GRID: usize = 20;
/// Share of the money that changes its stake before each observation.
const JUMP: f64 = 0.001;

/// Wealth at which one test errs in at most 5 % of sessions.
#[must_use]
pub fn alone() -> f64 {
    20.0_f64.ln()
}

/// Wealth at which each of two tests alarms, so that both err in at most 5 % of sessions together.
#[must_use]
pub fn both_together() -> f64 {
    40.0_f64.ln()
}

/// Wealth after a series of gains, by two strategies: 1 at the beginning.
///
/// An observation is a gain `z >= -1` for each unit at stake, whose mean is not above 0 where all is as modelled. A stake of
/// `g = k / 20` multiplies its money by `1 + g z`.
///
/// - The **jumper** raises the alarm: money is spread over the stakes 0 to 19/20, and a thousandth of it is spread anew
///   before each observation, so that a change after a long quiet time is seen (Vovk, Gammerman, Shafer, *Algorithmic
///   Learning in a Random World*, 2nd edition, algorithm 8.1, one-sided).
/// - The **mixture** is the mean over the stakes 1/20 to 19/20, each kept for ever (Waudby-Smith, Ramdas, JRSS B 86, 2024).
#[derive(Clone, Debug, PartialEq)]
pub struct Wealth {
    /// Where the jumper's money is; the shares add up to 1.
    shares: [f64; GRID],
    jumper: f64,
    /// Logarithms of what each stake has made; that of stake 0 is not used.
    stakes: [f64; GRID],
    observed: u64,
    alarm_above: f64,
    alarm_at: Option<u64>,
}

impl Wealth {
    /// Wealth that alarms at this logarithm of it, for good.
    #[must_use]
    pub fn alarming_at(log_wealth: f64) -> Self {
        Self {
            shares: [1.0 / GRID as f64; GRID],
            jumper: 0.0,
            stakes: [0.0; GRID],
            observed: 0,
            alarm_above: log_wealth,
            alarm_at: None,
        }
    }

    /// Bets on one gain; what is below -1 counts as -1.
    pub fn observe(&mut self, z: f64) {
        let z = z.max(-1.0);
        let stake = |k: usize| k as f64 / GRID as f64;
        let held: f64 = self.shares.iter().sum();
        for share in &mut self.shares {
            *share = (1.0 - JUMP) * *share + JUMP / GRID as f64 * held;
        }
        for (k, share) in self.shares.iter_mut().enumerate() {
            *share *= 1.0 + stake(k) * z;
        }
        let made: f64 = self.shares.iter().sum();
        self.shares.iter_mut().for_each(|share| *share /= made);
        self.jumper += made.ln();
        for (k, log) in self.stakes.iter_mut().enumerate() {
            *log += (stake(k) * z).ln_1p();
        }
        self.observed += 1;
        if self.alarm_at.is_none() && self.jumper >= self.alarm_above {
            self.alarm_at = Some(self.observed);
        }
    }

    /// Natural logarithm of the jumper's wealth.
    #[must_use]
    pub fn log_jumper(&self) -> f64 {
        self.jumper
    }

    /// Natural logarithm of the mixture's wealth.
    #[must_use]
    pub fn log_mixture(&self) -> f64 {
        let stakes = &self.stakes[1..];
        let most = stakes.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        most + stakes.iter().map(|log| (log - most).exp()).sum::<f64>().ln() - (stakes.len() as f64).ln()
    }

    /// Observations so far.
    #[must_use]
    pub fn observed(&self) -> u64 {
        self.observed
    }

    /// The observation, counted from 1, at which the jumper first had enough; an alarm stays.
    #[must_use]
    pub fn alarm_at(&self) -> Option<u64> {
        self.alarm_at
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn one_observation_by_hand() {
        let mut wealth = Wealth::alarming_at(alone());
        wealth.observe(1.0);
        // Means of 1 + k/20: over k = 0 to 19 it is 1.475, over k = 1 to 19 it is 1.5.
        assert!((wealth.log_jumper() - 1.475_f64.ln()).abs() < 1e-15);
        assert!((wealth.log_mixture() - 1.5_f64.ln()).abs() < 1e-15);
    }

    #[test]
    fn an_alarm_stays_and_is_the_first() {
        let mut wealth = Wealth::alarming_at(alone());
        (0..8).for_each(|_| wealth.observe(1.0));
        let first = wealth.alarm_at().unwrap();
        (0..200).for_each(|_| wealth.observe(-1.0));
        assert!(wealth.log_jumper() < 0.0 && wealth.alarm_at() == Some(first), "{first}");
    }

    #[test]
    fn whoever_loses_everything_that_can_be_lost_still_has_something() {
        let mut wealth = Wealth::alarming_at(alone());
        (0..3_000).for_each(|_| wealth.observe(f64::NEG_INFINITY));
        assert!(wealth.log_jumper().is_finite() && wealth.log_mixture().is_finite());
    }

    proptest! {
        /// What makes the inequality hold: a fair bet leaves the mean of the wealth as it is.
        #[test]
        fn a_fair_coin_leaves_the_mean_wealth_as_it_is(
            before in prop::collection::vec(-1.0_f64..2.0, 0..40), up in 0.01_f64..3.0,
        ) {
            let mut wealth = Wealth::alarming_at(alone());
            before.iter().for_each(|z| wealth.observe(*z));
            let after = |z: f64| {
                let mut next = wealth.clone();
                next.observe(z);
                [next.log_jumper(), next.log_mixture()].map(f64::exp)
            };
            // Up by `up` or down by 1, at odds that make the mean 0.
            let (win, lose, chance) = (after(up), after(-1.0), 1.0 / (1.0 + up));
            let now = [wealth.log_jumper(), wealth.log_mixture()].map(f64::exp);
            for i in 0..2 {
                let mean = chance * win[i] + (1.0 - chance) * lose[i];
                prop_assert!((mean / now[i] - 1.0).abs() < 1e-9, "{mean} {}", now[i]);
            }
        }
    }
}
