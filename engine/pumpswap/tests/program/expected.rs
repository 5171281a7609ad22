//! What our model says that a trade leaves behind: its amounts, laid out as the program lays them out.

use super::market::Market;
use super::outcome::{Balances, LiquidityEffects, SwapEffects};
use q50_pumpswap::Bps;
use q50_pumpswap::amm::{LiquidityChange, MAYHEM_SUPPLY, Order, Side, Swap, Version};
use q50_pumpswap::chain::{Address, CreatorFees, LiquidityEvent, LiquidityKind, SwapEvent};

impl Market {
    /// What a swap leaves behind.
    pub(super) fn expected_swap(&self, version: Version, order: Order, swap: &Swap) -> SwapEffects {
        let mut balances = self.balances;
        match swap.side {
            Side::Buy => {
                balances.user_base += swap.base;
                balances.user_quote -= swap.user_quote;
            }
            Side::Sell => {
                balances.user_base -= swap.base;
                balances.user_quote += swap.user_quote;
            }
        }
        balances.buyback += swap.fees.buyback;
        // The second version leaves these two in the vault.
        if version == Version::V1 {
            balances.protocol += swap.fees.protocol - swap.fees.buyback;
            balances.creator += swap.fees.creator;
        }
        balances.cashback += swap.fees.cashback;
        SwapEffects { pool: swap.after, balances, event: self.expected_event(version, order, swap) }
    }

    fn expected_event(&self, version: Version, order: Order, swap: &Swap) -> SwapEvent {
        let (pool, fees) = (&self.pool, &swap.fees);
        let (protocol_fee_recipient, protocol_fee_account) = match version {
            Version::V1 => (self.protocol_recipient, self.keys.quote_account(&self.protocol_recipient)),
            Version::V2 => (Address::ZERO, Address::ZERO),
        };
        let (quote_limit, min_base_out) = match order {
            Order::Buy { base_out, max_quote_in } => (max_quote_in, Some(base_out)),
            Order::BuyExactQuoteIn { quote_in, min_base_out } => (quote_in, Some(min_base_out)),
            Order::Sell { min_quote_out, .. } => (min_quote_out, None),
        };
        // An exact spend prints what was to be spent, and what of it crossed the curve.
        let (quote, user_quote) = match order {
            Order::BuyExactQuoteIn { quote_in, .. } => (quote_in, swap.raw_quote),
            Order::Buy { .. } | Order::Sell { .. } => (swap.raw_quote, swap.user_quote),
        };
        // One of the two is printed: the cashback's where one is paid, and else the creator's, paid or not.
        let (creator_rate, cashback_rate) =
            if fees.cashback != 0 { (Bps(0), fees.rates.creator) } else { (fees.rates.creator, Bps(0)) };
        // A reward is the same fee by another name.
        let (reward_rate, reward) = if self.setting.is_holder_reward {
            (fees.rates.creator, fees.creator + fees.cashback)
        } else {
            (Bps(0), 0)
        };
        SwapEvent {
            side: swap.side,
            timestamp: 0,
            base: swap.base,
            quote_limit,
            user_base_before: self.balances.user_base,
            user_quote_before: self.balances.user_quote,
            pool_base_before: pool.base_vault,
            pool_quote_before: pool.quote_vault,
            quote,
            lp_rate: fees.rates.lp,
            lp_fee: fees.lp,
            protocol_rate: fees.rates.protocol,
            protocol_fee: fees.protocol,
            quote_beside_lp_fee: match swap.side {
                Side::Buy => swap.raw_quote + fees.lp,
                Side::Sell => swap.raw_quote - fees.lp,
            },
            user_quote,
            pool: self.keys.address,
            user: self.user,
            user_base_account: self.keys.base_account(&self.user),
            user_quote_account: self.keys.quote_account(&self.user),
            protocol_fee_recipient,
            protocol_fee_account,
            creator: Some(CreatorFees { creator: self.keys.coin_creator, rate: creator_rate, fee: fees.creator }),
            min_base_out,
            instruction: (swap.side == Side::Buy).then(|| instruction(version, order).to_owned()),
            cashback_rate: Some(cashback_rate),
            cashback: Some(fees.cashback),
            buyback_rate: Some(if pool.is_mayhem { Bps(0) } else { self.setting.config.buyback }),
            buyback_fee: Some(fees.buyback),
            virtual_quote_before: Some(pool.virtual_quote),
            can_boost: Some(pool.virtual_quote + i128::from(pool.protocol_fees) + i128::from(pool.creator_fees) != 0),
            base_supply: Some(if pool.is_mayhem { MAYHEM_SUPPLY } else { pool.base_supply }),
            holder_reward_rate: Some(reward_rate),
            holder_reward: Some(reward),
            creator_fees_unswept: Some(swap.after.creator_fees),
            quote_transfer_fee: Some(0),
        }
    }

    /// What a deposit or a withdrawal leaves behind.
    pub(super) fn expected_change(
        &self,
        kind: LiquidityKind,
        shares: u64,
        [base_limit, quote_limit]: [u64; 2],
        change: &LiquidityChange,
    ) -> LiquidityEffects {
        let Balances { user_base, user_quote, .. } = self.balances;
        let after = |before: u64, moved: u64, shares_move: bool| match (kind, shares_move) {
            (LiquidityKind::Deposit, false) | (LiquidityKind::Withdrawal, true) => before - moved,
            (LiquidityKind::Deposit, true) | (LiquidityKind::Withdrawal, false) => before + moved,
        };
        LiquidityEffects {
            pool: change.after,
            user_base: after(user_base, change.base, false),
            user_quote: after(user_quote, change.quote, false),
            user_shares: after(self.shares, shares, true),
            share_supply: after(self.shares, shares, true),
            event: LiquidityEvent {
                kind,
                timestamp: 0,
                shares,
                base_limit,
                quote_limit,
                user_base_before: user_base,
                user_quote_before: user_quote,
                pool_base_before: self.pool.base_vault,
                pool_quote_before: self.pool.quote_vault,
                base: change.base,
                quote: change.quote,
                // Not the mint's supply, which burns reduce: the pool's own count.
                lp_mint_supply: self.pool.lp_supply,
                pool: self.keys.address,
                user: self.user,
                user_base_account: self.keys.base_account(&self.user),
                user_quote_account: self.keys.quote_account(&self.user),
                user_share_account: self.liquidity().share_account(),
                quote_transfer_fee: Some(0),
            },
        }
    }
}

/// The instruction's name; the program prints it with buys.
pub fn instruction(version: Version, order: Order) -> &'static str {
    match (version, order) {
        (Version::V1, Order::Buy { .. }) => "buy",
        (Version::V1, Order::BuyExactQuoteIn { .. }) => "buy_exact_quote_in",
        (Version::V1, Order::Sell { .. }) => "sell",
        (Version::V2, Order::Buy { .. }) => "buy_v2",
        (Version::V2, Order::BuyExactQuoteIn { .. }) => "buy_exact_quote_in_v2",
        (Version::V2, Order::Sell { .. }) => "sell_v2",
    }
}
