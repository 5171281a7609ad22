//! The terms that both sides of the second engine agree on before the run: identifiers, currencies, units and fixed
//! charges.

use nautilus_core::UnixNanos;
use nautilus_model::data::BarSpecification;
use nautilus_model::{
    data::BarType,
    enums::{AggregationSource, BarAggregation, CurrencyType, PriceType},
    identifiers::{AccountId, ClientId, InstrumentId, Symbol, Venue as VenueId},
    instruments::{CurrencyPair, InstrumentAny},
    types::{Currency, Price, Quantity},
};
use q50_engine::{market::Market, venue::FillTiming};

use crate::{
    run::{Names, Run, VenueSetup},
    scale::{LARGEST, Scale},
};

/// Wrapped SOL in lamports: NautilusTrader's own SOL has 8 decimals.
pub(crate) const WSOL: &str = "WSOL";
/// Digits of a raw integer, which prices and amounts of a price venue use to the last.
const FULL: u8 = 16;

/// What is fixed before a run.
#[derive(Clone, Debug)]
pub struct Terms {
    pub(crate) instrument: InstrumentId,
    pub(crate) venue: VenueId,
    pub(crate) client: ClientId,
    pub(crate) account: AccountId,
    pub(crate) bars: BarType,
    pub(crate) base: Currency,
    pub(crate) quote: Currency,
    pub(crate) size_precision: u8,
    pub(crate) scale: Scale,
    pub(crate) timing: FillTiming,
    /// Deposit of the token account.
    pub(crate) rent: u64,
    /// Paid to the network for every transaction.
    pub(crate) network: u64,
}

impl Terms {
    pub(crate) fn new(run: &Run<'_>, timing: FillTiming) -> Self {
        let market = &run.market;
        let (scale, size_precision, quote_precision, rent, network) = match &run.venue {
            VenueSetup::NextOpen(_) => {
                let traded = market.low[market.first..].iter().chain(&market.open[market.first..]);
                (Scale::of_prices(traded.fold(f64::INFINITY, |least, price| least.min(*price))), FULL, FULL, 0, 0)
            }
            VenueSetup::PumpSwap { config, path, .. } => {
                let rows = market.first..market.len();
                let largest = rows.map(|row| path.at_open(row).base.0.max(path.at_close(row).base.0)).max();
                let scale = Scale::of_pool(largest.unwrap_or(1));
                (scale, scale.pool_precision(), 9, config.rent.0, config.base_fee.0 + config.priority_fee.0)
            }
        };
        let Names { venue, base, quote } = &run.names;
        let symbol = format!("{base}/{quote}");
        let venue_id = VenueId::from(venue.as_str());
        let instrument = InstrumentId::new(Symbol::from(symbol.as_str()), venue_id);
        Self {
            instrument,
            venue: venue_id,
            client: ClientId::from(venue.as_str()),
            account: AccountId::from(format!("{venue}-001").as_str()),
            bars: BarType::new(instrument, bar_spec(market), AggregationSource::External),
            base: Currency::new(base.as_str(), size_precision, 0, base.as_str(), CurrencyType::Crypto),
            quote: Currency::new(quote.as_str(), quote_precision, 0, quote.as_str(), CurrencyType::Crypto),
            size_precision,
            scale,
            timing,
            rent,
            network,
        }
    }

    /// Makes the codes known that NautilusTrader looks up by name; what it knows already stays as it is.
    pub(crate) fn register(&self) -> anyhow::Result<()> {
        Currency::register(self.base, false)?;
        Currency::register(self.quote, false)?;
        Ok(())
    }

    /// The smallest raw quantity.
    pub(crate) fn step(&self) -> u128 {
        10_u128.pow(u32::from(FULL - self.size_precision))
    }

    /// The smallest step of a price.
    pub(crate) fn price_step() -> Price {
        Price::from_raw(1, FULL)
    }

    /// A price of one unit of base. One beyond NautilusTrader's integers becomes the furthest of them, which no bar reaches
    /// either, because bars must lie within.
    pub(crate) fn price(&self, price: f64) -> Price {
        let raw = if price > 0.0 { self.scale.price_raw(price).unwrap_or(LARGEST) } else { 0 };
        Price::from_raw(raw, FULL)
    }

    pub(crate) fn quantity(&self, raw: u128) -> Quantity {
        Quantity::from_raw(raw, self.size_precision)
    }

    pub(crate) fn instrument(&self) -> InstrumentAny {
        InstrumentAny::CurrencyPair(CurrencyPair::new(
            self.instrument,
            self.instrument.symbol,
            self.base,
            self.quote,
            FULL,
            self.size_precision,
            Self::price_step(),
            self.quantity(self.step()),
            None,
            None,
            None,
            None,
            None,
            None,
            None,
            None,
            None,
            None,
            None,
            None,
            None,
            UnixNanos::default(),
            UnixNanos::default(),
        ))
    }
}

/// The interval in NautilusTrader's terms. One that it has no name for is called a tick: its bars come from outside,
/// stamped, so that the name decides nothing.
fn bar_spec(market: &Market<'_>) -> BarSpecification {
    use BarAggregation::{Day, Hour, Millisecond, Minute, Second, Tick};
    let interval = usize::try_from(market.interval_ms).unwrap_or(1);
    [(86_400_000, Day), (3_600_000, Hour), (60_000, Minute), (1_000, Second), (1, Millisecond)]
        .into_iter()
        .filter(|(unit, _)| interval.is_multiple_of(*unit))
        .find_map(|(unit, name)| BarSpecification::new_checked(interval / unit, name, PriceType::Last).ok())
        .unwrap_or_else(|| BarSpecification::new(1, Tick, PriceType::Last))
}
