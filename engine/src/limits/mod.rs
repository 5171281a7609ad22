//! Limits of an account over its instruments: how many positions are open, how much is exposed, how much is lost where
//! every stop is hit.
//!
//! They stand between an order and the venue, at the moment at which the order arrives. The own instrument counts at the
//! mid price of that moment, every other one at its last close before it. What an entry would add is cut to what the limits
//! leave, and the smallest of them is named; where nothing is left it is refused. A limit that is reached exactly is hit.
//! What closes a position is never held back, and nothing is closed because a price has carried it over a limit.

mod correlation;
mod gate;

pub use correlation::correlation;
pub(crate) use gate::Gate;

use serde::{Deserialize, Serialize};

use crate::{market::Market, orders::ROUNDING, strategy::side::Side, units::Fraction, venue::MarketOrder};

/// A limit of an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Limit {
    /// Positions that are open at once.
    MaxPositions,
    /// Value of all positions.
    TotalExposure,
    /// Value of the position in one instrument.
    InstrumentExposure,
    /// Value of the positions whose instruments move together with the one that is entered.
    CorrelatedExposure,
    /// What is lost where every stop is hit.
    Heat,
}

impl Limit {
    /// Every limit.
    pub const ALL: [Self; 5] =
        [Self::MaxPositions, Self::TotalExposure, Self::InstrumentExposure, Self::CorrelatedExposure, Self::Heat];

    /// The limit's name in strategy files and tables.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::MaxPositions => "max_positions",
            Self::TotalExposure => "total_exposure",
            Self::InstrumentExposure => "instrument_exposure",
            Self::CorrelatedExposure => "correlated_exposure",
            Self::Heat => "heat",
        }
    }
}

/// A limit on positions that move together.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Correlated {
    /// Their value, a share of equity.
    pub exposure: Fraction,
    /// Returns of which the correlation is taken: the last ones that are known.
    pub window: usize,
    /// Correlation at or above which two positions of one side move together; of opposite sides, at or below its negative.
    pub threshold: Fraction,
}

/// The limits of an account. Absent limits do not apply; shares are of equity.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Limits {
    /// Positions that are open at once.
    pub max_positions: Option<u32>,
    /// Value of all positions.
    pub total_exposure: Option<Fraction>,
    /// Value of the position in one instrument.
    pub instrument_exposure: Option<Fraction>,
    /// Value of positions that move together.
    pub correlated: Option<Correlated>,
    /// Value of each position times the distance of its stop, summed.
    pub heat: Option<Fraction>,
}

/// A position as the limits see it.
#[derive(Clone, Copy, Debug)]
pub struct Holding<'a> {
    /// Its instrument.
    pub market: &'a Market<'a>,
    /// Its value, quote units; negative where owed, 0 without a position.
    pub value: f64,
    /// Distance of its stop, a fraction of its value.
    pub stop: f64,
}

/// The account at the moment at which an order arrives.
#[derive(Clone, Copy, Debug)]
pub struct Standing<'a> {
    /// Equity of the whole, quote units.
    pub equity: f64,
    /// What is held of the instrument.
    pub own: Holding<'a>,
    /// The same, units; negative where owed.
    pub position: f64,
    /// Mid price of one unit that the order is filled at, quote units.
    pub price: f64,
    /// Distance that the stop of a long entry and that of a short one would have, fractions of the price.
    pub stops: [Option<f64>; 2],
    /// What opening long and opening short take of the equity at once, shares of the value that is opened.
    pub costs: [f64; 2],
    /// The other instruments.
    pub others: &'a [Holding<'a>],
    /// Epoch milliseconds up to which closes are known.
    pub known: i64,
}

impl Limits {
    /// Whether there is none.
    #[must_use]
    pub fn is_none(&self) -> bool {
        *self == Self::default()
    }

