//! A perpetual future: its terms as they were typed, and what is recorded of it beside its bars.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, anyhow, bail};
use q50_datasets::{
    Bars,
    dataset::Dataset,
    funding::FundingTable,
    hash::{HashColumn, content_hash},
    input::read_bytes,
    time::rfc3339,
};
use q50_engine::{
    market::{Column, Market},
    units::Fraction,
    venue::{
        Contract, PerpetualConfig,
        perpetual::{ContractError, FundingRate, MaintenanceOn, Marks, Tiers, slippage},
    },
};
use q50_research::spec::ContractSpec;
use serde_json::Value;

use super::refuse_other_than_perpetual;
use crate::args::{MaintenanceName, PerpetualArguments, ReplayArguments};

/// Median distance of mark prices from last prices beyond which they are those of another instrument, or in another unit:
/// exchanges keep them within some hundredths of a per cent.
const OTHER_PRICES: f64 = 0.1;
/// Median rate of a settlement beyond which rates are no fractions: it is more than 200 % a year at three a day.
const NO_FRACTIONS: f64 = 0.002;
/// Most bytes of a table of tiers: 1 MiB.
const TIERS_MOST: u64 = 1 << 20;

/// The terms that were typed.
pub(super) fn config(arguments: &ReplayArguments) -> Result<PerpetualConfig> {
    refuse_other_than_perpetual(arguments)?;
    let (own, usual) = (&arguments.perpetual, PerpetualConfig::default());
    let fee = |typed: Option<f64>, usual| typed.or(arguments.cost_bps).map_or(usual, Fraction::from_bps);
    Ok(PerpetualConfig {
        leverage: own.leverage.unwrap_or(usual.leverage),
        taker: fee(own.taker_bps, usual.taker),
        maker: fee(own.maker_bps, usual.maker),
        spread: arguments.spread_bps.map_or(usual.spread, Fraction::from_bps),
        slippage_coefficient: own.slippage_coefficient.unwrap_or(usual.slippage_coefficient),
        maintenance_on: own.maintenance_on.map_or(usual.maintenance_on, |on| match on {
            MaintenanceName::Mark => MaintenanceOn::Mark,
            MaintenanceName::Entry => MaintenanceOn::Entry,
        }),
        funding_hours: own.funding_hours.unwrap_or(usual.funding_hours),
        lot: arguments.lot,
        ..usual
    })
}

/// What the files that were named record of the future, laid on the bars of `data`, and what they are.
pub(crate) fn contract(
    arguments: &ReplayArguments,
    data: &Dataset,
    config: &PerpetualConfig,
) -> Result<(Contract, ContractSpec)> {
    let own = &arguments.perpetual;
    let named = |option: &'static str, path: &Option<PathBuf>, what: &str| {
        path.clone().with_context(|| format!("--venue perpetual needs {what}: give {option} FILE"))
    };
    let tiers_path = named("--tiers", &own.tiers, "the tiers of its maintenance margin")?;
    let funding_path = named("--funding", &own.funding, "the recorded rates of its funding")?;
    let tiers = tiers(&tiers_path).with_context(|| format!("--tiers {}", tiers_path.display()))?;
    let most = tiers.iter().find_map(|tier| tier.max_leverage).filter(|most| config.leverage > *most);
    if let Some(most) = most {
        bail!("--leverage is {}, and --tiers {} permits {most} at most", config.leverage, tiers_path.display());
    }
    let market = data.market();
    if config.slippage_coefficient > 0.0 {
        check_volume(&market)?;
    }
    let table = FundingTable::read(&funding_path)?;
    let mark = |row: usize| table.mark.as_ref().map(|mark| mark[row]).filter(|mark| !mark.is_nan());
    let rates: Vec<FundingRate> = (table.time.iter().zip(&table.rate).enumerate())
        .map(|(row, (&time, &rate))| FundingRate {
            time,
            rate,
            mark: mark(row),
            hours: table.hours.as_ref().map(|hours| hours[row]),
        })
        .collect();
    let marks = own.mark.as_deref().map(|path| marks(path, &market)).transpose()?;
    let spec = ContractSpec {
        funding: table.hash(),
        marks: marks.as_ref().map(|(_, hash)| hash.clone()),
        tiers: tiers.clone(),
    };
    let marks = marks.map(|(marks, _)| marks);
    let contract = Contract::new(tiers, marks, &rates, config.funding_hours, &market).map_err(|error| {
        let (ContractError::NoRate { time } | ContractError::TwoRates { time }) = error;
        anyhow!(
            "--funding {}: {error} at {}; the bars are traded from {} to {}, and funding is settled every {} hours \
             (--funding-hours): give a file that has every settlement, or cut the bars with --from and --to",
            funding_path.display(),
            rfc3339(time),
            rfc3339(data.period().0),
            rfc3339(data.period().1),
            config.funding_hours,
        )
    })?;
    check_prices(own, &contract, &market)?;
    check_rates(&funding_path, &contract)?;
    if config.slippage_coefficient > 0.0 {
        check_activity(&contract, &market)?;
    }
    Ok((contract, spec))
}

