//! The settings that decide the outcome of a run on given data: strategy, venue, capital.

use q50_engine::{
    market::Signals,
    strategy::{StrategyConfig, exits::ExitTrigger},
    units::{Fraction, Lamports, PeriodsPerYear},
    venue::{FillTiming, NextOpen, PerpetualConfig, PumpSwapConfig, pump_swap::PoolFees},
};
use serde::{Deserialize, Serialize};

use crate::canonical::canonical;

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
    /// A perpetual future.
    Perpetual(PerpetualConfig),
}

impl VenueSettings {
    /// The venue's name on the command line and in reports.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::NextOpen(_) => "next-open",
            Self::PumpSwap(_) => "pumpswap",
            Self::Perpetual(_) => "perpetual",
        }
    }

    /// When orders are filled.
    #[must_use]
    pub const fn fill_timing(&self) -> FillTiming {
        match self {
            Self::NextOpen(venue) => venue.fill_timing,
            Self::PumpSwap(_) | Self::Perpetual(_) => FillTiming::NextOpen,
        }
    }

    /// The same venue at twice the proportional cost, or at the least that is believed of such a venue where that is
    /// more: [`DEFAULT_COST`] a fill, and in a pool the lowest rates of the program's schedule. On a perpetual future that is
    /// fees, spread and slippage; funding is what the market pays, and stays.
    #[must_use]
    pub fn at_twice_the_cost(mut self) -> Self {
        match &mut self {
            Self::NextOpen(venue) => venue.cost = venue.cost.doubled().max(DEFAULT_COST),
            Self::PumpSwap(PoolVenue { config, .. }) => match &mut config.fees {
                PoolFees::Schedule => config.fee_factor *= 2,
                PoolFees::Uniform(bps) => *bps = (2 * *bps).max(LEAST_POOL_FEE_BPS),
            },
            Self::Perpetual(config) => {
                config.taker = config.taker.doubled().max(DEFAULT_COST);
                config.maker = config.maker.doubled();
                config.spread = config.spread.doubled();
                config.slippage_coefficient *= 2.0;
            }
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

    /// Why this run would have no result on bars of `interval_ms` with these signals: bars that the strategy is not made
    /// for, a number out of its range, a column or an ability
    /// of the venue that the strategy needs and that is not there.
    #[must_use]
    pub fn refusal(&self, signals: &Signals<'_>, interval_ms: i64) -> Option<String> {
        if let Some(expected) = self.strategy.interval_ms().filter(|expected| *expected != interval_ms) {
            let [found, expected] = [interval_ms, expected].map(minutes);
            return Some(format!(
                "the bars are {found} apart, and the strategy is made for bars of {expected}: give such bars with --bars, or \
                 change `timeframe` in the strategy file"
            ));
        }
        if let Err(error) = self.strategy.check(signals) {
            return Some(error.to_string());
        }
        if !(self.capital > 0.0 && self.capital <= MOST_CAPITAL) {
            let expected = format!("a number above 0 and at most {MOST_CAPITAL:e}");
            return Some(format!("the capital is {:?}, expected {expected}", self.capital));
        }
        if self.strategy.guards().risk.max_daily_loss.is_some() && interval_ms >= DAY_MS {
            return Some(
                "risk.max_daily_loss has no meaning on bars of a day or more: the midnight until which trading would stop is \
                 the close that shows the loss; leave it out, or give shorter bars"
                    .to_owned(),
            );
        }
        if self.strategy.rests_orders() && self.strategy.places_orders() {
            let remedy = "let the strategy place its own stops, or leave exits.trigger out";
            return Some(format!(
                "exits.trigger = \"intrabar\" does not go around a strategy that places orders; {remedy}"
            ));
        }
        let pool = matches!(self.venue, VenueSettings::PumpSwap(_));
        if let Some(error) = Lamports::from_sol(self.capital).err().filter(|_| pool) {
            return Some(format!("the capital {error}"));
        }
        if let VenueSettings::Perpetual(config) = &self.venue
            && !(config.leverage >= 1.0 && config.leverage.is_finite())
        {
            return Some(format!("the leverage is {}, expected 1 or more", config.leverage));
        }
        if let VenueSettings::Perpetual(config) = &self.venue
            && let Some(hours) = self.strategy.funding_hours().filter(|hours| *hours != config.funding_hours)
        {
            return Some(format!(
                "the strategy keeps away from funding every {hours} hours (`avoid_around_funding`), and --funding-hours is {}: \
                 leave the filter out",
                config.funding_hours
            ));
        }
        let intrabar = self.strategy.guards().exits.trigger == ExitTrigger::Intrabar;
        let asks = [
            ("allow_short = true", "leave it out (--shorting none)", self.strategy.shorts()),
            ("exits.trigger = \"intrabar\"", "leave it out", intrabar),
            // Of a file: a pool has no resting orders.
            (
                "a stop_loss or take_profit of the strategy",
                "write {type: none} and give exits with --set exits.stop_loss",
                self.strategy.rests_orders() && !intrabar,
            ),
        ];
        let (option, remedy, _) = asks.into_iter().find(|(_, _, asked)| pool && *asked)?;
        Some(format!("{option} has no meaning on --venue pumpswap; {remedy}, or use --venue next-open"))
    }

    /// The price venue of the run, as the engine has it; `None` on a pool and on a perpetual future.
    #[must_use]
    pub fn price_venue(&self) -> Option<NextOpen> {
        match &self.venue {
            VenueSettings::NextOpen(price) => Some(self.next_open(price)),
            VenueSettings::PumpSwap(_) | VenueSettings::Perpetual(_) => None,
        }
    }

    pub(crate) fn next_open(&self, price: &PriceVenue) -> NextOpen {
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

const DAY_MS: i64 = 86_400_000;

/// A distance of bars in words.
fn minutes(ms: i64) -> String {
    match ms {
        60_000 => "one minute".to_owned(),
        _ if ms % 60_000 == 0 => format!("{} minutes", ms / 60_000),
        _ => format!("{ms} milliseconds"),
    }
}

#[cfg(test)]
mod tests {
    use q50_engine::{
        market::Column,
        strategy::{q50::Q50Config, risk::RiskConfig, threshold::ThresholdConfig},
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
    fn a_daily_loss_is_refused_on_daily_bars() {
        let risk = RiskConfig { max_daily_loss: Some(Fraction::new(0.02)), ..RiskConfig::default() };
        let strategy = StrategyConfig::new(ThresholdConfig::default()).with_limits(risk);
        let periods_per_year = PeriodsPerYear::new(365.0);
        let settings = RunSettings { strategy, venue: at_cost(5.0), capital: 1.0, periods_per_year };
        let refusal = |interval| settings.refusal(&Signals::default().with(Column::Value, &[]), interval);
        assert_eq!(refusal(DAY_MS / 2), None);
        assert!(refusal(DAY_MS).unwrap().starts_with("risk.max_daily_loss has no meaning"));
    }

    #[test]
    fn capital_that_the_books_cannot_hold_is_refused() {
        let refusal = |venue, capital| {
            let strategy = StrategyConfig::new(ThresholdConfig::default());
            let settings = RunSettings { strategy, venue, capital, periods_per_year: PeriodsPerYear::new(1.0) };
            settings.refusal(&Signals::default().with(Column::Value, &[]), 3_600_000)
        };
        assert_eq!((refusal(at_cost(5.0), 1e15), refusal(uniform(30), 1e10)), (None, None));
        for (venue, capital) in [(at_cost(5.0), 1e308), (at_cost(5.0), 0.0), (uniform(30), 1e11), (uniform(30), 1e-10)]
        {
            assert!(refusal(venue, capital).unwrap().starts_with("the capital"), "{capital}");
        }
    }
}
