//! Limits of an account over its instruments: each on bars that are worked by hand, and all of them on random portfolios.

#![allow(clippy::unwrap_used, reason = "helpers of tests, not only test functions")]

mod accounts;

use std::{
    cell::{Cell, RefCell},
    rc::Rc,
};

use accounts::{Bars, HOUR, Placing, Scripted, buy, fills, request, run};
use proptest::{
    prelude::{Strategy as Values, any, prop},
    test_runner::{Config, TestCaseError, TestRunner},
};
use q50_engine::{
    decision::{Budget, Decision, Intent, Order, Reason},
    ledger::Account,
    limits::{Limit, correlation},
    market::{History, Market},
    orders::{Amount, Event, OrderKind, OrderRequest, Orders, Outcome},
    portfolio::{Instrument, replay_portfolio},
    record::{EquityCurve, Journal, Recorder},
    replay::replay,
    strategy::{
        Explanation, Strategy,
        exits::{ExitConfig, WithExits},
        risk::{Limited, RiskConfig},
    },
    units::Fraction,
    venue::{Fill, FillSide, NextOpen, Rejection},
};

type Guarded<S> = Limited<WithExits<S>>;

fn share(value: f64) -> Option<Fraction> {
    Some(Fraction::new(value))
}

/// An entry for this share of the equity.
fn enter(value: f64) -> Order {
    Order::Buy(Budget::Equity(Fraction::new(value)))
}

const SELL: Order = Order::Sell(Fraction::ONE);

fn free() -> NextOpen {
    NextOpen::new(Fraction::ZERO)
}

/// Bars that open and close at these prices.
fn flat(prices: &[f64]) -> Bars {
    Bars::new(HOUR, &prices.iter().map(|price| (*price, *price)).collect::<Vec<_>>())
}

/// A script under limits, whose stops are this far away.
fn within(risk: RiskConfig, stop: Option<f64>, orders: &[(usize, Order)]) -> Guarded<Scripted> {
    let exits = ExitConfig { stop_loss: stop.map(Fraction::new), ..ExitConfig::default() };
    Limited::new(WithExits::new(Scripted::new(orders), exits), risk)
}

/// Prices, and the orders of the script that trades there by row.
type Lane<'a> = (&'a [f64], &'a [(usize, Order)]);

