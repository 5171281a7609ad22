//! The chain: slots and blocks, what landed in them, and the accounts at every commitment.
//!
//! One slot is open and takes transactions, which execute the moment they arrive; this is "processed". The slot before
//! it is confirmed, the one 32 before it finalized. No slot is skipped, so a slot's number is its block height. Source:
//! Solana's documentation of commitment and of transaction confirmation.

/// How far behind the newest slot a cluster's three promises stand.
pub(crate) mod commitment;
/// How many compute units a transaction may use, and what it bids for one.
pub(crate) mod compute_budget;
/// Landing and simulating transactions.
pub(crate) mod execute;
/// What is kept of a transaction that landed.
pub(crate) mod record;
/// The chain as it is kept between two runs.
mod saved;
/// Token accounts and mints.
pub(crate) mod token;
/// What accounts held in earlier slots.
mod versions;
/// What a node knows that may lag behind the chain.
pub(crate) mod view;

use crate::genesis::Made;
use agave_reserved_account_keys::ReservedAccountKeys;
use commitment::{Slot, TO_FINALIZED, Tip};
use litesvm::LiteSVM;
use record::Record;
pub(crate) use saved::Saved;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use solana_account::{AccountSharedData, ReadableAccount as _};
use solana_clock::Clock;
use solana_epoch_schedule::EpochSchedule;
use solana_hash::Hash;
use solana_keypair::Keypair;
use solana_pubkey::Pubkey;
use solana_signature::Signature;
use solana_slot_hashes::SlotHashes;
use std::collections::{BTreeMap, HashMap};
use std::time::Duration;
use versions::Versions;

/// A blockhash is good for this many slots.
pub(crate) const BLOCKHASH_LIFE: Slot = 150;
/// Slots that are there before the first transaction: every commitment has something to stand on.
pub(crate) const FIRST_SLOT: Slot = 64;
/// Slots that a node may lag behind.
pub(crate) const MAX_BEHIND: Slot = 31;
/// Slots whose hashes programs can read, of which lookup tables are made.
const SLOT_HASHES: Slot = 512;
/// The account that programs and clients read the time from.
const CLOCK: Pubkey = Pubkey::from_str_const("SysvarC1ock11111111111111111111111111111111");
/// Room for the log of a transaction, in bytes: a node's own limit cuts events off.
const LOG_BYTES: usize = 100_000;

/// What a chain is before anything happens on it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Origin {
    /// Everything that is drawn is drawn from this.
    pub(crate) seed: u64,
    /// When slot 0 was, in milliseconds since 1970; later, where the chain stood still since.
    pub(crate) time_ms: i64,
    /// When the chain began, in milliseconds since 1970.
    pub(crate) born_ms: i64,
    /// From one slot to the next.
    pub(crate) slot: Duration,
}

impl Origin {
    /// A key that this chain always has.
    pub(crate) fn keypair(&self, name: &str) -> Keypair {
        Keypair::new_from_array(self.digest(&["key", name], 0))
    }

    /// A hash that only this chain has: one that begins anew has the same keys and other hashes, so that nobody takes what
    /// happened on the one for what happened on the other.
    fn hash(&self, name: &str, number: u64) -> Hash {
        Hash::new_from_array(self.digest(&[name, &self.born_ms.to_string()], number))
    }

    fn digest(&self, names: &[&str], number: u64) -> [u8; 32] {
        let mut hash = Sha256::new();
        hash.update(b"q50 localnet");
        hash.update(self.seed.to_le_bytes());
        names.iter().for_each(|name| hash.update(name.as_bytes()));
        hash.update(number.to_le_bytes());
        hash.finalize().into()
    }
}

/// A slot's block.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Block {
    /// Its hash, known as soon as the next slot is open.
    pub(crate) hash: Hash,
    /// When it was opened, in seconds since 1970.
    pub(crate) time: i64,
    /// The newest finalized slot when it was opened.
    pub(crate) root: Slot,
    /// The transactions in it, in order.
    pub(crate) signatures: Vec<Signature>,
}

/// The chain.
pub(crate) struct Chain {
    svm: LiteSVM,
    reserved: ReservedAccountKeys,
    origin: Origin,
    /// The slot that takes transactions.
    open: Slot,
    /// The newest finalized slot.
    root: Slot,
    /// How often slots were taken back; it makes the hashes of their successors others.
    forks: u64,
    /// Every slot from the first one to the open one.
    blocks: BTreeMap<Slot, Block>,
    slot_of_hash: HashMap<Hash, Slot>,
    records: HashMap<Signature, Record>,
    by_address: HashMap<Pubkey, Vec<Signature>>,
    versions: Versions,
    faucet: Keypair,
    airdrops: u64,
    pools: Vec<Made>,
}

