//! Positions from fills: what each sale earned, and what each position did from its first fill to its last.

use q50_engine::{
    decision::Reason,
    record::{FillRow, Journal},
    strategy::side::Side,
    venue::FillSide,
};

/// A position below this share of the largest is the rounding of a sale.
const DUST: f64 = 1e-9;

/// A position from its first fill until it was closed, or until the end of the record.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RoundTrip {
    /// Long or short.
    pub side: Side,
    /// When the first fill landed, epoch milliseconds.
    pub opened: i64,
    /// When the last fill landed that closed it; `None` where it was still open at the end.
    pub closed: Option<i64>,
    /// Units that were bought (long) or sold (short) in all.
    pub units: f64,
    /// Mean price of these.
    pub entry: f64,
    /// Mean price of the units given back; of a position that is still open the last close counts for the rest.
    pub exit: f64,
    /// Gain after fees, quote units; what is still open is valued at the last close.
    pub gain: f64,
    /// The gain as a fraction of what was put in, units times `entry`.
    pub growth: f64,
    /// Orders filled.
    pub fills: usize,
    /// Why the last of them was sent.
    pub reason: Reason,
}

/// A position that is being folded.
struct Open {
    side: Side,
    opened: i64,
    held: f64,
    units: f64,
    /// Notional of what was put in, and of what came back.
    put_in: f64,
    came_back: f64,
    fees: f64,
    fills: usize,
    reason: Reason,
}

impl Open {
    fn begin(side: Side, opened: i64, reason: Reason) -> Self {
        let (held, units, put_in, came_back, fees) = (0.0, 0.0, 0.0, 0.0, 0.0);
        Self { side, opened, held, units, put_in, came_back, fees, fills: 0, reason }
    }

    fn end(self, closed: Option<i64>, price: f64) -> RoundTrip {
        let came_back = self.came_back + if closed.is_none() { self.held * price } else { 0.0 };
        let moved = if self.side == Side::Long { came_back - self.put_in } else { self.put_in - came_back };
        let gain = moved - self.fees;
        RoundTrip {
            side: self.side,
            opened: self.opened,
            closed,
            units: self.units,
            entry: self.put_in / self.units,
            exit: came_back / self.units,
            gain,
            growth: gain / self.put_in,
            fills: self.fills,
            reason: self.reason,
        }
    }
}

/// Every position of a replay, in time order, from flat to flat or to the other side. A fill that turns a position
/// closes one and opens the next, its fee shared by units. `last_close` values what is open at the end.
#[must_use]
pub fn round_trips(fills: &[FillRow], last_close: f64) -> Vec<RoundTrip> {
    let mut trips = Vec::new();
    let mut open: Option<Open> = None;
    for FillRow { fill, reason } in fills {
        let side = if fill.side == FillSide::Buy { Side::Long } else { Side::Short };
        let mut left = fill.units;
        if let Some(mut position) = open.take_if(|position| position.side != side) {
            let closing = left.min(position.held);
            position.held -= closing;
            position.came_back += closing * fill.price;
            position.fees += fill.cost * closing / fill.units;
            position.fills += 1;
            position.reason = *reason;
            left -= closing;
            if position.held <= DUST * position.units {
                trips.push(position.end(Some(fill.time), fill.price));
            } else {
                open = Some(position);
            }
        }
        if left > DUST * fill.units {
            let position = open.get_or_insert_with(|| Open::begin(side, fill.time, *reason));
            position.held += left;
            position.units += left;
            position.put_in += left * fill.price;
            position.fees += fill.cost * left / fill.units;
            position.fills += 1;
            position.reason = *reason;
        }
    }
    trips.extend(open.map(|position| position.end(None, last_close)));
    trips
}

/// The [`outcomes`] of a replay, instrument after instrument where there are several.
#[must_use]
pub fn outcomes_of(journal: &Journal) -> Vec<f64> {
    if journal.each.is_empty() {
        return outcomes(&journal.fills);
    }
    journal.each.iter().flat_map(|one| outcomes(&one.fills)).collect()
}

