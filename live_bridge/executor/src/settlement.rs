//! The outcome of a signed transaction: landed, failed or expired, and nothing else is ever accepted.
//!
//! The same transaction is resent until it is settled; it is never replaced by a new one. It has landed once a node
//! shows it confirmed. It has expired if, and only if, all of this holds:
//!
//! 1. the *finalized* block height is beyond its last one, at slot `f`;
//! 2. a node that has processed `f` or a later slot does not know its signature, history included;
//! 3. that node's history reaches back to before it was signed;
//! 4. the finalized balance of its coin account shows nothing of it: a node may hide a transaction, but not the coins (one
//!    that failed moved none; where a node hides that, its fee of some thousand lamports goes unseen). Coins that somebody
//!    sends there are no trace of it while they are fewer than it would have brought: else a stranger could stop all trading
//!    with one of them.
//!
//! Nodes are polled every 200 ms. A notification over WebSocket brings the next poll forward, and has no other effect.
//!
//! A confirmed transaction is checked again until it is finalized: if a fork reverted it, it is open again.

use crate::clock::{Clock, UnixMillis};
use crate::fill::{self, Contradiction};
use crate::journal::{Pending, Settlement};
use crate::rpc::{Class, Commitment, Node, RpcError, Told};
use q50_pumpswap::amm::Order;
use q50_pumpswap::chain::Address;
use solana_signature::Signature;
use std::pin::pin;
use std::time::Duration;
use thiserror::Error;

/// Between two looks at a transaction under way.
const LOOK: Duration = Duration::from_millis(200);
/// Between two sends of it.
const SEND: Duration = Duration::from_secs(2);
/// Slots in which a transaction cannot expire: a blockhash is good for 150 blocks, and is 32 slots old at most when it is
/// used, or some more where nodes are not equally far.
const LEAST_LIFE: u64 = 75;
/// Longest wait after failed calls in a row.
const LONGEST: Duration = Duration::from_secs(8);

/// A transaction of which it is not known what became of it.
#[derive(Clone, Debug, PartialEq, Error)]
pub enum Unsettled {
    /// It was looked at for too long.
    #[error("it is still under way after {} s{}", .waited.as_secs(), .last.as_ref().map_or_else(String::new, |error| format!("; last: {error}")))]
    UnderWay {
        /// How long.
        waited: Duration,
        /// The last thing that went wrong.
        last: Option<RpcError>,
    },
    /// No node can say.
    #[error(
        "it is older than what the nodes remember (their first slot is {first}, it was signed at {signed}); ask one with a longer history"
    )]
    Forgotten {
        /// The oldest slot that is remembered.
        first: u64,
        /// The slot that it was signed at.
        signed: u64,
    },
    /// No node knows it, and yet coins have moved.
    #[error(
        "no node knows it, and yet its coin account holds {found}, not {expected}; ask another node (--rpc), or, if coins were moved by hand, move the difference back and give it 13 seconds"
    )]
    Hidden {
        /// What the account holds.
        found: u64,
        /// What it should hold.
        expected: i64,
    },
    /// The journal knows a chain on which this landed for good, and this one is beyond that slot without it.
    #[error(
        "it landed in slot {slot} for good, and this chain does not know it: it was begun anew or set back, or its nodes have lost their history; a journal belongs to one chain, name another one (--journal) or move this one away"
    )]
    AnotherChain {
        /// The slot.
        slot: u64,
    },
    /// What landed is not what was signed.
    #[error(transparent)]
    Contradiction(#[from] Contradiction),
    /// A node refuses to answer.
    #[error(transparent)]
    Node(RpcError),
}

/// Settles transactions of one wallet.
#[derive(Clone, Copy, Debug)]
pub struct Settler<'a, N, C> {
    /// The chain.
    pub node: &'a N,
    /// The clock.
    pub clock: &'a C,
    /// The wallet.
    pub wallet: Address,
    /// How long a transaction is looked at.
    pub patience: Duration,
}

