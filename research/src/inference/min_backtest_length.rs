use q50_engine::units::AnnualSharpe;

use super::deflated_sharpe::expected_maximum_z;
use crate::metrics::Undefined;
use crate::metrics::undefined::finite;

/// Minimum backtest length, in YEARS: with a shorter record, the best of `trials` independent strategies without skill
/// is expected to show `target` in sample. (E[max of N standard normals] / target)^2.
///
/// Source: D. Bailey, J. Borwein, M. Lopez de Prado and Q. Zhu, "Pseudo-Mathematics and Financial Charlatanism",
/// Notices of the AMS 61(5), 2014, the MinBTL theorem (its proposition 1 gives the maximum). It
/// stays below 2 ln(N) / target^2.
///
/// # Errors
/// [`Undefined::OutOfRange`] for no trial or a target that is not above zero, [`Undefined::NotRepresentable`].
pub fn min_backtest_length(trials: u64, target: AnnualSharpe) -> Result<f64, Undefined> {
    let target = target.get();
    if !(target > 0.0 && target.is_finite()) {
        return Err(Undefined::OutOfRange {
            name: "target Sharpe",
            value: target,
            wanted: "a finite number above zero",
        });
    }
    finite((expected_maximum_z(trials)? / target).powi(2))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn five_years_allow_no_more_than_forty_five_trials() {
        let years = |trials| min_backtest_length(trials, AnnualSharpe::new(1.0)).unwrap();
        assert!(years(45) < 5.0 && years(46) > 5.0);
    }

    #[test]
    fn twice_the_target_needs_a_quarter_of_the_record() {
        let one = min_backtest_length(100, AnnualSharpe::new(1.0)).unwrap();
        let two = min_backtest_length(100, AnnualSharpe::new(2.0)).unwrap();
        assert!((one / two - 4.0).abs() < 1e-14);
    }

    #[test]
    fn it_stays_below_the_paper_s_bound() {
        for trials in [2_u64, 10, 1_000, 1_000_000] {
            let years = min_backtest_length(trials, AnnualSharpe::new(1.0)).unwrap();
            assert!(years < 2.0 * (trials as f64).ln(), "{trials}");
        }
    }

    #[test]
    fn one_trial_needs_no_record_and_no_target_none_either() {
        assert_eq!(min_backtest_length(1, AnnualSharpe::new(1.0)), Ok(0.0));
        assert!(matches!(min_backtest_length(10, AnnualSharpe::new(0.0)), Err(Undefined::OutOfRange { .. })));
    }
}
