//! A venue that fills at a bar's price: the next bar's open plus costs in basis points, and half a spread if stated.

use serde::{Deserialize, Serialize};

use crate::{
    ledger::{Account, Balances, PriceLedger},
    market::{Bar, Column, Market},
    orders::ROUNDING,
    units::Fraction,
    venue::{Arrival, Fill, FillSide, LatencyPreset, MarketOrder, Rejection, Venue},
};

/// At which moment an order decided at the close of bar `t` is filled.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FillTiming {
    /// At the open of bar `t + 1`: the first price that can still be had.
    #[default]
    NextOpen,
    /// At the close of bar `t`, the price that the decision was made from. Legacy: nobody can trade at it.
    SameClose,
}

impl FillTiming {
    /// The setting's name in reports.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::NextOpen => "next_open",
            Self::SameClose => "same_close",
        }
    }
}

/// A price venue: deep enough that the order does not move it.
///
/// ```
/// use q50_engine::{units::Fraction, venue::{NextOpen, Arrival, MarketOrder, Role, Venue}};
///
/// let mut venue = NextOpen::new(Fraction::from_bps(5.0)).with_lot(1.0);
/// let mut books = venue.open_account(1_000.0);
/// let arrival = Arrival { row: 1, time: 0, price: 99.0, decided_row: 0, available: f64::INFINITY, role: Role::Taker };
/// let fill = venue.execute(MarketOrder::BuyFor(1_000.0), arrival, &mut books).unwrap();
/// assert_eq!(fill.units, 10.0); // 1000 / (99 x 1.0005) = 10.09, rounded down to the lot
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct NextOpen {
    cost: f64,
    half_spread: f64,
    lot: Option<f64>,
    timing: FillTiming,
    latency_ms: i64,
    shorting: bool,
    participation: Option<f64>,
}

impl NextOpen {
    /// Charges `cost` as a share of the notional of every fill.
    #[must_use]
    pub fn new(cost: Fraction) -> Self {
        Self {
            cost: cost.get(),
            half_spread: 0.0,
            lot: None,
            timing: FillTiming::NextOpen,
            latency_ms: 0,
            shorting: false,
            participation: None,
        }
    }

    /// Fills half of `spread` (a share of the mid price) away from the mid.
    #[must_use]
    pub fn with_spread(mut self, spread: Fraction) -> Self {
        self.half_spread = spread.get() / 2.0;
        self
    }

    /// Rounds every bought or shorted amount down to a multiple of `lot` units.
    #[must_use]
    pub fn with_lot(mut self, lot: f64) -> Self {
        self.lot = Some(lot);
        self
    }

    /// Fills at another moment than the next open.
    #[must_use]
    pub fn with_timing(mut self, timing: FillTiming) -> Self {
        self.timing = timing;
        self
    }

    /// Lets orders land later: at the open of the bar that is in progress then. The legacy timing has no latency.
    #[must_use]
    pub fn with_latency(mut self, latency: LatencyPreset) -> Self {
        self.latency_ms = latency.ms();
        self
    }

    /// Permits short sales without borrowing cost, margin or funding. Legacy: the published backtests did so.
    #[must_use]
    pub fn with_free_shorting(mut self) -> Self {
        self.shorting = true;
        self
    }

    /// Lets placed orders have `share` of a bar's volume and no more, and nothing of a bar whose volume is unknown.
    #[must_use]
    pub fn with_participation(mut self, share: Fraction) -> Self {
        self.participation = Some(share.get());
        self
    }

    /// Whether short sales are permitted.
    #[must_use]
    pub fn permits_shorting(&self) -> bool {
        self.shorting
    }

    /// The same venue at another cost.
    #[must_use]
    pub fn at_cost(mut self, cost: Fraction) -> Self {
        self.cost = cost.get();
        self
    }

    #[inline]
    fn lots(&self, units: f64) -> f64 {
        match self.lot {
            // Beyond 2^53 every number is whole; below it, truncation is the floor of what is not negative, without a call.
            Some(lot) => {
                let lots = units / lot;
                (if lots < 9e15 { (lots as i64) as f64 } else { lots }) * lot
            }
            None => units,
        }
    }

