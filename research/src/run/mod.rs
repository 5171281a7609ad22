//! The only way to a replay outside the engine: every run yields a trial, and its caller files it in the ledger.

mod portfolio;
mod prepared;

use std::ops::Range;

use q50_engine::{
    market::{Market, Signals},
    record::{Journal, Summary},
    strategy::StrategyConfig,
    units::{Fraction, Lamports, PeriodsPerYear},
    venue::{
        FillTiming, NextOpen, PoolPath, PumpSwapConfig,
        pool_path::{PathError, PathSource},
        pump_swap::PoolFees,
    },
};
use serde::{Deserialize, Serialize};

pub use self::prepared::{Prepared, examine};
use crate::{
    inference::{Moments, SharpeEstimate},
    spec::{DataSpec, canonical},
    trials::{Role, Scope, Trial, TrialKey, Unfiled},
};

/// Cost of a fill at a price venue where none is stated.
pub const DEFAULT_COST: Fraction = Fraction::from_bps(5.0);

/// The lowest rates that the program's schedule has, those of the largest market capitalisations: 20 + 5 + 5.
pub const LEAST_POOL_FEE_BPS: u64 = 30;

/// Capital beyond which a cent is lost in the rounding of `f64`, quote units.
pub const MOST_CAPITAL: f64 = 1e15;

/// A venue that fills at a bar's price, as stated by the user.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
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
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct PoolVenue {
    /// Quote reserve at the first bar, where the path is rebuilt from prices; unused on a recorded path.
    pub depth: Lamports,
    /// How the venue behaves.
    #[serde(flatten)]
    pub config: PumpSwapConfig,
}

/// Where a run trades.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
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

    /// The same venue at twice the proportional cost, or at the least that is believed of such a venue where that is
    /// more: [`DEFAULT_COST`] a fill, and in a pool the lowest rates of the program's schedule.
    #[must_use]
    pub fn at_twice_the_cost(mut self) -> Self {
        match &mut self {
            Self::NextOpen(venue) => venue.cost = venue.cost.doubled().max(DEFAULT_COST),
            Self::PumpSwap(PoolVenue { config, .. }) => match &mut config.fees {
                PoolFees::Schedule => config.fee_factor *= 2,
                PoolFees::Uniform(bps) => *bps = (2 * *bps).max(LEAST_POOL_FEE_BPS),
            },
        }
        self
    }
}

