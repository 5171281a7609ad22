//! Sales of positions between bars: stop-loss, take-profit and timeout, on what a sale would bring now.

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
        let mut exits = Vec::new();
        for position in self.journal().positions()? {
            if let Some(reason) = self.exit_of(&position, rules).await? {
                exits.push(Exit { position, reason });
            }
        }
        Ok(exits)
    }

    /// Why `rules` have a position sold now; nothing where they have not.
    ///
    /// # Errors
    /// Where the journal cannot be read.
    pub async fn exit_of(&self, position: &Position, rules: &ExitRules) -> Result<Option<ExitReason>, ExecutorError> {
        let Ok(held @ 1..) = u64::try_from(position.base) else { return Ok(None) };
        let (at_least, now) = (self.journal().newest_slot()?, self.clock().now());
        let market = read_market(self.chain(), self.clock(), position.mint, self.address(), at_least).await;
        let worth = match market {
            Ok(market) => value(&market, held),
            Err(error) => {
                tracing::warn!("{} has no price, only a timeout can sell it: {error}", position.mint);
                None
            }
        };
        let cost = Lamports(u64::try_from(position.cost).unwrap_or(0));
        Ok(rules.due(cost, position.since, worth, now))
    }
}
