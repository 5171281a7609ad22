//! A run of ours as the second engine takes it.

use anyhow::{Context, Error, Result, anyhow, bail};
use q50_datasets::time::rfc3339;
use q50_engine::{market::Market, venue::LatencyPreset};
use q50_nautilus::{Check, InputError, NAUTILUS_VERSION, Run, RunError, Validation, VenueSetup, validate};
use q50_research::{
    claim::SecondOpinion,
    run::{Prepared, RunSettings, Source, VenueSettings},
};

/// One run in both engines. `last_signal` is the last row of the record that has a signal.
pub(super) fn compare(
    prepared: &Prepared<'_>,
    settings: &RunSettings,
    latency: Option<LatencyPreset>,
    last_signal: Option<usize>,
) -> Result<Validation> {
    let market = prepared.source().market;
    let (strategy, capital) = (settings.strategy.clone(), settings.capital);
    let mut run = match &settings.venue {
        VenueSettings::NextOpen(_) => {
            let venue = settings.price_venue().context("a price venue has no prices")?;
            let venue = latency.map_or(venue, |latency| venue.with_latency(latency));
            Run::at_next_open(market, strategy, venue, capital)
        }
        VenueSettings::Perpetual(_) => {
            bail!("the second engine does not trade perpetual futures here; use --venue next-open or pumpswap")
        }
        VenueSettings::PumpSwap(pool) => {
            let path = prepared.path().context("a pool venue has no reserves")?;
            let run = Run::on_pool(market, strategy, pool.config, path, capital);
            Run { venue: VenueSetup::PumpSwap { config: pool.config, path, latency }, ..run }
        }
    };
    run.last_signal = last_signal;
    validate(&run).map_err(|error| explained(error, &market))
}

/// What the second engine says about a run that is judged.
pub(crate) fn opinion(source: Source<'_>, settings: &RunSettings, last_signal: Option<usize>) -> Result<SecondOpinion> {
    let prepared = Prepared::new(source, &settings.venue).context("pool reserves")?;
    Ok(opinion_of(&compare(&prepared, settings, None, last_signal)?))
}

pub(super) fn opinion_of(validation: &Validation) -> SecondOpinion {
    let compared = |check: Check| validation.table[check as usize].counts.into_iter().max().unwrap_or(0);
    let differing: usize = validation.table.iter().map(|line| line.differing).sum();
    let found = match validation.differences.first() {
        None => format!("none differs, equity within {:.1e}", validation.max_equity_difference),
        Some(first) => format!("{differing} differ, the first: {first}"),
    };
    let evidence = format!(
        "NautilusTrader {NAUTILUS_VERSION}: {} decisions, {} fills, {} rejections and {} marks compared, {found}",
        compared(Check::Intent),
        compared(Check::Fill),
        compared(Check::Rejection),
        compared(Check::Equity),
    );
    SecondOpinion { value: differing as f64, threshold: 0.0, evidence }
}

/// Rows as times, and the option that helps.
fn explained(error: RunError, market: &Market<'_>) -> Error {
    match error {
        RunError::Input(InputError::SignalsEnd { column, last, end }) => {
            let [last, end] = [last, end].map(|row| rfc3339(market.open_time[row]));
            anyhow!(
                "signals end before the bars: the last value of '{column}' is that of the bar that opens {last}, and the \
                 window ends {end}; leave out --to, or give --to {last}"
            )
        }
        other => Error::new(other).context("second engine"),
    }
}