/// Replays scripts on these prices with 1,000 under limits, and returns the journals of each.
fn replayed(risk: RiskConfig, stop: Option<f64>, scripts: &[Lane<'_>]) -> Vec<Journal> {
    let bars: Vec<Bars> = scripts.iter().map(|(prices, _)| flat(prices)).collect();
    let mut parts: Vec<_> =
        bars.iter().zip(scripts).map(|(bars, (_, orders))| (bars.market(), within(risk, stop, orders))).collect();
    run(&mut parts, &free(), 1_000.0).1
}

/// Rows and values of what was filled.
fn bought(journal: &Journal) -> Vec<(usize, f64)> {
    journal.fills.iter().map(|row| (row.fill.row, (row.fill.notional * 1e6).round() / 1e6)).collect()
}

#[test]
fn one_position_more_than_there_may_be_is_refused_until_another_one_is_closed() {
    let risk = RiskConfig { max_positions: Some(2), ..RiskConfig::default() };
    let flat: &[f64] = &[10.0; 6];
    let enters = [(0, enter(0.2)), (2, SELL)];
    let late = [(0, enter(0.2)), (1, enter(0.2)), (2, enter(0.2)), (3, enter(0.2))];
    let each = replayed(risk, None, &[(flat, &enters), (flat, &enters[..1]), (flat, &late)]);
    assert_eq!((bought(&each[0]), bought(&each[1])), (vec![(1, 200.0), (3, 200.0)], vec![(1, 200.0)]));
    // The first is sold at the open at which the third asks for the third time.
    assert_eq!(
        each[2].rejections,
        [(0, Rejection::Limit(Limit::MaxPositions)), (1, Rejection::Limit(Limit::MaxPositions))]
    );
    assert_eq!(bought(&each[2]), [(3, 200.0), (4, 200.0)], "and adds to what is open");
    assert!(each[2].cuts.is_empty());
}

#[test]
fn what_is_decided_together_fills_the_total_and_no_more() {
    let risk = RiskConfig { total_exposure: share(0.5), ..RiskConfig::default() };
    let falls: &[f64] = &[100.0, 100.0, 90.0, 90.0, 90.0];
    let (fifty, one): (&[f64], &[f64]) = (&[50.0; 5], &[1.0; 5]);
    let asks = [(0, enter(0.3)), (1, enter(0.3)), (2, enter(0.3)), (3, enter(0.3))];
    let each = replayed(risk, None, &[(falls, &asks[..1]), (fifty, &asks[..1]), (one, &asks)]);
    // 300 and the 200 that are left: then the limit is hit exactly.
    assert_eq!((bought(&each[0]), bought(&each[1])), (vec![(1, 300.0)], vec![(1, 200.0)]));
    assert_eq!((each[1].cuts.as_slice(), each[0].cuts.len()), (&[(0, Limit::TotalExposure)][..], 0));
    // The order of row 1 lands when the first is still worth 300, by its last close. Then it is worth 270 of 970: 485 less
    // 470 are left, just below the limit, and after them nothing.
    let refused = |row| (row, Rejection::Limit(Limit::TotalExposure));
    assert_eq!(each[2].rejections, [refused(0), refused(1), refused(3)]);
    assert_eq!((bought(&each[2]), each[2].cuts.as_slice()), (vec![(3, 15.0)], &[(2, Limit::TotalExposure)][..]));
}

#[test]
fn one_instrument_is_filled_up_to_its_limit() {
    let risk = RiskConfig { instrument_exposure: share(0.3), ..RiskConfig::default() };
    let falls: &[f64] = &[100.0, 100.0, 100.0, 50.0, 50.0];
    let asks = [(0, enter(0.25)), (1, enter(0.25)), (2, enter(0.25)), (3, enter(0.25))];
    let each = replayed(risk, None, &[(falls, &asks), (&[10.0; 5], &asks[..1])]);
    assert_eq!(bought(&each[1]), [(1, 250.0)], "that of another one is its own");
    // 250, then the 50 to 300 of 1,000. At 50 it is worth 150 of 850, of which 255 may be: 105; then exactly 255.
    assert_eq!(bought(&each[0]), [(1, 250.0), (2, 50.0), (3, 105.0)]);
    assert_eq!(each[0].cuts, [(1, Limit::InstrumentExposure), (2, Limit::InstrumentExposure)]);
    assert_eq!(each[0].rejections, [(3, Rejection::Limit(Limit::InstrumentExposure))]);
}

#[test]
fn positions_that_move_together_share_a_limit_and_others_do_not() {
    let risk = RiskConfig { correlated_exposure: share(0.4), correlation_window: Some(4), ..RiskConfig::default() };
    // The first two move together; their returns against those of the third add up to nothing.
    let first: &[f64] = &[100.0, 110.0, 100.0, 110.0, 100.0, 100.0, 100.0, 100.0];
    let second: &[f64] = &[50.0, 55.0, 50.0, 55.0, 50.0, 50.0, 50.0, 50.0];
    let third: &[f64] = &[10.0, 11.0, 12.1, 11.0, 10.0, 10.0, 10.0, 10.0];
    let asks: &[(usize, Order)] = &[(4, enter(0.3))];
    let each = replayed(risk, None, &[(first, &[(4, enter(0.3)), (5, enter(0.3))]), (second, asks), (third, asks)]);
    assert_eq!(
        (bought(&each[0]), bought(&each[1]), bought(&each[2])),
        (vec![(5, 300.0)], vec![(5, 100.0)], vec![(5, 300.0)])
    );
    assert_eq!((&each[1].cuts[..], each[2].cuts.len()), (&[(4, Limit::CorrelatedExposure)][..], 0));
    assert_eq!(each[0].rejections, [(5, Rejection::Limit(Limit::CorrelatedExposure))], "300 and 100 are exactly 400");
    // With a longer window than there are closes nobody knows, and all count as moving together.
    let unknown = RiskConfig { correlation_window: Some(5), ..risk };
    let each = replayed(unknown, None, &[(first, asks), (second, asks), (third, asks)]);
    assert_eq!((bought(&each[1]), bought(&each[2])), (vec![(5, 100.0)], vec![]));
}

#[test]
fn heat_adds_up_what_the_stops_lose() {
    let risk = RiskConfig { heat: share(0.06), ..RiskConfig::default() };
    let flat: &[f64] = &[10.0; 4];
    let asks: &[(usize, Order)] = &[(0, enter(0.2)), (1, enter(0.2))];
    // A fifth of 200 is 40, of 100 the 20 that are left of 60.
    let each = replayed(risk, Some(0.2), &[(flat, &asks[..1]), (flat, asks)]);
    assert_eq!((bought(&each[0]), bought(&each[1])), (vec![(1, 200.0)], vec![(1, 100.0)]));
    assert_eq!(each[1].cuts, [(0, Limit::Heat)]);
    assert_eq!(each[1].rejections, [(1, Rejection::Limit(Limit::Heat))]);
    // Without a stop all of it may be lost.
    let each = replayed(risk, None, &[(flat, asks)]);
    assert_eq!((bought(&each[0]), each[0].rejections.len()), (vec![(1, 60.0)], 1));
}

#[test]
fn what_is_over_a_limit_is_kept_and_its_sale_is_not_held_back() {
    let risk = RiskConfig { total_exposure: share(0.5), max_positions: Some(1), ..RiskConfig::default() };
    let rises: &[f64] = &[10.0, 10.0, 40.0, 40.0, 40.0];
    let half = Order::Sell(Fraction::new(0.5));
    let each = replayed(risk, None, &[(rises, &[(0, enter(0.5)), (1, enter(0.5)), (2, half), (3, SELL)])]);
    // 50 units at 10 are worth 2,000 of 2,500 at 40.
    assert_eq!(bought(&each[0]), [(1, 500.0), (3, 1_000.0), (4, 1_000.0)]);
    assert_eq!(each[0].rejections, [(1, Rejection::Limit(Limit::TotalExposure))]);
}

#[test]
fn the_close_of_another_instrument_is_not_known_inside_the_same_bar() {
    let risk = RiskConfig { total_exposure: share(0.5), ..RiskConfig::default() };
    for close in [100.0, 200.0, 20.0] {
        let mut moves = flat(&[100.0; 5]);
        (moves.close[3], moves.high[3], moves.low[3]) = (close, 200.0, 20.0);
        let dips = Bars::reaching(90.0, 100.0);
        let bought = (0, request(FillSide::Buy, OrderKind::Market, Amount::Quote(400.0)));
        let dip = (1, request(FillSide::Buy, OrderKind::Limit(90.0), Amount::Quote(400.0)));
        let limited = |placed| Limited::new(Placing(vec![placed]), risk);
        let held = || (moves.market(), limited(bought));
        let waits = || (dips.market(), limited(dip));
        let (_, each) = run(&mut [held(), waits()], &free(), 1_000.0);
        let (_, turned) = run(&mut [waits(), held()], &free(), 1_000.0);
        // 100 of 500 are left, whatever the other one closes at.
        for journal in [&each[1], &turned[0]] {
            assert_eq!(fills(journal), [(3, 100.0 / 90.0, 90.0)], "{close}");
        }
    }
}

#[test]
fn a_single_replay_is_a_portfolio_of_one() {
    let risk = RiskConfig { total_exposure: share(0.5), max_positions: Some(1), ..RiskConfig::default() };
    let bars = flat(&[100.0, 100.0, 90.0, 95.0, 80.0]);
    let asks = [(0, buy(1.0)), (1, buy(1.0)), (2, buy(1.0)), (3, buy(1.0))];
    let mut alone = Journal::default();
    replay(&bars.market(), &mut within(risk, None, &asks), &mut free(), 1_000.0, &mut alone);
    let (total, each) = run(&mut [(bars.market(), within(risk, None, &asks))], &free(), 1_000.0);
    assert_eq!((&alone.fills, &alone.rejections, &alone.cuts), (&each[0].fills, &each[0].rejections, &each[0].cuts));
    assert_eq!(alone.equity, total.equity);
    // Half of 1,000; of 950, less 450; at 95 more than half is held; at 80 half of 897.2, less 422.2.
    assert_eq!(bought(&alone), [(1, 500.0), (2, 25.0), (4, 26.388889)]);
    assert_eq!(alone.rejections[0], (2, Rejection::Limit(Limit::TotalExposure)));
}

#[test]
fn a_limit_on_what_is_open_lets_the_loop_pass_over_quiet_bars() {
    let bars = flat(&[10.0; 50]);
    let market = bars.market();
    let risk = RiskConfig { total_exposure: share(0.5), heat: share(0.1), ..RiskConfig::default() };
    let holder = q50_engine::strategy::hold::BuyAndHold;
    let balances = q50_engine::ledger::Balances { cash: 500.0, units: 50.0 };
    let quiet = |risk| Limited::new(holder, risk).quiet_rows(&market, market.close, balances, 0);
    assert_eq!((quiet(risk), quiet(RiskConfig::default())), (50, 50));
    assert_eq!(quiet(RiskConfig { max_drawdown: share(0.5), ..risk }), 0, "a loss is looked for at every bar");
}

/// What somebody does at each close: which order, and how large.
type Acts = Vec<(u8, f64)>;

/// Does it.
struct Trader(Acts);

impl Strategy for Trader {
    fn decide(&mut self, history: History<'_>, _: &Account) -> Decision {
        let (act, size) = self.0[history.row()];
        let size = Fraction::new(size);
        let order = match act {
            0 | 1 => Order::Buy(Budget::Equity(size)),
            2 => Order::Buy(Budget::Cash(size)),
            3 => Order::Short(size),
            4 => Order::Sell(size),
            5 => Order::Cover(size),
            _ => return Decision::Hold(Reason::Neutral),
        };
        Decision::Act(Intent { order, reason: Reason::EnterLong })
    }

    fn places_orders(&self) -> bool {
        true
    }

    fn place(&mut self, history: History<'_>, account: &Account, orders: &mut Orders) {
        let (act, size) = self.0[history.row()];
        let close = history.bar().close;
        let (side, kind) = match act {
            6 => (FillSide::Buy, OrderKind::Market),
            7 => (FillSide::Buy, OrderKind::Limit(0.99 * close)),
            8 => (FillSide::Buy, OrderKind::Stop(1.01 * close)),
            9 => (FillSide::Sell, OrderKind::Market),
            10 => (FillSide::Sell, OrderKind::Limit(1.01 * close)),
            11 => (FillSide::Sell, OrderKind::Stop(0.99 * close)),
            _ => return,
        };
        let amount = size * account.equity.max(1.0);
        let amount =
            if history.row().is_multiple_of(2) { Amount::Quote(amount) } else { Amount::Units(amount / close) };
        orders.place(OrderRequest::new(side, kind, amount, Reason::EnterLong));
    }
}

/// The account as its fills make it.
#[derive(Default)]
struct Books {
    cash: f64,
    units: Vec<f64>,
    /// Mean distance of the stops of each.
    closes: Vec<f64>,
    entries: usize,
    cut: usize,
    refused: usize,
    fault: Option<String>,
}

impl Books {
    /// Value of each position, that of `i` at `price`, and equity.
    fn values(&self, i: usize, price: f64) -> (Vec<f64>, f64) {
        let price = |j: usize| if j == i { price } else { self.closes[j] };
        let values: Vec<f64> = (0..self.units.len()).map(|j| self.units[j] * price(j)).collect();
        let equity = self.cash + values.iter().sum::<f64>();
        (values, equity)
    }
}

/// Checks each fill of instrument `i` against the limits.
struct Checked<'a> {
    i: usize,
    markets: &'a [Market<'a>],
    risk: RiskConfig,
    stop: Option<f64>,
    books: Rc<RefCell<Books>>,
}

