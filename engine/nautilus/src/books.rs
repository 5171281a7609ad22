//! The second accounting: cash and position as NautilusTrader's events report them.
//!
//! Nothing here reads the engine's ledgers. A fill arrives as the quantity, price and commission of an `OrderFilled`; a
//! payment without a fill arrives as the balance of NautilusTrader's account. A ledger is made of these books only when
//! a venue has to price an order, and is then discarded.

use std::{cell::Cell, fmt::Debug, rc::Rc};

use nautilus_model::{enums::OrderSide, events::OrderFilled, types::Money};
use q50_engine::{
    ledger::{PoolLedger, PriceLedger},
    units::{LAMPORTS_PER_SOL, Lamports, TokenAmount},
    venue::{Fill, FillSide, MarketOrder, Venue},
};

use crate::{
    scale::{lamports, lamports_raw, money, money_raw},
    terms::Terms,
};

const NS_PER_MS: u64 = 1_000_000;

/// A fill in NautilusTrader's raw integers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Amounts {
    /// Quantity.
    pub quantity: u128,
    /// Price.
    pub price: i128,
    /// Commission, quote currency.
    pub commission: i128,
}

impl Amounts {
    pub(crate) fn of(event: &OrderFilled) -> Self {
        Self {
            quantity: event.last_qty.raw,
            price: event.last_px.raw,
            commission: event.commission.map_or(0, |money| money.raw),
        }
    }
}

/// A ledger whose books the second engine can keep.
pub trait MirroredLedger: q50_engine::ledger::Books + 'static {
    /// The books.
    type Books: Books<Ledger = Self>;
}

impl MirroredLedger for PriceLedger {
    type Books = PriceBooks;
}

impl MirroredLedger for PoolLedger {
    type Books = PoolBooks;
}

/// Money as a ledger counts it.
pub(crate) type CashOf<L> = <L as q50_engine::ledger::Books>::Cash;

/// The books of a venue's ledger.
pub(crate) type BooksOf<V> = <<V as Venue>::Ledger as MirroredLedger>::Books;

/// Books of one instrument, kept from reported events; cash is shared by those of one account.
pub trait Books: Debug + Sized + 'static {
    /// What a venue of the engine prices orders against.
    type Ledger: MirroredLedger;

    /// Books of an account with cash only.
    fn open(capital: f64) -> Self;

    /// Books of another instrument of the same account, without a position.
    fn beside(&self) -> Self;

    /// The same state as a venue reads it.
    fn ledger(&self) -> Self::Ledger;

    /// What was paid between two states of a ledger in which no position changed, raw money.
    fn paid(before: &Self::Ledger, after: &Self::Ledger) -> i128;

    /// What the venue's fill is called in an order event, where NautilusTrader's position is `open` raw units.
    ///
    /// # Errors
    /// An amount is beyond the range of NautilusTrader's integers.
    fn report(&self, fill: &Fill, order: MarketOrder, open: Option<u128>, terms: &Terms) -> Result<Amounts, String>;

    /// Books a reported fill.
    ///
    /// # Errors
    /// The event has no meaning here.
    fn fill(&mut self, event: &OrderFilled, terms: &Terms) -> Result<(), String>;

    /// Takes over the cash that NautilusTrader's account has after a charge without a fill.
    fn charged(&mut self, balance: Money);

    /// Position in NautilusTrader's raw units, signed.
    fn position_raw(&self, terms: &Terms) -> i128;

    /// How far NautilusTrader's own balance is from this cash, quote units.
    fn gap(&self, balance: Money) -> f64;

    /// The account's cash, quote units.
    fn cash(&self) -> f64;

    /// The account's cash as the engine's books count it.
    fn free(&self) -> CashOf<Self::Ledger>;

    /// Sets the account's cash, for all instruments.
    fn set_free(&self, cash: CashOf<Self::Ledger>);

    /// What is held, at `price` and without cash; quote units.
    fn worth(&self, price: f64) -> f64;

    /// The capital plus what this instrument has gained, its position at `price`; quote units.
    fn equity(&self, price: f64) -> f64;

    /// A first guess at what the order will move, raw quantity; the venue's fill corrects it.
    fn guess(&self, order: MarketOrder, price: f64, terms: &Terms) -> u128;
}

