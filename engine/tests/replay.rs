//! The loop on markets small enough to be worked by hand.

use std::{cell::RefCell, rc::Rc};

use proptest::prelude::*;
use q50_engine::{
    decision::{Budget, Decision, Intent, Order, Reason},
    ledger::Account,
    market::{Column, History, Market, Signals},
    record::{Journal, Summary},
    replay::replay,
    strategy::risk::{Limited, RiskConfig},
    strategy::{
        Strategy, StrategyConfig,
        exits::{ExitConfig, ExitTrigger, WithExits},
        hold::BuyAndHold,
        threshold::{Threshold, ThresholdConfig},
    },
    units::Fraction,
    venue::{FillSide, FillTiming, LatencyPreset, NextOpen, Rejection},
};

struct World {
    time: Vec<i64>,
    open: Vec<f64>,
    high: Vec<f64>,
    low: Vec<f64>,
    close: Vec<f64>,
    signal: Vec<f64>,
}

impl World {
    fn new(bars: &[(f64, f64, f64)]) -> Self {
        let column = |f: fn(&(f64, f64, f64)) -> f64| bars.iter().map(f).collect::<Vec<f64>>();
        Self {
            time: (0..bars.len() as i64).map(|i| i * 1_000).collect(),
            open: column(|b| b.0),
            high: column(|b| b.0.max(b.1)),
            low: column(|b| b.0.min(b.1)),
            close: column(|b| b.1),
            signal: column(|b| b.2),
        }
    }

    fn market(&self) -> Market<'_> {
        Market {
            open_time: &self.time,
            open: &self.open,
            high: &self.high,
            low: &self.low,
            close: &self.close,
            signals: Signals::default().with(Column::Value, &self.signal),
            interval_ms: 1_000,
            first: 0,
        }
    }
}

fn threshold() -> Threshold {
    Threshold::new(ThresholdConfig { entry: 0.7, exit: 0.3, size: Fraction::ONE })
}

fn journal(world: &World, venue: &NextOpen) -> Journal {
    let mut journal = Journal::default();
    replay(&world.market(), &mut threshold(), &mut venue.clone(), 1_000.0, &mut journal);
    journal
}

/// (open, close, signal): buys at the open of bar 1, sells at the open of bar 3.
fn round_trip() -> World {
    World::new(&[(10.0, 10.0, 0.9), (10.0, 12.0, 0.5), (12.0, 11.0, 0.1), (11.0, 20.0, 0.5)])
}

#[test]
fn an_order_is_filled_at_the_next_open_and_marked_at_the_close() {
    let journal = journal(&round_trip(), &NextOpen::new(Fraction::ZERO));
    assert_eq!(journal.equity, [1_000.0, 1_200.0, 1_100.0, 1_100.0]);
    let fills: Vec<_> = journal.fills.iter().map(|row| (row.fill.row, row.fill.side, row.fill.units)).collect();
    assert_eq!(fills, [(1, FillSide::Buy, 100.0), (3, FillSide::Sell, 100.0)]);
    assert_eq!(journal.exposure, [0.0, 1.0, 1.0, 0.0]);
}

#[test]
fn costs_are_paid_on_both_sides() {
    let journal = journal(&round_trip(), &NextOpen::new(Fraction::new(0.25)));
    // 1000 buys 80 at 10 x 1.25; 80 x 11 x 0.75 is left.
    assert_eq!(journal.equity, [1_000.0, 960.0, 880.0, 660.0]);
    assert_eq!(journal.fills.iter().map(|row| row.fill.cost).sum::<f64>(), 200.0 + 220.0);
}

#[test]
fn the_legacy_timing_fills_at_the_close_that_was_decided_from() {
    let venue = NextOpen::new(Fraction::ZERO).with_timing(FillTiming::SameClose);
    let journal = journal(&round_trip(), &venue);
    assert_eq!(journal.equity, [1_000.0, 1_200.0, 1_100.0, 1_100.0]);
    assert_eq!(journal.fills[1].fill.row, 2);
}

#[test]
fn an_order_of_the_last_bar_finds_no_next_open() {
    let world = World::new(&[(10.0, 10.0, 0.5), (10.0, 10.0, 0.9)]);
    let journal = journal(&world, &NextOpen::new(Fraction::ZERO));
    assert_eq!(journal.rejections, [(1, Rejection::NoNextBar)]);
    assert!(journal.fills.is_empty());
}