    /// `order` as the limits let it pass: whole, or cut by the limit that is named.
    ///
    /// # Errors
    /// The limit that leaves nothing of an order that only opens.
    pub fn admit(&self, order: MarketOrder, at: &Standing<'_>) -> Result<(MarketOrder, Option<Limit>), Limit> {
        let Some((side, asked)) = opening(order, at) else { return Ok((order, None)) };
        let Some((limit, room)) = self.room(side, at) else { return Ok((order, None)) };
        let is_left = room > at.equity.max(0.0) * ROUNDING;
        let cost = at.costs[side as usize];
        let cut = match side {
            _ if is_left && asked <= room * (1.0 + ROUNDING) => return Ok((order, None)),
            Side::Long if is_left => MarketOrder::BuyFor(room * (1.0 + cost)),
            Side::Short if is_left => MarketOrder::ShortFor(room * (1.0 - cost)),
            // What is open against the entry is closed all the same.
            Side::Long if at.position < 0.0 => MarketOrder::CoverShare(1.0),
            Side::Short if at.position > 0.0 => MarketOrder::SellShare(1.0),
            _ => return Err(limit),
        };
        Ok((cut, Some(limit)))
    }

    /// The value that an entry on `side` may add, quote units, and the limit that says so, of several that leave nothing the first;
    /// `None` where none does.
    fn room(&self, side: Side, at: &Standing<'_>) -> Option<(Limit, f64)> {
        let value = if side == Side::Long { at.own.value } else { -at.own.value };
        let held = value.max(0.0);
        let (stop, cost) = (distance(at.stops[side as usize]), at.costs[side as usize]);
        let sum = |of: &dyn Fn(&Holding<'_>) -> f64| at.others.iter().map(of).sum::<f64>();
        // What is open against the entry is closed first, at the same cost.
        let equity = at.equity - cost * (held - value);
        // What is added has this weight, and takes its cost of the equity.
        let room = |most: Fraction, used: f64, weight: f64| {
            ((most.get() * equity - used) / (weight + most.get() * cost)).max(0.0)
        };
        let full = |most: &u32| held == 0.0 && at.others.iter().filter(|o| o.value != 0.0).count() >= *most as usize;
        let rooms = [
            (Limit::MaxPositions, self.max_positions.filter(full).map(|_| 0.0)),
            (Limit::TotalExposure, self.total_exposure.map(|most| room(most, held + sum(&|o| o.value.abs()), 1.0))),
            (Limit::InstrumentExposure, self.instrument_exposure.map(|most| room(most, held, 1.0))),
            (
                Limit::CorrelatedExposure,
                self.correlated.map(|limit| {
                    let beside = |o: &Holding<'_>| if limit.joins(side, o, at) { o.value.abs() } else { 0.0 };
                    room(limit.exposure, held + sum(&beside), 1.0)
                }),
            ),
            (
                Limit::Heat,
                self.heat.map(|most| room(most, held * at.own.stop + sum(&|o| o.value.abs() * o.stop), stop)),
            ),
        ];
        let rooms = rooms.into_iter().filter_map(|(limit, room)| Some((limit, room?)));
        rooms.reduce(|least, next| if next.1 < least.1 { next } else { least })
    }
}

impl Correlated {
    /// Whether `other` moves together with a position on `side` of the own instrument. Where there are too few closes to
    /// tell, it does.
    fn joins(&self, side: Side, other: &Holding<'_>, at: &Standing<'_>) -> bool {
        if other.value == 0.0 {
            return false;
        }
        let same = (side == Side::Long) == (other.value > 0.0);
        correlation(at.own.market, other.market, at.known, self.window)
            .is_none_or(|r| if same { r >= self.threshold.get() } else { r <= -self.threshold.get() })
    }
}

/// The side that `order` opens, and the value that it opens there at the mid price, quote units; `None` where it only
/// closes.
fn opening(order: MarketOrder, at: &Standing<'_>) -> Option<(Side, f64)> {
    let beyond = |units: f64, open: f64| (units - open.max(0.0)) * at.price;
    let (side, value) = match order {
        MarketOrder::BuyFor(budget) => (Side::Long, budget / (1.0 + at.costs[0])),
        MarketOrder::ShortFor(amount) => (Side::Short, amount / (1.0 - at.costs[1])),
        MarketOrder::Buy(units) => (Side::Long, beyond(units, -at.position)),
        MarketOrder::Sell(units) => (Side::Short, beyond(units, at.position)),
        MarketOrder::SellShare(_) | MarketOrder::CoverShare(_) => return None,
    };
    let closed = at.position.abs() * at.price * ROUNDING;
    (value > closed).then_some((side, value))
}

/// The distance of a stop; without one the whole position is at risk.
#[must_use]
pub fn distance(stop: Option<f64>) -> f64 {
    stop.filter(|distance| *distance > 0.0 && distance.is_finite()).unwrap_or(1.0)
}

/// The mean distance of the stops of a position that went from `before` to `after` units, the stops of what was held at
/// `held`, and that of what was entered at `entered`.
#[must_use]
pub fn mean_stop(held: f64, entered: f64, before: f64, after: f64) -> f64 {
    if before == 0.0 || before.signum() != after.signum() {
        entered
    } else if after.abs() > before.abs() {
        (held * before + entered * (after - before)) / after
    } else {
        held
    }
}

#[cfg(test)]
mod tests {
    use std::sync::LazyLock;

