//! THE matching rule: where orders meet a bar.
//!
//! A bar gives four prices but not their sequence, so wherever there is a choice, the rule takes the worse one:
//!
//! 1. **At the open**, and at its price: first the order of the last decision, then market orders by number, then stops
//!    that the bar opened at or beyond, then limits that the open satisfies. A gap therefore fills at the open, even
//!    beyond a target.
//! 2. **Inside**, at their own price: first stops that the range reaches, the nearest to the open first, then limits,
//!    in the same way. If a stop and a target lie in one bar, the stop was first.
//! 3. **Orders placed in response to a fill** take part in the rest of the bar. After a fill at the open that is the
//!    whole range. After a fill inside, the whole range may reach a stop, but only the close may reach a limit, because
//!    the price may have been there before. A market order waits for the next open, because no price inside a bar is
//!    known.
//! 4. An order placed in response to the fill of such an order waits for the next bar, so that a bar ends.
//!
//! A **limit** is filled at its price or a better one, half the spread included; a **stop** becomes a market order at its
//! price and pays the spread. A **reduce-only** order is cut to what is open against it, and cancelled where there is
//! nothing. Where the venue knows the **volume** of a bar, all placed orders of the bar share what of it can be had, in the
//! order above; an order that gets a part works on with the rest. An order lands in the bar that is open after its latency
//! and works from that bar's open on; it expires before the first bar that opens at its expiry or later. What happens is
//! stamped with its landing or the bar's open, and never earlier than what happened before it.
//!
//! The exits of [`RestingExits`] are a stop and a target that a strategy restates at every bar. They meet the bar by
//! the same rules.

use crate::{
    decision::Reason,
    market::Bar,
    orders::{OrderKind, OrderRequest},
    venue::FillSide,
};

/// Prices at which the venue closes the position inside a bar.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RestingExits {
    /// Price of the stop, and which of them it is.
    pub stop: Option<(f64, Reason)>,
    /// Price of the target.
    pub target: Option<f64>,
    /// Whether the position is long.
    pub long: bool,
}

impl RestingExits {
    /// No resting order.
    pub const NONE: Self = Self { stop: None, target: None, long: true };

    /// The price and reason at which `bar` closes the position, if it does.
    #[must_use]
    #[inline]
    pub fn hit(&self, bar: &Bar) -> Option<(f64, Reason)> {
        let (side, worst, best) =
            if self.long { (FillSide::Sell, bar.low, bar.high) } else { (FillSide::Buy, bar.high, bar.low) };
        let stop = |price: f64| self.stop.filter(|(level, _)| Way::of_stop(side).reaches(*level, price));
        let target = |price: f64| {
            let level = self.target.filter(|level| Way::of_limit(side).reaches(*level, price))?;
            Some((level, Reason::TakeProfit))
        };
        match stop(bar.open).or_else(|| target(bar.open)) {
            Some((_, reason)) => Some((bar.open, reason)),
            None => stop(worst).or_else(|| target(best)),
        }
    }
}

/// From where a price comes to a level.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Way {
    /// From above: stops of sales, limits of buys.
    Down,
    /// From below: stops of buys, limits of sales.
    Up,
}

impl Way {
    #[inline]
    const fn of_stop(side: FillSide) -> Self {
        match side {
            FillSide::Sell => Self::Down,
            FillSide::Buy => Self::Up,
        }
    }

    #[inline]
    const fn of_limit(side: FillSide) -> Self {
        match side {
            FillSide::Sell => Self::Up,
            FillSide::Buy => Self::Down,
        }
    }

    /// Whether `price` is at `level` or beyond it.
    #[inline]
    fn reaches(self, level: f64, price: f64) -> bool {
        match self {
            Self::Down => price <= level,
            Self::Up => price >= level,
        }
    }

    /// The price of the bar that went furthest this way.
    fn furthest(self, bar: &Bar) -> f64 {
        match self {
            Self::Down => bar.low,
            Self::Up => bar.high,
        }
    }
}

/// When an order began to work, seen from the present bar.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Began {
    /// By its open.
    Earlier,
    /// At its open, on hearing of what happened there.
    AtOpen,
    /// Inside, when the price was this.
    Inside(f64),
}

/// Where an order meets a bar. Its number decides between equals.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd)]
pub(crate) enum Meeting {
    /// At the open: market orders (0) before stops (1) before limits (2).
    AtOpen(u8),
    /// Inside, by a stop at this distance from the open.
    Stop(f64),
    /// Inside, by a limit at this distance from the open.
    Limit(f64),
}

/// Where `request` meets `bar`, and at which mid price; `None` where it does not. `mid` is the mid price at which the
/// venue's own price is a given one.
pub(crate) fn meeting(
    request: &OrderRequest,
    began: Began,
    bar: &Bar,
    mid: impl Fn(FillSide, f64) -> f64,
) -> Option<(Meeting, f64)> {
    let side = request.side;
    let (way, level, is_stop) = match request.kind {
        OrderKind::Market => return (began == Began::Earlier).then_some((Meeting::AtOpen(0), bar.open)),
        OrderKind::Stop(level) => (Way::of_stop(side), level, true),
        OrderKind::Limit(level) => (Way::of_limit(side), mid(side, level), false),
    };
    let inside = |price: f64| {
        let distance = (price - bar.open).abs();
        (if is_stop { Meeting::Stop(distance) } else { Meeting::Limit(distance) }, price)
    };
    match began {
        Began::Earlier | Began::AtOpen if way.reaches(level, bar.open) => {
            Some((Meeting::AtOpen(if is_stop { 1 } else { 2 }), bar.open))
        }
        Began::Inside(from) if way.reaches(level, from) => Some(inside(from)),
        Began::Inside(_) if !is_stop => way.reaches(level, bar.close).then(|| inside(level)),
        _ => way.reaches(level, way.furthest(bar)).then(|| inside(level)),
    }
}
