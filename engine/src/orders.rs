//! Orders with a life of their own: requests, their numbers, and their outcomes.
//!
//! [`Decision::Act`](crate::decision::Decision::Act) is the simple interface: one market order, filled whole or not at
//! all, one in flight at a time. A strategy that needs more places orders: any number of them, at the market, at a
//! limit or behind a stop, alone or in one-cancels-other pairs. [`crate::matching`] decides where they meet a bar.

use crate::{
    decision::Reason,
    fill::{Fill, FillSide, Rejection},
    limits::Limit,
};

/// Amounts that differ by less, as a share of themselves, are the same.
pub(crate) const ROUNDING: f64 = 1e-9;

/// Number of an order, in the order in which they were placed, from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct OrderId(u64);

/// At which price an order is filled. Prices are quote units for one unit.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum OrderKind {
    /// At the next open.
    Market,
    /// At this price or a better one, half the spread included.
    Limit(f64),
    /// At the market once the price has reached this one: for a sale from above, for a buy from below.
    Stop(f64),
}

/// How much an order is for. What is not finite and above 0 is refused ([`Rejection::BelowLot`]). What opens a position needs
/// cash for all of it, and no more is sold short than the account is worth: units beyond that are refused, and quote currency
/// is cut to it. What closes a position is bounded by nothing else.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Amount {
    /// This much quote currency, costs included; the opposite position is closed first.
    Quote(f64),
    /// These units of base.
    Units(f64),
    /// All that is open against it when it is filled; it opens nothing.
    Position,
}

impl Amount {
    /// Whether it is one: finite and above 0.
    pub(crate) fn is_valid(self) -> bool {
        match self {
            Self::Quote(amount) | Self::Units(amount) => amount.is_finite() && amount > 0.0,
            Self::Position => true,
        }
    }
}

/// An order as a strategy requests it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct OrderRequest {
    /// Direction.
    pub side: FillSide,
    /// Price.
    pub kind: OrderKind,
    /// Amount.
    pub amount: Amount,
    /// Whether it may only make a position smaller; what is over is not filled.
    pub reduce_only: bool,
    /// Epoch milliseconds: bars that open then or later are not for it, nor is any where it lands then or later.
    pub expires: Option<i64>,
    /// Why, for the record of its fills.
    pub reason: Reason,
}

impl OrderRequest {
    /// An order that works until it is filled or cancelled.
    #[must_use]
    pub fn new(side: FillSide, kind: OrderKind, amount: Amount, reason: Reason) -> Self {
        Self { side, kind, amount, reduce_only: amount == Amount::Position, expires: None, reason }
    }

    /// The same, making a position smaller only.
    #[must_use]
    pub fn reduce_only(self) -> Self {
        Self { reduce_only: true, ..self }
    }

    /// The same, ending before bars that open at `time` or later; epoch milliseconds.
    #[must_use]
    pub fn until(self, time: i64) -> Self {
        Self { expires: Some(time), ..self }
    }
}

/// Something that became of an order, or moved money on its way.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Event {
    /// The order; `None` for the one that a decision sent, and for a resting exit.
    pub order: Option<OrderId>,
    /// Why the order was requested.
    pub reason: Reason,
    /// Row of the bar at whose close the order was requested.
    pub decided_row: usize,
    /// Row of the bar in which it happened.
    pub row: usize,
    /// Epoch milliseconds.
    pub time: i64,
    /// What happened.
    pub outcome: Outcome,
}

impl Event {
    /// The fill, where it is one.
    #[must_use]
    #[inline]
    pub fn fill(&self) -> Option<&Fill> {
        match &self.outcome {
            Outcome::Filled(fill) | Outcome::PartiallyFilled(fill) => Some(fill),
            _ => None,
        }
    }
}

/// What can become of an order, and funding. The first five do not end it, each of the others does, and every order has one
/// of them.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Outcome {
    /// It has reached the venue and works.
    Accepted,
    /// Part of it was filled; the rest works on.
    PartiallyFilled(Fill),
    /// Money was taken beside any fill, quote units: what the network is paid for a transaction that fails.
    Charged(f64),
    /// A limit of the account left less than it asked for: the fill beside it is of what was left, and ends it.
    Cut(Limit),
    /// Funding was settled, quote units: paid where above 0, received where below. It belongs to no order.
    Funding(f64),
    /// It was filled, or all of it that is left.
    Filled(Fill),
    /// The venue refused it.
    Rejected(Rejection),
    /// It was cancelled: by the strategy, by the other one of its pair, because nothing is left to reduce, or because the record
    /// ended while it worked.
    Cancelled,
    /// Its time is over.
    Expired,
}

/// Where a strategy places and cancels.
#[derive(Debug, Default)]
pub struct Orders {
    placed: u64,
    messages: Vec<Message>,
}

/// What a strategy sends to the venue.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Message {
    /// An order.
    Place {
        /// Its number.
        id: OrderId,
        /// The order.
        request: OrderRequest,
        /// The other one of its pair: where one is filled whole, the other is cancelled.
        other: Option<OrderId>,
    },
    /// The order of this number is to end.
    Cancel(OrderId),
    /// Every order is to end.
    CancelAll,
}

impl Orders {
    /// Places an order.
    pub fn place(&mut self, request: OrderRequest) -> OrderId {
        let id = OrderId(self.placed);
        self.placed += 1;
        self.messages.push(Message::Place { id, request, other: None });
        id
    }

    /// Places two orders of which one cancels the other as soon as it is filled whole: a stop and a target.
    pub fn place_pair(&mut self, requests: [OrderRequest; 2]) -> [OrderId; 2] {
        let ids = [OrderId(self.placed), OrderId(self.placed + 1)];
        self.placed += 2;
        for (request, [id, other]) in requests.into_iter().zip([ids, [ids[1], ids[0]]]) {
            self.messages.push(Message::Place { id, request, other: Some(other) });
        }
        ids
    }

    /// Cancels an order; nothing, where it has ended meanwhile.
    pub fn cancel(&mut self, id: OrderId) {
        self.messages.push(Message::Cancel(id));
    }

    /// Cancels every order, those included that were placed at this moment.
    pub fn cancel_all(&mut self) {
        self.messages.clear();
        self.messages.push(Message::CancelAll);
    }

    /// What has been placed and cancelled since it was taken last, in that order. For hosts that carry orders to a venue.
    pub fn take(&mut self) -> std::vec::Drain<'_, Message> {
        self.messages.drain(..)
    }
}
