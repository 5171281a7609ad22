//! Cash and position as a fold over fills.
//!
//! A price venue keeps its books in `f64`: prices there are decimal quotes of another exchange, and amounts are
//! rounded down to the venue's lot before the fill, never after. The books of a pool are integers.

use crate::{
    fill::{Fill, FillSide},
    units::{LAMPORTS_PER_SOL, Lamports, TokenAmount},
};

/// What a strategy may know of its own account. Position is signed: negative means owed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Account {
    /// Units of base held; negative where they are owed.
    pub position: f64,
    /// Quote currency that is free.
    pub cash: f64,
    /// Cash plus position at the close of the present bar.
    pub equity: f64,
    /// Price that the position is marked at, quote units for one unit.
    pub price: f64,
    /// Quote reserve of the pool that is traded with, quote units; none on a price venue.
    pub quote_reserve: Option<f64>,
    /// Average price paid for the open position, costs excluded.
    pub average_price: Option<f64>,
    /// Epoch milliseconds at which the open position was opened.
    pub opened_at: Option<i64>,
    /// What was gained on what is no longer held, in this instrument and since the account was opened, quote units. Costs of
    /// fills are deducted when they are paid, what the network takes is not.
    pub realised: f64,
}

impl Account {
    /// Value of the position as a share of equity; negative when short, 0 where there is no equity.
    #[must_use]
    #[inline]
    pub fn exposure(&self) -> f64 {
        if self.equity > 0.0 { self.position * self.price / self.equity } else { 0.0 }
    }
}

/// Equity while the position does not change: `cash + units x price`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Balances {
    /// Quote currency, deposits included.
    pub cash: f64,
    /// Units of base, negative where owed.
    pub units: f64,
}

impl Balances {
    /// Equity at `price`.
    #[must_use]
    #[inline]
    pub fn at(&self, price: f64) -> f64 {
        self.cash + self.units * price
    }

    /// Value of the position at `price` as a share of equity; 0 where there is no equity.
    #[must_use]
    #[inline]
    pub fn exposure(&self, price: f64) -> f64 {
        let equity = self.at(price);
        if equity > 0.0 { self.units * price / equity } else { 0.0 }
    }
}

/// A position at one price, while no order is on its way.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Marked {
    /// What is held.
    pub balances: Balances,
    /// The price it is marked at.
    pub price: f64,
}

impl Marked {
    /// Direction of the position.
    #[must_use]
    #[inline]
    pub fn held(&self) -> Held {
        Held::of(self.balances.units)
    }

    /// Whether the position is certainly worth more than `share` of the equity. Not the exact complement of
    /// [`Account::exposure`]: what rounding could decide is not certain.
    #[must_use]
    #[inline]
    pub fn exceeds(&self, share: f64) -> bool {
        const CERTAIN: f64 = 1.0 + 1e-9;
        let value = self.balances.units * self.price;
        value > share.max(0.0) * (self.balances.cash + value) * CERTAIN
    }
}

/// Direction of a position.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Held {
    /// No position.
    Flat,
    /// Base is held.
    Long,
    /// Base is owed.
    Short,
}

impl Held {
    /// The direction of a signed position.
    #[must_use]
    #[inline]
    pub fn of(units: f64) -> Self {
        if units > 0.0 {
            Self::Long
        } else if units < 0.0 {
            Self::Short
        } else {
            Self::Flat
        }
    }
}

/// The books of one instrument: cash, and a position in it.
pub trait Books: Clone {
    /// Money as the books keep it.
    type Cash: Copy + Default + PartialOrd;

    /// What can be spent.
    fn free(&self) -> Self::Cash;

    /// The same position beside other cash.
    fn set_free(&mut self, cash: Self::Cash);

    /// Money that came in between `before` and `after`, quote units; negative where it went out.
    fn flow(before: Self::Cash, after: Self::Cash) -> f64;

    /// `cash` after what has made `after` of `before`.
    fn moved(cash: Self::Cash, before: Self::Cash, after: Self::Cash) -> Self::Cash;
}

