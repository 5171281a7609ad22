//! Perpetual futures in the loop: the order of events in a bar, and the scenarios of the pure rules once more.

#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]

use proptest::{prelude::*, strategy::Strategy as _};
use q50_engine::{
    decision::{Budget, Decision, Intent, Order, Reason},
    ledger::Account,
    limits::Limit,
    market::{Column, History, Market, Signals},
    matching::RestingExits,
    record::{FillRow, Journal, Summary},
    replay::replay,
    strategy::{
        Strategy,
        exits::ExitConfig,
        risk::{Limited, RiskConfig},
        sizing::{SizingConfig, WithSizing},
    },
    units::Fraction,
    venue::{
        Contract, FillSide, Perpetual, PerpetualConfig, Rejection,
        perpetual::{FundingRate, Marks, Tiers},
    },
};

const HOUR_MS: i64 = 3_600_000;

/// Answers by row, with a stop and a target at fixed prices.
#[derive(Clone, Default)]
struct Scripted {
    orders: Vec<(usize, Order)>,
    stop: Option<f64>,
    target: Option<f64>,
}

impl Strategy for Scripted {
    fn decide(&mut self, history: History<'_>, _: &Account) -> Decision {
        match self.orders.iter().find(|(row, _)| *row == history.row()) {
            Some(&(_, order)) => Decision::Act(Intent { order, reason: Reason::EnterLong }),
            None => Decision::Hold(Reason::Neutral),
        }
    }

    fn resting(&self, account: &Account) -> RestingExits {
        let stop = self.stop.map(|level| (level, Reason::StopLoss));
        RestingExits { stop, target: self.target, long: account.position > 0.0 }
    }
}

type Ohlc = [f64; 4];

/// Bars of eight hours, so that funding is settled at each open, with mark prices of their own where they differ.
#[derive(Clone)]
struct World {
    last: Vec<Ohlc>,
    mark: Vec<Ohlc>,
    rates: Vec<f64>,
    tiers: &'static str,
    config: PerpetualConfig,
}

fn column(bars: &[Ohlc], of: usize) -> Vec<f64> {
    bars.iter().map(|bar| bar[of]).collect()
}

impl World {
    /// Neither fees nor slippage, 1,000 of capital.
    fn new(bars: &[Ohlc]) -> Self {
        let tiers = r#"[{"above": 0, "rate": 0.004, "deduction": 0}]"#;
        let config = PerpetualConfig {
            taker: Fraction::ZERO,
            maker: Fraction::ZERO,
            slippage_coefficient: 0.0,
            ..PerpetualConfig::default()
        };
        Self { last: bars.to_vec(), mark: bars.to_vec(), rates: vec![0.0; bars.len()], tiers, config }
    }

