//! The positions of one replay as holdings: for the purge, and for the comparison with random entries.

use q50_engine::{
    record::Journal,
    units::Fraction,
    venue::{FillSide, FillTiming},
};

use crate::overfit::Holding;

/// A position below this share of the largest is the rounding of a sale.
const DUST: f64 = 1e-9;

/// The positions of a replay, from flat to flat or to the other side, and what its fills cost.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Trips {
    /// In order of time, never two at once.
    pub(super) holdings: Vec<Holding>,
    /// Fees and spread over notional, of all fills together.
    pub(super) cost: Fraction,
    /// Whether any was short: random entries are long.
    pub(super) short: bool,
}

impl Trips {
    /// The holdings of a replay of `rows` rows that began at row `first` of its market.
    ///
    /// A position that is open at the end counts as sold at the last open; one that is opened and closed within a bar,
    /// by a resting order, as held for one bar.
    pub(super) fn of(journal: &Journal, first: usize, rows: usize, timing: FillTiming) -> Self {
        // A fill at the close is one at the next open here, the first price that can still be had.
        let delay = usize::from(timing == FillTiming::SameClose);
        let (mut position, mut largest, mut opened, mut short) = (0.0_f64, 0.0_f64, None, false);
        let mut holdings: Vec<Holding> = Vec::new();
        let (mut costs, mut traded) = (0.0, 0.0);
        let mut close = |entry: usize, exit: usize| {
            let earliest = holdings.last().map_or(1, |before: &Holding| before.entry + before.bars);
            let (entry, exit) = (entry.max(earliest), exit.max(entry + 1).min(rows.saturating_sub(1)));
            if exit > entry {
                holdings.push(Holding { entry, bars: exit - entry });
            }
        };
        for fill in journal.fills.iter().map(|row| &row.fill) {
            let row = fill.row - first + delay;
            costs += fill.cost + fill.spread_cost;
            traded += fill.notional;
            let before = position;
            position += if fill.side == FillSide::Buy { fill.units } else { -fill.units };
            largest = largest.max(position.abs());
            let flat = position.abs() <= DUST * largest;
            short |= !flat && position < 0.0;
            match opened {
                None if !flat => opened = Some(row),
                Some(entry) if flat || before.signum() != position.signum() => {
                    close(entry, row);
                    opened = (!flat).then_some(row);
                }
                _ => {}
            }
            if flat {
                position = 0.0;
            }
        }
        if let Some(entry) = opened {
            close(entry, rows.saturating_sub(1));
        }
        Self { holdings, cost: Fraction::new(if traded > 0.0 { (costs / traded).min(1.0) } else { 0.0 }), short }
    }

    /// Bars of the longest; 0 for none.
    pub(super) fn longest(&self) -> usize {
        self.holdings.iter().map(|holding| holding.bars).max().unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use q50_engine::{decision::Reason, record::FillRow, venue::Fill};

    use super::*;

    fn journal(fills: &[(usize, f64)]) -> Journal {
        let row = |&(row, units): &(usize, f64)| {
            let side = if units > 0.0 { FillSide::Buy } else { FillSide::Sell };
            let (units, notional) = (units.abs(), 100.0 * units.abs());
            let cost = 0.001 * notional;
            let fill = Fill { row, time: 0, side, units, price: 100.0, notional, cost, spread_cost: cost, pool: None };
            FillRow { fill, reason: Reason::EnterLong }
        };
        Journal { fills: fills.iter().map(row).collect(), ..Journal::default() }
    }

    fn holdings(fills: &[(usize, f64)], timing: FillTiming) -> Vec<(usize, usize)> {
        let trips = Trips::of(&journal(fills), 10, 20, timing);
        trips.holdings.iter().map(|holding| (holding.entry, holding.bars)).collect()
    }

    #[test]
    fn a_trip_runs_from_flat_to_flat_whatever_is_added_between() {
        let fills = [(11, 1.0), (12, 0.5), (14, -1.5), (14, 2.0), (18, -1.0), (19, -1.0)];
        assert_eq!(holdings(&fills, FillTiming::NextOpen), [(1, 3), (4, 5)]);
        assert_eq!(holdings(&fills, FillTiming::SameClose), [(2, 3), (5, 5)]);
        let trips = Trips::of(&journal(&fills), 10, 20, FillTiming::NextOpen);
        assert!((trips.cost.get() - 0.002).abs() < 1e-12 && trips.longest() == 5);
    }

    #[test]
    fn what_is_open_at_the_end_is_sold_at_the_last_open_and_a_bar_is_the_least() {
        assert_eq!(holdings(&[(12, 1.0)], FillTiming::NextOpen), [(2, 17)]);
        assert_eq!(holdings(&[(12, 1.0), (12, -1.0), (12, 1.0), (15, -1.0)], FillTiming::NextOpen), [(2, 1), (3, 2)]);
        assert_eq!(holdings(&[(29, 1.0)], FillTiming::NextOpen), [], "nothing is left to hold it for");
    }

    #[test]
    fn a_short_position_is_held_too_and_noted() {
        let fills = [(11, 1.0), (13, -2.0), (18, 1.0)];
        assert_eq!(holdings(&fills, FillTiming::NextOpen), [(1, 2), (3, 5)]);
        let short = |fills: &[(usize, f64)]| Trips::of(&journal(fills), 10, 20, FillTiming::NextOpen).short;
        assert!(short(&fills) && !short(&fills[..1]));
    }
}
