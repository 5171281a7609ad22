//! Turns a decision into an order: by the same rule as on the pool venue of a backtest, with the pool's own rates.

use q50_engine::decision::{Budget, Order};
use q50_engine::ledger::{Account, PoolLedger};
use q50_engine::limits::Limit;
use q50_engine::units::{LAMPORTS_PER_SOL, Lamports};
use q50_engine::venue::pool_path::Reserves;
use q50_engine::venue::{PumpSwapConfig, Rejection};
use q50_executor::order::Size;
use q50_pumpswap::amm::{AmmConfig, AmmError, PoolState};
use thiserror::Error;

/// Why a decision asks for nothing that could be ordered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum NoOrder {
    /// As on the venue.
    #[error("{}", words(*.0))]
    Rejected(Rejection),
    /// The program's arithmetic.
    #[error(transparent)]
    Pool(#[from] AmmError),
}

fn words(rejection: Rejection) -> String {
    match rejection {
        Rejection::NoCash => "nothing is left to spend".to_owned(),
        Rejection::NoPosition => "nothing is held".to_owned(),
        Rejection::Limit(limit) => format!("the limit risk.{} leaves nothing", limit.name()),
        _ => "a pool has no short side".to_owned(),
    }
}

/// What of a pool does not change from bar to bar: rates, supply, where it came from.
#[derive(Clone, Debug, PartialEq)]
pub struct PoolTerms {
    /// The pool as it was read at the start.
    pub state: PoolState,
    /// The program's configuration.
    pub config: AmmConfig,
}

impl PoolTerms {
    /// The pool with the reserves that price at the close of a bar.
    #[must_use]
    pub fn at(&self, reserves: Reserves) -> PoolState {
        PoolState {
            base_vault: reserves.base.0,
            quote_vault: reserves.quote.0,
            virtual_quote: 0,
            protocol_fees: 0,
            creator_fees: 0,
            ..self.state
        }
    }
}

/// The size that `order` asks for, given the account that it was decided on; `within_limits` is what the limits of the account
/// leave of an amount that an entry would spend.
///
/// # Errors
/// [`NoOrder`] where it asks for nothing.
pub fn size(
    order: Order,
    account: &Account,
    ledger: &PoolLedger,
    pool: &PoolState,
    config: &AmmConfig,
    venue: &PumpSwapConfig,
    within_limits: impl FnOnce(f64) -> Result<f64, Limit>,
) -> Result<Size, NoOrder> {
    let spend = match order {
        Order::Buy(Budget::Cash(share)) => share.get() * account.cash,
        Order::Buy(Budget::Equity(share)) => share.get() * account.equity,
        Order::Sell(share) => {
            let held = ledger.tokens().0;
            let amount = if share.get() >= 1.0 { held } else { (held as f64 * share.get()) as u64 };
            return if amount == 0 { Err(NoOrder::Rejected(Rejection::NoPosition)) } else { Ok(Size::Sell(amount)) };
        }
        Order::Short(_) | Order::Cover(_) => return Err(NoOrder::Rejected(Rejection::NoShorting)),
    };
    let spend = within_limits(spend).map_err(|limit| NoOrder::Rejected(Rejection::Limit(limit)))?;
    let rent = if ledger.has_account() { 0 } else { venue.rent.0 };
    let free = ledger.lamports().0.saturating_sub(venue.base_fee.0 + venue.priority_fee.0 + rent);
    let bound = pool.largest_spend_within_impact(config, venue.max_impact)?;
    match ((spend * LAMPORTS_PER_SOL) as u64).min(free).min(bound) {
        0 => Err(NoOrder::Rejected(Rejection::NoCash)),
        lamports => Ok(Size::Spend(Lamports(lamports))),
    }
}