    #[inline]
    fn buy_price(&self, mid: f64) -> f64 {
        mid * (1.0 + self.half_spread)
    }

    #[inline]
    fn sell_price(&self, mid: f64) -> f64 {
        mid * (1.0 - self.half_spread)
    }

    #[inline]
    fn fill(&self, side: FillSide, units: f64, price: f64, arrival: Arrival) -> Fill {
        let notional = units * price;
        Fill {
            row: arrival.row,
            time: arrival.time,
            side,
            units,
            price,
            notional,
            cost: notional * self.cost,
            spread_cost: units * (price - arrival.price).abs(),
            pool: None,
        }
    }

    #[inline]
    fn buy(&self, budget: f64, arrival: Arrival, ledger: &PriceLedger) -> Result<Fill, Rejection> {
        let price = self.buy_price(arrival.price);
        let owed = (-ledger.position()).max(0.0);
        let budget = if owed > 0.0 { budget } else { budget.min(ledger.cash()) };
        if budget <= 0.0 && owed == 0.0 {
            return Err(Rejection::NoCash);
        }
        let units = owed + self.lots(budget.max(0.0) / (price * (1.0 + self.cost)));
        let units = units.min(arrival.available);
        if units > 0.0 { Ok(self.fill(FillSide::Buy, units, price, arrival)) } else { Err(Rejection::BelowLot) }
    }

    fn short(&self, amount: f64, arrival: Arrival, ledger: &PriceLedger) -> Result<Fill, Rejection> {
        if !self.shorting {
            return Err(Rejection::NoShorting);
        }
        let price = self.sell_price(arrival.price);
        let units = (ledger.position().max(0.0) + self.lots(amount / price)).min(arrival.available);
        if units > 0.0 { Ok(self.fill(FillSide::Sell, units, price, arrival)) } else { Err(Rejection::BelowLot) }
    }

    fn buy_units(&self, units: f64, arrival: Arrival, ledger: &PriceLedger) -> Result<Fill, Rejection> {
        let price = self.buy_price(arrival.price);
        let owed = (-ledger.position()).max(0.0);
        let units = self.whole(units, owed).min(arrival.available);
        // What is owed can be bought back whatever it costs.
        if units > owed && units * price * (1.0 + self.cost) > ledger.cash() {
            return Err(Rejection::NoCash);
        }
        if units > 0.0 { Ok(self.fill(FillSide::Buy, units, price, arrival)) } else { Err(Rejection::BelowLot) }
    }

    fn sell_units(&self, units: f64, arrival: Arrival, ledger: &PriceLedger) -> Result<Fill, Rejection> {
        let price = self.sell_price(arrival.price);
        let held = ledger.position().max(0.0);
        let units = self.whole(units, held).min(arrival.available);
        if !self.shorting && units > held {
            return Err(if held > 0.0 { Rejection::NoShorting } else { Rejection::NoPosition });
        }
        if units > held && (units - held) * price > Self::short_room(price, ledger) {
            return Err(Rejection::NoCash);
        }
        if units > 0.0 { Ok(self.fill(FillSide::Sell, units, price, arrival)) } else { Err(Rejection::BelowLot) }
    }

    /// `units` in lots; up to rounding all that is open, that itself, so that nothing is left over.
    fn whole(&self, units: f64, open: f64) -> f64 {
        if (units - open).abs() <= open * ROUNDING { open } else { self.lots(units) }
    }

    /// Quote units that can be sold short beside what is owed, until that is worth as much as the account.
    fn short_room(price: f64, ledger: &PriceLedger) -> f64 {
        ledger.balances().at(price) + ledger.position().min(0.0) * price
    }

    /// A share of an open amount; the whole share is the amount itself, so that nothing is left over.
    #[inline]
    fn part(&self, amount: f64, share: f64) -> Result<f64, Rejection> {
        if amount <= 0.0 {
            return Err(Rejection::NoPosition);
        }
        let units = if share >= 1.0 { amount } else { self.lots(amount * share) };
        if units > 0.0 { Ok(units) } else { Err(Rejection::BelowLot) }
    }
}

