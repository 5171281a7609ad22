//! Fractal adaptive moving average: an exponential mean whose weight falls with the fractal dimension of the last bars,
//! from 1 on a straight way to 0.01 in a plane. Ehlers, Stocks & Commodities 23:10, 2005.

use crate::{Field, Formula, Inputs, Parameters, Stream, window::Window};

#[derive(Debug)]
pub(crate) struct Frama;

impl Formula for Frama {
    fn name(&self) -> &'static str {
        "FRAMA"
    }

    fn words(&self) -> &'static str {
        "Ehlers' fractal adaptive moving average"
    }

    fn fields(&self) -> &'static [Field] {
        const { &[Field::period(16, 4)] }
    }

    fn inputs(&self) -> Inputs {
        Inputs::SourceAndPrices
    }

    fn broken_rule(&self, parameters: &Parameters) -> Option<(&'static [&'static str], &'static str)> {
        (!parameters.period().is_multiple_of(2)).then_some((&["period"], "`period` must be even"))
    }

    fn first(&self, parameters: &Parameters) -> usize {
        parameters.period() - 1
    }

    fn start(&self, parameters: &Parameters) -> Stream {
        let period = parameters.period();
        let [mut highs, mut lows] = [(); 2].map(|()| Window::new(period));
        let mut value = None;
        Box::new(move |bar, x, out| {
            highs.push(bar.high);
            lows.push(bar.low);
            if highs.is_full() {
                let weight = (-4.6 * (dimension(&highs, &lows, period) - 1.0)).exp().clamp(0.01, 1.0);
                out[0] = *value.insert(value.map_or(x, |value: f64| value + weight * (x - value)));
            }
        })
    }
}

/// Fractal dimension of the last `period` bars, 1 to 2; 1 where the range of them or of one half is nothing.
fn dimension(highs: &Window, lows: &Window, period: usize) -> f64 {
    let range = |from: usize, bars: usize| {
        let highest = highs.iter().skip(from).take(bars).fold(f64::NAN, f64::max);
        let lowest = lows.iter().skip(from).take(bars).fold(f64::NAN, f64::min);
        (highest - lowest) / bars as f64
    };
    let half = period / 2;
    let (older, newer, whole) = (range(0, half), range(half, half), range(0, period));
    if older == 0.0 || newer == 0.0 || whole == 0.0 {
        return 1.0;
    }
    ((older + newer) / whole).log2().clamp(1.0, 2.0)
}
