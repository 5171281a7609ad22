//! What a landed transaction did: read from the program's own event, and checked against every balance that moved.
//!
//! The event says what was swapped; the balances say what it came to. Both come from the chain, and if they disagree by
//! a lamport neither is trusted. With `q` the lamports that the swap took from the user (or brought), `others` the
//! accounts that are not the user's, and `fee` the network's,
//!
//! ```text
//! change of his coins        = base of the event
//! change of others' WSOL     = q                                  (-q where he sells)
//! rent                       = change of others' lamports - change of others' WSOL
//! change of his lamports     = -fee - rent - q                    (+q)
//! ```

use crate::journal::{Prepared, Settlement};
use crate::rpc::{Landed, Tokens};
use q50_engine::units::Lamports;
use q50_pumpswap::amm::{Order, Side};
use q50_pumpswap::chain::programs::WSOL_MINT;
use q50_pumpswap::chain::{Address, SwapEvent};
use thiserror::Error;

/// A transaction that landed and did not do what was signed, or of which the chain's two accounts disagree.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("the transaction landed, and {0}; it is left open until somebody has looked at it")]
pub struct Contradiction(String);

/// What became of `prepared`, which landed.
///
/// # Errors
/// [`Contradiction`] where event, balances and what was signed do not agree.
pub fn read(
    landed: &Landed,
    wallet: &Address,
    prepared: &Prepared,
    is_final: bool,
) -> Result<Settlement, Contradiction> {
    let payer = landed.accounts.first().filter(|account| account.address == *wallet);
    let payer = payer.ok_or_else(|| Contradiction("its payer is not this wallet".to_owned()))?;
    let lamports = change(payer.lamports);
    let (slot, network_fee) = (landed.slot, Lamports(landed.fee));
    if let Some(error) = &landed.error {
        return Ok(Settlement::Failed { slot, is_final, network_fee, lamports, error: error.to_string() });
    }
    let swap = the_swap(landed, wallet, prepared)?;
    let (base, quote) = amounts(swap, prepared.limits)?;

    let mut rent = 0;
    let mut others_wsol = 0;
    for account in &landed.accounts[1..] {
        let wsol = account.tokens.filter(|tokens| tokens.mint == WSOL_MINT).map_or(0, |tokens| change(tokens.amounts));
        rent += change(account.lamports) - wsol;
        if account.tokens.is_none_or(|tokens| tokens.owner != *wallet) {
            others_wsol += wsol;
        }
    }
    let coins = landed.accounts.iter().find(|account| account.address == prepared.base_account);
    let coins = coins.and_then(|account| account.tokens).map_or(0, |Tokens { amounts, .. }| change(amounts));
    for (what, found, expected) in [
        ("the coins", coins, base),
        ("what the others got", others_wsol, -quote),
        ("the wallet's lamports", lamports, quote - rent - change([0, landed.fee])),
    ] {
        if found != expected {
            return Err(Contradiction(format!("its event and its balances disagree: {what} {found}, not {expected}")));
        }
    }
    Ok(Settlement::Filled { slot, is_final, network_fee, rent, lamports, base, quote })
}

fn the_swap<'a>(landed: &'a Landed, wallet: &Address, prepared: &Prepared) -> Result<&'a SwapEvent, Contradiction> {
    match landed.swaps.as_slice() {
        [swap] if swap.pool != prepared.pool => Err(Contradiction(format!("it swapped in the pool {}", swap.pool))),
        [swap] if swap.user != *wallet => Err(Contradiction(format!("it swapped for {}", swap.user))),
        [swap] => Ok(swap),
        swaps => Err(Contradiction(format!("it has {} swaps, not one", swaps.len()))),
    }
}

/// Change of the user's coins and lamports by the swap, within what was signed.
fn amounts(swap: &SwapEvent, limits: Order) -> Result<(i64, i64), Contradiction> {
    let (side, base, quote, is_within) = match limits {
        Order::Buy { base_out, max_quote_in } => {
            (Side::Buy, swap.base, swap.user_quote, swap.base == base_out && swap.user_quote <= max_quote_in)
        }
        Order::BuyExactQuoteIn { quote_in, min_base_out } => {
            // The event of this instruction prints the amount before fees.
            let fees = [
                swap.lp_fee,
                swap.protocol_fee,
                swap.creator.map_or(0, |creator| creator.fee),
                swap.cashback.unwrap_or(0),
            ];
            let paid = fees.into_iter().fold(swap.user_quote, u64::saturating_add);
            (Side::Buy, swap.base, paid, paid <= quote_in && swap.base >= min_base_out)
        }
        Order::Sell { base_in, min_quote_out } => {
            (Side::Sell, swap.base, swap.user_quote, swap.base == base_in && swap.user_quote >= min_quote_out)
        }
    };
    if swap.side != side || !is_within {
        return Err(Contradiction(format!("it swapped {base} coins for {quote} lamports, against {limits:?}")));
    }
    let (base, quote) = (change([0, base]), change([0, quote]));
    Ok(match side {
        Side::Buy => (base, -quote),
        Side::Sell => (-base, quote),
    })
}

/// From before to after. Amounts on chain are far below 2^63.
fn change([before, after]: [u64; 2]) -> i64 {
    i64::try_from(i128::from(after) - i128::from(before)).unwrap_or(i64::MAX)
}
