//! How often a search errs: whole searches on generated markets of known edge, and the statistics of the best set.
//!
//! Every market is searched as `q50 sweep` does it: [`Sweep::run`], [`publish`] and [`finalists`], with a trial ledger of
//! its own; only the market is made up. The threshold rule trades on the forecast of [`SynthConfig`], so that a market
//! without an edge has a forecast that knows nothing.
//!
//! **The planted edge.** At equal entry and exit c, the whole equity and no costs, the rule is long exactly while the
//! forecast f is above c. With phi and Phi the standard normal density and distribution and r = sigma (rho f + sqrt(1 -
//! rho^2) e), the mean of a bar is sigma rho phi(c) and its variance sigma^2 (Phi(-c) + rho^2 (c phi(c) - phi(c)^2)),
//! because f where it is above c, and 0 elsewhere, has the mean phi(c) and the mean square c phi(c) + Phi(-c). Of all
//! long/flat rules that are long for a given share of the time, the one that is long in the upper tail earns the most;
//! over all shares phi(c)/sqrt(Phi(-c)) is largest at c = 0.61. A grid with c = 0.6 therefore has the best rule there is
//! in it, to four digits.
//!
//! **Unrelated sets.** The sets of one rule on one forecast are much alike, which favours a test of the best of them.
//! [`unrelated`] judges the best of as many series that are independent of each other: the case for which deflation is
//! derived.

use std::{path::Path, sync::atomic::AtomicBool};

use q50_datasets::{
    dataset::Dataset,
    error::Error as DataError,
    run_folder::RunFolder,
    signals::{SignalColumns, SignalOptions, SignalTable},
    synth::{Edge, SynthConfig, SynthError},
};
use q50_engine::{
    record::EquityCurve,
    strategy::{StrategyConfig, threshold::ThresholdConfig},
    units::{AnnualSharpe, Fraction, PerPeriodSharpe, PeriodsPerYear},
    venue::{FillTiming, pool_path::PathError},
};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;
use thiserror::Error;

use crate::{
    inference::{
        BlockSums, Cscv, Moments, SharpeEstimate, TrialVariance, deflated_sharpe, effective_trials, normal,
        probabilistic_sharpe,
    },
    metrics::Undefined,
    parameters::ParameterError,
    run::{Prepared, PriceVenue, RunSettings, Source, VenueSettings},
    spec::DataSpec,
    sweep::{Filters, RESULTS_FILE, Replays, Row, Space, Store, StoreError, Sweep, SweepError, finalists, publish},
    trials::{LedgerError, TrialLedger},
};

/// Entry and exit of the best long/flat rule, in standard deviations of the forecast.
pub const BEST_THRESHOLD: f64 = 0.6;

/// 1,000 sets of the threshold rule, the best rule among them.
pub const GRID: &str = "[grid]
entry = { from = 0.6, to = 2.4, steps = 10 }
exit = { from = 0.6, to = -1.2, steps = 10 }
size = { from = 1.0, to = 0.1, steps = 10 }";

/// Blocks of the finer cross-validation; the coarser one has half of them.
const BLOCKS: usize = 16;
/// Days of a record of unrelated sets: three years.
const DAYS: usize = 1_095;
/// Most series that a search clusters.
const CLUSTERED: usize = 100;

/// Markets of one kind, each searched with the same sets.
#[derive(Clone, Copy, Debug)]
pub struct SearchedMarkets<'a> {
    /// The sets.
    pub space: &'a Space,
    /// Hourly bars of a market.
    pub bars: usize,
    /// Annual Sharpe ratio before costs of the best rule in expectation; 0 is a forecast that knows nothing.
    pub planted: AnnualSharpe,
    /// Cost of a fill, a fraction of its notional.
    pub cost: Fraction,
}

/// What one search found, and what the statistics say of it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Searched {
    /// Annual Sharpe ratio of the best set.
    pub best: AnnualSharpe,
    /// Candidates in the ledger.
    pub trials: u64,
    /// How many independent trials a sample of them amounts to.
    pub effective: u64,
    /// Measured variance of the sets' Sharpe ratios over that of trials without skill, 1/(T - 1).
    pub variance_ratio: f64,
    /// Probabilistic Sharpe ratio of the best set against 0: the search is not accounted for.
    pub undeflated: f64,
    /// Deflated Sharpe ratio as the search reports it.
    pub deflated: f64,
    /// The same with the effective number of trials.
    pub deflated_effective: f64,
    /// Probability of backtest overfitting over 16 and over 8 blocks of time.
    pub pbo: [f64; 2],
}

