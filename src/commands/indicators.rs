//! `q50 strategy indicators`: indicators of bars, a request a line.

use std::{
    fs::File,
    io::{self, BufRead, BufReader, BufWriter, Write},
};

use anyhow::{Context, Result};
use q50_datasets::{bars::Bars, staged::StagedFile};
use q50_indicators::{Bar, Bounds, Catalog, Indicator, Source, Value};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json};

use super::pool::is_stdin;
use crate::{Answer, args::StrategyIndicatorsArguments};

/// What is asked.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Request {
    #[serde(rename = "type")]
    kind: String,
    #[serde(default)]
    params: Map<String, Json>,
}

/// What is answered.
#[derive(Serialize)]
#[serde(untagged)]
enum Reply {
    Values { first: usize, outputs: Map<String, Json> },
    Error { error: String },
}

pub(super) fn run(arguments: &StrategyIndicatorsArguments) -> Result<Answer> {
    let bars = Bars::read(&arguments.bars)?;
    let volume = |row: usize| bars.volume.as_ref().map_or(f64::NAN, |volume| volume[row]);
    let bar = |row: usize| Bar {
        open_time: bars.open_time[row],
        open: bars.open[row],
        high: bars.high[row],
        low: bars.low[row],
        close: bars.close[row],
        volume: volume(row),
    };
    let bars: Vec<Bar> = (0..bars.close.len()).map(bar).collect();
    let path = &arguments.batch;
    let input: Box<dyn BufRead> = match is_stdin(path) {
        true => Box::new(io::stdin().lock()),
        false => Box::new(BufReader::new(File::open(path).with_context(|| path.display().to_string())?)),
    };
    let answer = |out: &mut dyn Write| -> Result<Answer> {
        let mut answer = Answer::Yes;
        for line in input.lines() {
            let line = line.with_context(|| path.display().to_string())?;
            let reply = reply(&line, &bars, arguments.stream).unwrap_or_else(|error| {
                answer = Answer::No;
                Reply::Error { error: format!("{error:#}") }
            });
            serde_json::to_writer(&mut *out, &reply)?;
            writeln!(out)?;
        }
        Ok(answer)
    };
    let Some(out) = &arguments.out else { return answer(&mut BufWriter::new(io::stdout().lock())) };
    let mut file = StagedFile::create(out).context("--out")?;
    let answer = answer(&mut file)?;
    file.commit()?;
    Ok(answer)
}

fn reply(line: &str, bars: &[Bar], stream: bool) -> Result<Reply> {
    let request: Request = serde_json::from_str(line)?;
    let formula = Catalog::default().find(&request.kind).with_context(|| format!("unknown type `{}`", request.kind))?;
    let mut indicator = Indicator::new(formula);
    for (name, value) in &request.params {
        set(&mut indicator, name, value).with_context(|| name.clone())?;
    }
    anyhow::ensure!(
        indicator.formula().inputs().has_source() || indicator.source == Source::Close,
        "{} reads prices of its own choice: leave `source` out",
        formula.name()
    );
    if let Some((_, rule)) = indicator.broken_rule() {
        anyhow::bail!("{rule}");
    }
    let columns = if stream { streamed(&indicator, bars) } else { indicator.columns(bars.iter().copied()) };
    // What JSON has no number for is null: undefined.
    let outputs = formula.outputs().iter().zip(columns);
    let outputs = outputs.map(|(name, column)| ((*name).to_owned(), Json::from(column))).collect();
    Ok(Reply::Values { first: indicator.first(), outputs })
}

/// The outputs as a live run sees them, bar after bar.
fn streamed(indicator: &Indicator, bars: &[Bar]) -> Vec<Vec<f64>> {
    let mut running = indicator.start();
    let mut columns = vec![Vec::new(); indicator.formula().outputs().len()];
    for bar in bars {
        for (column, value) in columns.iter_mut().zip(running.next(bar)) {
            column.push(*value);
        }
    }
    columns
}

fn set(indicator: &mut Indicator, name: &str, value: &Json) -> Result<()> {
    let whole = || value.as_u64().and_then(|whole| u32::try_from(whole).ok()).context("expected a whole number");
    match name {
        "source" => {
            indicator.source = value.as_str().and_then(Source::of_word).context("none of the sources")?;
        }
        "shift" => {
            let shift = whole()?;
            anyhow::ensure!(shift <= q50_language::MOST_SHIFT, "at most {}", q50_language::MOST_SHIFT);
            indicator.shift = shift as usize;
        }
        _ => {
            let fields = indicator.formula().fields();
            let bounds = fields.iter().find(|field| field.name == name).map(|field| field.bounds);
            let value = match bounds {
                Some(Bounds::Word(words)) => {
                    let word = words.iter().find(|word| value.as_str() == Some(**word));
                    Value::Word(word.with_context(|| format!("expected one of {}", words.join(", ")))?)
                }
                Some(Bounds::Number { .. }) => Value::Number(value.as_f64().context("expected a number")?),
                Some(Bounds::Whole { .. }) | None => Value::Whole(whole()?),
            };
            indicator.set(name, value)?;
        }
    }
    Ok(())
}
