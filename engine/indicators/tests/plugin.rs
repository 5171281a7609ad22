//! An indicator of one's own is one file: everything but its formula follows from what it declares.

use q50_indicators::{Bar, Catalog, Field, Formula, Indicator, Inputs, ParameterError, Parameters, Stream};

/// The share of the range between high and low that lies above the close, smoothed by nothing.
#[derive(Debug)]
struct UpperWick;

impl Formula for UpperWick {
    fn name(&self) -> &'static str {
        "UPPER_WICK"
    }

    fn words(&self) -> &'static str {
        "share of the bar's range above its close, times a factor"
    }

    fn fields(&self) -> &'static [Field] {
        const { &[Field::number("factor", 1.0, 0.5, 2.0)] }
    }

    fn inputs(&self) -> Inputs {
        Inputs::Prices
    }

    fn first(&self, _: &Parameters) -> usize {
        0
    }

    fn start(&self, parameters: &Parameters) -> Stream {
        let factor = parameters.number("factor");
        Box::new(move |bar, _, out| out[0] = factor * (bar.high - bar.close) / (bar.high - bar.low))
    }
}

const BAR: Bar = Bar { open_time: 0, open: 10.0, high: 14.0, low: 10.0, close: 13.0, volume: f64::NAN };

#[test]
fn a_type_of_ones_own_is_found_checked_shifted_and_run() {
    let catalog = Catalog::default().with(&UpperWick);
    let mut indicator = Indicator::new(catalog.find("upper_wick").unwrap());
    indicator.set("factor", 2.0.into()).unwrap();
    assert_eq!(
        indicator.set("factor", 3.0.into()),
        Err(ParameterError::OutOfRange { name: "factor", found: 3.0, least: 0.5, most: 2.0 })
    );
    indicator.shift = 1;
    assert_eq!(indicator.to_string(), "UPPER_WICK(factor 2), 1 bar ago");
    assert_eq!(indicator.first(), 1);
    let columns = indicator.columns([BAR, Bar { close: 14.0, ..BAR }].into_iter());
    assert!(columns[0][0].is_nan());
    // 2 x (14 - 13) / (14 - 10), of the bar before.
    assert_eq!(columns[0][1], 0.5);
}

#[test]
fn a_type_of_a_known_name_takes_its_place() {
    let catalog = Catalog::default().with(&UpperWick).with(&UpperWick);
    assert_eq!(catalog.iter().count(), 26);
}

#[test]
fn an_unknown_parameter_is_told_with_the_known_ones() {
    let mut indicator = Indicator::new(Catalog::default().find("MACD").unwrap());
    let error = indicator.set("period", 3.into()).unwrap_err();
    assert_eq!(
        error.to_string(),
        "MACD has no parameter `period`; it has fast_period, slow_period, signal_period, seeding"
    );
}
