//! A chain in which anything may happen: a model of what the executor meets, with one pool and one user.
//!
//! Each call of a node consumes a byte of a script, and that byte says what goes wrong: an answer that is lost, late, old
//! or missing, a transaction that is dropped, a fork. What the chain *does* is exact; what it *tells* is not.

#![allow(clippy::unwrap_used, unreachable_pub, reason = "a model for tests")]

/// What a node tells.
mod told;

use q50_engine::units::Lamports;
use q50_executor::clock::{Clock, UnixMillis};
use q50_executor::guards::Mint;
use q50_executor::market::{Market, MarketError};
use q50_executor::plan::Chain;
use q50_executor::rpc::{Blockhash, Commitment, Height, Landed, Node, RpcError, Simulated, Told};
use q50_pumpswap::amm::{AmmConfig, Order as AmmOrder, PoolState, Side, Swap, Version};
use q50_pumpswap::chain::Address;
use q50_pumpswap::chain::programs::TOKEN;
use solana_hash::Hash;
use solana_signature::Signature;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard};
use std::task::{Context, Poll};
use std::time::Duration;
use told::{keys, told};

pub const MINT: Address = Address([3; 32]);
const SLOT_MS: u64 = 400;
const FINALITY: u64 = 32;
const LIFE: u64 = 150;
const FEE: u64 = 5_000;

/// Lets the test stop whoever waits here: as a crash does.
struct Yield(bool);

impl Future for Yield {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<()> {
        if std::mem::replace(&mut self.0, true) { Poll::Ready(()) } else { Poll::Pending }
    }
}

/// What somebody has, and what the pool is, after a slot.
#[derive(Clone)]
struct Ledger {
    pool: PoolState,
    lamports: u64,
    coins: u64,
    landed: Vec<Landing>,
}

/// A transaction that landed.
#[derive(Clone)]
pub struct Landing {
    pub signature: Signature,
    pub slot: u64,
    /// What it swapped; nothing where it failed.
    pub swap: Option<Swap>,
    told: Landed,
}

struct State {
    user: Address,
    ms: u64,
    /// The newest slot that is final.
    root: u64,
    /// The ledger after each slot, from slot 0; the last is the open one.
    slots: Vec<Ledger>,
    /// How often slots were taken back: their hashes are not those of their successors.
    forks: u64,
    hashes: Vec<(Hash, u64)>,
    hidden: Vec<Signature>,
    script: Vec<u8>,
    calls: usize,
}

/// The world, seen by every part of a test.
#[derive(Clone)]
pub struct World(Arc<Mutex<State>>);

/// What a byte of the script does to a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mishap {
    None,
    /// The request is lost.
    Lost,
    /// The answer is lost.
    Unheard,
    /// The node is that many slots behind.
    Behind(u64),
    /// It is dropped, or hidden from then on.
    Vanishes,
    /// That many slots are taken back first.
    Fork(u64),
    /// It fails on chain.
    Fails,
    /// Somebody trades first.
    PriceMoves,
}

fn mishap(byte: u8) -> Mishap {
    match byte {
        0..150 => Mishap::None,
        150..175 => Mishap::Lost,
        175..195 => Mishap::Unheard,
        195..210 => Mishap::Behind(u64::from(byte - 194)),
        210..225 => Mishap::Vanishes,
        225..235 => Mishap::Fork(u64::from(byte - 224) * 2),
        235..245 => Mishap::Fails,
        245..=255 => Mishap::PriceMoves,
    }
}

impl Landing {
    /// As a node tells of it.
    pub fn told(&self) -> &Landed {
        &self.told
    }
}

impl World {
    pub fn new(user: Address, script: Vec<u8>) -> Self {
        let pool = PoolState::new(206_900_000_000_000, 84_990_359_078);
        let ledger = Ledger { pool, lamports: 1_000_000_000_000, coins: 0, landed: Vec::new() };
        let mut state = State {
            user,
            ms: 0,
            root: 31,
            slots: vec![ledger; 64],
            forks: 0,
            hashes: Vec::new(),
            hidden: Vec::new(),
            script,
            calls: 0,
        };
        state.name_hashes();
        Self(Arc::new(Mutex::new(state)))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap()
    }

    /// Nothing goes wrong any more, and nothing is hidden.
    pub fn calm(&self) {
        let mut state = self.state();
        state.script = vec![0];
        state.hidden.clear();
    }

    pub fn advance(&self, slots: u64) {
        self.state().advance(slots);
    }

    /// Lamports and coins of the user, and what landed.
    pub fn truth(&self) -> (u64, u64, Vec<Landing>) {
        let state = self.state();
        let now = state.slots.last().unwrap();
        (now.lamports, now.coins, now.landed.clone())
    }

