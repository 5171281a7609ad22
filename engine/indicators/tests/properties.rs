//! What holds for every built-in type on any market.

use proptest::prelude::*;
use q50_indicators::{Bar, Catalog, Indicator, Source};

/// Bars of a random walk; where a step is `None`, nothing happened: the price stands and nothing is traded.
fn bars(steps: &[Option<(f64, f64)>], price: f64, units: f64) -> Vec<Bar> {
    let mut close = price;
    let bar = |(row, step): (usize, &Option<(f64, f64)>)| {
        let open = close;
        let (change, wick) = step.unwrap_or_default();
        close *= 1.0 + change;
        let (high, low) = (open.max(close) * (1.0 + wick), open.min(close) * (1.0 - wick));
        let volume = if step.is_some() { units * (1.0 + wick) } else { 0.0 };
        Bar { open_time: row as i64 * 3_600_000, open, high, low, close, volume }
    };
    steps.iter().enumerate().map(bar).collect()
}

fn steps() -> impl Strategy<Value = Vec<Option<(f64, f64)>>> {
    prop::collection::vec(prop::option::weighted(0.7, (-0.1..0.1, 0.0..0.05)), 100..160)
}

fn defaults() -> impl Iterator<Item = Indicator> {
    Catalog::default().iter().map(Indicator::new).collect::<Vec<_>>().into_iter()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn later_bars_change_no_value(steps in steps(), cut in 1_usize..100) {
        let bars = bars(&steps, 100.0, 1.0);
        for indicator in defaults() {
            let whole = indicator.columns(bars.iter().copied());
            let part = indicator.columns(bars[..cut].iter().copied());
            for (whole, part) in whole.iter().zip(&part) {
                let bits = |column: &[f64]| column[..cut].iter().map(|value| value.to_bits()).collect::<Vec<_>>();
                prop_assert_eq!(bits(whole), bits(part), "{}", indicator);
            }
        }
    }

    #[test]
    fn nothing_is_shown_before_the_first_row_and_oscillators_stay_in_their_range(steps in steps()) {
        let bars = bars(&steps, 100.0, 1.0);
        for indicator in defaults() {
            let columns = indicator.columns(bars.iter().copied());
            let first = indicator.first().min(bars.len());
            prop_assert!(columns.iter().all(|column| column[..first].iter().all(|value| value.is_nan())), "{}", indicator);
            let range = match indicator.formula().name() {
                "RSI" | "STOCH" | "ADX" | "MFI" | "ADAPTIVE_RSI" => 0.0..=100.0,
                "WILLR" => -100.0..=0.0,
                _ => continue,
            };
            let outside = |value: &f64| !value.is_nan() && !(range.start() - 1e-9..=range.end() + 1e-9).contains(value);
            prop_assert!(!columns.iter().flatten().any(outside), "{}", indicator);
        }
    }

    #[test]
    fn the_size_of_prices_does_not_matter_to_what_is_a_ratio(steps in steps()) {
        // Powers of two, so that the markets are the same to the bit.
        let small = bars(&steps, 100.0 * 2_f64.powi(-40), 2_f64.powi(30));
        let large = bars(&steps, 100.0 * 2_f64.powi(20), 2_f64.powi(-30));
        let names = ["RSI", "STOCH", "CCI", "WILLR", "ROC", "ADX", "MFI", "ADAPTIVE_RSI"];
        for indicator in defaults().filter(|indicator| names.contains(&indicator.formula().name())) {
            let [small, large] = [&small, &large].map(|bars| indicator.columns(bars.iter().copied()));
            for (small, large) in small.iter().flatten().zip(large.iter().flatten()) {
                prop_assert!(small == large || (small.is_nan() && large.is_nan()), "{}: {} {}", indicator, small, large);
            }
        }
    }
}

#[test]
fn a_market_that_stands_still_is_undefined_and_not_oversold() {
    let bars = bars(&[None; 120], 0.1, 1.0);
    for indicator in defaults() {
        let outputs = match indicator.formula().name() {
            "RSI" | "ADAPTIVE_RSI" | "CCI" | "WILLR" | "MFI" | "VWAP" => vec![0],
            "STOCH" => vec![0, 1],
            "BBANDS" => vec![3],
            "DONCHIAN" => vec![3],
            "ADX" => vec![1, 2],
            _ => continue,
        };
        let columns = indicator.columns(bars.iter().copied());
        for output in outputs {
            assert!(columns[output].iter().all(|value| value.is_nan()), "{indicator}: {:?}", columns[output].last());
        }
    }
}

#[test]
fn after_a_bar_without_a_volume_an_indicator_begins_anew() {
    let mut bars = bars(&[None; 200], 0.1, 1.0);
    for (row, bar) in bars.iter_mut().enumerate() {
        let price = 100.0 + (row % 7) as f64 + (row % 3) as f64;
        *bar = Bar {
            open: price,
            high: price + 1.0,
            low: price - 1.0,
            close: price + 0.5,
            volume: 10.0 + (row % 5) as f64,
            ..*bar
        };
    }
    bars[100].volume = f64::NAN;
    let of_volume = |mut indicator: Indicator| {
        indicator.source = Source::Volume;
        indicator
    };
    for indicator in defaults().map(of_volume).filter(Indicator::needs_volume) {
        // The day's mean is unknown until the day ends.
        if indicator.formula().name() == "VWAP" {
            continue;
        }
        let [whole, later] = [&bars[..], &bars[101..]].map(|bars| indicator.columns(bars.iter().copied()));
        for (whole, later) in whole.iter().zip(later) {
            assert!(whole[100].is_nan(), "{indicator}");
            let bits = |values: &[f64]| values.iter().map(|value| value.to_bits()).collect::<Vec<_>>();
            assert_eq!(bits(&whole[101..]), bits(&later), "{indicator}");
            assert!(whole[199].is_finite() || indicator.formula().name() == "CCI", "{indicator}");
        }
    }
}
