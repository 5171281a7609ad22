//! Donchian channel: highest and lowest price of the last bars, the present one included, and where the close stands
//! between them.

use crate::{Field, Formula, Inputs, Parameters, Stream, division::ratio, window::PriceRange};

#[derive(Debug)]
pub(crate) struct Donchian;

impl Formula for Donchian {
    fn name(&self) -> &'static str {
        "DONCHIAN"
    }

    fn words(&self) -> &'static str {
        "Donchian channel, and the place of the close in it (0 to 1)"
    }

    fn outputs(&self) -> &'static [&'static str] {
        &["middle", "upper", "lower", "position"]
    }

    fn fields(&self) -> &'static [Field] {
        const { &[Field::period(20, 1)] }
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
            let [upper, lower] = range.push(bar);
            out.copy_from_slice(&[(upper + lower) / 2.0, upper, lower, ratio(bar.close - lower, upper - lower)]);
        })
    }
}
