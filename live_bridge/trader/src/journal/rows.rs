//! The contents of a session's file: bars, decisions, orders.

use crate::host::BarSignals;
use q50_datasets::pool_bars::PoolBar;
use q50_engine::ledger::Account;
use q50_engine::market::{Bar, Column};
use q50_engine::units::{Lamports, TokenAmount};
use q50_engine::venue::pool_path::Reserves;
use q50_executor::order::Size;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// A bar as it closed, and what was known then.
#[derive(Clone, Debug, PartialEq)]
pub struct BarRow {
    /// The bar.
    pub bar: PoolBar,
    /// Its signals.
    pub signals: BarSignals,
    /// When it was seen to have closed, by our clock.
    pub seen_ms: i64,
}

impl BarRow {
    /// The bar as a strategy sees it.
    #[must_use]
    pub fn engine_bar(&self) -> Bar {
        let PoolBar { open_time, open, high, low, close, .. } = self.bar;
        Bar { open_time, open, high, low, close }
    }

    /// Reserves at its close.
    #[must_use]
    pub fn reserves(&self) -> Reserves {
        Reserves { base: TokenAmount(self.bar.reserves.base), quote: Lamports(self.bar.reserves.quote) }
    }
}

/// Signals by the names of their columns.
pub(super) fn named(signals: &BarSignals) -> BTreeMap<&'static str, f64> {
    signals.iter().map(|(column, value)| (column.name(), *value)).collect()
}

/// The columns of such names; none where one is unknown.
pub(super) fn columns(named: &BTreeMap<String, f64>) -> Option<BarSignals> {
    let column = |name: &str| Column::ALL.iter().find(|column| column.name() == name).copied();
    named.iter().map(|(name, value)| Some((column(name)?, *value))).collect()
}

/// An account as it is kept: [`Account`] in SOL.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct AccountRow {
    position: f64,
    cash: f64,
    equity: f64,
    price: f64,
    quote_reserve: Option<f64>,
    average_price: Option<f64>,
    opened_at: Option<i64>,
    /// Unknown in earlier files.
    #[serde(default)]
    realised: f64,
}

impl From<Account> for AccountRow {
    fn from(account: Account) -> Self {
        let Account { position, cash, equity, price, quote_reserve, average_price, opened_at, realised } = account;
        Self { position, cash, equity, price, quote_reserve, average_price, opened_at, realised }
    }
}

impl From<AccountRow> for Account {
    fn from(row: AccountRow) -> Self {
        let AccountRow { position, cash, equity, price, quote_reserve, average_price, opened_at, realised } = row;
        Self { position, cash, equity, price, quote_reserve, average_price, opened_at, realised }
    }
}

/// A decision.
#[derive(Clone, Debug, PartialEq)]
pub struct DecisionRow {
    /// Opening of the bar at whose close it was made.
    pub bar_ms: i64,
    /// The account that it was made on.
    pub account: Account,
    /// Its reason.
    pub reason: String,
    /// What it wants done, in words that tell any two apart; none where it holds.
    pub wants: Option<String>,
    /// What it was made from, as JSON.
    pub explanation: String,
    /// When its signal was there, or no longer waited for, by our clock; none in earlier files.
    pub signal_ms: Option<i64>,
    /// When, by our clock.
    pub decided_ms: i64,
}

/// What is known of an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// It is to be given.
    Wanted,
    /// It was simulated, in a dry run.
    Simulated,
    /// It was filled.
    Filled,
    /// Its transaction landed and failed.
    Failed,
    /// Its transaction never landed.
    Expired,
    /// A guard did not let it through.
    Refused,
    /// It could not be done, and nothing was sent.
    Rejected,
    /// Nobody was there to give it in time.
    Missed,
}

impl State {
    const ALL: [(Self, &'static str); 8] = [
        (Self::Wanted, "wanted"),
        (Self::Simulated, "simulated"),
        (Self::Filled, "filled"),
        (Self::Failed, "failed"),
        (Self::Expired, "expired"),
        (Self::Refused, "refused"),
        (Self::Rejected, "rejected"),
        (Self::Missed, "missed"),
    ];

    /// Its name in files.
    #[must_use]
    pub fn name(self) -> &'static str {
        Self::ALL.iter().find(|(state, _)| *state == self).map_or("wanted", |(_, name)| name)
    }

    pub(super) fn named(name: &str) -> Option<Self> {
        Self::ALL.iter().find(|(_, known)| *known == name).map(|(state, _)| *state)
    }
}

/// What became of an order.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Done {
    /// In a word.
    pub state: State,
    /// Why, where it was not filled.
    pub why: Option<String>,
    /// Its transaction.
    pub signature: Option<String>,
    /// Where it landed.
    pub slot: Option<u64>,
    /// The chain's clock when it was given, epoch milliseconds.
    pub time_ms: Option<i64>,
    /// Whether that can no longer be taken back.
    pub is_final: bool,
    /// Change of the coins held.
    pub base: i64,
    /// Lamports that the swap took (negative) or brought, fees of the pool in.
    pub quote: i64,
    /// Fee of the network.
    pub network_fee: u64,
    /// Lamports put into new accounts.
    pub rent: i64,
    /// Coins quoted before it was sent.
    pub quoted_base: Option<u64>,
    /// Lamports quoted before it was sent.
    pub quoted_quote: Option<u64>,
    /// The slot of the state that it was quoted on.
    pub read_slot: Option<u64>,
    /// Of a fill on paper: the reserves that priced it. On the chain the program says them.
    #[serde(skip)]
    pub filled_at: Option<Reserves>,
    /// From the order until it was quoted and simulated, milliseconds.
    pub to_quote_ms: Option<u64>,
    /// From the order until it was signed.
    pub to_sign_ms: Option<u64>,
    /// From the order to its first send.
    pub to_send_ms: Option<u64>,
    /// From the order to what became of it.
    pub to_settle_ms: Option<u64>,
}

impl Done {
    /// Nothing but a state, and why.
    #[must_use]
    pub fn only(state: State, why: Option<String>) -> Self {
        Self {
            state,
            why,
            signature: None,
            slot: None,
            time_ms: None,
            is_final: true,
            base: 0,
            quote: 0,
            network_fee: 0,
            rent: 0,
            quoted_base: None,
            quoted_quote: None,
            read_slot: None,
            filled_at: None,
            to_quote_ms: None,
            to_sign_ms: None,
            to_send_ms: None,
            to_settle_ms: None,
        }
    }
}

/// An order of the session.
#[derive(Clone, Debug, PartialEq)]
pub struct OrderRow {
    /// Its name in the executor's journal.
    pub key: String,
    /// Opening of the bar that it comes from.
    pub bar_ms: i64,
    /// Why it was given.
    pub reason: String,
    /// How much; none where there was nothing to be ordered.
    pub size: Option<Size>,
    /// When, by our clock.
    pub wanted_ms: i64,
    /// What became of it.
    pub done: Done,
}

impl OrderRow {
    /// The name of a sale between bars, at that time, in the session whose hash begins with `session`.
    #[must_use]
    pub fn key_between_bars(session: &str, time: &str) -> String {
        format!("{session} exit {time}")
    }

    /// Whether it sells what met a level between bars, and comes from no decision.
    #[must_use]
    pub fn is_between_bars(&self) -> bool {
        self.key.contains(" exit ")
    }
}
