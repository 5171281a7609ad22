//! How often the verdict errs: claimants of known honesty on generated markets of known edge.
//!
//! The whole of [`mod@crate::claim::verify`] runs on each market, every check included; only the market is generated.

use q50_datasets::{
    dataset::Dataset,
    error::Error as DataError,
    signals::SignalTable,
    synth::{Edge, SynthConfig, SynthError},
};
use q50_engine::{
    market::{Column, Market, Signals},
    record::Summary,
    replay::replay,
    strategy::{
        StrategyConfig,
        q50::Q50Config,
        side::FollowSideConfig,
        sizing::{Method, SizingConfig},
    },
    units::{AnnualSharpe, Fraction, PerPeriodSharpe, PeriodsPerYear},
    venue::{FillTiming, NextOpen},
};
use rayon::prelude::*;
use thiserror::Error;

use crate::{
    claim::{Claim, DataFacts, Request, SignalsOrigin, Verdict, VerifyError, verify},
    inference::{StationaryBootstrap, share_interval},
    metrics,
    run::{self, PriceVenue, RunSettings, Source, VenueSettings, trial_of},
    spec::DataSpec,
    trials::{LedgerError, Origin, Role, TrialLedger},
};

/// Cost of a fill on every generated market.
const COST_BPS: f64 = 5.0;
/// Other costs that somebody looks at, one of them absurd.
const TEN_COSTS: [f64; 10] = [0.5, 1.0, 2.0, 3.0, 4.0, 6.0, 8.0, 10.0, 15.0, 500.0];
/// Distance of the seeds of two markets: each market may use as many seeds for its variants.
const SEEDS_PER_MARKET: u64 = 1_000;

/// Who claims what on which kind of market.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Claimant {
    /// Reports the figure of the one strategy that was tried; the market has no edge.
    HonestWithoutEdge,
    /// The same on a market with this net annual Sharpe ratio planted.
    HonestWithEdge(f64),
    /// Picks the best of this many worthless forecasts and says how many there were.
    AdmitsSearch(u64),
    /// Picks the best of this many worthless forecasts and says that there was one.
    HidesSearch(u64),
    /// The same, with a trial ledger that was there during the search.
    SearchesOnRecord(u64),
    /// Reports the one strategy that was tried, on a market with this net annual Sharpe ratio planted, after having looked
    /// at it under ten costs.
    HonestAtTenCosts(f64),
}

/// How many markets ended in which verdict.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Markets.
    pub markets: usize,
    /// Verdicts "confirmed".
    pub confirmed: usize,
    /// Verdicts "refuted".
    pub refuted: usize,
}

impl Tally {
    /// Share of markets that were confirmed.
    #[must_use]
    pub fn confirmed_share(&self) -> f64 {
        self.confirmed as f64 / self.markets as f64
    }

    /// 95 % interval of that share.
    #[must_use]
    pub fn confirmed_interval(&self) -> [f64; 2] {
        share_interval(self.confirmed as u64, self.markets as u64)
    }
}