/// Books of a price venue: the fold of its fills over the starting capital.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PriceLedger {
    cash: f64,
    position: f64,
    /// Meaningless while nothing is held, like `opened_at`.
    average_price: f64,
    opened_at: i64,
    realised: f64,
}

impl PriceLedger {
    /// Books with cash only.
    #[must_use]
    pub fn new(capital: f64) -> Self {
        Self { cash: capital, position: 0.0, average_price: 0.0, opened_at: 0, realised: 0.0 }
    }

    /// Books that another host has kept; average and opening time mean nothing where there is no position.
    #[must_use]
    pub fn restored(cash: f64, position: f64, average_price: f64, opened_at: i64) -> Self {
        Self { cash, position, average_price, opened_at, realised: 0.0 }
    }

    /// The same books with what was gained before.
    #[must_use]
    pub fn with_realised(self, realised: f64) -> Self {
        Self { realised, ..self }
    }

    /// Free quote currency.
    #[must_use]
    #[inline]
    pub fn cash(&self) -> f64 {
        self.cash
    }

    /// Units of base, negative where owed.
    #[must_use]
    #[inline]
    pub fn position(&self) -> f64 {
        self.position
    }

    /// Value by price, costs of closing not deducted.
    #[must_use]
    #[inline]
    pub fn balances(&self) -> Balances {
        Balances { cash: self.cash, units: self.position }
    }

    /// What a strategy may know, marked at `price`.
    #[must_use]
    #[inline]
    pub fn account(&self, price: f64) -> Account {
        let open = self.position != 0.0;
        Account {
            position: self.position,
            cash: self.cash,
            equity: self.balances().at(price),
            price,
            quote_reserve: None,
            average_price: open.then_some(self.average_price),
            opened_at: open.then_some(self.opened_at),
            realised: self.realised,
        }
    }

    /// Books after `fill`.
    ///
    /// A sale of the whole position leaves exactly zero, because the venue passes the position itself as the amount.
    #[inline]
    pub fn apply(&mut self, fill: &Fill) {
        let before = self.position;
        self.realised += gained(before, self.average_price, fill);
        let (signed, cash) = match fill.side {
            FillSide::Buy => (fill.units, -(fill.notional + fill.cost)),
            FillSide::Sell => (-fill.units, fill.notional - fill.cost),
        };
        self.position += signed;
        self.cash += cash;
        let crossed = before != 0.0 && before.signum() != self.position.signum();
        if before == 0.0 || crossed {
            self.average_price = fill.price;
            self.opened_at = fill.time;
        } else if before.signum() == signed.signum() {
            self.average_price = (self.average_price * before + fill.price * signed) / self.position;
        }
    }
}

/// What a fill gains on what it closes of a position that is `held` at an average price, costs deducted.
#[must_use]
#[inline]
pub fn gained(held: f64, average_price: f64, fill: &Fill) -> f64 {
    let gain = match fill.side {
        FillSide::Buy => (-held).clamp(0.0, fill.units) * (average_price - fill.price),
        FillSide::Sell => held.clamp(0.0, fill.units) * (fill.price - average_price),
    };
    gain - fill.cost
}

impl Books for PriceLedger {
    type Cash = f64;

    #[inline]
    fn free(&self) -> f64 {
        self.cash
    }

    fn set_free(&mut self, cash: f64) {
        self.cash = cash;
    }

    #[inline]
    fn flow(before: f64, after: f64) -> f64 {
        after - before
    }

    fn moved(cash: f64, before: f64, after: f64) -> f64 {
        cash + (after - before)
    }
}

/// Books of a pool: integers, so that nothing is rounded that the chain does not round.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PoolLedger {
    lamports: Lamports,
    tokens: TokenAmount,
    /// Deposit of the token account; still ours, not spendable.
    rent: Lamports,
    /// Lamports paid for the tokens that are held, fees of the pool included.
    paid: f64,
    opened_at: i64,
    /// Lamports gained on what is no longer held.
    realised: f64,
}

