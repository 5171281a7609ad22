//! The fee that fits the windows of a tape best.

use serde::Serialize;

use super::{
    median,
    window_fit::{Fit, Flow, fit},
};

/// Fees tried first, basis points: 0 to 200 by 5. The highest that a PumpSwap schedule charges is 125.
const GRID: (usize, f64) = (40, 5.0);
/// The minimum is narrowed to this, basis points.
const WIDTH: f64 = 0.05;
/// The profile is taken over about as many windows, evenly spread: more do not move the minimum.
const WINDOWS: usize = 200;

/// How well the windows fit at one fee.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct FeePoint {
    /// The fee, basis points of the input.
    pub fee_bps: f64,
    /// Mean over windows of Huber's loss, basis points squared; the profile's height.
    pub loss: f64,
    /// Median over windows of each window's median absolute residual, basis points.
    pub median_residual_bps: f64,
}

/// The profile over the grid and the fee at its minimum, basis points; no fee where the minimum is the grid's upper
/// end or no window fits.
pub(super) fn profile(windows: &[&[Flow]]) -> (Vec<FeePoint>, Option<f64>) {
    let windows: Vec<&[Flow]> = windows.iter().step_by(windows.len().div_ceil(WINDOWS).max(1)).copied().collect();
    let points: Vec<FeePoint> = (0..=GRID.0).filter_map(|i| at(&windows, i as f64 * GRID.1)).collect();
    let lowest = points.iter().min_by(|a, b| a.loss.total_cmp(&b.loss)).map(|point| point.fee_bps);
    let Some(lowest) = lowest.filter(|fee| *fee < GRID.0 as f64 * GRID.1) else { return (points, None) };
    let fee = narrow(f64::max(lowest - GRID.1, 0.0), lowest + GRID.1, |fee| {
        at(&windows, fee).map_or(f64::INFINITY, |point| point.loss)
    });
    (points, Some(fee))
}

fn at(windows: &[&[Flow]], fee_bps: f64) -> Option<FeePoint> {
    // Each fit starts anew: one that ran off at another fee, where its trades tell no depth, would stay there.
    let fits: Vec<Fit> = windows.iter().filter_map(|flows| fit(flows, fee_bps)).collect();
    let loss = fits.iter().map(|fit| fit.loss).sum::<f64>() / fits.len() as f64;
    let mut medians: Vec<f64> = fits.iter().map(|fit| fit.median_residual_bps).collect();
    Some(FeePoint { fee_bps, loss, median_residual_bps: median(&mut medians)? })
}

/// Golden-section search for the lowest point between `low` and `high`.
fn narrow(mut low: f64, mut high: f64, mut height: impl FnMut(f64) -> f64) -> f64 {
    let golden = (5.0_f64.sqrt() - 1.0) / 2.0;
    let (mut a, mut b) = (high - golden * (high - low), low + golden * (high - low));
    let (mut at_a, mut at_b) = (height(a), height(b));
    while high - low > WIDTH {
        if at_a <= at_b {
            (high, b, at_b) = (b, a, at_a);
            a = high - golden * (high - low);
            at_a = height(a);
        } else {
            (low, a, at_a) = (a, b, at_b);
            b = low + golden * (high - low);
            at_b = height(b);
        }
    }
    0.5 * (low + high)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lowest_point_of_a_parabola_is_found() {
        assert!((narrow(20.0, 30.0, |x| (x - 27.3).powi(2)) - 27.3).abs() < WIDTH);
        assert!(narrow(0.0, 5.0, |x| x) < WIDTH, "at the edge");
    }

    #[test]
    fn without_a_window_there_is_no_fee() {
        assert_eq!(profile(&[]), (Vec::new(), None));
    }
}
