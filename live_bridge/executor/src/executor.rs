//! From an order to its fill: guards, quote, simulation, journal, send, confirmation, fill.
//!
//! ```text
//! settle what is open -> read the market -> quote -> guards -> simulate -> sign -> journal -> send -> settle -> journal
//! ```
//!
//! Nothing is sent before its signature is on disk, and no order begins while an earlier one is unsettled.

use crate::clock::Clock;
use crate::compose;
use crate::ground::{Ground, ground};
use crate::guards::{Cleared, Guards, KillSwitch, Limits, Outcome, Refusals, SwitchError, SwitchFile};
use crate::journal::{Begun, Journal, JournalError, OrderId, OrderState, Pending, Prepared, Settlement};
use crate::market::Market;
use crate::order::{Order, Quoted, Size};
use crate::plan::{Chain, Plan, Rejection, read_market};
use crate::rpc::Class;
use crate::settlement::{Settler, Unsettled};
use crate::wallet::Wallet;
use q50_engine::units::{Bps, Lamports};
use q50_pumpswap::amm::Order as AmmOrder;
use q50_pumpswap::chain::Address;
use std::time::Duration;
use thiserror::Error;

/// Between two looks at what seems to be hidden.
const LOOK_AGAIN: Duration = Duration::from_secs(2);

/// How orders are executed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// What is allowed.
    pub limits: Limits,
    /// Most lamports for priority, an order.
    pub priority_cap: Lamports,
    /// How long a transaction is looked at before it is left open.
    pub patience: Duration,
    /// A switch that is asked besides that of the journal.
    pub switch: Option<SwitchFile>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            limits: Limits::default(),
            priority_cap: Lamports(1_000_000),
            // A blockhash is good for a minute, and what landed with it final 13 seconds later.
            patience: Duration::from_secs(180),
            switch: None,
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
        /// From the order until it was quoted and simulated.
        to_quote: Duration,
        /// From the order until it was signed.
        to_sign: Duration,
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
    /// The kill switch.
    #[error(transparent)]
    Switch(#[from] SwitchError),
    /// What became of a transaction is not known.
    #[error("{signature}: {source}")]
    Unsettled {
        /// The transaction.
        signature: solana_signature::Signature,
        /// Why not.
        source: Box<Unsettled>,
    },
}

