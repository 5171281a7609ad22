//! Orders with a life of their own, on bars small enough to be worked by hand.

mod amounts;
mod beside;

use proptest::{prelude::*, strategy::Strategy as _};
use q50_engine::{
    decision::{Budget, Decision, Intent, Order, Reason},
    ledger::Account,
    market::{Column, History, Market, Signals},
    matching::RestingExits,
    orders::{Amount, Event, OrderKind, OrderRequest, Orders, Outcome},
    record::Journal,
    replay::replay,
    strategy::Strategy,
    strategy::risk::{Limited, RiskConfig},
    units::{Bps, Fraction},
    venue::{
        FillSide, LatencyPreset, NextOpen, PoolPath, PumpSwap, PumpSwapConfig, Rejection, Venue, pump_swap::PoolFees,
    },
};

/// Bars of an hour: open, high, low, close.
struct Bars {
    time: Vec<i64>,
    columns: [Vec<f64>; 4],
    volume: Vec<f64>,
}

impl Bars {
    fn new(bars: &[[f64; 4]]) -> Self {
        Self {
            time: (0..bars.len() as i64).map(|row| row * 3_600_000).collect(),
            columns: [0, 1, 2, 3].map(|column| bars.iter().map(|bar| bar[column]).collect()),
            volume: vec![f64::NAN; bars.len()],
        }
    }

    fn market(&self) -> Market<'_> {
        let [open, high, low, close] = &self.columns;
        let signals = Signals::default().with(Column::Volume, &self.volume);
        Market { open_time: &self.time, open, high, low, close, signals, interval_ms: 3_600_000, first: 0 }
    }
}

/// Does what it is told at a row and on hearing of an event.
struct Scripted<P, H> {
    place: P,
    hear: H,
}

impl<P: FnMut(usize, &mut Orders), H: FnMut(&Event, &mut Orders)> Strategy for Scripted<P, H> {
    fn decide(&mut self, _: History<'_>, _: &Account) -> Decision {
        Decision::Hold(Reason::Neutral)
    }

    fn places_orders(&self) -> bool {
        true
    }

    fn place(&mut self, history: History<'_>, _: &Account, orders: &mut Orders) {
        (self.place)(history.row(), orders);
    }

    fn on_event(&mut self, event: &Event, orders: &mut Orders) {
        (self.hear)(event, orders);
    }
}

fn run<V: Venue>(
    bars: &Bars,
    mut venue: V,
    place: impl FnMut(usize, &mut Orders),
    hear: impl FnMut(&Event, &mut Orders),
) -> Journal {
    let mut journal = Journal::default();
    replay(&bars.market(), &mut Scripted { place, hear }, &mut venue, 10_000.0, &mut journal);
    journal
}

fn free() -> NextOpen {
    NextOpen::new(Fraction::ZERO)
}

fn buy(kind: OrderKind, units: f64) -> OrderRequest {
    OrderRequest::new(FillSide::Buy, kind, Amount::Units(units), Reason::EnterLong)
}

fn sell(kind: OrderKind, units: f64) -> OrderRequest {
    OrderRequest::new(FillSide::Sell, kind, Amount::Units(units), Reason::ExitLong)
}

/// A stop and a target for all that is held.
fn bracket(stop: f64, target: f64) -> [OrderRequest; 2] {
    let close = |kind, reason| OrderRequest::new(FillSide::Sell, kind, Amount::Position, reason);
    [close(OrderKind::Stop(stop), Reason::StopLoss), close(OrderKind::Limit(target), Reason::TakeProfit)]
}

/// Row, units with their sign, and price of each fill.
fn fills(journal: &Journal) -> Vec<(usize, f64, f64)> {
    let signed = |fill: &q50_engine::venue::Fill| if fill.side == FillSide::Buy { fill.units } else { -fill.units };
    journal.fills.iter().map(|row| (row.fill.row, signed(&row.fill), row.fill.price)).collect()
}

