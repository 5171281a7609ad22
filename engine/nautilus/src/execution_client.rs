//! The execution client that replaces the venue's default one in NautilusTrader.

use std::rc::Rc;

use nautilus_common::{
    clients::ExecutionClient,
    messages::execution::{CancelAllOrders, CancelOrder, SubmitOrder},
    msgbus::{self, MessagingSwitchboard},
};
use nautilus_core::UnixNanos;
use nautilus_model::{
    accounts::AccountAny,
    enums::OmsType,
    identifiers::{AccountId, ClientId, Venue as VenueId},
    types::{AccountBalance, MarginBalance},
};
use q50_engine::venue::Venue;

use crate::{books::MirroredLedger, exchange::SimulatedExchange};

/// The client that NautilusTrader's execution engine knows.
pub(crate) struct VenueClient<V: Venue>
where
    V::Ledger: MirroredLedger,
{
    exchange: Rc<SimulatedExchange<V>>,
    connected: bool,
}

impl<V: Venue> VenueClient<V>
where
    V::Ledger: MirroredLedger,
{
    pub(crate) fn new(exchange: Rc<SimulatedExchange<V>>) -> Self {
        Self { exchange, connected: false }
    }
}

impl<V: Venue + 'static> ExecutionClient for VenueClient<V>
where
    V::Ledger: MirroredLedger,
{
    fn is_connected(&self) -> bool {
        self.connected
    }

    fn client_id(&self) -> ClientId {
        self.exchange.instrument(0).terms.client
    }

    fn account_id(&self) -> AccountId {
        self.exchange.instrument(0).terms.account
    }

    fn venue(&self) -> VenueId {
        self.exchange.instrument(0).terms.venue
    }

    fn oms_type(&self) -> OmsType {
        OmsType::Netting
    }

    fn get_account(&self) -> Option<AccountAny> {
        self.exchange.cache.borrow().account_owned(&self.account_id())
    }

    fn generate_account_state(
        &self,
        balances: Vec<AccountBalance>,
        margins: Vec<MarginBalance>,
        reported: bool,
        ts_event: UnixNanos,
    ) -> anyhow::Result<()> {
        let state =
            self.exchange.events.generate_account_state(balances, margins, reported, ts_event, self.exchange.now());
        msgbus::send_account_state(MessagingSwitchboard::portfolio_update_account(), &state);
        Ok(())
    }

    fn start(&mut self) -> anyhow::Result<()> {
        self.connected = true;
        Ok(())
    }

    fn stop(&mut self) -> anyhow::Result<()> {
        self.connected = false;
        Ok(())
    }

    fn submit_order(&self, cmd: SubmitOrder) -> anyhow::Result<()> {
        self.exchange.submit(cmd.client_order_id, cmd.instrument_id);
        Ok(())
    }

    fn cancel_order(&self, cmd: CancelOrder) -> anyhow::Result<()> {
        self.exchange.cancel(cmd.client_order_id, cmd.instrument_id);
        Ok(())
    }

    fn cancel_all_orders(&self, cmd: CancelAllOrders) -> anyhow::Result<()> {
        self.exchange.cancel_all(cmd.instrument_id);
        Ok(())
    }
}
