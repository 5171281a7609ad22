//! The only way to a replay outside the engine: every run yields a trial, and its caller files it in the ledger.

use q50_engine::{
    market::Market,
    record::{Journal, Recorder},
    replay::replay,
    strategy::{Strategy, StrategyConfig},
    units::{Fraction, Lamports, PeriodsPerYear},
    venue::{
        FillTiming, NextOpen, PoolPath, PumpSwap, PumpSwapConfig,
        pool_path::{PathError, PathSource},
    },
};
use serde::Serialize;

use crate::{
    causality::{self, CausalityReport},
    inference::{Moments, SharpeEstimate},
    trials::{Role, Trial},
};

/// A venue that fills at a bar's price, as stated by the user.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct PriceVenue {
    /// Cost of each fill, a fraction of its notional.
    pub cost: Fraction,
    /// Spread around the mid price, a fraction of it.
    pub spread: Option<Fraction>,
    /// Smallest unit that is bought; `None` is fractional.
    pub lot: Option<f64>,
    /// When orders are filled.
    pub fill_timing: FillTiming,
}

/// A constant-product pool, as stated by the user.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct PoolVenue {
    /// Quote reserve at the first bar, where the path is rebuilt from prices; unused on a recorded path.
    pub depth: Lamports,
    /// How the venue behaves.
    #[serde(flatten)]
    pub config: PumpSwapConfig,
}

/// Where a run trades.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum VenueSettings {
    /// The next open plus costs.
    NextOpen(PriceVenue),
    /// A PumpSwap pool.
    #[serde(rename = "pumpswap")]
    PumpSwap(PoolVenue),
}

impl VenueSettings {
    /// The venue's name on the command line and in reports.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::NextOpen(_) => "next-open",
            Self::PumpSwap(_) => "pumpswap",
        }
    }

    /// When orders are filled.
    #[must_use]
    pub const fn fill_timing(&self) -> FillTiming {
        match self {
            Self::NextOpen(venue) => venue.fill_timing,
            Self::PumpSwap(_) => FillTiming::NextOpen,
        }
    }

    /// The same venue at twice the proportional cost.
    #[must_use]
    pub fn at_twice_the_cost(mut self) -> Self {
        match &mut self {
            Self::NextOpen(venue) => venue.cost = Fraction::new(venue.cost.get() * 2.0),
            Self::PumpSwap(venue) => venue.config.fee_factor *= 2,
        }
        self
    }
}

/// Everything that decides the outcome of a run on given data.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct RunSettings {
    /// The strategy.
    pub strategy: StrategyConfig,
    /// Where it trades.
    pub venue: VenueSettings,
    /// Starting capital, quote units (SOL on a pool).
    pub capital: f64,
    /// How many bars make a year; for annual figures only.
    pub periods_per_year: PeriodsPerYear,
}

impl RunSettings {
    /// The same run at twice the proportional cost.
    #[must_use]
    pub fn at_twice_the_cost(mut self) -> Self {
        self.venue = self.venue.at_twice_the_cost();
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

    fn next_open(&self, price: &PriceVenue) -> NextOpen {
        let mut venue = NextOpen::new(price.cost).with_timing(price.fill_timing);
        if let Some(spread) = price.spread {
            venue = venue.with_spread(spread);
        }
        if let Some(lot) = price.lot {
            venue = venue.with_lot(lot);
        }
        if self.strategy.shorts() { venue.with_free_shorting() } else { venue }
    }
}

/// What a run sees. Trials are counted by `dataset`; another `view` of it is another trial.
#[derive(Clone, Copy, Debug)]
pub struct Source<'a> {
    /// Bars and signals.
    pub market: Market<'a>,
    /// Recorded reserves of a pool, a row a bar; `None`: rebuilt from prices where the venue is a pool.
    pub pool: Option<&'a PoolPath>,
    /// Content hash of bars and signals.
    pub dataset: &'a str,
    /// Window, join and anything else that decides what of it is seen.
    pub view: &'a str,
}

impl<'a> Source<'a> {
    /// The same data seen otherwise.
    #[must_use]
    pub fn seen_as<'b>(&self, market: Market<'b>, view: &'b str) -> Source<'b>
    where
        'a: 'b,
    {
        Source { market, view, pool: self.pool, dataset: self.dataset }
    }

    /// Where the pool's reserves come from, on a pool venue.
    #[must_use]
    pub fn path_source(&self) -> PathSource {
        self.pool.map_or(PathSource::RebuiltFromBars, PoolPath::source)
    }

    /// # Errors
    /// The stated depth cannot be carried through the prices.
    fn with_path<T>(&self, venue: &PoolVenue, f: impl FnOnce(&PoolPath) -> T) -> Result<T, PathError> {
        let market = &self.market;
        match self.pool {
            Some(path) => Ok(f(path)),
            None => PoolPath::rebuilt(market.open, market.close, market.first, venue.depth).map(|path| f(&path)),
        }
    }

    fn drive<S: Strategy, R: Recorder>(
        &self,
        settings: &RunSettings,
        strategy: &mut S,
        recorder: &mut R,
    ) -> Result<(), PathError> {
        let (market, capital) = (&self.market, settings.capital);
        match &settings.venue {
            VenueSettings::NextOpen(price) => {
                replay(market, strategy, &mut settings.next_open(price), capital, recorder);
            }
            VenueSettings::PumpSwap(pool) => self.with_path(pool, |path| {
                let mut venue = PumpSwap::new(pool.config, path, market.first);
                replay(market, strategy, &mut venue, capital, recorder);
            })?,
        }
        Ok(())
    }
}

/// Replays `source` and returns the journal and the trial, which the caller files in one transaction with its others.
///
/// # Errors
/// The venue is a pool whose reserves leave the range of the program's integers.
pub fn rehearse(source: &Source<'_>, settings: &RunSettings, role: Role) -> Result<(Journal, Trial), PathError> {
    let mut journal = Journal::default();
    source.drive(settings, &mut settings.strategy.prepare(&source.market), &mut journal)?;
    let trial = trial_of(&journal.returns(), source, settings, role);
    Ok((journal, trial))
}

/// Looks for look-ahead with `cuts` random cuts; see [`causality`].
///
/// # Errors
/// As [`rehearse`].
pub fn examine(
    source: &Source<'_>,
    settings: &RunSettings,
    cuts: usize,
    seed: u64,
) -> Result<CausalityReport, PathError> {
    let (market, capital) = (&source.market, settings.capital);
    let build = |m: &Market<'_>| settings.strategy.prepare(m);
    match &settings.venue {
        VenueSettings::NextOpen(price) => {
            Ok(causality::examine(market, &settings.next_open(price), capital, cuts, seed, build))
        }
        VenueSettings::PumpSwap(pool) => source.with_path(pool, |path| {
            let venue = PumpSwap::new(pool.config, path, market.first);
            causality::examine(market, &venue, capital, cuts, seed, build)
        }),
    }
}

fn trial_of(returns: &[f64], source: &Source<'_>, settings: &RunSettings, role: Role) -> Trial {
    let estimate = SharpeEstimate::from_returns(returns, Moments::Paper).ok();
    Trial {
        dataset: source.dataset.to_owned(),
        family: settings.strategy.family().to_owned(),
        settings: blake3::hash(format!("{} {}", settings.hash(), source.view).as_bytes()).to_hex().to_string(),
        role,
        sharpe: estimate.map(|e| e.sharpe),
        returns: returns.len(),
        skew: estimate.map(|e| e.skewness),
        kurtosis: estimate.map(|e| e.kurtosis),
    }
}
