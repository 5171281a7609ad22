use super::sum::sum;
use super::undefined::{Undefined, check, finite};

/// Profit factor: the sum of gains over the sum of losses, both positive. Above 1 the record gained.
///
/// `outcomes` are trade results in one unit of account.
///
/// # Errors
/// [`Undefined::TooFew`] for none, [`Undefined::NotFinite`], [`Undefined::NoLosses`].
pub fn profit_factor(outcomes: &[f64]) -> Result<f64, Undefined> {
    check(outcomes, 1)?;
    let gains = sum(outcomes.iter().map(|outcome| outcome.max(0.0)));
    let losses = sum(outcomes.iter().map(|outcome| (-outcome).max(0.0)));
    if losses == 0.0 {
        return Err(Undefined::NoLosses);
    }
    finite(gains / losses)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gains_are_divided_by_losses() {
        assert_eq!(profit_factor(&[30.0, -10.0, 15.0, 0.0, -5.0]), Ok(3.0));
    }

    #[test]
    fn losses_alone_give_zero_and_gains_alone_nothing() {
        assert_eq!(profit_factor(&[-1.0, -2.0]), Ok(0.0));
        assert_eq!(profit_factor(&[1.0, 2.0]), Err(Undefined::NoLosses));
    }
}
