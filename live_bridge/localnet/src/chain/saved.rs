//! The chain as it is kept between two runs.

use super::commitment::Slot;
use super::record::Record;
use super::versions::Versions;
use super::{Block, Chain, Origin};
use crate::genesis::Made;
use serde::{Deserialize, Serialize};
use solana_account::{Account, ReadableAccount};
use solana_pubkey::Pubkey;
use std::collections::BTreeMap;
use std::time::Duration;

/// Owners of accounts that every chain has of itself.
const OWN: [Pubkey; 2] = [
    Pubkey::from_str_const("NativeLoader1111111111111111111111111111111"),
    Pubkey::from_str_const("Sysvar1111111111111111111111111111111111111"),
];

/// Everything of a chain that does not follow from its origin.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Saved {
    origin: Origin,
    open: Slot,
    forks: u64,
    airdrops: u64,
    pools: Vec<Made>,
    blocks: BTreeMap<Slot, Block>,
    records: Vec<Record>,
    versions: Versions,
    accounts: Vec<(Pubkey, Account)>,
}

impl Saved {
    /// What the chain was made from.
    pub(crate) fn origin(&self) -> &Origin {
        &self.origin
    }
}

impl Chain {
    /// The chain as it is kept.
    pub(crate) fn save(&self) -> Saved {
        let accounts = self.svm.accounts_db().inner.iter().filter(|(_, account)| !OWN.contains(account.owner()));
        let mut accounts: Vec<(Pubkey, Account)> =
            accounts.map(|(key, account)| (*key, Account::from(account.clone()))).collect();
        // A program is loaded from its data, which therefore comes first.
        accounts.sort_unstable_by_key(|(key, account)| (account.executable, *key));
        let signatures = self.blocks.values().flat_map(|block| &block.signatures);
        Saved {
            origin: self.origin.clone(),
            open: self.open,
            forks: self.forks,
            airdrops: self.airdrops,
            pools: self.pools.clone(),
            blocks: self.blocks.clone(),
            records: signatures.filter_map(|signature| self.records.get(signature)).cloned().collect(),
            versions: self.versions.clone(),
            accounts,
        }
    }

    /// The chain as it was, with slots of this length from now on, and `now_ms` in its open slot: time went on while it
    /// stood still. Without, its time goes on where it stopped.
    pub(crate) fn restore(saved: Saved, slot: Duration, now_ms: Option<i64>) -> Self {
        let mut chain = Self::new(saved.origin);
        for (key, account) in saved.accounts {
            chain.put(key, account.into());
        }
        (chain.open, chain.forks, chain.airdrops) = (saved.open, saved.forks, saved.airdrops);
        chain.root = saved.blocks.get(&saved.open).map_or(0, |block| block.root);
        chain.pools = saved.pools;
        chain.slot_of_hash = saved.blocks.iter().map(|(slot, block)| (block.hash, *slot)).collect();
        chain.blocks = saved.blocks;
        chain.blocks.values_mut().for_each(|block| block.signatures.clear());
        chain.versions = saved.versions;
        for record in saved.records {
            chain.keep(record);
        }
        let now = now_ms.unwrap_or_else(|| chain.time_ms());
        chain.origin.slot = slot;
        chain.origin.time_ms += now - chain.time_ms();
        chain.advance(1);
        chain
    }
}
