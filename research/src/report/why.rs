use q50_engine::units::PeriodsPerYear;

use crate::{
    claim::Verification,
    metrics::{self, Undefined},
    round_trips,
};

/// Asks the metrics again for the reason of what they left undefined; a verification keeps the values only.
pub(super) struct Why {
    returns: Vec<f64>,
    outcomes: Vec<f64>,
    exposure: Vec<f64>,
    held: Vec<f64>,
    year: PeriodsPerYear,
}

impl Why {
    pub(super) fn of(verification: &Verification) -> Self {
        let journal = &verification.journal;
        Self {
            returns: journal.returns(),
            outcomes: round_trips::outcomes_of(journal),
            exposure: journal.exposure.clone(),
            held: verification.curves.holding.windows(2).map(|w| w[1] / w[0] - 1.0).collect(),
            year: periods_per_year(verification).unwrap_or(PeriodsPerYear::new(1.0)),
        }
    }

    pub(super) fn sharpe(&self) -> String {
        returns(metrics::sharpe(&self.returns, self.year))
    }

    pub(super) fn sortino(&self) -> String {
        returns(metrics::sortino(&self.returns, self.year))
    }

    pub(super) fn cagr(&self) -> String {
        returns(metrics::cagr(&self.returns, self.year))
    }

    pub(super) fn volatility(&self) -> String {
        returns(metrics::volatility(&self.returns, self.year))
    }

    pub(super) fn skew(&self) -> String {
        returns(metrics::skewness_biased(&self.returns))
    }

    pub(super) fn kurtosis(&self) -> String {
        returns(metrics::kurtosis_biased(&self.returns))
    }

    pub(super) fn drawdown(&self) -> String {
        returns(metrics::max_drawdown(&self.returns))
    }

    pub(super) fn exposure(&self) -> String {
        reason(metrics::exposure(&self.exposure))
    }

    pub(super) fn hit_rate(&self) -> String {
        format!("closed positions: {}", reason(metrics::hit_rate(&self.outcomes)))
    }

    pub(super) fn profit_factor(&self) -> String {
        format!("closed positions: {}", reason(metrics::profit_factor(&self.outcomes)))
    }

    pub(super) fn holding(&self) -> String {
        format!("buy and hold: {}", reason(metrics::sharpe(&self.held, self.year)))
    }
}

/// The factor of every annual figure, as the settings state it.
pub(super) fn periods_per_year(verification: &Verification) -> Option<PeriodsPerYear> {
    let year = verification.settings.get("periods_per_year")?.as_f64()?;
    (year > 0.0 && year.is_finite()).then(|| PeriodsPerYear::new(year))
}

fn returns<T>(result: Result<T, Undefined>) -> String {
    format!("returns of the replay: {}", reason(result))
}

fn reason<T>(result: Result<T, Undefined>) -> String {
    result.err().map_or_else(|| "not computed in this run".to_owned(), |undefined| undefined.to_string())
}
