use q50_engine::units::PerPeriodSharpe;

use super::normal;
use super::probabilistic_sharpe::SharpeEstimate;
use crate::metrics::Undefined;
use crate::metrics::undefined::finite;

/// Minimum track record length: observations after which the estimate would be above `benchmark` at `confidence`,
/// 1 + (1 - g3 SR + (g4 - 1)/4 SR^2) (Z(confidence) / (SR - SR*))^2. Divide by the periods a year for years.
///
/// Real-valued, as in the paper; packages round up. The estimate's own `n` is not used: the formula asks how long this
/// ratio would have to last.
///
/// Source: D. Bailey and M. Lopez de Prado, "The Sharpe Ratio Efficient Frontier", Journal of Risk 15(2), 2012,
/// definition of MinTRL.
///
/// # Errors
/// [`Undefined::NeverLongEnough`] where the ratio is not above the benchmark, [`Undefined::OutOfRange`] unless
/// 1/2 < confidence < 1, [`Undefined::NoSamplingVariance`], [`Undefined::NotRepresentable`].
pub fn min_track_record(
    estimate: &SharpeEstimate,
    benchmark: PerPeriodSharpe,
    confidence: f64,
) -> Result<f64, Undefined> {
    if !(confidence > 0.5 && confidence < 1.0) {
        return Err(Undefined::OutOfRange { name: "confidence", value: confidence, wanted: "between 0.5 and 1" });
    }
    let (sharpe, benchmark) = (finite(estimate.sharpe.get())?, finite(benchmark.get())?);
    if sharpe <= benchmark {
        return Err(Undefined::NeverLongEnough { sharpe, benchmark });
    }
    let z = normal::quantile(confidence)?;
    finite(1.0 + estimate.variance_factor()? * (z / (sharpe - benchmark)).powi(2))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inference::probabilistic_sharpe;
    use q50_engine::units::{AnnualSharpe, PeriodsPerYear};

    fn years(per_year: f64, skewness: f64, kurtosis: f64) -> f64 {
        let periods = PeriodsPerYear::new(per_year);
        let sharpe = AnnualSharpe::new(2.0).per_period(periods);
        let estimate = SharpeEstimate { sharpe, n: 0, skewness, kurtosis };
        min_track_record(&estimate, AnnualSharpe::new(1.0).per_period(periods), 0.95).unwrap() / per_year
    }

    #[test]
    fn the_paper_s_years_are_reproduced() {
        for (per_year, skewness, kurtosis, printed) in
            [(250.0, 0.0, 3.0, 2.73), (52.0, 0.0, 3.0, 2.83), (12.0, 0.0, 3.0, 3.24), (12.0, -0.72, 5.78, 4.99)]
        {
            let got = years(per_year, skewness, kurtosis);
            assert!((got - printed).abs() < 5e-3, "{per_year}: {got} years, the paper prints {printed}");
        }
    }

    #[test]
    fn after_that_length_the_ratio_is_significant() {
        let estimate = SharpeEstimate { sharpe: PerPeriodSharpe::new(0.1), n: 0, skewness: -1.0, kurtosis: 6.0 };
        let zero = PerPeriodSharpe::new(0.0);
        let length = min_track_record(&estimate, zero, 0.95).unwrap().ceil() as usize;
        let at = |n| probabilistic_sharpe(&SharpeEstimate { n, ..estimate }, zero).unwrap();
        assert!(at(length) >= 0.95 && at(length - 1) < 0.95);
    }

    #[test]
    fn below_the_benchmark_no_record_is_long_enough() {
        let estimate = SharpeEstimate::normal(PerPeriodSharpe::new(0.1), 500);
        assert_eq!(
            min_track_record(&estimate, PerPeriodSharpe::new(0.1), 0.95),
            Err(Undefined::NeverLongEnough { sharpe: 0.1, benchmark: 0.1 })
        );
        assert!(matches!(
            min_track_record(&estimate, PerPeriodSharpe::new(0.0), 0.5),
            Err(Undefined::OutOfRange { .. })
        ));
    }
}