    /// One call: a place to crash, what goes wrong, and another place to crash after it was done.
    async fn call<T>(&self, answer: impl FnOnce(&mut State, Mishap) -> Result<T, RpcError>) -> Result<T, RpcError> {
        Yield(false).await;
        let result = {
            let mut state = self.state();
            let byte = state.script[state.calls % state.script.len()];
            state.calls += 1;
            let mishap = mishap(byte);
            state.ms += 20;
            state.catch_up();
            match mishap {
                Mishap::Lost => Err(RpcError::Connection("lost".to_owned())),
                Mishap::Fork(slots) => {
                    state.fork(slots);
                    answer(&mut state, mishap)
                }
                Mishap::Unheard => answer(&mut state, mishap).and(Err(RpcError::Timeout(Duration::from_secs(10)))),
                _ => answer(&mut state, mishap),
            }
        };
        Yield(false).await;
        result
    }
}

impl State {
    fn open(&self) -> u64 {
        self.slots.len() as u64 - 1
    }

    fn name_hashes(&mut self) {
        while (self.hashes.len() as u64) < self.open() {
            let slot = self.hashes.len() as u64;
            let mut bytes = [0; 32];
            bytes[..8].copy_from_slice(&(slot + 1).to_le_bytes());
            bytes[8..16].copy_from_slice(&self.forks.to_le_bytes());
            // Distinct from its first letter on, as hashes are.
            bytes.reverse();
            bytes[0] = (slot % 251) as u8 + 1;
            self.hashes.push((Hash::new_from_array(bytes), slot));
        }
    }

    fn advance(&mut self, slots: u64) {
        for _ in 0..slots {
            self.slots.push(self.slots.last().unwrap().clone());
        }
        self.ms = self.ms.max(self.open() * SLOT_MS);
        self.root = self.root.max(self.open() - FINALITY);
        self.name_hashes();
    }

    fn catch_up(&mut self) {
        let behind = (self.ms / SLOT_MS).saturating_sub(self.open());
        self.advance(behind);
    }

    fn fork(&mut self, slots: u64) {
        // What was final once stays, also after several forks in a row.
        let first = (self.open() + 1 - slots).max(self.root + 1);
        self.slots.truncate(first as usize);
        self.hashes.truncate(first as usize - 1);
        self.forks += 1;
        self.advance(1);
    }

    fn at(&self, behind: u64) -> &Ledger {
        &self.slots[(self.open() - behind) as usize]
    }

    /// A transaction arrives.
    fn land(&mut self, bytes: &[u8], mishap: Mishap) {
        let signature = Signature::try_from(&bytes[1..65]).unwrap();
        let message: solana_message::Message = bincode::deserialize(&bytes[65..]).unwrap();
        let known = self.slots.last().unwrap().landed.iter().any(|landing| landing.signature == signature);
        let hash = self.hashes.iter().find(|(hash, _)| *hash == message.recent_blockhash);
        let is_good = hash.is_some_and(|(_, slot)| self.open() - slot <= LIFE);
        if known || !is_good {
            return;
        }
        let order = order_of(&message);
        let slot = self.open();
        let user = self.user;
        let ledger = self.slots.last_mut().unwrap();
        if mishap == Mishap::PriceMoves {
            ledger.pool =
                ledger.pool.swap(&AmmConfig::default(), Version::V1, AmmOrder::spend(5_000_000_000)).unwrap().after;
        }
        let affordable = |swap: &Swap| match swap.side {
            Side::Buy => swap.user_quote + FEE <= ledger.lamports,
            Side::Sell => swap.base <= ledger.coins,
        };
        let swap = ledger.pool.swap(&AmmConfig::default(), Version::V1, order).ok().filter(affordable);
        let swap = swap.filter(|_| mishap != Mishap::Fails);
        let before = (ledger.lamports, ledger.coins);
        ledger.lamports -= FEE;
        if let Some(swap) = &swap {
            ledger.pool = swap.after;
            match swap.side {
                Side::Buy => {
                    ledger.lamports -= swap.user_quote;
                    ledger.coins += swap.base;
                }
                Side::Sell => {
                    ledger.lamports += swap.user_quote;
                    ledger.coins -= swap.base;
                }
            }
        }
        let after = (ledger.lamports, ledger.coins);
        let told = told(user, slot, order, swap.as_ref(), before, after);
        ledger.landed.push(Landing { signature, slot, swap, told });
        if mishap == Mishap::Vanishes {
            self.hidden.push(signature);
        }
    }

    fn landing(&self, signature: &Signature, behind: u64) -> Option<&Landing> {
        let landing = self.at(behind).landed.iter().find(|landing| landing.signature == *signature)?;
        // A hidden one that failed moved no coins: its fee is all that there is to see, and wallets are paid from too.
        let is_hidden = landing.swap.is_some() && self.hidden.contains(signature);
        (!is_hidden).then_some(landing)
    }
}

