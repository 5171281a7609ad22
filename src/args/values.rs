//! Numbers with a range.

use q50_engine::units::Lamports;
use q50_research::run::MOST_CAPITAL;

fn number(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(value) if value.is_finite() => Ok(value),
        _ => Err("expected a finite number".to_owned()),
    }
}

pub(super) fn above_zero(text: &str) -> Result<f64, String> {
    number(text).and_then(|v| if v > 0.0 { Ok(v) } else { Err("expected a number above 0".to_owned()) })
}

pub(super) fn not_negative(text: &str) -> Result<f64, String> {
    number(text).and_then(|v| if v >= 0.0 { Ok(v) } else { Err("expected 0 or more".to_owned()) })
}

/// Basis points of a whole, below 100 %.
pub(super) fn basis_points(text: &str) -> Result<f64, String> {
    let expected = "expected basis points from 0 to below 10000, which are 100 %";
    number(text).and_then(|v| if (0.0..10_000.0).contains(&v) { Ok(v) } else { Err(expected.to_owned()) })
}

/// An amount of money.
pub(super) fn capital(text: &str) -> Result<f64, String> {
    let expected = format!("expected a number above 0 and at most {MOST_CAPITAL:e}");
    number(text).and_then(|v| if v > 0.0 && v <= MOST_CAPITAL { Ok(v) } else { Err(expected) })
}

/// An amount in SOL that the chain can count.
pub(super) fn sol(text: &str) -> Result<Lamports, String> {
    Lamports::from_sol(number(text)?).map_err(|error| error.to_string())
}

pub(super) fn share(text: &str) -> Result<f64, String> {
    let range = |v| if (0.0..=1.0).contains(&v) { Ok(v) } else { Err("expected a fraction in [0, 1]".to_owned()) };
    number(text).and_then(range)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentages_are_refused_where_fractions_belong() {
        assert!(share("25").is_err());
        assert_eq!(share("0.25"), Ok(0.25));
        assert!(above_zero("nan").is_err());
    }

    #[test]
    fn costs_stay_below_the_whole_and_amounts_within_what_can_be_counted() {
        assert_eq!((basis_points("0"), basis_points("9999.9")), (Ok(0.0), Ok(9_999.9)));
        assert_eq!((capital("1e15"), sol("1.5")), (Ok(1e15), Ok(Lamports(1_500_000_000))));
        for text in ["-1", "10000", "20000", "inf", "nan", "x"] {
            assert!(basis_points(text).is_err(), "{text}");
        }
        for text in ["0", "-1", "1e16", "1e308", "nan"] {
            assert!(capital(text).is_err(), "{text}");
        }
        for text in ["0", "-1", "1e11", "1e-10", "nan"] {
            assert!(sol(text).is_err(), "{text}");
        }
    }
}
