//! Volatility columns, computed from closes where the source has none. Row `t` uses closes up to `t` only.

/// Bars of the published volatility window.
pub const WINDOW: usize = 6;

/// Standard deviation (ddof 1) of the log returns of the last [`WINDOW`] bars, per bar; `NaN` before two returns.
#[must_use]
pub fn vol_raw(closes: &[f64]) -> Vec<f64> {
    let returns: Vec<f64> = closes.windows(2).map(|w| (w[1] / w[0]).ln()).collect();
    (0..closes.len())
        .map(|t| {
            let window = &returns[t.saturating_sub(WINDOW)..t];
            let n = window.len() as f64;
            if window.len() < 2 {
                return f64::NAN;
            }
            let mean = window.iter().sum::<f64>() / n;
            (window.iter().map(|r| (r - mean).powi(2)).sum::<f64>() / (n - 1.0)).sqrt()
        })
        .collect()
}

/// Average true range of the last `period` bars as a share of the close (simple mean); `NaN` before `period` bars.
#[must_use]
pub fn atr_share(high: &[f64], low: &[f64], close: &[f64], period: usize) -> Vec<f64> {
    let true_range = |t: usize| {
        let before = if t == 0 { close[0] } else { close[t - 1] };
        high[t].max(before) - low[t].min(before)
    };
    (0..close.len())
        .map(|t| {
            if t + 1 < period {
                return f64::NAN;
            }
            (t + 1 - period..=t).map(true_range).sum::<f64>() / period as f64 / close[t]
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn volatility_needs_two_returns_and_looks_back_six() {
        let e = std::f64::consts::E;
        let closes = [1.0, e, e, e * e];
        let vol = vol_raw(&closes);
        assert!(vol[0].is_nan() && vol[1].is_nan());
        assert!((vol[2] - 0.5_f64.sqrt()).abs() < 1e-12, "returns 1 and 0");
        assert!((vol[3] - (1.0_f64 / 3.0).sqrt()).abs() < 1e-12, "returns 1, 0 and 1");
        let steady = [1.0, 5.0, 5.0, 5.0, 5.0, 5.0, 5.0, 5.0];
        assert_eq!(vol_raw(&steady)[7], 0.0, "the jump is seven bars back");
    }

    #[test]
    fn true_range_includes_the_gap_from_the_last_close() {
        let atr = atr_share(&[10.0, 13.0], &[9.0, 12.0], &[10.0, 12.0], 2);
        assert!(atr[0].is_nan());
        assert!((atr[1] - (1.0 + 3.0) / 2.0 / 12.0).abs() < 1e-15);
    }
}
