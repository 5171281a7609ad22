//! `q50 stats`: statistics of any return series.

use std::io::{self, Write};

use anyhow::{Context, Result};
use q50_datasets::returns::read_returns;
use q50_engine::units::{PerPeriodSharpe, PeriodsPerYear};
use q50_research::inference::Moments;
use q50_research::statistics::{Request, Statistics, statistics};

use crate::{
    Answer,
    args::{MomentsName, StatsArguments},
    output,
};

pub(crate) fn run(arguments: &StatsArguments) -> Result<Answer> {
    let rows = read_returns(&arguments.returns, arguments.column.as_deref())?;
    let request = Request {
        periods: PeriodsPerYear::new(arguments.periods_per_year),
        benchmark: PerPeriodSharpe::new(arguments.benchmark_sharpe),
        trials: arguments.trials,
        trial_variance: arguments.trial_variance,
        moments: match arguments.moments {
            MomentsName::Paper => Moments::Paper,
            MomentsName::Unbiased => Moments::Unbiased,
        },
    };
    let result = statistics(&rows, &request).with_context(|| arguments.returns.display().to_string())?;
    output::print(arguments.format, &result, |out| text(out, &result))?;
    Ok(Answer::Yes)
}

fn text(out: &mut dyn Write, result: &Statistics) -> io::Result<()> {
    let json = serde_json::to_value(result).map_err(io::Error::other)?;
    let serde_json::Value::Object(figures) = json else { return Ok(()) };
    for (name, value) in figures.iter().filter(|(name, _)| *name != "undefined") {
        match (value.is_null(), result.undefined.get(name.as_str())) {
            (true, Some(why)) => writeln!(out, "{name:<18} - ({why})")?,
            _ => writeln!(out, "{name:<18} {value}")?,
        }
    }
    Ok(())
}
