//! What accounts held in earlier slots, as far back as anything can still be asked or undone.

use super::commitment::Slot;
use serde::{Deserialize, Serialize};
use solana_account::AccountSharedData;
use solana_pubkey::Pubkey;
use std::collections::HashMap;

/// An account at the end of a slot; `None` where there is none.
type Version = (Slot, Option<AccountSharedData>);

/// Earlier contents of the accounts that changed lately; an account that is not here is as it was all along.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Versions(HashMap<Pubkey, Vec<Version>>);

impl Versions {
    /// Notes that an account changed in `slot`, from `before` to `after`.
    pub(crate) fn note(
        &mut self,
        key: Pubkey,
        slot: Slot,
        before: Option<AccountSharedData>,
        after: Option<AccountSharedData>,
    ) {
        let versions = self.0.entry(key).or_insert_with(|| vec![(0, before)]);
        match versions.last_mut() {
            Some((last, account)) if *last == slot => *account = after,
            _ => versions.push((slot, after)),
        }
    }

    /// The account at the end of `slot`; `None` where it has not changed lately.
    pub(crate) fn at(&self, key: &Pubkey, slot: Slot) -> Option<Option<&AccountSharedData>> {
        let versions = self.0.get(key)?;
        let found = versions.iter().rev().find(|(since, _)| *since <= slot).or_else(|| versions.first());
        found.map(|(_, account)| account.as_ref())
    }

    /// Every account that changed lately.
    pub(crate) fn keys(&self) -> impl Iterator<Item = &Pubkey> {
        self.0.keys()
    }

    /// Forgets what nobody can ask for any more: all before the version that held at `slot`.
    pub(crate) fn forget_before(&mut self, slot: Slot) {
        self.0.retain(|_, versions| {
            let held = versions.iter().rposition(|(since, _)| *since <= slot).unwrap_or(0);
            versions.drain(..held);
            versions.len() > 1
        });
    }

    /// Takes back every change after `slot`; the accounts concerned, as they were at its end.
    pub(crate) fn undo_after(&mut self, slot: Slot) -> Vec<(Pubkey, Option<AccountSharedData>)> {
        let mut undone = Vec::new();
        for (key, versions) in &mut self.0 {
            let kept = versions.iter().rposition(|(since, _)| *since <= slot).map_or(1, |held| held + 1);
            if kept < versions.len() {
                versions.truncate(kept);
                undone.extend(versions.last().map(|(_, account)| (*key, account.clone())));
            }
        }
        // The same order whatever the table's.
        undone.sort_unstable_by_key(|(key, _)| *key);
        undone
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn holding(lamports: u64) -> Option<AccountSharedData> {
        Some(AccountSharedData::new(lamports, 0, &Pubkey::default()))
    }

    fn key() -> Pubkey {
        Pubkey::from([1; 32])
    }

    /// Created with 5 in slot 10, changed to 6 and 7 in slot 12.
    fn changed() -> Versions {
        let mut versions = Versions::default();
        versions.note(key(), 10, None, holding(5));
        versions.note(key(), 12, holding(5), holding(6));
        versions.note(key(), 12, holding(6), holding(7));
        versions
    }

    #[test]
    fn an_account_is_read_as_it_was_at_the_end_of_every_slot() {
        let versions = changed();
        let read = [9, 10, 11, 12, 99].map(|slot| versions.at(&key(), slot).unwrap().cloned());
        assert_eq!(read, [None, holding(5), holding(5), holding(7), holding(7)]);
        assert_eq!(versions.at(&Pubkey::from([2; 32]), 10), None);
    }

    #[test]
    fn what_is_taken_back_is_what_the_account_held_before() {
        let mut versions = changed();
        assert_eq!(versions.undo_after(11), [(key(), holding(5))]);
        assert_eq!(versions.at(&key(), 99).unwrap().cloned(), holding(5));
        assert_eq!(versions.undo_after(9), [(key(), None)]);
        assert_eq!(versions.undo_after(9), []);
    }

    #[test]
    fn an_account_that_no_longer_changes_is_forgotten() {
        let mut versions = changed();
        versions.forget_before(11);
        assert_eq!(versions.at(&key(), 11).unwrap().cloned(), holding(5));
        versions.forget_before(12);
        assert_eq!(versions.keys().count(), 0);
    }
}
