//! The outcome of one set.

use serde::{Deserialize, Serialize};

use q50_engine::{
    record::Summary,
    units::{AnnualSharpe, PerPeriodSharpe, PeriodsPerYear},
};

use crate::trials::{Role, Trial, TrialKey};

/// Statistics of one set; unknown is `None`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Statistics {
    /// Equity at the last close, quote units.
    pub final_equity: f64,
    /// Final equity over capital, less one.
    pub total_return: f64,
    /// Sharpe ratio of one bar.
    pub sharpe_per_period: Option<f64>,
    /// Largest fall from a peak, a positive fraction.
    pub max_drawdown: f64,
    /// Gains over losses of the closed round trips.
    pub profit_factor: Option<f64>,
    /// Orders filled.
    pub fills: u64,
    /// Round trips that were closed.
    pub round_trips: u64,
    /// Those of them that gained.
    pub winners: u64,
    /// Notional of all fills over capital.
    pub turnover: f64,
    /// Fees paid, quote units.
    pub fees: f64,
    /// Share of bars with a position at their close.
    pub exposure: f64,
    /// Skewness of the returns of one bar.
    pub skew: Option<f64>,
    /// Kurtosis of the returns of one bar.
    pub kurtosis: Option<f64>,
    /// Number of returns.
    pub returns: u64,
}

impl Statistics {
    /// The trial of the replay that they are of.
    #[must_use]
    pub fn trial(&self, key: TrialKey, role: Role) -> Trial {
        Trial {
            key,
            role,
            sharpe: self.sharpe_per_period.map(PerPeriodSharpe::new),
            returns: self.returns as usize,
            skew: self.skew,
            kurtosis: self.kurtosis,
        }
    }

    /// The statistics of a replay.
    #[must_use]
    pub fn of(summary: &Summary) -> Self {
        Self {
            final_equity: summary.final_equity,
            total_return: summary.total_return(),
            sharpe_per_period: summary.sharpe_per_period().map(PerPeriodSharpe::get),
            max_drawdown: summary.max_drawdown,
            profit_factor: summary.trips.profit_factor(),
            fills: summary.fills as u64,
            round_trips: summary.trips.closed as u64,
            winners: summary.trips.winners as u64,
            turnover: summary.traded / summary.capital,
            fees: summary.fees,
            exposure: summary.bars_exposed as f64 / summary.bars.max(1) as f64,
            skew: summary.skewness(),
            kurtosis: summary.kurtosis(),
            returns: summary.returns() as u64,
        }
    }

    /// Annual Sharpe ratio.
    #[must_use]
    pub fn sharpe(&self, year: PeriodsPerYear) -> Option<AnnualSharpe> {
        self.sharpe_per_period.map(|s| PerPeriodSharpe::new(s).annual(year))
    }

    /// Gains over losses, infinite where there was no loss; `None` where nothing was gained either.
    #[must_use]
    pub fn comparable_profit_factor(&self) -> Option<f64> {
        self.profit_factor.or((self.winners > 0).then_some(f64::INFINITY))
    }
}

/// One set after its last round.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Row {
    /// Index of the set.
    pub index: u64,
    /// Round of a halving search that it reached, from 0.
    pub rung: u32,
    /// Why it failed; a set that never traded has failed.
    pub failure: Option<String>,
    /// Its statistics, where it was replayed.
    pub statistics: Option<Statistics>,
}

impl Row {
    /// Whether the set was replayed and traded.
    #[must_use]
    pub fn is_ok(&self) -> bool {
        self.failure.is_none()
    }
}
