//! THE matching rule: where orders meet a bar.
//!
//! A bar gives four prices but not their sequence, so wherever there is a choice, the rule takes the worse one:
//!
//! 1. **At the open**, and at its price: first the order of the last decision, then market orders, then stops that the bar
//!    opened at or beyond, then limits that the open satisfies; equals in the order in which they landed. A gap therefore
//!    fills at the open, even beyond a target.
//! 2. **Inside**, at their own price. The price goes one way first, up or down, and reaches the orders on that side by their
//!    distance from the open, a stop before a limit at the same price: an entry comes before the stop behind it. The first
//!    way is that of the nearest stop that the range reaches; without one, the way whose limits close the position; without
//!    a position, that of the nearest limit. If a stop and a target lie in one bar, the stop was first, and what the bar may
//!    have bought after the target is not sold there.
//! 3. **Late orders** take part in the rest of the bar: those placed in response to a fill, and those that may only reduce
//!    and found nothing until a fill. After a fill at the open that is the whole range. After a fill inside, the whole range
//!    may reach a stop, but only the close may reach a limit, because the price may have been there before, unless it lies
//!    behind that fill on the same way. A market order waits for the next open, because no price inside a bar is known.
//! 4. An order placed in response to the fill of such an order waits for the next bar, so that a bar ends.
//!
//! A **limit** is filled at its price or a better one, half the spread included; a **stop** becomes a market order at its
//! price and pays the spread. A **reduce-only** order is cut to what is open against it. With nothing open it is cancelled:
//! at the open at once, inside when the bar is over. A sale where shorting is not permitted is rejected in the same way.
//! Where the venue knows the **volume** of a bar, all placed orders of the bar share what of it can be had, in the order
//! above; an order that gets a part works on with the rest. An order lands in the bar that is open after its latency and
//! works from that bar's open on. It expires before the first bar that opens at its expiry or later, and at once if it lands
//! then or later. Orders that work when the record ends are cancelled. What happens is stamped with its landing or the
//! bar's open, and never earlier than what happened before it.
//!
//! The exits of [`RestingExits`] are a stop and a target that a strategy restates at every bar. They meet the bar by
//! the same rules.

use crate::{
    decision::Reason,
    market::Bar,
    orders::{OrderKind, OrderRequest},
    venue::{
        FillSide,
        perpetual::{Maintenance, MarginAccount},
    },
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

    /// Of these and `other` exits of the same position those that a price comes to first.
    #[must_use]
    pub fn beside(self, other: Self) -> Self {
        let [higher, lower] = [f64::max as fn(f64, f64) -> f64, f64::min];
        let (stop_first, target_first) = if self.long { (higher, lower) } else { (lower, higher) };
        let stop = match (self.stop, other.stop) {
            (Some(a), Some(b)) => Some(if stop_first(a.0, b.0) == a.0 { a } else { b }),
            (a, b) => a.or(b),
        };
        let target = match (self.target, other.target) {
            (Some(a), Some(b)) => Some(target_first(a, b)),
            (a, b) => a.or(b),
        };
        Self { stop, target, ..self }
    }

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

/// A liquidation inside a bar, which mark prices decide.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Liquidation {
    /// The mark price at which it happens.
    pub price: f64,
    /// Mark price at the open.
    mark_open: f64,
    long: bool,
}

impl Liquidation {
    /// That of the position of `account` inside the bar `mark` of mark prices, if there is one.
    #[must_use]
    pub fn inside(account: &MarginAccount, rule: Maintenance<'_>, mark: &Bar) -> Option<Self> {
        let long = account.position() > 0.0;
        let (worst, first) =
            if long { (mark.low, f64::min as fn(f64, f64) -> f64) } else { (mark.high, f64::max as _) };
        let reached = account.is_liquidated_at(worst, rule);
        let price = reached.then(|| account.liquidation_price(rule)).flatten()?;
        // A position that was opened beyond its liquidation price is liquidated at the open.
        Some(Self { price: first(price, mark.open), mark_open: mark.open, long })
    }

