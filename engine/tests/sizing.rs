//! Sizes around strategies that have none of Q50's, from the decision to the fill.

#![allow(clippy::unwrap_used, reason = "helpers of tests, not only test functions")]

use proptest::prelude::*;
use q50_engine::{
    decision::Reason,
    market::{Column, Market, Signals},
    record::Journal,
    replay::replay,
    strategy::{
        StrategyConfig,
        exits::{ExitConfig, ExitTrigger},
        risk::RiskConfig,
        sizing::{BindingCap, Method, SizingConfig},
        threshold::ThresholdConfig,
    },
    units::Fraction,
    venue::{NextOpen, Rejection},
};

/// Hourly bars whose prices are all `price`, with a signal.
struct World {
    time: Vec<i64>,
    price: Vec<f64>,
    low: Vec<f64>,
    signal: Vec<f64>,
    variance: Option<Vec<f64>>,
}

impl World {
    fn new(price: &[f64], signal: &[f64]) -> Self {
        Self {
            time: (0..price.len() as i64).map(|i| i * 3_600_000).collect(),
            price: price.to_vec(),
            low: price.to_vec(),
            signal: signal.to_vec(),
            variance: None,
        }
    }

    fn run(&self, config: &StrategyConfig, venue: NextOpen) -> Journal {
        let market = Market {
            open_time: &self.time,
            open: &self.price,
            high: &self.price,
            low: &self.low,
            close: &self.price,
            signals: match &self.variance {
                Some(variance) => Signals::default().with(Column::VolRisk, variance),
                None => Signals::default(),
            }
            .with(Column::Value, &self.signal),
            interval_ms: 3_600_000,
            first: 0,
        };
        config.check(&market.signals).unwrap();
        let mut journal = Journal::default();
        replay(&market, &mut config.prepare(&market), &mut venue.clone(), 1_000.0, &mut journal);
        journal
    }
}

fn threshold(sizing: SizingConfig) -> StrategyConfig {
    StrategyConfig::new(ThresholdConfig { entry: 0.7, exit: 0.3, size: Fraction::ONE }).with_sizing(sizing)
}

fn stop(distance: f64) -> ExitConfig {
    ExitConfig { stop_loss: Some(Fraction::new(distance)), trigger: ExitTrigger::Intrabar, ..ExitConfig::default() }
}

fn free() -> NextOpen {
    NextOpen::new(Fraction::ZERO)
}

proptest! {
    /// Without slippage: the stop fills at its price.
    #[test]
    fn the_loss_at_the_stop_is_the_risk_within_one_lot(
        price in 0.001_f64..1e5, distance in 0.01_f64..0.5, share in 0.05_f64..1.0, lot in 1e-4_f64..1e-2,
    ) {
        let risk = distance * share;
        let sizing = SizingConfig {
            method: Method::FixedFractional,
            risk_per_trade: Fraction::new(risk),
            ..SizingConfig::OWN
        };
        let mut world = World::new(&[price; 4], &[1.0, 0.5, 0.5, 0.5]);
        world.low[2] = price * (1.0 - distance) * 0.9;
        let lot = lot * 1_000.0 / price;
        let journal = world.run(&threshold(sizing).with_exits(stop(distance)), free().with_lot(lot));
        prop_assert_eq!(journal.fills.len(), 2);
        prop_assert_eq!(journal.fills[1].reason, Reason::StopLoss);
        let (loss, of_a_lot) = (1_000.0 - journal.equity.last().unwrap(), lot * price * distance);
        prop_assert!(loss <= risk * 1_000.0 * (1.0 + 1e-9) && loss >= risk * 1_000.0 - of_a_lot * (1.0 + 1e-9), "{}", loss);
    }
}

