//! Several instruments under one account, on bars small enough to be worked by hand, and beside the loop for one.

mod accounts;
mod worlds;

use accounts::{Bars, HOUR, Placing, Scripted, buy, fills, request, run};
use proptest::prelude::*;
use q50_engine::{
    decision::{Order, Reason},
    market::Market,
    orders::{Amount, OrderKind},
    portfolio::moments,
    record::{FillRow, Journal},
    replay::replay,
    strategy::StrategyConfig,
    strategy::risk::{Limited, RiskConfig},
    units::{Fraction, Lamports},
    venue::{FillSide, NextOpen, PoolPath, PumpSwap, PumpSwapConfig, Rejection, Venue},
};
use worlds::{World, strategies};

#[test]
fn what_is_decided_together_competes_for_the_cash_in_the_order_of_the_instruments() {
    let first = Bars::new(HOUR, &[(100.0, 100.0), (100.0, 110.0), (120.0, 120.0)]);
    let second = Bars::new(HOUR, &[(50.0, 50.0), (50.0, 55.0), (60.0, 60.0)]);
    let third = Bars::new(HOUR, &[(1.0, 1.0), (1.0, 1.0), (1.0, 1.0)]);
    // 600 of 1,000 each: the first has 600, the second what is left, the third nothing.
    let parts = &mut [&first, &second, &third].map(|bars| (bars.market(), Scripted::new(&[(0, buy(0.6))])));
    let (total, each) = run(parts, &NextOpen::new(Fraction::ZERO), 1_000.0);
    assert_eq!(fills(&each[0]), [(1, 6.0, 100.0)]);
    assert_eq!(fills(&each[1]), [(1, 8.0, 50.0)]);
    assert_eq!(each[2].rejections, [(0, Rejection::NoCash)]);
    // 6 x 110 + 8 x 55, then 6 x 120 + 8 x 60.
    assert_eq!((total.equity, total.exposure), (vec![1_000.0, 1_100.0, 1_200.0], vec![0.0, 1.0, 1.0]));
    assert_eq!(each[0].equity, [1_000.0, 1_060.0, 1_120.0]);
    assert_eq!(each[1].equity, [1_000.0, 1_040.0, 1_080.0]);
    assert_eq!(each[0].exposure[1], 660.0 / 1_100.0);
    for (_, strategy) in &*parts {
        let seen: Vec<(f64, f64)> = strategy.seen.iter().map(|account| (account.cash, account.equity)).collect();
        assert_eq!(seen, [(1_000.0, 1_000.0), (0.0, 1_100.0), (0.0, 1_200.0)], "one account is shown to all");
    }
}

#[test]
fn cash_of_a_sale_is_there_for_an_order_that_lands_after_it() {
    let bars = Bars::new(HOUR, &[(10.0, 10.0); 4]);
    // The second asks for the cash that it sees, which is nothing, and a bar later for that of the sale.
    let sells = Scripted::new(&[(0, buy(1.0)), (1, Order::Sell(Fraction::ONE))]);
    let buys = Scripted::new(&[(1, buy(1.0)), (2, buy(1.0))]);
    let (total, each) =
        run(&mut [(bars.market(), sells), (bars.market(), buys)], &NextOpen::new(Fraction::ZERO), 100.0);
    assert_eq!((fills(&each[0]).len(), fills(&each[1])), (2, vec![(3, 10.0, 10.0)]));
    assert_eq!(each[1].rejections, [(1, Rejection::NoCash)]);
    assert_eq!(total.equity, [100.0; 4]);
}

