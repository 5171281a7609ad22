//! The basis of an order: its plan, the account, and who owns the coins. All of it is read before the guards are asked,
//! and so recently that nothing has to be read between them and the send.

use crate::clock::Clock;
use crate::guards::Standing;
use crate::journal::{Journal, JournalError};
use crate::market::Market;
use crate::order::Order;
use crate::plan::{Chain, Plan, Rejection, others, plan, standing};
use crate::rpc::RpcError;
use crate::rpc::retry;
use q50_engine::units::Lamports;
use q50_pumpswap::chain::Address;
use solana_message::Message;
use std::time::Duration;

/// How long a price that was read is fresh, and how often it is read at most.
const FRESH: Duration = Duration::from_secs(5);
const READINGS: usize = 3;

/// What an order is decided on.
pub(crate) struct Ground {
    /// The order as it would be sent.
    pub(crate) plan: Plan,
    /// The account.
    pub(crate) standing: Standing,
    /// Coins of the user that no trade of the journal brought.
    pub(crate) untracked: i64,
}

/// Reads what an order is decided on; again where the nodes took long, because a price moves while one waits.
///
/// # Errors
/// Where the journal cannot be read; [`Rejection`] where the order cannot be carried out.
pub(crate) async fn ground<N: Chain, C: Clock>(
    chain: &N,
    clock: &C,
    journal: &Journal,
    user: Address,
    order: &Order,
    priority_cap: Lamports,
) -> Result<Result<Ground, Rejection>, JournalError> {
    let (at_least, positions) = (journal.newest_slot()?, journal.positions()?);
    let mut took = Duration::ZERO;
    for _ in 0..READINGS {
        // What cannot be read is not taken: the journal takes no signature twice.
        let is_taken = |message: &Message| journal.has_message(&message.serialize()).unwrap_or(false);
        let plan = plan(chain, clock, user, order, at_least, priority_cap, is_taken);
        let (plan, others) = tokio::join!(plan, others(chain, clock, &positions, order, user, at_least));
        let plan = match plan {
            Ok(plan) => plan,
            Err(rejection) => return Ok(Err(rejection)),
        };
        let untracked = match untracked(chain, clock, journal, &plan.market, user).await? {
            Ok(untracked) => untracked,
            Err(error) => return Ok(Err(error.into())),
        };
        took = clock.now().since(plan.read_at);
        if took <= FRESH {
            let standing = standing(&plan.market, &positions, others, journal.lamports()?);
            return Ok(Ok(Ground { plan, standing, untracked }));
        }
        tracing::info!("the nodes took {} s, the price is asked for again", took.as_secs());
    }
    Ok(Err(Rejection::Stale(took)))
}

/// Coins of the user that no trade of the journal brought, as far as nothing can be taken back: of what a fork could still
/// take, chain and journal may know different things.
async fn untracked<N: Chain, C: Clock>(
    chain: &N,
    clock: &C,
    journal: &Journal,
    market: &Market,
    user: Address,
) -> Result<Result<i64, RpcError>, JournalError> {
    let mint = market.keys.base_mint;
    if let Some(last) = journal.pending()?.iter().rev().find(|pending| pending.mint == mint) {
        return Ok(Ok(last.prepared.untracked));
    }
    let account = market.keys.base_account(&user);
    let fills = journal.fills_of(&mint)?;
    let at_least = fills.iter().map(|(slot, _)| *slot).max().unwrap_or(0);
    let found = match retry(clock, async || chain.tokens(&account, at_least).await).await {
        Ok((_, found)) => found,
        Err(error) => return Ok(Err(error)),
    };
    let found = i64::try_from(found).map_err(|_| JournalError::Amount(found))?;
    Ok(Ok(found - fills.iter().map(|(_, base)| base).sum::<i64>()))
}
