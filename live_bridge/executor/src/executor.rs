//! From an order to its fill: guards, quote, simulation, journal, send, confirmation, fill.
//!
//! ```text
//! settle what is open -> read the market -> quote -> guards -> simulate -> sign -> journal -> send -> settle -> journal
//! ```
//!
//! Nothing is sent before its signature is on disk, and no order is begun while an earlier one is not settled.

use crate::backoff::retry;
use crate::clock::Clock;
use crate::compose::{self, ACCUMULATOR_RENT, Budget, MOST_UNITS, TOKEN_ACCOUNT_RENT, TooLarge};
use crate::guards::{Guards, Limits, Outcome, Refusals, Standing};
use crate::journal::{Begun, Journal, JournalError, OrderId, OrderState, Pending, Prepared, Settlement};
use crate::market::{Market, MarketError};
use crate::order::{Order, Quoted, Size};
use crate::priority;
use crate::rpc::{Blockhash, Class, Client, Node, RpcError, Simulated};
use crate::settlement::{Settler, Unsettled};
use crate::wallet::Wallet;
use q50_engine::amm::AmmError;
use q50_engine::units::{Bps, Lamports};
use q50_live::pumpswap::Address;
use solana_transaction_error::TransactionError;
use std::time::Duration;
use thiserror::Error;

/// The chain, as far as orders are made from it.
pub trait Chain: Node {
    /// The canonical SOL pool of a coin as the user finds it, at the given slot or later.
    fn market(
        &self,
        mint: Address,
        user: Address,
        at_least: u64,
    ) -> impl Future<Output = Result<Market, MarketError>> + Send;

    /// The newest blockhash.
    fn blockhash(&self) -> impl Future<Output = Result<Blockhash, RpcError>> + Send;

    /// What others lately bid for these accounts, in micro-lamports a compute unit.
    fn recent_bids(&self, written: &[Address]) -> impl Future<Output = Result<Vec<u64>, RpcError>> + Send;

    /// What a transaction would do, signatures unchecked, at the given slot or later.
    fn simulate(&self, transaction: &[u8], at_least: u64) -> impl Future<Output = Result<Simulated, RpcError>> + Send;
}

impl<C: Clock> Chain for Client<C> {
    async fn market(&self, mint: Address, user: Address, at_least: u64) -> Result<Market, MarketError> {
        Self::market(self, mint, user, at_least).await
    }

    async fn blockhash(&self) -> Result<Blockhash, RpcError> {
        Self::blockhash(self).await
    }

    async fn recent_bids(&self, written: &[Address]) -> Result<Vec<u64>, RpcError> {
        Self::recent_bids(self, written).await
    }

    async fn simulate(&self, transaction: &[u8], at_least: u64) -> Result<Simulated, RpcError> {
        Self::simulate(self, transaction, at_least).await
    }
}

/// How orders are executed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// What is allowed.
    pub limits: Limits,
    /// Most lamports for priority, an order.
    pub priority_cap: Lamports,
    /// How long a transaction is looked at before it is left open.
    pub patience: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            limits: Limits::default(),
            priority_cap: Lamports(1_000_000),
            // A blockhash is good for a minute, and what landed with it final 13 seconds later.
            patience: Duration::from_secs(180),
        }
    }
}

