//! A strategy that is fed one bar at a time, with nothing but the past, does what the columns of a whole market do, to the
//! bit; and a strategy that was begun anew from what was kept goes on as if it had never stopped.

#![allow(clippy::unwrap_used, reason = "helpers of tests, not only test functions")]

mod worlds;

use proptest::prelude::*;
use q50_engine::{
    bar_buffer::BarBuffer,
    decision::Decision,
    ledger::{Account, Marked},
    limits::Limits,
    market::{History, Market},
    matching::RestingExits,
    record::Journal,
    replay::replay,
    strategy::{Explanation, Strategy, StrategyConfig, restart, side::Side},
    units::{Fraction, Lamports},
    venue::{FillTiming, NextOpen, PoolPath, PumpSwap, PumpSwapConfig, Venue},
};
use worlds::strategies;

/// A host that knows no bar before it has closed: each is copied behind those that it has, and the strategy sees the copy.
struct LiveHost<S> {
    strategy: S,
    bars: BarBuffer,
}

impl<S: Strategy> LiveHost<S> {
    fn new(strategy: S, market: &Market<'_>) -> Self {
        let columns: Vec<_> = market.signals.present().map(|(column, _)| column).collect();
        Self { strategy, bars: BarBuffer::new(market.interval_ms, &columns, market.first) }
    }

    fn last(market: &Market<'_>) -> usize {
        market.len() - 1
    }
}

impl<S: Strategy> Strategy for LiveHost<S> {
    fn observe(&mut self, history: History<'_>) {
        self.bars.push(&history.bar(), |column| history.signal(column).unwrap_or(f64::NAN));
        let market = self.bars.market();
        self.strategy.observe(market.history(Self::last(&market)));
    }

    fn decide(&mut self, _: History<'_>, account: &Account) -> Decision {
        let market = self.bars.market();
        self.strategy.decide(market.history(Self::last(&market)), account)
    }

    fn resting(&self, account: &Account) -> RestingExits {
        self.strategy.resting(account)
    }

    fn limits(&self) -> Limits {
        self.strategy.limits()
    }

    fn stop_distance(&self, _: History<'_>, side: Side) -> Option<f64> {
        let market = self.bars.market();
        self.strategy.stop_distance(market.history(Self::last(&market)), side)
    }

    fn stays(&self, _: History<'_>, _: Marked) -> bool {
        false
    }

    fn explain(&self, _: History<'_>, account: &Account) -> Explanation {
        let market = self.bars.market();
        self.strategy.explain(market.history(Self::last(&market)), account)
    }
}

/// Whether both journals tell the same, `NaN` being equal to itself.
fn same(a: &Journal, b: &Journal) -> bool {
    format!("{a:?}") == format!("{b:?}")
}

fn journal<S: Strategy, V: Venue>(market: &Market<'_>, mut strategy: S, mut venue: V) -> Journal {
    let mut journal = Journal::default();
    replay(market, &mut strategy, &mut venue, 100.0, &mut journal);
    journal
}

fn stream_equals_columns<V: Venue + Clone>(
    market: &Market<'_>,
    config: &StrategyConfig,
    venue: &V,
) -> Result<(), TestCaseError> {
    let columns = journal(market, config.prepare(market), venue.clone());
    let live = LiveHost::new(config.stream().unwrap(), market);
    prop_assert!(same(&journal(market, live, venue.clone()), &columns), "{config:?}");
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn every_strategy_decides_the_same_from_a_stream_as_from_columns(world in worlds::any_world()) {
        let market = world.market();
        let path = PoolPath::rebuilt(market.open, market.close, market.first, Lamports(500_000_000_000)).unwrap();
        let quality = worlds::q50(|c| c.gate.require_high_quality = true);
        for config in strategies().into_iter().chain([quality]) {
            let price = NextOpen::new(Fraction::from_bps(5.0));
            let price = if config.shorts() { price.with_free_shorting() } else { price };
            stream_equals_columns(&market, &config, &price)?;
            stream_equals_columns(&market, &config, &price.with_timing(FillTiming::SameClose))?;
            let pool = PumpSwap::new(PumpSwapConfig::default(), &path, market.first);
            stream_equals_columns(&market, &config, &pool)?;
        }
    }

    #[test]
    fn a_strategy_begun_anew_from_what_was_kept_goes_on_as_before(world in worlds::any_world(), cut in 0.1_f64..0.9) {
        let market = world.market();
        let traded = market.len() - market.first;
        let cut = (traded as f64 * cut) as usize;
        for config in strategies() {
            let mut kept = Keeper { strategy: config.stream().unwrap(), accounts: Vec::new(), answers: Vec::new() };
            let venue = NextOpen::new(Fraction::from_bps(5.0));
            let mut venue = if config.shorts() { venue.with_free_shorting() } else { venue };
            replay(&market, &mut kept, &mut venue, 100.0, &mut Journal::default());

            let mut anew = config.stream().unwrap();
            restart(&mut anew, &market.prefix(market.first + cut), &kept.accounts[..cut]);
            for (row, account) in (market.first + cut..market.len()).zip(&kept.accounts[cut..]) {
                anew.observe(market.history(row));
                let answer = anew.decide(market.history(row), account);
                prop_assert_eq!(answer, kept.answers[row - market.first], "row {} of {:?}", row, &config);
            }
        }
    }
}

/// Keeps what a journal of a live host would.
struct Keeper<S> {
    strategy: S,
    accounts: Vec<Account>,
    answers: Vec<Decision>,
}

impl<S: Strategy> Strategy for Keeper<S> {
    fn observe(&mut self, history: History<'_>) {
        self.strategy.observe(history);
    }

    fn decide(&mut self, history: History<'_>, account: &Account) -> Decision {
        let answer = self.strategy.decide(history, account);
        self.accounts.push(*account);
        self.answers.push(answer);
        answer
    }

    fn resting(&self, account: &Account) -> RestingExits {
        self.strategy.resting(account)
    }
}

#[test]
fn percentiles_of_the_full_sample_cannot_be_streamed() {
    let config = worlds::q50(|c| c.regime.percentiles = q50_engine::strategy::q50::regime::Percentiles::FullSample);
    let refusal = config.stream().err().unwrap().to_string();
    assert!(refusal.contains("regime.percentiles = \"causal\""), "{refusal}");
}
