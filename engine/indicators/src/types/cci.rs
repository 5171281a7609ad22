//! Commodity channel index: the distance of the typical price from its mean, in units of 0.015 mean absolute deviations.
//! Undefined in a window of equal values. Lambert, Commodities, 1980.

use crate::{Field, Formula, Inputs, Parameters, Stream, division::ratio, window::Window};

#[derive(Debug)]
pub(crate) struct Cci;

impl Formula for Cci {
    fn name(&self) -> &'static str {
        "CCI"
    }

    fn words(&self) -> &'static str {
        "commodity channel index"
    }

    fn fields(&self) -> &'static [Field] {
        const { &[Field::period(20, 2)] }
    }

    fn inputs(&self) -> Inputs {
        Inputs::Prices
    }

    fn first(&self, parameters: &Parameters) -> usize {
        parameters.period() - 1
    }

    fn start(&self, parameters: &Parameters) -> Stream {
        let period = parameters.period();
        let mut window = Window::new(period);
        Box::new(move |bar, _, out| {
            window.push(bar.typical());
            let mean = window.mean();
            let deviation = window.iter().map(|value| (value - mean).abs()).sum::<f64>() / period as f64;
            out[0] = if window.is_flat() { f64::NAN } else { ratio(bar.typical() - mean, 0.015 * deviation) };
        })
    }
}