/// The order in a message: the swap is its last instruction but one.
fn order_of(message: &solana_message::Message) -> AmmOrder {
    let data = &message.instructions[message.instructions.len() - 2].data;
    let number = |at: usize| u64::from_le_bytes(data[at..at + 8].try_into().unwrap());
    match data[0] {
        0x66 => AmmOrder::Buy { base_out: number(8), max_quote_in: number(16) },
        0xc6 => AmmOrder::BuyExactQuoteIn { quote_in: number(8), min_base_out: number(16) },
        0x33 => AmmOrder::Sell { base_in: number(8), min_quote_out: number(16) },
        other => panic!("no swap: {other}"),
    }
}

impl Clock for World {
    fn now(&self) -> UnixMillis {
        UnixMillis(self.state().ms as i64)
    }

    async fn sleep(&self, duration: Duration) {
        Yield(false).await;
        let mut state = self.state();
        state.ms += duration.as_millis() as u64;
        state.catch_up();
    }
}

impl Node for World {
    async fn send(&self, transaction: &[u8], _: usize) -> Result<(), RpcError> {
        self.call(|state, mishap| {
            if mishap != Mishap::Behind(1) {
                state.land(transaction, mishap);
            }
            Ok(())
        })
        .await
    }

    async fn statuses(&self, signatures: &[Signature]) -> Result<Vec<Told>, RpcError> {
        if signatures.is_empty() {
            return Ok(Vec::new());
        }
        self.call(|state, mishap| {
            let behind = if let Mishap::Behind(slots) = mishap { slots } else { 0 };
            let at = state.open() - behind;
            let status = |signature: &Signature| {
                let landing = state.landing(signature, behind)?;
                let commitment = match landing.slot {
                    slot if slot == at => Commitment::Processed,
                    slot if slot > state.root => Commitment::Confirmed,
                    _ => Commitment::Finalized,
                };
                Some((landing.slot, commitment))
            };
            Ok(signatures.iter().map(|signature| Told { at, status: status(signature) }).collect())
        })
        .await
    }

    /// Says at once of every other transaction that it is confirmed, whether it is or not, and nothing of the others.
    async fn heard(&self, signature: &Signature) {
        if signature.as_ref()[0] % 2 == 1 {
            std::future::pending::<()>().await;
        }
    }

    async fn landed(&self, signature: &Signature) -> Result<Option<Landed>, RpcError> {
        self.call(|state, mishap| {
            let behind = if let Mishap::Behind(slots) = mishap { slots + 1 } else { 1 };
            Ok(state.landing(signature, behind).map(|landing| landing.told.clone()))
        })
        .await
    }

    async fn finalized(&self) -> Result<Height, RpcError> {
        self.call(|state, mishap| {
            let behind = if let Mishap::Behind(slots) = mishap { slots } else { 0 };
            let slot = state.root - behind;
            Ok(Height { slot, block_height: slot })
        })
        .await
    }

    async fn first_slot(&self) -> Result<u64, RpcError> {
        self.call(|_, _| Ok(0)).await
    }

    async fn tokens(&self, _: &Address, at_least: u64) -> Result<(u64, u64), RpcError> {
        self.call(|state, _| {
            if state.root < at_least {
                return Err(RpcError::Behind("slot".to_owned()));
            }
            Ok((state.root, state.slots[state.root as usize].coins))
        })
        .await
    }
}

impl Chain for World {
    async fn market(&self, _: Address, _: Address, at_least: u64) -> Result<Market, MarketError> {
        let read = self.call(|state, mishap| {
            let behind = if let Mishap::Behind(slots) = mishap { slots } else { 0 };
            let slot = state.open() - behind;
            if slot < at_least {
                return Err(RpcError::Behind("slot".to_owned()));
            }
            let ledger = state.at(behind);
            Ok(Market {
                slot,
                keys: keys(),
                state: ledger.pool,
                config: AmmConfig::default(),
                protocol_fee_recipient: Address([5; 32]),
                buyback_fee_recipient: Address([6; 32]),
                mint: Mint {
                    program: TOKEN,
                    mint_authority: None,
                    freeze_authority: None,
                    supply: 1_000_000_000_000_000,
                    decimals: 6,
                    extensions: Vec::new(),
                },
                wallet: Lamports(ledger.lamports),
                held: Some(ledger.coins),
                has_accumulator: true,
            })
        });
        Ok(read.await?)
    }

    async fn blockhash(&self) -> Result<Blockhash, RpcError> {
        self.call(|state, _| {
            let (hash, slot) = *state.hashes.last().unwrap();
            Ok(Blockhash { hash, last_height: slot + LIFE })
        })
        .await
    }

    async fn recent_bids(&self, _: &[Address]) -> Result<Vec<u64>, RpcError> {
        self.call(|_, _| Ok(Vec::new())).await
    }

    async fn simulate(&self, _: &[u8], _: u64) -> Result<Simulated, RpcError> {
        self.call(|_, _| Ok(Simulated { err: None, units_consumed: Some(100_000) })).await
    }
}