/// Refuses mark prices that are not those of the bars.
fn check_prices(own: &PerpetualArguments, contract: &Contract, market: &Market<'_>) -> Result<()> {
    if let (Some(path), Some(lag @ (1 | -1))) = (&own.mark, contract.mark_lag(market)) {
        bail!(
            "--mark {}: its prices move as the last prices of --bars do, but a bar {}; give mark prices whose bars are stamped \
             as those of --bars are, both with their open",
            path.display(),
            if lag > 0 { "early" } else { "late" }
        );
    }
    let Some(median) = contract.mark_deviations(market).median().filter(|median| *median > OTHER_PRICES) else {
        return Ok(());
    };
    let (option, path) = match (&own.mark, &own.funding) {
        (Some(path), _) => ("--mark", path),
        (None, Some(path)) => ("--funding", path),
        (None, None) => return Ok(()),
    };
    bail!(
        "{option} {}: half of its mark prices are more than {:.0} % from the last prices of --bars: they are those of another \
         instrument, or in another unit; give the mark prices of these bars",
        path.display(),
        100.0 * median
    )
}

/// Refuses rates that are no fractions.
fn check_rates(path: &Path, contract: &Contract) -> Result<()> {
    let mut rates: Vec<f64> = contract.rates().map(f64::abs).collect();
    rates.sort_by(f64::total_cmp);
    match rates.get(rates.len() / 2) {
        Some(median) if *median > NO_FRACTIONS => bail!(
            "--funding {}: half of its rates are {median} or more, {:.1} % of the notional at each settlement; if they are per \
             cent, divide them by 100",
            path.display(),
            100.0 * median
        ),
        _ => Ok(()),
    }
}

/// A list of tiers, or a document that has one.
fn tiers(path: &Path) -> Result<Tiers> {
    let mut value: Value = serde_json::from_slice(&read_bytes(path, TIERS_MOST)?)?;
    let list = value.get_mut("tiers").map(Value::take).unwrap_or(value);
    Ok(serde_json::from_value(list)?)
}

/// Mark prices, a row a bar, and the hash of their content. Rows that are not traded may lack them.
fn marks(path: &Path, market: &Market<'_>) -> Result<(Marks, String)> {
    let bars = Bars::read(path).context("--mark")?;
    let mut marks = Marks { open: Vec::new(), high: Vec::new(), low: Vec::new(), close: Vec::new() };
    for (row, time) in market.open_time.iter().enumerate() {
        let found = bars.open_time.binary_search(time).ok();
        if found.is_none() && row >= market.first {
            bail!(
                "--mark {}: no mark prices for the bar that opens {}; give bars with the times of --bars, or cut those with \
                 --from and --to",
                path.display(),
                rfc3339(*time)
            );
        }
        let price = |column: &[f64]| found.map_or(f64::NAN, |at| column[at]);
        marks.open.push(price(&bars.open));
        marks.high.push(price(&bars.high));
        marks.low.push(price(&bars.low));
        marks.close.push(price(&bars.close));
    }
    let columns = [("open", &marks.open), ("high", &marks.high), ("low", &marks.low), ("close", &marks.close)];
    let time = std::iter::once(("open_time", HashColumn::I64(market.open_time)));
    let hash = content_hash(time.chain(columns.map(|(name, column)| (name, HashColumn::F64(column)))));
    Ok((marks, hash))
}

const REMEDY: &str = "give bars with their volume, or --slippage-coefficient 0";

/// Nothing says what an order costs where prices move and nothing is traded: neither that of an entry nor that of a stop.
fn check_activity(contract: &Contract, market: &Market<'_>) -> Result<()> {
    let dead = |row: usize| contract.activity(row).is_some_and(|a| a.volatility > 0.0 && a.mean_volume == 0.0);
    match (market.first..market.len()).find(|&row| dead(row)) {
        Some(row) => bail!(
            "--bars: prices move in the {} bars up to the one that opens {}, and their volume is 0, and slippage is estimated \
             from it; {REMEDY}",
            slippage::WINDOW,
            rfc3339(market.open_time[row])
        ),
        None => Ok(()),
    }
}

/// Slippage is estimated from the volume of the bars before each order.
fn check_volume(market: &Market<'_>) -> Result<()> {
    let Some(volume) = market.signals.get(Column::Volume) else {
        bail!("--bars has no volume, and slippage is estimated from it; {REMEDY}");
    };
    let from = market.first.saturating_sub(slippage::WINDOW - 1);
    match (from..market.len()).find(|&row| volume[row].is_nan()) {
        Some(row) => bail!(
            "--bars: the volume of the bar that opens {} is missing, and slippage is estimated from it; {REMEDY}",
            rfc3339(market.open_time[row])
        ),
        None => Ok(()),
    }
}
