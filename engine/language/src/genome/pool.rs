//! What genes can be made of. Every threshold is a quantity that means the same at any price: an oscillator, a percentage,
//! a position inside a channel.

use super::decimal::{Decimal, Range};

/// An indicator of the pool.
#[derive(Debug, PartialEq)]
pub struct Kind {
    /// Its type in files.
    pub indicator: &'static str,
    /// The parameters that are written; others stay as they are by default.
    pub parameters: &'static [Parameter],
    /// The outputs that are compared with a threshold; none of a moving average, which the close is compared with.
    pub outputs: &'static [Output],
}

/// A parameter of an indicator.
#[derive(Debug, PartialEq)]
pub struct Parameter {
    /// Its name.
    pub name: &'static str,
    /// What it may be.
    pub range: Range,
}

/// An output of an indicator.
#[derive(Debug, PartialEq)]
pub struct Output {
    /// Its name.
    pub name: &'static str,
    /// What thresholds may be.
    pub thresholds: Range,
    /// What it is in a mirror.
    pub mirror: Mirror,
}

/// What becomes of a threshold where prices fall instead of rise.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mirror {
    /// The sum less the threshold, and the comparison turns.
    Sum(Decimal),
    /// Nothing: the output has no sign, and the comparison stays as well.
    Unsigned,
}

/// Stop-losses, in percent.
pub const STOP: Range = Range::every(5_000, 100_000, 100);
/// Take-profits, in percent.
pub const TARGET: Range = Range::every(5_000, 200_000, 100);

const ZERO: Mirror = Mirror::Sum(Decimal::whole(0));
const HUNDRED: Mirror = Mirror::Sum(Decimal::whole(100));

const fn period(least: i32, most: i32) -> Parameter {
    whole("period", least, most)
}

const fn whole(name: &'static str, least: i32, most: i32) -> Parameter {
    Parameter { name, range: Range::whole(least, most) }
}

/// Ends in ten-thousandths.
const fn output(name: &'static str, least: i32, most: i32, mirror: Mirror) -> Output {
    Output { name, thresholds: Range::every(least, most, 1), mirror }
}

const fn kind(indicator: &'static str, parameters: &'static [Parameter], outputs: &'static [Output]) -> Kind {
    Kind { indicator, parameters, outputs }
}

/// Indicators that are compared with thresholds.
pub static INDICATORS: [Kind; 12] = [
    kind("RSI", &[period(5, 50)], &[output("value", 250_000, 750_000, HUNDRED)]),
    kind(
        "STOCH",
        &[period(5, 21), whole("d_period", 3, 9)],
        &[output("k", 200_000, 800_000, HUNDRED), output("d", 200_000, 800_000, HUNDRED)],
    ),
    kind("MFI", &[period(5, 30)], &[output("value", 200_000, 800_000, HUNDRED)]),
    kind(
        "ADAPTIVE_RSI",
        &[period(5, 50), Parameter { name: "alpha", range: Range::every(1_000, 9_000, 1) }],
        &[output("value", 200_000, 800_000, HUNDRED)],
    ),
    kind("WILLR", &[period(5, 30)], &[output("value", -800_000, -200_000, Mirror::Sum(Decimal::whole(-100)))]),
    kind("CCI", &[period(10, 50)], &[output("value", -2_000_000, 2_000_000, ZERO)]),
    kind("ROC", &[period(5, 30)], &[output("value", -50_000, 50_000, ZERO)]),
    kind(
        "MACD",
        &[whole("fast_period", 8, 20), whole("slow_period", 21, 50), whole("signal_period", 5, 13)],
        &[output("percent", -5_000, 5_000, ZERO)],
    ),
    kind(
        "BBANDS",
        &[period(5, 50), Parameter { name: "std_dev", range: Range::every(10_000, 30_000, 1) }],
        &[
            output("percent_b", 0, 10_000, Mirror::Sum(Decimal::whole(1))),
            output("bandwidth", 0, 2_000, Mirror::Unsigned),
        ],
    ),
    kind("DONCHIAN", &[period(5, 50)], &[output("position", 0, 10_000, Mirror::Sum(Decimal::whole(1)))]),
    kind("ADX", &[period(7, 30)], &[output("value", 150_000, 600_000, Mirror::Unsigned)]),
    kind("ATR", &[period(5, 30)], &[output("percent", 500, 50_000, Mirror::Unsigned)]),
];

/// Moving averages that the close is compared with.
pub static AVERAGES: [Kind; 3] = [
    kind("KAMA", &[period(5, 50)], &[]),
    kind("VIDYA", &[period(5, 50)], &[]),
    kind("FRAMA", &[Parameter { name: "period", range: Range::every(60_000, 500_000, 20_000) }], &[]),
];

#[cfg(test)]
mod tests {
    use q50_indicators::{Bounds, Catalog, Indicator, Value};

    use super::*;

    #[test]
    fn every_number_of_the_pool_is_one_that_its_indicator_may_have() {
        let catalog = Catalog::default();
        for kind in INDICATORS.iter().chain(&AVERAGES) {
            let formula = catalog.find(kind.indicator).unwrap();
            for end in [0, u32::MAX] {
                let mut indicator = Indicator::new(formula);
                for Parameter { name, range } in kind.parameters {
                    let field = formula.fields().iter().find(|field| field.name == *name).unwrap();
                    let value = range.nth(end).get();
                    let value = match field.bounds {
                        Bounds::Whole { .. } => Value::Whole(value as u32),
                        _ => Value::Number(value),
                    };
                    indicator.set(name, value).unwrap();
                }
                assert_eq!(indicator.broken_rule(), None, "{}", kind.indicator);
            }
            for output in kind.outputs {
                assert!(formula.outputs().contains(&output.name), "{}.{}", kind.indicator, output.name);
            }
        }
    }

    #[test]
    fn the_mirror_of_a_threshold_is_a_threshold() {
        for output in INDICATORS.iter().flat_map(|kind| kind.outputs) {
            let Mirror::Sum(sum) = output.mirror else { continue };
            for place in [0, 1, output.thresholds.count() / 3, u32::MAX] {
                let threshold = output.thresholds.nth(place);
                assert!(output.thresholds.contains(sum - threshold), "{}", output.name);
            }
        }
    }
}