impl<N: Node, C: Clock> Settler<'_, N, C> {
    /// What a node told of a transaction that is not final: whether it has landed, is final by now, or was taken back.
    /// Nothing where nothing is known that was not known before.
    ///
    /// # Errors
    /// [`Unsettled`] where no node answers, or it landed otherwise than it was signed.
    pub async fn look(&self, pending: &Pending, told: Told) -> Result<Option<Settlement>, Unsettled> {
        match (told.status, pending.slot) {
            (Some((_, Commitment::Processed)), _) => Ok(None),
            // After a fork it may have landed again, in another slot.
            (Some((found, Commitment::Confirmed)), Some(known)) if found == known => Ok(None),
            (Some((_, commitment)), _) => self.read(pending, commitment).await,
            // A node that lags behind does not know it yet; one that is beyond it and does not know it has lost it.
            (None, Some(slot)) if told.at >= slot => Ok(Some(Settlement::Reopened)),
            (None, _) => Ok(None),
        }
    }

    /// Whether the chain still knows what landed on it for good. A node that lags or forgets does not say.
    ///
    /// # Errors
    /// [`Unsettled::AnotherChain`] where it does not; and where no node answers.
    pub async fn is_known(&self, signature: &Signature, slot: u64) -> Result<(), Unsettled> {
        let told = self.node.status(signature).await.map_err(Unsettled::Node)?;
        if told.status.is_some() || told.at < slot {
            return Ok(());
        }
        let first = self.node.first_slot().await.map_err(Unsettled::Node)?;
        if first > slot { Ok(()) } else { Err(Unsettled::AnotherChain { slot }) }
    }

    /// What a transaction that landed came to; nothing where the node does not tell yet.
    async fn read(&self, pending: &Pending, commitment: Commitment) -> Result<Option<Settlement>, Unsettled> {
        let landed = self.node.landed(&pending.prepared.signature).await.map_err(Unsettled::Node)?;
        let is_final = commitment == Commitment::Finalized;
        let read = landed.map(|landed| fill::read(&landed, &self.wallet, &pending.prepared, is_final));
        Ok(read.transpose()?)
    }

    /// Sends an open transaction and sends it again until it is known what became of it. `fills` are all others of its coin,
    /// each with its slot and the change of the coins held; `may_send` is asked before each send, and what may not be sent is
    /// looked at all the same.
    ///
    /// # Errors
    /// [`Unsettled`] where that cannot be known now. The transaction stays open then.
    pub async fn settle(
        &self,
        pending: &Pending,
        fills: &[(u64, i64)],
        may_send: impl Fn() -> bool,
    ) -> Result<Settlement, Unsettled> {
        let began = self.clock.now();
        let mut under_way = UnderWay::default();
        let (mut hint, mut is_heard) = (pin!(self.node.heard(&pending.prepared.signature)), false);
        loop {
            let step = self.step(pending, fills, &may_send, &mut under_way).await;
            let wait = match step {
                Ok(Some(settlement)) => return Ok(settlement),
                Ok(None) => {
                    under_way.failures = 0;
                    LOOK
                }
                Err(Unsettled::Node(error)) if error.class() != Class::Fatal => {
                    let wait = LOOK * 2_u32.pow(under_way.failures.min(10));
                    under_way.failures += 1;
                    let asked = match &error {
                        RpcError::RateLimited { retry_after } => retry_after.unwrap_or_default(),
                        _ => Duration::ZERO,
                    };
                    under_way.last = Some(error);
                    wait.min(LONGEST).max(asked)
                }
                Err(unsettled) => return Err(unsettled),
            };
            let waited = self.clock.now().since(began);
            if waited >= self.patience {
                return Err(Unsettled::UnderWay { waited, last: under_way.last });
            }
            // After a failure there is a wait for it, whatever is heard meanwhile.
            tokio::select! {
                biased;
                () = &mut hint, if !is_heard && under_way.failures == 0 => is_heard = true,
                () = self.clock.sleep(wait) => {}
            }
        }
    }

    /// Looks once, and sends it again where that is due.
    async fn step(
        &self,
        pending: &Pending,
        fills: &[(u64, i64)],
        may_send: impl Fn() -> bool,
        under_way: &mut UnderWay,
    ) -> Result<Option<Settlement>, Unsettled> {
        let prepared = &pending.prepared;
        if under_way.is_send_due(self.clock.now()) && may_send() {
            // Whether it arrived is not what an answer says, nor what none says; the chain says it.
            if let Err(error) = self.node.send(&prepared.bytes, under_way.sends).await {
                tracing::debug!("{}: sent, and answered: {error}", prepared.signature);
            }
            under_way.sends += 1;
        }
        let told = self.node.status(&prepared.signature).await.map_err(Unsettled::Node)?;
        match told.status {
            Some((_, Commitment::Processed)) => Ok(None),
            Some((_, commitment)) => self.read(pending, commitment).await,
            None if told.at < prepared.read_slot + LEAST_LIFE => Ok(None),
            None => self.expire(pending, fills).await,
        }
    }

    /// Whether a transaction that a node does not know has expired.
    async fn expire(&self, pending: &Pending, fills: &[(u64, i64)]) -> Result<Option<Settlement>, Unsettled> {
        let prepared = &pending.prepared;
        let finalized = self.node.finalized().await.map_err(Unsettled::Node)?;
        if finalized.block_height <= prepared.last_height {
            return Ok(None);
        }
        // Asked again, because the first answer may be older than its last block.
        let told = self.node.status(&prepared.signature).await.map_err(Unsettled::Node)?;
        if told.status.is_some() || told.at < finalized.slot {
            return Ok(None);
        }
        let first = self.node.first_slot().await.map_err(Unsettled::Node)?;
        if first > prepared.read_slot {
            return Err(Unsettled::Forgotten { first, signed: prepared.read_slot });
        }
        let account = &prepared.base_account;
        let (slot, found) = self.node.tokens(account, finalized.slot).await.map_err(Unsettled::Node)?;
        // What is filled and not final yet is not in that balance yet.
        let held: i64 = fills.iter().filter(|(filled, _)| *filled <= slot).map(|(_, base)| base).sum();
        let expected = prepared.untracked + held;
        if shows(prepared.limits, i128::from(found) - i128::from(expected)) {
            return Err(Unsettled::Hidden { found, expected });
        }
        Ok(Some(Settlement::Expired))
    }
}

