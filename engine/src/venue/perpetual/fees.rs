//! What a fill costs beside its notional.

use serde::{Deserialize, Serialize};

use crate::units::Fraction;

/// Fee of a taker on Binance's USDⓈ-M futures without discounts.
pub const DEFAULT_TAKER: Fraction = Fraction::new(0.0004);
/// Fee of a maker there.
pub const DEFAULT_MAKER: Fraction = Fraction::new(0.0002);

/// Who waited: an order at the market takes, and a target that rests is taken.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// An order at the market, or a stop that has become one.
    #[default]
    Taker,
    /// A target that rests at its price.
    Maker,
}
