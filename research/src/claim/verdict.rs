//! The verdict: a rule on the checks, not a mood.

use serde::Serialize;

use super::checks::{Check, CheckName, State};

/// What the record says about the claim.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
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

    /// The verdict of `checks` for a claim of `claimed` annual Sharpe, replayed at `sharpe` with the 95 % interval that
    /// ends at `upper`.
    ///
    /// Refuted needs sound data and a causal replay that no second engine contradicts, and either an interval that lies wholly below the claim or a net
    /// Sharpe ratio that is not positive. A replay without a Sharpe ratio decides nothing.
    #[must_use]
    pub fn of(checks: &[Check], claimed: f64, sharpe: Option<f64>, upper: Option<f64>) -> Self {
        if !checks.is_empty() && !checks.iter().any(Check::objects) {
            return Self::Confirmed;
        }
        let passed = |name| checks.iter().any(|c| c.name == name && c.state == State::Pass);
        let disputed = checks.iter().any(|c| c.name == CheckName::SecondEngine && c.objects());
        let honest = passed(CheckName::DataSound) && passed(CheckName::Causal) && !disputed;
        let contradicted = sharpe.is_some_and(|s| s <= 0.0) || upper.is_some_and(|upper| upper < claimed);
        if honest && contradicted { Self::Refuted } else { Self::Undetermined }
    }
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
        assert_eq!(Verdict::of(&all, 1.0, Some(1.0), Some(2.0)), Verdict::Confirmed);
        all.push(Check::undefined(CheckName::Deflated, 0.95, String::new()));
        assert_eq!(Verdict::of(&all, 1.0, Some(1.0), Some(2.0)), Verdict::Undetermined);
        assert_eq!(Verdict::of(&[], 1.0, Some(1.0), Some(2.0)), Verdict::Undetermined, "no check is no confirmation");
    }

    #[test]
    fn a_replay_that_a_second_engine_contradicts_decides_nothing() {
        let with = |agrees| [checks(&SOUND), checks(&[(CheckName::SecondEngine, agrees)])].concat();
        assert_eq!(Verdict::of(&with(true), 1.0, Some(1.0), Some(2.0)), Verdict::Confirmed);
        assert_eq!(Verdict::of(&with(false), 1.0, Some(1.0), Some(2.0)), Verdict::Undetermined);
        let refuting = |agrees| [with(agrees), checks(&[(CheckName::Significant, false)])].concat();
        assert_eq!(Verdict::of(&refuting(true), 1.0, Some(-0.1), Some(0.5)), Verdict::Refuted);
        assert_eq!(Verdict::of(&refuting(false), 1.0, Some(-0.1), Some(0.5)), Verdict::Undetermined);
    }

    #[test]
    fn refuted_needs_a_contradiction_on_sound_data() {
        let mut all = checks(&SOUND);
        all.extend(checks(&[(CheckName::Significant, false)]));
        assert_eq!(Verdict::of(&all, 1.0, Some(0.2), Some(0.9)), Verdict::Refuted, "the interval ends below the claim");
        assert_eq!(Verdict::of(&all, 1.0, Some(-0.1), Some(2.0)), Verdict::Refuted, "it loses money");
        assert_eq!(Verdict::of(&all, 1.0, Some(0.2), Some(1.1)), Verdict::Undetermined);
        assert_eq!(Verdict::of(&all, 1.0, None, None), Verdict::Undetermined, "no trade, no contradiction");
        let peeking = checks(&[(CheckName::DataSound, true), (CheckName::Causal, false)]);
        assert_eq!(Verdict::of(&peeking, 1.0, Some(-0.1), Some(0.5)), Verdict::Undetermined);
    }
}