fn outcomes(journal: &Journal) -> Vec<(usize, &'static str)> {
    let name = |outcome: &Outcome| match outcome {
        Outcome::Accepted => "accepted",
        Outcome::PartiallyFilled(_) => "part",
        Outcome::Filled(_) => "filled",
        Outcome::Rejected(_) => "rejected",
        Outcome::Cut(_) => "cut",
        Outcome::Charged(_) => "charged",
        Outcome::Funding(_) => "funding",
        Outcome::Cancelled => "cancelled",
        Outcome::Expired => "expired",
    };
    journal.events.iter().map(|event| (event.row, name(&event.outcome))).collect()
}

const QUIET: [f64; 4] = [100.0, 101.0, 99.0, 100.0];

#[test]
fn a_limit_waits_for_its_price_and_takes_a_better_open() {
    let once = |row: usize, orders: &mut Orders| {
        if row == 0 {
            orders.place(buy(OrderKind::Limit(95.0), 2.0));
        }
    };
    let reached = Bars::new(&[QUIET, QUIET, [98.0, 99.0, 94.0, 96.0]]);
    assert_eq!(fills(&run(&reached, free(), once, |_, _| {})), [(2, 2.0, 95.0)]);
    let gap = Bars::new(&[QUIET, QUIET, [93.0, 99.0, 92.0, 96.0]]);
    assert_eq!(fills(&run(&gap, free(), once, |_, _| {})), [(2, 2.0, 93.0)]);
}

#[test]
fn a_limit_is_never_filled_worse_than_its_price_spread_included() {
    let wide = free().with_spread(Fraction::new(0.02));
    let place = |row: usize, orders: &mut Orders| {
        if row == 0 {
            orders.place(buy(OrderKind::Limit(95.0), 1.0));
        }
    };
    // The ask is 95.95 where the mid is 95, and 95 where it is 94.06.
    let short_of_it = Bars::new(&[QUIET, [100.0, 100.0, 95.0, 96.0]]);
    assert_eq!(fills(&run(&short_of_it, wide, place, |_, _| {})), []);
    let journal = run(&Bars::new(&[QUIET, [100.0, 100.0, 94.0, 96.0]]), wide, place, |_, _| {});
    assert!((journal.fills[0].fill.price - 95.0).abs() < 1e-12, "{:?}", journal.fills);
}

#[test]
fn of_a_stop_and_a_target_one_cancels_the_other() {
    let bars = Bars::new(&[QUIET, QUIET, [100.0, 112.0, 98.0, 111.0], [100.0, 101.0, 80.0, 81.0]]);
    let place = |row: usize, orders: &mut Orders| {
        if row == 0 {
            orders.place(buy(OrderKind::Market, 1.0));
        }
    };
    let hear = |event: &Event, orders: &mut Orders| {
        if let Outcome::Filled(fill) = event.outcome
            && event.reason == Reason::EnterLong
        {
            orders.place_pair(bracket(fill.price * 0.9, fill.price * 1.1));
        }
    };
    let journal = run(&bars, free(), place, hear);
    assert_eq!(fills(&journal), [(1, 1.0, 100.0), (2, -1.0, 110.00000000000001)]);
    let expected = [(1, "accepted"), (1, "filled"), (1, "accepted"), (1, "accepted"), (2, "filled"), (2, "cancelled")];
    assert_eq!(outcomes(&journal), expected);
}

#[test]
fn after_a_fill_inside_a_bar_a_target_counts_only_if_the_close_reaches_it_and_a_stop_always() {
    let place = |row: usize, orders: &mut Orders| {
        if row == 0 {
            orders.place(buy(OrderKind::Limit(95.0), 1.0));
        }
    };
    let hear = |event: &Event, orders: &mut Orders| {
        if matches!(event.outcome, Outcome::Filled(_)) && event.reason == Reason::EnterLong {
            orders.place_pair(bracket(90.0, 105.0));
        }
    };
    // The high of 106 may have come before the low of 94.
    let unknown = Bars::new(&[QUIET, [100.0, 106.0, 94.0, 96.0]]);
    assert_eq!(fills(&run(&unknown, free(), place, hear)), [(1, 1.0, 95.0)]);
    let certain = Bars::new(&[QUIET, [100.0, 106.0, 94.0, 105.5]]);
    assert_eq!(fills(&run(&certain, free(), place, hear)), [(1, 1.0, 95.0), (1, -1.0, 105.0)]);
    let through = Bars::new(&[QUIET, [100.0, 106.0, 89.0, 105.5]]);
    assert_eq!(fills(&run(&through, free(), place, hear)), [(1, 1.0, 95.0), (1, -1.0, 90.0)]);
}

