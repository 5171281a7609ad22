//! What strategies declare of their numbers is what their files have.

#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests, not only test functions")]

use std::collections::BTreeSet;

use q50_engine::{
    decision::Reason,
    market::{Column, Market, Signals},
    record::{FillRow, Journal},
    replay::replay,
    strategy::risk::RiskConfig,
    strategy::{
        Settings, StrategyConfig,
        exits::ExitConfig,
        parameters::{Bearing, Parameter},
        q50::{
            Q50Config, SellRule,
            gate::{GateConfig, Significance, ThresholdSource},
        },
        side::FollowSideConfig,
        sizing::{Method, SizingConfig},
        threshold::ThresholdConfig,
    },
    units::Fraction,
    venue::NextOpen,
};
use serde_json::Value;

/// Q50 with everything set that can be.
fn full() -> Q50Config {
    let tenth = Some(Fraction::new(0.1));
    Q50Config {
        gate: GateConfig { max_spread: tenth, ..GateConfig::default() },
        sizing: SizingConfig {
            half_at_drawdown: tenth,
            win_rate: tenth,
            payoff: Some(2.0),
            max_heat: Some(Fraction::ONE),
            min_notional: Some(1e-9),
            on_missing: tenth,
            kelly_trades: Some(1_000_000),
            ..SizingConfig::default()
        },
        ..Q50Config::default()
    }
}

/// `config` with every exit and limit around it.
fn guarded(config: impl Settings) -> StrategyConfig {
    let tenth = Some(Fraction::new(0.1));
    let exits = ExitConfig {
        stop_loss: tenth,
        trailing_stop: tenth,
        take_profit: Some(0.1),
        max_hours: Some(10.0),
        ..ExitConfig::default()
    };
    StrategyConfig::new(config).with_exits(exits).with_limits(RiskConfig {
        max_drawdown: tenth,
        cooldown_hours: Some(10.0),
        max_daily_loss: tenth,
        max_consecutive_losses: Some(3),
        max_positions: Some(5),
        total_exposure: tenth,
        instrument_exposure: tenth,
        correlated_exposure: tenth,
        correlation_window: Some(100),
        correlation_threshold: tenth,
        heat: tenth,
    })
}

fn all() -> [StrategyConfig; 5] {
    [
        StrategyConfig::new(Q50Config::default()),
        guarded(full()),
        guarded(ThresholdConfig::default()),
        guarded(FollowSideConfig::default()),
        guarded(ThresholdConfig::default()).with_sizing(full().sizing),
    ]
}

/// Paths of every number of `tree`, and of every option that is not set.
fn numbers(tree: &Value, prefix: &str, paths: &mut BTreeSet<String>) {
    for (key, value) in tree.as_object().unwrap() {
        let path = if prefix.is_empty() { key.clone() } else { format!("{prefix}.{key}") };
        match value {
            Value::Object(_) => numbers(value, &path, paths),
            Value::Number(_) | Value::Null => assert!(paths.insert(path)),
            Value::Array(_) => panic!("{path} is an array: declare what is in it, or say why not"),
            Value::Bool(_) | Value::String(_) => {}
        }
    }
}

/// The node of `tree` at a dotted path.
fn node<'a>(tree: &'a mut Value, path: &str) -> &'a mut Value {
    path.split('.').fold(tree, |node, key| node.get_mut(key).unwrap())
}

/// Writes a number at a dotted path, where it was or beside those of its section.
fn write(tree: &mut Value, path: &str, number: Value) {
    let (section, key) = match path.rsplit_once('.') {
        Some((section, key)) => (node(tree, section), key),
        None => (tree, path),
    };
    section.as_object_mut().unwrap().insert(key.to_owned(), number);
}

#[test]
fn every_number_of_the_settings_is_declared() {
    for config in all() {
        let mut found = BTreeSet::new();
        numbers(&serde_json::to_value(&config).unwrap(), "", &mut found);
        // Some are written only where they are set.
        let is_written = |p: &&Parameter| p.value.is_some() || found.contains(&*p.path);
        let declared: BTreeSet<String> =
            config.parameters().iter().filter(is_written).map(|p| p.path.to_string()).collect();
        assert_eq!(declared, found);
    }
}

#[test]
fn a_declared_number_is_read_where_it_stands_and_defaults_are_in_range() {
    for config in all() {
        for (position, parameter) in config.parameters().into_iter().enumerate() {
            let Parameter { path, range, value, default, .. } = parameter;
            assert!(value.is_none_or(|v| range.contains(v)) && default.is_none_or(|v| range.contains(v)), "{path}");
            let changed = if range.is_whole() { 2.0 } else { 0.123 };
            let mut tree = serde_json::to_value(&config).unwrap();
            write(&mut tree, &path, if range.is_whole() { Value::from(2) } else { Value::from(changed) });
            let read: StrategyConfig = serde_json::from_value(tree).unwrap();
            assert_eq!(read.parameters()[position].value, Some(changed), "{path}");
        }
    }
}