    use super::*;
    use crate::market::Signals;

    static NOTHING: LazyLock<Market<'_>> = LazyLock::new(|| Market {
        open_time: &[],
        open: &[],
        high: &[],
        low: &[],
        close: &[],
        signals: Signals::default(),
        interval_ms: 1,
        first: 0,
    });

    fn holding(value: f64, stop: f64) -> Holding<'static> {
        Holding { market: &NOTHING, value, stop }
    }

    /// An account of 1,000 with `own` units at 10 beside what `others` hold, without costs.
    fn standing<'a>(own: f64, others: &'a [Holding<'a>]) -> Standing<'a> {
        Standing {
            equity: 1_000.0,
            own: holding(10.0 * own, 1.0),
            position: own,
            price: 10.0,
            stops: [None; 2],
            costs: [0.0; 2],
            others,
            known: 0,
        }
    }

    fn share(value: f64) -> Option<Fraction> {
        Some(Fraction::new(value))
    }

    const BUY: MarketOrder = MarketOrder::BuyFor(300.0);

    #[test]
    fn one_position_below_the_most_is_opened_and_at_the_most_none() {
        let limits = Limits { max_positions: Some(2), ..Limits::default() };
        let open = [holding(100.0, 1.0), holding(0.0, 1.0), holding(-5.0, 1.0)];
        assert_eq!(limits.admit(BUY, &standing(0.0, &open)), Err(Limit::MaxPositions));
        assert_eq!(limits.admit(BUY, &standing(0.0, &open[..2])), Ok((BUY, None)));
        assert_eq!(limits.admit(BUY, &standing(1.0, &open)), Ok((BUY, None)), "it adds to one that is open");
    }

    #[test]
    fn exposure_is_that_of_all_positions_whatever_their_side() {
        let limits = Limits { total_exposure: share(0.5), ..Limits::default() };
        let admit = |own: f64, others: &[Holding<'_>]| limits.admit(BUY, &standing(own, others));
        // Of 500, 100 are held here, and long and short elsewhere what is left of it.
        assert_eq!(admit(10.0, &[holding(60.0, 1.0), holding(-40.0, 1.0)]), Ok((BUY, None)), "just what is left");
        let cut = (MarketOrder::BuyFor(250.0), Some(Limit::TotalExposure));
        assert_eq!(admit(10.0, &[holding(90.0, 1.0), holding(-60.0, 1.0)]), Ok(cut));
        assert_eq!(admit(10.0, &[holding(-400.0, 1.0)]), Err(Limit::TotalExposure), "exactly hit");
        assert_eq!(admit(10.0, &[holding(900.0, 1.0)]), Err(Limit::TotalExposure), "a price has carried it beyond");
    }

    #[test]
    fn one_instrument_is_limited_by_its_own_value_alone() {
        let limits = Limits { instrument_exposure: share(0.3), ..Limits::default() };
        let admit = |own: f64| limits.admit(BUY, &standing(own, &[holding(900.0, 1.0)]));
        assert_eq!(admit(0.0), Ok((BUY, None)));
        assert_eq!(admit(29.0), Ok((MarketOrder::BuyFor(10.0), Some(Limit::InstrumentExposure))));
        assert_eq!(admit(30.0), Err(Limit::InstrumentExposure));
    }

    #[test]
    fn heat_is_what_the_stops_lose_and_without_a_stop_everything() {
        let limits = Limits { heat: share(0.06), ..Limits::default() };
        let admit = |stop: Option<f64>, others: &[Holding<'_>]| {
            limits.admit(BUY, &Standing { stops: [stop, None], ..standing(0.0, others) })
        };
        // 60 may be lost. 300 at 20 %, then beside 400 at 10 %, of which 20 are left, and beside 600.
        assert_eq!(admit(Some(0.2), &[]), Ok((BUY, None)));
        let cut = |size: f64| Ok((MarketOrder::BuyFor(size), Some(Limit::Heat)));
        assert_eq!(admit(Some(0.2), &[holding(400.0, 0.1)]), cut(100.0));
        assert_eq!(admit(Some(0.2), &[holding(600.0, 0.1)]), Err(Limit::Heat));
        assert_eq!(admit(None, &[]), cut(60.0));
        assert_eq!(admit(Some(0.0), &[]), cut(60.0), "a stop at the price is none");
    }

    #[test]
    fn the_smallest_room_is_named() {
        let limits = Limits { total_exposure: share(0.5), instrument_exposure: share(0.2), ..Limits::default() };
        let cut = |others| limits.admit(BUY, &standing(0.0, others)).unwrap();
        assert_eq!(cut(&[]), (MarketOrder::BuyFor(200.0), Some(Limit::InstrumentExposure)));
        assert_eq!(cut(&[holding(350.0, 1.0)]), (MarketOrder::BuyFor(150.0), Some(Limit::TotalExposure)));
    }

    #[test]
    fn what_closes_passes_every_limit() {
        let limits = Limits { max_positions: Some(1), total_exposure: share(0.1), ..Limits::default() };
        let open = [holding(500.0, 1.0)];
        let admit = |own: f64, order| limits.admit(order, &standing(own, &open));
        for order in [MarketOrder::CoverShare(0.5), MarketOrder::SellShare(1.0)] {
            assert_eq!(admit(5.0, order), Ok((order, None)));
        }
        assert_eq!(admit(-5.0, MarketOrder::Buy(5.0)), Ok((MarketOrder::Buy(5.0), None)));
        assert_eq!(admit(5.0, MarketOrder::Sell(4.0)), Ok((MarketOrder::Sell(4.0), None)));
        // Of what turns a position only the first half is left.
        let closed = |order| Ok((order, Some(Limit::MaxPositions)));
        assert_eq!(admit(-5.0, MarketOrder::Buy(8.0)), closed(MarketOrder::CoverShare(1.0)));
        assert_eq!(admit(-5.0, BUY), closed(MarketOrder::CoverShare(1.0)));
        assert_eq!(admit(5.0, MarketOrder::ShortFor(1.0)), closed(MarketOrder::SellShare(1.0)));
    }

    #[test]
    fn what_an_entry_costs_is_left_for_it() {
        let limits = Limits { total_exposure: share(0.5), ..Limits::default() };
        let at = Standing { costs: [0.01, 0.01], ..standing(0.0, &[]) };
        let Ok((MarketOrder::BuyFor(budget), Some(_))) = limits.admit(MarketOrder::Buy(60.0), &at) else { panic!() };
        let value = budget / 1.01;
        assert!((value - 0.5 * (1_000.0 - 0.01 * value)).abs() < 1e-9, "half of what is left after the cost");
        let Ok((MarketOrder::ShortFor(got), Some(_))) = limits.admit(MarketOrder::Sell(60.0), &at) else { panic!() };
        let value = got / 0.99;
        assert!((value - 0.5 * (1_000.0 - 0.01 * value)).abs() < 1e-9);
        let owed = Standing { costs: [0.01; 2], ..standing(-20.0, &[]) };
        let Ok((MarketOrder::BuyFor(budget), Some(_))) = limits.admit(MarketOrder::Buy(90.0), &owed) else { panic!() };
        let value = budget / 1.01;
        assert!((value - 0.5 * (1_000.0 - 2.0 - 0.01 * value)).abs() < 1e-9, "closing the 200 that are owed costs 2");
    }

    #[test]
    fn without_equity_nothing_is_entered() {
        let limits = Limits { total_exposure: share(1.0), ..Limits::default() };
        for equity in [0.0, -5.0, f64::NAN] {
            assert_eq!(limits.admit(BUY, &Standing { equity, ..standing(0.0, &[]) }), Err(Limit::TotalExposure));
        }
    }

    #[test]
    fn stops_of_a_position_are_averaged_by_its_parts() {
        assert_eq!(mean_stop(0.5, 0.1, 0.0, 4.0), 0.1);
        assert_eq!(mean_stop(0.5, 0.1, -2.0, 4.0), 0.1);
        assert_eq!(mean_stop(0.5, 0.1, -2.0, -8.0), (0.5 * 2.0 + 0.1 * 6.0) / 8.0);
        assert_eq!(mean_stop(0.5, 0.1, 4.0, 1.0), 0.5);
    }
}
