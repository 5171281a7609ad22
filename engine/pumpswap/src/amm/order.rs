//! The order: what to trade, and through which generation of the instructions.

/// Which generation of the program's instructions carries the order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Version {
    /// `buy`, `buy_exact_quote_in`, `sell`: fees are paid out in the trade.
    #[default]
    V1,
    /// `buy_v2`, `buy_exact_quote_in_v2`, `sell_v2`: fees stay in the vault until swept; no cashback coins.
    V2,
}

/// Direction of a trade, as the user sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Side {
    /// Quote for base.
    Buy,
    /// Base for quote.
    Sell,
}

/// What to trade, and the price at which not to. Amounts in the smallest unit of their mint.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Order {
    /// Instruction `buy`.
    Buy {
        /// Base to receive, exactly.
        base_out: u64,
        /// Most quote to pay, fees included.
        max_quote_in: u64,
    },
    /// Instruction `buy_exact_quote_in`.
    BuyExactQuoteIn {
        /// Quote to spend, fees included; a few units may be left over.
        quote_in: u64,
        /// Least base to receive; the program wants at least 1.
        min_base_out: u64,
    },
    /// Instruction `sell`.
    Sell {
        /// Base to give, exactly.
        base_in: u64,
        /// Least quote to receive, fees taken.
        min_quote_out: u64,
    },
}

impl Order {
    /// Buys exactly `base_out`, at any price.
    #[must_use]
    pub const fn buy(base_out: u64) -> Self {
        Self::Buy { base_out, max_quote_in: u64::MAX }
    }

    /// Spends at most `quote_in`, at any price.
    #[must_use]
    #[inline]
    pub const fn spend(quote_in: u64) -> Self {
        Self::BuyExactQuoteIn { quote_in, min_base_out: 1 }
    }

    /// Sells exactly `base_in`, at any price.
    #[must_use]
    #[inline]
    pub const fn sell(base_in: u64) -> Self {
        Self::Sell { base_in, min_quote_out: 0 }
    }
}
