//! The strategy actor: NautilusTrader's strategy around ours. Bars and events in, orders out, and no rule of its own.

use std::{
    collections::HashMap,
    fmt::{Debug, Formatter},
};

use nautilus_common::{
    actor::DataActor,
    messages::execution::{CancelAllOrders, CancelOrder, TradingCommand},
    runner::get_trading_cmd_sender,
};
use nautilus_core::{UUID4, UnixNanos};
use nautilus_model::{
    data::{Bar, InstrumentClose},
    enums::{ContingencyType, OrderSide, TimeInForce, TriggerType},
    events::{OrderAccepted, OrderCanceled, OrderExpired, OrderFilled, OrderRejected, PositionClosed},
    identifiers::{ClientOrderId, StrategyId, TraderId},
    orders::{LimitOrder, MarketOrder, Order, OrderAny, StopMarketOrder},
    types::Price,
};
use nautilus_trading::{
    nautilus_strategy,
    strategy::{Strategy, StrategyConfig, StrategyCore},
};
use q50_engine::orders::OrderId;

use crate::{
    run_log::RunLog,
    strategy_driver::{Command, EventHandler, Heard, NewOrder, OrderType},
    terms::Terms,
};

/// The actor that NautilusTrader drives.
pub(crate) struct StrategyActor {
    core: StrategyCore,
    id: StrategyId,
    trader: TraderId,
    handler: Box<dyn EventHandler>,
    terms: Terms,
    log: RunLog,
    /// The names of placed orders, which exist before both orders of a pair do.
    names: HashMap<OrderId, ClientOrderId>,
}

impl StrategyActor {
    /// The actor of instrument `i`.
    pub(crate) fn new(i: usize, trader: TraderId, handler: Box<dyn EventHandler>, terms: Terms, log: RunLog) -> Self {
        let tag = format!("{:03}", i + 1);
        let id = StrategyId::from(format!("Q50-{tag}").as_str());
        let config = StrategyConfig::builder().strategy_id(id).order_id_tag(tag).build();
        Self { core: StrategyCore::new(config), id, trader, handler, terms, log, names: HashMap::new() }
    }

    fn carry_out(&mut self, commands: Vec<Command>) {
        for command in commands {
            match command {
                Command::Submit(order) => self.submit(order),
                Command::Cancel(id) => {
                    let name = self.name(id);
                    let cancel = CancelOrder::new(
                        self.trader,
                        None,
                        self.id,
                        self.terms.instrument,
                        name,
                        None,
                        UUID4::new(),
                        self.now(),
                        None,
                    );
                    // Not `Strategy::cancel_order`, which does nothing while the order is on its way.
                    get_trading_cmd_sender().execute(TradingCommand::CancelOrder(cancel));
                }
                Command::CancelAll => {
                    let cancel = CancelAllOrders::new(
                        self.trader,
                        None,
                        self.id,
                        self.terms.instrument,
                        OrderSide::NoOrderSide,
                        UUID4::new(),
                        self.now(),
                        None,
                    );
                    get_trading_cmd_sender().execute(TradingCommand::CancelAllOrders(cancel));
                }
            }
        }
    }

    fn now(&mut self) -> UnixNanos {
        self.core.clock().timestamp_ns()
    }

    fn name(&mut self, id: OrderId) -> ClientOrderId {
        let factory = self.core.order_factory();
        *self.names.entry(id).or_insert_with(|| factory.generate_client_order_id())
    }

    fn submit(&mut self, order: NewOrder) {
        let name = match order.number {
            Some(number) => self.name(number),
            None => self.core.order_factory().generate_client_order_id(),
        };
        let native = self.native(name, &order);
        self.log.send(name, order.params);
        let sent = native.and_then(|native| self.submit_order(native, None, None, None));
        if let Err(error) = sent {
            self.log.fault(format!("an order of row {} was not sent: {error:#}", order.params.row));
        }
    }