#[test]
fn rows_before_the_first_are_history_and_are_not_traded() {
    let world = World::new(&[(10.0, 10.0, 0.9), (10.0, 10.0, 0.9), (10.0, 10.0, 0.5), (10.0, 10.0, 0.5)]);
    let market = Market { first: 1, ..world.market() };
    let mut journal = Journal::default();
    replay(&market, &mut threshold(), &mut NextOpen::new(Fraction::ZERO), 1_000.0, &mut journal);
    assert_eq!(journal.equity.len(), 3);
    assert_eq!(journal.fills[0].fill.row, 2, "decided on row 1, the first that is traded");
}

#[test]
fn every_bar_has_one_reason() {
    let world = round_trip();
    let journal = journal(&world, &NextOpen::new(Fraction::ZERO));
    let counts = journal.reasons();
    assert_eq!(counts.iter().sum::<usize>(), world.time.len());
    assert_eq!(counts[Reason::EnterLong as usize], 1);
    assert_eq!(counts[Reason::ExitLong as usize], 1);
    assert_eq!(counts[Reason::Neutral as usize], 2);
}

#[test]
fn a_resting_stop_closes_inside_the_bar() {
    let world = World::new(&[(10.0, 10.0, 0.0), (10.0, 10.0, 0.0), (10.0, 7.0, 0.0), (7.0, 8.0, 0.0)]);
    let config =
        ExitConfig { stop_loss: Some(Fraction::new(0.2)), trigger: ExitTrigger::Intrabar, ..ExitConfig::default() };
    let mut journal = Journal::default();
    let mut strategy = WithExits::new(BuyAndHold, config);
    replay(&world.market(), &mut strategy, &mut NextOpen::new(Fraction::ZERO), 1_000.0, &mut journal);
    let stopped = &journal.fills[1];
    assert_eq!((stopped.fill.row, stopped.fill.price, stopped.reason), (2, 8.0, Reason::StopLoss));
    assert_eq!(journal.equity[2], 800.0);
}

#[test]
fn the_summary_says_what_the_journal_says() {
    let world = round_trip();
    let mut summary = Summary::default();
    let mut venue = NextOpen::new(Fraction::from_bps(10.0));
    replay(&world.market(), &mut threshold(), &mut venue, 1_000.0, &mut summary);
    let journal = journal(&world, &venue);
    let returns = journal.returns();
    let n = returns.len() as f64;
    let mean = returns.iter().sum::<f64>() / n;
    let variance = returns.iter().map(|r| (r - mean).powi(2)).sum::<f64>() / (n - 1.0);
    assert!((summary.sharpe_per_period().unwrap().get() - mean / variance.sqrt()).abs() < 1e-12);
    assert_eq!(summary.final_equity, *journal.equity.last().unwrap());
    assert_eq!((summary.bars, summary.fills, summary.bars_exposed), (4, 2, 2));
    assert!((summary.max_drawdown - (1.0 - journal.equity[3] / journal.equity[1])).abs() < 1e-12);
}

