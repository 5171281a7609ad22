//! `q50 data`: read, check and generate data.

mod binance;
mod datasets;
mod export;
mod export_qlib;
mod ingest;
#[cfg(feature = "query")]
mod query;
#[cfg(feature = "watch")]
mod watch;

use std::{
    io::{self, Write},
    path::Path,
    time::Duration,
};

#[cfg(not(all(feature = "query", feature = "watch")))]
use anyhow::bail;
use anyhow::{Context, Result};
use q50_datasets::{
    Input,
    bars::Bars,
    check::{DataReport, check_bars, check_signals},
    frame::Frame,
    hash::{HashColumn, content_hash},
    qlib::Selection,
    run_folder::RunFolder,
    signals::SignalOptions,
    source::{Format as Source, detect},
    synth::{Edge, SynthConfig, pool_path},
    time::{parse_ms, rfc3339},
    write::Column,
};
use q50_engine::units::{AnnualSharpe, Fraction, Lamports};
use q50_research::trials::Fingerprint;
use serde::Serialize;

use crate::{
    Answer,
    args::{DataCommand, Format, SynthArguments},
    configuration::{from_time, of_collection, to_time},
    output, sources,
};

/// What a generated market has; without its bars it is none.
pub(super) const MARKET_FILES: &[&str] = &["signals.parquet", "pool.parquet", "bars.parquet"];
pub(super) const SOL_DECIMALS: u8 = 9;
pub(super) const TOKEN_DECIMALS: u8 = 6;
/// Smallest units of a generated coin, as of every coin that graduates; with the price they decide the fee tier.
const SUPPLY: i64 = 1_000_000_000_000_000;

pub(crate) fn run(command: &DataCommand) -> Result<Answer> {
    match command {
        DataCommand::Check { path, format } => check(path, *format),
        DataCommand::Fingerprint { bars, from, to } => fingerprint(bars, from.as_deref(), to.as_deref()),
        DataCommand::Ingest(command) => ingest::run(command),
        #[cfg(feature = "watch")]
        DataCommand::Watch(command) => watch::run(command),
        #[cfg(not(feature = "watch"))]
        DataCommand::Watch(_) => {
            bail!(
                "this q50 was built without an HTTP client; build one with it: cargo build --release --features watch"
            )
        }
        DataCommand::Signal { signals, at, tolerance, format } => signal(signals, at, *tolerance, *format),
        DataCommand::List { format } => datasets::list(*format),
        DataCommand::Add { name, path, replace, format } => datasets::add(name, path, *replace, *format),
        DataCommand::Show { name, format } => datasets::show(name, *format),
        DataCommand::Verify { what, symbol, format } => datasets::verify(what.as_deref(), symbol.as_deref(), *format),
        DataCommand::Rebuild { folder, format } => binance::rebuild(&datasets::folder(folder)?, *format),
        DataCommand::Export { run, url_env } => export::run(run, url_env),
        DataCommand::ExportQlib { tables, out, format } => export_qlib::run(tables, out, *format),
        DataCommand::Migrate { url_env, to } => export::migrate(url_env, *to),
        #[cfg(feature = "query")]
        DataCommand::Query { sql, format } => query::run(sql, *format),
        #[cfg(not(feature = "query"))]
        DataCommand::Query { .. } => {
            bail!("this q50 was built without SQL; build one with it: cargo build --release --features query")
        }
        DataCommand::Synth(arguments) => synth(arguments),
    }
}

/// A signal and its source, as it is printed.
#[derive(Serialize)]
struct Known {
    at: String,
    source: Option<String>,
    ts: Option<String>,
    age_s: Option<f64>,
    values: serde_json::Map<String, serde_json::Value>,
    passed_over: Vec<sources::PassedOver>,
}

fn signal(path: &Path, at: &str, tolerance: Duration, format: Format) -> Result<Answer> {
    let at_ms =
        parse_ms(at).with_context(|| format!("--at is `{at}`, expected RFC 3339 such as 2025-10-03T10:22:00Z"))?;
    let tolerance_ms = i64::try_from(tolerance.as_millis()).context("--tolerance is too long")?;
    let sources::Answers { found, passed_over } = sources::lookup(path, at_ms, tolerance_ms)?;
    let (source, signal) = found.unzip();
    let answer = if signal.is_some() { Answer::Yes } else { Answer::No };
    let known = Known {
        at: rfc3339(at_ms),
        source,
        ts: signal.as_ref().map(|signal| rfc3339(signal.ts_ms)),
        age_s: signal.as_ref().map(|signal| signal.age_ms as f64 / 1_000.0),
        values: signal.map(|signal| signal.values).unwrap_or_default(),
        passed_over,
    };
    output::print(format, &known, |out| {
        for passed_over in &known.passed_over {
            writeln!(out, "passed over {}: {}", passed_over.source, passed_over.reason)?;
        }
        let (Some(source), Some(ts), Some(age)) = (&known.source, &known.ts, known.age_s) else {
            return writeln!(out, "no signal at {}", known.at);
        };
        writeln!(out, "{source}: {ts}, {age} s old")?;
        known.values.iter().try_for_each(|(name, value)| writeln!(out, "  {name:<26} {value}"))
    })?;
    Ok(answer)
}

/// What was found in a file that may hold bars, signals or both.
#[derive(Serialize)]
struct Checked {
    path: String,
    sound: bool,
    tables: Vec<DataReport>,
}

fn check(path: &Path, format: Format) -> Result<Answer> {
    let tables = tables_of(path)?;
    let sound = tables.iter().all(|table| table.defects.is_empty());
    let checked = Checked { path: path.display().to_string(), sound, tables };
    output::print(format, &checked, |out| tables_text(out, &checked.tables))?;
    Ok(if sound { Answer::Yes } else { Answer::No })
}

