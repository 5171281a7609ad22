use super::undefined::{Undefined, check, check_growth};

/// The deepest fall of an equity curve from an earlier peak.
///
/// Positions count points of the equity curve: point 0 is the start, before the first return; point t is the equity
/// after return t - 1.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Drawdown {
    /// Depth as a POSITIVE fraction of the peak: 0.12 is a fall of twelve per cent, 0 is no fall, 1 is ruin.
    pub depth: f64,
    /// Point of the peak before the deepest fall (the last point at that height).
    pub peak: usize,
    /// Point where the fall was deepest (the first one, where several are equally deep).
    pub trough: usize,
    /// First point after the trough that is back at the peak; none where the record ends under water.
    pub recovery: Option<usize>,
    /// Bars from the peak to the recovery, or to the end of the record; 0 without a fall.
    pub length: usize,
    /// Bars of the longest time under water, which may belong to a shallower fall.
    pub longest: usize,
}

/// Maximum drawdown of at least one return, with a starting equity of 1 counted as a peak.
///
/// # Errors
/// [`Undefined::TooFew`], [`Undefined::NotFinite`], [`Undefined::BelowRuin`] at a return below -1.
pub fn max_drawdown(returns: &[f64]) -> Result<Drawdown, Undefined> {
    check_growth(returns, 1)?;
    let wealth = returns.iter().scan(1.0, |wealth, value| {
        *wealth *= 1.0 + value;
        Some(*wealth)
    });
    Ok(deepest(1.0, wealth))
}

/// Maximum drawdown of an equity curve marked to market, in any unit; `equity[0]` is the start.
///
/// # Errors
/// [`Undefined::TooFew`] for fewer than two points, [`Undefined::NotFinite`], [`Undefined::OutOfRange`] for a start
/// that is not above zero or an equity below zero.
pub fn max_drawdown_of_equity(equity: &[f64]) -> Result<Drawdown, Undefined> {
    check(equity, 2)?;
    let start = equity[0];
    if start <= 0.0 {
        return Err(Undefined::OutOfRange { name: "starting equity", value: start, wanted: "above zero" });
    }
    if let Some(&value) = equity.iter().find(|&&value| value < 0.0) {
        return Err(Undefined::OutOfRange { name: "equity", value, wanted: "zero or above" });
    }
    Ok(deepest(start, equity[1..].iter().copied()))
}

fn deepest(start: f64, equity: impl Iterator<Item = f64>) -> Drawdown {
    let mut deepest = Drawdown { depth: 0.0, peak: 0, trough: 0, recovery: None, length: 0, longest: 0 };
    let (mut high, mut high_at, mut last) = (start, 0, 0);
    for (index, value) in equity.enumerate() {
        last = index + 1;
        if value >= high {
            if last - high_at > 1 {
                deepest.longest = deepest.longest.max(last - high_at);
            }
            if deepest.depth > 0.0 && deepest.recovery.is_none() && deepest.peak == high_at {
                deepest.recovery = Some(last);
            }
            (high, high_at) = (value, last);
        } else {
            let depth = 1.0 - value / high;
            if depth > deepest.depth {
                deepest = Drawdown { depth, peak: high_at, trough: last, recovery: None, ..deepest };
            }
        }
    }
    deepest.longest = deepest.longest.max(last - high_at);
    if deepest.depth > 0.0 {
        deepest.length = deepest.recovery.unwrap_or(last) - deepest.peak;
    }
    deepest
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_deepest_fall_is_found_with_its_place_and_length() {
        // 100, 120, 90 (down a quarter), 110, 130 (recovered at 4), 125, 126, 127, 128.
        let drawdown = max_drawdown_of_equity(&[100.0, 120.0, 90.0, 110.0, 130.0, 125.0, 126.0, 127.0, 128.0]).unwrap();
        assert_eq!(drawdown, Drawdown { depth: 0.25, peak: 1, trough: 2, recovery: Some(4), length: 3, longest: 4 });
    }

    #[test]
    fn a_fall_in_the_first_bar_counts_from_the_start() {
        let drawdown = max_drawdown(&[-0.5, 0.5]).unwrap();
        assert_eq!(drawdown, Drawdown { depth: 0.5, peak: 0, trough: 1, recovery: None, length: 2, longest: 2 });
    }

    #[test]
    fn a_rising_curve_has_none() {
        let drawdown = max_drawdown(&[0.1, 0.0, 0.2]).unwrap();
        assert_eq!((drawdown.depth, drawdown.length, drawdown.longest), (0.0, 0, 0));
    }

    #[test]
    fn ruin_is_a_drawdown_of_one() {
        let drawdown = max_drawdown(&[0.2, -1.0, 0.3]).unwrap();
        assert_eq!((drawdown.depth, drawdown.peak, drawdown.trough, drawdown.length), (1.0, 1, 2, 2));
    }

    #[test]
    fn a_shallower_fall_after_recovery_does_not_move_the_place() {
        // Down 20 %, back at point 2, up, then down 10 % to the end.
        let drawdown = max_drawdown_of_equity(&[10.0, 8.0, 10.0, 20.0, 18.0]).unwrap();
        assert_eq!((drawdown.peak, drawdown.trough, drawdown.recovery, drawdown.length), (0, 1, Some(2), 2));
    }

    #[test]
    fn equity_below_zero_is_refused() {
        assert!(matches!(max_drawdown_of_equity(&[1.0, -0.1]), Err(Undefined::OutOfRange { .. })));
        assert_eq!(max_drawdown(&[]), Err(Undefined::TooFew { found: 0, needed: 1 }));
    }

    proptest! {
        #[test]
        fn it_is_the_worst_of_all_pairs(returns in prop::collection::vec(-0.9_f64..0.9, 1..40)) {
            let mut equity = vec![1.0];
            for value in &returns {
                equity.push(equity[equity.len() - 1] * (1.0 + value));
            }
            let mut worst = 0.0_f64;
            for (at, peak) in equity.iter().enumerate() {
                for later in &equity[at..] {
                    worst = worst.max(1.0 - later / peak);
                }
            }
            let drawdown = max_drawdown(&returns).unwrap();
            prop_assert_eq!(drawdown.depth, worst);
            prop_assert!(drawdown.length <= drawdown.longest && drawdown.longest <= returns.len());
        }
    }
}
