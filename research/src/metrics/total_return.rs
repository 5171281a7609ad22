use super::undefined::{Undefined, check_growth, finite};

/// Total return of at least one period: prod(1 + r) - 1, as a fraction. -1 is ruin; nothing that follows changes it.
///
/// # Errors
/// [`Undefined::TooFew`], [`Undefined::NotFinite`], [`Undefined::BelowRuin`] at a return below -1,
/// [`Undefined::NotRepresentable`].
pub fn total_return(returns: &[f64]) -> Result<f64, Undefined> {
    check_growth(returns, 1)?;
    finite(returns.iter().fold(1.0, |wealth, value| wealth * (1.0 + value)) - 1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn returns_compound() {
        assert!((total_return(&[0.1, -0.1, 0.5]).unwrap() - 0.485).abs() < 1e-15);
    }

    #[test]
    fn nothing_comes_back_from_ruin() {
        assert_eq!(total_return(&[0.1, -1.0, 5.0]), Ok(-1.0));
    }

    #[test]
    fn more_than_everything_cannot_be_lost() {
        assert_eq!(total_return(&[0.1, -1.2]), Err(Undefined::BelowRuin { index: 1, value: -1.2 }));
    }
}
