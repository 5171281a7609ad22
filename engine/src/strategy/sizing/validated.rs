//! The "validated" production sizers of the published repository.

use super::{Refusal, SizingInput, hummingbot::quantile_kelly, known, positive};
use crate::strategy::q50::regime::Regime;

/// Quarter Kelly x confidence / 10 x (1.3 above the signal threshold, else 0.7) x 0.8 (no spread threshold is
/// published) x the factor of the width, in [0.001, 0.5]. Fear and greed count as neutral: 1.
pub(super) fn kelly(input: &SizingInput) -> Result<f64, Refusal> {
    let signal = if input.is_strong() { 1.3 } else { 0.7 };
    let raw = 0.25 * quantile_kelly(input) * input.confidence / 10.0 * signal * 0.8 * by_regime(input)?;
    Ok(raw.clamp(0.001, 0.5))
}

/// 0.15, 0.10, 0.06 or 0.03 by confidence, times confidence / 10, in [0.001, 0.3].
pub(super) fn tiered(input: &SizingInput) -> f64 {
    let base = if input.confidence >= 10.0 {
        0.15
    } else if input.confidence >= 7.0 {
        0.10
    } else if input.confidence >= 5.0 {
        0.06
    } else {
        0.03
    };
    (base * input.confidence / 10.0_f64).clamp(0.001, 0.3)
}

/// 0.1 x (100 volatility / |relative signal|) x the factor of the volatility, with the relative signal
/// (|q50| - threshold) / threshold. Unclipped, as published; the caps bound it.
pub(super) fn vol_raw_kelly(input: &SizingInput) -> Result<f64, Refusal> {
    let threshold = positive(known(input.threshold)?)?;
    let relative = positive(((input.abs_q50() - threshold) / (threshold + 1e-12)).abs())?;
    Ok(0.1 * (100.0 * known(input.vol_raw)? / relative) * by_regime(input)?)
}

/// The published factors 1.1, 1, 0.85 and 0.7 by deciles of the whole sample, taken by causal regime instead.
fn by_regime(input: &SizingInput) -> Result<f64, Refusal> {
    Ok(match input.regime.ok_or(Refusal::Missing)? {
        Regime::Low => 1.1,
        Regime::Medium => 1.0,
        Regime::High => 0.85,
        Regime::Extreme => 0.7,
    })
}

#[cfg(test)]
mod tests {
    use super::{super::example, *};

    fn close(actual: f64, expected: f64) {
        assert!((actual - expected).abs() < 1e-12, "{actual} is not {expected}");
    }

    #[test]
    fn kelly_by_hand() {
        close(kelly(&example()).unwrap(), 0.25 * 0.4 * 1.3 * 0.8);
        let wild = SizingInput { regime: Some(Regime::Extreme), ..example() };
        close(kelly(&wild).unwrap(), 0.25 * 0.4 * 1.3 * 0.8 * 0.7);
        assert_eq!(kelly(&SizingInput { regime: None, ..example() }), Err(Refusal::Missing));
    }

    #[test]
    fn tiers_by_hand() {
        let at = |confidence| tiered(&SizingInput { confidence, ..example() });
        close(at(10.0), 0.15);
        close(at(7.0), 0.07);
        close(at(5.0), 0.03);
        close(at(3.0), 0.009);
    }

    #[test]
    fn vol_raw_kelly_by_hand() {
        let size = vol_raw_kelly(&example()).unwrap();
        assert!((size - 0.04).abs() < 1e-9, "0.1 x 0.4 / 1, the median being twice its threshold");
    }
}
