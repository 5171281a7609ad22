//! The largest fall of equity from its peak.

use super::{Refusal, share};
use q50_engine::units::{Bps, Lamports};
use serde::{Deserialize, Serialize};

/// The highest equity so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Drawdown {
    highest: u64,
}

impl Drawdown {
    /// Takes note of the equity.
    pub(super) fn note(&mut self, equity: Lamports) {
        self.highest = self.highest.max(equity.0);
    }

    /// Lamports were moved into the account or out of it.
    pub(super) fn shift(&mut self, by: i64) {
        self.highest = self.highest.saturating_add_signed(by);
    }

    /// Whether equity is less than `most`, a share of the highest, below the highest.
    ///
    /// # Errors
    /// [`Refusal::Drawdown`] where it has fallen that far.
    pub(super) fn check(&self, most: Bps, equity: Lamports) -> Result<(), Refusal> {
        let fallen = self.highest.saturating_sub(equity.0);
        if fallen >= share(self.highest, most) {
            return Err(Refusal::Drawdown { fallen: Lamports(fallen), highest: Lamports(self.highest), most });
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equity_is_measured_from_its_highest() {
        let mut guard = Drawdown::default();
        let mut check = |equity| {
            guard.note(Lamports(equity));
            guard.check(Bps(1_500), Lamports(equity))
        };
        assert!(check(1_000).is_ok());
        assert!(check(2_000).is_ok());
        assert!(check(1_701).is_ok());
        let refused = Refusal::Drawdown { fallen: Lamports(300), highest: Lamports(2_000), most: Bps(1_500) };
        assert_eq!(check(1_700), Err(refused));
        assert!(check(1_900).is_ok());
    }
}
