//! Exponential moving average.

use crate::{
    Field, Formula, Parameters, Stream,
    smoothing::{Ema, Seeding},
};

#[derive(Debug)]
pub(crate) struct ExponentialMean;

impl Formula for ExponentialMean {
    fn name(&self) -> &'static str {
        "EMA"
    }

    fn words(&self) -> &'static str {
        "exponential moving average"
    }

    fn fields(&self) -> &'static [Field] {
        const { &[Field::period(14, 1), Seeding::FIELD] }
    }

    fn first(&self, parameters: &Parameters) -> usize {
        parameters.period() - 1
    }

    fn start(&self, parameters: &Parameters) -> Stream {
        let mut ema = Ema::new(parameters.period(), Seeding::of(parameters));
        Box::new(move |_, x, out| out[0] = ema.next(x).unwrap_or(f64::NAN))
    }
}
