//! `q50 strategy check`, `show`, `new`, `genome` and `schema`: strategies in files.

use std::{
    io::{self, Write},
    path::Path,
};

use anyhow::{Context, Result, anyhow};
use q50_datasets::input::read_text;
use q50_language::{Catalog, Error, Program, TEMPLATES, genome::other_form};
use serde::Serialize;
use serde_json::{Map, Value};

use crate::{
    Answer,
    args::{Format, StrategyCheckArguments, StrategyGenomeArguments, StrategyNewArguments, StrategyShowArguments},
    output,
};

#[derive(Serialize)]
struct Checks {
    schema: &'static str,
    files: Vec<Check>,
}

#[derive(Serialize)]
struct Check {
    file: String,
    ok: bool,
    name: Option<String>,
    /// Sets of the sweep that can be run; 1 without one.
    combinations: Option<u64>,
    /// Sets that break a rule between their numbers.
    left_out: Option<u64>,
    first_combination: Option<Value>,
    last_combination: Option<Value>,
    unused_indicators: Vec<String>,
    /// Null where it depends on the times of the bars.
    first_decision_row: Option<usize>,
    error: Option<Error>,
}

impl Check {
    fn of(file: String, read: Result<Program, Error>) -> Self {
        let program = match read {
            Ok(program) => program,
            Err(error) => {
                return Self {
                    file,
                    ok: false,
                    name: None,
                    combinations: None,
                    left_out: None,
                    first_combination: None,
                    last_combination: None,
                    unused_indicators: Vec::new(),
                    first_decision_row: None,
                    error: Some(error),
                };
            }
        };
        let extent = program.extent();
        let ends = extent.ends.filter(|_| !program.sweep.is_empty());
        let (first, last) = ends.map(|(first, last)| (set(&program, &first), set(&program, &last))).unzip();
        Self {
            file,
            ok: true,
            combinations: Some(extent.sets),
            left_out: Some(extent.left_out),
            first_combination: first,
            last_combination: last,
            unused_indicators: program.unused().map(str::to_owned).collect(),
            first_decision_row: program.first_decision(),
            error: None,
            name: Some(program.name),
        }
    }
}

/// The values of a set by their paths.
fn set(program: &Program, values: &[f64]) -> Value {
    let value = |value: f64| if value.fract() == 0.0 { Value::from(value as i64) } else { Value::from(value) };
    let by_path = program.sweep.iter().zip(values).map(|(axis, number)| (axis.path.clone(), value(*number)));
    Value::Object(by_path.collect::<Map<_, _>>())
}

fn read(path: &Path) -> Result<Result<Program, Error>> {
    let text = read_text(path).with_context(|| format!("strategy file {}", path.display()))?;
    Ok(Program::read(&text, &Catalog::default()))
}

pub(super) fn check(arguments: &StrategyCheckArguments) -> Result<Answer> {
    let check = |path: &std::path::PathBuf| Ok(Check::of(path.display().to_string(), read(path)?));
    let files: Vec<Check> = arguments.files.iter().map(check).collect::<Result<_>>()?;
    let answer = if files.iter().all(|check| check.ok) { Answer::Yes } else { Answer::No };
    let checks = Checks { schema: "q50.strategy_check/1", files };
    output::print(arguments.format, &checks, |out| checks.files.iter().try_for_each(|check| tell(out, check)))?;
    Ok(answer)
}

fn tell(out: &mut dyn Write, check: &Check) -> io::Result<()> {
    let file = &check.file;
    if let Some(error) = &check.error {
        return writeln!(out, "{file}:{}: {error}", error.line);
    }
    write!(out, "{file}: {}", check.name.as_deref().unwrap_or_default())?;
    match check.first_decision_row {
        Some(row) => write!(out, ", first decision at row {row}")?,
        None => write!(out, ", first decision when its longer bars are known")?,
    }
    if let Some(sets) = check.combinations.filter(|_| check.first_combination.is_some() || check.left_out != Some(0)) {
        write!(out, ", a sweep of {sets} sets")?;
    }
    if let Some(left_out) = check.left_out.filter(|left_out| *left_out > 0) {
        write!(out, " ({left_out} left out, which break a rule)")?;
    }
    if !check.unused_indicators.is_empty() {
        write!(out, "; nothing uses {}", check.unused_indicators.join(", "))?;
    }
    writeln!(out)
}

pub(super) fn show(arguments: &StrategyShowArguments) -> Result<Answer> {
    let path = &arguments.file;
    let program = read(path)?.map_err(|error| anyhow!("{}:{}: {error}", path.display(), error.line))?;
    let text = |out: &mut dyn Write| {
        writeln!(out, "{}, version {}", program.name, program.version)?;
        if !program.description.is_empty() {
            writeln!(out, "{}", program.description.trim_end())?;
        }
        let signals = program.columns().into_iter().map(|column| format!("signals.{}", column.name()));
        let volume = program.needs_volume().then(|| "the volume".to_owned());
        let reads: Vec<String> = std::iter::once("bars".to_owned()).chain(volume).chain(signals).collect();
        writeln!(out, "reads {}", reads.join(", "))?;
        writeln!(out, "\nAs it was understood, with every default:\n{}", program.understood().trim_end())?;
        writeln!(out)?;
        tell(out, &Check::of(path.display().to_string(), Ok(program.clone())))
    };
    output::print(Format::Text, &(), text)?;
    Ok(Answer::Yes)
}

pub(super) fn new(arguments: &StrategyNewArguments) -> Result<Answer> {
    let template = TEMPLATES.iter().find(|(name, _)| *name == arguments.template);
    let (_, text) = template.context("the template is one of the list")?;
    output::print(Format::Text, &(), |out| write!(out, "{text}"))?;
    Ok(Answer::Yes)
}

pub(super) fn genome(arguments: &StrategyGenomeArguments) -> Result<Answer> {
    let path = &arguments.file;
    let text = read_text(path).with_context(|| format!("genome or strategy file {}", path.display()))?;
    let other = other_form(&text).map_err(|error| anyhow!("{}:{}: {error}", path.display(), error.line))?;
    output::print(Format::Text, &(), |out| write!(out, "{other}"))?;
    Ok(Answer::Yes)
}

pub(super) fn schema() -> Result<Answer> {
    output::print(Format::Json, &q50_language::schema(&Catalog::default()), |_| Ok(()))?;
    Ok(Answer::Yes)
}
