//! What a perpetual future cost, part by part: the parts add up, and each is what a run without it shows.

#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]

use q50_engine::{
    decision::{Decision, Reason},
    ledger::Account,
    market::{Column, History, Market, Signals},
    orders::{Amount, OrderKind, OrderRequest, Orders},
    record::{FillRow, Journal},
    replay::replay,
    strategy::Strategy,
    units::Fraction,
    venue::{
        Contract, FillSide, Perpetual, PerpetualConfig, Rejection,
        perpetual::{Funding, FundingRate, Marks, Tiers},
    },
};
use q50_research::claim::PerpetualFigures;

const HOUR_MS: i64 = 3_600_000;

/// Sends market orders for these units (negative: sales) at the closes of these rows.
struct Scripted(Vec<(usize, f64)>);

impl Strategy for Scripted {
    fn decide(&mut self, _: History<'_>, _: &Account) -> Decision {
        Decision::Hold(Reason::Neutral)
    }

    fn places_orders(&self) -> bool {
        true
    }

    fn place(&mut self, history: History<'_>, _: &Account, orders: &mut Orders) {
        for (_, units) in self.0.iter().filter(|(row, _)| *row == history.row()) {
            let (side, reason) =
                if *units > 0.0 { (FillSide::Buy, Reason::EnterLong) } else { (FillSide::Sell, Reason::EnterShort) };
            orders.place(OrderRequest::new(side, OrderKind::Market, Amount::Units(units.abs()), reason));
        }
    }
}

/// Hourly bars with a volume of 1,000, mark prices a thousandth above, and 0.03 % of funding at every settlement.
struct World {
    time: Vec<i64>,
    prices: Vec<f64>,
    volume: Vec<f64>,
}

impl World {
    fn new(prices: Vec<f64>) -> Self {
        let time = (0..prices.len() as i64).map(|row| row * HOUR_MS).collect();
        Self { time, volume: vec![1_000.0; prices.len()], prices }
    }

