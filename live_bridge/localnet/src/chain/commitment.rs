//! The three commitment levels: how far each lags behind the newest slot.

pub(crate) use solana_commitment_config::CommitmentLevel;

/// The number of a slot.
pub(crate) type Slot = u64;

/// A slot is confirmed as soon as the next one is open.
const TO_CONFIRMED: Slot = 1;
/// A slot is finalized when 31 more have been confirmed on top of it.
pub(crate) const TO_FINALIZED: Slot = 32;

/// How far a chain has come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tip {
    /// The newest slot.
    pub(crate) newest: Slot,
    /// The newest finalized slot.
    pub(crate) root: Slot,
}

impl Tip {
    /// The tip once `newest` is the newest slot: what is finalized stays, also where slots were taken back.
    pub(crate) fn at(self, newest: Slot) -> Self {
        Self { newest, root: self.root.max(newest.saturating_sub(TO_FINALIZED)) }
    }

    /// The tip that a node knows of which is so many slots behind.
    pub(crate) fn behind(self, slots: u64) -> Self {
        Self { newest: self.newest.saturating_sub(slots), root: self.root.saturating_sub(slots) }
    }

    /// The newest slot of this commitment.
    pub(crate) fn slot(self, commitment: CommitmentLevel) -> Slot {
        match commitment {
            CommitmentLevel::Processed => self.newest,
            CommitmentLevel::Confirmed => self.newest.saturating_sub(TO_CONFIRMED),
            CommitmentLevel::Finalized => self.root,
        }
    }

    /// The strongest commitment that `slot` has.
    pub(crate) fn commitment_of(self, slot: Slot) -> CommitmentLevel {
        [CommitmentLevel::Finalized, CommitmentLevel::Confirmed]
            .into_iter()
            .find(|&commitment| slot <= self.slot(commitment))
            .unwrap_or(CommitmentLevel::Processed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slot_is_confirmed_by_the_next_one_and_final_after_thirty_two() {
        let levels = [100, 101, 131, 132].map(|newest| Tip::default().at(newest).commitment_of(100));
        use CommitmentLevel::{Confirmed, Finalized, Processed};
        assert_eq!(levels, [Processed, Confirmed, Confirmed, Finalized]);
    }

    #[test]
    fn what_is_finalized_stays_when_newer_slots_are_taken_back() {
        let taken_back = Tip::default().at(132).at(110);
        assert_eq!(taken_back, Tip { newest: 110, root: 100 });
        assert_eq!(taken_back.at(133).root, 101);
    }
}