#[test]
fn a_market_order_on_hearing_of_a_fill_waits_for_the_next_open() {
    let bars = Bars::new(&[QUIET, QUIET, [103.0, 104.0, 102.0, 103.0]]);
    let place = |row: usize, orders: &mut Orders| {
        if row == 0 {
            orders.place(buy(OrderKind::Market, 1.0));
        }
    };
    let hear = |event: &Event, orders: &mut Orders| {
        if matches!(event.outcome, Outcome::Filled(_)) && event.reason == Reason::EnterLong {
            orders.place(sell(OrderKind::Market, 1.0));
        }
    };
    assert_eq!(fills(&run(&bars, free(), place, hear)), [(1, 1.0, 100.0), (2, -1.0, 103.0)]);
}

#[test]
fn orders_share_the_volume_of_a_bar_and_work_on_with_the_rest() {
    let mut bars = Bars::new(&[QUIET; 5]);
    bars.volume = vec![1_000.0, 40.0, f64::NAN, 30.0, 50.0];
    let place = |row: usize, orders: &mut Orders| {
        if row == 0 {
            orders.place(buy(OrderKind::Market, 6.0));
            orders.place(buy(OrderKind::Limit(100.0), 3.0));
        }
    };
    // A tenth of 40, unknown, 30 and 50: 4; nothing; 2 and 1; 2.
    let journal = run(&bars, free().with_participation(Fraction::new(0.1)), place, |_, _| {});
    assert_eq!(fills(&journal), [(1, 4.0, 100.0), (3, 2.0, 100.0), (3, 1.0, 100.0), (4, 2.0, 100.0)]);
    let expected = [(1, "accepted"), (1, "accepted"), (1, "part"), (3, "filled"), (3, "part"), (4, "filled")];
    assert_eq!(outcomes(&journal), expected);
}

#[test]
fn an_order_is_cancelled_and_expires() {
    let bars = Bars::new(&[QUIET, QUIET, [100.0, 101.0, 90.0, 91.0], [91.0, 92.0, 80.0, 81.0]]);
    let mut first = None;
    let place = |row: usize, orders: &mut Orders| match row {
        0 => {
            first = Some(orders.place(buy(OrderKind::Limit(95.0), 1.0)));
            orders.place(buy(OrderKind::Limit(85.0), 1.0).until(3 * 3_600_000));
        }
        1 => orders.cancel(first.unwrap()),
        _ => {}
    };
    let journal = run(&bars, free(), place, |_, _| {});
    assert_eq!(fills(&journal), []);
    assert_eq!(outcomes(&journal), [(1, "accepted"), (1, "accepted"), (2, "cancelled"), (3, "expired")]);
}

#[test]
fn an_order_that_is_over_when_it_lands_never_works() {
    let bars = Bars::new(&[QUIET; 3]);
    let until = |time: i64| {
        move |row: usize, orders: &mut Orders| {
            if row == 0 {
                orders.place(buy(OrderKind::Market, 1.0).until(time));
            }
        }
    };
    // Decided at 3,600,000, where the next bar opens.
    assert_eq!(outcomes(&run(&bars, free(), until(3_600_000), |_, _| {})), [(1, "accepted"), (1, "expired")]);
    assert_eq!(outcomes(&run(&bars, free(), until(3_600_001), |_, _| {})), [(1, "accepted"), (1, "filled")]);
    // It lands half an hour later.
    let late = free().with_latency(LatencyPreset::Milliseconds(1_800_000));
    assert_eq!(outcomes(&run(&bars, late, until(5_400_000), |_, _| {})), [(1, "accepted"), (1, "expired")]);
    assert_eq!(outcomes(&run(&bars, late, until(5_400_001), |_, _| {})), [(1, "accepted"), (1, "filled")]);
}

#[test]
fn an_order_that_works_at_the_end_of_the_record_is_cancelled_there() {
    let place = |row: usize, orders: &mut Orders| {
        if row == 0 {
            orders.place(buy(OrderKind::Limit(50.0), 1.0));
        }
    };
    let journal = run(&Bars::new(&[QUIET; 3]), free(), place, |_, _| {});
    assert_eq!(outcomes(&journal), [(1, "accepted"), (2, "cancelled")]);
    assert_eq!(journal.events[1].time, 3 * 3_600_000);
    assert_eq!(journal.rejections, []);
}

