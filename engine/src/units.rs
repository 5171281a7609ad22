//! Numbers with units. Mixing them does not compile.
//!
//! Amounts on chain are integers ([`Lamports`], [`TokenAmount`]); rates in the program's own arithmetic are integer
//! basis points ([`Bps`]); shares of something are [`Fraction`]s (0.05, never 5); a Sharpe ratio says in its type
//! whether it is per period or per year, because deflating the wrong one makes everything significant.

pub use q50_pumpswap::Bps;
use serde::{Deserialize, Serialize};
use thiserror::Error;

/// Lamports of one SOL.
pub const LAMPORTS_PER_SOL: f64 = 1e9;

macro_rules! integer_unit {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub u64);

        impl $name {
            /// The amount in this unit.
            #[must_use]
            #[inline]
            pub const fn get(self) -> u64 {
                self.0
            }
        }
    };
}

macro_rules! float_unit {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, PartialOrd, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(f64);

        impl $name {
            /// Wraps a value that is already in this unit.
            #[must_use]
            pub const fn new(value: f64) -> Self {
                Self(value)
            }

            /// The value in this unit.
            #[must_use]
            #[inline]
            pub const fn get(self) -> f64 {
                self.0
            }
        }
    };
}

integer_unit! {
    /// SOL in its smallest unit: 10^9 lamports are 1 SOL.
    Lamports
}
integer_unit! {
    /// A token in the smallest unit of its own mint.
    TokenAmount
}
float_unit! {
    /// How many observations make a year: 8,760 for hourly bars of a market that never closes.
    PeriodsPerYear
}
float_unit! {
    /// Mean over standard deviation of per-period returns; what PSR and DSR are defined on.
    PerPeriodSharpe
}
float_unit! {
    /// A per-period Sharpe ratio times the square root of the periods per year.
    AnnualSharpe
}

/// A share of a whole, from 0 to 1: 0.05 is five per cent.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd, Serialize, Deserialize)]
#[serde(try_from = "f64")]
pub struct Fraction(f64);

/// A number that its unit cannot have.
#[derive(Clone, Copy, Debug, PartialEq, Error)]
#[error("{found:?} is out of range, expected {expected}")]
pub struct OutOfRange {
    found: f64,
    expected: &'static str,
}

/// Milliseconds of a year of 365 days, the convention for markets that never close.
const YEAR_MS: f64 = 365.0 * 86_400_000.0;

impl Fraction {
    /// Nothing.
    pub const ZERO: Self = Self(0.0);
    /// The whole.
    pub const ONE: Self = Self(1.0);

    /// A share that is known to be one; what comes from outside goes through `TryFrom`.
    ///
    /// # Panics
    /// The value is outside [0, 1].
    #[must_use]
    #[inline]
    pub const fn new(value: f64) -> Self {
        assert!(value >= 0.0 && value <= 1.0, "a fraction is from 0 to 1");
        Self(value)
    }

    /// Basis points as a fraction: 5 becomes 0.0005.
    ///
    /// # Panics
    /// There are less than 0 or more than 10,000 of them.
    #[must_use]
    pub const fn from_bps(bps: f64) -> Self {
        Self::new(bps / 10_000.0)
    }

    /// The value, from 0 to 1.
    #[must_use]
    #[inline]
    pub const fn get(self) -> f64 {
        self.0
    }

    /// Twice the share, and no more than the whole.
    #[must_use]
    pub fn doubled(self) -> Self {
        Self((2.0 * self.0).min(1.0))
    }

    /// The larger of the two.
    #[must_use]
    pub fn max(self, other: Self) -> Self {
        Self(self.0.max(other.0))
    }
}

impl TryFrom<f64> for Fraction {
    type Error = OutOfRange;

    fn try_from(value: f64) -> Result<Self, OutOfRange> {
        let expected = "a fraction from 0 to 1";
        if (0.0..=1.0).contains(&value) { Ok(Self(value)) } else { Err(OutOfRange { found: value, expected }) }
    }
}

impl Lamports {
    /// The lamports of an amount in SOL, parts of a lamport dropped.
    ///
    /// # Errors
    /// The amount is less than a lamport, or does not fit the chain's 64 bits.
    pub fn from_sol(sol: f64) -> Result<Self, OutOfRange> {
        let lamports = sol * LAMPORTS_PER_SOL;
        if lamports >= 1.0 && lamports < u64::MAX as f64 {
            return Ok(Self(lamports as u64));
        }
        Err(OutOfRange { found: sol, expected: "0.000000001 to 18446744073 SOL, what the chain's 64 bits can hold" })
    }
}

impl PeriodsPerYear {
    /// Periods of `interval_ms` milliseconds in a year of 365 days.
    #[must_use]
    pub fn from_interval_ms(interval_ms: i64) -> Self {
        Self(YEAR_MS / interval_ms as f64)
    }
}

impl PerPeriodSharpe {
    /// The annual figure, under independence of the periods' returns (Lo 2002, eq. 10 at zero autocorrelation).
    #[must_use]
    pub fn annual(self, periods: PeriodsPerYear) -> AnnualSharpe {
        AnnualSharpe(self.0 * periods.0.sqrt())
    }
}

impl AnnualSharpe {
    /// The per-period figure; inverse of [`PerPeriodSharpe::annual`].
    #[must_use]
    pub fn per_period(self, periods: PeriodsPerYear) -> PerPeriodSharpe {
        PerPeriodSharpe(self.0 / periods.0.sqrt())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_hour_fits_8760_times_into_a_year() {
        assert_eq!(PeriodsPerYear::from_interval_ms(3_600_000).get(), 8760.0);
    }

    #[test]
    fn annualising_and_back_is_the_identity() {
        let year = PeriodsPerYear::new(400.0);
        let annual = PerPeriodSharpe::new(0.05).annual(year);
        assert_eq!(annual.get(), 1.0);
        assert_eq!(annual.per_period(year).get(), 0.05);
    }

    #[test]
    fn a_fraction_out_of_range_is_refused_with_what_was_found() {
        assert_eq!(Fraction::try_from(1.0), Ok(Fraction::ONE));
        for value in [-0.1, 1.1, 5.0, f64::NAN, f64::INFINITY] {
            let error = Fraction::try_from(value).unwrap_err().to_string();
            assert_eq!(error, format!("{value:?} is out of range, expected a fraction from 0 to 1"));
        }
        assert!(serde_json::from_str::<Fraction>("5").unwrap_err().to_string().contains("from 0 to 1"));
        assert_eq!(serde_json::from_str::<Fraction>("1").unwrap(), Fraction::ONE);
        assert_eq!(serde_json::to_string(&Fraction::new(0.05)).unwrap(), "0.05");
    }

    #[test]
    fn sol_that_lamports_cannot_count_is_refused() {
        assert_eq!(Lamports::from_sol(1.5), Ok(Lamports(1_500_000_000)));
        assert_eq!(Lamports::from_sol(1e-9), Ok(Lamports(1)));
        for sol in [1e11, 1.8446744073709552e10, 1e308, 9e-10, 0.0, -1.0, f64::NAN] {
            assert!(Lamports::from_sol(sol).unwrap_err().to_string().contains("64 bits"), "{sol}");
        }
    }

    #[test]
    fn five_basis_points_are_a_twentieth_of_a_per_cent() {
        assert_eq!(Fraction::from_bps(5.0).get(), 0.0005);
    }
}