impl std::fmt::Debug for Chain {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Chain").field("open", &self.open).field("records", &self.records.len()).finish_non_exhaustive()
    }
}

/// What the faucet holds, in lamports: no request of a test empties it.
const FAUCET: u64 = u64::MAX / 2;

impl Chain {
    /// A chain with the programs of Solana and nothing else, `FIRST_SLOT` slots old.
    pub(crate) fn new(origin: Origin) -> Self {
        let faucet = origin.keypair("faucet");
        let svm = LiteSVM::new()
            .with_sigverify(false)
            .with_blockhash_check(false)
            .with_transaction_history(0)
            .with_log_bytes_limit(Some(LOG_BYTES));
        let mut chain = Self {
            svm,
            reserved: ReservedAccountKeys::new_all_activated(),
            origin,
            open: 0,
            root: 0,
            forks: 0,
            blocks: BTreeMap::new(),
            slot_of_hash: HashMap::new(),
            records: HashMap::new(),
            by_address: HashMap::new(),
            versions: Versions::default(),
            faucet,
            airdrops: 0,
            pools: Vec::new(),
        };
        chain.svm.set_sysvar(&EpochSchedule::without_warmup());
        chain.open_slot(0);
        chain.advance(FIRST_SLOT);
        let faucet = solana_signer::Signer::pubkey(&chain.faucet);
        chain.put(faucet, AccountSharedData::new(FAUCET, 0, &Pubkey::default()));
        chain
    }

    /// Puts an account there, as if it had been all along.
    ///
    /// # Panics
    /// Where it is a program that does not load: what is put is our own.
    pub(crate) fn put(&mut self, key: Pubkey, account: AccountSharedData) {
        if let Err(error) = self.svm.set_account(key, account.into()) {
            panic!("account {key}: {error}");
        }
    }

    /// Changes an account in the open slot, without a transaction.
    pub(crate) fn change(&mut self, key: Pubkey, account: AccountSharedData) {
        let before = self.account(&key).cloned();
        let after = (account.lamports() > 0).then(|| account.clone());
        self.versions.note(key, self.open, before, after);
        self.put(key, account);
    }

    /// The pools that the chain begins with.
    pub(crate) fn pools(&self) -> &[Made] {
        &self.pools
    }

    /// Remembers the pools that the chain begins with.
    pub(crate) fn set_pools(&mut self, pools: Vec<Made>) {
        self.pools = pools;
    }

    /// The virtual machine, before the first transaction.
    pub(crate) fn machine(&mut self) -> &mut LiteSVM {
        &mut self.svm
    }

    /// Closes the open slot and opens the next one, `slots` times.
    pub(crate) fn advance(&mut self, slots: u64) {
        for left in (0..slots).rev() {
            self.open_slot(self.open + 1);
            if left <= TO_FINALIZED + MAX_BEHIND {
                self.note_clock();
            }
        }
        self.set_clock();
    }

    fn open_slot(&mut self, slot: Slot) {
        let tip = self.tip().at(slot);
        (self.open, self.root) = (tip.newest, tip.root);
        let hash = self.origin.hash("block", slot ^ (self.forks << 48));
        let time = self.time_ms().div_euclid(1_000);
        self.blocks.insert(slot, Block { hash, time, root: self.root, signatures: Vec::new() });
        self.slot_of_hash.insert(hash, slot);
        self.versions.forget_before(self.root.saturating_sub(MAX_BEHIND));
    }

    fn clock(&self) -> Clock {
        let schedule = EpochSchedule::without_warmup();
        Clock {
            slot: self.open,
            epoch_start_timestamp: self.time_of(schedule.get_first_slot_in_epoch(schedule.get_epoch(self.open))),
            epoch: schedule.get_epoch(self.open),
            leader_schedule_epoch: schedule.get_leader_schedule_epoch(self.open),
            unix_timestamp: self.time_of(self.open),
        }
    }

    /// Notes what the clock's account holds in the open slot: whoever asks at a commitment is told the time there.
    fn note_clock(&mut self) {
        let Some(before) = self.account(&CLOCK).cloned() else { return };
        let clock = self.clock();
        let times = [clock.epoch_start_timestamp, clock.unix_timestamp].map(i64::cast_unsigned);
        let fields = [clock.slot, times[0], clock.epoch, clock.leader_schedule_epoch, times[1]];
        let mut after = before.clone();
        after.set_data_from_slice(&fields.map(u64::to_le_bytes).concat());
        self.versions.note(CLOCK, self.open, Some(before), Some(after));
    }

