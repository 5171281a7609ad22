//! Follows what the producer of the signals recorded: a position, or else a side.
//!
//! A **side** is long from a 1 until a 0; a -1 keeps the current position. A **position** is the share of equity to
//! hold, from -1 to 1. The strategy trades towards it when it changes, and not when prices move the share away from it:
//! a file that says 0.5 on every bar buys once. A negative position is sold short if the strategy may, and is flat
//! otherwise.

use serde::{Deserialize, Serialize};

use crate::{
    decision::{Budget, Decision, Intent, Order, Reason},
    ledger::{Account, Held, Marked},
    market::{Column, History, Signals},
    strategy::{
        Explanation, Guards, Lack, Settings, Strategy,
        parameters::{Bearing, Declaration, Parameter, Range, declared},
    },
    units::Fraction,
};

/// What to do on a bar without a signal.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Absent {
    /// Keep what there is.
    #[default]
    Hold,
    /// Treat the bar as a long signal.
    Long,
    /// Close the position.
    Flat,
}

/// A direction that a signal points to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// The price is expected to rise.
    Long,
    /// The price is expected to fall.
    Short,
}

impl Side {
    /// The producers' code: 1 long, 0 short.
    #[must_use]
    pub const fn code(self) -> i8 {
        match self {
            Self::Long => 1,
            Self::Short => 0,
        }
    }
}

/// Parameters of the side rule.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct FollowSideConfig {
    /// Share of the cash to spend on a long signal; of a recorded position, the share that is taken.
    pub size: Fraction,
    /// What to do on a bar without a signal.
    pub absent: Absent,
    /// Whether a position below 0 is sold short; otherwise it is flat. A side is never short.
    pub allow_short: bool,
}

impl Default for FollowSideConfig {
    fn default() -> Self {
        Self { size: Fraction::ONE, absent: Absent::Hold, allow_short: false }
    }
}

impl Settings for FollowSideConfig {
    const NAME: &'static str = "side";
    const WORDS: &'static str = "holds what the producer of the signals recorded: a position, or else a side";

    type Strategy = FollowSide;

    fn strategy(&self, _: &Guards) -> FollowSide {
        FollowSide::new(*self)
    }

    fn parameters(&self) -> Vec<Parameter> {
        declared(DECLARATIONS, self)
    }

    fn reads(&self, there: &Signals<'_>) -> Vec<Column> {
        // Where both are there, the position counts and the side is not read.
        vec![if there.has(Column::Position) { Column::Position } else { Column::Side }]
    }

    fn lacks(&self, there: &Signals<'_>) -> Option<Lack> {
        let lack = Lack {
            needs: "the column 'side' or 'position'".to_owned(),
            remedy: "use --strategy q50, which derives the side from the quantiles",
        };
        (!there.has(Column::Side) && !there.has(Column::Position)).then_some(lack)
    }

    fn shorts(&self) -> bool {
        self.allow_short
    }

    fn without_shorting(self) -> Self {
        Self { allow_short: false, ..self }
    }
}

const DECLARATIONS: &[Declaration<FollowSideConfig>] = &[Declaration {
    path: "size",
    range: Range::FRACTION,
    words: "share of the cash to spend on a long signal; of a position, the share that is taken",
    value: |c| Some(c.size.get()),
    bearing: |_| Bearing::Everywhere,
}];

/// Holds what was recorded.
#[derive(Clone, Copy, Debug)]
pub struct FollowSide {
    config: FollowSideConfig,
    /// The position that was last traded towards; meaningless for sides.
    target: f64,
}

impl FollowSide {
    /// The rule with these parameters.
    #[must_use]
    pub fn new(config: FollowSideConfig) -> Self {
        Self { config, target: 0.0 }
    }