impl Venue for NextOpen {
    type Ledger = PriceLedger;

    fn open_account(&self, capital: f64) -> PriceLedger {
        PriceLedger::new(capital)
    }

    #[inline]
    fn timing(&self) -> FillTiming {
        self.timing
    }

    #[inline]
    fn latency_ms(&self) -> i64 {
        self.latency_ms
    }

    fn permits_shorting(&self) -> bool {
        self.shorting
    }

    fn bounded(&self, order: MarketOrder, price: f64, ledger: &PriceLedger) -> MarketOrder {
        match order {
            MarketOrder::BuyFor(budget) if ledger.position() < 0.0 => {
                let after_closing = ledger.balances().at(self.buy_price(price) * (1.0 + self.cost));
                MarketOrder::BuyFor(budget.min(after_closing))
            }
            MarketOrder::ShortFor(amount) => {
                MarketOrder::ShortFor(amount.min(Self::short_room(self.sell_price(price), ledger)).max(0.0))
            }
            _ => order,
        }
    }

    fn opening_cost(&self, side: FillSide) -> f64 {
        match side {
            FillSide::Buy => self.buy_price(1.0) * (1.0 + self.cost) - 1.0,
            FillSide::Sell => 1.0 - self.sell_price(1.0) * (1.0 - self.cost),
        }
    }

    fn mid(&self, side: FillSide, price: f64) -> f64 {
        match side {
            FillSide::Buy => price / (1.0 + self.half_spread),
            FillSide::Sell => price / (1.0 - self.half_spread),
        }
    }

    fn available(&self, market: &Market<'_>, row: usize) -> f64 {
        let Some(share) = self.participation else { return f64::INFINITY };
        let volume = market.signals.get(Column::Volume).map_or(f64::NAN, |volume| volume[row]);
        if volume > 0.0 { self.lots(share * volume) } else { 0.0 }
    }

    #[inline(always)]
    fn execute(&mut self, order: MarketOrder, arrival: Arrival, ledger: &mut PriceLedger) -> Result<Fill, Rejection> {
        let fill = match order {
            MarketOrder::BuyFor(budget) => self.buy(budget, arrival, ledger)?,
            MarketOrder::ShortFor(amount) => self.short(amount, arrival, ledger)?,
            MarketOrder::SellShare(share) => {
                let units = self.part(ledger.position(), share)?.min(arrival.available);
                self.fill(FillSide::Sell, units, self.sell_price(arrival.price), arrival)
            }
            MarketOrder::CoverShare(share) => {
                let units = self.part(-ledger.position(), share)?.min(arrival.available);
                self.fill(FillSide::Buy, units, self.buy_price(arrival.price), arrival)
            }
            MarketOrder::Buy(units) => self.buy_units(units, arrival, ledger)?,
            MarketOrder::Sell(units) => self.sell_units(units, arrival, ledger)?,
        };
        ledger.apply(&fill);
        Ok(fill)
    }

    #[inline]
    fn account(&self, bar: &Bar, _row: usize, ledger: &PriceLedger) -> Account {
        ledger.account(bar.close)
    }

