//! Average directional movement index, with the two directional indicators. Wilder, New Concepts in Technical Trading
//! Systems, 1978; sums as TA-Lib seeds them, with the first `period - 1` rows.
//!
//! Where neither direction moved, the directional index is undefined: the average then stays where it was, and such a row
//! counts 0 in the mean that it starts from.

use crate::{
    Field, Formula, Inputs, Parameters, Stream, bar::Bar, division::ratio, smoothing::Wilder, types::atr::true_range,
};

#[derive(Debug)]
pub(crate) struct Adx;

impl Formula for Adx {
    fn name(&self) -> &'static str {
        "ADX"
    }

    fn words(&self) -> &'static str {
        "average directional movement index and its two directions, 0 to 100"
    }

    fn outputs(&self) -> &'static [&'static str] {
        &["value", "plus_di", "minus_di"]
    }

    fn fields(&self) -> &'static [Field] {
        const { &[Field::period(14, 2)] }
    }

    fn inputs(&self) -> Inputs {
        Inputs::Prices
    }

    fn first(&self, parameters: &Parameters) -> usize {
        2 * parameters.period() - 1
    }

    fn start(&self, parameters: &Parameters) -> Stream {
        let period = parameters.period();
        let [mut plus, mut minus, mut range] = [WilderSum::new(period); 3];
        let mut average = Wilder::new(period);
        let mut before = None;
        let mut next = move |bar: &Bar| {
            let before = before.replace(*bar)?;
            let (up, down) = (bar.high - before.high, before.low - bar.low);
            let plus = plus.next(if up > down && up > 0.0 { up } else { 0.0 });
            let minus = minus.next(if down > up && down > 0.0 { down } else { 0.0 });
            let range = range.next(true_range(bar, before.close))?;
            let (plus, minus) = (100.0 * ratio(plus?, range), 100.0 * ratio(minus?, range));
            let index = 100.0 * ratio((plus - minus).abs(), plus + minus);
            let average = match average.value() {
                Some(stays) if index.is_nan() => Some(stays),
                _ => average.next(if index.is_nan() { 0.0 } else { index }),
            };
            Some([average?, plus, minus])
        };
        Box::new(move |bar, _, out| {
            if let Some(values) = next(bar) {
                out.copy_from_slice(&values);
            }
        })
    }
}

/// Wilder's running sum: the first `period - 1` values, then `s = s - s / period + x`.
#[derive(Clone, Copy, Debug)]
struct WilderSum {
    period: usize,
    seen: usize,
    sum: f64,
}

impl WilderSum {
    const fn new(period: usize) -> Self {
        Self { period, seen: 0, sum: 0.0 }
    }

    fn next(&mut self, x: f64) -> Option<f64> {
        self.seen += 1;
        if self.seen >= self.period {
            self.sum -= self.sum / self.period as f64;
        }
        self.sum += x;
        (self.seen >= self.period).then_some(self.sum)
    }
}
