//! Positions that are sold between bars: stop-loss, take-profit and timeout, on what selling would bring now.

use crate::clock::Clock;
use crate::executor::{Executor, ExecutorError};
use crate::guards::{ExitReason, ExitRules};
use crate::journal::Position;
use crate::order::{Order, Size};
use crate::plan::{Chain, read_market, value};
use q50_engine::units::{Bps, Lamports};

/// A position that has to be sold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Exit {
    /// The position.
    pub position: Position,
    /// Why.
    pub reason: ExitReason,
}

impl Exit {
    /// The order that sells all of it.
    #[must_use]
    pub fn order(&self, slippage: Bps) -> Order {
        Order { mint: self.position.mint, size: Size::Sell(self.position.base.unsigned_abs()), slippage }
    }
}

impl<N: Chain, C: Clock> Executor<N, C> {
    /// Positions of the journal that `rules` have sold now, whatever a signal says. To be asked as often as a price may
    /// move; nothing is sent here. A position that cannot be priced meets its timeout alone.
    ///
    /// # Errors
    /// Where the journal cannot be read.
    pub async fn exits(&self, rules: &ExitRules) -> Result<Vec<Exit>, ExecutorError> {
        let (at_least, now) = (self.journal().newest_slot()?, self.clock().now());
        let mut exits = Vec::new();
        for position in self.journal().positions()? {
            let Ok(held @ 1..) = u64::try_from(position.base) else { continue };
            let market = read_market(self.chain(), self.clock(), position.mint, self.address(), at_least).await;
            let worth = market.ok().and_then(|market| value(&market, held));
            let cost = Lamports(u64::try_from(position.cost).unwrap_or(0));
            if let Some(reason) = rules.due(cost, position.since, worth, now) {
                exits.push(Exit { position, reason });
            }
        }
        Ok(exits)
    }
}
