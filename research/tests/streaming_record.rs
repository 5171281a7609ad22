//! On the real record too, a strategy that is fed one bar at a time does to the bit what the columns of the record do.

#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]

use q50_datasets::dataset::{Dataset, DatasetOptions};
use q50_engine::{
    record::Journal,
    replay::replay,
    strategy::risk::RiskConfig,
    strategy::{
        Strategy, StrategyConfig,
        exits::ExitConfig,
        q50::{Q50Config, gate::Significance},
        side::FollowSideConfig,
        sizing::Method,
        threshold::ThresholdConfig,
    },
    units::Fraction,
    venue::NextOpen,
};
use q50_testing::real;

fn strategies() -> Vec<StrategyConfig> {
    let q50 = |change: fn(&mut Q50Config)| {
        let mut config = Q50Config::default();
        change(&mut config);
        StrategyConfig::new(config)
    };
    vec![
        StrategyConfig::new(FollowSideConfig::default()),
        StrategyConfig::new(ThresholdConfig { entry: 0.0, exit: 0.0, size: Fraction::ONE }),
        q50(|_| {}),
        q50(|config| {
            config.gate.significance = Significance::Threshold;
            config.regime.window = 1_000;
            config.sizing.method = Method::Atr;
            config.sizing.half_at_drawdown = Some(Fraction::new(0.1));
        })
        .with_exits(ExitConfig { trailing_stop: Some(Fraction::new(0.03)), ..ExitConfig::default() }),
        q50(|config| {
            config.gate.min_tier = 2;
            config.sizing.method = Method::AdvancedEnsemble;
            config.sizing.by_regime = true;
        })
        .with_limits(RiskConfig { max_daily_loss: Some(Fraction::new(0.01)), ..RiskConfig::default() }),
    ]
}

#[test]
#[ignore = "reads Q50_TEST_DATA"]
fn a_stream_of_the_record_decides_as_its_columns_do() {
    let mut options = DatasetOptions::default();
    options.signals.value = Some("q50".to_owned());
    let signals = real("claim/q50_signals_hummingbot_551b272.parquet");
    let data = Dataset::read(&real("claim/btcusdt_1h.parquet"), Some(&signals), &options).unwrap();
    let market = data.market();
    let journal = |strategy: &mut dyn Strategy| {
        let mut journal = Journal::default();
        let mut venue = NextOpen::new(Fraction::from_bps(5.0));
        replay(&market, strategy, &mut venue, 10_000.0, &mut journal);
        journal
    };
    for config in strategies() {
        let (columns, stream) = (journal(&mut config.prepare(&market)), journal(&mut config.stream().unwrap()));
        assert!(columns.fills.len() > 10, "{config:?} fills {}", columns.fills.len());
        assert!(columns == stream, "{config:?}");
    }
}