/// Books of a price venue.
#[derive(Clone, Debug)]
pub struct PriceBooks {
    /// What the account began with.
    capital: f64,
    cash: Rc<Cell<f64>>,
    /// The capital, and what this instrument has brought or cost.
    own: f64,
    /// In raw units, so that a position that was closed is nothing.
    held: i128,
    position: f64,
    average_price: f64,
    opened_at: i64,
    realised: f64,
}

impl Books for PriceBooks {
    type Ledger = PriceLedger;

    fn open(capital: f64) -> Self {
        let cash = Rc::new(Cell::new(capital));
        Self { capital, cash, own: capital, held: 0, position: 0.0, average_price: 0.0, opened_at: 0, realised: 0.0 }
    }

    fn beside(&self) -> Self {
        Self { cash: Rc::clone(&self.cash), ..Self::open(self.capital) }
    }

    fn ledger(&self) -> PriceLedger {
        PriceLedger::restored(self.cash.get(), self.position, self.average_price, self.opened_at)
            .with_realised(self.realised)
    }

    fn paid(_: &PriceLedger, _: &PriceLedger) -> i128 {
        0
    }

    fn report(&self, fill: &Fill, order: MarketOrder, open: Option<u128>, terms: &Terms) -> Result<Amounts, String> {
        let beyond = |what: &str, value: f64| format!("{what} {value:e} is beyond NautilusTrader's integers");
        let whole = matches!(order, MarketOrder::SellShare(share) | MarketOrder::CoverShare(share) if share >= 1.0);
        let quantity = terms.scale.quantity_raw(fill.units).ok_or_else(|| beyond("the amount", fill.units))?;
        // NautilusTrader adds quantities up as floats. What closes its position is what it believes that it holds.
        let quantity = open.filter(|open| whole && negligible(open.abs_diff(quantity), quantity)).unwrap_or(quantity);
        Ok(Amounts {
            quantity,
            price: terms.scale.price_raw(fill.price).ok_or_else(|| beyond("the price", fill.price))?,
            commission: money_raw(fill.cost).ok_or_else(|| beyond("the commission", fill.cost))?,
        })
    }

    fn fill(&mut self, event: &OrderFilled, terms: &Terms) -> Result<(), String> {
        let amounts = Amounts::of(event);
        let raw = i128::try_from(amounts.quantity).map_err(|e| e.to_string())?;
        let (units, price, cost) =
            (terms.scale.units(raw), terms.scale.price(amounts.price), money(amounts.commission));
        let before = self.position;
        let moved = match event.order_side {
            OrderSide::Buy => raw,
            OrderSide::Sell => -raw,
            OrderSide::NoOrderSide => return Err("a fill has no side".to_owned()),
        };
        let value = units * price;
        let gain = if moved > 0 {
            (-before).clamp(0.0, units) * (self.average_price - price)
        } else {
            before.clamp(0.0, units) * (price - self.average_price)
        };
        self.realised += gain - cost;
        let flow = if moved > 0 { -(value + cost) } else { value - cost };
        self.cash.set(self.cash.get() + flow);
        self.own += flow;
        let was = self.held;
        self.held += moved;
        if negligible(self.held.unsigned_abs(), amounts.quantity) {
            self.held = 0;
        }
        self.position = terms.scale.units(self.held);
        if was == 0 || (was.signum() != self.held.signum() && self.held != 0) {
            self.average_price = price;
            self.opened_at = (event.ts_event.as_u64() / NS_PER_MS) as i64;
        } else if was.signum() == moved.signum() {
            self.average_price = (before.abs() * self.average_price + value) / self.position.abs();
        }
        Ok(())
    }

