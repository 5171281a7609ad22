//! Textbook methods and those of the seed documents (feature inventory C1, C2, C4, C5, C6).

use super::{Refusal, SizingConfig, SizingInput, known, positive};
use crate::{strategy::trades::Odds, units::Fraction};

/// 0.1 / max(1000 variance, 0.1), in [0.01, 0.5]. On real hourly variance, of the order of 1e-5, it is its upper bound.
#[inline]
pub(super) fn inverse_variance(input: &SizingInput) -> Result<f64, Refusal> {
    let variance = known(input.vol_risk)?;
    if variance < 0.0 {
        return Err(Refusal::Impossible);
    }
    Ok((0.1 / (1_000.0 * variance).max(0.1)).clamp(0.01, 0.5))
}

/// min(100 |q50|, 2).
pub(super) fn signal_multiplier(input: &SizingInput) -> Result<f64, Refusal> {
    Ok((100.0 * known(Some(input.abs_q50()))?).min(2.0))
}

/// |q50| x min(information ratio / threshold, 2).
pub(super) fn strength_multiplier(input: &SizingInput) -> Result<f64, Refusal> {
    Ok(known(Some(input.abs_q50()))? * (input.info_ratio / positive(input.info_ratio_threshold)?).min(2.0))
}

/// f* = (W - (1 - W) / R) x fraction, at most 1 (Kelly 1956, for a bet that pays R to 1), with the odds of past trades, or the
/// stated ones.
///
/// A payoff outside [0.01, 100] is a mix-up of units and is refused; trades of which none was won have no edge.
pub(super) fn kelly(config: &SizingConfig, odds: Option<Odds>) -> Result<f64, Refusal> {
    let (win_rate, payoff) = match odds {
        Some(Odds { win_rate: 0.0, .. }) => return Err(Refusal::NoEdge),
        Some(Odds { win_rate, payoff }) => (win_rate, payoff),
        None => (known(config.win_rate.map(Fraction::get))?, known(config.payoff)?),
    };
    if !(0.01..=100.0).contains(&payoff) || !(0.0..=1.0).contains(&win_rate) {
        return Err(Refusal::Impossible);
    }
    let edge = win_rate - (1.0 - win_rate) / payoff;
    if edge <= 0.0 { Err(Refusal::NoEdge) } else { Ok((edge * config.kelly_fraction.get()).min(1.0)) }
}

/// The share of equity that loses `risk_per_trade` of it when the price moves by the stop's distance.
pub(super) fn fixed_fractional(config: &SizingConfig, input: &SizingInput) -> Result<f64, Refusal> {
    Ok(config.risk_per_trade.get() / positive(known(input.stop_distance)?)?)
}

/// The same for a stop of `atr_multiple` average true ranges.
pub(super) fn atr(config: &SizingConfig, input: &SizingInput) -> Result<f64, Refusal> {
    Ok(config.risk_per_trade.get() / positive(known(input.atr_share)? * config.atr_multiple)?)
}

#[cfg(test)]
mod tests {
    use super::{super::example, *};
    use crate::market::Quantiles;

    fn with_variance(vol_risk: f64) -> SizingInput {
        SizingInput { vol_risk: Some(vol_risk), ..example() }
    }

    #[test]
    fn inverse_variance_discriminates_between_2e_4_and_1e_2_only() {
        let sizes = [1e-5, 2e-4, 1e-3, 1e-2, 0.15].map(|v| inverse_variance(&with_variance(v)).unwrap());
        for (size, expected) in sizes.iter().zip([0.5, 0.5, 0.1, 0.01, 0.01]) {
            assert!((size - expected).abs() < 1e-15, "{sizes:?}");
        }
    }

    #[test]
    fn multipliers_by_hand() {
        assert_eq!(signal_multiplier(&example()), Ok(0.4));
        assert!((strength_multiplier(&example()).unwrap() - 0.008).abs() < 1e-15, "0.004 x min(3 / 1.5, 2)");
    }

    #[test]
    fn without_a_forecast_there_is_no_multiplier() {
        let quantiles = Quantiles { q10: f64::NAN, q50: f64::NAN, q90: f64::NAN };
        let unknown = SizingInput { quantiles, info_ratio: f64::NAN, ..example() };
        assert_eq!(signal_multiplier(&unknown), Err(Refusal::Missing));
        assert_eq!(strength_multiplier(&unknown), Err(Refusal::Missing));
    }

    #[test]
    fn half_kelly_by_hand_and_no_edge_is_said() {
        let bet = |win: f64, payoff: f64| {
            let config =
                SizingConfig { win_rate: Some(Fraction::new(win)), payoff: Some(payoff), ..SizingConfig::default() };
            kelly(&config, None)
        };
        assert!((bet(0.55, 1.5).unwrap() - 0.125).abs() < 1e-15, "0.55 - 0.45 / 1.5 = 0.25, halved");
        assert_eq!(bet(0.4, 1.0), Err(Refusal::NoEdge));
        assert_eq!(bet(0.55, 150.0), Err(Refusal::Impossible));
        assert_eq!(kelly(&SizingConfig::default(), None), Err(Refusal::Missing));
        let lost = Odds { win_rate: 0.0, payoff: 0.0 };
        assert_eq!(kelly(&SizingConfig::default(), Some(lost)), Err(Refusal::NoEdge));
    }

    #[test]
    fn the_loss_at_the_stop_is_the_stated_risk() {
        let size = fixed_fractional(&SizingConfig::default(), &example()).unwrap();
        assert!((size * 0.05 - 0.02).abs() < 1e-15);
        let none = SizingInput { stop_distance: Some(0.0), ..example() };
        assert_eq!(fixed_fractional(&SizingConfig::default(), &none), Err(Refusal::Impossible));
        assert!((atr(&SizingConfig::default(), &example()).unwrap() - 1.0).abs() < 1e-12, "0.02 / (2 x 0.01)");
    }
}
