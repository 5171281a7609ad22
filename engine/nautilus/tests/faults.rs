//! A comparison that cannot fail shows nothing: one fault is planted in the second engine, and it is found.

#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]

mod worlds;

use q50_engine::{
    ledger::{Account, PoolLedger},
    market::Bar,
    units::{Bps, Fraction, Lamports},
    venue::{
        Arrival, Fill, FillSide, FillTiming, LatencyPreset, MarketOrder, NextOpen, PoolPath, PumpSwap, PumpSwapConfig,
        Rejection, Venue,
    },
};
use q50_nautilus::{Check, Run, Validation, compare};

use worlds::{SOL, World, threshold};

/// Buys at the open of bar 1, sells at the open of bar 3; opens are never the closes before them.
fn round_trip() -> World {
    World::hourly(&[(10.0, 10.0, 0.9), (10.1, 12.0, 0.5), (12.1, 11.0, 0.1), (11.1, 20.0, 0.5), (20.0, 20.0, 0.5)])
}

fn differing(validation: &Validation) -> Vec<Check> {
    validation.table.iter().filter(|row| row.differing > 0).map(|row| row.check).collect()
}

#[test]
fn a_fill_at_the_close_that_was_decided_from() {
    let world = round_trip();
    let venue = NextOpen::new(Fraction::from_bps(5.0));
    let run = Run::at_next_open(world.market(), threshold(), venue, 1_000.0);
    let validation = compare(&run, venue, venue.with_timing(FillTiming::SameClose)).unwrap();
    assert!(!validation.agrees());
    // The close of a bar is the open of the next in time: it is the price that gives it away.
    assert_eq!(differing(&validation), [Check::Amount, Check::Commission, Check::Equity]);
    let [paid, fill, ..] = &validation.differences[..] else { panic!("the cost at the close, then the fill") };
    assert_eq!((paid.check, paid.row, fill.check, fill.row), (Check::Equity, 0, Check::Amount, 1));
    // 1,000 buy at the close with 5 basis points of cost: equity is 1,000 / 1.0005 there, and still 1,000 in the loop.
    assert_eq!(paid.first, "1000");
    assert!((paid.second.parse::<f64>().unwrap() - 1_000.0 / 1.0005).abs() < 1e-9, "{paid}");
    assert!(fill.first.ends_with("at 10.1") && fill.second.ends_with("at 10"), "{fill}");
}

#[test]
fn a_landing_that_is_a_millisecond_late() {
    let world = round_trip();
    let venue = NextOpen::new(Fraction::from_bps(5.0));
    let run = Run::at_next_open(world.market(), threshold(), venue, 1_000.0);
    let validation = compare(&run, venue, venue.with_latency(LatencyPreset::CoLocated)).unwrap();
    assert_eq!(differing(&validation), [Check::Landing]);
    assert_eq!(validation.table[Check::Landing as usize].differing, 2);
}

/// A pool venue with a fault.
#[derive(Clone)]
struct Faulty<F> {
    inner: PumpSwap<'static>,
    fault: F,
}

/// What is done with the answer of the right venue.
trait Fault {
    fn apply(
        &mut self,
        result: Result<Fill, Rejection>,
        order: MarketOrder,
        arrival: Arrival,
        ledger: &mut PoolLedger,
    ) -> Result<Fill, Rejection>;
}

impl<F: Fault> Venue for Faulty<F> {
    type Ledger = PoolLedger;

    fn open_account(&self, capital: f64) -> PoolLedger {
        self.inner.open_account(capital)
    }

    fn timing(&self) -> FillTiming {
        self.inner.timing()
    }

    fn latency_ms(&self) -> i64 {
        self.inner.latency_ms()
    }

    fn execute(&mut self, order: MarketOrder, arrival: Arrival, ledger: &mut PoolLedger) -> Result<Fill, Rejection> {
        let result = self.inner.execute(order, arrival, ledger);
        self.fault.apply(result, order, arrival, ledger)
    }

