//! Numbers with units. Mixing them does not compile.
//!
//! Amounts on chain are integers ([`Lamports`], [`TokenAmount`]); rates in the program's own arithmetic are integer
//! basis points ([`Bps`]); shares of something are [`Fraction`]s (0.05, never 5); a Sharpe ratio says in its type
//! whether it is per period or per year, because a deflation that is fed the wrong one makes everything significant.

use serde::{Deserialize, Serialize};

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
integer_unit! {
    /// Basis points as the chain counts them: 10,000 are the whole.
    Bps
}
float_unit! {
    /// A share of a whole: 0.05 is five per cent.
    Fraction
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

/// Milliseconds of a year of 365 days, the convention for markets that never close.
const YEAR_MS: f64 = 365.0 * 86_400_000.0;

impl Fraction {
    /// Nothing.
    pub const ZERO: Self = Self(0.0);
    /// The whole.
    pub const ONE: Self = Self(1.0);

    /// Basis points as a fraction: 5 becomes 0.0005.
    #[must_use]
    pub fn from_bps(bps: f64) -> Self {
        Self(bps / 10_000.0)
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
    fn five_basis_points_are_a_twentieth_of_a_per_cent() {
        assert_eq!(Fraction::from_bps(5.0).get(), 0.0005);
    }
}