/// Everything that decides the outcome of a run on given data.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
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
    pub fn at_twice_the_cost(&self) -> Self {
        Self { venue: self.venue.at_twice_the_cost(), ..self.clone() }
    }

    /// The same run of another strategy.
    #[must_use]
    pub fn with_strategy(&self, strategy: StrategyConfig) -> Self {
        Self { strategy, ..self.clone() }
    }

    /// BLAKE3 of the settings, as canonical JSON.
    #[must_use]
    pub fn hash(&self) -> blake3::Hash {
        blake3::hash(&canonical(self))
    }

    /// Why this run would have no result on a market with these signals: a number out of its range, a column or an ability
    /// of the venue that the strategy needs and that is not there.
    #[must_use]
    pub fn refusal(&self, signals: &Signals<'_>) -> Option<String> {
        if let Err(error) = self.strategy.check(signals) {
            return Some(error.to_string());
        }
        if !(self.capital > 0.0 && self.capital <= MOST_CAPITAL) {
            let expected = format!("a number above 0 and at most {MOST_CAPITAL:e}");
            return Some(format!("the capital is {:?}, expected {expected}", self.capital));
        }
        let pool = matches!(self.venue, VenueSettings::PumpSwap(_));
        if let Some(error) = Lamports::from_sol(self.capital).err().filter(|_| pool) {
            return Some(format!("the capital {error}"));
        }
        let asks = [
            ("allow_short = true", self.strategy.shorts()),
            ("exits.trigger = \"intrabar\"", self.strategy.rests_orders()),
        ];
        let (option, _) = asks.into_iter().find(|(_, asked)| pool && *asked)?;
        Some(format!("{option} has no meaning on --venue pumpswap; leave it out, or use --venue next-open"))
    }

    /// The price venue of the run, as the engine has it; `None` on a pool.
    #[must_use]
    pub fn price_venue(&self) -> Option<NextOpen> {
        match &self.venue {
            VenueSettings::NextOpen(price) => Some(self.next_open(price)),
            VenueSettings::PumpSwap(_) => None,
        }
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

/// What a run sees.
#[derive(Clone, Copy, Debug)]
pub struct Source<'a> {
    /// Bars and signals; of several instruments the basket of them, whose rows are the clock.
    pub market: Market<'a>,
    /// Recorded reserves of a pool, a row a bar; `None`: rebuilt from prices where the venue is a pool.
    pub pool: Option<&'a PoolPath>,
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
        if self.instruments.is_empty() {
            return settings.refusal(&self.market.signals);
        }
        self.instruments.iter().find_map(|instrument| settings.refusal(&instrument.market.signals))
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
        market::Column,
        record::EquityCurve,
        strategy::{q50::Q50Config, threshold::ThresholdConfig},
        units::AnnualSharpe,
        venue::pump_swap::Recovery,
    };

    use super::*;

    #[test]
    fn settings_that_were_written_and_read_again_are_the_same() {
        let price = PriceVenue {
            cost: Fraction::from_bps(7.3),
            spread: None,
            lot: Some(1.0),
            fill_timing: FillTiming::NextOpen,
        };
        let config = PumpSwapConfig { recovery: Recovery::HalfLife(90.0), ..PumpSwapConfig::default() };
        let pool = PoolVenue { depth: Lamports(123_456_789_012), config };
        for (strategy, venue) in [
            (StrategyConfig::new(Q50Config::default()), VenueSettings::NextOpen(price)),
            (StrategyConfig::new(ThresholdConfig::default()), VenueSettings::PumpSwap(pool)),
        ] {
            let periods_per_year = PeriodsPerYear::new(8_766.0);
            let settings = RunSettings { strategy, venue, capital: 0.1 + 0.2, periods_per_year };
            let read: RunSettings = serde_json::from_str(&serde_json::to_string_pretty(&settings).unwrap()).unwrap();
            assert_eq!(read, settings);
        }
    }

    fn at_cost(bps: f64) -> VenueSettings {
        let cost = Fraction::from_bps(bps);
        VenueSettings::NextOpen(PriceVenue { cost, spread: None, lot: None, fill_timing: FillTiming::NextOpen })
    }

    fn uniform(bps: u64) -> VenueSettings {
        let config = PumpSwapConfig { fees: PoolFees::Uniform(bps), ..PumpSwapConfig::default() };
        VenueSettings::PumpSwap(PoolVenue { depth: Lamports(1), config })
    }

    #[test]
    fn twice_the_cost_is_never_less_than_what_such_a_venue_is_believed_to_cost() {
        for (stated, tested) in [(0.0, 5.0), (1.0, 5.0), (2.5, 5.0), (7.0, 14.0), (9_000.0, 10_000.0)] {
            assert_eq!(at_cost(stated).at_twice_the_cost(), at_cost(tested), "{stated}");
        }
        for (stated, tested) in [(0, 30), (15, 30), (25, 50)] {
            assert_eq!(uniform(stated).at_twice_the_cost(), uniform(tested), "{stated}");
        }
        let schedule = PoolVenue { depth: Lamports(1), config: PumpSwapConfig::default() };
        let VenueSettings::PumpSwap(dear) = VenueSettings::PumpSwap(schedule).at_twice_the_cost() else { panic!() };
        assert_eq!((dear.config.fees, dear.config.fee_factor), (PoolFees::Schedule, 2));
    }

    #[test]
    fn capital_that_the_books_cannot_hold_is_refused() {
        let refusal = |venue, capital| {
            let strategy = StrategyConfig::new(ThresholdConfig::default());
            let settings = RunSettings { strategy, venue, capital, periods_per_year: PeriodsPerYear::new(1.0) };
            settings.refusal(&Signals::default().with(Column::Value, &[]))
        };
        assert_eq!((refusal(at_cost(5.0), 1e15), refusal(uniform(30), 1e10)), (None, None));
        for (venue, capital) in [(at_cost(5.0), 1e308), (at_cost(5.0), 0.0), (uniform(30), 1e11), (uniform(30), 1e-10)]
        {
            assert!(refusal(venue, capital).unwrap().starts_with("the capital"), "{capital}");
        }
    }

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
        let source = Source { market: data.market(), pool: None, data: &spec, instruments: &[] };
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