    fn account(&self, bar: &Bar, row: usize, ledger: &PoolLedger) -> Account {
        self.inner.account(bar, row, ledger)
    }
}

/// Charges one lamport too many to the liquidity providers' account, on buys.
#[derive(Clone, Copy)]
struct OneLamport;

impl Fault for OneLamport {
    fn apply(
        &mut self,
        result: Result<Fill, Rejection>,
        _: MarketOrder,
        _: Arrival,
        ledger: &mut PoolLedger,
    ) -> Result<Fill, Rejection> {
        let mut fill = result?;
        if let (FillSide::Buy, Some(costs)) = (fill.side, &mut fill.pool) {
            costs.lp.0 += 1;
            costs.quote.0 += 1;
            ledger.pay(Lamports(1));
        }
        Ok(fill)
    }
}

#[test]
fn a_fee_that_is_off_by_one_lamport() {
    let world = round_trip();
    let path = PoolPath::rebuilt(&world.open, &world.close, 0, Lamports(100 * SOL)).unwrap();
    // Half of what there is: the lamport can be paid.
    let strategy = q50_engine::strategy::StrategyConfig::new(q50_engine::strategy::threshold::ThresholdConfig {
        size: Fraction::new(0.5),
        ..Default::default()
    });
    let config = PumpSwapConfig { slippage: Bps(10_000), ..PumpSwapConfig::default() };
    let run = Run::on_pool(world.market(), strategy, config, &path, 10.0);
    let right = PumpSwap::new(config, &path, 0);
    let faulty = Faulty { inner: right.clone().into_owned(), fault: OneLamport };
    let validation = compare(&run, right.clone(), faulty).unwrap();
    assert!(!validation.agrees());
    assert!(differing(&validation).contains(&Check::Commission), "{:?}", validation.table);
    assert_eq!(validation.table[Check::Commission as usize].differing, 1, "the sale is charged as it should be");
    assert!(validation.max_equity_difference < 1.1e-9, "one lamport: {:e}", validation.max_equity_difference);
    let right = compare(&run, right.clone(), right.into_owned()).unwrap();
    assert!(right.agrees(), "{:?}", right.differences);
}

/// Executes what the right venue rejected.
#[derive(Clone)]
struct NoRejections {
    lenient: PumpSwap<'static>,
}

impl Fault for NoRejections {
    fn apply(
        &mut self,
        result: Result<Fill, Rejection>,
        order: MarketOrder,
        arrival: Arrival,
        ledger: &mut PoolLedger,
    ) -> Result<Fill, Rejection> {
        result.or_else(|_| self.lenient.execute(order, arrival, ledger))
    }
}

#[test]
fn a_rejection_that_is_missed() {
    // The price runs away by a fifth between the decision and the fill: the program refuses the buy.
    let world = World::hourly(&[(10.0, 10.0, 0.9), (12.0, 12.0, 0.5), (12.0, 12.0, 0.1), (12.0, 12.0, 0.5)]);
    let path = PoolPath::rebuilt(&world.open, &world.close, 0, Lamports(100 * SOL)).unwrap();
    let config = PumpSwapConfig::default();
    let run = Run::on_pool(world.market(), threshold(), config, &path, 10.0);
    let right = PumpSwap::new(config, &path, 0);
    let lenient = PumpSwap::new(PumpSwapConfig { slippage: Bps(10_000), ..config }, &path, 0).into_owned();
    let faulty = Faulty { inner: right.clone().into_owned(), fault: NoRejections { lenient } };
    let validation = compare(&run, right, faulty).unwrap();
    assert!(!validation.agrees());
    let differing = differing(&validation);
    assert!(differing.contains(&Check::Rejection) && differing.contains(&Check::Fill), "{differing:?}");
    let rejected = validation.differences.iter().find(|difference| difference.check == Check::Rejection).unwrap();
    assert_eq!((rejected.row, rejected.second.as_str()), (0, "nothing"));
    assert!(rejected.first.contains("6040"), "{rejected}");
}