impl Checked<'_> {
    /// How much of each limit is used, a share of it; a position of `i` on this side counts.
    fn used(&self, books: &Books, fill: &Fill, side: f64) -> Vec<(Limit, f64)> {
        let (values, equity) = books.values(self.i, fill.mid());
        let abs = |values: &mut dyn Iterator<Item = f64>| values.map(f64::abs).sum::<f64>();
        let open = values.iter().filter(|value| **value != 0.0).count() as f64;
        let together = |j: usize| {
            let window = self.risk.correlation_window.unwrap() as usize;
            let known = self.markets[self.i].open_time[fill.row];
            let same = (side > 0.0) == (values[j] > 0.0);
            j == self.i
                || correlation(&self.markets[self.i], &self.markets[j], known, window)
                    .is_none_or(|r| if same { r >= 0.7 } else { r <= -0.7 })
        };
        let used = |value: f64, most: Option<Fraction>| most.map(|most| value / (most.get() * equity));
        let correlated = abs(&mut (0..values.len()).filter(|j| together(*j)).map(|j| values[j]));
        [
            (Limit::MaxPositions, self.risk.max_positions.map(|most| open / f64::from(most))),
            (Limit::TotalExposure, used(abs(&mut values.iter().copied()), self.risk.total_exposure)),
            (Limit::InstrumentExposure, used(values[self.i].abs(), self.risk.instrument_exposure)),
            (Limit::CorrelatedExposure, used(correlated, self.risk.correlated_exposure)),
            (Limit::Heat, used(self.stop.unwrap_or(1.0) * abs(&mut values.iter().copied()), self.risk.heat)),
        ]
        .into_iter()
        .filter_map(|(limit, used)| Some((limit, used?)))
        .collect()
    }

    fn fill(&mut self, fill: &Fill) {
        let side = if fill.side == FillSide::Buy { 1.0 } else { -1.0 };
        let books = Rc::clone(&self.books);
        let before = self.used(&books.borrow(), fill, side);
        let mut books = books.borrow_mut();
        let was = books.units[self.i];
        // What a sale closes it closes to the last digit.
        let now = if (was + side * fill.units).abs() <= 1e-12 * was.abs() { 0.0 } else { was + side * fill.units };
        books.units[self.i] = now;
        books.cash -= side * fill.notional + fill.cost;
        if now.abs() <= was.abs() && now * was >= 0.0 {
            return;
        }
        books.entries += 1;
        for ((limit, used), (_, before)) in self.used(&books, fill, side).into_iter().zip(before) {
            if before <= 1.0 && (used > 1.0 + 1e-8 || used.is_nan()) {
                books.fault = Some(format!("{} used {before} before and {used} after {fill:?}", limit.name()));
            }
        }
    }
}

