//! The numbers of a strategy's settings, each declared once: its path, its range, and whether it affects decisions.
//!
//! Range checks of files, options and grids read the declaration, and so does the check `robust`. A number without a
//! declaration fails a test.

use std::{
    borrow::Cow,
    fmt,
    ops::{Bound, RangeBounds},
};

/// Values that a parameter may have; a value that is not finite never is one.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Range {
    ends: (Bound<f64>, Bound<f64>),
    whole: bool,
}

impl Range {
    /// Any number.
    pub const FINITE: Self = Self::of(Bound::Unbounded, Bound::Unbounded);
    /// A number above 0.
    pub const POSITIVE: Self = Self::of(Bound::Excluded(0.0), Bound::Unbounded);
    /// 0 or more.
    pub const NOT_NEGATIVE: Self = Self::of(Bound::Included(0.0), Bound::Unbounded);
    /// From 0 to 1.
    pub const FRACTION: Self = Self::within(0.0, 1.0);
    /// Above 0, up to 1.
    pub const POSITIVE_FRACTION: Self = Self::of(Bound::Excluded(0.0), Bound::Included(1.0));

    const fn of(low: Bound<f64>, high: Bound<f64>) -> Self {
        Self { ends: (low, high), whole: false }
    }

    /// From `low` to `high`, both included.
    #[must_use]
    pub const fn within(low: f64, high: f64) -> Self {
        Self::of(Bound::Included(low), Bound::Included(high))
    }

    /// A whole number from `low` to `high`, both included.
    #[must_use]
    pub const fn whole(low: u32, high: u32) -> Self {
        Self { whole: true, ..Self::within(low as f64, high as f64) }
    }

    /// Whether the parameter may have this value.
    #[must_use]
    pub fn contains(&self, value: f64) -> bool {
        value.is_finite() && self.ends.contains(&value) && (!self.whole || value.fract() == 0.0)
    }

    /// Whether the values are whole numbers.
    #[must_use]
    pub const fn is_whole(&self) -> bool {
        self.whole
    }

    /// Whether the range ends nowhere, because the number has a unit of its own.
    #[must_use]
    pub const fn is_open(&self) -> bool {
        matches!(self.ends, (Bound::Unbounded, Bound::Unbounded))
    }

    /// The value of the range that is nearest to `value`; `value` itself beside an end that is not included.
    #[must_use]
    pub fn nearest(&self, value: f64) -> f64 {
        match self.ends {
            (Bound::Included(low), _) if value < low => low,
            (_, Bound::Included(high)) if value > high => high,
            _ => value,
        }
    }
}

impl fmt::Display for Range {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.whole { "a whole number" } else { "a finite number" })?;
        match self.ends {
            (Bound::Included(low), Bound::Included(high)) => write!(f, " from {low} to {high}"),
            (low, high) => {
                match low {
                    Bound::Included(low) => write!(f, ", {low} or more")?,
                    Bound::Excluded(low) => write!(f, " above {low}")?,
                    Bound::Unbounded => {}
                }
                match high {
                    Bound::Included(high) => write!(f, " and at most {high}"),
                    Bound::Excluded(high) => write!(f, " and below {high}"),
                    Bound::Unbounded => Ok(()),
                }
            }
        }
    }
}

/// Whether a parameter changes what is ordered, under the settings that it is part of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bearing {
    /// No setting in force reads it.
    None,
    /// Anywhere.
    Everywhere,
    /// In a pool only.
    Pools,
}

impl Bearing {
    /// Everywhere where `read` holds.
    #[must_use]
    pub const fn when(read: bool) -> Self {
        if read { Self::Everywhere } else { Self::None }
    }
}

/// A number of a strategy's settings.
#[derive(Clone, Debug, PartialEq)]
pub struct Parameter {
    /// Dotted path in the strategy file.
    pub path: Cow<'static, str>,
    /// What it may be.
    pub range: Range,
    /// What it is, for help.
    pub words: &'static str,
    /// What it is where nothing is said; `None` where it is then not set.
    pub default: Option<f64>,
    /// What it is; `None` where it is not set.
    pub value: Option<f64>,
    /// Whether it changes what is ordered.
    pub bearing: Bearing,
}

/// The declaration of one number of the settings `C`.
#[derive(Debug)]
pub struct Declaration<C> {
    /// Dotted path in the strategy file.
    pub path: &'static str,
    /// What it may be.
    pub range: Range,
    /// What it is, for help.
    pub words: &'static str,
    /// What it is in given settings; `None` where it is not set.
    pub value: fn(&C) -> Option<f64>,
    /// Whether it changes what is ordered. Asked only where there is a value: what is not set bears on nothing.
    pub bearing: fn(&C) -> Bearing,
}

/// The declared numbers as they are in `config`.
#[must_use]
pub fn declared<C: Default>(declarations: &[Declaration<C>], config: &C) -> Vec<Parameter> {
    let default = C::default();
    let parameter = |declaration: &Declaration<C>| {
        let Declaration { path, range, words, value, bearing } = *declaration;
        let present = value(config);
        let bearing = if present.is_some() { bearing(config) } else { Bearing::None };
        Parameter { path: path.into(), range, words, default: value(&default), value: present, bearing }
    };
    declarations.iter().map(parameter).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_contains_what_it_says() {
        let cases: [(Range, &str, &[f64], &[f64]); 6] = [
            (Range::FINITE, "a finite number", &[-1e300, 0.0], &[f64::NAN, f64::INFINITY]),
            (Range::POSITIVE, "a finite number above 0", &[1e-300, 5.0], &[0.0, -1.0, f64::INFINITY]),
            (Range::NOT_NEGATIVE, "a finite number, 0 or more", &[0.0, 5.0], &[-1e-300]),
            (Range::FRACTION, "a finite number from 0 to 1", &[0.0, 1.0], &[-0.1, 1.1, f64::NAN]),
            (Range::POSITIVE_FRACTION, "a finite number above 0 and at most 1", &[0.1, 1.0], &[0.0, 5.0]),
            (Range::whole(0, 3), "a whole number from 0 to 3", &[0.0, 3.0], &[0.5, 4.0]),
        ];
        for (range, words, inside, outside) in cases {
            assert_eq!(range.to_string(), words);
            assert!(inside.iter().all(|&v| range.contains(v)), "{range}");
            assert!(!outside.iter().any(|&v| range.contains(v)), "{range}");
        }
    }

    #[test]
    fn the_nearest_value_is_the_end_that_was_passed() {
        assert_eq!([-1.0, 0.3, 1.2].map(|v| Range::FRACTION.nearest(v)), [0.0, 0.3, 1.0]);
        assert_eq!(Range::POSITIVE_FRACTION.nearest(1.2), 1.0);
        assert_eq!(Range::POSITIVE.nearest(7.0), 7.0);
    }
}
