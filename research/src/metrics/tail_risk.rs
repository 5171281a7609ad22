use super::undefined::{Undefined, finite};

/// The least number of returns of which a twentieth is more than one.
const LEAST: usize = 40;

/// What a bad period costs: the empirical `share`-quantile of the returns, and the mean of the returns at or below it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TailRisk {
    /// Value at risk: the return that a share of the periods does not exceed. Negative where it is a loss.
    pub value_at_risk: f64,
    /// Expected shortfall, also called conditional value at risk: the mean of these periods.
    pub expected_shortfall: f64,
}

/// Tail risk of at least 40 returns, from the record alone: no distribution is assumed. The quantile is interpolated
/// between order statistics (R. Hyndman and Y. Fan, "Sample Quantiles in Statistical Packages", The American Statistician
/// 50, 1996, type 7, the default of numpy and R). Expected shortfall: C. Acerbi and D. Tasche, "On the coherence of
/// expected shortfall", Journal of Banking & Finance 26, 2002, as the mean of the observations in the tail.
///
/// # Errors
/// [`Undefined::TooFew`], [`Undefined::NotFinite`], [`Undefined::OutOfRange`] for a share outside (0, 1).
pub fn tail_risk(returns: &[f64], share: f64) -> Result<TailRisk, Undefined> {
    if !(share > 0.0 && share < 1.0) {
        return Err(Undefined::OutOfRange { name: "share", value: share, wanted: "a number between 0 and 1" });
    }
    if returns.len() < LEAST {
        return Err(Undefined::TooFew { found: returns.len(), needed: LEAST });
    }
    if let Some(index) = returns.iter().position(|value| !value.is_finite()) {
        return Err(Undefined::NotFinite { index });
    }
    let mut sorted = returns.to_vec();
    sorted.sort_unstable_by(f64::total_cmp);
    let place = share * (sorted.len() - 1) as f64;
    let (below, part) = (place as usize, place.fract());
    let above = sorted[(below + 1).min(sorted.len() - 1)];
    let value_at_risk = sorted[below] + part * (above - sorted[below]);
    let tail = &sorted[..sorted.partition_point(|value| *value <= value_at_risk).max(1)];
    let expected_shortfall = finite(tail.iter().sum::<f64>() / tail.len() as f64)?;
    Ok(TailRisk { value_at_risk, expected_shortfall })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_worst_twentieth_of_a_hundred_and_one_is_the_worst_six() {
        // -50 to 50: the sixth from below is the 5 % quantile; the mean of -50 to -45 is -47.5.
        let returns: Vec<f64> = (-50..=50).rev().map(|value| f64::from(value) / 1_000.0).collect();
        let risk = tail_risk(&returns, 0.05).unwrap();
        assert!(
            (risk.value_at_risk + 0.045).abs() < 1e-15 && (risk.expected_shortfall + 0.0475).abs() < 1e-15,
            "{risk:?}"
        );
    }

    #[test]
    fn a_quantile_between_two_returns_is_interpolated() {
        // Place 0.05 * 49 = 2.45 between 2 and 3: 2.45; of 0 to 49 the tail is 0, 1, 2.
        let returns: Vec<f64> = (0..50).map(f64::from).collect();
        let risk = tail_risk(&returns, 0.05).unwrap();
        assert!((risk.value_at_risk - 2.45).abs() < 1e-12 && risk.expected_shortfall == 1.0, "{risk:?}");
    }

    #[test]
    fn what_no_tail_can_be_cut_from_has_none() {
        assert_eq!(tail_risk(&[0.1; 39], 0.05), Err(Undefined::TooFew { found: 39, needed: 40 }));
        assert!(matches!(tail_risk(&[0.1; 50], 1.0), Err(Undefined::OutOfRange { .. })));
        let mut returns = [0.1; 50];
        returns[7] = f64::NAN;
        assert_eq!(tail_risk(&returns, 0.05), Err(Undefined::NotFinite { index: 7 }));
    }
}
