//! What a run in a pool modelled between a decision and its fill.

use q50_engine::{
    market::Market,
    record::Journal,
    venue::{FillSide, PoolPath},
};

/// How much worse the pool's price was where an order landed than at the close that it was decided on, mean over the fills,
/// a fraction: above zero buys met a higher price, and sales a lower one. `None` without a fill.
pub(super) fn drift(market: &Market<'_>, pool: Option<&PoolPath>, journal: &Journal) -> Option<f64> {
    let acted = journal.decisions.iter().enumerate().filter(|(_, made)| made.acted);
    let acted: Vec<usize> = acted.map(|(place, _)| market.first + place).collect();
    let at_open = |row| pool.map_or_else(|| market.open[row], |pool| pool.at_open(row).price());
    let at_close = |row| pool.map_or_else(|| market.close[row], |pool| pool.at_close(row).price());
    let fills = journal.fills.iter().map(|row| (row.fill.row, row.fill.side == FillSide::Buy));
    mean_drift(fills, &acted, at_open, at_close)
}

/// Of fills by row and side, each of the last decision before it that acted.
fn mean_drift(
    fills: impl Iterator<Item = (usize, bool)>,
    acted: &[usize],
    at_open: impl Fn(usize) -> f64,
    at_close: impl Fn(usize) -> f64,
) -> Option<f64> {
    let worse = |(row, is_buy): (usize, bool)| {
        let decided = acted.partition_point(|decided| *decided < row).checked_sub(1)?;
        let moved = at_open(row) / at_close(acted[decided]) - 1.0;
        Some(if is_buy { moved } else { -moved })
    };
    let worse: Vec<f64> = fills.filter_map(worse).collect();
    (!worse.is_empty()).then(|| worse.iter().sum::<f64>() / worse.len() as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fill_is_worse_by_what_the_price_did_since_its_decision() {
        let (open, close) = ([1.0, 1.0, 1.02, 1.0, 0.98], [1.0, 1.0, 1.0, 1.0, 1.0]);
        let of = |fills: &[(usize, bool)], acted: &[usize]| {
            mean_drift(fills.iter().copied(), acted, |row| open[row], |row| close[row])
        };
        assert_eq!(of(&[], &[0]), None);
        assert_eq!(of(&[(1, true)], &[0]), Some(0.0), "it opens where it closed");
        // A buy 2 % higher, and a sale 2 % lower.
        let mean = of(&[(2, true), (4, false)], &[1, 3]).unwrap_or(f64::NAN);
        assert!((mean - 0.02).abs() < 1e-12, "{mean}");
        assert!(of(&[(2, false)], &[0]).is_some_and(|drift| drift < 0.0), "a sale at a higher price, two bars later");
    }
}
