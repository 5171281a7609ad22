//! An order: a coin, an amount, and the largest slippage from the quote.

use q50_engine::units::{Bps, Lamports};
use q50_pumpswap::amm::{AmmConfig, AmmError};
use q50_pumpswap::amm::{Order as AmmOrder, PoolState, Side, Swap, Version, max_in, min_out};
use q50_pumpswap::chain::Address;
use serde::{Deserialize, Serialize};
use std::fmt;

/// How much.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Size {
    /// Spend this many lamports, fees of the pool in.
    Spend(Lamports),
    /// Buy exactly this much, in the coin's smallest unit.
    Buy(u64),
    /// Sell exactly this much, in the coin's smallest unit.
    Sell(u64),
}

/// An order for the canonical SOL pool of a coin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Order {
    /// The coin.
    pub mint: Address,
    /// How much.
    pub size: Size,
    /// How much worse than quoted it may be filled. The bound goes on chain, and nothing widens it.
    pub slippage: Bps,
}

/// An order as the pool quotes it, with its bound on chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quoted {
    /// What the instruction says.
    pub order: AmmOrder,
    /// What it would do to the pool as it was read.
    pub swap: Swap,
}

impl fmt::Display for Order {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { mint, size, slippage } = self;
        match size {
            Size::Spend(lamports) => write!(f, "{} lamports spent on {mint}", lamports.0)?,
            Size::Buy(amount) => write!(f, "{amount} of {mint} bought")?,
            Size::Sell(amount) => write!(f, "{amount} of {mint} sold")?,
        }
        write!(f, " at up to {} basis points worse", slippage.0)
    }
}

impl Order {
    /// Whether it buys or sells.
    #[must_use]
    pub fn side(&self) -> Side {
        match self.size {
            Size::Spend(_) | Size::Buy(_) => Side::Buy,
            Size::Sell(_) => Side::Sell,
        }
    }

    /// Quotes it on a pool, exactly.
    ///
    /// # Errors
    /// [`AmmError`], as the program would fail.
    pub fn quote(&self, pool: &PoolState, config: &AmmConfig) -> Result<Quoted, AmmError> {
        let unbounded = match self.size {
            Size::Spend(lamports) => AmmOrder::spend(lamports.0),
            Size::Buy(amount) => AmmOrder::buy(amount),
            Size::Sell(amount) => AmmOrder::sell(amount),
        };
        let swap = pool.swap(config, Version::V1, unbounded)?;
        let order = match self.size {
            // The program refuses a minimum of zero.
            Size::Spend(lamports) => AmmOrder::BuyExactQuoteIn {
                quote_in: lamports.0,
                min_base_out: min_out(swap.base, self.slippage).max(1),
            },
            Size::Buy(base_out) => AmmOrder::Buy { base_out, max_quote_in: max_in(swap.user_quote, self.slippage) },
            Size::Sell(base_in) => AmmOrder::Sell { base_in, min_quote_out: min_out(swap.user_quote, self.slippage) },
        };
        Ok(Quoted { order, swap })
    }
}

impl Quoted {
    /// Most lamports that the swap may take from the user: none where he sells.
    #[must_use]
    pub fn most_quote_in(&self) -> Lamports {
        Lamports(match self.order {
            AmmOrder::Buy { max_quote_in, .. } => max_quote_in,
            AmmOrder::BuyExactQuoteIn { quote_in, .. } => quote_in,
            AmmOrder::Sell { .. } => 0,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn quoted(size: Size) -> Quoted {
        // 206.9 million tokens of six decimals against 84.99 SOL: the engine's own example.
        let pool = PoolState::new(206_900_000_000_000, 84_990_359_078);
        Order { mint: Address([1; 32]), size, slippage: Bps(100) }.quote(&pool, &AmmConfig::default()).unwrap()
    }

    #[test]
    fn the_bound_on_chain_is_the_quote_and_the_tolerance_and_nothing_else() {
        let buy = quoted(Size::Buy(1_000_000_000_000));
        assert_eq!(buy.swap.user_quote, 417_934_622);
        // 417,934,622 · 1.01 = 422,113,968.22
        assert_eq!(buy.order, AmmOrder::Buy { base_out: 1_000_000_000_000, max_quote_in: 422_113_968 });
        assert_eq!(buy.most_quote_in(), Lamports(422_113_968));
        let spend = quoted(Size::Spend(Lamports(1_000_000_000)));
        let least = spend.swap.base / 100 * 99 + spend.swap.base % 100 * 99 / 100;
        assert_eq!(spend.order, AmmOrder::BuyExactQuoteIn { quote_in: 1_000_000_000, min_base_out: least });
        let sell = quoted(Size::Sell(1_000_000_000_000));
        let least = u64::try_from(u128::from(sell.swap.user_quote) * 99 / 100).unwrap();
        assert_eq!(sell.order, AmmOrder::Sell { base_in: 1_000_000_000_000, min_quote_out: least });
        assert_eq!(sell.most_quote_in(), Lamports(0));
    }

    #[test]
    fn a_spend_never_accepts_nothing() {
        let all = Order { mint: Address([1; 32]), size: Size::Spend(Lamports(1_000)), slippage: Bps(10_000) };
        let pool = PoolState::new(206_900_000_000_000, 84_990_359_078);
        let quoted = all.quote(&pool, &AmmConfig::default()).unwrap();
        assert_eq!(quoted.order, AmmOrder::BuyExactQuoteIn { quote_in: 1_000, min_base_out: 1 });
    }
}
