//! Claim files: what somebody says a strategy earned, under which conventions, and how often they tried.

use std::{collections::HashMap, path::Path};

use q50_datasets::time::parse_ms;
use q50_engine::{
    strategy::StrategyConfig,
    units::{AnnualSharpe, PerPeriodSharpe, PeriodsPerYear},
};
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::{
    canonical::canonical,
    run,
    trials::{Fingerprint, Published},
};

/// Name of the published claim of a Sharpe ratio of 1.327.
pub const PUBLISHED: &str = "q50-1327";
/// Name of the demonstration market's claim.
pub const DEMONSTRATION: &str = "demonstration";

/// The claims that need no file, by name.
const BUILT_IN: [(&str, &str); 2] = [
    (PUBLISHED, include_str!("../../claims/q50_1327.toml")),
    (DEMONSTRATION, include_str!("../../claims/demonstration.toml")),
];

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
    /// Orders that were filled, where the claim says so.
    pub trades: Option<u64>,
    /// Periods that the figure was computed over: bars, or the days, weeks or months of `periods_per_year`.
    pub bars: usize,
    /// Periods that the claim counts as a year.
    pub periods_per_year: PeriodsPerYear,
    /// Variants that were tried before this one was reported, this one included.
    pub trials: u64,
    /// Bars that the claim covers, where it says so.
    pub period: Option<Period>,
    /// The market that it was made on, where it says so, as `q50 data fingerprint` prints it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub market: Option<Fingerprint>,
    /// How the claimed strategy is replayed.
    pub replay: Option<Replay>,
    /// Figures published beside the claim.
    #[serde(default)]
    pub published: Vec<PublishedTrial>,
}