/// Whether a change of the coin account may be that of a transaction: coins that left, or as many as it would have brought.
fn shows(limits: Order, change: i128) -> bool {
    let brings = match limits {
        Order::Buy { base_out, .. } => Some(base_out),
        Order::BuyExactQuoteIn { min_base_out, .. } => Some(min_base_out),
        Order::Sell { .. } => None,
    };
    change < 0 || brings.is_some_and(|brings| change >= i128::from(brings))
}

/// A transaction that is being looked at.
#[derive(Debug, Default)]
struct UnderWay {
    sent: Option<UnixMillis>,
    sends: usize,
    failures: u32,
    last: Option<RpcError>,
}

impl UnderWay {
    /// Whether it is to be sent now; if so, it is noted as sent.
    fn is_send_due(&mut self, now: UnixMillis) -> bool {
        let is_due = self.sent.is_none_or(|sent| now.since(sent) >= SEND);
        if is_due {
            self.sent = Some(now);
        }
        is_due
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::SystemClock;
    use crate::journal::{Begun, Journal, OrderState, Prepared};
    use crate::order::{Order as Wanted, Size};
    use crate::rpc::{Height, Landed};
    use q50_engine::units::Bps;
    use solana_signature::Signature;

    /// A node that does not know a transaction.
    #[derive(Clone, Copy)]
    struct Ignorant {
        at: u64,
        finalized: Height,
        first: u64,
        found: u64,
    }

    impl Node for Ignorant {
        async fn send(&self, _: &[u8], _: usize) -> Result<(), RpcError> {
            Ok(())
        }

        async fn statuses(&self, signatures: &[Signature]) -> Result<Vec<Told>, RpcError> {
            Ok(vec![Told { at: self.at, status: None }; signatures.len()])
        }

        async fn landed(&self, _: &Signature) -> Result<Option<Landed>, RpcError> {
            Ok(None)
        }

        async fn finalized(&self) -> Result<Height, RpcError> {
            Ok(self.finalized)
        }

        async fn first_slot(&self) -> Result<u64, RpcError> {
            Ok(self.first)
        }

        async fn tokens(&self, _: &Address, at_least: u64) -> Result<(u64, u64), RpcError> {
            Ok((at_least, self.found))
        }
    }

    fn pending() -> Pending {
        let folder = tempfile::tempdir().unwrap();
        let mut journal =
            Journal::open_to_trade(&folder.path().join("journal.sqlite"), &Address::ZERO, "genesis").unwrap();
        let order = Wanted { mint: Address::ZERO, size: Size::Sell(100), slippage: Bps(0) };
        let Begun::New(order) = journal.begin("a", &order, UnixMillis(0)).unwrap() else { panic!() };
        let prepared = Prepared {
            signature: Signature::default(),
            bytes: Vec::new(),
            pool: Address::ZERO,
            base_account: Address::ZERO,
            limits: Order::Sell { base_in: 100, min_quote_out: 1 },
            quoted_base: 100,
            quoted_quote: 1,
            untracked: 500,
            read_slot: 1_000,
            last_height: 900,
        };
        Pending { order, mint: Address::ZERO, prepared, state: OrderState::Open, slot: None }
    }

    #[test]
    fn an_order_has_expired_where_every_one_of_the_four_conditions_holds_and_nowhere_else() {
        let all =
            Ignorant { at: 1_200, finalized: Height { slot: 1_200, block_height: 901 }, first: 1_000, found: 540 };
        let expire = |node: Ignorant| {
            let settler = Settler { node: &node, clock: &SystemClock, wallet: Address::ZERO, patience: Duration::ZERO };
            let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
            // Of two other fills one is not final at the finalized slot, so that its coins are not there yet.
            runtime.block_on(settler.expire(&pending(), &[(1_100, 40), (1_201, 7)]))
        };
        assert_eq!(expire(all), Ok(Some(Settlement::Expired)));
        let young = Ignorant { finalized: Height { slot: 1_200, block_height: 900 }, ..all };
        assert_eq!(expire(young), Ok(None), "its last block is not final");
        assert_eq!(expire(Ignorant { at: 1_199, ..all }), Ok(None), "the node has not seen its last block");
        let forgetful = Err(Unsettled::Forgotten { first: 1_001, signed: 1_000 });
        assert_eq!(expire(Ignorant { first: 1_001, ..all }), forgetful);
        assert_eq!(expire(Ignorant { found: 440, ..all }), Err(Unsettled::Hidden { found: 440, expected: 540 }));
    }

    #[test]
    fn a_stranger_s_coins_are_no_trace_of_a_transaction_and_its_own_are() {
        let buy = Order::BuyExactQuoteIn { quote_in: 500, min_base_out: 90 };
        let exact = Order::Buy { base_out: 100, max_quote_in: 500 };
        let sell = Order::Sell { base_in: 100, min_quote_out: 1 };
        for (order, change, shown) in [
            (buy, 0, false),
            (buy, 1, false),
            (buy, 89, false),
            (buy, 90, true),
            (buy, 120, true),
            (buy, -1, true),
            (exact, 99, false),
            (exact, 100, true),
            (sell, 0, false),
            (sell, 1_000, false),
            (sell, -100, true),
            // Somebody sent 40 meanwhile.
            (sell, -60, true),
        ] {
            assert_eq!(shows(order, change), shown, "{order:?}, {change}");
        }
    }
}