proptest! {
    /// Equity is cash plus position at every close, whatever the market: no money is made or lost outside fills.
    #[test]
    fn equity_changes_only_by_price_moves_and_costs(
        bars in prop::collection::vec((1.0_f64..100.0, 1.0_f64..100.0, 0.0_f64..1.0), 2..60), bps in 0.0_f64..100.0,
    ) {
        let world = World::new(&bars);
        let journal = journal(&world, &NextOpen::new(Fraction::from_bps(bps)));
        let (mut cash, mut units, mut fills) = (1_000.0, 0.0, journal.fills.iter().peekable());
        for t in 0..bars.len() {
            while let Some(row) = fills.next_if(|row| row.fill.row == t) {
                let signed = if row.fill.side == FillSide::Buy { row.fill.units } else { -row.fill.units };
                units += signed;
                cash -= signed * row.fill.price + row.fill.cost;
            }
            let expected: f64 = cash + units * world.close[t];
            prop_assert!((journal.equity[t] - expected).abs() <= 1e-9 * expected.abs().max(1.0));
            prop_assert!(units >= 0.0 && cash >= -1e-9 * expected.abs().max(1.0));
        }
    }

    /// Whatever is charged below the whole, an account that owes nothing keeps what it has or less, and never owes.
    #[test]
    fn a_long_account_never_falls_below_nothing(
        bars in prop::collection::vec((1.0_f64..100.0, 1.0_f64..100.0, 0.0_f64..1.0), 2..60),
        bps in 0.0_f64..10_000.0, spread in 0.0_f64..1.0,
    ) {
        let venue = NextOpen::new(Fraction::from_bps(bps)).with_spread(Fraction::new(spread));
        let journal = journal(&World::new(&bars), &venue);
        prop_assert!(journal.equity.iter().all(|&equity| equity >= -1e-9), "{:?}", journal.equity);
    }

    /// Scaling all prices changes no return: the loop knows no absolute price.
    #[test]
    fn prices_have_no_scale(
        bars in prop::collection::vec((1.0_f64..100.0, 1.0_f64..100.0, 0.0_f64..1.0), 2..40),
    ) {
        let scaled: Vec<_> = bars.iter().map(|b| (b.0 * 1024.0, b.1 * 1024.0, b.2)).collect();
        let venue = NextOpen::new(Fraction::from_bps(5.0));
        let (one, other) = (journal(&World::new(&bars), &venue), journal(&World::new(&scaled), &venue));
        prop_assert_eq!(one.equity, other.equity);
    }
}

#[test]
fn an_any_strategy_is_the_strategy_that_it_names() {
    let world = round_trip();
    let config = StrategyConfig::new(ThresholdConfig { entry: 0.7, exit: 0.3, size: Fraction::ONE });
    let mut any = Journal::default();
    let market = world.market();
    replay(&market, &mut config.prepare(&market), &mut NextOpen::new(Fraction::ZERO), 1_000.0, &mut any);
    assert_eq!(any, journal(&world, &NextOpen::new(Fraction::ZERO)));
}

#[test]
fn an_order_is_stamped_with_its_landing_and_priced_at_the_open_of_the_bar_in_progress() {
    let world = round_trip();
    let fills = |latency| {
        let venue = NextOpen::new(Fraction::ZERO).with_latency(latency);
        let fills = journal(&world, &venue).fills;
        fills.iter().map(|row| (row.fill.row, row.fill.time, row.fill.price)).collect::<Vec<_>>()
    };
    assert_eq!(fills(LatencyPreset::SolanaSlots(0)), [(1, 1_000, 10.0), (3, 3_000, 11.0)]);
    assert_eq!(fills(LatencyPreset::Cloud), [(1, 1_060, 10.0), (3, 3_060, 11.0)]);
    // 1.2 s after the close of bar 0 bar 2 is open; the sale of bar 2 lands after the last bar.
    assert_eq!(fills(LatencyPreset::SolanaSlots(3)), [(2, 2_200, 12.0)]);
}

#[test]
fn an_order_that_lands_between_two_bars_waits_for_the_next_to_open() {
    let mut world = round_trip();
    world.time[1..].iter_mut().for_each(|time| *time += 5_000);
    let journal = journal(&world, &NextOpen::new(Fraction::ZERO).with_latency(LatencyPreset::Retail));
    assert_eq!((journal.fills[0].fill.row, journal.fills[0].fill.time), (1, 6_000));
    assert_eq!((journal.fills[1].fill.row, journal.fills[1].fill.time), (3, 8_200));
}

#[test]
fn a_resting_exit_never_precedes_the_entry_of_its_own_bar() {
    let world = World::new(&[(10.0, 10.0, 0.0), (10.0, 7.0, 0.0), (7.0, 8.0, 0.0)]);
    let config =
        ExitConfig { stop_loss: Some(Fraction::new(0.2)), trigger: ExitTrigger::Intrabar, ..ExitConfig::default() };
    let mut journal = Journal::default();
    let mut venue = NextOpen::new(Fraction::ZERO).with_latency(LatencyPreset::International);
    replay(&world.market(), &mut WithExits::new(BuyAndHold, config), &mut venue, 1_000.0, &mut journal);
    let times: Vec<_> = journal.fills[..2].iter().map(|row| (row.fill.side, row.fill.time)).collect();
    assert_eq!(times, [(FillSide::Buy, 1_100), (FillSide::Sell, 1_100)]);
}

