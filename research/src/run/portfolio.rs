//! Several instruments under one account: runs of a [`Prepared`] with more than one part.

use std::ops::Range;

use q50_engine::{
    market::Market,
    portfolio::{Instrument, moments, replay_portfolio},
    record::{Combine, EquityCurve, Journal, Recorder},
    strategy::Strategy,
    venue::{PumpSwap, PumpSwapConfig, Venue},
};

use super::{
    RunSettings, VenueSettings,
    prepared::{Prepared, read_alone},
};
use crate::causality::{self, CausalityReport, Changes, Comparison, OwnedSignals, View};

impl<'a> Prepared<'a> {
    /// [`Prepared::run_rows`] of several instruments under one account, between the times of these rows of the basket.
    pub(super) fn run_portfolio<R: Combine>(&self, settings: &RunSettings, rows: Range<usize>, recorder: &mut R) {
        let clock = self.source.market.open_time;
        let mut each: Vec<R> = self.parts.iter().map(|_| R::default()).collect();
        let markets = self.markets(rows.clone());
        debug_assert_eq!(moments(&markets).len(), rows.len(), "the basket's rows are the account's marks");
        let prepared = self.parts.iter().map(|part| settings.strategy.prepare_with(&part.market, &part.shared));
        replay_together(self, settings, &markets, prepared.collect(), &mut each, recorder);
        recorder.combine(each, |i, t| clock.partition_point(|time| *time < markets[i].open_time[t]));
    }

    /// Each instrument between the times of these rows of the basket.
    fn markets(&self, rows: Range<usize>) -> Vec<Market<'a>> {
        let clock = &self.source.market.open_time[rows];
        let between = match (clock.first(), clock.last()) {
            (Some(from), Some(to)) => [*from, *to],
            _ => [i64::MIN; 2],
        };
        self.parts.iter().map(|part| part.between(between)).collect()
    }
}

/// Replays `markets`, which are views of the parts, with a strategy each.
fn replay_together<R: Recorder, T: Recorder>(
    prepared: &Prepared<'_>,
    settings: &RunSettings,
    markets: &[Market<'_>],
    mut strategies: Vec<Box<dyn Strategy + Send>>,
    each: &mut [R],
    total: &mut T,
) {
    match &settings.venue {
        VenueSettings::PumpSwap(pool) => {
            let mut venues = Vec::with_capacity(markets.len());
            for ((part, market), number) in prepared.parts.iter().zip(markets).zip(0..) {
                // Transactions of different pools fail on their own.
                let config = PumpSwapConfig { seed: pool.config.seed.wrapping_add(number), ..pool.config };
                venues.push(PumpSwap::new(config, part.pool(), market.first));
            }
            under_one_account(markets, &mut strategies, venues, settings.capital, each, total);
        }
        VenueSettings::NextOpen(price) => {
            let venues = vec![settings.next_open(price); markets.len()];
            under_one_account(markets, &mut strategies, venues, settings.capital, each, total);
        }
        VenueSettings::Perpetual(_) => unreachable!("several records were refused"),
    }
}

fn under_one_account<V: Venue, R: Recorder, T: Recorder>(
    markets: &[Market<'_>],
    strategies: &mut [Box<dyn Strategy + Send>],
    mut venues: Vec<V>,
    capital: f64,
    each: &mut [R],
    total: &mut T,
) {
    let parts = markets.iter().zip(strategies).zip(&mut venues).zip(each);
    let mut instruments: Vec<_> = parts
        .map(|(((market, strategy), venue), recorder)| Instrument {
            market: *market,
            strategy: strategy.as_mut(),
            venue,
            recorder,
        })
        .collect();
    replay_portfolio(&mut instruments, capital, total);
}

/// The two experiments on all instruments at once: every record ends at the same time, and all signals are moved together.
pub(super) fn examine(
    prepared: &Prepared<'_>,
    settings: &RunSettings,
    journal: &Journal,
    cuts: usize,
    seed: u64,
) -> CausalityReport {
    let (source, clock) = (&prepared.source, prepared.source.market.open_time);
    let compare = |markets: &[Market<'_>]| {
        let mut each: Vec<Comparison<'_>> = journal.each.iter().map(Comparison::with).collect();
        let strategies = markets.iter().map(|market| settings.strategy.prepare(market)).collect();
        replay_together(prepared, settings, markets, strategies, &mut each, &mut EquityCurve::default());
        let changes = each.iter().map(Comparison::changes).zip(markets);
        changes.fold(Changes::default(), |all, (changes, market)| {
            let row = changes.first.map(|t| clock.partition_point(|time| *time < market.open_time[t]));
            Changes { first: all.first.into_iter().chain(row).min(), count: all.count + changes.count }
        })
    };
    let reads = source.reads_signals(&settings.strategy);
    causality::experiment(&source.market, reads, cuts, seed, |view| match view {
        View::Until(row) => {
            let markets = prepared.markets(source.market.first..row);
            compare(&markets.iter().map(|market| read_alone(market, &settings.strategy)).collect::<Vec<_>>())
        }
        View::Shifted(by) => {
            let markets: Vec<Market<'_>> =
                prepared.parts.iter().map(|part| read_alone(&part.market, &settings.strategy)).collect();
            let shifted: Vec<OwnedSignals> =
                markets.iter().map(|market| OwnedSignals::shifted(&market.signals, by)).collect();
            let moved = markets.iter().zip(&shifted).map(|(market, s)| Market { signals: s.borrow(), ..*market });
            compare(&moved.collect::<Vec<_>>())
        }
    })
}
