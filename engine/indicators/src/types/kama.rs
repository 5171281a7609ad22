//! Kaufman's adaptive moving average: an exponential mean whose weight moves between two periods with the square of the
//! efficiency ratio. Kaufman, Smarter Trading, 1995.

use crate::{Field, Formula, Parameters, Stream, window::Window};

#[derive(Debug)]
pub(crate) struct Kama;

impl Formula for Kama {
    fn name(&self) -> &'static str {
        "KAMA"
    }

    fn words(&self) -> &'static str {
        "Kaufman's adaptive moving average"
    }

    fn fields(&self) -> &'static [Field] {
        const { &[Field::period(10, 2), Field::whole("fast_period", 2, 1, 500), Field::whole("slow_period", 30, 1, 2000)] }
    }

    fn first(&self, parameters: &Parameters) -> usize {
        parameters.period()
    }

    fn start(&self, parameters: &Parameters) -> Stream {
        let [fast, slow] = ["fast_period", "slow_period"].map(|name| 2.0 / (parameters.whole(name) as f64 + 1.0));
        let mut window = Window::new(parameters.period() + 1);
        let mut value = f64::NAN;
        Box::new(move |_, x, out| {
            window.push(x);
            if window.is_full() {
                // As TA-Lib: what does not move at all moves straight.
                let weight = (window.efficiency().unwrap_or(1.0) * (fast - slow) + slow).powi(2);
                value += weight * (x - value);
            } else {
                // It starts from the last value before its window is full.
                value = x;
            }
            out[0] = value;
        })
    }
}
