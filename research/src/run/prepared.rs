//! A prepared source: everything that depends only on the data is computed once, and any number of runs read it.

use std::{borrow::Cow, ops::Range};

use q50_engine::{
    market::Market,
    record::{Combine, Journal, Recorder},
    replay::replay,
    strategy::{Host, Shared, Strategy, StrategyConfig},
    venue::{Contract, Perpetual, PerpetualConfig, PoolPath, PumpSwap, Venue, pool_path::PathError},
};

use super::{RunSettings, Source, VenueSettings, portfolio};
use crate::causality::{self, CausalityReport};

/// A source made ready for any number of runs at one venue: columns that no setting changes, and the pool's reserves.
#[derive(Debug)]
pub struct Prepared<'a> {
    pub(super) source: Source<'a>,
    /// The market, or each instrument of a portfolio.
    pub(super) parts: Vec<Part<'a>>,
}

/// One market made ready.
#[derive(Debug)]
pub(super) struct Part<'a> {
    pub(super) market: Market<'a>,
    pub(super) shared: Shared,
    path: Option<Cow<'a, PoolPath>>,
}

impl<'a> Part<'a> {
    fn new(market: Market<'a>, pool: Option<&'a PoolPath>, venue: &VenueSettings) -> Result<Self, PathError> {
        let path = match (venue, pool) {
            (VenueSettings::NextOpen(_) | VenueSettings::Perpetual(_), _) => None,
            (VenueSettings::PumpSwap(_), Some(recorded)) => Some(Cow::Borrowed(recorded)),
            (VenueSettings::PumpSwap(pool), None) => {
                Some(Cow::Owned(PoolPath::rebuilt(market.open, market.close, market.first, pool.depth)?))
            }
        };
        Ok(Self { market, shared: Shared::default(), path })
    }

    pub(super) fn pool(&self) -> &PoolPath {
        self.path.as_deref().unwrap_or_else(|| unreachable!("what is prepared for a pool has its reserves"))
    }

    /// The market of the basket's rows in `time`, which is inclusive.
    pub(super) fn between(&self, [from, to]: [i64; 2]) -> Market<'a> {
        let row = |time: i64, after: bool| self.market.open_time.partition_point(|t| *t < time || after && *t == time);
        Market { first: row(from, false), ..self.market.prefix(row(to, true)) }
    }
}

impl<'a> Prepared<'a> {
    /// Makes `source` ready for runs at `venue`.
    ///
    /// # Errors
    /// The venue is a pool whose stated depth cannot be carried through the prices.
    pub fn new(source: Source<'a>, venue: &VenueSettings) -> Result<Self, PathError> {
        let parts = match source.instruments {
            [] => vec![Part::new(source.market, source.pool, venue)?],
            several => several.iter().map(|i| Part::new(i.market, i.pool, venue)).collect::<Result<_, _>>()?,
        };
        Ok(Self { source, parts })
    }

    /// What the runs see.
    #[must_use]
    pub fn source(&self) -> &Source<'a> {
        &self.source
    }

    /// The pool's reserves, a row a bar; `None` at a price venue, and of several instruments.
    #[must_use]
    pub fn path(&self) -> Option<&PoolPath> {
        match &self.parts[..] {
            [alone] if self.source.instruments.is_empty() => alone.path.as_deref(),
            _ => None,
        }
    }

    /// The perpetual future that is traded.
    pub(super) fn perpetual(&self, config: PerpetualConfig) -> Perpetual<'a> {
        let contract: Option<&'a Contract> = self.source.contract;
        Perpetual::new(config, contract.unwrap_or_else(|| unreachable!("a run without one was refused")))
    }

    /// Replays all of the source into `recorder`. The caller owes the ledger the trial.
    pub fn run<R: Combine>(&self, settings: &RunSettings, recorder: &mut R) {
        self.run_rows(settings, self.source.market.first..self.source.market.len(), recorder);
    }

    /// Replays `rows` of the source, flat at the first of them, into `recorder`; the rows before are history. The caller
    /// owes the ledger the trial.
    pub fn run_rows<R: Combine>(&self, settings: &RunSettings, rows: Range<usize>, recorder: &mut R) {
        let part = match &self.parts[..] {
            [alone] if self.source.instruments.is_empty() => alone,
            _ => return self.run_portfolio(settings, rows, recorder),
        };
        let market = Market { first: rows.start, ..self.source.market.prefix(rows.end) };
        match &settings.venue {
            VenueSettings::PumpSwap(pool) => {
                let venue = &mut PumpSwap::new(pool.config, part.pool(), market.first);
                part.drive(&market, settings, venue, recorder);
            }
            VenueSettings::NextOpen(price) => {
                part.drive(&market, settings, &mut settings.next_open(price), recorder);
            }
            VenueSettings::Perpetual(config) => {
                part.drive(&market, settings, &mut self.perpetual(*config), recorder);
            }
        }
    }
}

impl Part<'_> {
    fn drive<V: Venue, R: Recorder>(
        &self,
        market: &Market<'_>,
        settings: &RunSettings,
        venue: &mut V,
        recorder: &mut R,
    ) {
        // Columns of the whole source, whatever rows are replayed: row t of them uses the rows up to t only.
        let host = Loop { market, venue, capital: settings.capital, recorder };
        settings.strategy.host_with(&self.market, &self.shared, host);
    }
}

/// The loop, before it knows the strategy.
struct Loop<'a, V, R> {
    market: &'a Market<'a>,
    venue: &'a mut V,
    capital: f64,
    recorder: &'a mut R,
}

impl<V: Venue, R: Recorder> Host for Loop<'_, V, R> {
    fn run<S: Strategy + ?Sized>(self, strategy: &mut S) {
        replay(self.market, strategy, self.venue, self.capital, self.recorder);
    }
}

/// Looks for look-ahead in the run that `journal` is of, with `cuts` random cuts; see [`causality`].
///
/// # Errors
/// As [`backtest`](super::backtest).
pub fn examine(
    source: &Source<'_>,
    settings: &RunSettings,
    journal: &Journal,
    cuts: usize,
    seed: u64,
) -> Result<CausalityReport, PathError> {
    let prepared = Prepared::new(*source, &settings.venue)?;
    if !source.instruments.is_empty() {
        return Ok(portfolio::examine(&prepared, settings, journal, cuts, seed));
    }
    // What it does not read can be moved without a change.
    let market = &read_alone(&source.market, &settings.strategy);
    let build = |m: &Market<'_>| settings.strategy.prepare(m);
    match &settings.venue {
        VenueSettings::PumpSwap(pool) => {
            let venue = PumpSwap::new(pool.config, prepared.parts[0].pool(), market.first);
            Ok(causality::examine(market, &venue, journal, cuts, seed, build))
        }
        VenueSettings::NextOpen(price) => {
            Ok(causality::examine(market, &settings.next_open(price), journal, cuts, seed, build))
        }
        VenueSettings::Perpetual(config) => {
            Ok(causality::examine(market, &prepared.perpetual(*config), journal, cuts, seed, build))
        }
    }
}

/// `market` with the signals that `strategy` reads and no other.
pub(super) fn read_alone<'a>(market: &Market<'a>, strategy: &StrategyConfig) -> Market<'a> {
    Market { signals: market.signals.only(&strategy.reads(&market.signals)), ..*market }
}
