//! What a record cannot say about losses that it does not contain.
//!
//! A loss that comes at a rate of r a bar is missing from n bars with probability (1 - r)^n, so that at 95 % a rate of 3 / n
//! cannot be ruled out (the rule of three: Hanley and Lippman-Hand, "If nothing goes wrong, is everything all right?",
//! JAMA 249, 1983). Three losses of a third of everything that was gained take all of it. Selling insurance looks best
//! in a record without the event that is insured.

use q50_engine::units::PeriodsPerYear;
use serde::Serialize;

use crate::metrics::{Ddof, Undefined, mean, standard_deviation};

/// Losses of this rate times the bars may be missing from a record, at 95 %: -ln(0.05).
const MISSED: f64 = 2.995_732_273_553_991;

/// The worst loss of a record, and what a worse one would do.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct WorstLoss {
    /// Return of the replay's worst bar, a fraction.
    pub worst_return: f64,
    /// How many standard deviations it lies below the mean.
    pub deviations: f64,
    /// How many normally distributed returns would be expected to: sqrt(2 ln n).
    pub normal_deviations: f64,
    /// Return of the market's worst bar, a fraction; `None` where it has fewer than two bars.
    pub market_worst_return: Option<f64>,
    /// Years between two losses that may be missing from the record.
    pub years_between: f64,
    /// A loss, a fraction, that takes the whole mean return if it comes that often; `None` where there is nothing to take.
    pub break_even_loss: Option<f64>,
}

impl WorstLoss {
    /// The worst of the replay's `returns`, beside those of the market's `closes` over the same bars.
    ///
    /// # Errors
    /// There are fewer than two returns, or they do not vary.
    pub fn of(returns: &[f64], closes: &[f64], year: PeriodsPerYear) -> Result<Self, Undefined> {
        let (mean, deviation) = (mean(returns)?, standard_deviation(returns, Ddof::One)?);
        if deviation == 0.0 {
            return Err(Undefined::NoVariance { n: returns.len() });
        }
        let n = returns.len() as f64;
        let least = |returns: &mut dyn Iterator<Item = f64>| returns.min_by(f64::total_cmp);
        let worst_return = least(&mut returns.iter().copied()).unwrap_or(0.0);
        Ok(Self {
            worst_return,
            deviations: (mean - worst_return) / deviation,
            normal_deviations: (2.0 * n.ln()).sqrt(),
            market_worst_return: least(&mut closes.windows(2).map(|pair| pair[1] / pair[0] - 1.0)),
            years_between: n / MISSED / year.get(),
            break_even_loss: (mean > 0.0).then_some(mean * n / MISSED),
        })
    }

    /// Whether the worst loss is smaller than normally distributed returns would show.
    #[must_use]
    pub fn is_without_crash(&self) -> bool {
        self.deviations < self.normal_deviations
    }

    /// The figures in a few sentences.
    #[must_use]
    pub fn text(&self) -> String {
        let percent = |fraction: f64| format!("{:.2} %", 100.0 * fraction);
        let market = self
            .market_worst_return
            .map_or_else(String::new, |worst| format!("; the market's worst {}", percent(worst)));
        let mut text = format!(
            "The worst bar returned {} ({:.1} standard deviations){market}.",
            percent(self.worst_return),
            self.deviations
        );
        if self.is_without_crash() {
            text += &format!(
                " Normally distributed returns would show {:.1}: this is a record without a crash.",
                self.normal_deviations
            );
        }
        text += &format!(" A loss that comes once in {:.2} years may be missing from it", self.years_between);
        match self.break_even_loss {
            Some(loss) if loss < 1.0 => text + &format!("; one of {} would take the whole gain.", percent(loss)),
            _ => text + ".",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn year(periods: f64) -> PeriodsPerYear {
        PeriodsPerYear::new(periods)
    }

    #[test]
    fn the_figures_of_a_record_of_four_bars() {
        // Mean 0.01, deviations 0.01, 0.01, 0.01 and -0.03: the standard deviation is sqrt(12e-4 / 3) = 0.02.
        let worst = WorstLoss::of(&[0.02, 0.02, 0.02, -0.02], &[100.0, 90.0, 99.0], year(4.0)).unwrap();
        assert!((worst.worst_return + 0.02).abs() < 1e-15 && (worst.deviations - 1.5).abs() < 1e-12);
        assert!((worst.market_worst_return.unwrap() + 0.1).abs() < 1e-12);
        // 4 / 2.9957 bars between two losses, a third of a year; 4 x 0.01 / 2.9957 = 0.01335.
        assert!((worst.years_between - 0.333_808).abs() < 1e-6, "{worst:?}");
        assert!((worst.break_even_loss.unwrap() - 0.013_352).abs() < 1e-6);
        assert!(worst.is_without_crash(), "sqrt(2 ln 4) is 1.67");
        assert_eq!(
            worst.text(),
            "The worst bar returned -2.00 % (1.5 standard deviations); the market's worst -10.00 %. Normally distributed \
             returns would show 1.7: this is a record without a crash. A loss that comes once in 0.33 years may be missing \
             from it; one of 1.34 % would take the whole gain."
        );
    }

    #[test]
    fn insurance_without_the_event_is_a_record_without_a_crash_and_with_it_is_not() {
        let premium: Vec<f64> = (0..1_000).map(|t| if t % 3 == 0 { -0.000_1 } else { 0.000_2 }).collect();
        assert!(WorstLoss::of(&premium, &[], year(365.0)).unwrap().is_without_crash());
        let mut hit = premium;
        hit[500] = -0.1;
        let worst = WorstLoss::of(&hit, &[], year(365.0)).unwrap();
        assert!(!worst.is_without_crash() && worst.market_worst_return.is_none());
    }

    #[test]
    fn a_loser_has_no_gain_to_take_and_a_constant_record_says_nothing() {
        let worst = WorstLoss::of(&[-0.01, -0.02], &[], year(365.0)).unwrap();
        assert!(worst.break_even_loss.is_none() && worst.text().ends_with("may be missing from it."));
        assert!(WorstLoss::of(&[0.01, 0.01], &[], year(365.0)).is_err());
    }
}