    /// The order as one of NautilusTrader's own.
    fn native(&mut self, name: ClientOrderId, order: &NewOrder) -> anyhow::Result<OrderAny> {
        let (quantity, instrument, side) = (self.terms.quantity(order.quantity), self.terms.instrument, order.side);
        let other = order.other.map(|other| self.name(other));
        let (contingency, linked) = (other.map(|_| ContingencyType::Oco), other.map(|other| vec![other]));
        let now = self.now();
        let (level, is_limit) = match order.order_type {
            OrderType::Market => {
                return Ok(OrderAny::Market(MarketOrder::new_checked(
                    self.trader,
                    self.id,
                    instrument,
                    name,
                    side,
                    quantity,
                    TimeInForce::Gtc,
                    UUID4::new(),
                    now,
                    order.reduce_only,
                    false,
                    contingency,
                    None,
                    linked,
                    None,
                    None,
                    None,
                    None,
                    None,
                )?));
            }
            OrderType::Limit(level) => (level, true),
            OrderType::Stop(level) => (level, false),
        };
        anyhow::ensure!(!level.is_nan(), "its price is no number");
        let price: Price = self.terms.price(level);
        let expires = order.expires.map(|ms| UnixNanos::from((ms.max(0) as u64 * 1_000_000).max(1)));
        let in_force = if expires.is_some() { TimeInForce::Gtd } else { TimeInForce::Gtc };
        // NautilusTrader locks balances for an order that rests and may open a position, adds them up as floats, and
        // panics where total, locked and free do not match to the last digit. So it is told that none may; what does is
        // the exchange's to know, from the request.
        let reduce_only = true;
        Ok(if is_limit {
            OrderAny::Limit(LimitOrder::new_checked(
                self.trader,
                self.id,
                instrument,
                name,
                side,
                quantity,
                price,
                in_force,
                expires,
                false,
                reduce_only,
                false,
                None,
                None,
                None,
                contingency,
                None,
                linked,
                None,
                None,
                None,
                None,
                None,
                UUID4::new(),
                now,
            )?)
        } else {
            OrderAny::StopMarket(StopMarketOrder::new_checked(
                self.trader,
                self.id,
                instrument,
                name,
                side,
                quantity,
                price,
                TriggerType::LastPrice,
                in_force,
                expires,
                reduce_only,
                false,
                None,
                None,
                None,
                contingency,
                None,
                linked,
                None,
                None,
                None,
                None,
                None,
                UUID4::new(),
                now,
            )?)
        })
    }

    fn hear(&mut self, name: ClientOrderId, at: UnixNanos, what: &Heard<'_>) {
        let commands = self.handler.order_event(name, at, what);
        self.carry_out(commands);
    }
}

impl Debug for StrategyActor {
    fn fmt(&self, f: &mut Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("StrategyActor").field("instrument", &self.terms.instrument).finish_non_exhaustive()
    }
}

nautilus_strategy!(StrategyActor, {
    fn on_order_accepted(&mut self, event: OrderAccepted) {
        self.hear(event.client_order_id, event.ts_event, &Heard::Accepted);
    }

    fn on_order_rejected(&mut self, event: OrderRejected) {
        self.hear(event.client_order_id, event.ts_event, &Heard::Rejected(event.reason.as_str()));
    }

    fn on_order_expired(&mut self, event: OrderExpired) {
        self.hear(event.client_order_id, event.ts_event, &Heard::Expired);
    }

    fn on_position_closed(&mut self, event: PositionClosed) {
        let position = self.cache().position_owned(&event.position_id);
        match position {
            Some(position) => self.log.write(|results| results.closed.push(position)),
            None => self.log.fault(format!("position {} was closed and is not in the cache", event.position_id)),
        }
    }
});

impl DataActor for StrategyActor {
    fn on_start(&mut self) -> anyhow::Result<()> {
        self.subscribe_bars(self.terms.bars, None, None);
        self.subscribe_instrument_close(self.terms.instrument, None, None);
        Ok(())
    }

    fn on_stop(&mut self) -> anyhow::Result<()> {
        self.unsubscribe_bars(self.terms.bars, None, None);
        self.unsubscribe_instrument_close(self.terms.instrument, None, None);
        Ok(())
    }

    fn on_bar(&mut self, bar: &Bar) -> anyhow::Result<()> {
        let commands = self.handler.bar(bar.ts_event.as_u64());
        self.carry_out(commands);
        Ok(())
    }

    fn on_instrument_close(&mut self, close: &InstrumentClose) -> anyhow::Result<()> {
        let commands = self.handler.close(close.ts_event.as_u64());
        self.carry_out(commands);
        Ok(())
    }

    fn on_order_filled(&mut self, event: &OrderFilled) -> anyhow::Result<()> {
        let whole = self.cache().order(&event.client_order_id).is_some_and(|order| order.is_closed());
        self.hear(event.client_order_id, event.ts_event, &Heard::Filled(event, whole));
        Ok(())
    }

    fn on_order_canceled(&mut self, event: &OrderCanceled) -> anyhow::Result<()> {
        self.hear(event.client_order_id, event.ts_event, &Heard::Cancelled);
        Ok(())
    }
}