    fn run(&self, config: PerpetualConfig, script: &[(usize, f64)]) -> (Journal, PerpetualFigures) {
        let market = Market {
            open_time: &self.time,
            open: &self.prices,
            high: &self.prices,
            low: &self.prices,
            close: &self.prices,
            signals: Signals::default().with(Column::Volume, &self.volume),
            interval_ms: HOUR_MS,
            first: 0,
        };
        let rates: Vec<FundingRate> = (0..=self.time.len() as i64 / 8)
            .map(|i| FundingRate { time: i * 8 * HOUR_MS, rate: 0.0003, mark: None, hours: None })
            .collect();
        let mark: Vec<f64> = self.prices.iter().map(|price| price * 1.001).collect();
        let marks = Marks { open: mark.clone(), high: mark.clone(), low: mark.clone(), close: mark };
        let tiers: Tiers = serde_json::from_str(r#"[{"above": 0, "rate": 0.004, "deduction": 0}]"#).unwrap();
        let contract = Contract::new(tiers, Some(marks), &rates, 8, &market).unwrap();
        let mut journal = Journal::default();
        let mut venue = Perpetual::new(config, &contract);
        replay(&market, &mut Scripted(script.to_vec()), &mut venue, 10_000.0, &mut journal);
        let figures = PerpetualFigures::of(&journal, &config, true);
        (journal, figures)
    }
}

fn waves() -> World {
    World::new((0..60).map(|row| 100.0 + 2.0 * (row as f64 / 3.0).sin() + 0.1 * (row % 5) as f64).collect())
}

/// Long, added to, half closed, turned to short, closed, and a position that stays open.
const SCRIPT: [(usize, f64); 6] = [(21, 10.0), (24, 5.0), (30, -7.0), (36, -20.0), (50, 12.0), (55, 3.0)];

fn config() -> PerpetualConfig {
    PerpetualConfig { spread: Fraction::from_bps(2.0), ..PerpetualConfig::default() }
}

fn near(found: f64, expected: f64, what: &str) {
    assert!((found - expected).abs() < 1e-8, "{what}: {found}, not {expected}");
}

fn last(journal: &Journal) -> f64 {
    *journal.equity.last().unwrap()
}

#[test]
fn the_parts_add_up_to_what_the_equity_lost() {
    let (journal, parts) = waves().run(config(), &SCRIPT);
    assert_eq!((journal.fills.len(), parts.settlements), (6, 4), "at 24, 32, 40 and 48 hours");
    let costs = parts.fees + parts.funding + parts.spread + parts.slippage + parts.liquidation_cost;
    near(last(&journal), 10_000.0 + parts.price_result - costs, "the equity");
    for (what, cost) in [("fees", parts.fees), ("spread", parts.spread), ("slippage", parts.slippage)] {
        assert!(cost > 0.1, "{what}: {cost}");
    }
}

#[test]
fn a_part_switched_off_changes_the_equity_by_what_it_is_said_to_cost_where_sizes_are_fixed() {
    // Fees are charged on prices that have spread and slippage inside, so that each is measured without them.
    let no_fees = PerpetualConfig { taker: Fraction::ZERO, ..config() };
    for (base, part) in [(config(), "fees"), (config(), "funding"), (no_fees, "spread"), (no_fees, "slippage")] {
        let (with, parts) = waves().run(base, &SCRIPT);
        let (_, cost, without) = parts.parts(base).into_iter().find(|(name, ..)| *name == part).unwrap();
        let (without, _) = waves().run(without, &SCRIPT);
        assert!(cost.abs() > 0.01, "{part} costs nothing");
        near(last(&without) - last(&with), cost, part);
    }
    // With fees the remainder is the fee on the difference: buys get cheaper by it, and sales dearer.
    let (with, parts) = waves().run(config(), &SCRIPT);
    let (without, _) = waves().run(PerpetualConfig { spread: Fraction::ZERO, ..config() }, &SCRIPT);
    let signed = |row: &FillRow| {
        let [spread, _] = config().spread_and_slippage(&row.fill, row.reason);
        if row.fill.side == FillSide::Buy { spread } else { -spread }
    };
    let remainder = config().taker.get() * with.fills.iter().map(signed).sum::<f64>();
    near(last(&without) - last(&with) - parts.spread, remainder, "the remainder");
}

#[test]
fn without_leverage_a_position_is_not_liquidated_and_the_remainder_is_what_it_did_then() {
    // 10 at 100 are liquidated where the mark price, a thousandth above, is 95.38; at 96 they would have been sold.
    let mut prices = vec![100.0; 30];
    (prices[25], prices[26]) = (95.2, 96.0);
    let free = PerpetualConfig {
        taker: Fraction::ZERO,
        slippage_coefficient: 0.0,
        funding: Funding::Waived,
        ..PerpetualConfig::default()
    };
    let script = [(22, 10.0), (25, -10.0)];
    let (with, parts) = World::new(prices.clone()).run(free, &script[..1]);
    assert_eq!(with.fills[1].reason, Reason::Liquidation);
    near(last(&with), 9_950.0, "the margin is lost and nothing more");
    near(parts.liquidated_margin, 50.0, "margin");
    // The mark opens at 95.2 x 1.001 = 95.2952: 50 - 47.048 are left.
    near(parts.liquidation_cost, 50.0 - 10.0 * (100.0 - 95.2952), "what closing would have left");
    near(parts.price_result, -47.048, "to the mark price");
    let (without, _) = World::new(prices).run(PerpetualConfig { leverage: 1.0, ..free }, &script);
    near(last(&without), 9_960.0, "sold at 96");
    let change = last(&without) - last(&with);
    near(change - parts.liquidation_cost, 10.0 * (96.0 - 95.2952), "the remainder: from the mark price to 96");
}

#[test]
fn a_short_sale_is_margined_and_funded() {
    let waived = PerpetualConfig { funding: Funding::Waived, ..config() };
    let (with, parts) = waves().run(config(), &[(21, -10.0)]);
    let (without, _) = waves().run(waived, &[(21, -10.0)]);
    assert!(parts.funding < 0.0, "longs pay shorts where the rate is above 0: {}", parts.funding);
    near(last(&without) - last(&with), parts.funding, "funding");
    let (refused, _) = waves().run(config(), &[(21, -2_100.0)]);
    assert_eq!(refused.fills.len(), 0, "10,000 carry a notional of 200,000 less fees");
    assert_eq!(refused.rejections, [(21, Rejection::InsufficientMargin)]);
}
