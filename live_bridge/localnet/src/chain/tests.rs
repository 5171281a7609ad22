//! Forks against a model ledger: after any rollback, the accounts are what they were.

#![allow(clippy::unwrap_used, reason = "tests")]

use super::*;
use rand::{RngExt, SeedableRng};
use solana_account::ReadableAccount;
use std::time::Duration;

fn chain() -> Chain {
    Chain::new(Origin { seed: 3, time_ms: 1_700_000_000_000, born_ms: 0, slot: Duration::from_millis(400) })
}

fn lamports(chain: &Chain, key: &Pubkey) -> u64 {
    chain.account(key).map_or(0, ReadableAccount::lamports)
}

#[test]
fn after_any_forks_every_balance_is_that_of_the_slot_before() {
    let mut chain = chain();
    let mut rng = rand_chacha::ChaCha8Rng::seed_from_u64(1);
    let keys: Vec<Pubkey> = (1..4).map(|byte| Pubkey::from([byte; 32])).collect();
    // What every key held at the end of every slot.
    let mut held: BTreeMap<Slot, Vec<u64>> = BTreeMap::new();
    let mut taken_back = 0;
    for _ in 0..600 {
        match rng.random_range(0..20) {
            0..=9 => {
                let key = keys[rng.random_range(0..keys.len())];
                chain.airdrop(key, 1_000_000_000 + rng.random_range(0..1_000), None).unwrap();
            }
            10..=18 => chain.advance(rng.random_range(1..4)),
            _ => {
                let tip = chain.tip();
                let slots = rng.random_range(1..20).min(tip.newest - FIRST_SLOT).min(tip.newest - tip.root);
                if slots > 0 {
                    let first = chain.open() + 1 - slots;
                    chain.fork(slots).unwrap();
                    assert_eq!(chain.open(), first);
                    held.split_off(&first);
                    let before = held.range(..first).next_back().map_or(vec![0; 3], |(_, held)| held.clone());
                    let now: Vec<u64> = keys.iter().map(|key| lamports(&chain, key)).collect();
                    assert_eq!(now, before);
                    taken_back += 1;
                }
            }
        }
        held.insert(chain.open(), keys.iter().map(|key| lamports(&chain, key)).collect());
        let view = view::View { chain: &chain, behind: 0 };
        // Whatever can still be asked for, by a lagging node too, is what it was.
        for slot in chain.tip().behind(MAX_BEHIND).root.max(FIRST_SLOT)..=chain.open() {
            let Some((_, then)) = held.range(..=slot).next_back() else { continue };
            let read: Vec<u64> =
                keys.iter().map(|key| view.account(key, slot).map_or(0, ReadableAccount::lamports)).collect();
            assert_eq!(read, *then, "slot {slot} of {}", chain.open());
        }
    }
    assert!(taken_back > 20 && chain.records().len() > 50, "{taken_back}, {}", chain.records().len());
}

#[test]
fn what_is_finalized_cannot_be_taken_back() {
    let mut chain = chain();
    assert_eq!(chain.fork(TO_FINALIZED), Err(31));
    assert_eq!(chain.fork(0), Err(31));
    assert_eq!(chain.fork(31), Ok(()));
    // 64 - 31 is the open slot now, and 32 is final.
    assert_eq!(chain.tip(), commitment::Tip { newest: 34, root: 32 });
    assert_eq!(chain.fork(3), Err(2));
    assert_eq!(chain.fork(2), Ok(()));
    assert_eq!(chain.fork(2), Err(1));
}

#[test]
fn the_same_seed_makes_the_same_hashes_and_another_fork_makes_others() {
    let (mut one, other) = (chain(), chain());
    assert_eq!(one.latest_hash(), other.latest_hash());
    one.fork(3).unwrap();
    one.advance(3);
    assert_eq!(one.latest_hash().1, other.latest_hash().1 + 1);
    let slot = other.latest_hash().1;
    assert_ne!(one.block(slot).unwrap().hash, other.block(slot).unwrap().hash);
}

#[test]
fn programs_see_the_time_of_their_slot() {
    let mut chain = chain();
    chain.advance(5);
    // 69 slots of 400 ms are 27.6 seconds.
    let clock: Clock = chain.machine().get_sysvar();
    assert_eq!((clock.slot, clock.unix_timestamp), (69, 1_700_000_027));
    assert_eq!(chain.time_of(69), 1_700_000_027);
    let hashes: SlotHashes = chain.machine().get_sysvar();
    assert_eq!(hashes.first(), Some(&(68, chain.latest_hash().0)));
}

#[test]
fn the_clock_is_told_as_it_was_at_the_slot_that_is_asked_for() {
    let mut chain = chain();
    for slots in [1, 1, 100, 3] {
        chain.advance(slots);
    }
    chain.fork(2).unwrap();
    chain.advance(4);
    let view = view::View { chain: &chain, behind: 0 };
    for slot in chain.tip().root..=chain.open() {
        let account = view.account(&CLOCK, slot).unwrap();
        let told: Clock = bincode::deserialize(account.data()).unwrap();
        assert_eq!((told.slot, told.unix_timestamp), (slot, chain.time_of(slot)));
    }
}

#[test]
fn a_chain_that_begins_anew_has_the_same_keys_and_other_hashes() {
    let begun = |born_ms| Chain::new(Origin { seed: 3, time_ms: 0, born_ms, slot: Duration::from_millis(400) });
    let (first, second) = (begun(1), begun(2));
    assert_ne!(first.genesis_hash(), second.genesis_hash());
    assert_eq!(first.genesis_hash(), begun(1).genesis_hash());
    let pubkey = |chain: &Chain| solana_signer::Signer::pubkey(&chain.origin().keypair("wallet"));
    assert_eq!(pubkey(&first), pubkey(&second));
}