/// What is ordered, why, and what it comes to, in 600 hours of forecasts with everything that a setting could read.
fn orders(config: &StrategyConfig) -> (Vec<FillRow>, Vec<Reason>, Vec<f64>) {
    let rows = 600;
    let noise = |i: usize, k: f64| ((i as f64 + 1.0) * k).fract() - 0.5;
    let column = |f: &dyn Fn(usize) -> f64| (0..rows).map(f).collect::<Vec<f64>>();
    let time: Vec<i64> = (0..rows as i64).map(|t| t * 3_600_000).collect();
    let close = column(&|i| 100.0 * (1.0 + 0.1 * (i as f64 / 11.0).sin() + 0.01 * noise(i, 0.618_034)));
    let open = column(&|i| close[i.saturating_sub(1)]);
    let high = column(&|i| open[i].max(close[i]) * 1.002);
    let low = column(&|i| open[i].min(close[i]) * 0.998);
    let median = column(&|i| 0.004 * (i as f64 / 9.0).cos() + 0.002 * noise(i, 0.754_878));
    let width = column(&|i| 0.008 + 0.004 * noise(i, 0.569_84));
    let (q10, q90) = (column(&|i| median[i] - width[i]), column(&|i| median[i] + width[i]));
    let threshold = column(&|_| 0.001);
    let signals = Signals::default()
        .with(Column::Q10, &q10)
        .with(Column::Q50, &median)
        .with(Column::Q90, &q90)
        .with(Column::SignalThresh, &threshold);
    let (open_time, interval_ms) = (&time[..], 3_600_000);
    let market =
        Market { open_time, open: &open, high: &high, low: &low, close: &close, signals, interval_ms, first: 0 };
    let mut journal = Journal::default();
    let mut venue = NextOpen::new(Fraction::from_bps(5.0)).with_free_shorting();
    replay(&market, &mut config.prepare(&market), &mut venue, 1_000.0, &mut journal);
    let reasons = journal.decisions.iter().map(|row| row.reason).collect();
    (journal.fills, reasons, journal.equity)
}

/// A number that would matter and is not declared as bearing would escape the check of neighbouring settings.
#[test]
fn a_number_that_does_not_bear_on_decisions_changes_none() {
    const METHODS: [Method; 9] = [
        Method::Full,
        Method::InverseVariance,
        Method::InverseVarianceStrength,
        Method::Kelly,
        Method::Atr,
        Method::Enhanced,
        Method::ValidatedKelly,
        Method::ValidatedTiered,
        Method::VolRawKelly,
    ];
    let mut compared = 0;
    for method in METHODS {
        for (gate, adaptive) in [(0, true), (1, true), (1, false), (2, true), (3, false)] {
            let mut config = full();
            config.sizing.method = method;
            config.sizing.win_rate = Some(Fraction::new(0.6));
            config.sizing.by_regime = gate == 3;
            config.sell = if gate == 2 { SellRule::Partial } else { SellRule::Full };
            config.allow_short = gate == 2;
            config.gate.max_spread = None;
            config.gate.significance = if gate == 1 { Significance::Threshold } else { Significance::ExpectedValue };
            config.gate.threshold = if adaptive { ThresholdSource::Adaptive } else { ThresholdSource::Published };
            let config = StrategyConfig::new(config).with_exits(guarded(full()).guards().exits);
            let base = orders(&config);
            for parameter in config.parameters() {
                let Parameter { path, value: Some(value), bearing: Bearing::None, range, .. } = parameter else {
                    continue;
                };
                // Twice as much is no small step: the number would have to be read nowhere at all.
                let moved = if value == 0.0 { 0.5 } else { range.nearest(2.0 * value) };
                if path == "sizing.fee_reserve" || path == "gate.min_tier" {
                    continue; // 0 switches these off; any other value bears.
                }
                let mut tree = serde_json::to_value(&config).unwrap();
                write(&mut tree, &path, if range.is_whole() { Value::from(moved as u64) } else { Value::from(moved) });
                let changed: StrategyConfig = serde_json::from_value(tree).unwrap();
                assert_ne!(changed, config, "{path}");
                assert!(orders(&changed) == base, "{path} of {config:?}");
                compared += 1;
            }
        }
    }
    assert!(compared > 500, "{compared}");
}
