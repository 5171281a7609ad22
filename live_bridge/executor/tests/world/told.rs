//! A transaction that landed, as a node tells of it.

use super::{FEE, MINT};
use q50_engine::units::Bps;
use q50_executor::rpc::{Landed, Tokens, Touched};
use q50_pumpswap::amm::{Order as AmmOrder, Side, Swap};
use q50_pumpswap::chain::programs::{TOKEN, WSOL_MINT};
use q50_pumpswap::chain::{Address, CreatorFees, PoolKeys, SwapEvent};
use solana_transaction_error::TransactionError;

pub(super) fn keys() -> PoolKeys {
    PoolKeys::canonical(MINT, WSOL_MINT, TOKEN, TOKEN, Address([4; 32]), false)
}

/// A landed transaction as a node tells it.
pub(super) fn told(
    user: Address,
    slot: u64,
    order: AmmOrder,
    swap: Option<&Swap>,
    before: (u64, u64),
    after: (u64, u64),
) -> Landed {
    let keys = keys();
    let coins = Tokens { mint: MINT, owner: user, amounts: [before.1, after.1] };
    let vault = match swap {
        Some(swap) if swap.side == Side::Buy => [1 << 40, (1 << 40) + swap.user_quote],
        Some(swap) => [1 << 40, (1 << 40) - swap.user_quote],
        None => [1 << 40; 2],
    };
    let wsol = Tokens { mint: WSOL_MINT, owner: keys.address, amounts: vault };
    let accounts = vec![
        Touched { address: user, lamports: [before.0, after.0], tokens: None },
        Touched { address: keys.base_account(&user), lamports: [9, 9], tokens: Some(coins) },
        Touched { address: keys.quote_vault, lamports: vault, tokens: Some(wsol) },
    ];
    let error = swap.is_none().then_some(TransactionError::AccountInUse);
    let swaps = swap.map(|swap| event(user, &keys, order, swap)).into_iter().collect();
    Landed { slot, error, fee: FEE, accounts, swaps }
}

fn event(user: Address, keys: &PoolKeys, order: AmmOrder, swap: &Swap) -> SwapEvent {
    let exact_spend = matches!(order, AmmOrder::BuyExactQuoteIn { .. });
    SwapEvent {
        side: swap.side,
        timestamp: 0,
        base: swap.base,
        quote_limit: 0,
        user_base_before: 0,
        user_quote_before: 0,
        pool_base_before: 0,
        pool_quote_before: 0,
        quote: swap.raw_quote,
        lp_rate: swap.fees.rates.lp,
        lp_fee: swap.fees.lp,
        protocol_rate: swap.fees.rates.protocol,
        protocol_fee: swap.fees.protocol,
        quote_beside_lp_fee: 0,
        user_quote: if exact_spend { swap.raw_quote } else { swap.user_quote },
        pool: keys.address,
        user,
        user_base_account: keys.base_account(&user),
        user_quote_account: Address::ZERO,
        protocol_fee_recipient: Address::ZERO,
        protocol_fee_account: Address::ZERO,
        creator: Some(CreatorFees { creator: Address::ZERO, rate: Bps(0), fee: swap.fees.creator }),
        min_base_out: None,
        instruction: None,
        cashback_rate: None,
        cashback: Some(swap.fees.cashback),
        buyback_rate: None,
        buyback_fee: None,
        virtual_quote_before: None,
        can_boost: None,
        base_supply: None,
        holder_reward_rate: None,
        holder_reward: None,
        creator_fees_unswept: None,
        quote_transfer_fee: None,
    }
}
