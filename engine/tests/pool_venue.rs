//! A pool as a venue, on reserves small enough to be worked by hand.

#![allow(clippy::unwrap_used, reason = "helpers of tests, not only test functions")]

use q50_engine::{
    ledger::PoolLedger,
    market::{Bar, Market, Signals},
    record::{Journal, Summary},
    replay::replay,
    strategy::hold::BuyAndHold,
    units::{Fraction, Lamports, TokenAmount},
    venue::{
        Arrival, Fill, MarketOrder, PoolPath, PumpSwap, PumpSwapConfig, Rejection, Role, Venue,
        pump_swap::{PoolFees, Recovery},
    },
};

const SOL: u64 = 1_000_000_000;
const HOUR_MS: i64 = 3_600_000;

/// 100 SOL beside 100 million tokens, the same at every bar.
fn quiet() -> PoolPath {
    steady(100_000_000, 100 * SOL)
}

fn steady(base: u64, quote: u64) -> PoolPath {
    PoolPath::recorded(&[base; 5], &[quote; 5], 5).unwrap()
}

fn free() -> PumpSwapConfig {
    PumpSwapConfig { fees: PoolFees::Uniform(0), base_fee: Lamports(0), rent: Lamports(0), ..PumpSwapConfig::default() }
}

/// Our own impact stays.
fn lasting() -> PumpSwapConfig {
    PumpSwapConfig { recovery: Recovery::HalfLife(1e15), ..free() }
}

fn at(row: usize) -> Arrival {
    Arrival {
        row,
        time: row as i64 * HOUR_MS,
        price: f64::NAN,
        decided_row: row - 1,
        available: f64::INFINITY,
        role: Role::Taker,
    }
}

fn equity(venue: &PumpSwap<'_>, row: usize, books: &PoolLedger) -> f64 {
    let bar = Bar { open_time: row as i64 * HOUR_MS, open: 1.0, high: 1.0, low: 1.0, close: 1.0 };
    venue.account(&bar, row, books).equity
}

/// Sells a million million tokens of a pool as it graduates; the books hold nothing else.
fn sale_at_graduation(config: PumpSwapConfig) -> (Fill, PoolLedger) {
    let path = steady(206_900_000_000_000, 84_990_359_078);
    let mut venue = PumpSwap::new(config, &path, 0);
    let mut books = PoolLedger::restored(Lamports(SOL), TokenAmount(1_000_000_000_000), Lamports(0), 1.0, 0);
    let fill = venue.execute(MarketOrder::SellShare(1.0), at(1), &mut books).unwrap();
    (fill, books)
}

#[test]
fn a_sale_pays_each_fee_to_the_lamport() {
    let (fill, books) = sale_at_graduation(PumpSwapConfig::default());
    let costs = fill.pool.unwrap();
    // floor(84,990,359,078 x 10^12 / 207.9 x 10^12) = 408,804,035 crosses the curve; each fee is rounded up.
    assert_eq!((costs.lp, costs.protocol, costs.creator), (Lamports(81_761), Lamports(3_801_878), Lamports(1_226_413)));
    assert_eq!((costs.network, costs.quote), (Lamports(5_000), Lamports(403_693_983)));
    assert_eq!(books.lamports(), Lamports(SOL + 403_693_983 - 5_000));
    assert_eq!(books.tokens(), TokenAmount(0));
    assert_eq!(fill.cost, 0.005_115_052, "the three fees and the network, SOL");
    assert_eq!(fill.notional, 0.408_804_035);
}

#[test]
fn the_fee_factor_multiplies_all_three_fees() {
    let (fill, _) = sale_at_graduation(PumpSwapConfig { fee_factor: 2, ..PumpSwapConfig::default() });
    let costs = fill.pool.unwrap();
    // 4, 186 and 60 basis points of 408,804,035.
    assert_eq!(
        (costs.lp, costs.protocol, costs.creator),
        (Lamports(163_522), Lamports(7_603_756), Lamports(2_452_825))
    );
}

/// The share of the pool is 206.9 of 1,000 parts of the supply, so that 85 SOL are a capitalisation of 410.8 SOL and 87
/// SOL one of 420.5; the second tier begins at 420.
#[test]
fn the_tier_is_that_of_the_market_capitalisation() {
    let basis_points = |quote: u64| {
        let path = steady(206_900_000_000_000, quote);
        let mut books = PoolLedger::restored(Lamports(SOL), TokenAmount(1_000_000_000_000), Lamports(0), 1.0, 0);
        let mut venue = PumpSwap::new(PumpSwapConfig::default(), &path, 0);
        let fill = venue.execute(MarketOrder::SellShare(1.0), at(1), &mut books).unwrap();
        let costs = fill.pool.unwrap();
        ((costs.lp.0 + costs.protocol.0 + costs.creator.0) as f64 / (fill.notional * 1e9) * 1e4).round()
    };
    assert_eq!([basis_points(85 * SOL), basis_points(87 * SOL)], [125.0, 120.0]);
}

#[test]
fn only_the_first_buy_pays_the_deposit_of_the_token_account() {
    let path = quiet();
    let mut venue = PumpSwap::new(PumpSwapConfig::default(), &path, 0);
    let mut books = venue.open_account(10.0);
    let mut spent = 0;
    for row in [1, 2] {
        spent += venue.execute(MarketOrder::BuyFor(1.0), at(row), &mut books).unwrap().pool.unwrap().quote.0;
    }
    assert_eq!(books.lamports(), Lamports(10 * SOL - spent - 2 * 5_000 - 2_039_280));
}

