//! Markets and strategies that several tests go through.

#![allow(dead_code, reason = "each test uses its own part")]

use proptest::prelude::*;
use q50_engine::{
    market::{Column, Market, Signals},
    strategy::risk::RiskConfig,
    strategy::{
        StrategyConfig,
        exits::{ExitConfig, ExitTrigger},
        q50::{
            Q50Config, SellRule,
            gate::{Significance, ThresholdSource},
        },
        side::{Absent, FollowSideConfig},
        sizing::{CapScope, Method},
        threshold::ThresholdConfig,
    },
    units::Fraction,
};

/// Return, median and width of each bar.
pub(crate) type Rows = Vec<(f64, f64, f64)>;

/// Random ones.
pub(crate) fn any_rows() -> impl Strategy<Value = Rows> {
    prop::collection::vec((-0.03_f64..0.03, -0.006_f64..0.006, 0.0005_f64..0.01), 4..220)
}

/// A random market with some of the columns that a producer may give.
pub(crate) fn any_world() -> impl Strategy<Value = World> {
    (any_rows(), any::<[bool; 4]>()).prop_map(|(rows, given)| World { given, ..World::new(&rows) })
}

#[derive(Debug)]
pub(crate) struct World {
    /// Whether there are recorded volatility, variance, threshold and position.
    given: [bool; 4],
    extra: [Vec<f64>; 4],
    time: Vec<i64>,
    open: Vec<f64>,
    high: Vec<f64>,
    low: Vec<f64>,
    close: Vec<f64>,
    columns: [Vec<f64>; 5],
}

impl World {
    /// Prices and signals from `rows` of (return, signal, width), signals of one in ten bars missing.
    pub(crate) fn new(rows: &[(f64, f64, f64)]) -> Self {
        let (mut open, mut close, mut price) = (Vec::new(), Vec::new(), 100.0);
        for (change, ..) in rows {
            open.push(price);
            price *= 1.0 + change;
            close.push(price);
        }
        let signal = |f: fn(&(f64, f64, f64)) -> f64| -> Vec<f64> {
            rows.iter().enumerate().map(|(t, row)| if t % 10 == 7 { f64::NAN } else { f(row) }).collect()
        };
        Self {
            given: [false, false, true, false],
            extra: [
                signal(|r| 0.001 + r.0.abs()),
                signal(|r| 1e-6 + r.0 * r.0),
                signal(|r| 0.0005 + r.2 / 10.0),
                signal(|r| 150.0 * r.1),
            ],
            time: (0..rows.len() as i64).map(|t| t * 3_600_000).collect(),
            high: open.iter().zip(&close).map(|(o, c): (&f64, &f64)| o.max(*c) * 1.002).collect(),
            low: open.iter().zip(&close).map(|(o, c): (&f64, &f64)| o.min(*c) * 0.998).collect(),
            open,
            close,
            columns: [
                signal(|r| r.1 - r.2),
                signal(|r| r.1),
                signal(|r| r.1 + r.2),
                signal(|r| 0.5 + 50.0 * r.1),
                signal(|r| {
                    if r.1 > 0.002 {
                        1.0
                    } else if r.1 < -0.002 {
                        0.0
                    } else {
                        -1.0
                    }
                }),
            ],
        }
    }

    pub(crate) fn market(&self) -> Market<'_> {
        let [q10, q50, q90, value, side] = &self.columns;
        let signals = Signals::default()
            .with(Column::Q10, q10)
            .with(Column::Q50, q50)
            .with(Column::Q90, q90)
            .with(Column::Value, value)
            .with(Column::Side, side);
        let given = [Column::VolRaw, Column::VolRisk, Column::SignalThresh, Column::Position].into_iter();
        let given = given.zip(&self.extra).zip(self.given).filter(|(_, given)| *given);
        let signals = given.fold(signals, |all, ((column, values), _)| all.with(column, values));
        Market {
            open_time: &self.time,
            open: &self.open,
            high: &self.high,
            low: &self.low,
            close: &self.close,
            signals,
            interval_ms: 3_600_000,
            first: 3,
        }
    }
}

pub(crate) fn q50(change: impl FnOnce(&mut Q50Config)) -> StrategyConfig {
    let mut config = Q50Config::default();
    config.regime.min_observations = 10;
    change(&mut config);
    StrategyConfig::new(config)
}

pub(crate) fn strategies() -> Vec<StrategyConfig> {
    vec![
        StrategyConfig::new(ThresholdConfig { entry: 0.6, exit: 0.4, size: Fraction::new(0.7) }),
        StrategyConfig::new(FollowSideConfig::default()),
        StrategyConfig::new(FollowSideConfig { absent: Absent::Flat, ..FollowSideConfig::default() }),
        q50(|_| {}),
        q50(|c| c.absent = Absent::Long),
        q50(|c| c.gate.significance = Significance::Threshold),
        q50(|c| {
            c.gate.significance = Significance::Threshold;
            c.gate.threshold = ThresholdSource::Published;
        }),
        q50(|c| c.sell = SellRule::Partial),
        q50(|c| c.allow_short = true),
        q50(|c| c.sizing.cap_scope = CapScope::PerOrder),
        q50(|c| c.sizing.half_at_drawdown = Some(Fraction::new(0.02))),
        q50(|_| {}).with_exits(ExitConfig { stop_loss: Some(Fraction::new(0.01)), ..ExitConfig::default() }),
        q50(|_| {}).with_exits(ExitConfig {
            trailing_stop: Some(Fraction::new(0.01)),
            trigger: ExitTrigger::Intrabar,
            ..ExitConfig::default()
        }),
        StrategyConfig::new(FollowSideConfig::default())
            .with_exits(ExitConfig { max_hours: Some(5.0), ..ExitConfig::default() }),
        q50(|c| c.sizing.method = Method::Atr),
        q50(|c| c.sizing.method = Method::AdvancedMomentum),
        q50(|c| {
            c.sizing.method = Method::Enhanced;
            c.sizing.by_regime = true;
        }),
        q50(|c| {
            c.gate.min_tier = 1;
            c.gate.max_spread = Some(Fraction::new(0.015));
            c.regime.window = 25;
        }),
        q50(|c| c.sizing.half_at_drawdown = Some(Fraction::new(0.02)))
            .with_exits(ExitConfig { take_profit: Some(0.01), ..ExitConfig::default() })
            .with_limits(RiskConfig { max_daily_loss: Some(Fraction::new(0.01)), ..RiskConfig::default() }),
        q50(|_| {}).with_limits(RiskConfig { max_drawdown: Some(Fraction::new(0.02)), ..RiskConfig::default() }),
        StrategyConfig::new(ThresholdConfig { entry: 0.6, exit: 0.4, size: Fraction::new(0.7) })
            .with_limits(RiskConfig { max_daily_loss: Some(Fraction::new(0.005)), ..RiskConfig::default() }),
        StrategyConfig::new(FollowSideConfig::default())
            .with_exits(ExitConfig { stop_loss: Some(Fraction::new(0.05)), ..ExitConfig::default() })
            .with_limits(RiskConfig {
                total_exposure: Some(Fraction::new(0.6)),
                correlated_exposure: Some(Fraction::new(0.5)),
                correlation_window: Some(5),
                heat: Some(Fraction::new(0.02)),
                ..RiskConfig::default()
            }),
    ]
}