/// Profit or loss of every fill that reduced a position, in quote units, in time order.
///
/// The cost basis is the average price of what is held, fees of opening spread over it; the fee of closing is taken
/// from the proceeds.
#[must_use]
pub fn outcomes(fills: &[FillRow]) -> Vec<f64> {
    let (mut position, mut basis) = (0.0_f64, 0.0_f64);
    let mut outcomes = Vec::new();
    for FillRow { fill, .. } in fills {
        let signed = if fill.side == FillSide::Buy { fill.units } else { -fill.units };
        let fee_per_unit = fill.cost / fill.units;
        let closing = if position * signed < 0.0 { fill.units.min(position.abs()) } else { 0.0 };
        if closing > 0.0 {
            let gain = if position > 0.0 { fill.price - basis } else { basis - fill.price };
            outcomes.push(closing * (gain - fee_per_unit));
        }
        let opening = fill.units - closing;
        if opening > 0.0 {
            let held = position.abs() - closing;
            let paid = if signed > 0.0 { fill.price + fee_per_unit } else { fill.price - fee_per_unit };
            basis = (basis * held + paid * opening) / (held + opening);
        }
        position += signed;
    }
    outcomes
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use q50_engine::venue::Fill;

    fn fill(side: FillSide, units: f64, price: f64, cost: f64) -> FillRow {
        let fill =
            Fill { row: 0, time: 0, side, units, price, notional: units * price, cost, spread_cost: 0.0, pool: None };
        FillRow { fill, reason: Reason::EnterLong }
    }

    #[test]
    fn positions_run_from_flat_to_flat() {
        let mut fills = [
            fill(FillSide::Buy, 1.0, 100.0, 1.0),
            fill(FillSide::Buy, 3.0, 120.0, 1.0),
            fill(FillSide::Sell, 4.0, 130.0, 2.0),
            fill(FillSide::Buy, 2.0, 50.0, 0.5),
        ];
        for (time, row) in (0..).zip(&mut fills) {
            row.fill.time = time;
        }
        fills[2].reason = Reason::StopLoss;
        let trips = round_trips(&fills, 60.0);
        // Put in 100 + 360, back 520, fees 4.
        let first = RoundTrip {
            side: Side::Long,
            opened: 0,
            closed: Some(2),
            units: 4.0,
            entry: 115.0,
            exit: 130.0,
            gain: 56.0,
            growth: 56.0 / 460.0,
            fills: 3,
            reason: Reason::StopLoss,
        };
        // Still open: valued at 60 where it was bought at 50, less a fee of a half.
        let (opened, closed, reason) = (3, None, Reason::EnterLong);
        let second = RoundTrip {
            opened,
            closed,
            units: 2.0,
            entry: 50.0,
            exit: 60.0,
            gain: 19.5,
            growth: 0.195,
            fills: 1,
            reason,
            ..first
        };
        assert_eq!(trips, [first, second]);
    }

    #[test]
    fn a_fill_that_turns_a_position_shares_its_fee() {
        let fills = [fill(FillSide::Sell, 1.0, 100.0, 0.0), fill(FillSide::Buy, 4.0, 90.0, 8.0)];
        let trips = round_trips(&fills, 100.0);
        let told: Vec<_> = trips.iter().map(|trip| (trip.side, trip.units, trip.gain, trip.closed)).collect();
        // Short: 10 less a quarter of the fee. Long: 3 units from 90 to 100 less the rest of it.
        assert_eq!(told, [(Side::Short, 1.0, 8.0, Some(0)), (Side::Long, 3.0, 24.0, None)]);
    }

    proptest! {
        #[test]
        fn what_positions_gained_is_what_the_account_gained(orders in prop::collection::vec((any::<bool>(), 1..9_u32, 50.0..150.0_f64), 1..30)) {
            let fills: Vec<FillRow> = orders
                .iter()
                .map(|&(buy, units, price)| {
                    fill(if buy { FillSide::Buy } else { FillSide::Sell }, f64::from(units), price, 0.001 * price)
                })
                .collect();
            let (mut cash, mut held) = (0.0, 0.0);
            for FillRow { fill, .. } in &fills {
                let signed = if fill.side == FillSide::Buy { fill.units } else { -fill.units };
                cash -= signed * fill.price + fill.cost;
                held += signed;
            }
            let gained: f64 = round_trips(&fills, 80.0).iter().map(|trip| trip.gain).sum();
            prop_assert!((gained - (cash + held * 80.0)).abs() < 1e-9 * 1e5, "{gained} and {}", cash + held * 80.0);
        }
    }

    #[test]
    fn a_long_round_trip_by_hand() {
        let fills = [fill(FillSide::Buy, 2.0, 100.0, 1.0), fill(FillSide::Sell, 2.0, 110.0, 1.0)];
        assert_eq!(outcomes(&fills), [18.0]);
    }

    #[test]
    fn adding_averages_and_partial_sales_are_outcomes_of_their_own() {
        let fills = [
            fill(FillSide::Buy, 1.0, 100.0, 0.0),
            fill(FillSide::Buy, 1.0, 120.0, 0.0),
            fill(FillSide::Sell, 1.0, 115.0, 0.0),
            fill(FillSide::Sell, 1.0, 100.0, 0.0),
        ];
        assert_eq!(outcomes(&fills), [5.0, -10.0]);
    }

    #[test]
    fn a_fill_through_zero_closes_and_opens() {
        let fills = [
            fill(FillSide::Buy, 1.0, 100.0, 0.0),
            fill(FillSide::Sell, 3.0, 90.0, 0.0),
            fill(FillSide::Buy, 2.0, 80.0, 0.0),
        ];
        assert_eq!(outcomes(&fills), [-10.0, 20.0]);
    }
}
