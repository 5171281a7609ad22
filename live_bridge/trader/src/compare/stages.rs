//! The time spent in each stage, and the slippage of fills from their quotes.

use super::Record;
use crate::journal::{DecisionRow, OrderRow, State};
use serde::Serialize;

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

/// From one moment of an order's life to the next.
pub const STAGES: [(&str, &str); 6] = [
    ("signal", "from a closed bar until its signal was there"),
    ("decision", "until it was decided"),
    ("quote", "until the market was read, quoted and simulated"),
    ("sign", "until it was signed"),
    ("send", "until it was kept and sent"),
    ("confirm", "until it was confirmed"),
];

/// Where the time of an order went, by our clock; milliseconds of each of [`STAGES`], none where one was not measured.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OrderStages {
    /// Opening of the bar that it was decided on.
    pub bar_ms: i64,
    /// Its name.
    pub key: String,
    /// The stages.
    pub ms: [Option<u64>; 6],
    /// Slots from the state that was quoted on to the landing.
    pub slots: Option<u64>,
}

impl OrderStages {
    pub(super) fn of(record: &Record, order: &OrderRow) -> Self {
        let place = record.decisions.binary_search_by_key(&order.bar_ms, |made| made.bar_ms).ok();
        let decision = place.filter(|_| !order.is_between_bars()).map(|place| &record.decisions[place]);
        let [signal, decided] = decision.map_or([None, None], |made| of_decision(record, made));
        let done = &order.done;
        let since = |from: Option<u64>, to: Option<u64>| to?.checked_sub(from?);
        Self {
            bar_ms: order.bar_ms,
            key: order.key.clone(),
            ms: [
                signal,
                decided,
                done.to_quote_ms,
                since(done.to_quote_ms, done.to_sign_ms),
                since(done.to_sign_ms, done.to_send_ms),
                since(done.to_send_ms, done.to_settle_ms),
            ],
            slots: done.slot.zip(done.read_slot).and_then(|(landed, read)| landed.checked_sub(read)),
        }
    }
}

/// Milliseconds of signal and decision.
fn of_decision(record: &Record, made: &DecisionRow) -> [Option<u64>; 2] {
    let place = record.bars.binary_search_by_key(&made.bar_ms, |row| row.bar.open_time).ok();
    let seen_ms = place.map(|place| record.bars[place].seen_ms);
    let since = |from: Option<i64>, to: Option<i64>| u64::try_from(to? - from?).ok();
    [since(seen_ms, made.signal_ms), since(made.signal_ms, Some(made.decided_ms))]
}

/// Where time went, by our clock: p50, p95 and p99 of each of [`STAGES`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Latency {
    /// From seeing that a bar had closed until its signal was there, or no longer waited for; of all decisions.
    pub signal_ms: Stage,
    /// From there to the decision; of all decisions.
    pub decision_ms: Stage,
    /// From the order until the market was read, quoted and simulated.
    pub quote_ms: Stage,
    /// From there until it was signed.
    pub sign_ms: Stage,
    /// From there until it was kept and first sent.
    pub send_ms: Stage,
    /// From there to the confirmation.
    pub confirm_ms: Stage,
    /// Slots from the state that was quoted on to the landing.
    pub slots: Stage,
}

impl Latency {
    /// Of all decisions of a session, and of these orders.
    #[must_use]
    pub fn of(record: &Record, orders: &[&OrderRow]) -> Self {
        let decided: Vec<[Option<u64>; 2]> = record.decisions.iter().map(|made| of_decision(record, made)).collect();
        let ordered: Vec<OrderStages> = orders.iter().map(|order| OrderStages::of(record, order)).collect();
        let of_decisions = |stage: usize| Stage::of(decided.iter().filter_map(|ms| ms[stage]));
        let of_orders = |stage: usize| Stage::of(ordered.iter().filter_map(|order| order.ms[stage]));
        Self {
            signal_ms: of_decisions(0),
            decision_ms: of_decisions(1),
            quote_ms: of_orders(2),
            sign_ms: of_orders(3),
            send_ms: of_orders(4),
            confirm_ms: of_orders(5),
            slots: Stage::of(ordered.iter().filter_map(|order| order.slots)),
        }
    }

    /// The stages, in the order of [`STAGES`].
    #[must_use]
    pub fn stages(&self) -> [Stage; 6] {
        [self.signal_ms, self.decision_ms, self.quote_ms, self.sign_ms, self.send_ms, self.confirm_ms]
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