#[test]
fn a_sale_whose_price_ran_away_is_the_programs_slippage_error_and_costs_the_network_fee() {
    let path = PoolPath::rebuilt(&[100.0, 80.0], &[100.0, 80.0], 0, Lamports(100 * SOL)).unwrap();
    let mut venue = PumpSwap::new(PumpSwapConfig::default(), &path, 0);
    let mut books = PoolLedger::restored(Lamports(SOL), TokenAmount(1_000_000_000_000_000), Lamports(1), 1.0, 0);
    assert_eq!(venue.execute(MarketOrder::SellShare(1.0), at(1), &mut books), Err(Rejection::Program(6004)));
    assert_eq!((books.lamports(), books.tokens()), (Lamports(SOL - 5_000), TokenAmount(1_000_000_000_000_000)));
}

#[test]
fn displacements_add_up() {
    let path = quiet();
    let mut venue = PumpSwap::new(lasting(), &path, 0);
    let mut books = venue.open_account(2.0);
    for row in [1, 2] {
        venue.execute(MarketOrder::BuyFor(1.0), at(row), &mut books).unwrap();
    }
    venue.execute(MarketOrder::SellShare(1.0), at(3), &mut books).unwrap();
    let back = books.lamports().0 as f64 / SOL as f64;
    assert!((back - 2.0).abs() < 1e-5, "one sale undoes both buys: {back}");
}

#[test]
fn a_position_is_marked_at_the_price_that_its_own_buy_left() {
    let path = quiet();
    let mut venue = PumpSwap::new(lasting(), &path, 0);
    let mut books = venue.open_account(1.0);
    venue.execute(MarketOrder::BuyFor(1.0), at(1), &mut books).unwrap();
    // 100/101 of a million tokens, at 101 SOL / (100 x 100/101 million tokens).
    let marked = equity(&venue, 1, &books);
    assert!((marked - 1.01).abs() < 1e-5, "{marked}");
}

#[test]
fn an_order_is_quoted_at_the_price_that_the_last_one_left() {
    let path = quiet();
    let mut venue = PumpSwap::new(lasting(), &path, 0);
    let mut books = venue.open_account(20.0);
    // 5 of 100 SOL move the price by 10 %: a quote without it would promise more than the tolerance of 1 % allows.
    for row in [1, 2] {
        assert!(venue.execute(MarketOrder::BuyFor(5.0), at(row), &mut books).is_ok());
    }
}

#[test]
fn what_failed_transactions_cost_is_charged_and_counted_among_the_fees() {
    let (time, price, path) = ([0, HOUR_MS, 2 * HOUR_MS, 3 * HOUR_MS], [1.0; 4], steady(100_000_000, 100 * SOL));
    let market = Market {
        open_time: &time,
        open: &price,
        high: &price,
        low: &price,
        close: &price,
        signals: Signals::default(),
        interval_ms: HOUR_MS,
        first: 0,
    };
    let config = PumpSwapConfig { failures: Fraction::ONE, priority_fee: Lamports(2_000), ..PumpSwapConfig::default() };
    let (mut journal, mut summary) = (Journal::default(), Summary::default());
    let venue = PumpSwap::new(config, &path, 0);
    let books = replay(&market, &mut BuyAndHold, &mut venue.clone(), 1.0, &mut journal);
    replay(&market, &mut BuyAndHold, &mut venue.clone(), 1.0, &mut summary);
    assert_eq!(
        journal.rejections,
        [0, 1, 2, 3].map(|row| (row, if row < 3 { failed() } else { Rejection::NoNextBar }))
    );
    assert_eq!(books.lamports(), Lamports(SOL - 3 * 7_000));
    let charged = 3.0 * 7_000.0 / 1e9;
    assert!((journal.charged - charged).abs() < 1e-15 && (summary.fees - charged).abs() < 1e-15);
}

fn failed() -> Rejection {
    Rejection::TransactionFailed
}

#[test]
fn the_tier_of_a_recorded_pool_does_not_depend_on_where_trading_begins() {
    // It starts as it graduates and rises ninefold, tiers above: 206.9 of 1,000 million tokens and 84.99 SOL.
    let (base, quote) = (206_900_000_000_000, 84_990_359_078);
    let path = PoolPath::recorded(&[base, base / 3, base / 3], &[quote, quote * 3, quote * 3], 3).unwrap();
    let fees = |first: usize| {
        let mut venue = PumpSwap::new(PumpSwapConfig::default(), &path, first);
        let mut books = PoolLedger::restored(Lamports(SOL), TokenAmount(1_000_000_000_000), Lamports(0), 1.0, 0);
        let costs = venue.execute(MarketOrder::SellShare(1.0), at(2), &mut books).unwrap().pool.unwrap();
        (costs.lp, costs.protocol, costs.creator)
    };
    assert_eq!(fees(0), fees(2));
    // A coin with a tenth of the supply is worth a tenth, and pays its creator the 30 basis points of the lowest tier.
    let small = path.clone().with_supply(Some(100_000_000_000_000));
    let mut venue = PumpSwap::new(PumpSwapConfig::default(), &small, 0);
    let mut books = PoolLedger::restored(Lamports(SOL), TokenAmount(1_000_000_000_000), Lamports(0), 1.0, 0);
    let costs = venue.execute(MarketOrder::SellShare(1.0), at(2), &mut books).unwrap().pool.unwrap();
    assert!(costs.creator < fees(0).2, "{costs:?}");
}