/// Who gives an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum By {
    /// A program, which the kill switch stops.
    Program,
    /// Somebody who wants out.
    Hand,
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
        executor.check_chain().await?;
        executor.settle_all().await?;
        Ok(executor)
    }

    /// Refuses a chain that has the journal's name and not its past. Where no node says so now, what is open is settled next.
    async fn check_chain(&self) -> Result<(), ExecutorError> {
        let Some((signature, slot)) = self.journal.newest_final()? else { return Ok(()) };
        match self.settler().is_known(&signature, slot).await {
            Ok(()) => Ok(()),
            Err(Unsettled::Node(error)) if error.class() == Class::Transient => Ok(()),
            Err(source) => Err(ExecutorError::Unsettled { signature, source: Box::new(source) }),
        }
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

    /// The clock.
    #[must_use]
    pub fn clock(&self) -> &C {
        &self.clock
    }

    /// Address of the wallet.
    #[must_use]
    pub fn address(&self) -> Address {
        self.wallet.address()
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
        let pending = self.journal.pending()?;
        let signatures: Vec<_> = pending.iter().map(|pending| pending.prepared.signature).collect();
        // Where no node says so now, what is open is settled next, and what landed is looked at again.
        let told = match self.chain.statuses(&signatures).await {
            Ok(told) => told,
            Err(error) if error.class() == Class::Transient => return Ok(false),
            Err(error) => {
                let Some(&signature) = signatures.first() else { return Ok(false) };
                return Err(ExecutorError::Unsettled { signature, source: Box::new(Unsettled::Node(error)) });
            }
        };
        let mut news = false;
        for (pending, told) in pending.iter().zip(told) {
            let signature = pending.prepared.signature;
            let settlement = match self.settler().look(pending, told).await {
                Ok(Some(settlement)) => settlement,
                Ok(None) => continue,
                Err(Unsettled::Node(error)) if error.class() == Class::Transient => continue,
                Err(source) => return Err(ExecutorError::Unsettled { signature, source: Box::new(source) }),
            };
            if settlement == Settlement::Reopened {
                tracing::warn!("{signature}: a fork took it back");
            }
            self.journal.settle(&signature, &settlement, self.clock.now())?;
            news = true;
        }
        Ok(news)
    }

    /// Whether an open transaction may be sent, and sent again: while trading is switched off nothing is bought. Also a
    /// switch that cannot be read is off.
    fn may_send(&self, open: &Pending) -> bool {
        let is_sale = matches!(open.prepared.limits, AmmOrder::Sell { .. });
        is_sale || self.switch().is_ok_and(|switch| switch.check().is_ok())
    }

    /// Whether trading is switched off, by whichever switch.
    fn switch(&self) -> Result<KillSwitch, ExecutorError> {
        let besides = self.settings.switch.as_ref().map(SwitchFile::read).transpose()?.unwrap_or_default();
        Ok(besides.or(self.journal.switch()?))
    }

    async fn settle(&mut self, open: &Pending) -> Result<Settlement, ExecutorError> {
        let signature = open.prepared.signature;
        let began = self.clock.now();
        loop {
            let fills = self.journal.fills_of(&open.mint)?;
            match self.settler().settle(open, &fills, || self.may_send(open)).await {
                Ok(settlement) => {
                    self.journal.settle(&signature, &settlement, self.clock.now())?;
                    return Ok(settlement);
                }
                // What counts as held may have been taken back, and what is open may have landed.
                Err(Unsettled::Hidden { .. }) if self.look().await? => {}
                // A node that lags, or does not answer, says less than it knows: only what stays so is believed.
                Err(Unsettled::Hidden { .. }) if self.clock.now().since(began) < self.settings.patience => {
                    self.clock.sleep(LOOK_AGAIN).await;
                }
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
        self.carry_out(key, order, By::Program).await
    }

    /// Carries out a sale that somebody asked for by hand: the kill switch stops programs, and a way out is what one wants
    /// next. Every other guard is asked. Where the wallet holds less than `base`, because coins were moved away, what is
    /// there is sold.
    ///
    /// # Errors
    /// As of [`execute`](Self::execute).
    pub async fn close(&mut self, key: &str, mint: Address, base: u64, slippage: Bps) -> Result<Report, ExecutorError> {
        let at_least = self.journal.newest_slot()?;
        let held = match read_market(&self.chain, &self.clock, mint, self.address(), at_least).await {
            Ok(Market { held: Some(held @ 1..), .. }) => held,
            // Whatever is wrong there, the order says it.
            Ok(_) | Err(_) => base,
        };
        self.carry_out(key, Order { mint, size: Size::Sell(base.min(held)), slippage }, By::Hand).await
    }

    async fn carry_out(&mut self, key: &str, order: Order, by: By) -> Result<Report, ExecutorError> {
        let began = self.clock.now();
        let id = match self.journal.begin(key, &order, began)? {
            Begun::New(id) => id,
            Begun::Known(_, state) => return Ok(Report::Known(state)),
        };
        if let Err(error) = self.settle_all().await {
            self.journal.end(id, OrderState::Rejected, &format!("an earlier transaction is open: {error}"))?;
            return Err(error);
        }
        // Nothing is asked of a node between this and the send.
        let (user, cap) = (self.wallet.address(), self.settings.priority_cap);
        let ground = ground(&self.chain, &self.clock, &self.journal, user, &order, cap).await?;
        let Ground { plan, standing, untracked } = match ground {
            Ok(ground) => ground,
            Err(rejection) => return self.reject(id, rejection),
        };
        let to_quote = self.clock.now().since(began);
        let switch = match by {
            By::Program => self.switch()?,
            By::Hand => KillSwitch::Resumed,
        };
        let now = self.clock.now();
        let cleared = self.guards.clear(plan, &standing, &switch, now);
        self.journal.remember(self.guards.memory())?;
        let cleared = match cleared {
            Ok(cleared) => cleared,
            Err(refusals) => {
                self.journal.end(id, OrderState::Refused, &refusals.to_string())?;
                return Ok(Report::Refused(refusals));
            }
        };
        let signed = match self.sign(&cleared) {
            Ok(signed) => signed,
            Err(error) => return self.reject(id, error.into()),
        };
        let to_sign = self.clock.now().since(began);
        let plan = cleared.plan();
        let prepared = self.prepared(plan, untracked, signed);
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
            to_quote,
            to_sign,
            to_send,
            to_settle: self.clock.now().since(began),
        })
    }

    /// Signs what every guard has let through, and nothing else.
    fn sign(&self, cleared: &Cleared<Plan>) -> Result<compose::Signed, compose::TooLarge> {
        let message = &cleared.plan().message;
        compose::signed(message, self.wallet.sign(&message.serialize()))
    }

    fn reject(&mut self, id: OrderId, rejection: Rejection) -> Result<Report, ExecutorError> {
        self.journal.end(id, OrderState::Rejected, &rejection.to_string())?;
        // An order that asked for what is not there says nothing about nodes and venue.
        if rejection.class() != Class::Fatal {
            self.record(Outcome::Failure)?;
        }
        Ok(Report::Rejected(rejection))
    }

    fn record(&mut self, outcome: Outcome) -> Result<(), ExecutorError> {
        self.guards.record(outcome, self.clock.now());
        Ok(self.journal.remember(self.guards.memory())?)
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
