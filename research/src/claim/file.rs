//! Claim files: what somebody says a strategy earned, under which conventions, and how often they tried.

use std::path::Path;

use q50_engine::{
    strategy::StrategyConfig,
    units::{AnnualSharpe, PerPeriodSharpe, PeriodsPerYear},
};
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::{
    run,
    trials::{Origin, Role, Trial},
};

/// The claim of 1.327 with its conventions and the trials published beside it.
const PUBLISHED: &str = include_str!("../../claims/q50_1327.toml");
/// The claim of the demonstration market.
const DEMONSTRATION: &str = include_str!("../../claims/demonstration.toml");

/// A claim about a strategy. Everything annual is under the claim's own `periods_per_year`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Claim {
    /// Format of the file: `q50.claim/1`.
    pub schema: String,
    /// What is claimed, for people.
    pub name: String,
    /// Where the claim was made.
    pub source: String,
    /// Annual Sharpe ratio.
    pub sharpe: AnnualSharpe,
    /// Return over the whole period, a fraction.
    pub total_return: Option<f64>,
    /// Largest fall from a peak, a positive fraction.
    pub max_drawdown: Option<f64>,
    /// Bars that the figure was computed over.
    pub bars: usize,
    /// Bars that the claim counts as a year.
    pub periods_per_year: PeriodsPerYear,
    /// Variants that were tried before this one was reported, this one included.
    pub trials: u64,
    /// Bars that the claim covers, where it says so.
    pub period: Option<Period>,
    /// How the claimed strategy is replayed.
    pub replay: Option<Replay>,
    /// Figures published beside the claim.
    #[serde(default)]
    pub published: Vec<PublishedTrial>,
}

/// A stretch of time, both ends included, RFC 3339.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Period {
    /// Open of the first bar.
    pub from: String,
    /// Open of the last bar.
    pub to: String,
}

/// How the claimed strategy is replayed where the user does not say otherwise.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Replay {
    /// Starting capital, quote units.
    pub capital: f64,
    /// Cost of each fill, basis points of its notional.
    pub cost_bps: f64,
    /// The strategy.
    #[serde(deserialize_with = "crate::parameters::deserialize_strategy")]
    pub strategy: StrategyConfig,
}

/// A figure published beside the claim.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PublishedTrial {
    /// Name of the run.
    pub id: String,
    /// What was run.
    pub configuration: String,
    /// Annual Sharpe ratio as published.
    pub sharpe: f64,
    /// Bars, where published.
    pub bars: Option<usize>,
    /// Annual Sharpe ratio under the claim's own formula and on the same kind of hours, where it is known.
    pub comparable: Option<f64>,
}

impl PublishedTrial {
    /// This figure as a trial of the ledger, known by its name. Only a comparable one brings a Sharpe ratio: the others
    /// were earned on other hours or under another formula, and count without saying how far trials spread.
    #[must_use]
    pub fn trial(&self, year: PeriodsPerYear) -> Trial {
        Trial {
            settings: blake3::hash(format!("published {}", self.id).as_bytes()),
            role: Role::Candidate,
            origin: Origin::Published,
            sharpe: self.comparable.map(|s| AnnualSharpe::new(s).per_period(year)),
            returns: self.bars.unwrap_or(0),
            skew: None,
            kurtosis: None,
        }
    }
}

/// A claim file that cannot be used.
#[derive(Debug, Error)]
#[error("claim file {path}: {problem}")]
pub struct ClaimError {
    path: String,
    problem: String,
}

impl Claim {
    /// The claim of 1.327.
    #[must_use]
    pub fn published() -> Self {
        Self::built_in(PUBLISHED)
    }

    /// The claim of the demonstration market.
    #[must_use]
    pub fn demonstration() -> Self {
        Self::built_in(DEMONSTRATION)
    }

    fn built_in(text: &str) -> Self {
        #[expect(clippy::expect_used, reason = "the file is part of the binary and a test parses it")]
        Self::parse(text, "(built in)").expect("a built-in claim parses")
    }

    /// Reads a claim file.
    ///
    /// # Errors
    /// The file cannot be read, is no TOML, has an unknown or a missing key, or a figure without meaning.
    pub fn read(path: &Path) -> Result<Self, ClaimError> {
        let named = path.display().to_string();
        let text = q50_datasets::input::read_text(path)
            .map_err(|error| ClaimError { path: named.clone(), problem: format!("cannot be read: {error}") })?;
        Self::parse(&text, &named)
    }

