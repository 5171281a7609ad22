//! Refuses, before anything runs, input that would produce no trades or the wrong trades.

use std::collections::HashSet;

use nautilus_model::types::Currency;

use crate::{
    error::InputError,
    run::{Names, Run, VenueSetup},
    terms,
};

/// Largest capital on a pool, SOL: NautilusTrader adds balances in `f64`, which counts lamports exactly up to here.
const MOST_SOL: f64 = 4e6;
/// Largest capital on a price venue, a thousandth of NautilusTrader's largest amount.
const MOST_QUOTE: f64 = 1e10;

/// Checks one run.
///
/// # Errors
/// The first fault that is found, with its row and its remedy.
pub fn check(run: &Run<'_>) -> Result<(), InputError> {
    times(run)?;
    columns(run)?;
    prices(run)?;
    signals(run)?;
    venue(run)?;
    names(&run.names, matches!(run.venue, VenueSetup::PumpSwap { .. }))?;
    let (most, name) = match run.venue {
        VenueSetup::PumpSwap { .. } => (MOST_SOL, "4000000 SOL"),
        VenueSetup::NextOpen(_) => (MOST_QUOTE, "10000000000"),
    };
    if !(run.capital > 0.0 && run.capital <= most) {
        return Err(InputError::Capital { found: run.capital.to_string(), most: name });
    }
    Ok(())
}

/// Checks several runs whose tables will stand beside each other.
///
/// # Errors
/// As [`check`], and where two venues have one name.
pub fn check_all(runs: &[Run<'_>]) -> Result<(), InputError> {
    let mut seen = HashSet::new();
    for run in runs {
        if !seen.insert(run.names.venue.as_str()) {
            return Err(InputError::TwoVenues(run.names.venue.clone()));
        }
    }
    runs.iter().try_for_each(check)
}

/// Checks runs of one account.
///
/// # Errors
/// As [`check`], and where there is none, two trade the same base, or one does not fit the first.
pub fn check_portfolio(runs: &[Run<'_>]) -> Result<(), InputError> {
    let Some(first) = runs.first() else { return Err(InputError::NoInstrument) };
    let kind = |run: &Run<'_>| matches!(run.venue, VenueSetup::PumpSwap { .. });
    let mut bases = HashSet::new();
    for run in runs {
        if !bases.insert(run.names.base.as_str()) {
            return Err(InputError::TwoBases(run.names.base.clone()));
        }
        let differs = [
            ("the venue's name", run.names.venue != first.names.venue),
            ("the kind of venue", kind(run) != kind(first)),
            ("the quote currency", run.names.quote != first.names.quote),
            ("the capital", run.capital.to_bits() != first.capital.to_bits()),
        ];
        if let Some((what, _)) = differs.into_iter().find(|(_, differs)| *differs) {
            return Err(InputError::OneAccount { what, base: run.names.base.clone() });
        }
    }
    runs.iter().try_for_each(check)
}

fn times(run: &Run<'_>) -> Result<(), InputError> {
    let market = &run.market;
    let times = market.open_time;
    if market.first >= times.len() {
        return Err(InputError::Empty { bars: times.len(), first: market.first });
    }
    if market.interval_ms <= 0 {
        return Err(InputError::Interval(market.interval_ms));
    }
    let latest = i64::MAX / 1_000_000 / 2;
    for (row, &found) in times.iter().enumerate() {
        if !(0..latest).contains(&found) {
            return Err(InputError::Time { row, found, expected: format!("0 to {latest}") });
        }
        // History is never traded: its bars need an order, and may lie closer together than the interval.
        let before = row.checked_sub(1).map_or(-1, |before| times[before]);
        let earliest = if row > market.first { before + market.interval_ms } else { before + 1 };
        if found < earliest {
            let expected = format!("{earliest} or later, after the bar before it");
            return Err(InputError::Time { row, found, expected });
        }
    }
    Ok(())
}

fn columns(run: &Run<'_>) -> Result<(), InputError> {
    let market = &run.market;
    let bars = market.open_time.len();
    let prices = [("open", market.open), ("high", market.high), ("low", market.low), ("close", market.close)];
    let signals = market.signals.present().map(|(column, values)| (column.name(), values));
    match prices.into_iter().chain(signals).find(|(_, column)| column.len() != bars) {
        Some((column, found)) => Err(InputError::Column { column, rows: found.len(), bars }),
        None => Ok(()),
    }
}

fn prices(run: &Run<'_>) -> Result<(), InputError> {
    let market = &run.market;
    for (column, values) in [("open", market.open), ("high", market.high), ("low", market.low), ("close", market.close)]
    {
        let traded = values.iter().enumerate().skip(market.first);
        if let Some((row, found)) = traded.into_iter().find(|(_, price)| !(price.is_finite() && **price > 0.0)) {
            return Err(InputError::Price { row, column, found: found.to_string() });
        }
    }
    Ok(())
}

/// The columns without which the strategy holds on every bar.
fn signals(run: &Run<'_>) -> Result<(), InputError> {
    let market = &run.market;
    run.strategy.check(&market.signals)?;
    let needed = run.strategy.needs(&market.signals);
    let end = market.open_time.len() - 1;
    for (column, values) in market.signals.present().filter(|(column, _)| needed.contains(column)) {
        let column = column.name();
        let Some(last) = values.iter().rposition(|value| !value.is_nan()).filter(|last| *last >= market.first) else {
            return Err(InputError::NoSignals { column, first: market.first });
        };
        let last = run.last_signal.map_or(last, |known| known.max(last));
        if last < end {
            return Err(InputError::SignalsEnd { column, last, end });
        }
    }
    Ok(())
}

fn venue(run: &Run<'_>) -> Result<(), InputError> {
    match &run.venue {
        VenueSetup::NextOpen(venue) => {
            if run.strategy.shorts() && !venue.permits_shorting() {
                let remedy = "build the venue with free shorting";
                return Err(InputError::Short { venue: "this price venue", remedy });
            }
        }
        VenueSetup::PumpSwap { path, .. } => {
            if run.strategy.shorts() {
                return Err(InputError::Short { venue: "a spot pool", remedy: "trade at a price venue" });
            }
            if run.strategy.rests_orders() {
                return Err(InputError::Resting);
            }
            let bars = run.market.len();
            if path.len() != bars {
                return Err(InputError::Path { rows: path.len(), bars });
            }
        }
    }
    Ok(())
}

fn names(names: &Names, pool: bool) -> Result<(), InputError> {
    for (what, name) in [("the venue's name", &names.venue), ("the base", &names.base), ("the quote", &names.quote)] {
        // NautilusTrader takes the part of an account's name before the first '-' for the venue's.
        let legal = |c: char| c.is_ascii_alphanumeric();
        if name.is_empty() || name.len() > 24 || !name.chars().all(legal) {
            return Err(InputError::Name { what, found: name.clone() });
        }
    }
    if names.base == names.quote {
        return Err(InputError::OneCurrency(names.base.clone()));
    }
    if pool && names.quote != terms::WSOL {
        let expected = "with 9 decimals, which lamports need; a pool is quoted in 'WSOL'";
        return Err(InputError::Currency { code: names.quote.clone(), expected });
    }
    if !pool && Currency::try_from_str(&names.quote).is_none() {
        let expected = "0.57; use one of its own, such as 'USDT' or 'USD'";
        return Err(InputError::Currency { code: names.quote.clone(), expected });
    }
    Ok(())
}