#[test]
fn the_size_is_multiplied_by_that_of_the_regime_once_there_is_one() {
    let sizing = SizingConfig { by_regime: true, ..SizingConfig::OWN };
    let config = StrategyConfig::new(ThresholdConfig { entry: 0.7, exit: 0.3, size: Fraction::new(0.5) });
    let config = config.with_sizing(sizing);
    // Variances of 1 to 100 in some order, and one more at which half of 1,000 is asked for.
    let entered = |last: f64, row: usize| {
        let mut signal = vec![0.5; 102];
        signal[row] = 1.0;
        let variance = (0..100).map(|i| f64::from((i * 37) % 100 + 1)).chain([last, 1.0]).collect();
        let world = World { variance: Some(variance), ..World::new(&[10.0; 102], &signal) };
        world.run(&config, free())
    };
    for (variance, regime, size) in
        [(10.0, "low", 550.0), (50.0, "medium", 500.0), (80.0, "high", 425.0), (95.0, "extreme", 300.0)]
    {
        let journal = entered(variance, 100);
        assert!((journal.fills[0].fill.notional - size).abs() < 1e-9, "{regime}: {:?}", journal.fills);
        let explained = journal.decisions.get(100).unwrap().explanation;
        assert_eq!((explained.regime, explained.sizing.unwrap().base), (Some(regime), 0.5));
    }
    let early = entered(1.0, 98);
    assert_eq!((early.fills.len(), early.decisions.get(98).unwrap().reason), (0, Reason::WarmUp), "99 observations");
    let missing = entered(f64::NAN, 100);
    assert_eq!((missing.fills.len(), missing.decisions.get(100).unwrap().reason), (0, Reason::SizingFailed));
}

#[test]
fn the_nearest_stop_is_the_one_that_sizes_are_measured_by() {
    let exits = ExitConfig { trailing_stop: Some(Fraction::new(0.05)), ..stop(0.1) };
    let sizing =
        SizingConfig { method: Method::FixedFractional, risk_per_trade: Fraction::new(0.02), ..SizingConfig::OWN };
    let journal = World::new(&[100.0; 3], &[1.0, 0.5, 0.5]).run(&threshold(sizing).with_exits(exits), free());
    // 2 % of 1,000 is lost at 5 % of 400.
    assert!((journal.fills[0].fill.units - 4.0).abs() < 1e-12, "{:?}", journal.fills);
}

#[test]
fn a_size_by_the_average_true_range_loses_its_risk_at_so_many_of_them() {
    let price: Vec<f64> = (0..20).map(|i| if i % 2 == 0 { 100.0 } else { 102.0 }).collect();
    let mut signal = vec![0.5; 20];
    signal[18] = 1.0;
    let sizing = SizingConfig {
        method: Method::Atr,
        risk_per_trade: Fraction::new(0.02),
        atr_multiple: 2.0,
        ..SizingConfig::OWN
    };
    let journal = World::new(&price, &signal).run(&threshold(sizing), free());
    // The range of every bar is 2, 2 % of the close of 100: 0.02 / (2 x 0.02) is half, at an open of 102.
    assert!((journal.fills[0].fill.units - 500.0 / 102.0).abs() < 1e-12, "{:?}", journal.fills);
    let early = World::new(&price[..3], &[1.0, 0.5, 0.5]).run(&threshold(sizing), free());
    assert_eq!(early.decisions.get(0).unwrap().reason, Reason::SizingFailed, "no range yet, no trade");
}

#[test]
fn every_cap_is_in_the_record_of_the_decision_and_the_binding_one_is_named() {
    let sizing = SizingConfig {
        max_position: Fraction::new(0.5),
        fee_reserve: 800.0,
        max_heat: Some(Fraction::new(0.03)),
        ..SizingConfig::OWN
    };
    let journal = World::new(&[100.0; 2], &[1.0, 0.5]).run(&threshold(sizing).with_exits(stop(0.1)), free());
    let explanation = journal.decisions.get(0).unwrap().explanation;
    let sized = explanation.sizing.unwrap();
    assert_eq!((sized.base, sized.raw, sized.size), (1.0, 1.0, 0.2), "the strategy asks for all of it");
    assert_eq!((sized.caps.max_position, sized.caps.cash, sized.caps.pool_share), (0.5, Some(0.2), None));
    assert!((sized.caps.heat.unwrap() - 0.3).abs() < 1e-15, "0.03 at a stop of 0.1");
    assert_eq!((explanation.binding_cap, sized.binding), (Some("cash"), BindingCap::Cash));
    assert_eq!(journal.fills[0].fill.units, 2.0);
    assert_eq!(journal.decisions.get(1).unwrap().explanation.sizing, None, "a hold has no size");
}