    fn parse(text: &str, path: &str) -> Result<Self, ClaimError> {
        let fail = |problem: String| ClaimError { path: path.to_owned(), problem };
        let claim: Self = toml::from_str(text).map_err(|error| fail(error.to_string().trim_end().to_owned()))?;
        if claim.schema != "q50.claim/1" {
            return Err(fail(format!("schema is '{}', expected 'q50.claim/1'", claim.schema)));
        }
        let positive = [
            ("periods_per_year", claim.periods_per_year.get()),
            ("bars", claim.bars as f64),
            ("trials", claim.trials as f64),
        ];
        if let Some((key, value)) = positive.into_iter().find(|(_, value)| !(*value > 0.0 && value.is_finite())) {
            return Err(fail(format!("{key} is {value}, expected a number above 0")));
        }
        if let Some(replay) = &claim.replay {
            if !(replay.capital > 0.0 && replay.capital <= run::MOST_CAPITAL) {
                let expected = format!("a number above 0 and at most {:e}", run::MOST_CAPITAL);
                return Err(fail(format!("replay.capital is {:?}, expected {expected}", replay.capital)));
            }
            if !(0.0..10_000.0).contains(&replay.cost_bps) {
                let expected = "basis points from 0 to below 10000, which are 100 %";
                return Err(fail(format!("replay.cost_bps is {}, expected {expected}", replay.cost_bps)));
            }
        }
        if !claim.sharpe.get().is_finite() {
            return Err(fail("sharpe is not a finite number".to_owned()));
        }
        if claim.max_drawdown.is_some_and(|d| !(0.0..=1.0).contains(&d)) {
            return Err(fail("max_drawdown is outside [0, 1]; write 0.1177 for 11.77 %".to_owned()));
        }
        Ok(claim)
    }

    /// The figures published beside the claim as trials of the ledger.
    #[must_use]
    pub fn published_trials(&self) -> Vec<Trial> {
        self.published.iter().map(|published| published.trial(self.periods_per_year)).collect()
    }

    /// Per-period Sharpe ratios of the published trials that are comparable with the claim.
    #[must_use]
    pub fn comparable_trials(&self) -> Vec<PerPeriodSharpe> {
        self.published
            .iter()
            .filter_map(|trial| trial.comparable)
            .map(|sharpe| AnnualSharpe::new(sharpe).per_period(self.periods_per_year))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_built_in_claims_parse_and_list_every_published_run() {
        let claim = Claim::published();
        assert_eq!((claim.sharpe.get(), claim.bars, claim.trials), (1.327, 6_600, 30));
        assert_eq!(claim.published.len(), 26, "and the claim itself is the 27th");
        assert_eq!(claim.comparable_trials().len(), 9);
        assert_eq!(Claim::demonstration().trials, 1);
    }

    #[test]
    fn an_unknown_key_is_refused_with_its_line() {
        let text = PUBLISHED.replacen("bars = 6600\n", "bars = 6600\nsharp_ratio = 2.0\n", 1);
        let error = Claim::parse(&text, "mine.toml").unwrap_err().to_string();
        assert!(error.contains("mine.toml") && error.contains("sharp_ratio") && error.contains("line 10"), "{error}");
    }

    #[test]
    fn a_percentage_where_a_fraction_belongs_is_refused() {
        let text = PUBLISHED.replace("max_drawdown = 0.1177", "max_drawdown = 11.77");
        assert!(Claim::parse(&text, "mine.toml").unwrap_err().to_string().contains("0.1177"));
    }

    #[test]
    fn settings_of_the_replay_out_of_range_are_refused_by_name() {
        for (from, to, words) in [
            ("capital = 10000.0", "capital = 1e308", "replay.capital is 1e308"),
            ("capital = 10000.0", "capital = nan", "replay.capital is NaN"),
            ("cost_bps = 15.0", "cost_bps = 20000.0", "replay.cost_bps is 20000"),
            ("cost_bps = 15.0", "cost_bps = -1.0", "replay.cost_bps is -1"),
            ("max_position = 0.25", "max_position = -1", "sizing.max_position = -1: expected"),
        ] {
            let text = PUBLISHED.replacen(from, to, 1);
            assert_ne!(text, PUBLISHED);
            let error = Claim::parse(&text, "mine.toml").unwrap_err().to_string();
            assert!(error.contains("mine.toml") && error.contains(words), "{error}");
        }
    }

    #[test]
    fn no_trial_at_all_is_refused() {
        let text = PUBLISHED.replace("trials = 30", "trials = 0");
        assert!(Claim::parse(&text, "mine.toml").unwrap_err().to_string().contains("trials"));
    }
}
