//! Where orders go: nowhere, to a quote on the live state, or to the chain.

use crate::books::Books;
use crate::journal::{Done, State};
use q50_engine::units::{Lamports, TokenAmount};
use q50_engine::venue::PumpSwapConfig;
use q50_engine::venue::pool_path::Reserves;
use q50_executor::clock::{Clock, SystemClock};
use q50_executor::executor::{Executor, ExecutorError, Report};
use q50_executor::guards::{ExitReason, ExitRules, Guards, KillSwitch, Standing};
use q50_executor::journal::{JournalError, OrderState, Outcome, Position};
use q50_executor::market::MarketError;
use q50_executor::order::{Order, Quoted};
use q50_executor::plan::{self, Rejection};
use q50_executor::rpc::{Class, Client};
use q50_pumpswap::chain::Address;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;
use thiserror::Error;

/// An order of which nothing more is known.
#[derive(Debug, Error)]
pub enum ExecutionError {
    /// The executor stops.
    #[error(transparent)]
    Executor(#[from] ExecutorError),
    /// Its journal.
    #[error("journal: {0}")]
    Journal(#[from] JournalError),
    /// What the wallet holds cannot be read.
    #[error(transparent)]
    Market(#[from] MarketError),
}

/// Orders as the executor knows them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Known {
    /// Its journal.
    pub file: PathBuf,
    /// By key, whether it was filled.
    pub filled: BTreeMap<String, bool>,
}

/// Where orders go.
#[derive(Debug)]
pub enum Execution {
    /// Quoted, put before the guards and simulated; nothing is signed or sent.
    DryRun {
        /// A node.
        client: Client<SystemClock>,
        /// The wallet that would trade.
        user: Address,
        /// Limits, which remember what was let through.
        guards: Box<Guards>,
        /// Most lamports for priority, an order.
        priority_cap: Lamports,
    },
    /// Filled by the exact arithmetic on the live state; nothing is signed or sent.
    Paper {
        /// A node.
        client: Client<SystemClock>,
        /// What network and accounts would cost.
        costs: PumpSwapConfig,
    },
    /// Executed.
    Trade(Box<Executor<Client<SystemClock>, SystemClock>>),
}

impl Execution {
    /// Submits an order, and says what became of it. A key is carried out once. Where this is dropped while it waits, what
    /// was sent is in the executor's journal, and settled at the next start.
    ///
    /// # Errors
    /// [`ExecutionError`] where what became of it is not known.
    pub async fn submit(&mut self, key: &str, order: Order, books: &Books) -> Result<Done, ExecutionError> {
        match self {
            Self::DryRun { client, user, guards, priority_cap } => {
                let planned = plan::plan(client, &SystemClock, *user, &order, 0, *priority_cap, |_| false).await;
                Ok(match planned {
                    Err(rejection) => Done::only(State::Rejected, Some(rejection.to_string())),
                    Ok(plan) => {
                        let standing = Standing { wallet: plan.market.wallet, positions: Some(Lamports(0)), traded: 0 };
                        let now = SystemClock.now();
                        let cleared = guards.clear(&plan, &standing, &KillSwitch::Resumed, now);
                        let state = if cleared.is_ok() { State::Simulated } else { State::Refused };
                        let why = cleared.err().map(|refusals| refusals.to_string());
                        Done { read_slot: Some(plan.market.slot), ..quoted(Done::only(state, why), &plan.quoted) }
                    }
                })
            }
            Self::Paper { client, costs } => Ok(paper(client, costs, &order, books).await),
            Self::Trade(executor) => {
                let report = executor.execute(key, order).await?;
                let outcome = executor.journal().outcome(key)?;
                let mut done = outcome.map_or_else(|| Done::only(State::Wanted, None), |outcome| told(&outcome));
                if let Report::Settled { to_quote, to_sign, to_send, to_settle, .. } = report {
                    let ms = |duration: Duration| u64::try_from(duration.as_millis()).ok();
                    (done.to_quote_ms, done.to_sign_ms) = (ms(to_quote), ms(to_sign));
                    (done.to_send_ms, done.to_settle_ms) = (ms(to_send), ms(to_settle));
                }
                Ok(done)
            }
        }
    }

    /// Whether what the session holds has to be sold now. A price that nobody tells meets a timeout alone.
    ///
    /// # Errors
    /// Where the executor's journal cannot be read.
    pub async fn due(&self, position: &Position, rules: &ExitRules) -> Result<Option<ExitReason>, ExecutionError> {
        match self {
            Self::Trade(executor) => Ok(executor.exit_of(position, rules).await?),
            // A dry run holds nothing.
            Self::DryRun { .. } => Ok(None),
            Self::Paper { client, .. } => {
                let market = client.market(position.mint, Address::ZERO, 0).await.ok();
                let worth = market.and_then(|market| plan::value(&market, position.base.unsigned_abs()));
                let cost = Lamports(position.cost.unsigned_abs());
                Ok(rules.due(cost, position.since, worth, SystemClock.now()))
            }
        }
    }

    /// What is known of an order that was given earlier; none where none of this key was.
    ///
    /// # Errors
    /// Where the executor's journal cannot be read.
    pub fn outcome(&self, key: &str) -> Result<Option<Done>, ExecutionError> {
        match self {
            Self::Trade(executor) => Ok(executor.journal().outcome(key)?.as_ref().map(told)),
            Self::DryRun { .. } | Self::Paper { .. } => Ok(None),
        }
    }

    /// The orders whose keys begin like this, and whether each was filled, and the file that knows; none where orders go
    /// nowhere.
    ///
    /// # Errors
    /// Where the executor's journal cannot be read.
    pub fn orders_of(&self, prefix: &str) -> Result<Option<Known>, ExecutionError> {
        let Self::Trade(executor) = self else { return Ok(None) };
        let orders = executor.journal().orders_of(prefix)?;
        let filled = orders.into_iter().map(|(key, state)| (key, state == OrderState::Filled)).collect();
        Ok(Some(Known { file: executor.journal().path().to_owned(), filled }))
    }

    /// Units of the coin that the wallet has, as of `slot` or later; none where orders go nowhere.
    ///
    /// # Errors
    /// Where no node says so for a minute.
    pub async fn held(&self, mint: Address, slot: u64) -> Result<Option<u64>, ExecutionError> {
        let Self::Trade(executor) = self else { return Ok(None) };
        let read = async || match executor.chain().market(mint, executor.address(), slot).await {
            Err(MarketError::Node(error)) if error.class() == Class::Transient => Err(error),
            other => Ok(other),
        };
        let market = q50_executor::rpc::retry(&SystemClock, read).await.map_err(MarketError::Node)??;
        Ok(Some(market.held.unwrap_or(0)))
    }

    /// Settles what is open.
    ///
    /// # Errors
    /// [`ExecutionError`] where what became of a transaction is not known.
    pub async fn settle(&mut self) -> Result<(), ExecutionError> {
        match self {
            Self::Trade(executor) => Ok(executor.settle_all().await?),
            Self::DryRun { .. } | Self::Paper { .. } => Ok(()),
        }
    }
}

async fn paper(client: &Client<SystemClock>, costs: &PumpSwapConfig, order: &Order, books: &Books) -> Done {
    let read = async || match client.market(order.mint, Address::ZERO, 0).await {
        Err(MarketError::Node(error)) if error.class() == Class::Transient => Err(error),
        other => Ok(other),
    };
    let rejected = |rejection: Rejection| Done::only(State::Rejected, Some(rejection.to_string()));
    let market = match q50_executor::rpc::retry(&SystemClock, read).await {
        Ok(Ok(market)) => market,
        Ok(Err(error)) => return rejected(error.into()),
        Err(error) => return rejected(error.into()),
    };
    let quote = match order.quote(&market.state, &market.config) {
        Ok(quote) => quote,
        Err(error) => return rejected(error.into()),
    };
    let (base, user_quote) = (quote.swap.base.cast_signed(), quote.swap.user_quote.cast_signed());
    let is_buy = order.side() == q50_pumpswap::amm::Side::Buy;
    let rent = if is_buy && !books.ledger().has_account() { costs.rent.0.cast_signed() } else { 0 };
    let state = &market.state;
    let filled_at = state
        .effective_quote()
        .ok()
        .map(|quote| Reserves { base: TokenAmount(state.base_vault), quote: Lamports(quote) });
    let done = Done {
        filled_at,
        slot: Some(market.slot),
        read_slot: Some(market.slot),
        base: if is_buy { base } else { -base },
        quote: if is_buy { -user_quote } else { user_quote },
        network_fee: costs.base_fee.0 + costs.priority_fee.0,
        rent,
        ..Done::only(State::Filled, None)
    };
    quoted(done, &quote)
}

fn quoted(done: Done, quoted: &Quoted) -> Done {
    Done { quoted_base: Some(quoted.swap.base), quoted_quote: Some(quoted.swap.user_quote), ..done }
}

/// What the executor's journal says of an order.
fn told(outcome: &Outcome) -> Done {
    let state = match outcome.state {
        OrderState::Open => State::Wanted,
        OrderState::Refused => State::Refused,
        OrderState::Rejected => State::Rejected,
        OrderState::Filled => State::Filled,
        OrderState::Failed => State::Failed,
        OrderState::Expired => State::Expired,
    };
    let done = Done::only(state, outcome.reason.clone());
    let Some(sent) = &outcome.sent else { return done };
    Done {
        signature: Some(sent.signature.clone()),
        slot: sent.slot,
        is_final: sent.is_final,
        base: sent.base,
        quote: sent.quote,
        network_fee: sent.network_fee,
        rent: sent.rent,
        quoted_base: Some(sent.quoted_base),
        quoted_quote: Some(sent.quoted_quote),
        read_slot: Some(sent.read_slot),
        ..done
    }
}