    fn charged(&mut self, _: Money) {}

    fn position_raw(&self, _: &Terms) -> i128 {
        self.held
    }

    fn gap(&self, balance: Money) -> f64 {
        money(balance.raw) - self.cash.get()
    }

    fn cash(&self) -> f64 {
        self.cash.get()
    }

    fn free(&self) -> f64 {
        self.cash.get()
    }

    fn set_free(&self, cash: f64) {
        self.cash.set(cash);
    }

    fn worth(&self, price: f64) -> f64 {
        self.position * price
    }

    fn equity(&self, price: f64) -> f64 {
        self.own + self.position * price
    }

    fn guess(&self, order: MarketOrder, price: f64, terms: &Terms) -> u128 {
        let units = match order {
            MarketOrder::BuyFor(amount) | MarketOrder::ShortFor(amount) => amount / price,
            MarketOrder::SellShare(share) | MarketOrder::CoverShare(share) => self.position.abs() * share,
            MarketOrder::Buy(units) | MarketOrder::Sell(units) => units,
        };
        terms.scale.quantity_raw(units).unwrap_or(0)
    }
}

/// Whether `rest` is below the last digits of a float of this size.
pub(crate) fn negligible(rest: u128, size: u128) -> bool {
    rest <= size / 1_000_000_000_000
}

/// Books of a pool, in lamports and smallest units.
#[derive(Clone, Debug)]
pub struct PoolBooks {
    /// Lamports that the account began with.
    capital: u64,
    lamports: Rc<Cell<u64>>,
    /// Deposits of all token accounts of the account.
    locked: Rc<Cell<u64>>,
    /// The capital, and what this pool has brought or cost; lamports.
    own: i128,
    tokens: u64,
    /// Locked in the token account: still ours, and in NautilusTrader's balance, which has no such lock.
    rent: u64,
    /// Lamports paid for what is held, fees of the pool included.
    paid: f64,
    opened_at: i64,
    /// Lamports gained on what is no longer held.
    realised: f64,
}

impl Books for PoolBooks {
    type Ledger = PoolLedger;

    fn open(capital: f64) -> Self {
        let capital = (capital * LAMPORTS_PER_SOL) as u64;
        Self {
            capital,
            lamports: Rc::new(Cell::new(capital)),
            locked: Rc::default(),
            own: i128::from(capital),
            tokens: 0,
            rent: 0,
            paid: 0.0,
            opened_at: 0,
            realised: 0.0,
        }
    }

    fn beside(&self) -> Self {
        let (lamports, locked) = (Rc::clone(&self.lamports), Rc::clone(&self.locked));
        let own = i128::from(self.capital);
        Self { lamports, locked, own, capital: self.capital, ..Self::open(0.0) }
    }

    fn ledger(&self) -> PoolLedger {
        let (lamports, tokens) = (Lamports(self.lamports.get()), TokenAmount(self.tokens));
        PoolLedger::restored(lamports, tokens, Lamports(self.rent), self.paid, self.opened_at)
            .with_realised(self.realised)
    }

    fn paid(before: &PoolLedger, after: &PoolLedger) -> i128 {
        lamports_raw(before.lamports().0.saturating_sub(after.lamports().0))
    }

    fn report(&self, fill: &Fill, _: MarketOrder, _: Option<u128>, terms: &Terms) -> Result<Amounts, String> {
        let costs = fill.pool.ok_or("the venue's fill has no exact amounts")?;
        let fees = costs.lp.0 + costs.protocol.0 + costs.creator.0;
        // Quote is what went out or came in with the pool's fees; quantity times price is what it was without them.
        let notional = match fill.side {
            FillSide::Buy => costs.quote.0.checked_sub(fees),
            FillSide::Sell => costs.quote.0.checked_add(fees),
        };
        let price = notional.and_then(|n| terms.scale.pool_price_raw(n, costs.tokens.0));
        Ok(Amounts {
            quantity: terms.scale.tokens_raw(costs.tokens.0),
            price: price.ok_or_else(|| format!("{costs:?} has no price in NautilusTrader's integers"))?,
            commission: lamports_raw(fees + costs.network.0),
        })
    }