    fn with<T>(&self, run: impl FnOnce(&Market<'_>, &Contract) -> T) -> T {
        let time: Vec<i64> = (0..self.last.len() as i64).map(|row| row * 8 * HOUR_MS).collect();
        let [open, high, low, close] = [0, 1, 2, 3].map(|of| column(&self.last, of));
        let volume = vec![1_000.0; time.len()];
        let market = Market {
            open_time: &time,
            open: &open,
            high: &high,
            low: &low,
            close: &close,
            signals: Signals::default().with(Column::Volume, &volume),
            interval_ms: 8 * HOUR_MS,
            first: 0,
        };
        let [open, high, low, close] = [0, 1, 2, 3].map(|of| column(&self.mark, of));
        let marks = Marks { open, high, low, close };
        let rate = |(&time, &rate): (&i64, &f64)| FundingRate { time, rate, mark: None, hours: None };
        let rates: Vec<FundingRate> = time.iter().zip(&self.rates).map(rate).collect();
        let tiers: Tiers = serde_json::from_str(self.tiers).unwrap();
        run(&market, &Contract::new(tiers, Some(marks), &rates, 8, &market).unwrap())
    }

    fn replay(&self, strategy: &Scripted) -> Journal {
        self.replay_of(strategy.clone())
    }

    fn replay_of(&self, mut strategy: impl Strategy) -> Journal {
        self.with(|market, contract| {
            let (mut journal, mut venue) = (Journal::default(), Perpetual::new(self.config, contract));
            replay(market, &mut strategy, &mut venue, 1_000.0, &mut journal);
            journal
        })
    }
}

const STILL: Ohlc = [100.0; 4];

/// Buys ten at 100 at the open of the second bar: all of the equity.
fn ten_long() -> Scripted {
    Scripted { orders: vec![(0, Order::Buy(Budget::Equity(Fraction::ONE)))], ..Scripted::default() }
}

fn reasons(journal: &Journal) -> Vec<(usize, &'static str, f64)> {
    journal.fills.iter().skip(1).map(|row| (row.fill.row, row.reason.name(), row.fill.price)).collect()
}

fn last(journal: &Journal) -> f64 {
    *journal.equity.last().unwrap()
}

#[test]
fn what_is_opened_at_a_settlement_does_not_pay_it_and_what_is_closed_at_one_does() {
    let mut world = World::new(&[STILL; 6]);
    world.rates = vec![0.9, 0.01, 0.001, 0.002, 0.004, 0.008];
    let closing = (3, Order::Sell(Fraction::ONE));
    let journal =
        world.replay(&Scripted { orders: [ten_long().orders, vec![closing]].concat(), ..Scripted::default() });
    // Opened at the open of row 1, closed at that of row 4.
    assert_eq!(journal.funding, [1.0, 2.0, 4.0]);
    assert!((last(&journal) - 993.0).abs() < 1e-9);
}

#[test]
fn a_turn_that_is_sized_is_as_large_as_one_that_is_not() {
    let equity = |share: f64| Budget::Equity(Fraction::new(share));
    let orders = vec![(0, Order::Short(Fraction::ONE)), (2, Order::Buy(equity(1.0))), (4, Order::Short(Fraction::ONE))];
    let script = Scripted { orders, ..Scripted::default() };
    for leverage in [1.0, 5.0] {
        let mut world = World::new(&[STILL; 8]);
        world.config.leverage = leverage;
        let asked = world.replay(&script);
        assert_eq!(asked.fills.iter().map(|row| row.fill.units).collect::<Vec<_>>(), [10.0, 20.0, 20.0]);
        let sized = world.replay_of(WithSizing::new(script.clone(), SizingConfig::OWN, ExitConfig::default()));
        assert_eq!(sized.fills, asked.fills, "{leverage}");
    }
}

#[test]
fn both_sides_are_held_to_the_limits_of_the_account() {
    let risk = RiskConfig { total_exposure: Some(Fraction::new(0.4)), ..RiskConfig::default() };
    let all = Order::Buy(Budget::Equity(Fraction::ONE));
    let orders = vec![(0, all), (1, all), (2, Order::Short(Fraction::ONE))];
    let limited = Limited::new(Scripted { orders, ..Scripted::default() }, risk);
    let journal = World::new(&[STILL; 6]).replay_of(limited);
    // 400 of 1,000; the limit is hit; then 4 are sold, and 4 sold short.
    assert_eq!(journal.fills.iter().map(|row| row.fill.units).collect::<Vec<_>>(), [4.0, 8.0]);
    assert_eq!(journal.rejections, [(1, Rejection::Limit(Limit::TotalExposure))]);
    assert_eq!(journal.cuts, [(0, Limit::TotalExposure), (2, Limit::TotalExposure)]);
}

#[test]
fn liquidation_is_on_the_mark_and_takes_the_margin() {
    let mut world = World::new(&[STILL, STILL, [99.0, 99.5, 94.0, 98.0], STILL]);
    world.mark[2] = [99.0, 99.5, 95.5, 98.0];
    assert_eq!(reasons(&world.replay(&ten_long())), [], "last prices fell to 94, mark prices to 95.5");
    world.mark[2] = [99.0, 99.5, 95.3, 98.0];
    let journal = world.replay(&ten_long());
    assert_eq!(reasons(&journal), [(2, "liquidation", 95.0)], "at the bankruptcy price");
    assert!((last(&journal) - 950.0).abs() < 1e-9);
}

#[test]
fn a_stop_is_first_where_it_is_nearer_and_never_saves_behind_the_liquidation_price() {
    let world = World::new(&[STILL, STILL, [99.0, 99.5, 94.0, 98.0], STILL]);
    let with = |stop| reasons(&world.replay(&Scripted { stop: Some(stop), ..ten_long() }));
    assert_eq!(with(96.0), [(2, "stop_loss", 96.0)]);
    assert_eq!(with(95.0), [(2, "liquidation", 95.0)]);
}

#[test]
fn a_mark_that_opens_beyond_comes_before_the_order_at_the_open() {
    let mut world = World::new(&[STILL, STILL, STILL, STILL]);
    world.mark[2] = [95.0, 100.0, 95.0, 100.0];
    let closing = (1, Order::Sell(Fraction::ONE));
    let journal =
        world.replay(&Scripted { orders: [ten_long().orders, vec![closing]].concat(), ..Scripted::default() });
    assert_eq!(reasons(&journal), [(2, "liquidation", 95.0)]);
    assert_eq!(journal.rejections, [(1, Rejection::NoPosition)], "there is nothing left to sell");
}

#[test]
fn a_position_is_liquidated_in_the_bar_of_its_entry_as_well() {
    let world = World::new(&[STILL, [100.0, 100.0, 95.0, 99.0], STILL]);
    assert_eq!(reasons(&world.replay(&ten_long())), [(1, "liquidation", 95.0)]);
}

#[test]
fn funding_is_settled_before_liquidation_looks_at_the_margin() {
    // At 95.8 a margin of 50 suffices, and what 957.9 of funding leave of 1,000 does not: 42.1 - 42 < 3.8.
    let mut world = World::new(&[STILL, STILL, [95.8, 95.8, 95.8, 95.8], STILL]);
    let free_of_funding = world.replay(&ten_long());
    assert_eq!(reasons(&free_of_funding), []);
    world.rates[2] = 0.9999;
    let journal = world.replay(&ten_long());
    assert_eq!(reasons(&journal)[0].1, "liquidation", "the margin is 42.1");
    let paid = 0.9999 * 958.0;
    assert!((journal.funding[0] - paid).abs() < 1e-9);
    assert!(last(&journal) < 1e-9 && last(&journal) > -1e-9, "{}", last(&journal));
}

#[test]
fn equity_is_marked_at_the_mark_price() {
    let mut world = World::new(&[STILL; 3]);
    world.mark = vec![[101.0; 4]; 3];
    let journal = world.replay(&ten_long());
    assert_eq!(journal.equity, [1_000.0, 1_010.0, 1_010.0], "ten bought at 100 are worth 101 each");
}

#[test]
fn an_order_for_a_share_is_cut_to_what_free_cash_can_carry() {
    let mut world = World::new(&[STILL; 4]);
    (world.config.leverage, world.config.taker) = (1.0, Fraction::new(0.001));
    let again = (1, Order::Buy(Budget::Equity(Fraction::ONE)));
    let journal = world.replay(&Scripted { orders: [ten_long().orders, vec![again]].concat(), ..Scripted::default() });
    let units: Vec<f64> = journal.fills.iter().map(|row| row.fill.units).collect();
    assert!((units[0] - 1_000.0 / 100.1).abs() < 1e-9, "the fee is in it");
    assert_eq!(units.len(), 1, "nothing is left for a second one: {units:?}");
    assert_eq!(journal.rejections, [(1, Rejection::InsufficientMargin)]);
}

#[test]
fn a_turn_that_the_tier_refuses_closes_the_position_and_opens_none() {
    // Ten bought at 100 are worth 200 each; ten sold short at 200 would be 2,000, for which a leverage of 3 is too high.
    let [doubled, fallen] = [[200.0; 4], [100.0; 4]];
    let mut world = World::new(&[STILL, STILL, doubled, doubled, fallen]);
    world.config.leverage = 3.0;
    world.tiers = r#"[{"above": 0, "rate": 0.004, "deduction": 0, "max_leverage": 125},
        {"above": 1500, "rate": 0.005, "deduction": 1.5, "max_leverage": 2}]"#;
    let turn = (2, Order::Short(Fraction::ONE));
    let journal = world.replay(&Scripted { orders: [ten_long().orders, vec![turn]].concat(), ..Scripted::default() });
    let fills: Vec<(usize, f64, f64)> =
        journal.fills.iter().map(|row| (row.fill.row, row.fill.units, row.fill.price)).collect();
    assert_eq!(fills, [(1, 10.0, 100.0), (3, 10.0, 200.0)]);
    assert_eq!((last(&journal), journal.rejections.len()), (2_000.0, 0), "flat while the price falls");
}

