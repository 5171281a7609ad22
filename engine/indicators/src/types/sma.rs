//! Simple moving average: the mean of the last values.

use crate::{Field, Formula, Parameters, Stream, window::Window};

#[derive(Debug)]
pub(crate) struct Sma;

impl Formula for Sma {
    fn name(&self) -> &'static str {
        "SMA"
    }

    fn words(&self) -> &'static str {
        "simple moving average"
    }

    fn fields(&self) -> &'static [Field] {
        const { &[Field::period(14, 1)] }
    }

    fn first(&self, parameters: &Parameters) -> usize {
        parameters.period() - 1
    }

    fn start(&self, parameters: &Parameters) -> Stream {
        let mut window = Window::new(parameters.period());
        Box::new(move |_, x, out| {
            window.push(x);
            out[0] = window.mean();
        })
    }
}
