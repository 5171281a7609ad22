//! Moving average convergence and divergence: the difference of a fast and a slow EMA, and the EMA of that.
//!
//! Both begin to be shown at the row of the slow one. Seeded with a mean, the fast one is seeded with the values that end
//! there, as TA-Lib does and pandas-ta does not.

use crate::{
    Field, Formula, Parameters, Stream,
    division::ratio,
    smoothing::{Ema, Seeding},
};

#[derive(Debug)]
pub(crate) struct Macd;

impl Formula for Macd {
    fn name(&self) -> &'static str {
        "MACD"
    }

    fn words(&self) -> &'static str {
        "difference of two exponential averages, its own average, their difference, and the first as percent of the price"
    }

    fn outputs(&self) -> &'static [&'static str] {
        &["macd", "signal", "histogram", "percent"]
    }

    fn fields(&self) -> &'static [Field] {
        const {
            &[
                Field::whole("fast_period", 12, 1, 500),
                Field::whole("slow_period", 26, 1, 2000),
                Field::whole("signal_period", 9, 1, 100),
                Seeding::FIELD,
            ]
        }
    }

    fn broken_rule(&self, parameters: &Parameters) -> Option<(&'static [&'static str], &'static str)> {
        (parameters.whole("fast_period") >= parameters.whole("slow_period"))
            .then_some((&["fast_period", "slow_period"], "`fast_period` must be less than `slow_period`"))
    }

    fn first(&self, parameters: &Parameters) -> usize {
        parameters.whole("slow_period") + parameters.whole("signal_period") - 2
    }

    fn start(&self, parameters: &Parameters) -> Stream {
        let [fast, slow, signal] = ["fast_period", "slow_period", "signal_period"].map(|name| parameters.whole(name));
        let seeding = Seeding::of(parameters);
        let mut late = if seeding == Seeding::Sma { slow.saturating_sub(fast) } else { 0 };
        let [mut fast, mut slow, mut signal] = [fast, slow, signal].map(|period| Ema::new(period, seeding));
        let mut next = move |x| {
            let fast = if late > 0 {
                late -= 1;
                None
            } else {
                fast.next(x)
            };
            let macd = slow.next(x).zip(fast).map(|(slow, fast)| fast - slow)?;
            Some((macd, signal.next(macd)?))
        };
        Box::new(move |_, x, out| {
            if let Some((macd, signal)) = next(x) {
                out.copy_from_slice(&[macd, signal, macd - signal, ratio(100.0 * macd, x)]);
            }
        })
    }
}
