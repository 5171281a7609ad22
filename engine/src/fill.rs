//! A venue's answer: a fill with its amounts and costs, or a rejection with its reason.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::{
    limits::Limit,
    units::{Lamports, TokenAmount},
};

/// Direction of a fill.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FillSide {
    /// Base came in.
    Buy,
    /// Base went out.
    Sell,
}

/// An executed order.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Fill {
    /// Row of the bar in which it happened.
    pub row: usize,
    /// Epoch milliseconds at which the order landed. Inside the bar where there is latency; a resting exit has the open.
    pub time: i64,
    /// Direction.
    pub side: FillSide,
    /// Units of base, positive.
    pub units: f64,
    /// Price per unit, half the spread included.
    pub price: f64,
    /// Units times price, in quote currency.
    pub notional: f64,
    /// Fee in quote currency, beside the notional.
    pub cost: f64,
    /// Quote currency lost to the spread, and on a perpetual future to slippage; already inside `price`. Of a liquidation
    /// what closing at the mark price would have left of the margin.
    pub spread_cost: f64,
    /// The exact amounts, where the venue is a pool.
    pub pool: Option<PoolCosts>,
}

impl Fill {
    /// The mid price that the fill is worse than by its [`Fill::spread_cost`].
    #[must_use]
    pub fn mid(&self) -> f64 {
        let lost = self.spread_cost / self.units;
        match self.side {
            FillSide::Buy => self.price - lost,
            FillSide::Sell => self.price + lost,
        }
    }
}

/// What a fill in a pool moved and cost. The fees and the network are in [`Fill::cost`], impact and sandwich are in the
/// amounts.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PoolCosts {
    /// Tokens that came in or went out.
    pub tokens: TokenAmount,
    /// Quote that went out or came in, fees of the pool included.
    pub quote: Lamports,
    /// To the liquidity providers.
    pub lp: Lamports,
    /// To the protocol.
    pub protocol: Lamports,
    /// To the coin's creator.
    pub creator: Lamports,
    /// To the network.
    pub network: Lamports,
    /// Worse than the price before the trade because of the trade itself, SOL.
    pub impact: f64,
    /// Taken by a sandwich, SOL.
    pub sandwich: f64,
}

/// Why an order was not filled. The position is unchanged, and so is the cash but for what the network was paid.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Rejection {
    /// The budget buys less than one lot.
    BelowLot,
    /// There is no cash.
    NoCash,
    /// There is no position to close.
    NoPosition,
    /// This venue has no short side.
    NoShorting,
    /// The last bar has been reached before the order could land.
    NoNextBar,
    /// Another order is on its way.
    InFlight,
    /// The transaction failed; the network was paid.
    TransactionFailed,
    /// The pool's program refused, with its own error number. The network was paid where the order had been sent, and was
    /// not where the quote at the decision was refused.
    Program(u32),
    /// This venue does not take such orders.
    Unsupported,
    /// Opening needs more margin than there is free cash.
    InsufficientMargin,
    /// The tier of the position that it would make does not permit the leverage.
    LeverageOfTier,
    /// What the order would lose to slippage is unknown: too few bars before it, or none of them had volume.
    Unpriced,
    /// A limit of the account leaves nothing of the entry.
    Limit(Limit),
}

/// Its word in tables and in the events of orders: `below_lot`, `program:6004`.
impl fmt::Display for Rejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::BelowLot => "below_lot",
            Self::NoCash => "no_cash",
            Self::NoPosition => "no_position",
            Self::NoShorting => "no_shorting",
            Self::NoNextBar => "no_next_bar",
            Self::InFlight => "in_flight",
            Self::TransactionFailed => "transaction_failed",
            Self::Program(code) => return write!(f, "program:{code}"),
            Self::Unsupported => "unsupported",
            Self::InsufficientMargin => "insufficient_margin",
            Self::LeverageOfTier => "leverage_of_tier",
            Self::Unpriced => "unpriced",
            Self::Limit(limit) => return write!(f, "limit:{}", limit.name()),
        })
    }
}