#[test]
fn a_reduce_only_order_is_cut_to_the_position_and_cancelled_where_there_is_none() {
    let bars = Bars::new(&[QUIET; 4]);
    let place = |row: usize, orders: &mut Orders| match row {
        0 => {
            orders.place(buy(OrderKind::Market, 2.0));
        }
        1 => {
            orders.place(sell(OrderKind::Market, 5.0).reduce_only());
            orders.place(sell(OrderKind::Market, 5.0).reduce_only());
        }
        _ => {}
    };
    let journal = run(&bars, free().with_free_shorting(), place, |_, _| {});
    assert_eq!(fills(&journal), [(1, 2.0, 100.0), (2, -2.0, 100.0)]);
    assert_eq!(outcomes(&journal)[2..], [(2, "accepted"), (2, "accepted"), (2, "filled"), (2, "cancelled")]);
}

#[test]
fn an_order_lands_after_its_latency_and_one_that_lands_after_the_last_bar_is_rejected() {
    let bars = Bars::new(&[QUIET, [101.0, 102.0, 100.0, 101.0], [103.0, 104.0, 102.0, 103.0]]);
    let place = |row: usize, orders: &mut Orders| {
        if row != 1 {
            orders.place(buy(OrderKind::Market, 1.0));
        }
    };
    let venue = free().with_latency(LatencyPreset::Milliseconds(3_600_000 + 1));
    let journal = run(&bars, venue, place, |_, _| {});
    assert_eq!(fills(&journal), [(2, 1.0, 103.0)]);
    assert_eq!(journal.fills[0].fill.time, 2 * 3_600_000 + 1);
    assert_eq!(journal.rejections, [(2, Rejection::NoNextBar)]);
}

#[test]
fn what_cannot_be_paid_or_covered_is_rejected_and_the_books_are_as_they_were() {
    let bars = Bars::new(&[QUIET; 3]);
    let place = |row: usize, orders: &mut Orders| {
        if row == 0 {
            orders.place(buy(OrderKind::Market, 101.0));
            orders.place(sell(OrderKind::Market, 1.0));
        }
    };
    let journal = run(&bars, free(), place, |_, _| {});
    assert_eq!(journal.rejections, [(0, Rejection::NoCash), (0, Rejection::NoPosition)]);
    assert_eq!(journal.equity, [10_000.0; 3]);
}

#[test]
fn a_pool_takes_no_order_that_waits() {
    let bars = Bars::new(&[QUIET; 3]);
    let path = PoolPath::rebuilt(&bars.columns[0], &bars.columns[3], 0, q50_engine::units::Lamports(1_000_000_000_000))
        .unwrap();
    let place = |row: usize, orders: &mut Orders| {
        if row == 0 {
            orders.place(buy(OrderKind::Limit(95.0), 1.0));
            let all = Amount::Quote(5.0);
            orders.place(OrderRequest::new(FillSide::Buy, OrderKind::Market, all, Reason::EnterLong));
        }
    };
    let journal = run(&bars, PumpSwap::new(PumpSwapConfig::default(), &path, 0), place, |_, _| {});
    assert_eq!(journal.rejections, [(0, Rejection::Unsupported)]);
    assert_eq!(journal.fills.len(), 1);
}

#[test]
fn two_orders_of_one_bar_meet_one_pool() {
    let bars = Bars::new(&[QUIET; 3]);
    let path = PoolPath::rebuilt(&bars.columns[0], &bars.columns[3], 0, q50_engine::units::Lamports(1_000_000_000_000))
        .unwrap();
    let bought = |orders_of_a_bar: usize| {
        let place = |row: usize, orders: &mut Orders| {
            for _ in 0..if row == 0 { orders_of_a_bar } else { 0 } {
                let part = Amount::Quote(100.0 / orders_of_a_bar as f64);
                orders.place(OrderRequest::new(FillSide::Buy, OrderKind::Market, part, Reason::EnterLong));
            }
        };
        let config = PumpSwapConfig { fees: PoolFees::Uniform(0), slippage: Bps(9_000), ..PumpSwapConfig::default() };
        let journal = run(&bars, PumpSwap::new(config, &path, 0), place, |_, _| {});
        journal.fills.iter().map(|row| row.fill.pool.unwrap().tokens.0 as f64).sum::<f64>()
    };
    // Without fees 100 SOL buy as much in ten parts as in one: the price of each is moved by those before it.
    assert!((bought(10) / bought(1) - 1.0).abs() < 1e-6, "{} {}", bought(10), bought(1));
}

