//! Several instruments under one account, on bars small enough to be worked by hand, and beside the loop for one.

mod worlds;

use proptest::prelude::*;
use q50_engine::{
    decision::{Budget, Decision, Intent, Order, Reason},
    ledger::Account,
    market::{History, Market, Signals},
    orders::{Amount, OrderKind, OrderRequest, Orders},
    portfolio::{Instrument, moments, replay_portfolio},
    record::{FillRow, Journal},
    replay::replay,
    strategy::risk::{Limited, RiskConfig},
    strategy::{Strategy, StrategyConfig},
    units::{Fraction, Lamports},
    venue::{FillSide, NextOpen, PoolPath, PumpSwap, PumpSwapConfig, Rejection, Venue},
};
use worlds::{World, strategies};

const HOUR: i64 = 3_600_000;

/// Bars that open and close at stated prices.
struct Bars {
    time: Vec<i64>,
    open: Vec<f64>,
    high: Vec<f64>,
    low: Vec<f64>,
    close: Vec<f64>,
    interval: i64,
}

impl Bars {
    fn new(interval: i64, bars: &[(f64, f64)]) -> Self {
        let (open, close): (Vec<f64>, Vec<f64>) = bars.iter().copied().unzip();
        let time = (0..bars.len() as i64).map(|row| row * interval).collect();
        Self { time, high: open.clone(), low: open.clone(), open, close, interval }
    }

    /// Bars of an hour that all open and close at 100; the last but one has this range.
    fn reaching(low: f64, high: f64) -> Self {
        let mut bars = Self::new(HOUR, &[(100.0, 100.0); 5]);
        (bars.low[3], bars.high[3]) = (low, high);
        bars
    }

    fn market(&self) -> Market<'_> {
        Market {
            open_time: &self.time,
            open: &self.open,
            high: &self.high,
            low: &self.low,
            close: &self.close,
            signals: Signals::default(),
            interval_ms: self.interval,
            first: 0,
        }
    }
}

/// Orders by row, and the accounts that it was shown.
#[derive(Default)]
struct Scripted {
    orders: Vec<(usize, Order)>,
    seen: Vec<Account>,
}

impl Scripted {
    fn new(orders: &[(usize, Order)]) -> Self {
        Self { orders: orders.to_vec(), seen: Vec::new() }
    }
}

impl Strategy for Scripted {
    fn decide(&mut self, history: History<'_>, account: &Account) -> Decision {
        self.seen.push(*account);
        let order = self.orders.iter().find(|(row, _)| *row == history.row());
        order.map_or(Decision::Hold(Reason::Neutral), |&(_, order)| {
            Decision::Act(Intent { order, reason: Reason::EnterLong })
        })
    }
}

/// Replays `parts` with `capital` at `venue`, and returns the journal of the whole and of each.
fn run<S: Strategy, V: Venue + Clone>(
    parts: &mut [(Market<'_>, S)],
    venue: &V,
    capital: f64,
) -> (Journal, Vec<Journal>) {
    let (mut total, mut journals) = (Journal::default(), vec![Journal::default(); parts.len()]);
    let mut venues = vec![venue.clone(); parts.len()];
    let each = parts.iter_mut().zip(&mut venues).zip(&mut journals);
    let mut instruments: Vec<_> = each
        .map(|(((market, strategy), venue), recorder)| Instrument { market: *market, strategy, venue, recorder })
        .collect();
    replay_portfolio(&mut instruments, capital, &mut total);
    (total, journals)
}

fn buy(share: f64) -> Order {
    Order::Buy(Budget::Cash(Fraction::new(share)))
}

fn fills(journal: &Journal) -> Vec<(usize, f64, f64)> {
    journal.fills.iter().map(|row| (row.fill.row, row.fill.units, row.fill.price)).collect()
}

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

/// Places requests, each at the close of its row.
struct Placing(Vec<(usize, OrderRequest)>);

impl Strategy for Placing {
    fn decide(&mut self, _: History<'_>, _: &Account) -> Decision {
        Decision::Hold(Reason::Neutral)
    }

    fn places_orders(&self) -> bool {
        true
    }

    fn place(&mut self, history: History<'_>, _: &Account, orders: &mut Orders) {
        for (_, request) in self.0.iter().filter(|(row, _)| *row == history.row()) {
            orders.place(*request);
        }
    }
}

fn request(side: FillSide, kind: OrderKind, amount: Amount) -> OrderRequest {
    OrderRequest::new(side, kind, amount, Reason::EnterLong)
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
    fn the_whole_is_the_sum_of_what_each_has_gained(a in worlds::any_rows(), b in worlds::any_rows(), at in 0_usize..16) {
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
    fn what_comes_later_changes_nothing(a in worlds::any_rows(), b in worlds::any_rows(), at in 0_usize..16, cut in 4_usize..200) {
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
