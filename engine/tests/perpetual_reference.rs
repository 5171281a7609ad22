//! The reference scenarios of `data/perp` once more, driven through the loop: bars, orders, resting exits and settlements
//! instead of events.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a panic is how a test fails")]

use std::collections::BTreeMap;

use q50_engine::{
    decision::{Decision, Reason},
    ledger::Account,
    market::{Column, History, Market, Signals},
    matching::RestingExits,
    orders::{Amount, OrderKind, OrderRequest, Orders},
    record::Journal,
    replay::replay,
    strategy::Strategy,
    units::Fraction,
    venue::{
        Contract, FillSide, Perpetual, PerpetualConfig,
        perpetual::{FundingRate, Marks, Tiers},
    },
};
use q50_testing::real_json;
use serde_json::Value;

const HOUR_MS: i64 = 3_600_000;

/// Sends market orders for units at the closes of rows, and rests a stop and a target.
#[derive(Default)]
struct Scripted {
    orders: Vec<(usize, f64)>,
    stop: Option<f64>,
    target: Option<f64>,
}

impl Strategy for Scripted {
    fn decide(&mut self, _: History<'_>, _: &Account) -> Decision {
        Decision::Hold(Reason::Neutral)
    }

    fn places_orders(&self) -> bool {
        true
    }

    fn place(&mut self, history: History<'_>, _: &Account, orders: &mut Orders) {
        for (_, units) in self.orders.iter().filter(|(row, _)| *row == history.row()) {
            let side = if *units > 0.0 { FillSide::Buy } else { FillSide::Sell };
            let amount = Amount::Units(units.abs());
            orders.place(OrderRequest::new(side, OrderKind::Market, amount, Reason::EnterLong));
        }
    }

    fn resting(&self, account: &Account) -> RestingExits {
        let stop = self.stop.map(|level| (level, Reason::StopLoss));
        RestingExits { stop, target: self.target, long: account.position > 0.0 }
    }
}

#[derive(Default)]
struct World {
    time: Vec<i64>,
    last: Vec<[f64; 4]>,
    mark: Vec<[f64; 4]>,
    volume: Vec<f64>,
    rates: Vec<FundingRate>,
}

impl World {
    fn push(&mut self, time: i64, last: [f64; 4], mark: [f64; 4]) {
        self.time.push(time);
        self.last.push(last);
        self.mark.push(mark);
        self.volume.push(1.0);
    }

    fn replay(&self, tiers: &Value, config: PerpetualConfig, capital: f64, mut strategy: Scripted) -> Journal {
        let column = |bars: &[[f64; 4]], of: usize| -> Vec<f64> { bars.iter().map(|bar| bar[of]).collect() };
        let [open, high, low, close] = [0, 1, 2, 3].map(|of| column(&self.last, of));
        let market = Market {
            open_time: &self.time,
            open: &open,
            high: &high,
            low: &low,
            close: &close,
            signals: Signals::default().with(Column::Volume, &self.volume),
            interval_ms: HOUR_MS,
            first: 0,
        };
        let [open, high, low, close] = [0, 1, 2, 3].map(|of| column(&self.mark, of));
        let marks = Marks { open, high, low, close };
        let tiers: Tiers = serde_json::from_value(tiers.clone()).unwrap();
        let contract = Contract::new(tiers, Some(marks), &self.rates, 8, &market).unwrap();
        let mut journal = Journal::default();
        replay(&market, &mut strategy, &mut Perpetual::new(config, &contract), capital, &mut journal);
        journal
    }
}

fn number(of: &Value, key: &str) -> f64 {
    of[key].as_f64().unwrap_or_else(|| panic!("no {key} in {of}"))
}

fn list<'a>(of: &'a Value, key: &str) -> &'a [Value] {
    of[key].as_array().unwrap()
}

fn near(found: f64, expected: f64, what: &str) {
    assert!((found - expected).abs() <= 1e-9 * expected.abs().max(1.0), "{what}: {found}, not {expected}");
}

fn free() -> PerpetualConfig {
    PerpetualConfig { slippage_coefficient: 0.0, ..PerpetualConfig::default() }
}

/// Hours of `2024-01-02T08:00Z` since the first of that month.
fn hour(event: &Value) -> i64 {
    let text = event["time"].as_str().unwrap();
    let part = |from: usize| text[from..from + 2].parse::<i64>().unwrap();
    24 * (part(8) - 1) + part(11)
}