/// A search could not be calibrated.
#[derive(Debug, Error)]
pub enum SweepCalibrationError {
    /// The market could not be generated.
    #[error(transparent)]
    Market(#[from] SynthError),
    /// Bars and forecast could not be joined.
    #[error(transparent)]
    Data(#[from] DataError),
    /// The rule has no such parameter.
    #[error(transparent)]
    Parameter(#[from] ParameterError),
    /// The data could not be prepared.
    #[error(transparent)]
    Path(#[from] PathError),
    /// The folder for the searches cannot be used.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The search could not go on.
    #[error(transparent)]
    Sweep(#[from] SweepError),
    /// The ledger in memory could not be written.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// A statistic has no value.
    #[error(transparent)]
    Undefined(#[from] Undefined),
    /// No set traded, or too few to be compared.
    #[error("the search of the market with seed {0} has no best set; give it more bars")]
    NoBest(u64),
}

impl SearchedMarkets<'_> {
    /// Generates and searches the market of `seed`; the state of the search lies in `folder` meanwhile.
    ///
    /// # Errors
    /// The market cannot be generated, the folder cannot be written, or no set traded.
    pub fn search(&self, seed: u64, folder: &Path) -> Result<Searched, SweepCalibrationError> {
        let data = self.market(seed)?;
        let base = self.settings(data.bars().interval_ms);
        let spec = DataSpec::of(&data, &base.strategy);
        let source = Source { market: data.market(), pool: None, contract: None, data: &spec, instruments: &[] };
        let prepared = Prepared::new(source, &base.venue)?;
        let sweep = Sweep::new(&prepared, base.clone(), self.space)?;
        let folder = RunFolder::open(folder, &[RESULTS_FILE])?;
        let mut store = Store::open(&folder, &sweep.identity(), false)?;
        let mut ledger = TrialLedger::in_memory()?;
        sweep.run(Replays::Here, &mut store, &mut ledger, &AtomicBool::new(false), &|_| {})?;
        let results = publish(&sweep, &store, &Filters::default(), &mut folder.new_run("calibration"))?;
        store.remove()?;
        // The front begins with the highest Sharpe ratio of all.
        let finalist = finalists(&sweep, &results, 1, &mut ledger)?;
        let found = finalist.first().and_then(|f| f.dsr).zip(results.front.first().and_then(estimate));
        let (deflated, best) = found.ok_or(SweepCalibrationError::NoBest(seed))?;
        let tried = ledger.tried(source.scope(&base.strategy), best.n)?;
        let variance = tried.variance.ok_or(SweepCalibrationError::NoBest(seed))?;
        let trials = [tried.trials, tried.effective.unwrap_or(tried.trials)];
        let judged = judged(&best, base.periods_per_year, trials, variance, &blocks(&sweep)?)?;
        Ok(Searched { deflated, ..judged })
    }

    /// [`SearchedMarkets::search`] of `markets` markets, one seed after the other.
    ///
    /// # Errors
    /// As [`SearchedMarkets::search`].
    pub fn searches(&self, markets: u64, seed: u64, folder: &Path) -> Result<Vec<Searched>, SweepCalibrationError> {
        (seed..seed + markets).map(|seed| self.search(seed, folder)).collect()
    }

    fn market(&self, seed: u64) -> Result<Dataset, SweepCalibrationError> {
        let config = SynthConfig { bars: self.bars, seed, ..SynthConfig::default() };
        let rho = information_coefficient(self.planted, config.interval_ms);
        let market = SynthConfig { edge: Edge::InformationCoefficient(rho), ..config }.generate()?;
        let columns = SignalColumns { value: Some(market.forecast), ..SignalColumns::default() };
        let forecast = SignalTable::new(market.bars.open_time.clone(), columns, &SignalOptions::default())?;
        Ok(Dataset::new(market.bars, &forecast, None)?)
    }

    fn settings(&self, interval_ms: i64) -> RunSettings {
        RunSettings {
            strategy: StrategyConfig::new(ThresholdConfig::default()),
            venue: VenueSettings::NextOpen(PriceVenue {
                cost: self.cost,
                spread: None,
                lot: None,
                fill_timing: FillTiming::NextOpen,
            }),
            capital: 10_000.0,
            periods_per_year: PeriodsPerYear::from_interval_ms(interval_ms),
        }
    }
}

/// The correlation of forecast and next return that gives the best rule this Sharpe ratio: s^2 (Phi(-c) + rho^2 k) =
/// rho^2 phi(c)^2 with s per bar and k = c phi(c) - phi(c)^2.
fn information_coefficient(planted: AnnualSharpe, interval_ms: i64) -> f64 {
    let s = planted.per_period(PeriodsPerYear::from_interval_ms(interval_ms)).get();
    let (density, tail) = (normal::pdf(BEST_THRESHOLD), normal::cdf(-BEST_THRESHOLD));
    let k = BEST_THRESHOLD * density - density * density;
    s * (tail / (density * density - s * s * k)).sqrt()
}

fn estimate(row: &Row) -> Option<SharpeEstimate> {
    let s = row.statistics?;
    Some(SharpeEstimate {
        sharpe: PerPeriodSharpe::new(s.sharpe_per_period?),
        n: s.returns as usize,
        skewness: s.skew?,
        kurtosis: s.kurtosis?,
    })
}

/// Every set by its 16 blocks of time.
fn blocks(sweep: &Sweep<'_>) -> Result<Vec<Vec<BlockSums>>, SweepCalibrationError> {
    let cscv = Cscv::new(BLOCKS)?;
    let set = |index| {
        let mut curve = EquityCurve::default();
        sweep.prepared().run(&sweep.settings(&sweep.space().point(index))?, &mut curve);
        Ok(cscv.cut(&curve.returns())?)
    };
    (0..sweep.space().count()).into_par_iter().map(set).collect()
}

/// The statistics of the best set, with both numbers of trials, at the larger of the measured `variance` and that of
/// trials without skill; and those of all sets, over 16 blocks and over the 8 pairs of them.
fn judged(
    best: &SharpeEstimate,
    year: PeriodsPerYear,
    [trials, effective]: [u64; 2],
    variance: f64,
    sets: &[Vec<BlockSums>],
) -> Result<Searched, Undefined> {
    let null = TrialVariance::under_null(best.n)?.value();
    let larger = TrialVariance::given(variance.max(null))?;
    let pairs: Vec<Vec<BlockSums>> = sets.iter().map(|set| set.chunks(2).map(joined).collect()).collect();
    Ok(Searched {
        best: best.sharpe.annual(year),
        trials,
        effective,
        variance_ratio: variance / null,
        undeflated: probabilistic_sharpe(best, PerPeriodSharpe::new(0.0))?,
        deflated: deflated_sharpe(best, trials, larger)?.probability,
        deflated_effective: deflated_sharpe(best, effective.max(1), larger)?.probability,
        pbo: [Cscv::new(BLOCKS)?.pbo(sets)?.pbo, Cscv::new(BLOCKS / 2)?.pbo(&pairs)?.pbo],
    })
}

/// The best of `sets` series of daily returns over three years that are independent of each other and normal; the first
/// has this annual Sharpe ratio, the others have none.
///
/// # Errors
/// [`Undefined`] for fewer than two sets.
pub fn unrelated(sets: usize, sharpe: AnnualSharpe, seed: u64) -> Result<Searched, Undefined> {
    let year = PeriodsPerYear::new(365.0);
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let mut series = |edge: f64| -> Result<Vec<f64>, Undefined> {
        (0..DAYS).map(|_| Ok(0.01 * (edge + normal::quantile(rng.random_range(1e-12..1.0))?))).collect()
    };
    let skill = sharpe.per_period(year).get();
    let all: Vec<Vec<f64>> =
        (0..sets).map(|set| series(if set == 0 { skill } else { 0.0 })).collect::<Result<_, _>>()?;
    let estimates: Vec<SharpeEstimate> =
        all.iter().map(|returns| SharpeEstimate::from_returns(returns, Moments::Paper)).collect::<Result<_, _>>()?;
    let ratios: Vec<PerPeriodSharpe> = estimates.iter().map(|estimate| estimate.sharpe).collect();
    let best = estimates.iter().max_by(|a, b| a.sharpe.get().total_cmp(&b.sharpe.get()));
    let best = best.ok_or(Undefined::TooFew { found: 0, needed: 2 })?;
    let sample: Vec<Vec<f64>> = all.iter().step_by(sets.div_ceil(CLUSTERED)).cloned().collect();
    let trials = [sets as u64, effective_trials(&sample)?.count as u64];
    let cscv = Cscv::new(BLOCKS)?;
    let blocks: Vec<Vec<BlockSums>> = all.iter().map(|returns| cscv.cut(returns)).collect::<Result<_, _>>()?;
    judged(best, year, trials, TrialVariance::measured(&ratios)?.value(), &blocks)
}

fn joined(blocks: &[BlockSums]) -> BlockSums {
    blocks.iter().fold(BlockSums::default(), |all, block| BlockSums {
        n: all.n + block.n,
        sum: all.sum + block.sum,
        sum_of_squares: all.sum_of_squares + block.sum_of_squares,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use q50_engine::record::Summary;

    #[test]
    fn the_best_rule_earns_the_planted_sharpe_over_a_long_record() {
        let space = Space::parse(GRID).unwrap();
        let planted = AnnualSharpe::new(3.0);
        let markets = SearchedMarkets { space: &space, bars: 2_000_000, planted, cost: Fraction::ZERO };
        let data = markets.market(1).unwrap();
        let base = markets.settings(data.bars().interval_ms);
        let spec = DataSpec::of(&data, &base.strategy);
        let source = Source { market: data.market(), pool: None, contract: None, data: &spec, instruments: &[] };
        let prepared = Prepared::new(source, &base.venue).unwrap();
        let sweep = Sweep::new(&prepared, base.clone(), &space).unwrap();
        let earned = |index: u64| {
            let mut summary = Summary::default();
            prepared.run(&sweep.settings(&space.point(index)).unwrap(), &mut summary);
            summary.sharpe_per_period().unwrap().annual(base.periods_per_year).get()
        };
        let best = earned(0);
        assert!((best - 3.0).abs() < 0.2, "standard error 0.066 over 228 years: {best}");
        let others = (1..100).map(|i| earned(10 * i)).fold(f64::NEG_INFINITY, f64::max);
        assert!(others < best, "no other entry or exit is better: {others} against {best}");
    }

    #[test]
    fn no_planted_sharpe_is_no_correlation() {
        assert_eq!(information_coefficient(AnnualSharpe::new(0.0), 3_600_000), 0.0);
    }
}
