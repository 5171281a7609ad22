//! Where placed orders meet a bar, by NautilusTrader's own `OrderMatchingCore`.
//!
//! The core keeps resting orders by price and time and says which of them a quote reaches. A bar has four prices and no
//! quotes, so that it is shown the quotes that the rule of [`q50_engine::matching`] means: the open on both sides; then,
//! inside, the lowest bid and the highest ask for stops, and the highest bid and the lowest ask for limits, or the close
//! where a limit began to work inside the bar. Which way the price went first is our rule; its own sequence of prices inside
//! a bar (open, high, low, close) is not used: there a target can come before the stop of the same bar.

use std::cmp::Ordering;

use nautilus_execution::matching_core::{MatchAction, OrderMatchingCore, RestingOrder};
use nautilus_model::{
    enums::{OrderSideSpecified, OrderType},
    identifiers::ClientOrderId,
    types::Price,
};
use q50_engine::{
    market::Bar,
    orders::{Amount, OrderKind, OrderRequest},
    venue::{FillSide, MarketOrder},
};

use crate::terms::Terms;

/// An order that works.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Working {
    pub(crate) id: ClientOrderId,
    pub(crate) request: OrderRequest,
    /// Mid price at which it is reached; of no meaning for market orders.
    pub(crate) level: f64,
    /// Epoch milliseconds.
    pub(crate) landed: i64,
    pub(crate) decided_row: usize,
    /// How many events of the present bar it goes back to.
    pub(crate) steps: u8,
    pub(crate) began: Began,
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

/// An order that the range of a bar reaches.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Met {
    pub(crate) id: ClientOrderId,
    /// Mid price.
    pub(crate) price: f64,
    stop: bool,
    /// Whether the price comes to it from below.
    rising: bool,
    distance: f64,
    /// How many have landed before it.
    pub(crate) place: usize,
}

impl Met {
    /// The nearest to the open is first, a stop before a limit, then whatever landed first.
    fn cmp(&self, other: &Self) -> Ordering {
        let kinds = other.stop.cmp(&self.stop);
        self.distance.total_cmp(&other.distance).then(kinds).then(self.place.cmp(&other.place))
    }

    /// Whether the price is certain to come here after it was at `fill`.
    pub(crate) fn lies_behind(&self, fill: &Self) -> bool {
        self.rising == fill.rising && self.cmp(fill).is_gt()
    }
}

impl Working {
    /// Units of `position` that are open against the order.
    pub(crate) fn against(&self, position: f64) -> f64 {
        if self.request.side == FillSide::Sell { position } else { -position }
    }

    /// Whether the order may only reduce, and there is nothing.
    pub(crate) fn finds_nothing(&self, position: f64, shorts: bool) -> bool {
        let reduces = self.request.reduce_only || self.request.side == FillSide::Sell && !shorts;
        reduces && self.against(position) <= 0.0
    }

    /// What the venue is asked for, where `open` units are open against it; `None` where it may only reduce, and there is
    /// nothing.
    pub(crate) fn order(&self, open: f64, price: f64) -> Option<MarketOrder> {
        let OrderRequest { side, amount, reduce_only, .. } = self.request;
        let units = match amount {
            Amount::Units(units) => units,
            Amount::Quote(quote) if reduce_only => quote / price,
            Amount::Quote(quote) if side == FillSide::Buy => return Some(MarketOrder::BuyFor(quote)),
            Amount::Quote(quote) => return Some(MarketOrder::ShortFor(quote)),
            Amount::Position => f64::INFINITY,
        };
        if reduce_only && open <= 0.0 {
            return None;
        }
        let all = reduce_only && units >= open;
        Some(match side {
            FillSide::Buy if all => MarketOrder::CoverShare(1.0),
            FillSide::Buy => MarketOrder::Buy(units),
            FillSide::Sell if all => MarketOrder::SellShare(1.0),
            FillSide::Sell => MarketOrder::Sell(units),
        })
    }
}

/// The working orders of one instrument.
pub(crate) struct OrderBook {
    core: OrderMatchingCore,
    /// In the order in which they have landed.
    pub(crate) working: Vec<Working>,
    /// Units that can still be had in the present bar.
    pub(crate) left: f64,
}

impl OrderBook {
    pub(crate) fn new(terms: &Terms) -> Self {
        let core = OrderMatchingCore::new(terms.instrument, Terms::price_step());
        Self { core, working: Vec::new(), left: 0.0 }
    }

    pub(crate) fn add(&mut self, order: Working, terms: &Terms) {
        self.working.push(order);
        let side = match order.request.side {
            FillSide::Buy => OrderSideSpecified::Buy,
            FillSide::Sell => OrderSideSpecified::Sell,
        };
        let level = Some(terms.price(order.level));
        match order.request.kind {
            OrderKind::Market => {}
            OrderKind::Limit(_) => {
                self.core.add_order(RestingOrder::new(order.id, side, OrderType::Limit, None, level, true));
            }
            OrderKind::Stop(_) => {
                self.core.add_order(RestingOrder::new(order.id, side, OrderType::StopMarket, level, None, true));
            }
        }
    }

