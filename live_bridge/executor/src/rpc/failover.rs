//! Chooses among several nodes: one that answers, and that is not behind the others.

use super::error::RpcError;
use crate::clock::UnixMillis;
use std::time::Duration;

/// Slots behind the newest node that disqualify another one.
const LAG: u64 = 20;
/// How long a node is left alone after its first failure in a row; it doubles with each.
const PAUSE: Duration = Duration::from_secs(1);
/// Doublings of that at most: about a minute.
const MOST_DOUBLINGS: u32 = 6;

/// What is known of a node.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Health {
    failures: u32,
    paused_until: UnixMillis,
    slot: u64,
}

impl Health {
    /// It answered.
    pub(super) fn answered(&mut self) {
        self.failures = 0;
        self.paused_until = UnixMillis::default();
    }

    /// How far it is; a fork can take a node back.
    pub(super) fn is_at(&mut self, slot: u64) {
        self.slot = slot;
    }

    /// It failed.
    pub(super) fn failed(&mut self, error: &RpcError, now: UnixMillis) {
        if !error.is_of_the_node() {
            return;
        }
        let pause = PAUSE * 2_u32.pow(self.failures.min(MOST_DOUBLINGS));
        self.failures = self.failures.saturating_add(1);
        let asked = match error {
            RpcError::RateLimited { retry_after } => retry_after.unwrap_or_default(),
            _ => Duration::ZERO,
        };
        self.paused_until = now.after(pause.max(asked));
    }

    /// When it may be asked again.
    pub(super) fn paused_until(&self) -> UnixMillis {
        self.paused_until
    }
}

/// The order in which nodes are asked: the first is the first that is neither paused nor behind; those that are paused
/// come last, the one first whose pause ends first, because somebody has to be asked.
pub(super) fn ranking(nodes: &[Health], now: UnixMillis) -> Vec<usize> {
    let newest = nodes.iter().map(|node| node.slot).max().unwrap_or(0);
    let mut order: Vec<usize> = (0..nodes.len()).collect();
    order.sort_by_key(|&index| {
        let node = &nodes[index];
        let paused = if node.paused_until > now { node.paused_until } else { UnixMillis::default() };
        let is_behind = node.slot != 0 && newest - node.slot > LAG;
        (paused, is_behind, index)
    });
    order
}

#[cfg(test)]
mod tests {
    use super::*;

    const DOWN: RpcError = RpcError::Status(503);

    fn at(ms: i64) -> UnixMillis {
        UnixMillis(ms)
    }

    #[test]
    fn the_first_node_serves_until_it_fails_and_again_when_its_pause_is_over() {
        let mut nodes = [Health::default(); 3];
        assert_eq!(ranking(&nodes, at(0)), [0, 1, 2]);
        nodes[0].failed(&DOWN, at(0));
        assert_eq!(ranking(&nodes, at(999)), [1, 2, 0]);
        assert_eq!(ranking(&nodes, at(1_000)), [0, 1, 2]);
        nodes[0].failed(&DOWN, at(1_000));
        assert_eq!(nodes[0].paused_until(), at(3_000));
        nodes[0].answered();
        assert_eq!(ranking(&nodes, at(1_000)), [0, 1, 2]);
    }

    #[test]
    fn a_node_that_lags_more_than_twenty_slots_behind_comes_after_those_that_do_not() {
        let mut nodes = [Health::default(); 3];
        nodes[0].is_at(100);
        nodes[1].is_at(120);
        assert_eq!(ranking(&nodes, at(0)), [0, 1, 2]);
        nodes[1].is_at(121);
        assert_eq!(ranking(&nodes, at(0)), [1, 2, 0]);
    }

    #[test]
    fn a_limit_is_kept_as_long_as_the_node_asks() {
        let mut node = Health::default();
        node.failed(&RpcError::RateLimited { retry_after: Some(Duration::from_secs(7)) }, at(0));
        assert_eq!(node.paused_until(), at(7_000));
    }

    #[test]
    fn where_all_are_paused_the_one_is_asked_whose_pause_ends_first() {
        let mut nodes = [Health::default(); 2];
        nodes[0].failed(&DOWN, at(10));
        nodes[1].failed(&DOWN, at(0));
        assert_eq!(ranking(&nodes, at(20)), [1, 0]);
    }

    #[test]
    fn an_answer_that_says_no_is_no_failure_of_the_node() {
        let mut node = Health::default();
        node.failed(&RpcError::Refused { method: "getSlot", code: -32602, message: String::new() }, at(0));
        assert_eq!(node.paused_until(), at(0));
    }
}
