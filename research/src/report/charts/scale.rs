use std::ops::Range;

use plotters::coord::ranged1d::{KeyPointHint, NoDefaultFormatting, Ranged, ValueFormatter};

use super::{calendar, canvas::width};
use crate::report::format::number;

/// Room beside a time axis, in units: at least this on the left, this on the right, and the axis itself at most.
pub(super) const LEAST_LEFT: f64 = 76.0;
pub(super) const RIGHT: f64 = 24.0;
const AXIS: f64 = 860.0;

/// An axis: the values at both ends, and where it carries which label.
pub(super) struct Scale {
    from: f64,
    to: f64,
    logarithmic: bool,
    ticks: Vec<(f64, String)>,
}

impl Scale {
    /// Without tick marks.
    pub(super) fn bare(from: f64, to: f64) -> Self {
        Self { from, to, logarithmic: false, ticks: Vec::new() }
    }

    /// From 0 to `to`, with these labels.
    pub(super) fn named(to: f64, ticks: Vec<(f64, String)>) -> Self {
        Self { from: 0.0, to, logarithmic: false, ticks }
    }

    /// With round tick marks, about `wanted`; ends at the marks that enclose the values.
    pub(super) fn linear(from: f64, to: f64, wanted: usize, label: impl Fn(f64, usize) -> String) -> Self {
        let (from, to) = if to > from { (from, to) } else { (from - 0.5, from + 0.5) };
        let (step, decimals) = round_step((to - from) / wanted.max(1) as f64);
        // A value a rounding error beyond a mark does not need the next one.
        let (first, last) = ((from / step + 1e-6).floor(), (to / step - 1e-6).ceil());
        let ticks = (0..=(last - first) as usize)
            .map(|i| (first + i as f64) * step)
            .map(|value| (value, label(value, decimals)))
            .collect();
        Self { from: first * step, to: last * step, logarithmic: false, ticks }
    }

    /// Logarithmic, both ends above zero.
    pub(super) fn logarithmic(from: f64, to: f64) -> Self {
        // A constant curve still needs an axis with two ends.
        let (from, to) = if to > from * 1.0001 { (from, to) } else { (from * 0.99, to * 1.01) };
        let ticks = if to / from < 4.0 {
            // Equal steps read well where the logarithm hardly bends.
            let (step, decimals) = round_step((to - from) / 5.0);
            let first = (from / step).ceil();
            (0..12).map(|i| (first + f64::from(i)) * step).map(|v| (v, number(v, decimals))).collect::<Vec<_>>()
        } else {
            let digits: &[f64] = if to / from < 300.0 { &[1.0, 2.0, 5.0] } else { &[1.0] };
            let decades = (from.log10().floor() as i32)..=(to.log10().ceil() as i32);
            let values = decades.flat_map(|d| digits.iter().map(move |digit| digit * 10_f64.powi(d)));
            values.map(|v| (v, plain(v))).collect()
        };
        let ticks = ticks.into_iter().filter(|(v, _)| (from..=to).contains(v)).collect();
        Self { from, to, logarithmic: true, ticks }
    }

    /// Time in epoch milliseconds, marked on the calendar.
    pub(super) fn time(from: f64, to: f64) -> Self {
        let to = if to > from { to } else { from + 1.0 };
        let fits = |(at, label): &(f64, String)| {
            // A label is centred below its mark, and must not leave the drawing on either side.
            let (share, half) = ((at - from) / (to - from) * AXIS, f64::from(width(label)) / 2.0);
            share + LEAST_LEFT >= half && AXIS - share + RIGHT >= half
        };
        let ticks = calendar::ticks(from as i64, to as i64).into_iter().map(|(at, label)| (at as f64, label));
        let ticks = ticks.filter(fits).collect();
        Self { from, to, logarithmic: false, ticks }
    }

    /// The labels.
    pub(super) fn labels(&self) -> impl Iterator<Item = &str> {
        self.ticks.iter().map(|(_, label)| label.as_str())
    }