/// The claim with the strategy's program in it, where `replay.strategy.file` names a file in YAML beside the claim.
fn with_program(text: &str, path: &Path) -> Result<Option<String>, String> {
    // What is no TOML is told so by whoever reads the claim.
    let Ok(mut claim) = toml::from_str::<toml::Table>(text) else { return Ok(None) };
    let strategy = claim.get_mut("replay").and_then(|replay| replay.get_mut("strategy")?.as_table_mut());
    let Some((strategy, file)) = strategy.and_then(|strategy| strategy.remove("file").map(|file| (strategy, file)))
    else {
        return Ok(None);
    };
    let name = file.as_str().ok_or_else(|| format!("replay.strategy.file is {file}, expected the path of a file"))?;
    let file = path.parent().unwrap_or(Path::new("")).join(name);
    let program = q50_datasets::input::read_text(&file)
        .map_err(|error| format!("replay.strategy.file: {} cannot be read: {error}", file.display()))?;
    let usual =
        [("kind", "file".into()), ("size", 1.0.into()), ("allow_short", true.into()), ("program", program.into())];
    for (key, value) in usual {
        strategy.entry(key).or_insert(value);
    }
    toml::to_string(&claim).map(Some).map_err(|error| error.to_string())
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
    /// A list of figures as the ledger keeps it. All fields make a run, and runs that say the same are as many as there
    /// are. Only a comparable one brings a Sharpe ratio: the others were earned on other hours or under another formula,
    /// and count without saying how far trials spread.
    #[must_use]
    pub fn list(trials: &[Self], year: PeriodsPerYear) -> Vec<Published> {
        let mut seen = HashMap::new();
        let run = |trial: &Self| {
            let said = canonical(trial);
            let before: &mut u64 = seen.entry(said.clone()).or_default();
            let key = blake3::hash(&canonical(&("q50.published/1", &said, *before)));
            *before += 1;
            Published {
                key,
                name: trial.id.clone(),
                sharpe: trial.comparable.map(|s| AnnualSharpe::new(s).per_period(year)),
                returns: trial.bars.unwrap_or(0),
            }
        };
        trials.iter().map(run).collect()
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
        Self::built_in(BUILT_IN[0])
    }

    /// The claim of the demonstration market.
    #[must_use]
    pub fn demonstration() -> Self {
        Self::built_in(BUILT_IN[1])
    }

    fn built_in((name, text): (&str, &str)) -> Self {
        #[expect(clippy::expect_used, reason = "the file is part of the binary and a test parses it")]
        Self::parse(text, name).expect("a built-in claim parses")
    }

    /// The built-in claim of that name, else the claim file at that path.
    ///
    /// # Errors
    /// Those of [`Claim::read`]; where there is no such file, the built-in names are listed.
    pub fn named(name_or_path: &str) -> Result<Self, ClaimError> {
        if let Some(claim) = BUILT_IN.into_iter().find(|(name, _)| *name == name_or_path) {
            return Ok(Self::built_in(claim));
        }
        let path = Path::new(name_or_path);
        if !path.exists() {
            let names = BUILT_IN.map(|(name, _)| name).join(", ");
            let problem = format!("there is no such file, and no built-in claim of that name ({names})");
            return Err(ClaimError { path: name_or_path.to_owned(), problem });
        }
        Self::read(path)
    }

    /// Reads a claim file.
    ///
    /// # Errors
    /// The file cannot be read, is no TOML, has an unknown or a missing key, or a figure without meaning.
    pub fn read(path: &Path) -> Result<Self, ClaimError> {
        let named = path.display().to_string();
        let text = q50_datasets::input::read_text(path)
            .map_err(|error| ClaimError { path: named.clone(), problem: format!("cannot be read: {error}") })?;
        let whole = with_program(&text, path);
        match whole.map_err(|problem| ClaimError { path: named.clone(), problem })? {
            Some(whole) => Self::parse(&whole, &named),
            None => Self::parse(&text, &named),
        }
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
        if let Some(total) = claim.total_return.filter(|total| !(-1.0..f64::INFINITY).contains(total)) {
            return Err(fail(format!(
                "total_return is {total}, expected a fraction of -1 or more; write 0.1748 for 17.48 %"
            )));
        }
        let words = [("name", &claim.name), ("source", &claim.source)];
        if let Some((key, _)) = words.into_iter().find(|(_, words)| words.chars().any(char::is_control)) {
            return Err(fail(format!("{key} has a control character, expected words on one line")));
        }
        if claim.max_drawdown.is_some_and(|d| !(0.0..=1.0).contains(&d)) {
            return Err(fail("max_drawdown is outside [0, 1]; write 0.1177 for 11.77 %".to_owned()));
        }
        if let Some(period) = &claim.period {
            let (from, to) = (parse_ms(&period.from), parse_ms(&period.to));
            if from.zip(to).is_none_or(|(from, to)| from >= to) {
                return Err(fail(format!(
                    "period is from '{}' to '{}', expected two times in RFC 3339 such as 2024-09-30T23:00:00Z, the earlier \
                     one first",
                    period.from, period.to
                )));
            }
        }
        Ok(claim)
    }

    /// The figures published beside the claim as trials of the ledger, per bar of a record with `year` bars a year.
    #[must_use]
    pub fn published_trials(&self, year: PeriodsPerYear) -> Vec<Published> {
        PublishedTrial::list(&self.published, year)
    }

    /// Sharpe ratios of the published trials that are comparable with the claim, per bar of a record with `year` bars a
    /// year.
    #[must_use]
    pub fn comparable_trials(&self, year: PeriodsPerYear) -> Vec<PerPeriodSharpe> {
        self.published
            .iter()
            .filter_map(|trial| trial.comparable)
            .map(|sharpe| AnnualSharpe::new(sharpe).per_period(year))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = BUILT_IN[0].1;

    #[test]
    fn the_built_in_claims_parse_and_list_every_published_run() {
        let claim = Claim::published();
        assert_eq!((claim.sharpe.get(), claim.bars, claim.trials), (1.327, 6_600, 30));
        assert_eq!(claim.published.len(), 26, "and the claim itself is the 27th");
        assert_eq!(claim.comparable_trials(claim.periods_per_year).len(), 9);
        assert_eq!(Claim::demonstration().trials, 1);
    }

    #[test]
    fn a_claim_is_found_by_its_name_or_its_path() {
        assert_eq!(Claim::named("q50-1327").unwrap(), Claim::published());
        assert_eq!(Claim::named("demonstration").unwrap(), Claim::demonstration());
        let error = Claim::named("q50-1328").unwrap_err().to_string();
        assert!(["q50-1328", "q50-1327", "demonstration"].iter().all(|name| error.contains(name)), "{error}");
    }

    #[test]
    fn an_unknown_key_is_refused_with_its_line() {
        let text = TEXT.replacen("bars = 6600\n", "bars = 6600\nsharp_ratio = 2.0\n", 1);
        let error = Claim::parse(&text, "mine.toml").unwrap_err().to_string();
        assert!(error.contains("mine.toml") && error.contains("sharp_ratio") && error.contains("line 10"), "{error}");
    }

    #[test]
    fn a_percentage_where_a_fraction_belongs_is_refused() {
        let text = TEXT.replace("max_drawdown = 0.1177", "max_drawdown = 11.77");
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
            let text = TEXT.replacen(from, to, 1);
            assert_ne!(text, TEXT);
            let error = Claim::parse(&text, "mine.toml").unwrap_err().to_string();
            assert!(error.contains("mine.toml") && error.contains(words), "{error}");
        }
    }

    #[test]
    fn a_period_that_is_none_is_refused() {
        for to in ["yesterday", "2023-12-31T00:00:00Z"] {
            let text = TEXT.replace("2024-09-30T23:00:00Z", to);
            let error = Claim::parse(&text, "mine.toml").unwrap_err().to_string();
            assert!(error.contains("period") && error.contains(to), "{error}");
        }
    }

    #[test]
    fn no_trial_at_all_is_refused() {
        let text = TEXT.replace("trials = 30", "trials = 0");
        assert!(Claim::parse(&text, "mine.toml").unwrap_err().to_string().contains("trials"));
    }
}
