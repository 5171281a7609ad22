//! Stochastic oscillator: where the close stands in the range of the last bars, 0 to 100, and its mean. `k_smooth` 1 is
//! TA-Lib's STOCHF, 3 its STOCH. A range of nothing leaves k undefined, and every mean that it enters. Lane, 1984.

use crate::{
    Field, Formula, Inputs, Parameters, Stream,
    division::ratio,
    window::{PriceRange, Window},
};

#[derive(Debug)]
pub(crate) struct Stoch;

impl Formula for Stoch {
    fn name(&self) -> &'static str {
        "STOCH"
    }

    fn words(&self) -> &'static str {
        "stochastic oscillator: place of the close in the range, 0 to 100, and its mean"
    }

    fn outputs(&self) -> &'static [&'static str] {
        &["k", "d"]
    }

    fn fields(&self) -> &'static [Field] {
        const { &[Field::period(14, 1), Field::whole("k_smooth", 1, 1, 100), Field::whole("d_period", 3, 1, 100)] }
    }

    fn inputs(&self) -> Inputs {
        Inputs::Prices
    }

    fn first(&self, parameters: &Parameters) -> usize {
        parameters.period() + parameters.whole("k_smooth") + parameters.whole("d_period") - 3
    }

    fn start(&self, parameters: &Parameters) -> Stream {
        let mut range = PriceRange::new(parameters.period());
        let mut fast = Window::new(parameters.whole("k_smooth"));
        let mut slow = Window::new(parameters.whole("d_period"));
        Box::new(move |bar, _, out| {
            let [highest, lowest] = range.push(bar);
            fast.push(100.0 * ratio(bar.close - lowest, highest - lowest));
            slow.push(fast.mean());
            out.copy_from_slice(&[fast.mean(), slow.mean()]);
        })
    }
}
