//! What the exchange and the strategies of one account share: for each instrument its bars, venue and books.

use std::cell::{Cell, RefCell};

use q50_engine::{ledger::Account, limits::Limits, venue::Venue};

use crate::{
    books::{Books, BooksOf, MirroredLedger},
    feed::Columns,
    run_log::RunLog,
    terms::Terms,
};

/// One instrument.
pub(crate) struct Instrument<V: Venue>
where
    V::Ledger: MirroredLedger,
{
    pub(crate) venue: RefCell<V>,
    pub(crate) books: RefCell<BooksOf<V>>,
    pub(crate) columns: Columns,
    pub(crate) terms: Terms,
    pub(crate) log: RunLog,
    /// The row whose bar has closed last.
    pub(crate) closed: Cell<Option<usize>>,
    /// What its entries are filled within.
    pub(crate) limits: Limits,
    /// Distances of the stops that a long entry and a short one would have, by the last close.
    pub(crate) stops: Cell<[Option<f64>; 2]>,
    /// Mean distance of the stops of what is held.
    pub(crate) stop: Cell<f64>,
}

impl<V: Venue> Instrument<V>
where
    V::Ledger: MirroredLedger,
{
    /// Its own position beside the cash of all, marked at the close of `row`.
    pub(crate) fn account(&self, row: usize) -> Account {
        let bar = self.columns.market().bar(row);
        self.venue.borrow().account(&bar, row, &self.books.borrow().ledger())
    }

    /// Worth of what is held, quote units, at the last close.
    fn worth(&self) -> f64 {
        self.closed.get().map_or(0.0, |row| self.books.borrow().worth(self.account(row).price))
    }
}

/// The instruments of one account, by number.
pub(crate) struct Portfolio<V: Venue>
where
    V::Ledger: MirroredLedger,
{
    pub(crate) instruments: Vec<Instrument<V>>,
    /// Nanoseconds and equity of the whole at each moment at which a bar has closed.
    pub(crate) equity: RefCell<Vec<(u64, f64)>>,
}

impl<V: Venue> Portfolio<V>
where
    V::Ledger: MirroredLedger,
{
    /// What a strategy of instrument `i` may know after the close of `row`: equity is that of the whole.
    pub(crate) fn account(&self, i: usize, row: usize) -> Account {
        let account = self.instruments[i].account(row);
        let others = self.instruments.iter().enumerate().filter(|(j, _)| *j != i);
        Account { equity: account.equity + others.map(|(_, other)| other.worth()).sum::<f64>(), ..account }
    }

    /// What a strategy of instrument `i` may know as the bar of `row` opens: the bar's close is not known.
    pub(crate) fn account_at_open(&self, i: usize, row: usize) -> Account {
        let Instrument { venue, books, columns, .. } = &self.instruments[i];
        let bar = columns.market().bar(row);
        let account = venue.borrow().account_at_open(&bar, row, &books.borrow().ledger());
        let others = self.instruments.iter().enumerate().filter(|(j, _)| *j != i);
        Account { equity: account.equity + others.map(|(_, other)| other.worth()).sum::<f64>(), ..account }
    }

    /// Equity of the whole, quote units.
    pub(crate) fn equity(&self) -> f64 {
        let cash = self.instruments.first().map_or(0.0, |first| first.books.borrow().cash());
        cash + self.instruments.iter().map(Instrument::worth).sum::<f64>()
    }

    /// Marks the whole, at each moment as it was left.
    pub(crate) fn mark(&self, now: u64) {
        let mark = (now, self.equity());
        let mut equity = self.equity.borrow_mut();
        match equity.last_mut() {
            Some(last) if last.0 == now => *last = mark,
            _ => equity.push(mark),
        }
    }
}