#[test]
fn a_strategy_is_asked_for_resting_exits_before_it_can_know_the_close() {
    struct Foreseer;
    impl Strategy for Foreseer {
        fn decide(&mut self, history: History<'_>, _: &Account) -> Decision {
            let order = Order::Buy(Budget::Cash(Fraction::ONE));
            match history.row() {
                0 => Decision::Act(Intent { order, reason: Reason::EnterLong }),
                _ => Decision::Hold(Reason::AlreadyLong),
            }
        }

        fn resting(&self, account: &Account) -> RestingExits {
            // The highest of open and close, for whoever is shown the close.
            RestingExits { target: Some(account.price), long: true, ..RestingExits::NONE }
        }
    }
    let bars = Bars::new(&[QUIET, [100.0, 111.0, 99.0, 110.0], QUIET]);
    let mut journal = Journal::default();
    replay(&bars.market(), &mut Foreseer, &mut free(), 1_000.0, &mut journal);
    assert_eq!(fills(&journal), [(1, 10.0, 100.0), (1, -10.0, 100.0)], "the target is the open, not the close of 110");
}

#[test]
fn a_strategy_hears_that_its_decision_came_to_nothing() {
    struct Impatient(Vec<Outcome>);
    impl Strategy for Impatient {
        fn decide(&mut self, _: History<'_>, _: &Account) -> Decision {
            let order = Order::Buy(Budget::Cash(Fraction::ONE));
            Decision::Act(Intent { order, reason: Reason::EnterLong })
        }

        fn places_orders(&self) -> bool {
            true
        }

        fn on_event(&mut self, event: &Event, _: &mut Orders) {
            self.0.push(event.outcome);
        }
    }
    let bars = Bars::new(&[QUIET; 3]);
    let (mut strategy, mut journal) = (Impatient(Vec::new()), Journal::default());
    let mut venue = free().with_latency(LatencyPreset::Milliseconds(3_600_000 + 1));
    replay(&bars.market(), &mut strategy, &mut venue, 1_000.0, &mut journal);
    let heard: Vec<Rejection> = strategy
        .0
        .iter()
        .filter_map(|outcome| match outcome {
            Outcome::Rejected(rejection) => Some(*rejection),
            _ => None,
        })
        .collect();
    assert_eq!(heard, journal.rejections.iter().map(|(_, rejection)| *rejection).collect::<Vec<_>>());
    assert_eq!(heard[0], Rejection::InFlight);
}

#[test]
fn the_order_of_a_decision_is_an_event_too() {
    struct Holder(Vec<Event>);
    impl Strategy for Holder {
        fn decide(&mut self, history: History<'_>, _: &Account) -> Decision {
            let order = Order::Buy(Budget::Cash(Fraction::ONE));
            match history.row() {
                0 => Decision::Act(Intent { order, reason: Reason::EnterLong }),
                _ => Decision::Hold(Reason::AlreadyLong),
            }
        }

        fn places_orders(&self) -> bool {
            true
        }

        fn on_event(&mut self, event: &Event, _: &mut Orders) {
            self.0.push(*event);
        }
    }
    let (bars, mut strategy, mut journal) = (Bars::new(&[QUIET; 3]), Holder(Vec::new()), Journal::default());
    replay(&bars.market(), &mut strategy, &mut free(), 1_000.0, &mut journal);
    let [
        Event {
            order: None,
            reason: Reason::EnterLong,
            decided_row: 0,
            row: 1,
            time: 3_600_000,
            outcome: Outcome::Filled(fill),
        },
    ] = strategy.0[..]
    else {
        panic!("{:?}", strategy.0)
    };
    assert_eq!(fill.units, 10.0);
}

