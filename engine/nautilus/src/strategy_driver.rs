//! Drives the engine's strategy from NautilusTrader's events: which row has closed, what the account is, what became of
//! its orders, what to send.

use std::rc::Rc;

use nautilus_core::UnixNanos;
use nautilus_model::{enums::OrderSide, events::OrderFilled, identifiers::ClientOrderId};
use q50_engine::{
    decision::{Budget, Decision, Order},
    ledger::Account,
    orders::{Amount, Event, Message, OrderId, OrderKind, OrderRequest, Orders, Outcome},
    strategy::{Strategy, side::Side},
    venue::{Fill, FillSide, FillTiming, MarketOrder, Rejection, Venue},
};

use crate::{
    books::{Amounts, Books, MirroredLedger},
    feed::NS_PER_MS,
    instrument::{Instrument, Portfolio},
    order_events::rejection_of,
    run_log::{Instruction, OrderParams, ReportedFill},
};

/// What NautilusTrader is to be sent.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Command {
    Submit(NewOrder),
    Cancel(OrderId),
    CancelAll,
}

/// An order for NautilusTrader.
#[derive(Clone, Copy, Debug)]
pub(crate) struct NewOrder {
    /// The strategy's own number, where it has placed the order.
    pub(crate) number: Option<OrderId>,
    pub(crate) side: OrderSide,
    pub(crate) order_type: OrderType,
    /// Raw; a guess where the order is a budget.
    pub(crate) quantity: u128,
    pub(crate) reduce_only: bool,
    /// Epoch milliseconds.
    pub(crate) expires: Option<i64>,
    /// The other one of its pair.
    pub(crate) other: Option<OrderId>,
    pub(crate) params: OrderParams,
}

/// NautilusTrader's type of an order, with its price.
#[derive(Clone, Copy, Debug)]
pub(crate) enum OrderType {
    Market,
    Limit(f64),
    Stop(f64),
}

