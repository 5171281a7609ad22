//! Fills and positions with the columns of NautilusTrader's own reports.
//!
//! Columns have the names and the order of `ReportProvider.generate_fills_report` and `generate_positions_report` of the
//! Python package, less `event_id` and `info`: the first is random, the second empty. Sides and types are its names in
//! capitals, times are nanoseconds. Quantities and prices are those of one whole unit of base on a price venue and of one
//! smallest unit on a pool, not of the run's internal unit.

use nautilus_model::{events::OrderFilled, position::Position, types::Money};

use crate::{scale::money, terms::Terms};

/// One row of the fills report.
#[derive(Clone, Debug, PartialEq)]
pub struct FillReport {
    /// Order, as the trader named it.
    pub client_order_id: String,
    /// Trader.
    pub trader_id: String,
    /// Strategy.
    pub strategy_id: String,
    /// Instrument and venue.
    pub instrument_id: String,
    /// Order, as the venue named it.
    pub venue_order_id: String,
    /// Account.
    pub account_id: String,
    /// Fill, as the venue named it.
    pub trade_id: String,
    /// Position.
    pub position_id: String,
    /// `BUY` or `SELL`.
    pub order_side: String,
    /// `MARKET`.
    pub order_type: String,
    /// Base.
    pub last_qty: f64,
    /// Quote for one unit of base.
    pub last_px: f64,
    /// Quote currency.
    pub currency: String,
    /// `TAKER`.
    pub liquidity_side: String,
    /// Amount and currency, as NautilusTrader writes money.
    pub commission: String,
    /// Nanoseconds at which the order landed.
    pub ts_event: u64,
    /// Nanoseconds at which NautilusTrader heard of it.
    pub ts_init: u64,
    /// Whether the fill was found by reconciliation; never in a backtest.
    pub reconciliation: bool,
}

impl FillReport {
    pub(crate) fn new(event: &OrderFilled, terms: &Terms) -> Self {
        Self {
            client_order_id: event.client_order_id.to_string(),
            trader_id: event.trader_id.to_string(),
            strategy_id: event.strategy_id.to_string(),
            instrument_id: event.instrument_id.to_string(),
            venue_order_id: event.venue_order_id.to_string(),
            account_id: event.account_id.to_string(),
            trade_id: event.trade_id.to_string(),
            position_id: event.position_id.map_or_else(String::new, |id| id.to_string()),
            order_side: event.order_side.to_string(),
            order_type: event.order_type.to_string(),
            last_qty: terms.scale.units(event.last_qty.raw as i128),
            last_px: terms.scale.price(event.last_px.raw),
            currency: event.currency.to_string(),
            liquidity_side: event.liquidity_side.to_string(),
            commission: event.commission.map_or_else(String::new, |money| money.to_string()),
            ts_event: event.ts_event.as_u64(),
            ts_init: event.ts_init.as_u64(),
            reconciliation: event.reconciliation,
        }
    }
}

/// One row of the positions report: each closed position, and the open one last.
#[derive(Clone, Debug, PartialEq)]
pub struct PositionReport {
    /// Position. A netting venue gives every position of a strategy in an instrument the same name.
    pub position_id: String,
    /// Trader.
    pub trader_id: String,
    /// Strategy.
    pub strategy_id: String,
    /// Instrument and venue.
    pub instrument_id: String,
    /// Account.
    pub account_id: String,
    /// Order that opened it.
    pub opening_order_id: String,
    /// Order that closed it.
    pub closing_order_id: Option<String>,
    /// `BUY` or `SELL`.
    pub entry: String,
    /// `LONG`, `SHORT` or `FLAT`.
    pub side: String,
    /// Base that is held.
    pub quantity: f64,
    /// Most base that was held.
    pub peak_qty: f64,
    /// Nanoseconds.
    pub ts_init: u64,
    /// Nanoseconds.
    pub ts_opened: u64,
    /// Nanoseconds.
    pub ts_last: u64,
    /// Nanoseconds.
    pub ts_closed: Option<u64>,
    /// Nanoseconds from opening to closing; 0 while open.
    pub duration_ns: u64,
    /// Quote for one unit of base.
    pub avg_px_open: f64,
    /// Quote for one unit of base.
    pub avg_px_close: Option<f64>,
    /// Amounts and currencies.
    pub commissions: Vec<String>,
    /// A fraction.
    pub realized_return: f64,
    /// Quote units, commissions deducted.
    pub realized_pnl: Option<f64>,
}

impl PositionReport {
    pub(crate) fn new(position: &Position, terms: &Terms) -> Self {
        let one = terms.scale.price(10_i128.pow(16));
        Self {
            position_id: position.id.to_string(),
            trader_id: position.trader_id.to_string(),
            strategy_id: position.strategy_id.to_string(),
            instrument_id: position.instrument_id.to_string(),
            account_id: position.account_id.to_string(),
            opening_order_id: position.opening_order_id.to_string(),
            closing_order_id: position.closing_order_id.map(|id| id.to_string()),
            entry: position.entry.to_string(),
            side: position.side.to_string(),
            quantity: terms.scale.units(position.quantity.raw as i128),
            peak_qty: terms.scale.units(position.peak_qty.raw as i128),
            ts_init: position.ts_init.as_u64(),
            ts_opened: position.ts_opened.as_u64(),
            ts_last: position.ts_last.as_u64(),
            ts_closed: position.ts_closed.map(|ns| ns.as_u64()),
            duration_ns: position.duration_ns,
            avg_px_open: position.avg_px_open * one,
            avg_px_close: position.avg_px_close.map(|price| price * one),
            commissions: position.commissions.values().map(Money::to_string).collect(),
            realized_return: position.realized_return,
            realized_pnl: position.realized_pnl.map(|pnl| money(pnl.raw)),
        }
    }
}
