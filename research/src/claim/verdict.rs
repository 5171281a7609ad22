//! The verdict: a rule on the checks, not a mood.

use serde::{Deserialize, Serialize};

use super::checks::{Check, CheckName};

/// What the record says about the claim.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// Every check that applies passes.
    Confirmed,
    /// Data and replay are sound, and they contradict the figure.
    Refuted,
    /// Neither.
    Undetermined,
}

impl Verdict {
    /// The verdict's name in files.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Confirmed => "confirmed",
            Self::Refuted => "refuted",
            Self::Undetermined => "undetermined",
        }
    }

    /// The verdict of `checks`, where the replay contradicts what is judged or does not; see [`contradicts`].
    ///
    /// Refuted needs sound data and a causal replay that no second engine contradicts, as far as these can be checked.
    #[must_use]
    pub fn of(checks: &[Check], contradicted: bool) -> Self {
        if !checks.is_empty() && !checks.iter().any(Check::objects) {
            return Self::Confirmed;
        }
        let objects = |name| checks.iter().any(|c| c.name == name && c.objects());
        let honest = ![CheckName::DataSound, CheckName::Causal, CheckName::SecondEngine].into_iter().any(objects);
        if honest && contradicted { Self::Refuted } else { Self::Undetermined }
    }
}

/// Whether a replay of `sharpe`, with the 95 % interval that ends at `upper`, contradicts the `claimed` annual Sharpe ratio:
/// the interval lies wholly below it, or nothing was earned. Without a claimed figure the statement that is judged is that
/// the strategy earned on the record. A replay without a Sharpe ratio contradicts nothing.
#[must_use]
pub fn contradicts(claimed: Option<f64>, sharpe: Option<f64>, upper: Option<f64>) -> bool {
    let below = upper.zip(claimed).is_some_and(|(upper, claimed)| upper < claimed);
    sharpe.is_some_and(|sharpe| sharpe <= 0.0 || below)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn checks(states: &[(CheckName, bool)]) -> Vec<Check> {
        states.iter().map(|&(name, passes)| Check::decided(name, passes, 0.0, 0.0, String::new())).collect()
    }

    const SOUND: [(CheckName, bool); 2] = [(CheckName::DataSound, true), (CheckName::Causal, true)];

    #[test]
    fn confirmed_needs_every_check_that_applies() {
        let mut all = checks(&SOUND);
        all.push(Check::not_applicable(CheckName::SurvivesDepth, "no pool"));
        assert_eq!(Verdict::of(&all, false), Verdict::Confirmed);
        all.push(Check::undefined(CheckName::Deflated, 0.95, String::new()));
        assert_eq!(Verdict::of(&all, false), Verdict::Undetermined);
        assert_eq!(Verdict::of(&[], false), Verdict::Undetermined, "no check is no confirmation");
    }

    #[test]
    fn a_check_that_applies_and_was_not_run_forbids_confirmed() {
        let mut all = checks(&SOUND);
        all.push(Check { applies: true, ..Check::not_applicable(CheckName::Robust, "not asked") });
        assert_eq!(Verdict::of(&all, false), Verdict::Undetermined);
    }

    #[test]
    fn a_replay_that_a_second_engine_contradicts_decides_nothing() {
        let with = |agrees| [checks(&SOUND), checks(&[(CheckName::SecondEngine, agrees)])].concat();
        assert_eq!(Verdict::of(&with(true), false), Verdict::Confirmed);
        assert_eq!(Verdict::of(&with(false), false), Verdict::Undetermined);
        let refuting = |agrees| [with(agrees), checks(&[(CheckName::Significant, false)])].concat();
        assert_eq!(Verdict::of(&refuting(true), true), Verdict::Refuted);
        assert_eq!(Verdict::of(&refuting(false), true), Verdict::Undetermined);
    }

    #[test]
    fn refuted_needs_a_contradiction_on_sound_data() {
        let mut all = checks(&SOUND);
        all.extend(checks(&[(CheckName::Significant, false)]));
        assert_eq!(Verdict::of(&all, true), Verdict::Refuted);
        assert_eq!(Verdict::of(&all, false), Verdict::Undetermined);
        for broken in [CheckName::DataSound, CheckName::Causal] {
            let states = SOUND.map(|(name, _)| (name, name != broken));
            assert_eq!(Verdict::of(&checks(&states), true), Verdict::Undetermined, "{broken:?}");
        }
    }

    #[test]
    fn an_interval_below_the_claim_or_a_loss_contradicts() {
        assert!(contradicts(Some(1.0), Some(0.2), Some(0.9)), "the interval ends below the claim");
        assert!(!contradicts(Some(1.0), Some(0.2), Some(1.1)), "low < claim < high");
        assert!(contradicts(Some(1.0), Some(-0.1), Some(2.0)), "it loses money");
        assert!(contradicts(Some(1.0), Some(0.0), Some(2.0)), "it earns nothing");
        assert!(!contradicts(Some(1.0), None, None), "no trade, no contradiction");
        assert!(!contradicts(None, Some(0.2), Some(0.9)), "no figure to be below");
        assert!(contradicts(None, Some(-0.1), Some(2.0)), "it does not earn");
    }
}