/// What can be read there as bars or as signals.
fn tables_of(path: &Path) -> Result<Vec<DataReport>> {
    let input = Input::open(&of_collection(path, "bars.parquet"))?;
    let source = detect(&input)?;
    let columns = match source {
        Source::Qlib => vec!["open".to_owned()],
        Source::Hummingbot => vec!["q50".to_owned()],
        _ => Frame::column_names(&input)?,
    };
    let has = |name: &str| columns.iter().any(|column| column.trim_matches(['<', '>']).eq_ignore_ascii_case(name));
    let mut tables = Vec::new();
    if has("open") || has("close") {
        tables.push(check_bars(&input, &Selection::default())?);
    }
    if has("q50") || has("side") || has("position") || has("prob_up") {
        tables.push(check_signals(&input, &SignalOptions::default())?);
    }
    if tables.is_empty() {
        anyhow::bail!(
            "{}: neither bars (open, high, low, close) nor signals (q10, q50, q90, side): the columns are {}",
            path.display(),
            columns.join(", ")
        );
    }
    Ok(tables)
}

fn tables_text(out: &mut dyn Write, tables: &[DataReport]) -> io::Result<()> {
    for table in tables {
        let bound = |time: &Option<String>| time.clone().unwrap_or_else(|| "?".to_owned());
        writeln!(out, "{}: {} rows, {} to {}", table.table, table.rows, bound(&table.from), bound(&table.to))?;
        if let Some(reading) = &table.reading {
            writeln!(out, "  {reading}")?;
        }
        for codes in &table.codes {
            writeln!(out, "  {codes}")?;
        }
        if table.defects.is_empty() {
            writeln!(out, "  no defect")?;
        }
        for defect in &table.defects {
            writeln!(out, "  {}", defect.detail)?;
        }
    }
    Ok(())
}

fn fingerprint(path: &Path, from: Option<&str>, to: Option<&str>) -> Result<Answer> {
    let bars = Bars::read(path)?;
    let (from, to) = (from_time(from)?.unwrap_or(i64::MIN), to_time(to)?.unwrap_or(i64::MAX));
    let rows = bars.open_time.partition_point(|t| *t < from)..bars.open_time.partition_point(|t| *t <= to);
    let (opens, closes) = (bars.open_time.get(rows.clone()), bars.close.get(rows));
    let print = opens.zip(closes).and_then(|(opens, closes)| Fingerprint::daily(opens, closes, bars.interval_ms));
    let print = print.with_context(|| {
        format!(
            "{}: no fingerprint: a market is known by its moves from day to day, and there are none",
            path.display()
        )
    })?;
    writeln!(io::stdout(), "market = \"{print}\"")?;
    Ok(Answer::Yes)
}

#[derive(Serialize)]
struct Planted {
    bars: usize,
    information_coefficient: f64,
    net_sharpe: f64,
    folder: String,
}

fn synth(arguments: &SynthArguments) -> Result<Answer> {
    let cost = Fraction::from_bps(arguments.cost_bps);
    let edge = match (arguments.sharpe, arguments.information_coefficient) {
        (Some(sharpe), _) => Edge::NetSharpe { sharpe: AnnualSharpe::new(sharpe), cost },
        (None, Some(rho)) => Edge::InformationCoefficient(rho),
        (None, None) => Edge::None,
    };
    let config = SynthConfig {
        bars: arguments.bars as usize,
        interval_ms: i64::from(arguments.interval) * 1_000,
        volatility: arguments.volatility,
        drift: arguments.drift,
        persistence: arguments.persistence,
        seed: arguments.seed,
        edge,
        ..SynthConfig::default()
    };
    let folder = RunFolder::open(&arguments.out, MARKET_FILES)?;
    let market = config.generate()?;
    write_market(&folder, &market.bars, &market.signals, arguments.pool_depth)?;
    let planted = Planted {
        bars: market.bars.len(),
        information_coefficient: market.information_coefficient,
        net_sharpe: config.planted_sharpe(cost)?.get(),
        folder: arguments.out.display().to_string(),
    };
    output::print(arguments.format, &planted, |out| {
        writeln!(
            out,
            "{} bars in {}; information coefficient {:.4}, net annual Sharpe ratio of the long/flat rule {:.3}",
            planted.bars, planted.folder, planted.information_coefficient, planted.net_sharpe
        )
    })?;
    Ok(Answer::Yes)
}

pub(super) fn write_market(
    folder: &RunFolder,
    bars: &Bars,
    signals: &q50_datasets::signals::SignalTable,
    pool_depth: Lamports,
) -> Result<()> {
    let path = pool_path(&bars.close, pool_depth.get(), SOL_DECIMALS, TOKEN_DECIMALS);
    let integer = |value: u64| i64::try_from(value).context("a pool reserve exceeds 64 bits; lower --pool-depth");
    let base = path.iter().map(|(base, _)| integer(*base)).collect::<Result<Vec<i64>>>()?;
    let quote = path.iter().map(|(_, quote)| integer(*quote)).collect::<Result<Vec<i64>>>()?;
    let supply = vec![SUPPLY; base.len()];
    let pool: &[(&str, Column<'_>)] = &[
        ("ts_ms", Column::I64(&bars.open_time)),
        ("base_reserve", Column::I64(&base)),
        ("quote_reserve", Column::I64(&quote)),
        ("supply", Column::I64(&supply)),
    ];
    let id = content_hash([("close", HashColumn::F64(&bars.close)), ("quote_reserve", HashColumn::I64(&quote))]);
    let mut files = folder.new_run(&id);
    files.table("bars.parquet", &bars.to_columns())?;
    files.table("signals.parquet", &signals.to_columns())?;
    files.table("pool.parquet", pool)?;
    Ok(files.commit()?)
}
