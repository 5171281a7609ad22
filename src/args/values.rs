//! Numbers with a range.

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
}