    /// The side of the present bar, or why there is none.
    #[inline]
    fn side(&self, history: &History<'_>) -> Result<Side, Reason> {
        match (history.signal(Column::Side), self.config.absent) {
            (Some(1.0), _) | (None, Absent::Long) => Ok(Side::Long),
            (Some(0.0), _) | (None, Absent::Flat) => Ok(Side::Short),
            (Some(_), _) => Err(Reason::Neutral),
            (None, Absent::Hold) => Err(Reason::NoSignal),
        }
    }

    fn follow_side(&self, history: &History<'_>, account: &Account) -> Decision {
        let side = match self.side(history) {
            Ok(side) => side,
            Err(reason) => return Decision::Hold(reason),
        };
        match side {
            Side::Long if account.position > 0.0 => Decision::Hold(Reason::AlreadyLong),
            Side::Long => act(Order::Buy(Budget::Cash(self.config.size)), Reason::EnterLong),
            Side::Short if account.position > 0.0 => act(Order::Sell(Fraction::ONE), Reason::ExitLong),
            Side::Short => Decision::Hold(Reason::NothingToSell),
        }
    }

    /// The share of equity that is wanted at the present bar; `None` where nothing was recorded and nothing is to be
    /// done.
    #[inline]
    fn wanted(&self, history: &History<'_>) -> Option<f64> {
        let recorded = match (history.signal(Column::Position), self.config.absent) {
            (Some(position), _) => position,
            (None, Absent::Long) => 1.0,
            (None, Absent::Flat) => 0.0,
            (None, Absent::Hold) => return None,
        };
        let least = if self.config.allow_short { -1.0 } else { 0.0 };
        Some(recorded.clamp(least, 1.0) * self.config.size.get())
    }

    fn follow_position(&mut self, history: &History<'_>, account: &Account) -> Decision {
        let Some(wanted) = self.wanted(history) else { return Decision::Hold(Reason::NoSignal) };
        let changed = wanted.to_bits() != self.target.to_bits();
        self.target = wanted;
        let share = |share: f64| Fraction::new(share.clamp(0.0, 1.0));
        let held = account.exposure();
        // Towards the other side first the whole position goes; the venue does both in one order.
        let (room, part) = (wanted.abs() - held.abs(), 1.0 - wanted.abs() / held.abs());
        match (Held::of(wanted), Held::of(account.position)) {
            (Held::Flat, Held::Flat) => Decision::Hold(Reason::NothingToSell),
            (Held::Flat, Held::Long) => act(Order::Sell(Fraction::ONE), Reason::ExitLong),
            (Held::Flat, Held::Short) => act(Order::Cover(Fraction::ONE), Reason::ExitShort),
            (Held::Long, Held::Long) | (Held::Short, Held::Short) if !changed => {
                Decision::Hold(if wanted > 0.0 { Reason::AlreadyLong } else { Reason::Neutral })
            }
            (Held::Long, Held::Long) if room < 0.0 => act(Order::Sell(share(part)), Reason::ExitLong),
            (Held::Long, Held::Long) => act(Order::Buy(Budget::Equity(share(room))), Reason::AddLong),
            (Held::Long, _) => act(Order::Buy(Budget::Equity(share(wanted))), Reason::EnterLong),
            (Held::Short, Held::Short) if room < 0.0 => act(Order::Cover(share(part)), Reason::ExitShort),
            (Held::Short, Held::Short) => act(Order::Short(share(room)), Reason::AddShort),
            (Held::Short, _) => act(Order::Short(share(-wanted)), Reason::EnterShort),
        }
    }
}

fn act(order: Order, reason: Reason) -> Decision {
    Decision::Act(Intent { order, reason })
}

impl Strategy for FollowSide {
    fn rests_exits(&self) -> bool {
        false
    }

    fn decide(&mut self, history: History<'_>, account: &Account) -> Decision {
        if history.has(Column::Position) {
            self.follow_position(&history, account)
        } else {
            self.follow_side(&history, account)
        }
    }

