//! The bid for compute units: what others bid lately, and never more than a cap.

use crate::compose::Budget;
use q50_engine::units::Lamports;

/// Of 100 recent slots the bid is as high as in 75.
const PERCENTILE: usize = 75;
/// Room above what a simulation took: ten per cent, because the pool may be in another state when it lands.
const ROOM: u64 = 10;

/// Units and price for a transaction that took `units` in simulation, after what others bid `recently` for the same
/// accounts (micro-lamports a unit), so that the priority fee is at most `cap`.
#[must_use]
pub(crate) fn budget(units: u64, recently: &[u64], cap: Lamports) -> Budget {
    let units = u32::try_from(units + units.div_ceil(ROOM)).unwrap_or(u32::MAX);
    let mut bids = recently.to_vec();
    bids.sort_unstable();
    let bid = if bids.is_empty() { 0 } else { bids[(bids.len() - 1) * PERCENTILE / 100] };
    let most = u128::from(cap.0) * 1_000_000 / u128::from(units.max(1));
    Budget { units, unit_price: bid.min(u64::try_from(most).unwrap_or(u64::MAX)) }
}

/// Budgets that are all different, for transactions that have to be: each has a few units more than the one before, and
/// stays below the same `cap`.
pub(crate) fn budgets(units: u64, recently: &[u64], cap: Lamports) -> impl Iterator<Item = Budget> {
    (units..).map(move |units| budget(units, recently, cap))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_bid_is_the_third_quartile_of_what_others_bid() {
        let bids: Vec<u64> = (1..=101).rev().collect();
        assert_eq!(budget(100_000, &bids, Lamports(u64::MAX)), Budget { units: 110_000, unit_price: 76 });
        assert_eq!(budget(100_001, &[], Lamports(1_000)), Budget { units: 110_002, unit_price: 0 });
    }

    proptest! {
        /// 5,000 lamports are the signature's.
        #[test]
        fn the_fee_is_never_above_its_cap(
            units in 0..1_400_000_u64, bids in prop::collection::vec(any::<u64>(), 0..200), cap in 0..1_000_000_000_u64
        ) {
            let several: Vec<Budget> = budgets(units, &bids, Lamports(cap)).take(5).collect();
            prop_assert!(several.iter().all(|budget| budget.fee().0 <= cap + 5_000));
            prop_assert!(several.windows(2).all(|pair| pair[0].units < pair[1].units));
        }
    }
}
