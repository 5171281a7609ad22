//! The sizers of the backtesters that published the runs, as written there, including their faults.
//!
//! Neither a spread threshold nor, for the stand-alone Kelly sizer, a signal threshold ever reached them, so the
//! branches that ask for a narrow spread always take the smaller factor. Lower clips of 0.001 are theirs.

use super::{Refusal, SizingInput, known};

/// The floor that every one of these sizers clips to.
const FLOOR: f64 = 0.001;
/// Target volatility inside the enhanced sizer, per bar.
const ENHANCED_TARGET: f64 = 0.009;

fn clip(raw: f64, cap: f64) -> f64 {
    raw.min(cap).max(FLOOR)
}

/// 10 |q50| / max(1, spread / 0.01), in [0.01, cap].
pub(super) fn simple(input: &SizingInput, cap: f64) -> Result<f64, Refusal> {
    Ok((10.0 * input.abs_q50() / (input.spread() / 0.01).max(1.0)).min(cap).max(0.01))
}

/// Kelly's share with odds from the outer quantiles, before any factor.
pub(super) fn quantile_kelly(input: &SizingInput) -> f64 {
    let loss_or = |loss: f64| if loss > 0.0 { loss } else { FLOOR };
    let down = loss_or(-input.quantiles.q10);
    let up = loss_or(input.quantiles.q90);
    let (win, loss, p_win) =
        if input.prob_up > 0.5 { (up, down, input.prob_up) } else { (down, up, 1.0 - input.prob_up) };
    let odds = win / loss;
    (odds * p_win - (1.0 - p_win)) / odds
}

/// Quarter Kelly x confidence / 10 x (1.3 above the threshold, else 0.8) x 0.8 for the spread threshold nobody set.
pub(super) fn kelly(input: &SizingInput, cap: f64) -> Result<f64, Refusal> {
    let signal = if input.is_strong() { 1.3 } else { 0.8 };
    Ok(clip(0.25 * quantile_kelly(input) * input.confidence / 10.0 * signal * 0.8, cap))
}

fn confidence_boost(input: &SizingInput) -> f64 {
    1.0 + (input.confidence / 3.0).powf(1.5)
}

/// 8 |q50| x target / deviation x (1 + (confidence / 3)^1.5). As published the target is the realised volatility
/// itself, so that the size rises with it.
pub(super) fn volatility(input: &SizingInput, cap: f64, target: f64) -> Result<f64, Refusal> {
    let deviation = input.published_deviation()?;
    Ok(clip(8.0 * input.abs_q50() * (target / deviation) * confidence_boost(input), cap))
}

/// 0.05 x |q50| / deviation x (1 + (confidence / 3)^1.5).
pub(super) fn sharpe(input: &SizingInput, cap: f64) -> Result<f64, Refusal> {
    Ok(clip(0.05 * input.abs_q50() / input.published_deviation()? * confidence_boost(input), cap))
}

/// (0.15 x 0.02 / deviation) x 15 |q50| x confidence / 10.
pub(super) fn risk_parity(input: &SizingInput, cap: f64) -> Result<f64, Refusal> {
    let deviation = input.published_deviation()?;
    Ok(clip(0.15 * 0.02 / deviation * 15.0 * input.abs_q50() * input.confidence / 10.0, cap))
}

/// 0.4 Kelly + 0.3 volatility + 0.15 Sharpe + 0.15 risk parity, x (1.4 above the threshold, else 0.7)
/// x (confidence / 10)^1.1.
pub(super) fn enhanced(input: &SizingInput, cap: f64) -> Result<f64, Refusal> {
    let blend = 0.4 * kelly(input, cap)?
        + 0.3 * volatility(input, cap, ENHANCED_TARGET)?
        + 0.15 * sharpe(input, cap)?
        + 0.15 * risk_parity(input, cap)?;
    let signal = if input.is_strong() { 1.4 } else { 0.7 };
    Ok(clip(blend * signal * (input.confidence / 10.0).powf(1.1), cap))
}

/// The quantile backtester's: 0.1 x clip(1 + (confidence - 5) / 5, 0.1, 2) / (1 + 10 volatility), in [0.01, cap].
/// Its confidence was always 5 and its volatility 0.02 where unknown.
pub(super) fn quantile_backtester(input: &SizingInput, cap: f64) -> f64 {
    let volatility = known(input.vol_raw).unwrap_or(0.02);
    let confidence: f64 = 5.0;
    (0.1 * (1.0 + (confidence - 5.0) / 5.0).clamp(0.1, 2.0) / (1.0 + 10.0 * volatility)).min(cap).max(0.01)
}

#[cfg(test)]
mod tests {
    use super::{super::example, *};

    const CAP: f64 = 0.5;

    fn close(actual: f64, expected: f64) {
        assert!((actual - expected).abs() < 1e-12, "{actual} is not {expected}");
    }

    #[test]
    fn simple_by_hand() {
        close(simple(&example(), CAP).unwrap(), 0.04 / 3.0);
    }

    #[test]
    fn kelly_by_hand() {
        close(quantile_kelly(&example()), (2.0 * 0.6 - 0.4) / 2.0);
        close(kelly(&example(), CAP).unwrap(), 0.25 * 0.4 * 1.0 * 1.3 * 0.8);
    }

    #[test]
    fn losing_odds_are_a_negative_share_and_the_published_floor() {
        // Wins 1 with probability 0.6 where it loses 4: (0.25 x 0.6 - 0.4) / 0.25 = -1.
        let quantiles = crate::market::Quantiles { q10: -0.04, q50: 0.004, q90: 0.01 };
        let losing = SizingInput { quantiles, ..example() };
        close(quantile_kelly(&losing), -1.0);
        close(kelly(&losing, CAP).unwrap(), FLOOR);
        // A fall is expected with probability 0.6, and a short wins 1 where it loses 4.
        let quantiles = crate::market::Quantiles { q10: -0.01, q50: -0.004, q90: 0.04 };
        close(quantile_kelly(&SizingInput { quantiles, prob_up: 0.4, ..example() }), -1.0);
    }

    #[test]
    fn the_others_by_hand() {
        let deviation = 0.03 / 3.29;
        let boost = 1.0 + (10.0_f64 / 3.0).powf(1.5);
        close(volatility(&example(), CAP, 0.004).unwrap(), 8.0 * 0.004 * 0.004 / deviation * boost);
        close(sharpe(&example(), CAP).unwrap(), 0.05 * 0.004 / deviation * boost);
        close(risk_parity(&example(), CAP).unwrap(), 0.003 / deviation * 0.06);
        close(quantile_backtester(&example(), CAP), 0.1 / 1.04);
    }

    #[test]
    fn enhanced_is_the_weighted_blend_under_the_cap() {
        let blend = 0.4 * kelly(&example(), CAP).unwrap()
            + 0.3 * volatility(&example(), CAP, 0.009).unwrap()
            + 0.15 * sharpe(&example(), CAP).unwrap()
            + 0.15 * risk_parity(&example(), CAP).unwrap();
        close(enhanced(&example(), CAP).unwrap(), blend * 1.4);
        close(enhanced(&example(), 0.05).unwrap(), 0.05);
    }

    #[test]
    fn a_forecast_without_width_is_refused() {
        let mut flat = example();
        flat.quantiles.q90 = flat.quantiles.q10;
        assert_eq!(sharpe(&flat, CAP), Err(Refusal::Impossible));
    }
}