/// A calibration could not be run.
#[derive(Debug, Error)]
pub enum CalibrationError {
    /// The market could not be generated.
    #[error(transparent)]
    Market(#[from] SynthError),
    /// The market's bars and signals could not be joined.
    #[error(transparent)]
    Data(#[from] DataError),
    /// The ledger in memory could not be written.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// The claim could not be judged.
    #[error(transparent)]
    Verify(#[from] VerifyError),
}

/// Lets `claimant` claim on `markets` generated markets of three years of hourly bars, and counts the verdicts.
///
/// # Errors
/// A market cannot be generated.
pub fn calibrate(
    claimant: Claimant,
    markets: usize,
    seed: u64,
    bootstrap: StationaryBootstrap,
) -> Result<Tally, CalibrationError> {
    let verdicts: Vec<Verdict> = (0..markets as u64)
        .into_par_iter()
        .map(|market| verdict(claimant, seed + market * SEEDS_PER_MARKET, bootstrap))
        .collect::<Result<_, _>>()?;
    let count = |verdict| verdicts.iter().filter(|v| **v == verdict).count();
    Ok(Tally { markets, confirmed: count(Verdict::Confirmed), refuted: count(Verdict::Refuted) })
}

fn verdict(claimant: Claimant, seed: u64, bootstrap: StationaryBootstrap) -> Result<Verdict, CalibrationError> {
    let edge = match claimant {
        Claimant::HonestWithEdge(sharpe) | Claimant::HonestAtTenCosts(sharpe) => {
            Edge::NetSharpe { sharpe: AnnualSharpe::new(sharpe), cost: Fraction::from_bps(COST_BPS) }
        }
        _ => Edge::None,
    };
    // A searcher tries slow forecasts: fast ones lose to costs whatever their luck.
    let persistence = match claimant {
        Claimant::AdmitsSearch(_) | Claimant::HidesSearch(_) | Claimant::SearchesOnRecord(_) => 0.999,
        _ => SynthConfig::default().persistence,
    };
    let mut ledger = TrialLedger::in_memory()?;
    let config = SynthConfig { seed, edge, persistence, ..SynthConfig::default() };
    let (data, settings, trials) = match claimant {
        Claimant::HonestWithoutEdge | Claimant::HonestWithEdge(_) | Claimant::HonestAtTenCosts(_) => {
            let market = config.generate()?;
            (Dataset::new(market.bars, &market.signals, None)?, settings(planted_rule()), 1)
        }
        Claimant::AdmitsSearch(variants) => (best_of(variants, &config, None)?, settings(recorded_side()), variants),
        Claimant::HidesSearch(variants) => (best_of(variants, &config, None)?, settings(recorded_side()), 1),
        Claimant::SearchesOnRecord(variants) => {
            (best_of(variants, &config, Some(&mut ledger))?, settings(recorded_side()), 1)
        }
    };
    let spec = DataSpec::of(&data, &settings.strategy);
    if matches!(claimant, Claimant::HonestAtTenCosts(_)) {
        let source = Source { market: data.market(), pool: None, contract: None, data: &spec, instruments: &[] };
        for cost in TEN_COSTS {
            let venue = VenueSettings::NextOpen(PriceVenue { cost: Fraction::from_bps(cost), ..price_venue() });
            run::backtest(&source, &RunSettings { venue, ..settings.clone() }, Role::Candidate)
                .map_err(VerifyError::Path)?
                .filed(&mut ledger, source.scope(&settings.strategy), Origin::Verify)?;
        }
    }
    let Some(own) = sharpe(&data, &settings) else {
        return Ok(Verdict::Undetermined);
    };
    let claim = Claim { sharpe: own, bars: data.rows().len(), trials, ..Claim::demonstration() };
    let request = Request {
        market: data.market(),
        pool: None,
        contract: None,
        instruments: &[],
        names: &[],
        facts: DataFacts::of(&data, true),
        next_close: None,
        data: spec,
        origin: SignalsOrigin::Causal,
        claim: Some(&claim),
        settings,
        trials: None,
        bootstrap,
        cuts: 4,
        accepted: &[],
        second_engine: None,
        on_step: &|_| {},
    };
    Ok(verify(&request, &mut ledger)?.verdict)
}

/// The market with the forecast, of `variants` worthless ones, whose long/flat rule did best. Each is filed where there is
/// a ledger.
fn best_of(
    variants: u64,
    config: &SynthConfig,
    mut ledger: Option<&mut TrialLedger>,
) -> Result<Dataset, CalibrationError> {
    let bars = config.generate()?.bars;
    let settings = settings(recorded_side());
    let mut venue = NextOpen::new(Fraction::from_bps(COST_BPS));
    let mut best: Option<(f64, SignalTable)> = None;
    for variant in 1..=variants {
        let forecast = SynthConfig { seed: config.seed + variant, ..*config }.generate()?.signals;
        let side = forecast.columns.side.as_deref();
        let market = Market {
            open_time: &bars.open_time,
            open: &bars.open,
            high: &bars.high,
            low: &bars.low,
            close: &bars.close,
            signals: side.map_or_else(Signals::default, |side| Signals::default().with(Column::Side, side)),
            interval_ms: bars.interval_ms,
            first: 0,
        };
        let mut summary = Summary::default();
        let mut strategy = settings.strategy.prepare(&market);
        replay(&market, &mut strategy, &mut venue, settings.capital, &mut summary);
        if let Some(ledger) = ledger.as_deref_mut() {
            let data = Dataset::new(bars.clone(), &forecast, None)?;
            let spec = DataSpec::of(&data, &settings.strategy);
            let source = Source { market: data.market(), pool: None, contract: None, data: &spec, instruments: &[] };
            let trial = trial_of(&summary, source.key(&settings), Role::Candidate);
            ledger.record(source.scope(&settings.strategy), Origin::Verify, &[trial])?;
        }
        let earned = summary.sharpe_per_period().map_or(f64::NEG_INFINITY, PerPeriodSharpe::get);
        if best.as_ref().is_none_or(|(most, _)| earned > *most) {
            best = Some((earned, forecast));
        }
    }
    match best {
        Some((_, forecast)) => Ok(Dataset::new(bars, &forecast, None)?),
        None => Ok(Dataset::without_signals(bars)?),
    }
}

fn sharpe(data: &Dataset, settings: &RunSettings) -> Option<AnnualSharpe> {
    let spec = DataSpec::of(data, &settings.strategy);
    let source = Source { market: data.market(), pool: None, contract: None, data: &spec, instruments: &[] };
    let journal = run::backtest(&source, settings, Role::Candidate).ok()?.of_a_generated_market();
    metrics::sharpe(&journal.returns(), settings.periods_per_year).ok()
}

/// Long while the forecast is above nothing, flat while below: the rule that the generator's figure belongs to.
fn planted_rule() -> StrategyConfig {
    let mut config = Q50Config::default();
    config.gate.min_expected_value = Fraction::ZERO;
    config.sizing = SizingConfig { method: Method::Full, max_position: Fraction::ONE, ..SizingConfig::default() };
    StrategyConfig::new(config)
}

/// The same rule by the recorded side: cheap enough to search with.
fn recorded_side() -> StrategyConfig {
    StrategyConfig::new(FollowSideConfig::default())
}

fn settings(strategy: StrategyConfig) -> RunSettings {
    RunSettings {
        strategy,
        venue: VenueSettings::NextOpen(price_venue()),
        capital: 10_000.0,
        periods_per_year: PeriodsPerYear::from_interval_ms(3_600_000),
    }
}

fn price_venue() -> PriceVenue {
    PriceVenue { cost: Fraction::from_bps(COST_BPS), spread: None, lot: None, fill_timing: FillTiming::NextOpen }
}
