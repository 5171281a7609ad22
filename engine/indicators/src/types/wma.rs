//! Weighted moving average: weights 1 to `period`, the newest value has `period`.

use crate::{Field, Formula, Parameters, Stream, window::Window};

#[derive(Debug)]
pub(crate) struct Wma;

impl Formula for Wma {
    fn name(&self) -> &'static str {
        "WMA"
    }

    fn words(&self) -> &'static str {
        "linearly weighted moving average"
    }

    fn fields(&self) -> &'static [Field] {
        const { &[Field::period(14, 1)] }
    }

    fn first(&self, parameters: &Parameters) -> usize {
        parameters.period() - 1
    }

    fn start(&self, parameters: &Parameters) -> Stream {
        let period = parameters.period();
        let weights = (period * (period + 1)) as f64 / 2.0;
        let mut window = Window::new(period);
        Box::new(move |_, x, out| {
            window.push(x);
            out[0] = window.iter().zip(1_u32..).map(|(value, weight)| value * f64::from(weight)).sum::<f64>() / weights;
        })
    }
}