#[test]
fn no_edge_is_no_trade_and_says_so() {
    let kelly = |win_rate| {
        let (win_rate, payoff) = (Some(Fraction::new(win_rate)), Some(1.0));
        let sizing = SizingConfig { method: Method::Kelly, win_rate, payoff, ..SizingConfig::OWN };
        World::new(&[100.0; 2], &[1.0, 1.0]).run(&threshold(sizing), free())
    };
    let losing = kelly(0.4);
    assert_eq!(losing.fills.len(), 0);
    assert!(losing.decisions.reasons().all(|reason| reason == Reason::NoEdge));
    assert!((kelly(0.6).fills[0].fill.units - 1.0).abs() < 1e-12, "half of 0.6 - 0.4");
}

#[test]
fn kelly_learns_from_the_trades_that_have_ended_and_from_no_later_one() {
    // Bought at 100 and sold at 110, 110 and 100, 100 and 110, each decided a bar before; then bought again.
    let price = [100.0, 100.0, 110.0, 110.0, 110.0, 100.0, 100.0, 100.0, 110.0, 110.0, 110.0, 110.0];
    let signal = [1.0, 0.0, 0.5, 1.0, 0.0, 0.5, 1.0, 0.0, 0.5, 1.0, 0.5, 0.5];
    let sizing = SizingConfig {
        method: Method::Kelly,
        win_rate: Some(Fraction::new(0.6)),
        payoff: Some(1.0),
        kelly_fraction: Fraction::ONE,
        kelly_trades: Some(3),
        ..SizingConfig::OWN
    };
    let journal = World::new(&price, &signal).run(&threshold(sizing), free());
    let sizes: Vec<f64> = journal.decisions.iter().filter_map(|row| row.explanation.size).collect();
    // A fifth of 1,000, of 1,020 and of about 1,001.45: won 20, lost 18.545..., won 20.029...
    assert_eq!(sizes.len(), 4);
    sizes[..3].iter().for_each(|size| assert!((size - 0.2).abs() < 1e-12, "{sizes:?}"));
    let (second, third) = (0.2 * 1_020.0 / 11.0, 0.2 * (1_020.0 - 0.2 * 1_020.0 / 11.0) / 10.0);
    let payoff = (20.0 + third) / 2.0 / second;
    assert!((sizes[3] - (2.0 / 3.0 - 1.0 / 3.0 / payoff)).abs() < 1e-12, "{sizes:?}");
}

#[test]
fn amounts_are_rounded_down_to_the_lot_and_nothing_is_forced_up_to_one() {
    let own = |share| {
        let sizing = SizingConfig { max_position: Fraction::new(share), ..SizingConfig::OWN };
        World::new(&[1e6; 3], &[1.0, 0.5, 0.5]).run(&threshold(sizing), free().with_lot(0.001))
    };
    // 0.0005 units of a million each are half a lot.
    let refused = own(0.5);
    assert_eq!((refused.fills.len(), refused.rejections[0].1), (0, Rejection::BelowLot));
    assert_eq!(own(1.0).fills[0].fill.units, 0.001);
}

#[test]
fn after_trades_lost_in_a_row_the_position_of_the_limit_stays_closed() {
    // Every bar is bought high and sold low.
    let price: Vec<f64> = (0..24).map(|i| if i % 4 < 2 { 110.0 } else { 100.0 }).collect();
    let signal: Vec<f64> = (0..24).map(|i| [1.0, 0.0, 0.0, 0.5][i % 4]).collect();
    let plain = threshold(SizingConfig::OWN);
    let limited = RiskConfig { max_consecutive_losses: Some(2), ..RiskConfig::default() };
    let fills = |config: &StrategyConfig| World::new(&price, &signal).run(config, free()).fills.len();
    assert_eq!((fills(&plain), fills(&plain.clone().with_limits(limited))), (12, 4));
}
