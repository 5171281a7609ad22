//! Williams' %R: how far the close stands below the highest price of the last bars, -100 to 0 of their range.

use crate::{Field, Formula, Inputs, Parameters, Stream, division::ratio, window::Window};

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
        let [mut highs, mut lows] = [(); 2].map(|()| Window::new(parameters.period()));
        Box::new(move |bar, _, out| {
            highs.push(bar.high);
            lows.push(bar.low);
            let highest = highs.highest();
            out[0] = -100.0 * ratio(highest - bar.close, highest - lows.lowest());
        })
    }
}
