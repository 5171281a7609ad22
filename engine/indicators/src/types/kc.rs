//! Keltner channel: an EMA and average true ranges around it. `source: hlc3` is TA-Lib's KC.

use crate::{
    Field, Formula, Inputs, Parameters, Stream,
    smoothing::{Ema, Seeding, Smoothing},
    types::atr::AverageRange,
};

#[derive(Debug)]
pub(crate) struct Kc;

impl Formula for Kc {
    fn name(&self) -> &'static str {
        "KC"
    }

    fn words(&self) -> &'static str {
        "Keltner channel"
    }

    fn outputs(&self) -> &'static [&'static str] {
        &["middle", "upper", "lower"]
    }

    fn fields(&self) -> &'static [Field] {
        const { &[Field::period(20, 1), Field::number("atr_multiplier", 2.0, 0.1, 10.0), Seeding::FIELD, Smoothing::FIELD] }
    }

    fn inputs(&self) -> Inputs {
        Inputs::SourceAndPrices
    }

    fn first(&self, parameters: &Parameters) -> usize {
        parameters.period()
    }

    fn start(&self, parameters: &Parameters) -> Stream {
        let seeding = Seeding::of(parameters);
        let multiplier = parameters.number("atr_multiplier");
        let mut ema = Ema::new(parameters.period(), seeding);
        let mut range = AverageRange::new(Smoothing::of(parameters));
        // The range begins with the second bar, and the mean is seeded with the values that end where it does.
        let mut late = seeding == Seeding::Sma;
        Box::new(move |bar, x, out| {
            let middle = if std::mem::take(&mut late) { None } else { ema.next(x) };
            if let Some((range, middle)) = range.next(bar).zip(middle) {
                out.copy_from_slice(&[middle, middle + multiplier * range, middle - multiplier * range]);
            }
        })
    }
}
