//! Upper bounds of an order, each a share of equity.

use serde::{Deserialize, Serialize};

use super::SizingConfig;
use crate::{ledger::Account, strategy::side::Side};

/// What `max_position` bounds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CapScope {
    /// The position after the order.
    #[default]
    Total,
    /// Each order. Legacy: repeated orders pyramid to the whole equity.
    PerOrder,
}

/// The bound that decided a size.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BindingCap {
    /// No cap: the method asked for less than all of them.
    Unbound,
    /// The largest position, or the largest order.
    MaxPosition,
    /// The cash, less the reserve.
    Cash,
    /// The share of the pool.
    PoolShare,
    /// What may be lost at the stop.
    Heat,
}

impl BindingCap {
    /// The cap's name in tables.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Unbound => "none",
            Self::MaxPosition => "max_position",
            Self::Cash => "cash",
            Self::PoolShare => "pool_share",
            Self::Heat => "max_heat",
        }
    }
}

/// Every cap of one order, shares of equity; `None` where a cap does not apply.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Caps {
    /// Room below the largest position, or the largest order.
    pub max_position: f64,
    /// What the cash pays for; a short sale needs none.
    pub cash: Option<f64>,
    /// The share of the pool's quote reserve.
    pub pool_share: Option<f64>,
    /// Room below what may be lost at the stop.
    pub heat: Option<f64>,
}

impl Caps {
    /// The caps of an order in the direction `side`, whose stop is at `stop_distance`, a fraction of the price. Without a stop
    /// the whole position is at risk.
    #[must_use]
    #[inline]
    pub(super) fn of(config: &SizingConfig, side: Side, account: &Account, stop_distance: Option<f64>) -> Self {
        let held = match side {
            Side::Long => account.exposure(),
            Side::Short => -account.exposure(),
        };
        let share_of_equity = |amount: f64| if account.equity > 0.0 { amount / account.equity } else { 0.0 };
        let max_position = match config.cap_scope {
            CapScope::Total => config.max_position.get() - held.max(0.0),
            CapScope::PerOrder => config.max_position.get(),
        };
        // What is owed is bought back first, which frees what it binds: margin, or the proceeds of a sale.
        let cash = if account.position < 0.0 { account.equity } else { account.cash };
        let spendable = (cash - config.fee_reserve).max(0.0) * config.cash_share.get();
        Self {
            max_position,
            cash: (side == Side::Long).then(|| share_of_equity(spendable)),
            pool_share: account.quote_reserve.map(|reserve| share_of_equity(reserve * config.pool_share.get())),
            heat: config.max_heat.map(|most| most.get() / stop_distance.unwrap_or(1.0) - held.max(0.0)),
        }
    }

    /// The smallest cap and its name.
    #[must_use]
    #[inline]
    pub fn smallest(&self) -> (BindingCap, f64) {
        [(BindingCap::Cash, self.cash), (BindingCap::PoolShare, self.pool_share), (BindingCap::Heat, self.heat)]
            .into_iter()
            .filter_map(|(name, cap)| cap.map(|value| (name, value)))
            .fold((BindingCap::MaxPosition, self.max_position), |least, cap| if cap.1 < least.1 { cap } else { least })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::units::Fraction;

    fn config(cap_scope: CapScope) -> SizingConfig {
        SizingConfig { cap_scope, max_position: Fraction::new(0.3), ..SizingConfig::default() }
    }

    fn half_invested() -> Account {
        Account {
            position: 0.2,
            cash: 80.0,
            equity: 100.0,
            price: 100.0,
            quote_reserve: None,
            average_price: Some(100.0),
            opened_at: Some(0),
            realised: 0.0,
        }
    }

    #[test]
    fn a_total_cap_leaves_the_room_that_the_position_has_not_used() {
        let caps = Caps::of(&config(CapScope::Total), Side::Long, &half_invested(), None);
        assert!((caps.max_position - 0.1).abs() < 1e-15);
        assert_eq!(caps.smallest().0, BindingCap::MaxPosition);
    }

    #[test]
    fn the_legacy_cap_forgets_the_position() {
        let caps = Caps::of(&config(CapScope::PerOrder), Side::Long, &half_invested(), None);
        assert_eq!(caps.max_position, 0.3);
    }

    #[test]
    fn what_a_turn_closes_first_frees_its_cash() {
        let turn = |cash| Account { position: -0.9, cash, ..half_invested() };
        let config = SizingConfig { fee_reserve: 10.0, ..config(CapScope::Total) };
        // Of margin that is bound only a tenth is free, of a free short sale its proceeds are there as well.
        for cash in [10.0, 190.0] {
            assert_eq!(Caps::of(&config, Side::Long, &turn(cash), None).cash, Some(0.9));
        }
        assert_eq!(Caps::of(&config, Side::Long, &half_invested(), None).cash, Some(0.7));
    }

    #[test]
    fn a_small_pool_binds_first() {
        let account = Account { quote_reserve: Some(0.02), ..half_invested() };
        let caps = Caps::of(&config(CapScope::Total), Side::Long, &account, None);
        let (name, value) = caps.smallest();
        assert_eq!(name, BindingCap::PoolShare);
        assert!((value - 0.00005).abs() < 1e-18, "a quarter of 0.02 of an equity of 100");
    }
}
