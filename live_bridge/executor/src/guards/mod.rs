//! Checks before an order. An order that was not cleared cannot be executed: the executor takes
//! [`Cleared`](crate::guards::Cleared), and only [`Guards::clear`](crate::guards::Guards::clear) makes one.
//!
//! Exits stay open: guards against further losses (loss, drawdown, exposure, floor, tokens, lists) stop buys, not
//! sells; guards against a runaway program (kill switch, breaker, rates) stop both.

/// Stops after failures in a row.
mod circuit_breaker;
/// Stops after a day's loss.
mod daily_loss;
/// Stops after a fall from the highest equity.
mod drawdown;
/// Sells between bars.
mod exits;
/// Bounds what is in positions.
mod exposure;
/// Stops everything by hand.
mod kill_switch;
/// What is allowed.
mod limits;
/// Refuses pools that are too shallow.
mod liquidity;
/// Bounds what may be bought.
mod lists;
/// Bounds the number of orders.
mod rate_limit;
/// Refuses tokens that may not be sold again.
mod token_check;
/// Keeps the way out payable.
mod wallet_floor;

pub use circuit_breaker::{BreakerLimits, CircuitBreaker, Outcome};
pub use exits::{ExitReason, ExitRules};
pub use kill_switch::{KillSwitch, SwitchError, SwitchFile};
pub use limits::{Limits, LimitsError};
pub use lists::Lists;
pub use rate_limit::RateLimits;
pub use token_check::Mint;

use crate::clock::UnixMillis;
use crate::order::Order;
use daily_loss::DailyLoss;
use drawdown::Drawdown;
use q50_engine::units::{Bps, Lamports};
use q50_pumpswap::amm::{BPS, Side};
use q50_pumpswap::chain::Address;
use rate_limit::RateLimit;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;
use std::time::Duration;
use thiserror::Error;

/// Why an order is not let through.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Refusal {
    /// The kill switch.
    #[error("trading is switched off ({reason}); `q50 resume` switches it on")]
    Killed {
        /// What was said.
        reason: String,
    },
    /// The circuit breaker.
    #[error("too many orders failed in a row; the next is tried in {} s", wait.as_secs())]
    BreakerOpen {
        /// For how long.
        wait: Duration,
    },
    /// The rates.
    #[error("{found} orders in the last {window_s} s, and no more are allowed")]
    TooManyOrders {
        /// Orders in the window.
        found: usize,
        /// The window, in seconds.
        window_s: u64,
    },
    /// The day's loss.
    #[error("{} of {} lamports were lost today, at most {} basis points may be", lost.0, began_with.0, most.0)]
    DailyLoss {
        /// What was lost.
        lost: Lamports,
        /// What the day began with.
        began_with: Lamports,
        /// The most, as a share of that.
        most: Bps,
    },
    /// The fall from the highest equity.
    #[error("equity fell by {} lamports from {}, at most {} basis points are allowed", fallen.0, highest.0, most.0)]
    Drawdown {
        /// How far it fell.
        fallen: Lamports,
        /// The highest equity.
        highest: Lamports,
        /// The most, as a share of that.
        most: Bps,
    },
    /// What would be in positions.
    #[error("{} lamports would be in positions, at most {} basis points of {} may be", wanted.0, most.0, equity.0)]
    Exposure {
        /// What would be in positions.
        wanted: Lamports,
        /// The equity.
        equity: Lamports,
        /// The most, as a share of that.
        most: Bps,
    },
    /// What would be left in the wallet.
    #[error("the wallet has {} lamports; after up to {} of this order less than {} would be left", wallet.0, cost.0, floor.0)]
    WalletFloor {
        /// What is there.
        wallet: Lamports,
        /// What the order may cost at most.
        cost: Lamports,
        /// What has to be left.
        floor: Lamports,
    },
    /// What is in the pool.
    #[error("{} lamports are in its pool, at least {} have to be", found.0, least.0)]
    Liquidity {
        /// What is there.
        found: Lamports,
        /// What has to be there.
        least: Lamports,
    },
    /// How far the price would move.
    #[error("it would be filled {} basis points above the pool's price, at most {} are allowed", impact.0, most.0)]
    Impact {
        /// How far above the price the whole of it would be filled, fees aside.
        impact: Bps,
        /// The most.
        most: Bps,
    },
    /// The equity is not known, so that no limit on it can be kept.
    #[error("the equity is not known: a position cannot be priced")]
    UnknownEquity,
    /// The token.
    #[error("token {mint}: {faults}")]
    Token {
        /// The mint.
        mint: Address,
        /// Everything that speaks against it.
        faults: String,
    },
    /// A list of mints that may not be bought.
    #[error("{mint} is on the list {list:?}, it may not be bought")]
    Denied {
        /// The mint.
        mint: Address,
        /// The list.
        list: PathBuf,
    },
    /// A list of the only mints that may be bought.
    #[error("{mint} is not on the list {list:?}, only what is may be bought")]
    NotAllowed {
        /// The mint.
        mint: Address,
        /// The list.
        list: PathBuf,
    },
    /// A list that cannot be read.
    #[error("{list:?} cannot be used, and nothing is bought without it: {reason}")]
    List {
        /// The list.
        list: PathBuf,
        /// Why.
        reason: String,
    },
}

/// All reasons why an order is not let through.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("refused: {}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))]
pub struct Refusals(pub Vec<Refusal>);