    #[inline]
    fn balances(&self, ledger: &PriceLedger) -> Option<Balances> {
        Some(ledger.balances())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::venue::Role;

    const ARRIVAL: Arrival =
        Arrival { row: 3, time: 42, price: 100.0, decided_row: 2, available: f64::INFINITY, role: Role::Taker };

    #[test]
    fn costs_are_charged_beside_the_notional_on_both_sides() {
        let mut venue = NextOpen::new(Fraction::from_bps(10.0));
        let mut books = venue.open_account(1_001.0);
        let bought = venue.execute(MarketOrder::BuyFor(1_001.0), ARRIVAL, &mut books).unwrap();
        assert!((bought.units - 10.0).abs() < 1e-12, "1001 = 10 x 100 x 1.001");
        let sold = venue.execute(MarketOrder::SellShare(1.0), ARRIVAL, &mut books).unwrap();
        assert!((sold.cost - 1.0).abs() < 1e-12);
        assert!((books.cash() - 999.0).abs() < 1e-9, "two fees of 1.0 from 1001");
    }

    #[test]
    fn half_the_spread_is_lost_on_each_side_and_reported() {
        let mut venue = NextOpen::new(Fraction::ZERO).with_spread(Fraction::new(0.02)).with_lot(1.0);
        let mut books = venue.open_account(1_010.0);
        let bought = venue.execute(MarketOrder::BuyFor(1_010.0), ARRIVAL, &mut books).unwrap();
        assert_eq!((bought.units, bought.price, bought.spread_cost), (10.0, 101.0, 10.0));
        let sold = venue.execute(MarketOrder::SellShare(1.0), ARRIVAL, &mut books).unwrap();
        assert_eq!(sold.price, 99.0);
    }

    #[test]
    fn less_than_one_lot_is_no_trade() {
        let mut venue = NextOpen::new(Fraction::ZERO).with_lot(1.0);
        let mut books = venue.open_account(99.0);
        assert_eq!(venue.execute(MarketOrder::BuyFor(99.0), ARRIVAL, &mut books), Err(Rejection::BelowLot));
        assert_eq!(books, PriceLedger::new(99.0));
    }

    #[test]
    fn shorting_is_refused_unless_permitted() {
        let mut venue = NextOpen::new(Fraction::ZERO);
        let mut books = venue.open_account(100.0);
        assert_eq!(venue.execute(MarketOrder::ShortFor(50.0), ARRIVAL, &mut books), Err(Rejection::NoShorting));
        let mut venue = venue.with_free_shorting();
        venue.execute(MarketOrder::ShortFor(50.0), ARRIVAL, &mut books).unwrap();
        assert_eq!(books.position(), -0.5);
        venue.execute(MarketOrder::CoverShare(1.0), ARRIVAL, &mut books).unwrap();
        assert_eq!((books.position(), books.cash()), (0.0, 100.0));
    }

    #[test]
    fn a_short_round_trip_pays_the_spread_on_both_sides() {
        let mut venue = NextOpen::new(Fraction::ZERO).with_spread(Fraction::new(0.02)).with_free_shorting();
        let mut books = venue.open_account(1_000.0);
        let shorted = venue.execute(MarketOrder::ShortFor(990.0), ARRIVAL, &mut books).unwrap();
        assert_eq!((shorted.units, shorted.price, shorted.spread_cost), (10.0, 99.0, 10.0));
        let covered = venue.execute(MarketOrder::CoverShare(1.0), ARRIVAL, &mut books).unwrap();
        assert_eq!((covered.units, covered.price, covered.spread_cost), (10.0, 101.0, 10.0));
        assert_eq!((books.cash(), books.position()), (980.0, 0.0));
    }

    proptest! {
        #[test]
        fn a_long_venue_never_spends_more_than_the_cash(
            cash in 0.0_f64..1e9, budget in 0.0_f64..1e12, price in 1e-9_f64..1e9, bps in 0.0_f64..1e4,
        ) {
            let mut venue = NextOpen::new(Fraction::from_bps(bps));
            let mut books = venue.open_account(cash);
            if venue.execute(MarketOrder::BuyFor(budget), Arrival { price, ..ARRIVAL }, &mut books).is_ok() {
                prop_assert!(books.cash() >= -1e-9 * cash);
            }
        }

        #[test]
        fn a_round_trip_at_one_price_never_gains(
            cash in 1.0_f64..1e9, price in 1e-6_f64..1e6, bps in 0.0_f64..100.0, spread in 0.0_f64..0.01,
        ) {
            let mut venue = NextOpen::new(Fraction::from_bps(bps)).with_spread(Fraction::new(spread));
            let mut books = venue.open_account(cash);
            let arrival = Arrival { price, ..ARRIVAL };
            venue.execute(MarketOrder::BuyFor(cash), arrival, &mut books).unwrap();
            venue.execute(MarketOrder::SellShare(1.0), arrival, &mut books).unwrap();
            prop_assert!(books.cash() <= cash * (1.0 + 1e-12));
            prop_assert_eq!(books.position(), 0.0);
        }
    }
}