    /// Whether it comes before the exit that `bar` of last prices comes to, if it does: an exit at the open was first, and
    /// inside the bar the level nearer to the open. So a stop behind the liquidation price never saves.
    #[must_use]
    pub fn comes_first(&self, exit: Option<(f64, Reason)>, bar: &Bar) -> bool {
        match exit {
            None => true,
            Some((price, _)) if price == bar.open => false,
            Some((target, Reason::TakeProfit)) => (self.price - self.mark_open).abs() <= (target - bar.open).abs(),
            // On the same way, whichever open each is measured from.
            Some((stop, _)) if self.long => self.price >= stop,
            Some((stop, _)) => self.price <= stop,
        }
    }
}

/// From where a price comes to a level.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd)]
pub(crate) enum Way {
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

/// How an order meets a bar; of two, the less is first on its way.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd)]
pub(crate) enum Meeting {
    /// At the open: market orders (0) before stops (1) before limits (2).
    AtOpen(u8),
    /// Inside, at this distance from the open: stops (1) before limits (2).
    Inside(f64, u8),
}

const STOP: u8 = 1;
const LIMIT: u8 = 2;

/// An order that meets a bar. Of two, the less is first; between equals the one that landed first.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd)]
pub(crate) struct Met {
    pub(crate) meeting: Meeting,
    /// Place among the orders that work, in the order in which they landed.
    pub(crate) index: usize,
    /// Mid price.
    pub(crate) price: f64,
    pub(crate) way: Way,
}

impl Met {
    /// Whether the price is certain to come here after it was at `fill`.
    pub(crate) fn lies_behind(&self, fill: &Self) -> bool {
        matches!(self.meeting, Meeting::Inside(..)) && self.way == fill.way && self.meeting > fill.meeting
    }
}

/// The first of those that meet a bar, where `position` is held.
pub(crate) fn first(met: impl Iterator<Item = Met>, position: f64) -> Option<Met> {
    let less = |a: Option<Met>, b: Met| Some(a.filter(|a| *a <= b).unwrap_or(b));
    let (mut down, mut up, mut stop) = (None, None, None);
    for one in met {
        let way = if one.way == Way::Down { &mut down } else { &mut up };
        *way = less(*way, one);
        if matches!(one.meeting, Meeting::Inside(_, STOP)) {
            stop = less(stop, one);
        }
    }
    let (Some(below), Some(above)) = (down, up) else { return down.or(up) };
    let nearest = if above < below { above } else { below };
    let way = match stop {
        _ if matches!(nearest.meeting, Meeting::AtOpen(_)) => nearest.way,
        Some(stop) => stop.way,
        None if position > 0.0 => Way::of_limit(FillSide::Sell),
        None if position < 0.0 => Way::of_limit(FillSide::Buy),
        None => nearest.way,
    };
    Some(if way == Way::Down { below } else { above })
}

/// How the order at `index`, which is `request`, meets `bar`; `None` where it does not. `mid` is the mid price at which the
/// venue's own price is a given one.
pub(crate) fn meeting(
    index: usize,
    request: &OrderRequest,
    began: Began,
    bar: &Bar,
    mid: impl Fn(FillSide, f64) -> f64,
) -> Option<Met> {
    let side = request.side;
    let (way, level, kind) = match request.kind {
        OrderKind::Market => {
            let met = Met { meeting: Meeting::AtOpen(0), index, price: bar.open, way: Way::of_stop(side) };
            return (began == Began::Earlier).then_some(met);
        }
        OrderKind::Stop(level) => (Way::of_stop(side), level, STOP),
        OrderKind::Limit(level) => (Way::of_limit(side), mid(side, level), LIMIT),
    };
    let inside = |price: f64| Met { meeting: Meeting::Inside((price - bar.open).abs(), kind), index, price, way };
    match began {
        Began::Earlier | Began::AtOpen if way.reaches(level, bar.open) => {
            Some(Met { meeting: Meeting::AtOpen(kind), index, price: bar.open, way })
        }
        Began::Inside(from) if way.reaches(level, from) => Some(inside(from)),
        Began::Inside(_) if kind == LIMIT => way.reaches(level, bar.close).then(|| inside(level)),
        _ => way.reaches(level, way.furthest(bar)).then(|| inside(level)),
    }
}