/// Why an order was not carried out, although every guard let it through. Nothing was sent.
#[derive(Clone, Debug, PartialEq, Error)]
pub enum Rejection {
    /// The market cannot be read.
    #[error(transparent)]
    Market(#[from] MarketError),
    /// The program would refuse it.
    #[error(transparent)]
    Pool(#[from] AmmError),
    /// No node says.
    #[error(transparent)]
    Node(#[from] RpcError),
    /// It would fail.
    #[error("simulated, it fails: {0}")]
    Simulation(TransactionError),
    /// There is less of the coin than is to be sold.
    #[error("{wanted} are to be sold, and the wallet has {held} (in the coin's smallest unit)")]
    NotHeld {
        /// What is to be sold.
        wanted: u64,
        /// What is there.
        held: u64,
    },
    /// It does not fit a packet.
    #[error(transparent)]
    Size(#[from] TooLarge),
}

impl Rejection {
    /// What can be done about it.
    #[must_use]
    pub fn class(&self) -> Class {
        match self {
            Self::Market(MarketError::Node(error)) | Self::Node(error) => error.class(),
            Self::Market(_) | Self::Pool(_) | Self::Simulation(_) => Class::Venue,
            Self::NotHeld { .. } | Self::Size(_) => Class::Fatal,
        }
    }
}

/// What became of an order.
#[derive(Clone, Debug, PartialEq)]
pub enum Report {
    /// A guard did not let it through.
    Refused(Refusals),
    /// It could not be carried out, and nothing was sent.
    Rejected(Rejection),
    /// Its transaction is settled: filled, failed or expired.
    Settled {
        /// The transaction.
        signature: solana_signature::Signature,
        /// What was quoted.
        quoted: Box<Quoted>,
        /// What became of it.
        settlement: Settlement,
        /// From the order to the first send.
        to_send: Duration,
        /// From the order to what became of it.
        to_settle: Duration,
    },
    /// An order of this key was given before; this is what became of it.
    Known(OrderState),
}

/// Why the executor stops. What is open stays open, and the next start settles it.
#[derive(Debug, Error)]
pub enum ExecutorError {
    /// The journal.
    #[error("journal: {0}")]
    Journal(#[from] JournalError),
    /// What became of a transaction is not known.
    #[error("{signature}: {source}")]
    Unsettled {
        /// The transaction.
        signature: solana_signature::Signature,
        /// Why not.
        source: Box<Unsettled>,
    },
}

/// An order as it would be sent.
#[derive(Clone, Debug, PartialEq)]
pub struct Plan {
    /// The market that it is quoted on.
    pub market: Market,
    /// The quote, with its bound on chain.
    pub quoted: Quoted,
    /// Most lamports that may leave the wallet: quote, rent, fees.
    pub cost: Lamports,
    /// Compute units and their price, as simulated.
    pub budget: Budget,
    /// The message to sign.
    pub message: solana_message::Message,
    /// The last block height at which it can land.
    pub last_height: u64,
}

/// Executes the orders of one wallet, one after the other.
#[derive(Debug)]
pub struct Executor<N, C> {
    chain: N,
    clock: C,
    journal: Journal,
    guards: Guards,
    wallet: Wallet,
    settings: Settings,
}

impl<N: Chain, C: Clock> Executor<N, C> {
    /// With a journal that was opened to trade, after everything in it is settled with the chain.
    ///
    /// # Errors
    /// [`ExecutorError`] where the journal cannot be used, or what became of a transaction is not known: then nothing is
    /// traded.
    pub async fn start(
        chain: N,
        clock: C,
        journal: Journal,
        wallet: Wallet,
        settings: Settings,
    ) -> Result<Self, ExecutorError> {
        let guards = Guards::new(settings.limits.clone(), journal.memory()?);
        let mut executor = Self { chain, clock, journal, guards, wallet, settings };
        executor.journal.end_unsigned()?;
        executor.settle_all().await?;
        Ok(executor)
    }

    /// The journal.
    #[must_use]
    pub fn journal(&self) -> &Journal {
        &self.journal
    }

    /// The chain.
    #[must_use]
    pub fn chain(&self) -> &N {
        &self.chain
    }

    fn settler(&self) -> Settler<'_, N, C> {
        let (wallet, patience) = (self.wallet.address(), self.settings.patience);
        Settler { node: &self.chain, clock: &self.clock, wallet, patience }
    }

    /// Settles everything that is open, after a look at it all: what has landed may explain what seems to be hidden, and a
    /// fork may have taken back what had landed.
    ///
    /// # Errors
    /// [`ExecutorError`] where what became of a transaction is not known.
    pub async fn settle_all(&mut self) -> Result<(), ExecutorError> {
        self.look().await?;
        // While one is settled another may be taken back.
        while let Some(open) = self.journal.pending()?.into_iter().find(|pending| pending.state == OrderState::Open) {
            self.settle(&open).await?;
        }
        Ok(())
    }

    /// Looks once at everything that is not final; whether anything is known that was not known before.
    async fn look(&mut self) -> Result<bool, ExecutorError> {
        let mut news = false;
        for pending in &self.journal.pending()? {
            let signature = pending.prepared.signature;
            let seen = self.settler().look(pending).await;
            let seen = seen.map_err(|source| ExecutorError::Unsettled { signature, source: Box::new(source) })?;
            let Some(settlement) = seen else { continue };
            if settlement == Settlement::Reopened {
                tracing::warn!("{signature}: a fork took it back");
            }
            self.journal.settle(&signature, &settlement, self.clock.now())?;
            news = true;
        }
        Ok(news)
    }

    async fn settle(&mut self, open: &Pending) -> Result<Settlement, ExecutorError> {
        let signature = open.prepared.signature;
        loop {
            let fills = self.journal.fills_of(&open.mint)?;
            match self.settler().settle(open, &fills).await {
                Ok(settlement) => {
                    self.journal.settle(&signature, &settlement, self.clock.now())?;
                    return Ok(settlement);
                }
                // What counts as held may have been taken back, and what is open may have landed.
                Err(Unsettled::Hidden { .. }) if self.look().await? => {}
                Err(source) => return Err(ExecutorError::Unsettled { signature, source: Box::new(source) }),
            }
        }
    }

    /// Carries out an order. A key stands for one order for ever: given twice, it is carried out once.
    ///
    /// # Errors
    /// [`ExecutorError`] where the journal cannot be written, or what became of a transaction is not known. What was sent
    /// is in the journal then, and open.
    pub async fn execute(&mut self, key: &str, order: Order) -> Result<Report, ExecutorError> {
        let began = self.clock.now();
        let id = match self.journal.begin(key, &order, began)? {
            Begun::New(id) => id,
            Begun::Known(_, state) => return Ok(Report::Known(state)),
        };
        if let Err(error) = self.settle_all().await {
            self.journal.end(id, OrderState::Rejected, &format!("an earlier transaction is open: {error}"))?;
            return Err(error);
        }
        let plan = match self.plan(&order).await {
            Ok(plan) => plan,
            Err(rejection) => return self.reject(id, rejection),
        };
        let standing = self.standing(&plan.market, &order.mint).await?;
        let switch = self.journal.switch()?;
        let now = self.clock.now();
        let cleared = self.guards.clear(order, plan.cost, &plan.market.mint, &standing, &switch, now);
        self.journal.remember(self.guards.memory())?;
        if let Err(refusals) = cleared {
            self.journal.end(id, OrderState::Refused, &refusals.to_string())?;
            return Ok(Report::Refused(refusals));
        }
        let signed = match compose::signed(&plan.message, self.wallet.sign(&plan.message.serialize())) {
            Ok(signed) => signed,
            Err(error) => return self.reject(id, error.into()),
        };
        let untracked = match self.untracked(&plan.market).await? {
            Ok(untracked) => untracked,
            Err(error) => return self.reject(id, error.into()),
        };
        let prepared = self.prepared(&plan, untracked, signed);
        let pending = Pending { order: id, mint: order.mint, prepared, state: OrderState::Open, slot: None };
        self.journal.prepare(id, &pending.prepared, self.clock.now())?;
        let to_send = self.clock.now().since(began);
        let settlement = self.settle(&pending).await?;
        let outcome = match settlement {
            Settlement::Filled { .. } => Outcome::Success,
            Settlement::Failed { .. } | Settlement::Expired | Settlement::Reopened => Outcome::Failure,
        };
        self.record(outcome)?;
        Ok(Report::Settled {
            signature: pending.prepared.signature,
            quoted: Box::new(plan.quoted),
            settlement,
            to_send,
            to_settle: self.clock.now().since(began),
        })
    }

    fn reject(&mut self, id: OrderId, rejection: Rejection) -> Result<Report, ExecutorError> {
        self.journal.end(id, OrderState::Rejected, &rejection.to_string())?;
        self.record(Outcome::Failure)?;
        Ok(Report::Rejected(rejection))
    }

    fn record(&mut self, outcome: Outcome) -> Result<(), ExecutorError> {
        self.guards.record(outcome, self.clock.now());
        Ok(self.journal.remember(self.guards.memory())?)
    }

    /// The order as it would be sent: quoted, simulated, and not signed.
    ///
    /// # Errors
    /// [`Rejection`] where it cannot be carried out.
    pub async fn plan(&self, order: &Order) -> Result<Plan, Rejection> {
        let at_least = self.journal.newest_slot().unwrap_or(0);
        plan(&self.chain, &self.clock, self.wallet.address(), order, at_least, self.settings.priority_cap).await
    }

    /// The account: its lamports, and what its positions would bring now.
    async fn standing(&self, market: &Market, mint: &Address) -> Result<Standing, ExecutorError> {
        let mut positions = Some(0_u64);
        for position in self.journal.positions()? {
            let Ok(held) = u64::try_from(position.base) else { continue };
            if held == 0 {
                continue;
            }
            let value = if position.mint == *mint {
                value(market, held)
            } else {
                let other = self.chain.market(position.mint, self.wallet.address(), 0).await;
                other.ok().and_then(|other| value(&other, held))
            };
            positions = positions.zip(value).map(|(sum, value)| sum.saturating_add(value.0));
        }
        Ok(Standing { wallet: market.wallet, positions: positions.map(Lamports) })
    }

    /// Coins of the user that no trade of the journal brought, as far as nothing can be taken back: of what a fork could
    /// still take, chain and journal may know different things.
    async fn untracked(&self, market: &Market) -> Result<Result<i64, RpcError>, ExecutorError> {
        let mint = market.keys.base_mint;
        if let Some(last) = self.journal.pending()?.iter().rev().find(|pending| pending.mint == mint) {
            return Ok(Ok(last.prepared.untracked));
        }
        let (account, at_least) = (market.keys.base_account(&self.wallet.address()), self.journal.newest_slot()?);
        let found = match retry(&self.clock, async || self.chain.tokens(&account, at_least).await).await {
            Ok((_, found)) => found,
            Err(error) => return Ok(Err(error)),
        };
        let found = i64::try_from(found).map_err(|_| JournalError::Amount(found))?;
        Ok(Ok(found - self.journal.held(&mint)?))
    }

    fn prepared(&self, plan: &Plan, untracked: i64, signed: compose::Signed) -> Prepared {
        Prepared {
            signature: signed.signature,
            bytes: signed.bytes,
            pool: plan.market.keys.address,
            base_account: plan.market.keys.base_account(&self.wallet.address()),
            limits: plan.quoted.order,
            quoted_base: plan.quoted.swap.base,
            quoted_quote: plan.quoted.swap.user_quote,
            untracked,
            read_slot: plan.market.slot,
            last_height: plan.last_height,
        }
    }
}

/// What selling `held` coins would bring; unknown where the pool cannot pay it.
#[must_use]
pub fn value(market: &Market, held: u64) -> Option<Lamports> {
    let order = Order { mint: market.keys.base_mint, size: Size::Sell(held), slippage: Bps(0) };
    order.quote(&market.state, &market.config).ok().map(|quoted| Lamports(quoted.swap.user_quote))
}

/// An order as it would be sent by `user`: quoted, simulated, and not signed.
///
/// # Errors
/// [`Rejection`] where it cannot be carried out.
pub async fn plan<N: Chain, C: Clock>(
    chain: &N,
    clock: &C,
    user: Address,
    order: &Order,
    at_least: u64,
    priority_cap: Lamports,
) -> Result<Plan, Rejection> {
    let market = read_market(chain, clock, order.mint, user, at_least).await?;
    if let Size::Sell(wanted) = order.size {
        let held = market.held.unwrap_or(0);
        if wanted > held {
            return Err(Rejection::NotHeld { wanted, held });
        }
    }
    let quoted = order.quote(&market.state, &market.config)?;
    let blockhash = retry(clock, async || chain.blockhash().await).await?;
    let measure = Budget { units: MOST_UNITS, unit_price: 0 };
    let message = compose::message(&market, user, &quoted, measure, &blockhash);
    let unsigned = compose::signed(&message, solana_signature::Signature::default())?;
    let written = compose::written(&message);
    let simulated = retry(clock, async || chain.simulate(&unsigned.bytes, market.slot).await).await?;
    if let Some(error) = simulated.err {
        return Err(Rejection::Simulation(error));
    }
    // Without bids the transaction is still good.
    let bids = chain.recent_bids(&written).await.unwrap_or_default();
    let units = simulated.units_consumed.unwrap_or(u64::from(MOST_UNITS));
    let budget = priority::budget(units, &bids, priority_cap);
    let message = compose::message(&market, user, &quoted, budget, &blockhash);
    let cost = cost(&market, &quoted, budget);
    Ok(Plan { market, quoted, cost, budget, message, last_height: blockhash.last_height })
}

async fn read_market<N: Chain, C: Clock>(
    chain: &N,
    clock: &C,
    mint: Address,
    user: Address,
    at_least: u64,
) -> Result<Market, MarketError> {
    // What is wrong with a market is not put right by asking again; what is wrong with a node may be.
    let read = retry(clock, async || match chain.market(mint, user, at_least).await {
        Err(MarketError::Node(error)) => Err(error),
        other => Ok(other),
    });
    read.await?
}

/// Most lamports that may leave the wallet, rent that comes back in.
fn cost(market: &Market, quoted: &Quoted, budget: Budget) -> Lamports {
    let mut cost = quoted.most_quote_in().0.saturating_add(budget.fee().0).saturating_add(TOKEN_ACCOUNT_RENT);
    if market.held.is_none() {
        cost = cost.saturating_add(TOKEN_ACCOUNT_RENT);
    }
    if !market.has_accumulator {
        cost = cost.saturating_add(ACCUMULATOR_RENT);
    }
    Lamports(cost)
}
