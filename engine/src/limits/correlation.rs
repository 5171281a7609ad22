//! How far two instruments move together, from closes that are known.

use crate::market::Market;

/// Pearson's correlation of the simple returns of `a` and `b` from one common close to the next, over the last `window` of
/// them. Common closes are those of both at one moment, `known` (epoch milliseconds) or before; what comes later is not
/// looked at. `None` where there are fewer, or where one of the two has not moved.
#[must_use]
pub fn correlation(a: &Market<'_>, b: &Market<'_>, known: i64, window: usize) -> Option<f64> {
    let closes = common_closes(a, b, known, window + 1);
    if closes.len() <= window {
        return None;
    }
    // Latest first: each return is from the next entry to this one.
    let returns: Vec<[f64; 2]> = closes.windows(2).map(|w| [0, 1].map(|i| w[0][i] / w[1][i] - 1.0)).collect();
    let mean = |i: usize| returns.iter().map(|r| r[i]).sum::<f64>() / returns.len() as f64;
    let means = [mean(0), mean(1)];
    let moment = |i: usize, j: usize| returns.iter().map(|r| (r[i] - means[i]) * (r[j] - means[j])).sum::<f64>();
    let scale = (moment(0, 0) * moment(1, 1)).sqrt();
    (scale > 0.0).then(|| (moment(0, 1) / scale).clamp(-1.0, 1.0))
}

/// Closes of both at the last `count` moments at which both close, latest first.
fn common_closes(a: &Market<'_>, b: &Market<'_>, known: i64, count: usize) -> Vec<[f64; 2]> {
    let rows = |m: &Market<'_>| m.open_time.partition_point(|open| open + m.interval_ms <= known);
    let end = |m: &Market<'_>, row: usize| m.open_time[row] + m.interval_ms;
    let (mut i, mut j) = (rows(a), rows(b));
    let mut closes = Vec::with_capacity(count.min(i).min(j));
    while i > 0 && j > 0 && closes.len() < count {
        match end(a, i - 1).cmp(&end(b, j - 1)) {
            std::cmp::Ordering::Greater => i -= 1,
            std::cmp::Ordering::Less => j -= 1,
            std::cmp::Ordering::Equal => {
                (i, j) = (i - 1, j - 1);
                closes.push([a.close[i], b.close[j]]);
            }
        }
    }
    closes
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::market::Signals;

    fn market<'a>(open_time: &'a [i64], close: &'a [f64]) -> Market<'a> {
        let signals = Signals::default();
        Market { open_time, open: close, high: close, low: close, close, signals, interval_ms: 10, first: 0 }
    }

    const TIME: [i64; 4] = [0, 10, 20, 30];

    #[test]
    fn the_correlation_is_that_of_returns_worked_by_hand() {
        // Returns 0.1, -0.1, 0 and 0.2, -0.1, -0.1: deviations 0.1, -0.1, 0 and 0.2, -0.1, -0.1; 0.03 / sqrt(0.02 x 0.06).
        let (a, b) = ([100.0, 110.0, 99.0, 99.0], [50.0, 60.0, 54.0, 48.6]);
        let found = correlation(&market(&TIME, &a), &market(&TIME, &b), 40, 3).unwrap();
        assert!((found - 0.03 / 0.0012_f64.sqrt()).abs() < 1e-12, "{found}");
    }

    #[test]
    fn closes_that_are_not_known_yet_are_not_looked_at() {
        let (a, mut b) = ([1.0, 2.0, 1.0, 9.0], [1.0, 2.0, 1.0, 9.0]);
        let at = |b: &[f64], known| correlation(&market(&TIME, &a), &market(&TIME, b), known, 2);
        let before = at(&b, 39);
        b[3] = 0.001;
        assert_eq!((at(&b, 39), before), (before, Some(1.0)), "the last bar closes at 40");
        assert_eq!(at(&b, 29), None, "two closes make one return");
        assert!(at(&b, 40).unwrap() < 0.0);
    }

    #[test]
    fn a_bar_that_one_lacks_is_no_close_of_either() {
        let (a, b) = ([1.0, 2.0, 77.0, 3.0], [4.0, 8.0, 12.0]);
        let (a, b) = (market(&TIME, &a), market(&[0, 10, 30], &b));
        assert_eq!(correlation(&a, &b, 40, 2), Some(1.0), "1, 2, 3 and 4, 8, 12");
        assert_eq!(correlation(&a, &b, 40, 3), None);
    }

    #[test]
    fn what_does_not_move_has_no_correlation() {
        let (a, b) = ([1.0, 2.0, 1.0, 2.0], [5.0; 4]);
        assert_eq!(correlation(&market(&TIME, &a), &market(&TIME, &b), 40, 3), None);
    }
}