    /// Tells programs what time it is.
    fn set_clock(&mut self) {
        self.svm.set_sysvar(&self.clock());
        let closed = self.blocks.range(self.open.saturating_sub(SLOT_HASHES)..self.open).rev();
        let hashes: Vec<_> = closed.map(|(slot, block)| (*slot, block.hash)).collect();
        self.svm.set_sysvar(&SlotHashes::new(&hashes));
    }

    /// Takes back the newest `slots` slots and all that happened in them; an empty slot is opened in the place of the
    /// first of them.
    ///
    /// # Errors
    /// The most that can be taken back, where that is less: what is finalized stays.
    pub(crate) fn fork(&mut self, slots: u64) -> Result<(), u64> {
        let most = (TO_FINALIZED - 1).min(self.open - self.root);
        if !(1..=most).contains(&slots) {
            return Err(most);
        }
        let first = self.open + 1 - slots;
        for (key, account) in self.versions.undo_after(first - 1) {
            self.put(key, account.unwrap_or_default());
        }
        let mut gone = Vec::new();
        for (_, block) in self.blocks.split_off(&first) {
            self.slot_of_hash.remove(&block.hash);
            gone.extend(block.signatures);
        }
        for signature in gone {
            if let Some(record) = self.records.remove(&signature) {
                for key in record.account_keys().iter() {
                    if let Some(list) = self.by_address.get_mut(key) {
                        list.retain(|listed| *listed != signature);
                    }
                }
            }
        }
        self.forks += 1;
        self.open_slot(first);
        self.note_clock();
        self.set_clock();
        Ok(())
    }

    /// The slot that takes transactions.
    pub(crate) fn open(&self) -> Slot {
        self.open
    }

    /// How often slots were taken back.
    pub(crate) fn forks(&self) -> u64 {
        self.forks
    }

    /// How far it has come.
    pub(crate) fn tip(&self) -> Tip {
        Tip { newest: self.open, root: self.root }
    }

    /// Open slot, slots taken back, transactions: different after everything that anybody could be told of.
    pub(crate) fn revision(&self) -> (Slot, u64, usize) {
        (self.open, self.forks, self.records.len())
    }

    /// What the chain was made from.
    pub(crate) fn origin(&self) -> &Origin {
        &self.origin
    }

    /// When a slot was opened, in seconds since 1970.
    pub(crate) fn time_of(&self, slot: Slot) -> i64 {
        self.blocks.get(&slot).map_or(0, |block| block.time)
    }

    /// The open slot's time in milliseconds since 1970.
    pub(crate) fn time_ms(&self) -> i64 {
        let since = self.origin.slot.as_millis() * u128::from(self.open);
        self.origin.time_ms.saturating_add(i64::try_from(since).unwrap_or(i64::MAX))
    }

    /// What tells this chain from every other.
    pub(crate) fn genesis_hash(&self) -> Hash {
        self.origin.hash("genesis", 0)
    }

    /// The block of a slot; the open one's has no hash yet that anybody could use.
    pub(crate) fn block(&self, slot: Slot) -> Option<&Block> {
        self.blocks.get(&slot)
    }

    /// The newest hash that a transaction can be bound to.
    pub(crate) fn latest_hash(&self) -> (Hash, Slot) {
        let slot = self.open - 1;
        (self.blocks.get(&slot).map(|block| block.hash).unwrap_or_default(), slot)
    }

    /// Whether a transaction of this hash can land in `slot`: it knows the hashes of the slots before it, and its own
    /// once it is closed.
    pub(crate) fn is_good_in(&self, slot: Slot, hash: &Hash) -> bool {
        let of = self.slot_of_hash.get(hash).filter(|of| **of < self.open);
        of.and_then(|of| slot.checked_sub(*of)).is_some_and(|age| age <= BLOCKHASH_LIFE)
    }

    /// All records, of all transactions that landed.
    pub(crate) fn records(&self) -> &HashMap<Signature, Record> {
        &self.records
    }

    /// Has this node not tell of a transaction that landed.
    pub(crate) fn hide(&mut self, signature: &Signature) {
        if let Some(record) = self.records.get_mut(signature) {
            record.is_hidden = true;
        }
    }

    /// Has this node tell again of what it hid.
    pub(crate) fn reveal(&mut self) {
        self.records.values_mut().for_each(|record| record.is_hidden = false);
    }

    /// Lamports that an account of `length` bytes must hold.
    pub(crate) fn rent(&self, length: usize) -> u64 {
        self.svm.minimum_balance_for_rent_exemption(length)
    }

    /// An account as it is in the open slot.
    pub(crate) fn account(&self, key: &Pubkey) -> Option<&AccountSharedData> {
        self.svm.accounts_db().get_account_ref(key)
    }
}

#[cfg(test)]
mod tests;
