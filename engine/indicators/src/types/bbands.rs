//! Bollinger bands: mean and population deviations around it; where the source stands between them, and how far apart
//! they are as a fraction of the mean. In a window of equal values the bands meet and nothing stands between them.
//! Bollinger on Bollinger Bands, 2001.

use crate::{Field, Formula, Parameters, Stream, division::ratio, window::Window};

#[derive(Debug)]
pub(crate) struct Bbands;

impl Formula for Bbands {
    fn name(&self) -> &'static str {
        "BBANDS"
    }

    fn words(&self) -> &'static str {
        "Bollinger bands, the place between them (0 to 1) and their width (a fraction)"
    }

    fn outputs(&self) -> &'static [&'static str] {
        &["middle", "upper", "lower", "percent_b", "bandwidth"]
    }

    fn fields(&self) -> &'static [Field] {
        const { &[Field::period(20, 2), Field::number("std_dev", 2.0, 0.1, 5.0)] }
    }

    fn first(&self, parameters: &Parameters) -> usize {
        parameters.period() - 1
    }

    fn start(&self, parameters: &Parameters) -> Stream {
        let deviations = parameters.number("std_dev");
        let mut window = Window::new(parameters.period());
        Box::new(move |_, x, out| {
            window.push(x);
            let (middle, distance) = (window.mean(), deviations * window.deviation());
            let (upper, lower) = (middle + distance, middle - distance);
            let percent_b = ratio(x - lower, upper - lower);
            out.copy_from_slice(&[middle, upper, lower, percent_b, ratio(upper - lower, middle)]);
        })
    }
}