#[test]
fn nothing_is_opened_where_slippage_leaves_no_price() {
    let bars: Vec<Ohlc> = (0..26).map(|row| if row % 2 == 0 { STILL } else { [101.0; 4] }).collect();
    let mut world = World::new(&bars);
    // The deviation of the last twenty returns is about 1 %, and ten units are a hundredth of the volume: a thousandth of k.
    world.config.slippage_coefficient = 2_000.0;
    let short = Scripted { orders: vec![(20, Order::Short(Fraction::ONE))], ..Scripted::default() };
    let journal = world.replay(&short);
    assert_eq!(journal.rejections, [(20, Rejection::Unpriced)]);
    assert_eq!((journal.fills.len(), last(&journal)), (0, 1_000.0));
}

#[test]
fn slippage_is_what_was_known_at_the_decision_and_a_target_pays_none() {
    let bars: Vec<Ohlc> = (0..24).map(|row| if row % 2 == 0 { STILL } else { [101.0; 4] }).collect();
    let mut world = World::new(&bars);
    (world.config.slippage_coefficient, world.config.spread) = (0.1, Fraction::from_bps(2.0));
    let early = Scripted { orders: vec![(19, Order::Buy(Budget::Equity(Fraction::ONE)))], ..Scripted::default() };
    assert_eq!(world.replay(&early).rejections, [(19, Rejection::Unpriced)], "19 returns");
    let buys = Scripted {
        orders: vec![(20, Order::Buy(Budget::Equity(Fraction::ONE)))],
        target: Some(101.0),
        ..Scripted::default()
    };
    let journal = world.replay(&buys);
    let (bought, sold) = (journal.fills[0].fill, journal.fills[1].fill);
    let sigma = 1.01_f64.ln() * (20.0_f64 / 19.0).sqrt();
    let expected = 101.0 * (1.0 + 0.0001 + 0.1 * sigma * (bought.units / 1_000.0).sqrt());
    assert!((bought.price - expected).abs() < 1e-9, "{} is not {expected}", bought.price);
    assert_eq!((sold.price, sold.spread_cost, journal.fills[1].reason), (101.0, 0.0, Reason::TakeProfit));
}

