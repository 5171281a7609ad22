//! Markets as NautilusTrader's data: a print at each open, a bar and an instrument's close at each close.

use nautilus_model::{
    data::{Bar, Data, InstrumentClose, TradeTick},
    enums::{AggressorSide, InstrumentCloseType},
    identifiers::TradeId,
    types::Price,
};
use q50_engine::{bar_buffer::BarBuffer, market::Market, venue::pool_path::Reserves};

use crate::{
    run::{Run, VenueSetup},
    terms::Terms,
};

pub(crate) const NS_PER_MS: u64 = 1_000_000;
const FULL: u8 = 16;

/// Columns that live as long as the engine that runs on them.
#[derive(Clone, Debug)]
pub(crate) struct Columns {
    bars: BarBuffer,
}

impl Columns {
    pub(crate) fn of(market: &Market<'_>) -> Self {
        Self { bars: BarBuffer::of(market) }
    }

    pub(crate) fn market(&self) -> Market<'_> {
        self.bars.market()
    }

    pub(crate) fn first(&self) -> usize {
        self.market().first
    }

    /// Nanoseconds at which row `t` opens.
    pub(crate) fn opens(&self, t: usize) -> Option<u64> {
        self.market().open_time.get(t).map(|ms| *ms as u64 * NS_PER_MS)
    }

    /// Nanoseconds at which row `t` closes.
    pub(crate) fn closes(&self, t: usize) -> Option<u64> {
        self.opens(t).map(|open| open + self.interval_ns())
    }

    pub(crate) fn interval_ns(&self) -> u64 {
        self.market().interval_ms as u64 * NS_PER_MS
    }

    /// The row that opens at this moment.
    pub(crate) fn row_of_open(&self, ns: u64) -> Option<usize> {
        self.market().open_time.binary_search(&((ns / NS_PER_MS) as i64)).ok()
    }
}

/// One instrument's run with what NautilusTrader knows it as.
pub(crate) type Fed<'a, 'r> = (&'a Run<'r>, &'a Columns, &'a Terms);

/// The data of the traded rows of every instrument in the order in which they happen. At one moment bars end, then their
/// strategies decide, then bars open, each in the order of the instruments.
pub(crate) fn data(fed: &[Fed<'_, '_>]) -> Result<Vec<Data>, String> {
    let mut data = Vec::new();
    for &(run, columns, terms) in fed {
        let one = terms.quantity(terms.step());
        for row in run.market.first..run.market.len() {
            let (opens, closes) = columns.opens(row).zip(columns.closes(row)).ok_or("a row without a time")?;
            let [open, high, low, close] = prices(run, row, terms)
                .ok_or_else(|| format!("row {row}: a price is beyond NautilusTrader's integers"))?;
            let id = TradeId::new(format!("P-{row}"));
            let side = AggressorSide::NoAggressor;
            let print = TradeTick::new(terms.instrument, open, one, side, id, opens.into(), opens.into());
            let bar = Bar::new_checked(terms.bars, open, high, low, close, one, closes.into(), closes.into());
            let ended = InstrumentCloseType::EndOfSession;
            let end = InstrumentClose::new(terms.instrument, close, ended, closes.into(), closes.into());
            data.push((opens, 2, Data::Trade(print)));
            data.push((closes, 0, Data::Bar(bar.map_err(|e| format!("row {row}: {e}"))?)));
            data.push((closes, 1, Data::InstrumentClose(end)));
        }
    }
    data.sort_by_key(|(time, place, _)| (*time, *place));
    Ok(data.into_iter().map(|(_, _, datum)| datum).collect())
}

/// Open, high, low and close. A pool has the prices of its reserves, in the unit in which its fills are priced.
fn prices(run: &Run<'_>, row: usize, terms: &Terms) -> Option<[Price; 4]> {
    let raw = match &run.venue {
        VenueSetup::NextOpen(_) => {
            let bar = run.market.bar(row);
            let raw = |price: f64| terms.scale.price_raw(price);
            let (open, close) = (raw(bar.open)?, raw(bar.close)?);
            // A record whose high is below its close is no bar to NautilusTrader; the strategy sees it as it is.
            [open, raw(bar.high)?.max(open).max(close), raw(bar.low)?.min(open).min(close), close]
        }
        VenueSetup::PumpSwap { path, .. } => {
            let spot = |r: Reserves| terms.scale.pool_price_raw(r.quote.0, r.base.0);
            let (open, close) = (spot(path.at_open(row))?, spot(path.at_close(row))?);
            [open, open.max(close), open.min(close), close]
        }
    };
    let price = |raw| Price::from_raw_checked(raw, FULL).ok();
    Some([price(raw[0])?, price(raw[1])?, price(raw[2])?, price(raw[3])?])
}
