//! `q50 data export-qlib`: bars and signals as a Qlib provider.

use std::path::{Path, PathBuf};

use anyhow::{Result, ensure};
use q50_datasets::{
    Bars, Input, SignalTable,
    frame::Frame,
    qlib::{Selection, SymbolTable, Written, write_provider},
    signals::{SIGNAL_NAMES, SignalOptions},
};

use crate::{Answer, args::Format, configuration::of_collection, output};

/// What a file has of a symbol.
struct Source {
    symbol: String,
    bars: Option<Bars>,
    signals: Option<SignalTable>,
}

pub(super) fn run(tables: &[(String, PathBuf)], out: &Path, format: Format) -> Result<Answer> {
    let sources = tables.iter().map(|(symbol, path)| read(symbol, path)).collect::<Result<Vec<_>>>()?;
    let mut tables = Vec::new();
    for Source { symbol, bars, signals } in &sources {
        let (mut times, mut fields): (&[i64], Vec<(&str, &[f64])>) = (&[], Vec::new());
        if let Some(bars) = bars {
            times = &bars.open_time;
            for (name, values) in bars.prices() {
                fields.push((name, values));
            }
            fields.extend(bars.volume.as_deref().map(|volume| ("volume", volume)));
        }
        if let Some(signals) = signals {
            times = &signals.ts;
            for (name, values) in signals.columns.present() {
                fields.push((name, values));
            }
        }
        tables.push(SymbolTable { symbol, times, fields });
    }
    let written = write_provider(out, &tables)?;
    output::print(format, &written, |text| {
        let Written { freq, calendar, values, rounded, renamed } = &written;
        writeln!(text, "{} symbols at {freq}, {calendar} times, {values} values", tables.len())?;
        writeln!(text, "{rounded} values are no 32-bit floats and were rounded, by at most 6e-8 of themselves")?;
        for (symbol, name) in renamed {
            writeln!(text, "{symbol} is {name} in Qlib")?;
        }
        writeln!(text, "written to {}", out.display())
    })?;
    Ok(Answer::Yes)
}

fn read(symbol: &str, path: &Path) -> Result<Source> {
    let input = Input::open(&of_collection(path, "bars.parquet"))?;
    let columns = Frame::column_names(&input)?;
    let has = |name: &str| columns.iter().any(|column| column.trim_matches(['<', '>']).eq_ignore_ascii_case(name));
    let bars = has("close").then(|| Bars::read_input(&input, &Selection::default())).transpose()?.map(|(bars, _)| bars);
    let has_signals = SIGNAL_NAMES.iter().any(|name| has(name));
    let signals = has_signals.then(|| SignalTable::read_input(&input, &SignalOptions::default())).transpose()?;
    ensure!(
        bars.is_some() || has_signals,
        "{}: neither bars (open, high, low, close) nor signals ({}); the columns are {}",
        path.display(),
        SIGNAL_NAMES.join(", "),
        columns.join(", ")
    );
    if let (Some(bars), Some(signals)) = (&bars, &signals) {
        let same = bars.open_time == signals.ts;
        ensure!(same, "{}: its bars and its signals have different times; write them to two files", path.display());
    }
    Ok(Source { symbol: symbol.to_owned(), bars, signals })
}
