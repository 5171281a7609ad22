//! Rate of change over `period` bars, in percent.

use crate::{Field, Formula, Parameters, Stream, division::ratio, window::Delay};

#[derive(Debug)]
pub(crate) struct Roc;

impl Formula for Roc {
    fn name(&self) -> &'static str {
        "ROC"
    }

    fn words(&self) -> &'static str {
        "rate of change, percent"
    }

    fn fields(&self) -> &'static [Field] {
        const { &[Field::period(10, 1)] }
    }

    fn first(&self, parameters: &Parameters) -> usize {
        parameters.period()
    }

    fn start(&self, parameters: &Parameters) -> Stream {
        let mut before = Delay::new(parameters.period());
        Box::new(move |_, x, out| out[0] = 100.0 * (ratio(x, before.push(x)) - 1.0))
    }
}