    pub(crate) fn remove(&mut self, id: ClientOrderId) -> Option<Working> {
        if self.core.order_exists(id) {
            self.core.delete_order(id).ok()?;
        }
        let index = self.working.iter().position(|order| order.id == id)?;
        Some(self.working.remove(index))
    }

    pub(crate) fn get_mut(&mut self, id: ClientOrderId) -> Option<&mut Working> {
        self.working.iter_mut().find(|order| order.id == id)
    }

    /// The order that meets the open next: market orders, then stops, then limits, each in the order of their landing.
    pub(crate) fn at_open(&mut self, open: f64, terms: &Terms) -> Option<ClientOrderId> {
        if self.left <= 0.0 || self.working.is_empty() {
            return None;
        }
        let market = |order: &&Working| order.request.kind == OrderKind::Market && order.began == Began::Earlier;
        if let Some(order) = self.working.iter().find(market) {
            return Some(order.id);
        }
        let reached = self.reached([terms.price(open); 2]);
        let place = |action: &MatchAction| match action {
            MatchAction::TriggerStop(id) => (0, self.place(*id)),
            MatchAction::FillLimit(id) => (1, self.place(*id)),
        };
        reached.into_iter().min_by_key(place).map(|action| match action {
            MatchAction::TriggerStop(id) | MatchAction::FillLimit(id) => id,
        })
    }

    /// The order that the range reaches next, where `position` is held. The price goes the way of the nearest stop first, or
    /// the one that closes what is held; what may only reduce waits until there is something.
    pub(crate) fn inside(&mut self, bar: &Bar, position: f64, shorts: bool, terms: &Terms) -> Option<Met> {
        let mut met = self.met(bar, terms);
        met.retain(|met| !self.working[met.place].finds_nothing(position, shorts));
        met.sort_by(Met::cmp);
        let closing = (position != 0.0).then_some(position > 0.0);
        let rising = met.iter().find(|met| met.stop).map(|stop| stop.rising).or(closing);
        met.iter().find(|met| rising == Some(met.rising)).or(met.first()).copied()
    }

    /// The orders that the range reaches; none where nothing can be had.
    pub(crate) fn met(&mut self, bar: &Bar, terms: &Terms) -> Vec<Met> {
        if self.left <= 0.0 || self.working.is_empty() {
            return Vec::new();
        }
        let [high, low, close] = [bar.high, bar.low, bar.close].map(|price| terms.price(price));
        let stop = |action| if let MatchAction::TriggerStop(id) = action { Some((id, true)) } else { None };
        let limit = |action| if let MatchAction::FillLimit(id) = action { Some((id, false)) } else { None };
        let stops: Vec<_> = self.reached([low, high]).into_iter().filter_map(stop).collect();
        let limits: Vec<_> = self.reached([high, low]).into_iter().filter_map(limit).collect();
        let met = [stops, limits].concat().into_iter().filter_map(|(id, stop)| {
            let (id, price) = self.meets(id, (!stop).then_some(close), terms)?;
            let place = self.working.iter().position(|order| order.id == id)?;
            let rising = (self.working[place].request.side == FillSide::Buy) == stop;
            Some(Met { id, price, stop, rising, distance: (price - bar.open).abs(), place })
        });
        met.collect()
    }

    /// Where an order within reach of the range is met. One that began inside the bar is met at once where the price was
    /// at or beyond its level then, and a limit that waits, only where the close is.
    fn meets(&mut self, id: ClientOrderId, close: Option<Price>, terms: &Terms) -> Option<(ClientOrderId, f64)> {
        let Working { level, began, .. } = *self.working.iter().find(|order| order.id == id)?;
        let Began::Inside(from) = began else { return Some((id, level)) };
        if self.is_reached(id, terms.price(from)) {
            return Some((id, from));
        }
        close.is_none_or(|close| self.is_reached(id, close)).then_some((id, level))
    }

    /// Whether the order is reached by a price that is both bid and ask.
    fn is_reached(&mut self, id: ClientOrderId, price: Price) -> bool {
        self.quote([price; 2]);
        self.core.get_order(id).is_some_and(|order| self.core.match_order(order).is_some())
    }

    fn reached(&mut self, quote: [Price; 2]) -> Vec<MatchAction> {
        self.quote(quote);
        self.core.iterate()
    }

    fn quote(&mut self, [bid, ask]: [Price; 2]) {
        self.core.set_bid_raw(bid);
        self.core.set_ask_raw(ask);
    }

    /// How many have landed before it.
    fn place(&self, id: ClientOrderId) -> usize {
        self.working.iter().position(|order| order.id == id).unwrap_or(usize::MAX)
    }
}
