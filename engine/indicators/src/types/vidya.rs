//! Variable index dynamic average: an exponential mean whose weight is that of its period times the absolute Chande
//! momentum oscillator (as a fraction), 0 where nothing moved. Chande, Stocks & Commodities 10:3, 1992, and 13:6, 1995.

use crate::{Field, Formula, Parameters, Stream, window::Window};

#[derive(Debug)]
pub(crate) struct Vidya;

impl Formula for Vidya {
    fn name(&self) -> &'static str {
        "VIDYA"
    }

    fn words(&self) -> &'static str {
        "Chande's variable index dynamic average"
    }

    fn fields(&self) -> &'static [Field] {
        const { &[Field::period(14, 2)] }
    }

    fn first(&self, parameters: &Parameters) -> usize {
        parameters.period()
    }

    fn start(&self, parameters: &Parameters) -> Stream {
        let period = parameters.period();
        let mut window = Window::new(period + 1);
        let mut value = f64::NAN;
        Box::new(move |_, x, out| {
            window.push(x);
            if window.is_full() {
                let weight = 2.0 / (period as f64 + 1.0);
                value += weight * momentum(&window).abs() * (x - value);
            } else {
                // It starts from the mean of the first `period` values.
                value = window.mean();
            }
            out[0] = value;
        })
    }
}

/// Chande's momentum oscillator of the changes in `window`, from -1 to 1; 0 where there are none.
fn momentum(window: &Window) -> f64 {
    let (up, down) = window
        .changes()
        .fold((0.0, 0.0), |(up, down), change| if change > 0.0 { (up + change, down) } else { (up, down - change) });
    if up + down == 0.0 { 0.0 } else { (up - down) / (up + down) }
}
