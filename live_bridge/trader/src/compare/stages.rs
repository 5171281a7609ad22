//! Where time went, and how much worse than quoted fills were.

use super::Record;
use crate::journal::{OrderRow, State};
use serde::Serialize;
use std::collections::BTreeMap;

/// Middle and tail of a stage, milliseconds, by nearest rank; none where nothing was measured.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Stage {
    /// How often it was measured.
    pub n: usize,
    /// Half of them took at most this.
    pub p50: Option<u64>,
    /// 95 of 100.
    pub p95: Option<u64>,
    /// 99 of 100.
    pub p99: Option<u64>,
}

impl Stage {
    fn of(measured: impl Iterator<Item = u64>) -> Self {
        let mut sorted: Vec<u64> = measured.collect();
        sorted.sort_unstable();
        let n = sorted.len();
        let at = |percent: usize| sorted.get((n * percent).div_ceil(100).saturating_sub(1)).copied();
        Self { n, p50: at(50), p95: at(95), p99: at(99) }
    }
}

/// Where time went, by our clock.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Latency {
    /// From seeing that a bar had closed to the decision: waiting for its signal, and the strategy.
    pub decide_ms: Stage,
    /// From the order to its first send: market read, quoted, simulated, signed, kept.
    pub send_ms: Stage,
    /// From the order to the confirmation.
    pub confirm_ms: Stage,
    /// Slots from the state that was quoted on to the landing.
    pub slots: Stage,
}

impl Latency {
    pub(super) fn of(record: &Record, orders: &[&OrderRow]) -> Self {
        let seen: BTreeMap<i64, i64> = record.bars.iter().map(|row| (row.bar.open_time, row.seen_ms)).collect();
        let decided = record.decisions.iter().filter_map(|made| {
            let since = made.decided_ms - seen.get(&made.bar_ms)?;
            u64::try_from(since).ok()
        });
        let done = || orders.iter().map(|order| &order.done);
        Self {
            decide_ms: Stage::of(decided),
            send_ms: Stage::of(done().filter_map(|done| done.to_send_ms)),
            confirm_ms: Stage::of(done().filter_map(|done| done.to_settle_ms)),
            slots: Stage::of(done().filter_map(|done| done.slot?.checked_sub(done.read_slot?))),
        }
    }
}

/// How much less a fill brought than was quoted, as a share of the quote; above zero is worse.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Slippage {
    /// Fills with a quote.
    pub n: usize,
    /// Mean, each fill by its lamports.
    pub mean: Option<f64>,
    /// The worst.
    pub worst: Option<f64>,
}

impl Slippage {
    pub(super) fn of(orders: &[&OrderRow]) -> Self {
        let filled = orders.iter().map(|order| &order.done).filter(|done| done.state == State::Filled);
        let shares: Vec<(f64, f64)> = filled
            .filter_map(|done| {
                let (quoted, got) = if done.base > 0 {
                    (done.quoted_base?, done.base.unsigned_abs())
                } else {
                    (done.quoted_quote?, done.quote.unsigned_abs())
                };
                Some((1.0 - got as f64 / quoted as f64, done.quote.unsigned_abs() as f64))
            })
            .collect();
        let weight: f64 = shares.iter().map(|(_, lamports)| lamports).sum();
        let mean = shares.iter().map(|(share, lamports)| share * lamports).sum::<f64>() / weight;
        Self {
            n: shares.len(),
            mean: (weight > 0.0).then_some(mean),
            worst: shares.iter().map(|(share, _)| *share).reduce(f64::max),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_of_nearest_rank_and_nothing_has_none() {
        let stage = Stage::of((1..=200).rev());
        assert_eq!((stage.p50, stage.p95, stage.p99), (Some(100), Some(190), Some(198)));
        assert_eq!(Stage::of(std::iter::empty()), Stage::default());
        assert_eq!(Stage::of(std::iter::once(7)).p99, Some(7));
    }
}