impl PoolLedger {
    /// Books with SOL only.
    #[must_use]
    pub fn new(lamports: Lamports) -> Self {
        Self { lamports, tokens: TokenAmount(0), rent: Lamports(0), paid: 0.0, opened_at: 0, realised: 0.0 }
    }

    /// Books that another host has kept: `paid` lamports for the tokens held, `rent` locked in the token account.
    #[must_use]
    pub fn restored(lamports: Lamports, tokens: TokenAmount, rent: Lamports, paid: f64, opened_at: i64) -> Self {
        Self { lamports, tokens, rent, paid, opened_at, realised: 0.0 }
    }

    /// The same books with so many lamports gained before.
    #[must_use]
    pub fn with_realised(self, realised: f64) -> Self {
        Self { realised, ..self }
    }

    /// Spendable SOL.
    #[must_use]
    #[inline]
    pub fn lamports(&self) -> Lamports {
        self.lamports
    }

    /// Tokens held.
    #[must_use]
    #[inline]
    pub fn tokens(&self) -> TokenAmount {
        self.tokens
    }

    /// Whether the token account exists.
    #[must_use]
    #[inline]
    pub fn has_account(&self) -> bool {
        self.rent.0 > 0
    }

    /// Pays the network; never more than there is.
    #[inline]
    pub fn pay(&mut self, amount: Lamports) {
        self.lamports.0 = self.lamports.0.saturating_sub(amount.0);
    }

    /// Books a buy of `tokens` for `quote`, with the deposit of the token account where it is the first.
    ///
    /// The venue has checked that both are there.
    #[inline]
    pub fn buy(&mut self, tokens: TokenAmount, quote: Lamports, rent: Lamports, time: i64) {
        if self.tokens.0 == 0 {
            self.opened_at = time;
        }
        self.lamports.0 = self.lamports.0.saturating_sub(quote.0 + rent.0);
        self.rent.0 += rent.0;
        self.tokens.0 += tokens.0;
        self.paid += quote.0 as f64;
    }

    /// Books a sale of `tokens` for `quote`.
    #[inline]
    pub fn sell(&mut self, tokens: TokenAmount, quote: Lamports) {
        let left = self.tokens.0.saturating_sub(tokens.0);
        let kept = if left == 0 { 0.0 } else { self.paid * left as f64 / self.tokens.0 as f64 };
        self.realised += quote.0 as f64 - (self.paid - kept);
        self.paid = kept;
        self.tokens.0 = left;
        self.lamports.0 += quote.0;
    }

    /// Value in SOL by the price of a token's smallest unit in SOL, costs of closing not deducted.
    #[must_use]
    #[inline]
    pub fn balances(&self) -> Balances {
        Balances { cash: (self.lamports.0 + self.rent.0) as f64 / LAMPORTS_PER_SOL, units: self.tokens.0 as f64 }
    }

    /// What a strategy may know, in SOL, marked at `price` SOL a token's smallest unit beside a pool with
    /// `quote_reserve`.
    #[must_use]
    #[inline]
    pub fn account(&self, price: f64, quote_reserve: Lamports) -> Account {
        let open = self.tokens.0 > 0;
        let tokens = self.tokens.0 as f64;
        Account {
            position: tokens,
            cash: self.lamports.0 as f64 / LAMPORTS_PER_SOL,
            equity: self.balances().at(price),
            price,
            quote_reserve: Some(quote_reserve.0 as f64 / LAMPORTS_PER_SOL),
            average_price: open.then(|| self.paid / tokens / LAMPORTS_PER_SOL),
            opened_at: open.then_some(self.opened_at),
            realised: self.realised / LAMPORTS_PER_SOL,
        }
    }
}

impl Books for PoolLedger {
    type Cash = Lamports;

    #[inline]
    fn free(&self) -> Lamports {
        self.lamports
    }

    fn set_free(&mut self, cash: Lamports) {
        self.lamports = cash;
    }

    #[inline]
    fn flow(before: Lamports, after: Lamports) -> f64 {
        let size = before.0.abs_diff(after.0) as f64 / LAMPORTS_PER_SOL;
        if after.0 < before.0 { -size } else { size }
    }

