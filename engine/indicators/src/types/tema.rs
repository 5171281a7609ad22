//! Triple exponential moving average: `3 e1 - 3 e2 + e3`, each the EMA of the one before. Mulloy, Stocks & Commodities
//! 12:2, 1994.

use crate::{
    Field, Formula, Parameters, Stream,
    smoothing::{Ema, Seeding},
};

#[derive(Debug)]
pub(crate) struct Tema;

impl Formula for Tema {
    fn name(&self) -> &'static str {
        "TEMA"
    }

    fn words(&self) -> &'static str {
        "triple exponential moving average"
    }

    fn fields(&self) -> &'static [Field] {
        const { &[Field::period(14, 1), Seeding::FIELD] }
    }

    fn first(&self, parameters: &Parameters) -> usize {
        3 * (parameters.period() - 1)
    }

    fn start(&self, parameters: &Parameters) -> Stream {
        let [mut once, mut twice, mut thrice] = [Ema::new(parameters.period(), Seeding::of(parameters)); 3];
        let mut next = move |x| {
            let e1 = once.next(x)?;
            let e2 = twice.next(e1)?;
            let e3 = thrice.next(e2)?;
            Some(3.0 * e1 - 3.0 * e2 + e3)
        };
        Box::new(move |_, x, out| out[0] = next(x).unwrap_or(f64::NAN))
    }
}
