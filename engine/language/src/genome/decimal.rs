//! Numbers with four decimal places, exactly: text, mirror and equality need no rounding.

use std::{fmt, ops::Sub};

use serde::{Serialize, Serializer};

const UNIT: i32 = 10_000;

/// A whole number of ten-thousandths.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Decimal(i32);

impl Decimal {
    /// `whole` units and nothing behind the point.
    #[must_use]
    pub const fn whole(whole: i32) -> Self {
        Self(whole * UNIT)
    }

    /// So many ten-thousandths.
    #[must_use]
    pub const fn of_ten_thousandths(number: i32) -> Self {
        Self(number)
    }

    /// The decimal that `number` is; `None` where it has more places or is beyond 200,000.
    #[must_use]
    pub fn exactly(number: f64) -> Option<Self> {
        let scaled = (number * f64::from(UNIT)).round();
        let decimal = Self((scaled.abs() <= f64::from(i32::MAX)).then_some(scaled as i32)?);
        (decimal.get() == number).then_some(decimal)
    }

    /// As the nearest binary number, which prints as the decimal does.
    #[must_use]
    pub fn get(self) -> f64 {
        f64::from(self.0) / f64::from(UNIT)
    }
}

impl Sub for Decimal {
    type Output = Self;

    fn sub(self, other: Self) -> Self {
        Self(self.0 - other.0)
    }
}

impl fmt::Display for Decimal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.get())
    }
}

impl Serialize for Decimal {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if self.0 % UNIT == 0 { serializer.serialize_i32(self.0 / UNIT) } else { serializer.serialize_f64(self.get()) }
    }
}

/// The values that a number of a genome may have: `least`, `least + step` and so on up to `most`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Range {
    least: i32,
    most: i32,
    step: i32,
}

impl Range {
    /// Whole numbers from `least` to `most`.
    pub(super) const fn whole(least: i32, most: i32) -> Self {
        Self::every(least * UNIT, most * UNIT, UNIT)
    }

    /// Every `step`th of the ten-thousandths from `least` to `most`.
    pub(super) const fn every(least: i32, most: i32, step: i32) -> Self {
        Self { least, most, step }
    }

    /// Number of values.
    #[must_use]
    pub const fn count(self) -> u32 {
        ((self.most - self.least) / self.step) as u32 + 1
    }

    /// The value at `place`, counted from 0; the last one beyond it.
    #[must_use]
    pub fn nth(self, place: u32) -> Decimal {
        let place = place.min(self.count() - 1);
        Decimal(self.least + place as i32 * self.step)
    }

    /// Whether `value` is one of them.
    #[must_use]
    pub const fn contains(self, value: Decimal) -> bool {
        value.0 >= self.least && value.0 <= self.most && (value.0 - self.least) % self.step == 0
    }

    /// Where `value` lies: 0 at the least, 1 at the most.
    #[must_use]
    pub fn share(self, value: Decimal) -> f64 {
        f64::from(value.0 - self.least) / f64::from(self.most - self.least)
    }
}

/// `from 5 to 50 in steps of 1`.
impl fmt::Display for Range {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [least, most, step] = [self.least, self.most, self.step].map(Decimal);
        write!(f, "from {least} to {most} in steps of {step}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_decimal_has_four_places_and_prints_them_all() {
        for (number, text) in [(30.5, "30.5"), (-79.1234, "-79.1234"), (20.0, "20"), (0.1, "0.1"), (0.0, "0")] {
            let decimal = Decimal::exactly(number).unwrap();
            assert_eq!((decimal.to_string().as_str(), decimal.get()), (text, number));
        }
        for number in [0.00001, 1e9, f64::NAN, f64::INFINITY, 0.1 + 0.2] {
            assert_eq!(Decimal::exactly(number), None, "{number}");
        }
        assert_eq!(Decimal::whole(100) - Decimal::exactly(30.0001).unwrap(), Decimal::exactly(69.9999).unwrap());
    }

    #[test]
    fn a_range_has_its_steps_and_no_others() {
        let even = Range::every(6 * UNIT, 50 * UNIT, 2 * UNIT);
        assert_eq!((even.count(), even.nth(0), even.nth(99)), (23, Decimal::whole(6), Decimal::whole(50)));
        assert!(even.contains(Decimal::whole(8)) && !even.contains(Decimal::whole(7)));
        assert!(!even.contains(Decimal::whole(4)) && !even.contains(Decimal::whole(52)));
        assert_eq!((even.share(Decimal::whole(6)), even.share(Decimal::whole(28))), (0.0, 0.5));
        assert_eq!(even.to_string(), "from 6 to 50 in steps of 2");
    }
}
