//! The "advanced" sizers of the published repository (used by none of its runs); largest size 0.5.

use super::{Refusal, SizingInput, hummingbot::quantile_kelly, known, positive};

const MAX: f64 = 0.5;
const FLOOR: f64 = 0.001;

fn clip(raw: f64) -> f64 {
    raw.clamp(FLOOR, MAX)
}

/// Quarter Kelly x confidence / 10.
pub(super) fn kelly(input: &SizingInput) -> Result<f64, Refusal> {
    Ok(clip(0.25 * quantile_kelly(input) * input.confidence / 10.0))
}

/// 5 |q50| x (0.15 / volatility) x (confidence / 10)^2 / (1 + 50 spread).
pub(super) fn volatility(input: &SizingInput) -> Result<f64, Refusal> {
    let volatility = positive(known(input.vol_raw)?)?;
    let confidence = (input.confidence / 10.0).powi(2);
    Ok(clip(5.0 * input.abs_q50() * (0.15 / volatility) * confidence / (1.0 + 50.0 * input.spread())))
}

/// 0.1 |S| x (1 + (confidence - 5) / 10) x min(S / S_hist, 2), with S the median over the forecast's deviation. The
/// historical figure is not published; 1 is taken.
pub(super) fn sharpe(input: &SizingInput) -> Result<f64, Refusal> {
    let s = input.abs_q50() / input.published_deviation()?;
    Ok(clip(0.1 * s * (1.0 + (input.confidence - 5.0) / 10.0) * s.min(2.0)))
}

/// (0.15 x 0.02 / deviation) x 10 |q50| x confidence / 10.
pub(super) fn risk_parity(input: &SizingInput) -> Result<f64, Refusal> {
    let deviation = input.published_deviation()?;
    Ok(clip(0.15 * 0.02 / deviation * 10.0 * input.abs_q50() * input.confidence / 10.0))
}

/// 8 |q50| x (confidence / 10)^1.5 x (1 + min(2 r, 0.5) | 1 + max(r, -0.3)) / (1 + 30 spread), r the last return.
pub(super) fn momentum(input: &SizingInput) -> Result<f64, Refusal> {
    let r = known(input.momentum)?;
    let trend = if r > 0.0 { 1.0 + (2.0 * r).min(0.5) } else { 1.0 + r.max(-0.3) };
    let confidence = (input.confidence / 10.0).powf(1.5);
    Ok(clip(8.0 * input.abs_q50() * confidence * trend / (1.0 + 30.0 * input.spread())))
}

/// 0.3 Kelly + 0.25 volatility + 0.2 Sharpe + 0.15 risk parity + 0.1 momentum.
pub(super) fn ensemble(input: &SizingInput) -> Result<f64, Refusal> {
    Ok(clip(
        0.30 * kelly(input)?
            + 0.25 * volatility(input)?
            + 0.20 * sharpe(input)?
            + 0.15 * risk_parity(input)?
            + 0.10 * momentum(input)?,
    ))
}

#[cfg(test)]
mod tests {
    use super::{super::example, *};

    fn close(actual: f64, expected: f64) {
        assert!((actual - expected).abs() < 1e-12, "{actual} is not {expected}");
    }

    #[test]
    fn each_by_hand() {
        let deviation = 0.03 / 3.29;
        let s = 0.004 / deviation;
        close(kelly(&example()).unwrap(), 0.1);
        close(volatility(&example()).unwrap(), 5.0 * 0.004 * 37.5 / 2.5);
        close(sharpe(&example()).unwrap(), 0.1 * s * 1.5 * s);
        close(risk_parity(&example()).unwrap(), 0.003 / deviation * 0.04);
        close(momentum(&example()).unwrap(), 8.0 * 0.004 / 1.9);
    }

    #[test]
    fn momentum_counts_double_up_and_is_bounded_both_ways() {
        let with = |r| momentum(&SizingInput { momentum: Some(r), ..example() }).unwrap() * 1.9 / 0.032;
        close(with(0.1), 1.2);
        close(with(9.0), 1.5);
        close(with(-9.0), 0.7);
    }

    #[test]
    fn the_ensemble_is_the_weighted_mean() {
        let expected = 0.3 * 0.1
            + 0.25 * volatility(&example()).unwrap()
            + 0.2 * sharpe(&example()).unwrap()
            + 0.15 * risk_parity(&example()).unwrap()
            + 0.1 * momentum(&example()).unwrap();
        close(ensemble(&example()).unwrap(), expected);
    }
}