#[test]
fn while_a_limit_on_the_account_is_broken_nothing_works() {
    let bars = Bars::new(&[QUIET, QUIET, [50.0, 50.0, 50.0, 50.0], [50.0, 50.0, 40.0, 50.0], QUIET]);
    let place = |row: usize, orders: &mut Orders| {
        if row == 0 {
            orders.place(buy(OrderKind::Market, 50.0));
            orders.place(buy(OrderKind::Limit(45.0), 1.0));
        } else {
            orders.place(buy(OrderKind::Market, 1.0));
        }
    };
    let config = RiskConfig { max_drawdown: Some(Fraction::new(0.2)), ..RiskConfig::default() };
    let mut strategy = Limited::new(Scripted { place, hear: |_: &Event, _: &mut Orders| {} }, config);
    let mut journal = Journal::default();
    replay(&bars.market(), &mut strategy, &mut free(), 10_000.0, &mut journal);
    // Halted at the close of row 2, when a quarter is lost: all is sold at the next open, and the limit is cancelled.
    assert_eq!(fills(&journal), [(1, 50.0, 100.0), (2, 1.0, 50.0), (3, -51.0, 50.0)]);
    assert!(outcomes(&journal).contains(&(3, "cancelled")), "{:?}", outcomes(&journal));
}

/// A request, and the row at whose close it is placed.
fn any_request() -> impl proptest::strategy::Strategy<Value = (usize, OrderRequest)> {
    let kind = prop_oneof![
        Just(OrderKind::Market),
        (80.0_f64..120.0).prop_map(OrderKind::Limit),
        (80.0_f64..120.0).prop_map(OrderKind::Stop),
    ];
    let amount = prop_oneof![
        (0.1_f64..30.0).prop_map(Amount::Units),
        (1.0_f64..3_000.0).prop_map(Amount::Quote),
        Just(Amount::Position),
    ];
    (0_usize..20, any::<[bool; 2]>(), kind, amount, prop::option::of(1_i64..20)).prop_map(
        |(row, [sell, reduce], kind, amount, hours)| {
            let side = if sell { FillSide::Sell } else { FillSide::Buy };
            let reason = if sell { Reason::ExitLong } else { Reason::EnterLong };
            let request = OrderRequest::new(side, kind, amount, reason);
            let request = if reduce { request.reduce_only() } else { request };
            (row, OrderRequest { expires: hours.map(|hours| hours * 3_600_000), ..request })
        },
    )
}