    fn fill(&mut self, event: &OrderFilled, terms: &Terms) -> Result<(), String> {
        let amounts = Amounts::of(event);
        let tokens = terms.scale.tokens(amounts.quantity).ok_or("a quantity is no whole number of tokens")?;
        let value = terms.scale.lamports(tokens, amounts.price).ok_or("a notional is beyond 64 bits")?;
        let commission = lamports(amounts.commission).ok_or("a commission is negative")?;
        let short = || format!("NautilusTrader reports a fill of {tokens} tokens for {value} that {self:?} cannot pay");
        match event.order_side {
            OrderSide::Buy => {
                let rent = if self.rent == 0 { terms.rent } else { 0 };
                let left = self.lamports.get().checked_sub(value + commission + rent).ok_or_else(short)?;
                if self.tokens == 0 {
                    self.opened_at = (event.ts_event.as_u64() / NS_PER_MS) as i64;
                }
                self.own -= i128::from(value + commission + rent);
                self.lamports.set(left);
                self.locked.set(self.locked.get() + rent);
                self.rent += rent;
                self.tokens += tokens;
                self.paid += (value + commission - terms.network) as f64;
            }
            OrderSide::Sell => {
                let left = self.tokens.checked_sub(tokens).ok_or_else(short)?;
                let before = self.lamports.get();
                let after = (before + value).saturating_sub(commission);
                self.own += i128::from(after) - i128::from(before);
                self.lamports.set(after);
                let kept = if left == 0 { 0.0 } else { self.paid * left as f64 / self.tokens as f64 };
                self.realised += (value + terms.network) as f64 - commission as f64 - (self.paid - kept);
                self.paid = kept;
                self.tokens = left;
            }
            OrderSide::NoOrderSide => return Err("a fill has no side".to_owned()),
        }
        Ok(())
    }

    fn charged(&mut self, balance: Money) {
        let left = lamports(balance.raw).unwrap_or(0).saturating_sub(self.locked.get());
        self.own += i128::from(left) - i128::from(self.lamports.get());
        self.lamports.set(left);
    }

    fn position_raw(&self, terms: &Terms) -> i128 {
        terms.scale.tokens_raw(self.tokens) as i128
    }

    fn gap(&self, balance: Money) -> f64 {
        money(balance.raw - lamports_raw(self.lamports.get() + self.locked.get()))
    }

    fn cash(&self) -> f64 {
        self.lamports.get() as f64 / LAMPORTS_PER_SOL
    }

    fn free(&self) -> Lamports {
        Lamports(self.lamports.get())
    }

    fn set_free(&self, cash: Lamports) {
        self.lamports.set(cash.0);
    }

    fn worth(&self, price: f64) -> f64 {
        self.rent as f64 / LAMPORTS_PER_SOL + self.tokens as f64 * price
    }

    fn equity(&self, price: f64) -> f64 {
        (self.own + i128::from(self.rent)) as f64 / LAMPORTS_PER_SOL + self.tokens as f64 * price
    }

    fn guess(&self, order: MarketOrder, price: f64, terms: &Terms) -> u128 {
        let tokens = match order {
            MarketOrder::BuyFor(amount) | MarketOrder::ShortFor(amount) => amount / price,
            MarketOrder::SellShare(share) | MarketOrder::CoverShare(share) => self.tokens as f64 * share,
            MarketOrder::Buy(units) | MarketOrder::Sell(units) => units,
        };
        terms.scale.tokens_raw(tokens.max(0.0) as u64)
    }
}
