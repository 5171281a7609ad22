//! On-balance volume: volume added where the close rose and taken away where it fell, from the first volume on.
//! Granville, 1963.

use crate::{Field, Formula, Inputs, Parameters, Stream};

#[derive(Debug)]
pub(crate) struct Obv;

impl Formula for Obv {
    fn name(&self) -> &'static str {
        "OBV"
    }

    fn words(&self) -> &'static str {
        "on-balance volume"
    }

    fn fields(&self) -> &'static [Field] {
        &[]
    }

    fn inputs(&self) -> Inputs {
        Inputs::Volume
    }

    fn first(&self, _: &Parameters) -> usize {
        0
    }

    fn start(&self, _: &Parameters) -> Stream {
        let mut close_before = f64::NEG_INFINITY;
        let mut balance = 0.0;
        Box::new(move |bar, _, out| {
            if bar.close > close_before {
                balance += bar.volume;
            } else if bar.close < close_before {
                balance -= bar.volume;
            }
            close_before = bar.close;
            out[0] = balance;
        })
    }
}
