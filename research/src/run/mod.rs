//! The only way to a replay outside the engine: every run yields a trial, and its caller files it in the ledger.

mod portfolio;
mod prepared;

use std::ops::Range;

use q50_engine::{
    market::Market,
    record::{Journal, Summary},
    strategy::StrategyConfig,
    venue::{
        Contract, PoolPath,
        pool_path::{PathError, PathSource},
    },
};

pub use self::prepared::{Prepared, examine};
pub use crate::settings::{
    DEFAULT_COST, LEAST_POOL_FEE_BPS, MOST_CAPITAL, PoolVenue, PriceVenue, RunSettings, VenueSettings,
};
use crate::{
    inference::{Moments, SharpeEstimate},
    spec::DataSpec,
    trials::{Role, Scope, Trial, TrialKey, Unfiled},
};

/// What a run sees.
#[derive(Clone, Copy, Debug)]
pub struct Source<'a> {
    /// Bars and signals; of several instruments the basket of them, whose rows are the clock.
    pub market: Market<'a>,
    /// Recorded reserves of a pool, a row a bar; `None`: rebuilt from prices where the venue is a pool.
    pub pool: Option<&'a PoolPath>,
    /// What is recorded of a perpetual future; every run at that venue has it.
    pub contract: Option<&'a Contract>,
    /// What they are.
    pub data: &'a DataSpec,
    /// The instruments of a portfolio; empty where `market` is the only one.
    pub instruments: &'a [Instrument<'a>],
}

/// One instrument of a portfolio.
#[derive(Clone, Copy, Debug)]
pub struct Instrument<'a> {
    /// Bars and signals, cut to the time of the basket.
    pub market: Market<'a>,
    /// Recorded reserves of its pool, a row a bar.
    pub pool: Option<&'a PoolPath>,
}

impl<'a> Source<'a> {
    /// Whether a strategy of these settings has signals to read, in any instrument.
    #[must_use]
    pub fn reads_signals(&self, strategy: &StrategyConfig) -> bool {
        let reads =
            |market: &Market<'_>| strategy.reads(&market.signals).iter().any(|column| market.signals.has(*column));
        if self.instruments.is_empty() {
            reads(&self.market)
        } else {
            self.instruments.iter().any(|i| reads(&i.market))
        }
    }

    /// [`RunSettings::refusal`] on what the run sees.
    #[must_use]
    pub fn refusal(&self, settings: &RunSettings) -> Option<String> {
        if matches!(settings.venue, VenueSettings::Perpetual(_)) {
            if !self.instruments.is_empty() {
                return Some(
                    "--venue perpetual takes one record: funding, mark prices and tiers are those of one contract; give one \
                     record with --bars"
                        .to_owned(),
                );
            }
            if self.contract.is_none() {
                return Some("the venue perpetual has no funding and no tiers; give both".to_owned());
            }
        }
        if self.instruments.is_empty() {
            return settings.refusal(&self.market.signals, self.market.interval_ms);
        }
        if settings.strategy.shorts() {
            return Some(
                "allow_short = true has no meaning for several records: nothing says what all short positions together may \
                 owe; leave it out (--shorting none), or give one record"
                    .to_owned(),
            );
        }
        let of = |market: &Market<'_>| settings.refusal(&market.signals, market.interval_ms);
        self.instruments.iter().find_map(|instrument| of(&instrument.market))
    }

