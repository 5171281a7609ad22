//! Do fills cost more than was modelled?

use thiserror::Error;

use super::Wealth;

/// A fill whose modelled cost lies outside its bound.
#[derive(Clone, Copy, Debug, Error, PartialEq)]
#[error("a modelled shortfall of {modelled} at a bound of {bound}, expected one inside (-bound, bound)")]
pub struct NotModelled {
    modelled: f64,
    bound: f64,
}

/// Whether the mean shortfall of fills is above what was modelled.
///
/// The shortfall of a fill is what it was worse than the replayed one, a fraction of the notional: `(paid - replayed) /
/// replayed` for a buy of as many tokens, `(replayed - received) / replayed` for a sale. What is tested is that the mean of
/// each, given all before it, is at most the modelled one, with shortfalls cut to the bound on either side; bound and model
/// are fixed before the order is sent and may differ from one to the next. `z = (clip(x, -L, L) - m) / (m + L)`.
#[derive(Clone, Debug, PartialEq)]
pub struct Execution {
    wealth: Wealth,
    beyond: u64,
    windfalls: u64,
}

impl Execution {
    /// No fill yet; alarms at this logarithm of wealth.
    #[must_use]
    pub fn alarming_at(log_wealth: f64) -> Self {
        Self { wealth: Wealth::alarming_at(log_wealth), beyond: 0, windfalls: 0 }
    }

    /// Takes note of a fill: its shortfall, the modelled mean `m`, and the bound `L`, fractions.
    ///
    /// # Errors
    /// `m` is not inside `(-L, L)`, or something is no number; then nothing is noted.
    pub fn observe(&mut self, shortfall: f64, modelled: f64, bound: f64) -> Result<(), NotModelled> {
        if !(-bound < modelled && modelled < bound) || shortfall.is_nan() || bound.is_infinite() {
            return Err(NotModelled { modelled, bound });
        }
        self.beyond += u64::from(shortfall > bound);
        self.windfalls += u64::from(shortfall < -bound);
        self.wealth.observe((shortfall.clamp(-bound, bound) - modelled) / (modelled + bound));
        Ok(())
    }

    /// The evidence.
    #[must_use]
    pub fn wealth(&self) -> &Wealth {
        &self.wealth
    }

    /// Fills worse than their bound, which cannot have been relative to the replayed price.
    #[must_use]
    pub fn beyond(&self) -> u64 {
        self.beyond
    }

    /// Fills better than their bound, which count as the bound.
    #[must_use]
    pub fn windfalls(&self) -> u64 {
        self.windfalls
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::monitor::alone;

    #[test]
    fn what_was_not_modelled_is_refused_and_leaves_no_trace() {
        let mut execution = Execution::alarming_at(alone());
        for (shortfall, modelled, bound) in [
            (0.0, 0.01, 0.01),
            (0.0, -0.01, 0.01),
            (0.0, 0.0, 0.0),
            (f64::NAN, 0.0, 0.01),
            (0.0, f64::NAN, 0.01),
            (0.0, 0.0, f64::INFINITY),
        ] {
            assert!(execution.observe(shortfall, modelled, bound).is_err(), "{shortfall} {modelled} {bound}");
        }
        assert_eq!(execution, Execution::alarming_at(alone()));
    }

    #[test]
    fn beyond_the_bound_is_counted_and_cut() {
        let (mut cut, mut at) = (Execution::alarming_at(alone()), Execution::alarming_at(alone()));
        for (shortfall, bounded) in [(0.5, 0.01), (-0.5, -0.01)] {
            cut.observe(shortfall, 0.001, 0.01).unwrap();
            at.observe(bounded, 0.001, 0.01).unwrap();
        }
        assert_eq!((cut.wealth(), cut.beyond(), cut.windfalls()), (at.wealth(), 1, 1));
        assert_eq!((at.beyond(), at.windfalls()), (0, 0));
    }
}
