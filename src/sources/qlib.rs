//! `qlib:DIR[?symbol=..&freq=..]`: the fields of a Qlib provider that are signals (`q10`, `q50`, `prob_up`, ..).

use std::fs::File;
use std::path::Path;

use anyhow::{Result, bail, ensure};
use q50_datasets::input::unnamed;
use q50_datasets::qlib::Provider;
use q50_datasets::signals::SIGNAL_NAMES;
use q50_datasets::write::{Column, write_parquet};

/// The signals as a file of Parquet.
pub(super) fn open(place: &str) -> Result<File> {
    let (folder, options) = place.split_once('?').unwrap_or((place, ""));
    let provider = Provider::open(Path::new(folder))?;
    let (mut symbol, mut freq) = (None, None);
    for option in options.split('&').filter(|option| !option.is_empty()) {
        match option.split_once('=') {
            Some(("symbol", name)) => symbol = Some(name.to_owned()),
            Some(("freq", name)) => freq = Some(name.to_owned()),
            _ => bail!("the option `{option}`; expected ?symbol=..&freq=.."),
        }
    }
    let symbol = only("symbol", symbol, &provider.symbols())?;
    let freq = only("freq", freq, &provider.freqs())?;
    let fields: Vec<_> = SIGNAL_NAMES
        .iter()
        .filter_map(|name| match provider.field(&symbol, &freq, name) {
            Ok(field) => Some(Ok((*name, field))),
            Err(error) if error.is_missing_column() => None,
            Err(error) => Some(Err(error)),
        })
        .collect::<Result<_, _>>()?;
    ensure!(
        !fields.is_empty(),
        "{folder}: no field of {symbol} at {freq} is a signal; expected {}",
        SIGNAL_NAMES.join(", ")
    );
    let (mut times, mut columns) = (Vec::new(), vec![Vec::new(); fields.len()]);
    for (at, time) in provider.calendar(&freq)?.into_iter().enumerate() {
        let values = fields.iter().map(|(_, field)| field.at(at));
        if values.clone().all(f64::is_nan) {
            continue;
        }
        times.push(time);
        columns.iter_mut().zip(values).for_each(|(column, value)| column.push(value));
    }
    let mut table = vec![("ts_ms", Column::I64(&times))];
    table.extend(fields.iter().zip(&columns).map(|((name, _), column)| (*name, Column::F64(column))));
    unnamed(|path| -> Result<()> { Ok(write_parquet(path, &table)?) })
}

/// The one that was named, or the only one.
fn only(what: &str, named: Option<String>, there: &[String]) -> Result<String> {
    match (named, there) {
        (Some(named), _) => Ok(named),
        (None, [one]) => Ok(one.clone()),
        (None, several) => bail!("{} to choose from: {}; name one: ?{what}=..", several.len(), several.join(", ")),
    }
}