proptest! {
    /// Whatever is placed: fills lie in their bar, a limit is kept, every order ends once and is neither filled after its end
    /// nor in a bar that opens at its expiry or later, nor for more than its amount; a reduce-only order opens nothing, and a
    /// long account neither owes nor is overdrawn.
    #[test]
    fn an_order_keeps_its_word(
        requests in prop::collection::vec(any_request(), 1..12),
        changes in prop::collection::vec((-0.06_f64..0.06, 0.0_f64..0.03, 0.0_f64..0.03), 20),
        volume in prop::collection::vec(0.0_f64..40.0, 20),
        shared in any::<bool>(),
        pair in any::<bool>(),
    ) {
        let mut price = 100.0;
        let bars: Vec<[f64; 4]> = changes.iter().map(|(change, up, down)| {
            let open: f64 = price;
            price *= 1.0 + change;
            [open, open.max(price) * (1.0 + up), open.min(price) * (1.0 - down), price]
        }).collect();
        let bars = Bars { volume, ..Bars::new(&bars) };
        let venue = NextOpen::new(Fraction::from_bps(10.0));
        let venue = if shared { venue.with_participation(Fraction::new(0.5)) } else { venue };
        let mut placed = Vec::new();
        let place = |row: usize, orders: &mut Orders| {
            for (_, request) in requests.iter().filter(|(at, _)| *at == row) {
                placed.push((orders.place(*request), *request));
            }
        };
        let hear = |event: &Event, orders: &mut Orders| {
            if let Outcome::Filled(fill) = event.outcome && pair && event.reason == Reason::EnterLong {
                orders.place_pair(bracket(fill.price * 0.97, fill.price * 1.03));
            }
        };
        let journal = run(&bars, venue, place, hear);
        let market = bars.market();
        for row in &journal.fills {
            let bar = market.bar(row.fill.row);
            prop_assert!(bar.low <= row.fill.price && row.fill.price <= bar.high, "{:?} {bar:?}", row.fill);
        }
        for (id, request) in placed {
            let events = journal.events.iter().filter(|event| event.order == Some(id));
            let mut ended = false;
            let (mut units, mut quote) = (0.0, 0.0);
            for event in events {
                prop_assert!(!ended, "{event:?} after its end");
                if let Some(fill) = event.fill() {
                    let over = request.expires.is_some_and(|expires| expires <= market.bar(event.row).open_time);
                    prop_assert!(!over, "{event:?} of {request:?}");
                    units += fill.units;
                    quote += fill.notional + if fill.side == FillSide::Buy { fill.cost } else { 0.0 };
                }
                ended = !matches!(event.outcome, Outcome::Accepted | Outcome::PartiallyFilled(_));
                if let (Outcome::Filled(fill) | Outcome::PartiallyFilled(fill), OrderKind::Limit(limit)) =
                    (event.outcome, request.kind)
                {
                    let better = if fill.side == FillSide::Buy { limit - fill.price } else { fill.price - limit };
                    prop_assert!(better >= -1e-9, "{fill:?} beyond {limit}");
                }
            }
            prop_assert!(ended, "{request:?} never ended");
            match request.amount {
                Amount::Units(most) => prop_assert!(units <= most * (1.0 + 1e-9), "{units} of {request:?}"),
                Amount::Quote(most) => prop_assert!(quote <= most * (1.0 + 1e-9), "{quote} of {request:?}"),
                Amount::Position => {}
            }
        }
        prop_assert!(journal.exposure.iter().all(|share| (0.0..=1.0 + 1e-9).contains(share)), "{:?}", journal.exposure);
        if shared {
            for row in 0..20 {
                let had: f64 = journal.fills.iter().filter(|f| f.fill.row == row).map(|f| f.fill.units).sum();
                prop_assert!(had <= bars.volume[row] * 0.5 * (1.0 + 1e-9), "{had} of {}", bars.volume[row]);
            }
        }
    }
}

#[test]
fn what_happens_in_a_bar_is_never_stamped_before_what_happened_first() {
    let bars = Bars::new(&[QUIET, QUIET, [93.0, 94.0, 92.0, 93.0]]);
    let place = |row: usize, orders: &mut Orders| match row {
        0 => drop(orders.place(buy(OrderKind::Limit(95.0), 1.0))),
        1 => drop(orders.place(buy(OrderKind::Market, 2.0))),
        _ => {}
    };
    let journal = run(&bars, free().with_latency(LatencyPreset::Milliseconds(1_000)), place, |_, _| {});
    // The market order lands a second after the open, and is filled before the limit that was there.
    assert_eq!(fills(&journal), [(2, 2.0, 93.0), (2, 1.0, 93.0)]);
    let times: Vec<i64> = journal.events.iter().map(|event| event.time).collect();
    assert_eq!(times, [3_601_000, 7_201_000, 7_201_000, 7_201_000]);
}

#[test]
fn what_a_position_in_a_pool_is_worth_is_told_by_the_pools_price_and_not_by_that_of_the_bars() {
    let bars = Bars::new(&[QUIET; 4]);
    let path = PoolPath::rebuilt(&bars.columns[0], &bars.columns[3], 0, q50_engine::units::Lamports(1_000_000_000_000))
        .unwrap();
    let place = |row: usize, orders: &mut Orders| {
        let market = |side, quote| OrderRequest::new(side, OrderKind::Market, Amount::Quote(quote), Reason::EnterLong);
        match row {
            0 => drop(orders.place(market(FillSide::Buy, 5.0))),
            // More than the 5 SOL that are held: all of it.
            1 => drop(orders.place(market(FillSide::Sell, 50.0).reduce_only())),
            _ => {}
        }
    };
    let journal = run(&bars, PumpSwap::new(PumpSwapConfig::default(), &path, 0), place, |_, _| {});
    assert_eq!((journal.fills.len(), journal.rejections.len()), (2, 0), "{:?}", journal.rejections);
    assert_eq!(journal.exposure.last(), Some(&0.0));
}
