//! Average true range, and as percent of the close. Wilder, New Concepts in Technical Trading Systems, 1978.

use crate::{Field, Formula, Inputs, Parameters, Stream, bar::Bar, division::ratio, smoothing::Smoothing};

#[derive(Debug)]
pub(crate) struct Atr;

impl Formula for Atr {
    fn name(&self) -> &'static str {
        "ATR"
    }

    fn words(&self) -> &'static str {
        "average true range, and as percent of the close"
    }

    fn outputs(&self) -> &'static [&'static str] {
        &["value", "percent"]
    }

    fn fields(&self) -> &'static [Field] {
        const { &[Field::period(14, 1), Smoothing::FIELD] }
    }

    fn inputs(&self) -> Inputs {
        Inputs::Prices
    }

    fn first(&self, parameters: &Parameters) -> usize {
        parameters.period()
    }

    fn start(&self, parameters: &Parameters) -> Stream {
        let mut average = AverageRange::new(Smoothing::of(parameters));
        Box::new(move |bar, _, out| {
            let average = average.next(bar).unwrap_or(f64::NAN);
            out.copy_from_slice(&[average, ratio(100.0 * average, bar.close)]);
        })
    }
}

/// The range of a bar, the way from the close before it included.
pub(crate) fn true_range(bar: &Bar, close_before: f64) -> f64 {
    bar.high.max(close_before) - bar.low.min(close_before)
}

/// The mean of true ranges, which begin with the second bar.
#[derive(Debug)]
pub(crate) struct AverageRange {
    smoothing: Smoothing,
    close_before: Option<f64>,
}

impl AverageRange {
    pub(crate) const fn new(smoothing: Smoothing) -> Self {
        Self { smoothing, close_before: None }
    }

    pub(crate) fn next(&mut self, bar: &Bar) -> Option<f64> {
        let close_before = self.close_before.replace(bar.close)?;
        self.smoothing.next(true_range(bar, close_before))
    }
}