    #[inline]
    fn stays(&self, history: History<'_>, marked: Marked) -> bool {
        if history.has(Column::Position) {
            return self
                .wanted(&history)
                .is_none_or(|wanted| wanted.to_bits() == self.target.to_bits() && Held::of(wanted) == marked.held());
        }
        match self.side(&history) {
            Err(_) => true,
            Ok(Side::Long) => marked.held() == Held::Long,
            Ok(Side::Short) => marked.held() != Held::Long,
        }
    }

    fn explain(&self, history: History<'_>, _account: &Account) -> Explanation {
        let code = |held| match held {
            Held::Long => 1,
            Held::Short => 0,
            Held::Flat => -1,
        };
        let position = history.signal(Column::Position);
        let side =
            history.signal(Column::Side).map(|side| side as i8).or(position.map(|position| code(Held::of(position))));
        Explanation { side, raw_size: position.map(f64::abs), ..Explanation::default() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{market::Market, record::Journal, replay::replay, venue::NextOpen};

    /// Replays recorded positions on `price`, without costs and with 1,000 of capital; the units held after each fill.
    fn held(price: &[f64], position: &[f64], config: FollowSideConfig) -> Vec<f64> {
        let time: Vec<i64> = (0..price.len() as i64).collect();
        let market = Market {
            open_time: &time,
            open: price,
            high: price,
            low: price,
            close: price,
            signals: Signals::default().with(Column::Position, position),
            interval_ms: 1,
            first: 0,
        };
        let mut journal = Journal::default();
        let venue = NextOpen::new(Fraction::ZERO);
        let mut venue = if config.allow_short { venue.with_free_shorting() } else { venue };
        replay(&market, &mut FollowSide::new(config), &mut venue, 1_000.0, &mut journal);
        let signed = |fill: &crate::venue::Fill| match fill.side {
            crate::venue::FillSide::Buy => fill.units,
            crate::venue::FillSide::Sell => -fill.units,
        };
        journal
            .fills
            .iter()
            .scan(0.0, |held, row| {
                *held += signed(&row.fill);
                Some((*held * 1e9).round() / 1e9)
            })
            .collect()
    }

    const SHORTING: FollowSideConfig =
        FollowSideConfig { size: Fraction::ONE, absent: Absent::Hold, allow_short: true };

    #[test]
    fn a_position_is_a_share_of_equity_and_is_traded_when_it_changes() {
        // 0.5 of 1,000 at 10 is 50 units. At 20 the equity is 1,500: 0.5 is still recorded, so nothing is traded; 0.8 is
        // 60 units; 0.4 at equity 1,500 is 30 units; 0 is none.
        let price = [10.0, 10.0, 20.0, 20.0, 20.0, 20.0, 20.0];
        let position = [0.5, 0.5, 0.5, 0.8, 0.4, 0.0, 0.0];
        assert_eq!(held(&price, &position, FollowSideConfig::default()), [50.0, 60.0, 30.0, 0.0]);
    }

    #[test]
    fn a_position_below_zero_is_short_where_that_is_allowed_and_flat_where_it_is_not() {
        let (price, position) = ([10.0; 6], [1.0, -0.5, -0.5, -1.0, 0.0, 0.0]);
        assert_eq!(held(&price, &position, FollowSideConfig::default()), [100.0, 0.0]);
        assert_eq!(held(&price, &position, SHORTING), [100.0, -50.0, -100.0, 0.0]);
    }

    #[test]
    fn a_bar_without_a_position_keeps_what_there_is() {
        let (price, position) = ([10.0; 5], [0.5, f64::NAN, 0.5, f64::NAN, 0.25]);
        assert_eq!(held(&price, &position, FollowSideConfig::default()), [50.0]);
        let flat = FollowSideConfig { absent: Absent::Flat, ..FollowSideConfig::default() };
        assert_eq!(held(&price, &position, flat), [50.0, 0.0, 50.0, 0.0]);
    }
}
