//! Relative strength index whose means follow the efficiency ratio: as the RSI, but from the second value on with the
//! weight `(er (2 / (p + 1) - 2 / (2 p + 1)) + 2 / (2 p + 1))^(1 / alpha)` in place of Wilder's `1 / p`.

use crate::{Field, Formula, Parameters, Stream, division::ratio, window::Window};

#[derive(Debug)]
pub(crate) struct AdaptiveRsi;

impl Formula for AdaptiveRsi {
    fn name(&self) -> &'static str {
        "ADAPTIVE_RSI"
    }

    fn words(&self) -> &'static str {
        "relative strength index that adapts to the efficiency ratio, 0 to 100"
    }

    fn fields(&self) -> &'static [Field] {
        const { &[Field::period(14, 2), Field::number("alpha", 0.5, 0.01, 1.0)] }
    }

    fn first(&self, parameters: &Parameters) -> usize {
        parameters.period()
    }

    fn start(&self, parameters: &Parameters) -> Stream {
        let period = parameters.period() as f64;
        let (fast, slow) = (2.0 / (period + 1.0), 2.0 / (2.0 * period + 1.0));
        let power = 1.0 / parameters.number("alpha");
        let mut window = Window::new(parameters.period() + 1);
        let mut means: Option<(f64, f64)> = None;
        Box::new(move |_, x, out| {
            window.push(x);
            if !window.is_full() {
                return;
            }
            let (gain, loss) = means.map_or_else(
                || {
                    let sum = |sign: f64| window.changes().map(|change| (sign * change).max(0.0)).sum::<f64>();
                    (sum(1.0) / period, sum(-1.0) / period)
                },
                |(gain, loss)| {
                    let weight = (window.efficiency().unwrap_or(0.0) * (fast - slow) + slow).powf(power);
                    let change = window.changes().last().unwrap_or(f64::NAN);
                    (gain + weight * (change.max(0.0) - gain), loss + weight * ((-change).max(0.0) - loss))
                },
            );
            means = Some((gain, loss));
            out[0] = ratio(100.0 * gain, gain + loss);
        })
    }
}