#[test]
fn cash_that_comes_in_inside_a_bar_pays_for_nothing_inside_it() {
    let [rises, falls] = [Bars::reaching(100.0, 110.0), Bars::reaching(90.0, 100.0)];
    let bought = (0, request(FillSide::Buy, OrderKind::Market, Amount::Quote(900.0)));
    let target = (1, request(FillSide::Sell, OrderKind::Limit(110.0), Amount::Position));
    let dip = |units: f64| (1, request(FillSide::Buy, OrderKind::Limit(90.0), Amount::Units(units)));
    let later = (3, request(FillSide::Buy, OrderKind::Market, Amount::Units(10.0)));
    let venue = NextOpen::new(Fraction::ZERO);
    // 100 are left, so that one unit at 90 can be paid and two cannot; 1,090 are there when the bar is over.
    for (units, at_90) in [(1.0, 1), (2.0, 0)] {
        let sells = || (rises.market(), Placing(vec![bought, target]));
        let buys = || (falls.market(), Placing(vec![dip(units), later]));
        let (_, each) = run(&mut [sells(), buys()], &venue, 1_000.0);
        let (_, mut turned) = run(&mut [buys(), sells()], &venue, 1_000.0);
        turned.reverse();
        for each in [&each, &turned] {
            assert_eq!(fills(&each[0]), [(1, 9.0, 100.0), (3, 9.0, 110.0)]);
            assert_eq!(fills(&each[1])[..at_90], [(3, 1.0, 90.0)][..at_90]);
            assert_eq!(fills(&each[1])[at_90..], [(4, 10.0, 100.0)], "{units} at 90");
        }
    }
}

#[test]
fn bars_of_different_lengths_are_merged_in_time() {
    let slow = Bars::new(2 * HOUR, &[(10.0, 12.5), (12.5, 14.0)]);
    let fast = Bars::new(HOUR, &[(5.0, 5.0), (5.0, 6.0), (6.0, 7.0), (7.0, 8.0), (8.0, 9.0)]);
    let parts =
        &mut [(slow.market(), Scripted::new(&[(0, buy(0.5))])), (fast.market(), Scripted::new(&[(0, buy(0.5))]))];
    let (total, each) = run(parts, &NextOpen::new(Fraction::ZERO), 100.0);
    assert_eq!(moments(&[slow.market(), fast.market()]), [1, 2, 3, 4, 5].map(|hour| hour * HOUR));
    // 10 units at 5 from the first hour on. The slow one decides at two hours, of the 50 that are left: 25 at 12.5.
    assert_eq!((fills(&each[1]), fills(&each[0])), (vec![(1, 10.0, 5.0)], vec![(1, 2.0, 12.5)]));
    // The slow bar closes at 14 after the fourth hour; until then it counts with 12.5.
    assert_eq!(total.equity, [100.0, 110.0, 120.0, 133.0, 143.0]);
    let seen: Vec<f64> = parts[0].1.seen.iter().map(|account| account.equity).collect();
    assert_eq!(seen, [110.0, 133.0], "what the others are worth at that moment");
    let seen: Vec<f64> = parts[1].1.seen.iter().map(|account| account.equity).collect();
    assert_eq!(seen[..3], [100.0, 110.0, 120.0]);
}

#[test]
fn a_limit_on_losses_is_one_of_the_whole_account() {
    let falls = Bars::new(HOUR, &[(10.0, 10.0), (10.0, 5.0), (5.0, 5.0), (5.0, 5.0)]);
    let steady = Bars::new(HOUR, &[(10.0, 10.0); 4]);
    let config = RiskConfig { max_drawdown: Some(Fraction::new(0.2)), ..RiskConfig::default() };
    let limited = |orders: &[(usize, Order)]| Limited::new(Scripted::new(orders), config);
    let parts =
        &mut [(falls.market(), limited(&[(0, buy(0.5))])), (steady.market(), limited(&[(0, buy(0.5)), (2, buy(1.0))]))];
    let (total, each) = run(parts, &NextOpen::new(Fraction::ZERO), 100.0);
    // The first lost 25 of 100, so that both are sold, and nothing is bought any more.
    assert_eq!(total.equity, [100.0, 75.0, 75.0, 75.0]);
    assert_eq!((fills(&each[0]).len(), fills(&each[1]).len(), total.exposure[2]), (2, 2, 0.0));
}

