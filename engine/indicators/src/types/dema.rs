//! Double exponential moving average: `2 e1 - e2`, where e2 is the EMA of e1. Mulloy, Stocks & Commodities 12:1, 1994.

use crate::{
    Field, Formula, Parameters, Stream,
    smoothing::{Ema, Seeding},
};

#[derive(Debug)]
pub(crate) struct Dema;

impl Formula for Dema {
    fn name(&self) -> &'static str {
        "DEMA"
    }

    fn words(&self) -> &'static str {
        "double exponential moving average"
    }

    fn fields(&self) -> &'static [Field] {
        const { &[Field::period(14, 1), Seeding::FIELD] }
    }

    fn first(&self, parameters: &Parameters) -> usize {
        2 * (parameters.period() - 1)
    }

    fn start(&self, parameters: &Parameters) -> Stream {
        let [mut once, mut twice] = [Ema::new(parameters.period(), Seeding::of(parameters)); 2];
        let mut next = move |x| {
            let e1 = once.next(x)?;
            let e2 = twice.next(e1)?;
            Some(2.0 * e1 - e2)
        };
        Box::new(move |_, x, out| out[0] = next(x).unwrap_or(f64::NAN))
    }
}
