//! How often discovery errs: whole searches on markets that are made up, without an edge and with a planted rule.
//!
//! **Without an edge** returns are independent and normal: nothing can be known about the next one.
//!
//! **The planted rule** is one of the language: long from an RSI of 14 bars below 35 until one above 55. While it says long,
//! returns have a drift, and no other edge is there. Whoever finds it, or a rule that says about the same, earns about as
//! much. A search has found it where its fittest candidate earns on the holdout, which no search has seen, at least half of
//! what the rule itself earns there.

use std::sync::atomic::AtomicBool;

use q50_datasets::{Bars, dataset::Dataset, error::Error as DataError};
use q50_engine::{
    strategy::StrategyConfig,
    units::{Fraction, PeriodsPerYear},
    venue::FillTiming,
};
use q50_indicators::{Bar, Catalog, Indicator};
use q50_language::{
    FileStrategy, Timeframe,
    genome::{Direction, Genome},
};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rand_distr::StandardNormal;
use thiserror::Error;

use super::{Breed, Discovery, DiscoveryError, Judged, Settings, State};
use crate::{
    run::{PriceVenue, RunSettings, VenueSettings},
    trials::TrialLedger,
};

const HOUR_MS: i64 = 3_600_000;
/// Standard deviation of an hour's return.
const VOLATILITY: f64 = 0.005;
/// Drift while the rule is long, in standard deviations.
const DRIFT: f64 = 0.2;
/// When the rule is long.
const BELOW: f64 = 35.0;
const UNTIL: f64 = 55.0;

/// The planted rule.
const RULE: &str = r#"{"name": "planted", "timeframe": "1h", "direction": "long", "stop_pct": 10, "target_pct": 20,
    "entry": [{"indicator": "RSI", "params": {"period": 14}, "output": "value", "op": "<", "threshold": 35}],
    "exit": [{"indicator": "RSI", "params": {"period": 14}, "output": "value", "op": ">", "threshold": 55}]}"#;

/// Markets of one kind.
#[derive(Clone, Copy, Debug)]
pub struct Markets {
    /// Hourly bars of one.
    pub bars: usize,
    /// Whether the rule is planted.
    pub planted: bool,
    /// How each is searched.
    pub settings: Settings,
}

/// What came of one search.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Outcome {
    /// Candidates that are findings.
    pub findings: usize,
    /// Candidates that were evaluated, those in walk-forward windows not counted.
    pub evaluated: usize,
    /// Growth of the fittest on the holdout, a fraction.
    pub fittest: f64,
    /// Growth of the planted rule there.
    pub rule: f64,
}

impl Outcome {
    /// Whether the fittest earns at least half of what the rule earns.
    #[must_use]
    pub fn is_found(&self) -> bool {
        self.rule > 0.0 && self.fittest >= 0.5 * self.rule
    }
}

/// A search could not be calibrated.
#[derive(Debug, Error)]
pub enum CalibrationError {
    /// The market is no record.
    #[error(transparent)]
    Data(#[from] DataError),
    /// The search could not go on.
    #[error(transparent)]
    Discovery(#[from] DiscoveryError),
    /// The ledger in memory could not be written.
    #[error(transparent)]
    Ledger(#[from] crate::trials::LedgerError),
}

impl Markets {
    /// Makes and searches the market of `seed`, which is also that of the search.
    ///
    /// # Errors
    /// The market is no record, or it cannot be searched.
    pub fn search(&self, seed: u64) -> Result<Outcome, CalibrationError> {
        let data = Dataset::without_signals(self.market(seed))?;
        let base = RunSettings {
            strategy: StrategyConfig::new(FileStrategy::new(rule()?)),
            venue: VenueSettings::NextOpen(PriceVenue {
                cost: Fraction::from_bps(5.0),
                spread: None,
                lot: None,
                fill_timing: FillTiming::NextOpen,
            }),
            capital: 10_000.0,
            periods_per_year: PeriodsPerYear::from_interval_ms(HOUR_MS),
        };
        let directions = [Direction::Long, Direction::Short, Direction::Both];
        let breed = Breed::new(Timeframe::H1, &directions, false);
        let discovery = Discovery::new(&data, None, &base, breed, Settings { seed, ..self.settings })?;
        let (mut state, mut ledger, stop) = (State::in_memory()?, TrialLedger::in_memory()?, AtomicBool::new(false));
        let found = discovery.search(&mut state, &mut ledger, &stop, &|_| {})?;
        let judged = discovery.judge(&found, &mut state, &mut ledger, &stop, &|_| {})?;
        Ok(Outcome {
            findings: judged.iter().filter(|one| one.is_finding()).count(),
            evaluated: found.candidates().count(),
            fittest: judged.first().map_or(0.0, |one: &Judged| one.holdout_return),
            rule: discovery.growth_held_out(rule()?)?,
        })
    }

    /// Hourly bars; each opens where the one before closed.
    fn market(&self, seed: u64) -> Bars {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let mut rsi = Catalog::default().find("RSI").map(|formula| Indicator::new(formula).start());
        let (mut close, mut long) = (100.0_f64, false);
        let mut bars = Bars {
            open_time: Vec::with_capacity(self.bars),
            open: Vec::with_capacity(self.bars),
            high: Vec::with_capacity(self.bars),
            low: Vec::with_capacity(self.bars),
            close: Vec::with_capacity(self.bars),
            volume: None,
            interval_ms: HOUR_MS,
        };
        for row in 0..self.bars as i64 {
            let mut normal = || rng.sample::<f64, _>(StandardNormal);
            let drift = if long { DRIFT } else { 0.0 };
            // The mean of the price's growth, and not of its logarithm, is the drift.
            let grown = VOLATILITY * (normal() + drift) - 0.5 * VOLATILITY * VOLATILITY;
            let (open, above, below) = (close, normal().abs(), normal().abs());
            close = open * grown.exp();
            let (high, low) = (open.max(close), open.min(close));
            let bar = Bar {
                open_time: row * HOUR_MS,
                open,
                high: high * (0.3 * VOLATILITY * above).exp(),
                low: low * (-0.3 * VOLATILITY * below).exp(),
                close,
                volume: f64::NAN,
            };
            bars.open_time.push(bar.open_time);
            bars.open.push(bar.open);
            bars.high.push(bar.high);
            bars.low.push(bar.low);
            bars.close.push(bar.close);
            if let Some(rsi) = rsi.as_mut().filter(|_| self.planted) {
                let value = rsi.next(&bar)[0];
                long = if long { value <= UNTIL } else { value < BELOW };
            }
        }
        bars
    }
}

fn rule() -> Result<q50_language::Program, DiscoveryError> {
    Ok(Genome::read(RULE)?.program()?)
}

impl Discovery<'_> {
    /// Growth of a program on the holdout of a generated market, of which nobody makes a claim.
    fn growth_held_out(&self, program: q50_language::Program) -> Result<f64, DiscoveryError> {
        let held = self.cut - 1..self.market.len();
        Ok(Self::replay(&self.prepared(held.end)?, &self.run(program), &held).summary.total_return())
    }
}