    /// The values at both ends.
    pub(super) fn range_ends(&self) -> (f64, f64) {
        (self.from, self.to)
    }

    fn share(&self, value: f64) -> f64 {
        let share = if self.logarithmic {
            (value.max(f64::MIN_POSITIVE) / self.from).ln() / (self.to / self.from).ln()
        } else {
            (value - self.from) / (self.to - self.from)
        };
        share.clamp(0.0, 1.0)
    }
}

impl Ranged for Scale {
    type FormatOption = NoDefaultFormatting;
    type ValueType = f64;

    fn map(&self, value: &f64, (start, end): (i32, i32)) -> i32 {
        start + (f64::from(end - start) * self.share(*value)).round() as i32
    }

    fn key_points<Hint: KeyPointHint>(&self, hint: Hint) -> Vec<f64> {
        // Light points are a second, finer grid, which these pictures do without.
        if hint.weight().allow_light_points() { Vec::new() } else { self.ticks.iter().map(|(at, _)| *at).collect() }
    }

    fn range(&self) -> Range<f64> {
        self.from..self.to
    }
}

impl ValueFormatter<f64> for Scale {
    fn format_ext(&self, value: &f64) -> String {
        self.ticks.iter().find(|(at, _)| at == value).map_or_else(String::new, |(_, label)| label.clone())
    }
}

/// The smallest of 1, 2, 5 times a power of ten that is at least `least`, and the decimals that its multiples need.
fn round_step(least: f64) -> (f64, usize) {
    let exponent = least.log10().floor();
    let power = 10_f64.powf(exponent);
    let step = [1.0, 2.0, 5.0, 10.0].into_iter().map(|m| m * power).find(|step| *step >= least * 0.999_999);
    let step = step.unwrap_or(10.0 * power);
    let decimals = (-(step * 1.000_001).log10().floor()).max(0.0) as usize;
    (step, decimals)
}

/// A power of ten and its half and fifth in as few digits as they have.
fn plain(value: f64) -> String {
    number(value, (-(value * 1.000_001).log10().floor()).max(0.0) as usize)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(scale: &Scale) -> Vec<String> {
        scale.labels().map(str::to_owned).collect()
    }

    #[test]
    fn linear_marks_are_round_and_enclose_the_values() {
        let scale = Scale::linear(-0.7, 2.3, 4, number);
        assert_eq!((scale.from, scale.to), (-1.0, 3.0));
        assert_eq!(labels(&scale), ["\u{2212}1", "0", "1", "2", "3"]);
        assert_eq!(Scale::linear(0.0, 100.000_001, 4, number).to, 100.0);
        assert_eq!(labels(&Scale::linear(0.0, 0.04, 4, number)), ["0.00", "0.01", "0.02", "0.03", "0.04"]);
    }

    #[test]
    fn logarithmic_marks_are_equal_steps_in_a_narrow_range_and_decades_in_a_wide_one() {
        assert_eq!(labels(&Scale::logarithmic(0.85, 1.45)), ["1.0", "1.2", "1.4"]);
        assert_eq!(labels(&Scale::logarithmic(0.4, 12.0)), ["0.5", "1", "2", "5", "10"]);
        assert_eq!(labels(&Scale::logarithmic(0.001, 1000.0)), ["0.001", "0.01", "0.1", "1", "10", "100", "1,000"]);
    }

    #[test]
    fn equal_distances_are_equal_ratios() {
        let scale = Scale::logarithmic(1.0, 100.0);
        assert_eq!((scale.map(&1.0, (0, 100)), scale.map(&10.0, (0, 100)), scale.map(&100.0, (0, 100))), (0, 50, 100));
    }

    #[test]
    fn a_constant_series_has_an_axis() {
        assert!(Scale::linear(1.0, 1.0, 4, number).to > 1.0);
        assert!(Scale::logarithmic(1.0, 1.0).to > 1.0);
    }
}