fn bar() -> impl proptest::strategy::Strategy<Value = [f64; 3]> {
    [-0.03_f64..0.03, 0.0..0.03, 0.0..0.03]
}

fn bars(moves: &[[f64; 3]], basis: f64) -> Vec<Ohlc> {
    let mut open = 100.0;
    let bar = |&[by, above, below]: &[f64; 3]| {
        let close = open * (1.0 + by);
        let (high, low) = (f64::max(open, close) * (1.0 + above), f64::min(open, close) * (1.0 - below));
        let bar = [open, high, low, close].map(|price| price * basis);
        open = close;
        bar
    };
    moves.iter().map(bar).collect()
}

fn order() -> impl proptest::strategy::Strategy<Value = Order> {
    let share = || (0.01_f64..1.0).prop_map(Fraction::new);
    prop_oneof![
        share().prop_map(|share| Order::Buy(Budget::Equity(share))),
        share().prop_map(Order::Short),
        share().prop_map(Order::Sell),
        share().prop_map(Order::Cover),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    /// What moved the equity is known from fills and settlements alone, whatever the books say.
    #[test]
    fn equity_follows_from_fills_funding_and_prices(
        moves in prop::collection::vec(bar(), 2..40),
        rates in prop::collection::vec(-0.005_f64..0.005, 40),
        orders in prop::collection::vec(order(), 40),
        leverage in 1.0_f64..100.0, basis in 0.99_f64..1.01, stop in 0.9_f64..1.1,
    ) {
        let rows = moves.len();
        let mut world = World::new(&bars(&moves, 1.0));
        world.mark = bars(&moves, basis);
        world.rates = rates[..rows].to_vec();
        world.config = PerpetualConfig { leverage, spread: Fraction::new(0.001), slippage_coefficient: 0.0, ..PerpetualConfig::default() };
        let strategy = Scripted { orders: orders.into_iter().take(rows).enumerate().collect(), stop: Some(100.0 * stop), target: None };
        let journal = world.replay(&strategy);
        let (mut cash, mut held) = (1_000.0 - journal.funding.iter().sum::<f64>(), 0.0);
        for FillRow { fill, .. } in &journal.fills {
            let sign = if fill.side == FillSide::Buy { 1.0 } else { -1.0 };
            held += sign * fill.units;
            cash -= sign * fill.notional + fill.cost;
        }
        let (equity, expected) = (last(&journal), cash + held * world.mark[rows - 1][3]);
        prop_assert!((equity - expected).abs() < 1e-7, "{equity} is not {expected}");

        let mut summary = Summary::default();
        world.with(|market, contract| {
            replay(market, &mut strategy.clone(), &mut Perpetual::new(world.config, contract), 1_000.0, &mut summary);
        });
        prop_assert_eq!(summary.final_equity, equity, "in stretches and bar by bar");
    }
}
