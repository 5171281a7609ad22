//! Objections to a tape before anything is fitted: order, holes, ties, sides.

use q50_datasets::{pool_trades::PoolTrade, trades::TradeSide};

use super::{
    refusal::Reason,
    settings::{Fee, Settings},
    window_fit::Flow,
};

/// What each trade changed in the pool, as recorded.
pub(super) fn flows(trades: &[PoolTrade]) -> Vec<Flow> {
    let flow = |trade: &PoolTrade| match trade.side {
        TradeSide::Buy => Flow { sol: trade.sol, token: -trade.token },
        TradeSide::Sell => Flow { sol: -trade.sol, token: trade.token },
    };
    trades.iter().map(flow).collect()
}

/// Faults that make any figure meaningless.
pub(super) fn bad_input(trades: &[PoolTrade]) -> Option<Reason> {
    let sound = |amount: f64| amount.is_finite() && amount > 0.0;
    if let Some(trade) = trades.iter().position(|trade| !sound(trade.sol) || !sound(trade.token)) {
        let PoolTrade { sol, token, .. } = trades[trade];
        return Some(Reason::Amount { trade, sol, token });
    }
    let late = trades.windows(2).position(|pair| pair[1].position() < pair[0].position())?;
    Some(Reason::OutOfOrder { trade: late + 1, block: trades[late + 1].block, before: trades[late].block })
}

/// What keeps the reserves from chaining from trade to trade, and the fee from being told.
pub(super) fn faults(trades: &[PoolTrade], settings: &Settings) -> Vec<Reason> {
    let mut faults = Vec::new();
    let limits = settings.limits;
    let (found, needed) = (trades.len(), settings.needed());
    if found < needed {
        faults.push(Reason::TooFew { found, needed });
    }

    let holes = holes(trades, limits.block_gap);
    if let Some(&(trade, longest)) = holes.iter().max_by_key(|(_, blocks)| *blocks) {
        let (holes, ts_ms, limit) = (holes.len(), trades[trade].ts_ms, limits.block_gap);
        faults.push(Reason::Hole { holes, longest, trade, ts_ms, limit });
    }

    let tied = trades.windows(2).filter(|pair| pair[0].position() == pair[1].position()).count();
    let steps = found.saturating_sub(1);
    if tied as f64 > limits.tied_share * steps as f64 {
        faults.push(Reason::UnknownOrder { tied, steps, limit: limits.tied_share });
    }

    let buys = trades.iter().filter(|trade| trade.side == TradeSide::Buy).count();
    let (sells, needed) = (found - buys, limits.rarer_side);
    if settings.fee == Fee::Profiled && (buys.min(sells) as f64) < needed * found as f64 {
        faults.push(Reason::OneSided { buys, sells, needed });
    }
    faults
}

/// First trades of the windows that have no hole inside.
pub(super) fn whole_windows(trades: &[PoolTrade], window: usize, block_gap: u64) -> Vec<usize> {
    // A window may start at a hole, never reach across one.
    let whole =
        |(_, run): &(usize, &[PoolTrade])| run.windows(2).all(|pair| pair[1].block - pair[0].block <= block_gap);
    trades.windows(window).enumerate().filter(whole).map(|(first, _)| first).collect()
}

/// The trade after each hole, and how many blocks it is long.
fn holes(trades: &[PoolTrade], block_gap: u64) -> Vec<(usize, u64)> {
    let steps = trades.windows(2).enumerate().map(|(before, pair)| (before + 1, pair[1].block - pair[0].block));
    steps.filter(|(_, blocks)| *blocks > block_gap).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tape(blocks: &[u64]) -> Vec<PoolTrade> {
        let trade = |&block: &u64| PoolTrade { block, seq: 0, ts_ms: 0, side: TradeSide::Buy, sol: 1.0, token: 2.0 };
        blocks.iter().map(trade).collect()
    }

    #[test]
    fn a_buy_fills_the_sol_side_and_a_sell_empties_it() {
        let mut trades = tape(&[1, 2]);
        trades[1].side = TradeSide::Sell;
        let flows = flows(&trades);
        assert_eq!((flows[0].sol, flows[0].token, flows[1].sol, flows[1].token), (1.0, -2.0, -1.0, 2.0));
    }

    #[test]
    fn windows_across_a_hole_are_left_out() {
        let trades = tape(&[1, 2, 3, 40, 41, 42]);
        assert_eq!(whole_windows(&trades, 3, 25), [0, 3]);
        assert_eq!(holes(&trades, 25), [(3, 37)]);
        assert_eq!(whole_windows(&trades, 3, 37), [0, 1, 2, 3]);
    }

    #[test]
    fn amounts_and_order_are_checked_first() {
        let mut trades = tape(&[1, 3, 2]);
        assert_eq!(bad_input(&trades), Some(Reason::OutOfOrder { trade: 2, block: 2, before: 3 }));
        trades[1].token = f64::NAN;
        assert!(matches!(bad_input(&trades), Some(Reason::Amount { trade: 1, .. })));
    }

    #[test]
    fn every_fault_is_listed_with_its_numbers() {
        let faults = faults(&tape(&[1, 1, 1, 99]), &Settings::default());
        assert_eq!(
            faults,
            [
                Reason::TooFew { found: 4, needed: 46 },
                Reason::Hole { holes: 1, longest: 98, trade: 3, ts_ms: 0, limit: 25 },
                Reason::UnknownOrder { tied: 2, steps: 3, limit: 0.1 },
                Reason::OneSided { buys: 4, sells: 0, needed: 0.1 },
            ]
        );
    }
}