/// An order as the guards see it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Proposal<'a> {
    /// The order.
    pub order: Order,
    /// Most lamports that may leave the wallet, fees and rent in.
    pub cost: Lamports,
    /// What the coin's mint says.
    pub mint: &'a Mint,
    /// Lamports in the pool's vault.
    pub liquidity: Lamports,
    /// How far above the pool's price the whole of it would be filled, fees aside; nothing where it sells.
    pub impact: Bps,
}

/// What the guards can be asked about.
pub trait Propose {
    /// The order as they see it.
    fn proposal(&self) -> Proposal<'_>;
}

impl Propose for Proposal<'_> {
    fn proposal(&self) -> Proposal<'_> {
        *self
    }
}

impl<P: Propose> Propose for &P {
    fn proposal(&self) -> Proposal<'_> {
        (**self).proposal()
    }
}

/// The account as an order finds it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Standing {
    /// Lamports in the wallet.
    pub wallet: Lamports,
    /// What selling all positions would bring; unknown where one cannot be priced.
    pub positions: Option<Lamports>,
    /// By how much the trades of the journal changed the wallet, but for what they brought of coins from elsewhere. All
    /// else that the wallet gained or lost was moved by its owner, and is no result.
    pub traded: i64,
}

impl Standing {
    /// Lamports of the wallet that no trade explains.
    fn moved(&self) -> i64 {
        i64::try_from(self.wallet.0).unwrap_or(i64::MAX).saturating_sub(self.traded)
    }

    fn equity(&self) -> Option<Lamports> {
        self.positions.map(|positions| Lamports(self.wallet.0.saturating_add(positions.0)))
    }
}

/// What every guard has let through: that very plan, and no other, is signed.
#[derive(Debug, PartialEq, Eq)]
#[must_use = "what was cleared is still to be executed"]
pub struct Cleared<P>(P);

impl<P> Cleared<P> {
    /// What was let through.
    #[must_use]
    pub fn plan(&self) -> &P {
        &self.0
    }
}

/// What the guards remember between orders, and between runs.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Memory {
    breaker: CircuitBreaker,
    rate: RateLimit,
    daily_loss: DailyLoss,
    drawdown: Drawdown,
    /// Lamports of the wallet that no trade explained.
    #[serde(default)]
    moved: Option<i64>,
}

impl Memory {
    /// Takes note of the equity: of what was moved in or out first, so that it is neither gain nor loss. Also of a sale: what
    /// a day begins with, and the highest, are not seen by buys alone.
    fn note(&mut self, standing: &Standing, now: UnixMillis) {
        let moved = standing.moved();
        let by = moved.saturating_sub(self.moved.replace(moved).unwrap_or(moved));
        self.daily_loss.shift(by);
        self.drawdown.shift(by);
        if let Some(equity) = standing.equity() {
            self.daily_loss.note(equity, now);
            self.drawdown.note(equity);
        }
    }
}

/// All guards.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Guards {
    limits: Limits,
    memory: Memory,
}

impl Guards {
    /// With these limits, and what was remembered.
    #[must_use]
    pub fn new(limits: Limits, memory: Memory) -> Self {
        Self { limits, memory }
    }

    /// What has to be remembered.
    #[must_use]
    pub fn memory(&self) -> &Memory {
        &self.memory
    }

    /// Asks every guard about a plan.
    ///
    /// # Errors
    /// [`Refusals`], with the reason of every guard that refuses it.
    pub fn clear<P: Propose>(
        &mut self,
        plan: P,
        standing: &Standing,
        switch: &KillSwitch,
        now: UnixMillis,
    ) -> Result<Cleared<P>, Refusals> {
        let Self { limits, memory } = self;
        let Proposal { order, cost, mint, liquidity, impact } = plan.proposal();
        memory.note(standing, now);
        let mut answers = vec![switch.check(), memory.rate.check(&limits.rates, now)];
        if order.side() == Side::Buy {
            answers.push(limits.lists.check(&order.mint));
            answers.push(mint.check(&order.mint));
            answers.push(liquidity::check(limits.liquidity, liquidity));
            answers.push(liquidity::check_impact(limits.impact, impact));
            answers.push(wallet_floor::check(limits.wallet_floor, standing.wallet, cost));
            match (standing.equity(), standing.positions) {
                (Some(equity), Some(positions)) => {
                    answers.push(memory.daily_loss.check(limits.daily_loss, equity));
                    answers.push(memory.drawdown.check(limits.drawdown, equity));
                    answers.push(exposure::check(limits.exposure, positions, cost, equity));
                }
                _ => answers.push(Err(Refusal::UnknownEquity)),
            }
        }
        let mut refusals: Vec<Refusal> = answers.into_iter().filter_map(Result::err).collect();
        // Last, because an order that it lets through may be one of its probes.
        if refusals.is_empty() {
            refusals.extend(memory.breaker.admit(&limits.breaker, now).err());
        }
        if !refusals.is_empty() {
            return Err(Refusals(refusals));
        }
        memory.rate.note(now);
        Ok(Cleared(plan))
    }

    /// Takes note of what became of an order that was let through.
    pub fn record(&mut self, outcome: Outcome, now: UnixMillis) {
        self.memory.breaker.record(&self.limits.breaker, outcome, now);
    }
}

/// A share of an amount, rounded down.
fn share(of: u64, bps: Bps) -> u64 {
    let product = u128::from(of) * u128::from(bps.0);
    u64::try_from(product / u128::from(BPS)).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests;
