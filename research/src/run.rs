//! The only way to a replay outside the engine: every run yields a trial, and its caller files it in the ledger.

use q50_engine::{
    market::Market,
    record::Journal,
    replay::replay,
    strategy::StrategyConfig,
    units::{Fraction, PeriodsPerYear},
    venue::{FillTiming, NextOpen},
};
use serde::Serialize;

use crate::{
    inference::{Moments, SharpeEstimate},
    trials::{Role, Trial},
};

/// The price venue of a run, as stated by the user.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct VenueSettings {
    /// Cost of each fill, a fraction of its notional.
    pub cost: Fraction,
    /// Spread around the mid price, a fraction of it.
    pub spread: Option<Fraction>,
    /// Smallest unit that is bought; `None` is fractional.
    pub lot: Option<f64>,
    /// When orders are filled.
    pub fill_timing: FillTiming,
}

/// Everything that decides the outcome of a run on given data.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct RunSettings {
    /// The strategy.
    pub strategy: StrategyConfig,
    /// Where it trades.
    pub venue: VenueSettings,
    /// Starting capital, quote units.
    pub capital: f64,
    /// How many bars make a year; for annual figures only.
    pub periods_per_year: PeriodsPerYear,
}

impl RunSettings {
    /// The venue, ready to trade at.
    #[must_use]
    pub fn venue(&self) -> NextOpen {
        let mut venue = NextOpen::new(self.venue.cost).with_timing(self.venue.fill_timing);
        if let Some(spread) = self.venue.spread {
            venue = venue.with_spread(spread);
        }
        if let Some(lot) = self.venue.lot {
            venue = venue.with_lot(lot);
        }
        if self.strategy.shorts() { venue.with_free_shorting() } else { venue }
    }

    /// The same run at another cost.
    #[must_use]
    pub fn at_cost(mut self, cost: Fraction) -> Self {
        self.venue.cost = cost;
        self
    }

    /// The same run of another strategy.
    #[must_use]
    pub fn with_strategy(mut self, strategy: StrategyConfig) -> Self {
        self.strategy = strategy;
        self
    }

    /// Content hash of the settings, hex.
    #[must_use]
    pub fn hash(&self) -> String {
        let json = serde_json::to_vec(self).unwrap_or_default();
        blake3::hash(&json).to_hex().to_string()
    }
}

/// Which data a run sees. Trials are counted by `dataset`; another `view` of it is another trial.
#[derive(Clone, Copy, Debug)]
pub struct DataId<'a> {
    /// Content hash of bars and signals.
    pub dataset: &'a str,
    /// Window, join and anything else that decides what of it is seen.
    pub view: &'a str,
}

/// Replays `market` and returns the journal and the trial, which the caller files in one transaction with its others.
#[must_use]
pub fn rehearse(market: &Market<'_>, data: DataId<'_>, settings: &RunSettings, role: Role) -> (Journal, Trial) {
    let mut journal = Journal::default();
    replay(market, &mut settings.strategy.prepare(market), &mut settings.venue(), settings.capital, &mut journal);
    let trial = trial_of(&journal.returns(), data, settings, role);
    (journal, trial)
}

fn trial_of(returns: &[f64], data: DataId<'_>, settings: &RunSettings, role: Role) -> Trial {
    let estimate = SharpeEstimate::from_returns(returns, Moments::Paper).ok();
    Trial {
        dataset: data.dataset.to_owned(),
        family: settings.strategy.family().to_owned(),
        settings: blake3::hash(format!("{} {}", settings.hash(), data.view).as_bytes()).to_hex().to_string(),
        role,
        sharpe: estimate.map(|e| e.sharpe),
        returns: returns.len(),
        skew: estimate.map(|e| e.skewness),
        kurtosis: estimate.map(|e| e.kurtosis),
    }
}
