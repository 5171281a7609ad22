//! The strategy actor: NautilusTrader's strategy around ours: bars in, orders out, and no rule of its own.

use std::fmt::{Debug, Formatter};

use nautilus_common::actor::DataActor;
use nautilus_model::{
    data::Bar,
    events::{OrderFilled, OrderRejected, PositionClosed},
    identifiers::StrategyId,
    orders::Order,
};
use nautilus_trading::{
    nautilus_strategy,
    strategy::{Strategy, StrategyConfig, StrategyCore},
};

use crate::{
    run_log::RunLog,
    strategy_driver::{EventHandler, Outgoing},
    terms::Terms,
};

/// The actor that NautilusTrader drives.
pub(crate) struct StrategyActor {
    core: StrategyCore,
    handler: Box<dyn EventHandler>,
    terms: Terms,
    log: RunLog,
}

impl StrategyActor {
    pub(crate) fn new(handler: Box<dyn EventHandler>, terms: Terms, log: RunLog) -> Self {
        let config =
            StrategyConfig::builder().strategy_id(StrategyId::from("Q50-001")).order_id_tag("001".to_owned()).build();
        Self { core: StrategyCore::new(config), handler, terms, log }
    }

    fn send(&mut self, outgoing: Option<Outgoing>) -> anyhow::Result<()> {
        let Some(Outgoing { side, quantity, params }) = outgoing else {
            return Ok(());
        };
        let quantity = self.terms.quantity(quantity);
        let order = self.core.order_factory().market(
            self.terms.instrument,
            side,
            quantity,
            None,
            None,
            None,
            None,
            None,
            None,
            None,
        );
        self.handler.sent(order.client_order_id(), params);
        let sent = self.submit_order(order, None, None, None);
        if let Err(error) = &sent {
            self.log.fault(format!("an order of row {} was not sent: {error:#}", params.row));
        }
        sent
    }
}

impl Debug for StrategyActor {
    fn fmt(&self, f: &mut Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("StrategyActor").field("instrument", &self.terms.instrument).finish_non_exhaustive()
    }
}

nautilus_strategy!(StrategyActor, {
    fn on_order_rejected(&mut self, event: OrderRejected) {
        let outgoing = self.handler.rejected(&event);
        // Whatever goes wrong in sending is in the log; this handler has no result.
        let _ = self.send(outgoing);
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
        Ok(())
    }

    fn on_stop(&mut self) -> anyhow::Result<()> {
        self.unsubscribe_bars(self.terms.bars, None, None);
        Ok(())
    }

    fn on_bar(&mut self, bar: &Bar) -> anyhow::Result<()> {
        let outgoing = self.handler.bar(bar.ts_event.as_u64());
        self.send(outgoing)
    }

    fn on_order_filled(&mut self, event: &OrderFilled) -> anyhow::Result<()> {
        let outgoing = self.handler.filled(event);
        self.send(outgoing)
    }
}
