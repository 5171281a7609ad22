//! A node's view: the chain, or the chain as it was a few slots ago.

use super::commitment::{CommitmentLevel, Slot, Tip};
use super::record::Record;
use super::{Block, Chain};
use solana_account::{AccountSharedData, ReadableAccount};
use solana_pubkey::Pubkey;
use solana_signature::Signature;

/// A node's knowledge of a chain.
#[derive(Clone, Copy, Debug)]
pub(crate) struct View<'a> {
    /// The chain.
    pub(crate) chain: &'a Chain,
    /// Slots that the node is behind.
    pub(crate) behind: u64,
}

impl<'a> View<'a> {
    /// How far the chain has come, as the node knows.
    fn tip(&self) -> Tip {
        self.chain.tip().behind(self.behind)
    }

    /// The newest slot that the node knows.
    pub(crate) fn newest(&self) -> Slot {
        self.tip().newest
    }

    /// The newest slot of a commitment.
    pub(crate) fn slot(&self, commitment: CommitmentLevel) -> Slot {
        self.tip().slot(commitment)
    }

    /// The strongest commitment of a slot.
    pub(crate) fn commitment_of(&self, slot: Slot) -> CommitmentLevel {
        self.tip().commitment_of(slot)
    }

    /// An account at the end of `slot`; sysvars but the clock are always today's.
    pub(crate) fn account(&self, key: &Pubkey, slot: Slot) -> Option<&'a AccountSharedData> {
        self.chain.versions.at(key, slot).unwrap_or_else(|| self.chain.account(key))
    }

    /// The accounts of a program at the end of `slot`, by address.
    pub(crate) fn accounts_of(&self, program: &Pubkey, slot: Slot) -> Vec<(Pubkey, &'a AccountSharedData)> {
        let now = &self.chain.svm.accounts_db().inner;
        let unchanged = now.iter().filter(|(key, _)| self.chain.versions.at(key, slot).is_none());
        let changed =
            self.chain.versions.keys().filter_map(|key| Some((key, self.chain.versions.at(key, slot).flatten()?)));
        let mut found: Vec<_> = unchanged
            .chain(changed)
            .filter(|(_, account)| account.owner() == program && account.lamports() > 0)
            .map(|(key, account)| (*key, account))
            .collect();
        found.sort_unstable_by_key(|(key, _)| *key);
        found
    }

    /// A transaction that the node knows.
    pub(crate) fn record(&self, signature: &Signature) -> Option<&'a Record> {
        let record = self.chain.records.get(signature)?;
        (record.slot <= self.newest() && !record.is_hidden).then_some(record)
    }

    /// The transactions that an account takes part in, oldest first.
    pub(crate) fn records_of(&self, key: &Pubkey) -> impl DoubleEndedIterator<Item = &'a Record> {
        let listed = self.chain.by_address.get(key).map(Vec::as_slice).unwrap_or_default();
        let view = *self;
        listed.iter().filter_map(move |signature| view.record(signature))
    }

    /// The transactions of a block, in order.
    pub(crate) fn records_in(&self, block: &'a Block) -> impl Iterator<Item = &'a Record> {
        let view = *self;
        block.signatures.iter().filter_map(move |signature| view.record(signature))
    }
}