#[test]
#[ignore = "reads Q50_TEST_DATA"]
fn the_scenarios_end_with_the_same_wallet() {
    let document = real_json("perp/scenarios.json");
    for scenario in list(&document, "scenarios") {
        let name = scenario["name"].as_str().unwrap();
        let mut hours: BTreeMap<i64, Vec<&Value>> = BTreeMap::new();
        list(scenario, "events").iter().for_each(|event| hours.entry(hour(event)).or_default().push(event));
        let (mut world, mut strategy) = (World::default(), Scripted::default());
        let (first, last) = (*hours.keys().next().unwrap(), *hours.keys().last().unwrap());
        let before = [number(hours[&first][0], "mark"); 4];
        world.push((first - 1) * HOUR_MS, before, before);
        for (&hour, events) in &hours {
            let mark = number(events[events.len() - 1], "mark");
            let mut price = mark;
            for event in events.iter().filter(|event| event["kind"] == "fill") {
                price = number(event, "price");
                if event["role"] == "maker" {
                    strategy.target = Some(price);
                } else {
                    strategy.orders.push((world.time.len() - 1, number(event, "size")));
                }
            }
            world.push(hour * HOUR_MS, [price; 4], [mark; 4]);
        }
        // Nothing is held at a settlement that the scenario does not tell.
        let told = |hour: i64| hours.get(&hour).into_iter().flatten().find(|event| event["kind"] == "funding");
        let settled = (first.div_euclid(8) * 8..=last).step_by(8).map(|hour| FundingRate {
            time: hour * HOUR_MS,
            rate: told(hour).map_or(0.0, |event| number(event, "rate")),
            mark: told(hour).map(|event| number(event, "mark")),
            hours: None,
        });
        world.rates = settled.collect();
        let config = PerpetualConfig {
            leverage: number(scenario, "leverage"),
            taker: Fraction::new(number(scenario, "fee_taker")),
            maker: Fraction::new(number(scenario, "fee_maker")),
            ..free()
        };
        let journal = world.replay(&document["tiers"], config, number(scenario, "capital"), strategy);
        let liquidated = list(scenario, "events").iter().any(|event| event["expect"] == "liquidated");
        assert_eq!(journal.fills.iter().any(|row| row.reason == Reason::Liquidation), liquidated, "{name}");
        near(*journal.equity.last().unwrap(), number(scenario, "final_wallet"), name);
        let totals = &scenario["totals"];
        near(journal.fills.iter().map(|row| row.fill.cost).sum(), number(totals, "fees"), name);
        near(-journal.funding.iter().sum::<f64>(), number(totals, "funding"), name);
    }
}

#[test]
#[ignore = "reads Q50_TEST_DATA"]
fn a_bar_closes_a_position_by_the_same_thing_first() {
    let document = real_json("perp/scenarios.json");
    for case in list(&document, "bar_order") {
        let name = case["name"].as_str().unwrap();
        let prices = |key: &str| -> [f64; 4] { std::array::from_fn(|i| case[key][i].as_f64().unwrap()) };
        let (entry, size) = ([number(case, "entry"); 4], number(case, "size"));
        let mut world = World::default();
        [entry, entry].into_iter().zip(1..).for_each(|(bar, hour)| world.push(hour * HOUR_MS, bar, bar));
        world.push(3 * HOUR_MS, prices("last"), prices("mark"));
        let strategy = Scripted {
            orders: vec![(0, if case["side"] == "long" { size } else { -size })],
            stop: case["stop"].as_f64(),
            target: case["target"].as_f64(),
        };
        let journal = world.replay(&document["tiers"], free(), 1_000.0, strategy);
        let closed = journal.fills.get(1);
        let reason = closed.map(|row| if row.reason == Reason::Liquidation { "liquidated" } else { row.reason.name() });
        assert_eq!(reason, case["expect"].as_str(), "{name}");
        if let Some(row) = closed {
            near(*journal.equity.last().unwrap(), number(case, "wallet"), name);
            assert!(case["price"].as_f64().is_none_or(|price| price == row.fill.price), "{name}");
        }
    }
}

#[test]
#[ignore = "reads Q50_TEST_DATA"]
fn an_order_at_the_market_has_the_price_of_its_size() {
    let document = real_json("perp/scenarios.json");
    let orders: Vec<&Value> = list(&document, "slippage").iter().filter(|order| number(order, "size") > 0.0).collect();
    assert!(!orders.is_empty());
    for order in orders {
        let mut world = World::default();
        for (hour, close) in (9..).zip(list(order, "closes")) {
            world.push(hour * HOUR_MS, [close.as_f64().unwrap(); 4], [close.as_f64().unwrap(); 4]);
        }
        let mid = [number(order, "mid"); 4];
        world.push(30 * HOUR_MS, mid, mid);
        world.volume = list(order, "volumes").iter().map(|volume| volume.as_f64().unwrap()).collect();
        world.volume.push(1.0);
        world.rates =
            [16, 24].map(|hour| FundingRate { time: hour * HOUR_MS, rate: 0.0, mark: None, hours: None }).to_vec();
        let config = PerpetualConfig {
            spread: Fraction::from_bps(number(order, "spread_bps")),
            slippage_coefficient: number(order, "coefficient"),
            ..PerpetualConfig::default()
        };
        let units = number(order, "size") * if order["side"] == "buy" { 1.0 } else { -1.0 };
        let strategy = Scripted { orders: vec![(20, units)], ..Scripted::default() };
        let journal = world.replay(&document["tiers"], config, 1e9, strategy);
        near(journal.fills[0].fill.price, number(order, "price"), "the price of the fill");
    }
}
