//! The limits of an account, by the second books: what each instrument holds when an order arrives.

use q50_engine::{
    limits::{Holding, Standing, distance, mean_stop},
    market::{Bar, Market},
    strategy::side::Side,
    venue::{Arrival, FillSide, MarketOrder, Rejection, Venue},
};

use crate::{
    books::{Books, MirroredLedger},
    exchange::SimulatedExchange,
    feed::NS_PER_MS,
    order_events::Filled,
};

/// When an order meets the market.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Moment {
    /// A bar opens.
    Open,
    /// Inside the bar that ends then, epoch milliseconds.
    Inside { ends: i64 },
    /// A bar has closed.
    Close,
}

impl<V: Venue + 'static> SimulatedExchange<V>
where
    V::Ledger: MirroredLedger,
{
    /// Has `ask` answer what the limits of instrument `i` let pass of `order`.
    pub(crate) fn within_limits(
        &self,
        i: usize,
        order: MarketOrder,
        arrival: Arrival,
        moment: Moment,
        ask: impl FnOnce(MarketOrder) -> Result<Filled, Rejection>,
    ) -> Result<Filled, Rejection> {
        let own = self.instrument(i);
        if own.limits.is_none() {
            return ask(order);
        }
        let Arrival { row, price, .. } = arrival;
        let market = own.columns.market();
        let open_time = market.open_time[row];
        let bar = Bar { open_time, open: price, high: price, low: price, close: price };
        let account = own.venue.borrow().account_at_open(&bar, row, &own.books.borrow().ledger());
        let others: Vec<usize> = (0..self.portfolio.instruments.len()).filter(|j| *j != i).collect();
        let markets: Vec<Market<'_>> = others.iter().map(|j| self.instrument(*j).columns.market()).collect();
        let held: Vec<[f64; 2]> = others.iter().map(|j| self.held(*j, moment)).collect();
        let beside: Vec<Holding<'_>> = (others.iter().zip(&markets).zip(&held))
            .map(|((j, market), [value, _])| Holding { market, value: *value, stop: self.instrument(*j).stop.get() })
            .collect();
        let (position, stops) = (account.position, own.stops.get());
        let standing = Standing {
            equity: account.equity + self.withheld.get() + held.iter().map(|[_, worth]| worth).sum::<f64>(),
            own: Holding { market: &market, value: position * account.price, stop: own.stop.get() },
            position,
            price: own.venue.borrow().price_of_unit(row, price),
            stops,
            costs: [FillSide::Buy, FillSide::Sell].map(|side| own.venue.borrow().opening_cost(side)),
            others: &beside,
            known: if let Moment::Close = moment { open_time + market.interval_ms } else { open_time },
        };
        let (order, cut) = own.limits.admit(order, &standing).map_err(Rejection::Limit)?;
        let filled = ask(order).map_err(|rejection| match cut {
            Some(limit) if rejection == Rejection::BelowLot => Rejection::Limit(limit),
            _ => rejection,
        })?;
        let bought = filled.fill.side == FillSide::Buy;
        let after = if bought { position + filled.fill.units } else { position - filled.fill.units };
        let entered = distance(stops[if after > 0.0 { Side::Long } else { Side::Short } as usize]);
        own.stop.set(mean_stop(own.stop.get(), entered, position, after));
        Ok(filled)
    }

    /// What instrument `j` holds exposed to its price, and all that it holds, quote units: at its last close, or, as seen from
    /// inside a bar, the last one before that bar is over.
    fn held(&self, j: usize, moment: Moment) -> [f64; 2] {
        let other = self.instrument(j);
        let not_yet = |row: usize| match moment {
            Moment::Inside { ends } => {
                other.columns.closes(row).is_some_and(|closes| closes >= ends.max(0) as u64 * NS_PER_MS)
            }
            Moment::Open | Moment::Close => false,
        };
        let Some(closed) = other.closed.get() else { return [0.0; 2] };
        let row = if not_yet(closed) {
            closed.checked_sub(1).filter(|row| *row >= other.columns.first())
        } else {
            Some(closed)
        };
        row.map_or([0.0; 2], |row| {
            let account = other.account(row);
            [account.position * account.price, other.books.borrow().worth(account.price)]
        })
    }
}
