//! The run that both engines execute.

use q50_engine::{
    market::Market,
    strategy::StrategyConfig,
    venue::{LatencyPreset, NextOpen, PoolPath, PumpSwap, PumpSwapConfig},
};

/// Where a run trades.
#[derive(Clone, Copy, Debug)]
pub enum VenueSetup<'a> {
    /// A price venue, latency and costs as built.
    NextOpen(NextOpen),
    /// A PumpSwap pool.
    PumpSwap {
        /// How it behaves.
        config: PumpSwapConfig,
        /// Its reserves, a row a bar.
        path: &'a PoolPath,
        /// Another latency than the slots of the configuration.
        latency: Option<LatencyPreset>,
    },
}

/// The names under which the second engine knows market and venue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Names {
    /// The venue, unique in a comparison of several runs.
    pub venue: String,
    /// What is bought; any code.
    pub base: String,
    /// What it is paid with: a currency that NautilusTrader knows, and `WSOL` on a pool.
    pub quote: String,
}

impl Names {
    /// The three names.
    #[must_use]
    pub fn new(venue: &str, base: &str, quote: &str) -> Self {
        Self { venue: venue.to_owned(), base: base.to_owned(), quote: quote.to_owned() }
    }
}

/// One run: data, strategy, venue, capital.
#[derive(Clone, Debug)]
pub struct Run<'a> {
    /// Bars and signals.
    pub market: Market<'a>,
    /// The strategy.
    pub strategy: StrategyConfig,
    /// Where it trades.
    pub venue: VenueSetup<'a>,
    /// Starting capital, quote units (SOL on a pool).
    pub capital: f64,
    /// What market and venue are called.
    pub names: Names,
    /// The last row that the record has a signal for, where that is known. Its value may be missing all the same, as that
    /// of a forecast whose quantiles cross; `None`: the last row with a value.
    pub last_signal: Option<usize>,
}

impl<'a> Run<'a> {
    /// A run at a price venue, in USDT.
    #[must_use]
    pub fn at_next_open(market: Market<'a>, strategy: StrategyConfig, venue: NextOpen, capital: f64) -> Self {
        let names = Names::new("NEXTOPEN", "BASE", "USDT");
        Self { market, strategy, venue: VenueSetup::NextOpen(venue), capital, names, last_signal: None }
    }

    /// A run on a pool, in WSOL.
    #[must_use]
    pub fn on_pool(
        market: Market<'a>,
        strategy: StrategyConfig,
        config: PumpSwapConfig,
        path: &'a PoolPath,
        capital: f64,
    ) -> Self {
        let names = Names::new("PUMPSWAP", "TOKEN", "WSOL");
        let venue = VenueSetup::PumpSwap { config, path, latency: None };
        Self { market, strategy, venue, capital, names, last_signal: None }
    }
}

impl<'a> VenueSetup<'a> {
    /// The pool as both engines' fills are computed on it; `None` on a price venue.
    #[must_use]
    pub fn pool(&self, first: usize) -> Option<PumpSwap<'a>> {
        let Self::PumpSwap { config, path, latency } = *self else {
            return None;
        };
        let venue = PumpSwap::new(config, path, first);
        Some(latency.map_or(venue.clone(), |latency| venue.with_latency(latency)))
    }
}