    fn moved(cash: Lamports, before: Lamports, after: Lamports) -> Lamports {
        Lamports((cash.0 + after.0).saturating_sub(before.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fill(side: FillSide, units: f64, price: f64, cost: f64) -> Fill {
        Fill { row: 0, time: 7, side, units, price, notional: units * price, cost, spread_cost: 0.0, pool: None }
    }

    #[test]
    fn a_round_trip_costs_its_fees_and_earns_its_move() {
        let mut books = PriceLedger::new(1_000.0);
        books.apply(&fill(FillSide::Buy, 2.0, 100.0, 0.1));
        assert_eq!(books.cash(), 799.9);
        assert_eq!(books.account(110.0).equity, 1_019.9);
        books.apply(&fill(FillSide::Sell, 2.0, 110.0, 0.2));
        assert_eq!(books.position(), 0.0);
        assert!((books.cash() - 1_019.7).abs() < 1e-12);
        assert!((books.account(1.0).realised - 19.7).abs() < 1e-12, "what the account has gained once it is flat");
        assert_eq!(books.account(1.0).average_price, None);
    }

    #[test]
    fn adding_averages_the_price_and_keeps_the_opening_time() {
        let mut books = PriceLedger::new(1_000.0);
        books.apply(&fill(FillSide::Buy, 1.0, 100.0, 0.0));
        books.apply(&Fill { time: 9, ..fill(FillSide::Buy, 3.0, 120.0, 0.0) });
        let account = books.account(120.0);
        assert_eq!(account.average_price, Some(115.0));
        assert_eq!(account.opened_at, Some(7));
    }

    #[test]
    fn selling_part_keeps_the_average() {
        let mut books = PriceLedger::new(1_000.0);
        books.apply(&fill(FillSide::Buy, 4.0, 100.0, 0.0));
        books.apply(&fill(FillSide::Sell, 1.0, 130.0, 0.0));
        assert_eq!(books.account(130.0).average_price, Some(100.0));
    }

    #[test]
    fn crossing_zero_starts_a_new_position() {
        let mut books = PriceLedger::new(1_000.0);
        books.apply(&fill(FillSide::Buy, 1.0, 100.0, 0.0));
        books.apply(&Fill { time: 11, ..fill(FillSide::Sell, 3.0, 90.0, 0.0) });
        let account = books.account(90.0);
        assert_eq!((account.position, account.average_price, account.opened_at), (-2.0, Some(90.0), Some(11)));
        assert_eq!(account.realised, -10.0, "one was closed, two were opened");
        books.apply(&fill(FillSide::Buy, 3.0, 70.0, 0.5));
        assert_eq!(books.account(70.0).realised, -10.0 + 40.0 - 0.5);
    }

    #[test]
    fn a_pool_ledger_counts_lamports_and_keeps_the_deposit_as_its_own() {
        let mut books = PoolLedger::new(Lamports(10_000_000_000));
        books.buy(TokenAmount(1_000), Lamports(4_000_000_000), Lamports(2_039_280), 7);
        books.pay(Lamports(5_000));
        assert_eq!(books.lamports(), Lamports(10_000_000_000 - 4_000_000_000 - 2_039_280 - 5_000));
        let account = books.account(0.004, Lamports(50_000_000_000));
        assert!((account.equity - (10.0 - 0.000_005)).abs() < 1e-12, "the deposit is not lost");
        assert_eq!((account.quote_reserve, account.opened_at), (Some(50.0), Some(7)));
        books.sell(TokenAmount(250), Lamports(900_000_000));
        assert_eq!(books.tokens(), TokenAmount(750));
        assert_eq!(
            books.account(1.0, Lamports(1)).average_price,
            Some(4.0 / 1_000.0),
            "selling part keeps the average"
        );
        assert!((books.account(1.0, Lamports(1)).realised + 0.1).abs() < 1e-12, "a quarter had cost 1 SOL");
        books.sell(TokenAmount(750), Lamports(1));
        assert_eq!(books.account(1.0, Lamports(1)).average_price, None);
    }
}
