use super::undefined::{Undefined, check};

/// One fall of an equity curve: from a peak down to its trough, until the curve is back at that height.
///
/// Positions count points of the curve that was given.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Fall {
    /// Depth as a POSITIVE fraction of the peak.
    pub depth: f64,
    /// Point of the peak (the last one at that height).
    pub peak: usize,
    /// Point where the fall was deepest (the first one, where several are equally deep).
    pub trough: usize,
    /// First point that is back at the peak; none where the record ends below it.
    pub recovery: Option<usize>,
}

/// Every fall of an equity curve, the deepest first and equals in the order of time. Falls do not overlap: what goes down
/// again before the curve is back at its peak belongs to the same fall.
///
/// # Errors
/// [`Undefined::TooFew`] for fewer than two points, [`Undefined::NotFinite`], [`Undefined::OutOfRange`] for a start that
/// is not above zero.
pub fn falls(equity: &[f64]) -> Result<Vec<Fall>, Undefined> {
    check(equity, 2)?;
    if equity[0] <= 0.0 {
        return Err(Undefined::OutOfRange { name: "starting equity", value: equity[0], wanted: "above zero" });
    }
    let mut falls = Vec::new();
    let mut peak = 0;
    let mut open: Option<Fall> = None;
    for (at, &value) in equity.iter().enumerate() {
        if value >= equity[peak] {
            falls.extend(open.take().map(|fall| Fall { recovery: Some(at), ..fall }));
            peak = at;
            continue;
        }
        let depth = 1.0 - value / equity[peak];
        if open.is_none_or(|fall| depth > fall.depth) {
            open = Some(Fall { depth, peak, trough: at, recovery: None });
        }
    }
    falls.extend(open);
    falls.sort_by(|a, b| b.depth.total_cmp(&a.depth));
    Ok(falls)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::max_drawdown_of_equity;
    use proptest::prelude::*;

    #[test]
    fn falls_are_listed_by_depth_with_their_places() {
        // Down a tenth and back, down a quarter and back in two goes, down a twentieth to the end.
        let equity = [100.0, 90.0, 100.0, 120.0, 96.0, 110.0, 90.0, 120.0, 114.0];
        assert_eq!(
            falls(&equity).unwrap(),
            [
                Fall { depth: 0.25, peak: 3, trough: 6, recovery: Some(7) },
                Fall { depth: 1.0 - 0.9, peak: 0, trough: 1, recovery: Some(2) },
                Fall { depth: 1.0 - 0.95, peak: 7, trough: 8, recovery: None },
            ]
        );
        assert_eq!(falls(&[1.0, 1.0, 2.0]).unwrap(), []);
        assert_eq!(falls(&[1.0]), Err(Undefined::TooFew { found: 1, needed: 2 }));
    }

    proptest! {
        #[test]
        fn the_first_is_the_maximum_drawdown_and_none_overlap(moves in prop::collection::vec(-0.5_f64..0.5, 1..60)) {
            let mut equity = vec![1.0];
            for value in &moves {
                equity.push(equity[equity.len() - 1] * (1.0 + value));
            }
            let deepest = max_drawdown_of_equity(&equity).unwrap();
            let mut falls = falls(&equity).unwrap();
            prop_assert_eq!(falls.first().map_or(0.0, |fall| fall.depth), deepest.depth);
            prop_assert!(falls.first().is_none_or(|fall| (fall.peak, fall.trough) == (deepest.peak, deepest.trough)));
            falls.sort_by_key(|fall| fall.peak);
            prop_assert!(falls.windows(2).all(|pair| pair[0].recovery.is_some_and(|back| back <= pair[1].peak)));
        }
    }
}
