//! Volatility columns, computed from closes where the source has none. Row `t` uses closes up to `t` only.

/// Bars of the published volatility window.
pub const WINDOW: usize = 6;

/// Standard deviation (ddof 1) of the log returns of the last [`WINDOW`] bars, per bar; `NaN` before two returns.
#[must_use]
pub fn vol_raw(closes: &[f64]) -> Vec<f64> {
    let returns: Vec<f64> = closes.windows(2).map(log_return).collect();
    (0..closes.len()).map(|t| deviation(&returns[t.saturating_sub(WINDOW)..t])).collect()
}

/// The last row of [`vol_raw`], from its own window alone.
#[must_use]
pub fn last_vol_raw(closes: &[f64]) -> f64 {
    let window = &closes[closes.len().saturating_sub(WINDOW + 1)..];
    deviation(&window.windows(2).map(log_return).collect::<Vec<f64>>())
}

/// The last `rows` rows of the square of [`vol_raw`], from their own windows alone.
#[must_use]
pub fn last_variances(closes: &[f64], rows: usize) -> Vec<f64> {
    let (first, from) = (closes.len().saturating_sub(rows), closes.len().saturating_sub(rows + WINDOW));
    vol_raw(&closes[from..])[first - from..].iter().map(|deviation| deviation * deviation).collect()
}

fn log_return(closes: &[f64]) -> f64 {
    (closes[1] / closes[0]).ln()
}

fn deviation(returns: &[f64]) -> f64 {
    let n = returns.len() as f64;
    if returns.len() < 2 {
        return f64::NAN;
    }
    let mean = returns.iter().sum::<f64>() / n;
    (returns.iter().map(|r| (r - mean).powi(2)).sum::<f64>() / (n - 1.0)).sqrt()
}

/// Average true range of the last `period` bars as a share of the close (simple mean); `NaN` before `period` bars.
#[must_use]
pub fn atr_share(high: &[f64], low: &[f64], close: &[f64], period: usize) -> Vec<f64> {
    (0..close.len()).map(|t| last_atr_share(&high[..=t], &low[..=t], &close[..=t], period)).collect()
}

/// The last row of [`atr_share`].
#[must_use]
pub fn last_atr_share(high: &[f64], low: &[f64], close: &[f64], period: usize) -> f64 {
    let (bars, Some(last)) = (close.len(), close.last()) else { return f64::NAN };
    let true_range = |t: usize| {
        let before = close[t.saturating_sub(1)];
        high[t].max(before) - low[t].min(before)
    };
    if bars < period {
        return f64::NAN;
    }
    (bars - period..bars).map(true_range).sum::<f64>() / period as f64 / last
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
    fn the_last_variances_are_those_of_the_whole_column() {
        let closes: Vec<f64> = (0..40).map(|i| 100.0 + f64::from(i * i % 17)).collect();
        let whole: Vec<f64> = vol_raw(&closes).iter().map(|v| v * v).collect();
        assert_eq!(last_variances(&closes, 25), whole[15..]);
        assert_eq!(last_variances(&closes, 99)[2..], whole[2..]);
    }

    #[test]
    fn true_range_includes_the_gap_from_the_last_close() {
        let atr = atr_share(&[10.0, 13.0], &[9.0, 12.0], &[10.0, 12.0], 2);
        assert!(atr[0].is_nan());
        assert!((atr[1] - (1.0 + 3.0) / 2.0 / 12.0).abs() < 1e-15);
    }
}
