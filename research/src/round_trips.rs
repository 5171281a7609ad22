//! What each closed position earned: fills folded at average cost, fees included.

use q50_engine::{record::FillRow, venue::FillSide};

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
    use q50_engine::{decision::Reason, venue::Fill};

    fn fill(side: FillSide, units: f64, price: f64, cost: f64) -> FillRow {
        let fill =
            Fill { row: 0, time: 0, side, units, price, notional: units * price, cost, spread_cost: 0.0, pool: None };
        FillRow { fill, reason: Reason::EnterLong }
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
