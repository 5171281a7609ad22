//! `q50 stats`: statistics of a return series, and of the best of many.

use std::{
    io::{self, Write},
    path::Path,
};

use anyhow::{Context, Result, anyhow, bail};
use q50_datasets::returns::{ReturnMatrix, read_matrix, read_returns};
use q50_engine::units::{PerPeriodSharpe, PeriodsPerYear};
use q50_research::{
    inference::{Cscv, Moments, PredictiveAbilityTest, Resampling, median_block},
    statistics::{Request, Statistics, statistics},
};
use serde_json::{Value, json};

use crate::{
    Answer,
    args::{Format, MatrixArguments, MomentsName, PboArguments, SpaArguments, StatsArguments, StatsCommand},
    output,
};

pub(crate) fn run(arguments: &StatsArguments) -> Result<Answer> {
    match &arguments.of_many {
        Some(StatsCommand::Pbo(pbo)) => overfitting(pbo),
        Some(StatsCommand::Spa(spa)) => predictive_ability(spa),
        None => one_series(arguments),
    }
}

fn one_series(arguments: &StatsArguments) -> Result<Answer> {
    let (Some(path), Some(periods)) = (&arguments.returns, arguments.periods_per_year) else {
        bail!("expected --returns PATH and --periods-per-year N");
    };
    let rows = read_returns(path, arguments.column.as_deref())?;
    let request = Request {
        periods: PeriodsPerYear::new(periods),
        benchmark: PerPeriodSharpe::new(arguments.benchmark_sharpe),
        trials: arguments.trials,
        trial_variance: arguments.trial_variance,
        moments: match arguments.moments {
            MomentsName::Paper => Moments::Paper,
            MomentsName::Unbiased => Moments::Unbiased,
        },
    };
    let result = statistics(&rows, &request).with_context(|| path.display().to_string())?;
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

fn overfitting(arguments: &PboArguments) -> Result<Answer> {
    let MatrixArguments { matrix: path, format } = &arguments.input;
    let cscv = Cscv::new(arguments.blocks).context("--blocks")?;
    let matrix = sound_matrix(path)?;
    at_least_two_sets(path, &matrix)?;
    let result = cscv.pbo_of_columns(&matrix.columns).with_context(|| path.display().to_string())?;
    let figures = json!({
        "pbo": result.pbo,
        "sets": result.sets,
        "observations": result.observations,
        "blocks": result.blocks,
        "combinations": result.logits.len(),
        "logit_median": result.logit_median,
        "probability_of_loss": result.probability_of_loss,
        "degradation_slope": result.degradation_slope,
    });
    print_figures(*format, &figures)
}

fn predictive_ability(arguments: &SpaArguments) -> Result<Answer> {
    let MatrixArguments { matrix: path, format } = &arguments.input;
    let mut matrix = sound_matrix(path)?;
    at_least_two_sets(path, &matrix)?;
    if let Some(name) = &arguments.benchmark_column {
        let at = matrix.names.iter().position(|column| column == name).ok_or_else(|| {
            anyhow!("{}: no column `{name}`; expected one of `{}`", path.display(), matrix.names.join("`, `"))
        })?;
        matrix.names.remove(at);
        let benchmark = matrix.columns.remove(at);
        for (name, column) in matrix.names.iter().zip(&mut matrix.columns) {
            column.iter_mut().zip(&benchmark).for_each(|(own, other)| *own -= other);
            vary(path, name, column).context("less the benchmark")?;
        }
    }
    let named = || path.display().to_string();
    let mean_block = match arguments.block {
        Some(block) => block,
        None => {
            median_block(&matrix.columns).with_context(|| format!("{}: no automatic block; give --block", named()))?
        }
    };
    let resampling = Resampling { mean_block, draws: arguments.resamples as usize, seed: arguments.seed };
    let observations = matrix.columns.first().map_or(0, Vec::len);
    let result = PredictiveAbilityTest::new(observations, resampling)
        .and_then(|test| test.of_columns(&matrix.columns))
        .with_context(named)?;
    let figures = json!({
        "reality_check_p": result.plain.upper,
        "spa_lower_p": result.plain.lower,
        "spa_consistent_p": result.plain.consistent,
        "spa_upper_p": result.plain.upper,
        "studentised_lower_p": result.studentised.lower,
        "studentised_consistent_p": result.studentised.consistent,
        "studentised_upper_p": result.studentised.upper,
        "best": matrix.names[result.best],
        "best_mean": result.best_mean,
        "sets": result.sets,
        "observations": result.observations,
        "resamples": result.resamples,
        "block": result.block,
    });
    print_figures(*format, &figures)
}

/// A matrix whose columns are paired row by row: a missing value is not dropped but refused, as is a column that never
/// moves.
fn sound_matrix(path: &Path) -> Result<ReturnMatrix> {
    let matrix = read_matrix(path)?;
    for (name, column) in matrix.names.iter().zip(&matrix.columns) {
        if let Some(row) = column.iter().position(|value| !value.is_finite()) {
            bail!(
                "{}: column `{name}`, row {}: no value, expected a return; the columns are compared row by row: remove \
                 the row from all of them",
                path.display(),
                row + 1
            );
        }
        vary(path, name, column)?;
    }
    Ok(matrix)
}

fn vary(path: &Path, name: &str, column: &[f64]) -> Result<()> {
    if column.len() > 1 && column.iter().all(|value| *value == column[0]) {
        bail!(
            "{}: column `{name}`: all {} values are {}, expected returns that vary; remove the column",
            path.display(),
            column.len(),
            column[0]
        );
    }
    Ok(())
}

fn at_least_two_sets(path: &Path, matrix: &ReturnMatrix) -> Result<()> {
    if matrix.columns.len() < 2 {
        bail!(
            "{}: {} column of returns (`{}`), expected at least 2, one a set",
            path.display(),
            matrix.columns.len(),
            matrix.names.join("`, `")
        );
    }
    Ok(())
}

fn print_figures(format: Format, figures: &Value) -> Result<Answer> {
    output::print(format, figures, |out| {
        for (name, value) in figures.as_object().into_iter().flatten() {
            match value {
                Value::Null => writeln!(out, "{name:<26} -")?,
                Value::String(text) => writeln!(out, "{name:<26} {text}")?,
                value => writeln!(out, "{name:<26} {value}")?,
            }
        }
        Ok(())
    })?;
    Ok(Answer::Yes)
}