/// One order a bar, in this order; then holds.
struct Scripted(Vec<Order>);

impl Strategy for Scripted {
    fn decide(&mut self, history: History<'_>, _: &Account) -> Decision {
        match self.0.get(history.row()) {
            Some(&order) => Decision::Act(Intent { order, reason: Reason::EnterLong }),
            None => Decision::Hold(Reason::Neutral),
        }
    }
}

/// What `orders`, one a bar, come to at a price of 10.
fn scripted(orders: &[Order], mut venue: NextOpen) -> Journal {
    let world = World::new(&[(10.0, 10.0, 0.0); 4]);
    let mut journal = Journal::default();
    replay(&world.market(), &mut Scripted(orders.to_vec()), &mut venue, 1_000.0, &mut journal);
    journal
}

fn units(journal: &Journal) -> Vec<f64> {
    journal.fills.iter().map(|row| row.fill.units).collect()
}

#[test]
fn a_share_of_equity_is_one_of_equity_while_invested_too() {
    let buy = |share| Order::Buy(Budget::Equity(Fraction::new(share)));
    assert_eq!(units(&scripted(&[buy(0.5), buy(0.25)], NextOpen::new(Fraction::ZERO))), [50.0, 25.0]);
    let short = |share| Order::Short(Fraction::new(share));
    let shorting = NextOpen::new(Fraction::ZERO).with_free_shorting();
    assert_eq!(units(&scripted(&[short(0.5), short(0.25)], shorting)), [50.0, 25.0]);
}

#[test]
fn an_order_in_flight_is_not_replaced() {
    let buy = |share| Order::Buy(Budget::Cash(Fraction::new(share)));
    let venue = NextOpen::new(Fraction::ZERO).with_latency(LatencyPreset::Milliseconds(1_500));
    let journal = scripted(&[buy(0.5), buy(1.0)], venue);
    assert_eq!(journal.rejections, [(1, Rejection::InFlight)]);
    assert_eq!(units(&journal), [50.0], "half of the cash, as the first order says");
}

/// Rows that a strategy was shown, and those at which it was asked.
#[derive(Clone, Default)]
struct Seen {
    observed: Rc<RefCell<Vec<usize>>>,
    asked: Rc<RefCell<Vec<usize>>>,
}

/// Buys at once and holds, and tells what it saw.
struct Witness(Seen);

impl Strategy for Witness {
    fn observe(&mut self, history: History<'_>) {
        self.0.observed.borrow_mut().push(history.row());
    }

    fn decide(&mut self, history: History<'_>, account: &Account) -> Decision {
        self.0.asked.borrow_mut().push(history.row());
        BuyAndHold.decide(history, account)
    }
}

#[test]
fn a_strategy_is_shown_every_bar_once_whoever_answers() {
    // Bought at the open of row 4, past the target at its close; bought again in row 6, which ends a fifth lower.
    let world = World::new(&[10.0, 10.0, 10.0, 10.0, 11.0, 10.0, 8.0, 8.0].map(|close| (10.0, close, 0.0)));
    let market = Market { first: 3, ..world.market() };
    let exits = ExitConfig { take_profit: Some(0.05), ..ExitConfig::default() };
    let limits = RiskConfig { max_daily_loss: Some(Fraction::new(0.01)), ..RiskConfig::default() };
    let mut journal = Journal::default();
    let seen = Seen::default();
    let mut limited = Limited::new(WithExits::new(Witness(seen.clone()), exits), limits);
    replay(&market, &mut limited, &mut NextOpen::new(Fraction::ZERO), 1_000.0, &mut journal);
    let answered: Vec<Reason> = journal.decisions.iter().map(|row| row.reason).collect();
    assert!(answered.contains(&Reason::TakeProfit) && answered.contains(&Reason::RiskExit), "{answered:?}");
    assert_eq!(*seen.observed.borrow(), [0, 1, 2, 3, 4, 5, 6, 7]);
    assert_eq!(*seen.asked.borrow(), [3, 4, 5, 6, 7]);
}
