//! Williams' %R: how far the close stands below the highest price of the last bars, -100 to 0 of their range.

use crate::{Field, Formula, Inputs, Parameters, Stream, division::ratio, window::PriceRange};

#[derive(Debug)]
pub(crate) struct Willr;

impl Formula for Willr {
    fn name(&self) -> &'static str {
        "WILLR"
    }

    fn words(&self) -> &'static str {
        "Williams' %R, -100 to 0"
    }

    fn fields(&self) -> &'static [Field] {
        const { &[Field::period(14, 2)] }
    }

    fn inputs(&self) -> Inputs {
        Inputs::Prices
    }

    fn first(&self, parameters: &Parameters) -> usize {
        parameters.period() - 1
    }

    fn start(&self, parameters: &Parameters) -> Stream {
        let mut range = PriceRange::new(parameters.period());
        Box::new(move |bar, _, out| {
            let [highest, lowest] = range.push(bar);
            out[0] = -100.0 * ratio(highest - bar.close, highest - lowest);
        })
    }
}