impl Recorder for Checked<'_> {
    const EVERY_BAR: bool = true;

    fn begin(&mut self, _: f64, _: usize) {}

    fn decision(&mut self, _: usize, _: &Decision, _: Option<Explanation>) {}

    fn event(&mut self, event: &Event) {
        if let Some(fill) = event.fill() {
            self.fill(fill);
        }
        self.books.borrow_mut().cut += usize::from(matches!(event.outcome, Outcome::Cut(_)));
        self.books.borrow_mut().refused += usize::from(matches!(event.outcome, Outcome::Rejected(Rejection::Limit(_))));
    }

    fn mark(&mut self, row: usize, _: f64, _: f64) {
        self.books.borrow_mut().closes[self.i] = self.markets[self.i].close[row];
    }
}

/// Bars of random returns, a fifth of which are those of a common factor; the range of each is 1 % beyond its ends.
fn random_bars(returns: &[f64], common: &[f64]) -> Bars {
    let mut price = 100.0;
    let bars: Vec<(f64, f64)> = returns
        .iter()
        .zip(common)
        .enumerate()
        .map(|(row, (own, all))| {
            let open = price * (1.0 + 0.1 * own);
            price = open * (1.0 + if row % 5 == 0 { *own } else { *all });
            (open, price)
        })
        .collect();
    let mut made = Bars::new(HOUR, &bars);
    made.high = bars.iter().map(|(open, close)| open.max(*close) * 1.01).collect();
    made.low = bars.iter().map(|(open, close)| open.min(*close) * 0.99).collect();
    made
}