#[test]
fn no_instrument_is_an_account_at_rest() {
    let (total, each) = run::<Scripted, NextOpen>(&mut [], &NextOpen::new(Fraction::ZERO), 100.0);
    assert_eq!((total.equity.len(), total.capital, each.len()), (0, 100.0, 0));
}

/// Decisions and what came of them.
fn acts(journal: &Journal) -> (Vec<Reason>, &[FillRow], &[(usize, Rejection)]) {
    (journal.decisions.reasons().collect(), &journal.fills, &journal.rejections)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]

    #[test]
    fn one_instrument_is_replayed_as_by_the_loop_for_one(rows in worlds::any_rows(), slots in 0_u32..12_000) {
        let world = World::new(&rows);
        let market = world.market();
        let path = PoolPath::rebuilt(market.open, market.close, 3, Lamports(500_000_000_000)).unwrap();
        let pool = PumpSwap::new(PumpSwapConfig { latency_slots: slots, ..PumpSwapConfig::default() }, &path, 3);
        for config in strategies() {
            let price = NextOpen::new(Fraction::from_bps(5.0));
            let price = if config.shorts() { price.with_free_shorting() } else { price };
            same(&market, &config, &price)?;
            if !config.shorts() && !config.rests_orders() {
                same(&market, &config, &pool)?;
            }
        }
    }

    #[test]
    fn the_whole_is_the_sum_of_what_each_has_gained(a in worlds::any_rows(), b in worlds::any_rows(), at in 0..strategies().len()) {
        let worlds = [World::new(&a), World::new(&b)];
        let config = &strategies()[at];
        let venue = NextOpen::new(Fraction::from_bps(5.0));
        let venue = if config.shorts() { venue.with_free_shorting() } else { venue };
        let parts = &mut [0, 1].map(|i| (worlds[i].market(), config.prepare(&worlds[i].market())));
        let (total, each) = run(parts, &venue, 100.0);
        let gain = |journal: &Journal| journal.equity.last().map_or(0.0, |last| last - 100.0);
        let whole = total.equity.last().unwrap() - 100.0;
        prop_assert!((whole - each.iter().map(gain).sum::<f64>()).abs() < 1e-9, "{} {:?}", whole, config);
    }

    #[test]
    fn what_comes_later_changes_nothing(a in worlds::any_rows(), b in worlds::any_rows(), at in 0..strategies().len(), cut in 4_usize..200) {
        let worlds = [World::new(&a), World::new(&b)];
        let config = &strategies()[at];
        let venue = NextOpen::new(Fraction::from_bps(5.0));
        let venue = if config.shorts() { venue.with_free_shorting() } else { venue };
        let replayed = |rows: usize| {
            let markets = [0, 1].map(|i| worlds[i].market()).map(|market| market.prefix(rows.min(market.len())));
            run(&mut markets.map(|market| (market, config.prepare(&market))), &venue, 100.0)
        };
        let (whole, until) = (replayed(usize::MAX), replayed(cut));
        let shared = until.0.equity.len();
        prop_assert_eq!(&whole.0.equity[..shared], &until.0.equity[..]);
    }
}

fn same<V: Venue + Clone>(market: &Market<'_>, config: &StrategyConfig, venue: &V) -> Result<(), TestCaseError> {
    let mut alone = Journal::default();
    replay(market, &mut config.prepare(market), &mut venue.clone(), 100.0, &mut alone);
    let (total, each) = run(&mut [(*market, config.prepare(market))], venue, 100.0);
    prop_assert_eq!(acts(&each[0]), acts(&alone), "{:?}", config);
    prop_assert_eq!(&total.equity, &alone.equity, "{:?}", config);
    prop_assert_eq!(total.exposure.len(), alone.exposure.len());
    Ok(())
}
