//! Relative strength index: the share of gains in gains and losses, both by Wilder's mean, 0 to 100. Undefined where
//! nothing ever changed. Wilder, New Concepts in Technical Trading Systems, 1978.

use crate::{Field, Formula, Parameters, Stream, division::ratio, smoothing::Wilder};

#[derive(Debug)]
pub(crate) struct Rsi;

impl Formula for Rsi {
    fn name(&self) -> &'static str {
        "RSI"
    }

    fn words(&self) -> &'static str {
        "relative strength index, 0 to 100"
    }

    fn fields(&self) -> &'static [Field] {
        const { &[Field::period(14, 2)] }
    }

    fn first(&self, parameters: &Parameters) -> usize {
        parameters.period()
    }

    fn start(&self, parameters: &Parameters) -> Stream {
        let [mut gains, mut losses] = [Wilder::new(parameters.period()); 2];
        let mut before = None;
        let mut next = move |x: f64| {
            let change = x - before.replace(x)?;
            let gain = gains.next(change.max(0.0));
            let loss = losses.next((-change).max(0.0));
            let (gain, loss) = (gain?, loss?);
            Some(ratio(100.0 * gain, gain + loss))
        };
        Box::new(move |_, x, out| out[0] = next(x).unwrap_or(f64::NAN))
    }
}