    /// What the trials of `strategy` on this data are filed under.
    #[must_use]
    pub fn scope(&self, strategy: &StrategyConfig) -> Scope<'a> {
        Scope { record: &self.data.record, family: strategy.family() }
    }

    /// What a trial of `settings` on all rows that are traded is known by.
    #[must_use]
    pub fn key(&self, settings: &RunSettings) -> TrialKey {
        let all = self.market.first..self.market.len();
        self.key_on(settings, std::slice::from_ref(&all))
    }

    /// What a trial of `settings` on stretches of the rows is known by.
    #[must_use]
    pub fn key_on(&self, settings: &RunSettings, rows: &[Range<usize>]) -> TrialKey {
        self.data.key(&self.market, settings, rows)
    }

    /// Where the pool's reserves come from, on a pool venue.
    #[must_use]
    pub fn path_source(&self) -> PathSource {
        let of = |pool: Option<&PoolPath>| pool.map_or(PathSource::RebuiltFromBars, PoolPath::source);
        // Rebuilt, where one of them is.
        let each = self.instruments.iter().map(|instrument| of(instrument.pool));
        each.reduce(|all, one| if all == PathSource::RebuiltFromBars { all } else { one })
            .unwrap_or_else(|| of(self.pool))
    }
}

/// Replays `source`. The journal is there once its trial is filed.
///
/// # Errors
/// The venue is a pool whose reserves leave the range of the program's integers.
pub fn backtest(source: &Source<'_>, settings: &RunSettings, role: Role) -> Result<Unfiled<Journal>, PathError> {
    let mut journal = Journal::default();
    Prepared::new(*source, &settings.venue)?.run(settings, &mut journal);
    let trial = trial_of_returns(&journal.returns(), source.key(settings), role);
    Ok(Unfiled::new(journal, vec![trial]))
}

/// The trial of a run of which every return was kept.
#[must_use]
pub fn trial_of_returns(returns: &[f64], key: TrialKey, role: Role) -> Trial {
    let estimate = SharpeEstimate::from_returns(returns, Moments::Paper).ok();
    Trial {
        key,
        role,
        sharpe: estimate.map(|e| e.sharpe),
        returns: returns.len(),
        skew: estimate.map(|e| e.skewness),
        kurtosis: estimate.map(|e| e.kurtosis),
    }
}

/// The trial of a replay of which only the sums were kept.
#[must_use]
pub fn trial_of(summary: &Summary, key: TrialKey, role: Role) -> Trial {
    Trial {
        key,
        role,
        sharpe: summary.sharpe_per_period(),
        returns: summary.returns(),
        skew: summary.skewness(),
        kurtosis: summary.kurtosis(),
    }
}

#[cfg(test)]
mod tests {
    use q50_datasets::{
        dataset::Dataset,
        synth::{Edge, SynthConfig},
    };
    use q50_engine::{
        record::EquityCurve,
        strategy::{StrategyConfig, q50::Q50Config},
        units::{AnnualSharpe, Fraction, PeriodsPerYear},
        venue::FillTiming,
    };

    use super::*;

    #[test]
    fn a_run_on_few_rows_does_not_change_the_next_on_all() {
        let edge = Edge::NetSharpe { sharpe: AnnualSharpe::new(3.0), cost: Fraction::from_bps(5.0) };
        let made = SynthConfig { edge, bars: 2_000, ..SynthConfig::default() }.generate().unwrap();
        let data = Dataset::new(made.bars, &made.signals, None).unwrap();
        let venue = VenueSettings::NextOpen(PriceVenue {
            cost: Fraction::from_bps(5.0),
            spread: None,
            lot: None,
            fill_timing: FillTiming::NextOpen,
        });
        let settings = RunSettings {
            strategy: StrategyConfig::new(Q50Config::default()),
            venue,
            capital: 1_000.0,
            periods_per_year: PeriodsPerYear::new(8_760.0),
        };
        let spec = DataSpec::of(&data, &settings.strategy);
        let source = Source { market: data.market(), pool: None, contract: None, data: &spec, instruments: &[] };
        let run = |prepared: &Prepared<'_>, rows: Range<usize>| {
            let mut curve = EquityCurve::default();
            prepared.run_rows(&settings, rows, &mut curve);
            curve
        };
        let (fresh, used) = (Prepared::new(source, &venue).unwrap(), Prepared::new(source, &venue).unwrap());
        let few = run(&used, 0..500);
        assert_eq!(run(&used, 0..2_000), run(&fresh, 0..2_000));
        assert_eq!(few, run(&fresh, 0..500));
        assert!(few.fills > 0, "the strategy trades");
    }
}