const ROWS: usize = 40;

fn any_returns() -> impl Values<Value = Vec<f64>> {
    prop::collection::vec(-0.05_f64..0.05, ROWS)
}

fn any_acts() -> impl Values<Value = Acts> {
    prop::collection::vec((0_u8..16, 0.02_f64..1.0), ROWS)
}

fn any_risk() -> impl Values<Value = RiskConfig> {
    let some = || (any::<bool>(), 0.05_f64..1.0).prop_map(|(set, most)| set.then(|| Fraction::new(most)));
    let most = (any::<bool>(), 1_u32..4).prop_map(|(set, most)| set.then_some(most));
    (most, some(), some(), some(), some(), 2_u32..12).prop_map(
        |(max_positions, total_exposure, instrument_exposure, correlated_exposure, heat, window)| RiskConfig {
            max_positions,
            total_exposure,
            instrument_exposure,
            correlated_exposure,
            correlation_window: Some(window),
            heat,
            ..RiskConfig::default()
        },
    )
}

#[test]
fn no_entry_breaks_a_limit_that_was_kept_before_it() {
    let (entries, cut, refused) = (Cell::new(0), Cell::new(0), Cell::new(0));
    let lanes = prop::collection::vec((any_returns(), any_acts()), 1..5);
    let stop = (any::<bool>(), 0.01_f64..0.5).prop_map(|(set, stop)| set.then_some(stop));
    let costs = (0.0_f64..50.0, 0.0_f64..0.01, any::<bool>());
    let portfolios = (lanes, any_returns(), any_risk(), stop, costs);
    let mut runner = TestRunner::new_with_rng(
        Config { cases: 400, failure_persistence: None, ..Config::default() },
        proptest::test_runner::TestRng::deterministic_rng(proptest::test_runner::RngAlgorithm::ChaCha),
    );
    let outcome = runner.run(&portfolios, |(lanes, common, risk, stop, (cost, spread, shorts))| {
        let bars: Vec<Bars> = lanes.iter().map(|(returns, _)| random_bars(returns, &common)).collect();
        let markets: Vec<Market<'_>> = bars.iter().map(Bars::market).collect();
        let books =
            Books { cash: 1_000.0, units: vec![0.0; lanes.len()], closes: vec![0.0; lanes.len()], ..Books::default() };
        let books = Rc::new(RefCell::new(books));
        let exits = ExitConfig { stop_loss: stop.map(Fraction::new), ..ExitConfig::default() };
        let venue = NextOpen::new(Fraction::from_bps(cost)).with_spread(Fraction::new(spread));
        let venue = if shorts { venue.with_free_shorting() } else { venue };
        let mut strategies: Vec<_> =
            lanes.iter().map(|(_, acts)| Limited::new(WithExits::new(Trader(acts.clone()), exits), risk)).collect();
        let mut venues = vec![venue; lanes.len()];
        let mut recorders: Vec<_> =
            (0..lanes.len()).map(|i| Checked { i, markets: &markets, risk, stop, books: Rc::clone(&books) }).collect();
        let parts = markets.iter().zip(&mut strategies).zip(&mut venues).zip(&mut recorders);
        let mut instruments: Vec<_> = parts
            .map(|(((market, strategy), venue), recorder)| Instrument { market: *market, strategy, venue, recorder })
            .collect();
        replay_portfolio(&mut instruments, 1_000.0, &mut EquityCurve::default());
        let books = books.borrow();
        entries.set(entries.get() + books.entries);
        cut.set(cut.get() + books.cut);
        refused.set(refused.get() + books.refused);
        match &books.fault {
            Some(fault) => Err(TestCaseError::fail(fault.clone())),
            None => Ok(()),
        }
    });
    outcome.unwrap();
    let counts = (entries.get(), cut.get(), refused.get());
    assert!(counts.0 > 2_000 && counts.1 > 500 && counts.2 > 500, "{counts:?}");
}
