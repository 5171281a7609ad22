//! The largest loss per day, UTC.

use super::{Refusal, share};
use crate::clock::UnixMillis;
use q50_engine::units::{Bps, Lamports};
use serde::{Deserialize, Serialize};

/// The equity that the day began with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct DailyLoss {
    day: Option<i64>,
    began_with: u64,
}

impl DailyLoss {
    /// Takes note of the equity. The first that is known of a day is what it began with; where that was nothing, the first
    /// that is something. A clock that goes back over midnight begins no day.
    pub(super) fn note(&mut self, equity: Lamports, now: UnixMillis) {
        let is_its_day = self.day.is_some_and(|day| (now.day()..=now.day() + 1).contains(&day));
        if !is_its_day || self.began_with == 0 {
            *self = Self { day: Some(now.day()), began_with: equity.0 };
        }
    }

    /// Lamports were moved into the account or out of it.
    pub(super) fn shift(&mut self, by: i64) {
        self.began_with = self.began_with.saturating_add_signed(by);
    }

    /// Whether the day's loss is below `most`, a share of the equity that the day began with.
    ///
    /// # Errors
    /// [`Refusal::DailyLoss`] where the loss has reached it.
    pub(super) fn check(&self, most: Bps, equity: Lamports) -> Result<(), Refusal> {
        let lost = self.began_with.saturating_sub(equity.0);
        if lost >= share(self.began_with, most) {
            return Err(Refusal::DailyLoss { lost: Lamports(lost), began_with: Lamports(self.began_with), most });
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOON: UnixMillis = UnixMillis(43_200_000);

    #[test]
    fn a_tenth_of_the_day_s_equity_stops_until_midnight_utc() {
        let mut guard = DailyLoss::default();
        let mut check = |equity, now| {
            guard.note(Lamports(equity), now);
            guard.check(Bps(1_000), Lamports(equity))
        };
        assert!(check(1_000, NOON).is_ok());
        assert!(check(901, NOON).is_ok());
        let refused = Refusal::DailyLoss { lost: Lamports(100), began_with: Lamports(1_000), most: Bps(1_000) };
        assert_eq!(check(900, UnixMillis(86_399_999)), Err(refused));
        assert!(check(900, UnixMillis(86_400_000)).is_ok());
        assert!(check(811, UnixMillis(86_400_000)).is_ok());
        assert!(check(810, UnixMillis(86_400_001)).is_err());
        assert!(check(810, UnixMillis(86_399_999)).is_err(), "also where the clock goes back over midnight");
    }

    #[test]
    fn an_account_without_anything_has_lost_all_until_something_comes_in() {
        let mut guard = DailyLoss::default();
        let mut check = |equity| {
            guard.note(Lamports(equity), NOON);
            guard.check(Bps(1_000), Lamports(equity))
        };
        assert!(check(0).is_err());
        assert!(check(1_000).is_ok());
        assert!(check(900).is_err());
    }
}