/// What NautilusTrader says of an order.
#[derive(Debug)]
pub(crate) enum Heard<'e> {
    Accepted,
    /// A fill, and whether the order is filled whole.
    Filled(&'e OrderFilled, bool),
    Rejected(&'e str),
    Cancelled,
    Expired,
}

/// What the actor hands on, without the types of strategy and venue.
pub(crate) trait EventHandler {
    /// A bar's range is known at this moment.
    fn bar(&mut self, closes: u64) -> Vec<Command>;
    /// Every bar of this moment is known: the strategy decides.
    fn close(&mut self, closes: u64) -> Vec<Command>;
    /// Something became of an order.
    fn order_event(&mut self, id: ClientOrderId, at: UnixNanos, what: &Heard<'_>) -> Vec<Command>;
}

/// The strategy of one instrument.
pub(crate) struct StrategyDriver<S, V: Venue>
where
    V::Ledger: MirroredLedger,
{
    strategy: S,
    places: bool,
    orders: Orders,
    portfolio: Rc<Portfolio<V>>,
    i: usize,
    /// The row whose close is expected next.
    next: usize,
}

/// A guess is never beyond what NautilusTrader can multiply.
const LARGEST_GUESS: u128 = 10_u128.pow(25);

impl<S: Strategy, V: Venue> StrategyDriver<S, V>
where
    V::Ledger: MirroredLedger,
{
    /// The driver of instrument `i`, whose strategy has been shown its history.
    pub(crate) fn new(strategy: S, portfolio: Rc<Portfolio<V>>, i: usize) -> Self {
        let (places, next) = (strategy.places_orders(), portfolio.instruments[i].columns.first());
        Self { strategy, places, orders: Orders::default(), portfolio, i, next }
    }

    fn instrument(&self) -> &Instrument<V> {
        &self.portfolio.instruments[self.i]
    }

    /// Whether this is the end of `row`; the run is refused where it is not.
    fn ends(&self, row: usize, closes: u64) -> bool {
        let ends = self.instrument().columns.closes(row) == Some(closes);
        if !ends {
            self.instrument().log.fault(format!("a bar closed at {closes} ns where row {row} was expected"));
        }
        ends
    }

    fn market_order(&self, order: MarketOrder, price: f64, params: OrderParams) -> Command {
        let side = match order {
            MarketOrder::BuyFor(_) | MarketOrder::CoverShare(_) | MarketOrder::Buy(_) => OrderSide::Buy,
            MarketOrder::SellShare(_) | MarketOrder::ShortFor(_) | MarketOrder::Sell(_) => OrderSide::Sell,
        };
        let quantity = self.guess(order, price);
        let (order_type, reduce_only) = (OrderType::Market, false);
        Command::Submit(NewOrder {
            number: None,
            side,
            order_type,
            quantity,
            reduce_only,
            expires: None,
            other: None,
            params,
        })
    }

    fn guess(&self, order: MarketOrder, price: f64) -> u128 {
        let instrument = self.instrument();
        let (guess, step) = (instrument.books.borrow().guess(order, price, &instrument.terms), instrument.terms.step());
        (guess / step * step).clamp(step, LARGEST_GUESS / step * step)
    }

    fn placed(
        &self,
        number: OrderId,
        request: OrderRequest,
        other: Option<OrderId>,
        row: usize,
        price: f64,
    ) -> NewOrder {
        let (side, order) = match (request.side, request.amount) {
            (FillSide::Buy, Amount::Quote(quote)) => (OrderSide::Buy, MarketOrder::BuyFor(quote)),
            (FillSide::Buy, Amount::Units(units)) => (OrderSide::Buy, MarketOrder::Buy(units)),
            (FillSide::Buy, Amount::Position) => (OrderSide::Buy, MarketOrder::CoverShare(1.0)),
            (FillSide::Sell, Amount::Quote(quote)) => (OrderSide::Sell, MarketOrder::ShortFor(quote)),
            (FillSide::Sell, Amount::Units(units)) => (OrderSide::Sell, MarketOrder::Sell(units)),
            (FillSide::Sell, Amount::Position) => (OrderSide::Sell, MarketOrder::SellShare(1.0)),
        };
        let order_type = match request.kind {
            OrderKind::Market => OrderType::Market,
            OrderKind::Limit(level) => OrderType::Limit(level),
            OrderKind::Stop(level) => OrderType::Stop(level),
        };
        NewOrder {
            number: Some(number),
            side,
            order_type,
            quantity: self.guess(order, price),
            reduce_only: request.reduce_only,
            expires: request.expires,
            other,
            params: OrderParams { instruction: Instruction::Placed(number, request), reason: request.reason, row },
        }
    }

    /// What the strategy has placed and cancelled, decided or heard in `row`.
    fn messages(&mut self, row: usize) -> Vec<Command> {
        let price = self.instrument().columns.market().close[row];
        let messages: Vec<Message> = self.orders.take().collect();
        let command = |message| match message {
            Message::Place { id, request, other } => Command::Submit(self.placed(id, request, other, row, price)),
            Message::Cancel(id) => Command::Cancel(id),
            Message::CancelAll => Command::CancelAll,
        };
        messages.into_iter().map(command).collect()
    }

    /// Equity by the second books, at the venue's mark.
    fn mark(&self, row: usize, again: bool) {
        let account = self.portfolio.account(self.i, row);
        let mark = (self.instrument().books.borrow().equity(account.price), account.exposure());
        self.instrument().log.write(|results| match results.marks.last_mut() {
            Some(last) if again => *last = mark,
            _ => results.marks.push(mark),
        });
        self.portfolio.mark(self.instrument().columns.closes(row).unwrap_or_default());
    }

    /// The row whose bar is open at this moment, or was last.
    fn row_at(&self, time: i64) -> usize {
        let opens = self.instrument().columns.market().open_time;
        opens.partition_point(|open| *open <= time).saturating_sub(1)
    }

    /// The event as the engine's own, from what NautilusTrader reports.
    fn outcome(&self, id: ClientOrderId, what: &Heard<'_>, row: usize) -> Option<Outcome> {
        Some(match *what {
            Heard::Accepted => Outcome::Accepted,
            Heard::Filled(event, true) => Outcome::Filled(self.fill(event, row)),
            Heard::Filled(event, false) => Outcome::PartiallyFilled(self.fill(event, row)),
            Heard::Rejected(reason) => Outcome::Rejected(rejection_of(reason)?),
            Heard::Cancelled => self.instrument().log.refused(&id).map_or(Outcome::Cancelled, Outcome::Rejected),
            Heard::Expired => Outcome::Expired,
        })
    }

    /// Amounts are NautilusTrader's; what it has no field for is the venue's.
    fn fill(&self, event: &OrderFilled, row: usize) -> Fill {
        let (amounts, reported) = (Amounts::of(event), self.instrument().log.reported());
        let scale = self.instrument().terms.scale;
        let (units, price) = (scale.units(amounts.quantity as i128), scale.price(amounts.price));
        Fill {
            row,
            time: (event.ts_event.as_u64() / NS_PER_MS) as i64,
            side: if event.order_side == OrderSide::Buy { FillSide::Buy } else { FillSide::Sell },
            units,
            price,
            notional: units * price,
            cost: crate::scale::money(amounts.commission),
            spread_cost: reported.map_or(0.0, |fill| fill.spread_cost),
            pool: reported.and_then(|fill| fill.pool),
        }
    }
}

impl<S: Strategy, V: Venue> EventHandler for StrategyDriver<S, V>
where
    V::Ledger: MirroredLedger,
{
    fn bar(&mut self, closes: u64) -> Vec<Command> {
        let row = self.next;
        if !self.ends(row, closes) {
            return Vec::new();
        }
        self.next += 1;
        self.instrument().closed.set(Some(row));
        let account = self.portfolio.account(self.i, row);
        let bar = self.instrument().columns.market().bar(row);
        if account.position == 0.0 {
            return Vec::new();
        }
        let at_open = self.portfolio.account_at_open(self.i, row);
        let Some((price, reason)) = self.strategy.resting(&at_open).hit(&bar) else { return Vec::new() };
        let order = if account.position > 0.0 { MarketOrder::SellShare(1.0) } else { MarketOrder::CoverShare(1.0) };
        let time = account.opened_at.unwrap_or(i64::MIN).max(bar.open_time);
        let params = OrderParams { instruction: Instruction::Exit { order, price, time }, reason, row };
        vec![self.market_order(order, account.price, params)]
    }

    fn close(&mut self, closes: u64) -> Vec<Command> {
        let Some(row) = self.next.checked_sub(1).filter(|row| self.ends(*row, closes)) else { return Vec::new() };
        let account = self.portfolio.account(self.i, row);
        let portfolio = Rc::clone(&self.portfolio);
        let market = portfolio.instruments[self.i].columns.market();
        let history = market.history(row);
        self.strategy.observe(history);
        let decision = self.strategy.decide(history, &account);
        if self.instrument().limits.heat.is_some() {
            let stops = [Side::Long, Side::Short].map(|side| self.strategy.stop_distance(history, side));
            self.instrument().stops.set(stops);
        }
        if self.places {
            self.strategy.place(history, &account, &mut self.orders);
        }
        self.instrument().log.write(|results| results.decisions.push((row, decision)));
        self.mark(row, false);
        let mut commands = self.messages(row);
        if let Decision::Act(intent) = decision {
            let order = amount(intent.order, &account);
            let params = OrderParams { instruction: Instruction::Decision(order), reason: intent.reason, row };
            commands.push(self.market_order(order, account.price, params));
        }
        commands
    }

    fn order_event(&mut self, id: ClientOrderId, at: UnixNanos, what: &Heard<'_>) -> Vec<Command> {
        let log = self.instrument().log.clone();
        let Some(OrderParams { instruction, reason, row: decided_row }) = log.params(&id) else {
            log.fault(format!("{id} was never sent, and {what:?}"));
            return Vec::new();
        };
        let time = (at.as_u64() / NS_PER_MS) as i64;
        let timing = self.instrument().terms.timing;
        let at_close = matches!(instruction, Instruction::Decision(_)) && timing == FillTiming::SameClose;
        let in_flight = matches!(what, Heard::Rejected(reason) if rejection_of(reason) == Some(Rejection::InFlight));
        // What is answered at a close happens in the bar that ends there, and not in the one that opens.
        let row = if at_close || in_flight { decided_row } else { self.row_at(time) };
        let Some(outcome) = self.outcome(id, what, row) else {
            log.fault(format!("{id} has {what:?}, which nobody has said"));
            return Vec::new();
        };
        if let Heard::Filled(event, _) = *what {
            let terms = &self.portfolio.instruments[self.i].terms;
            if let Err(fault) = self.instrument().books.borrow_mut().fill(event, terms) {
                log.fault(fault);
            }
            log.write(|results| results.fills.push(ReportedFill { event: *event, reason, decided_row }));
        }
        if let Outcome::Rejected(rejection) = outcome {
            log.write(|results| results.rejections.push((decided_row, rejection)));
        }
        if at_close && matches!(what, Heard::Filled(..) | Heard::Rejected(_)) {
            self.mark(decided_row, true);
        }
        let never_landed = outcome == Outcome::Rejected(Rejection::NoNextBar);
        let order = match instruction {
            // The loop learns at its end which placed orders never landed, and tells nobody.
            Instruction::Placed(..) if never_landed => return Vec::new(),
            Instruction::Placed(number, _) => Some(number),
            // That it was accepted is NautilusTrader's to know.
            Instruction::Decision(_) | Instruction::Exit { .. } if matches!(what, Heard::Accepted) => {
                return Vec::new();
            }
            Instruction::Decision(_) | Instruction::Exit { .. } => None,
        };
        if !self.places {
            return Vec::new();
        }
        let event = Event { order, reason, decided_row, row, time, outcome };
        if order.is_some() {
            log.write(|results| results.events.push(event));
        }
        self.strategy.on_event(&event, &mut self.orders);
        self.messages(row)
    }
}

/// Shares of the account as amounts, at the moment of the decision.
fn amount(order: Order, account: &Account) -> MarketOrder {
    match order {
        Order::Buy(Budget::Cash(share)) => MarketOrder::BuyFor(share.get() * account.cash),
        Order::Buy(Budget::Equity(share)) => MarketOrder::BuyFor(share.get() * account.equity),
        Order::Short(share) => MarketOrder::ShortFor(share.get() * account.equity),
        Order::Sell(share) => MarketOrder::SellShare(share.get()),
        Order::Cover(share) => MarketOrder::CoverShare(share.get()),
    }
}
