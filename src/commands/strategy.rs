//! `q50 strategy`: what can be named as a strategy, as it declares itself.

use std::{
    borrow::Cow,
    io::{self, Write},
};

use anyhow::Result;
use q50_engine::{
    market::Signals,
    strategy::{Registry, parameters::Parameter, registry::Kind},
};
use serde::Serialize;

use super::{indicators, strategy_files};
use crate::{
    Answer,
    args::{StrategyCommand, StrategyListArguments},
    output,
    table::{Align, table},
};

pub(crate) fn run(command: &StrategyCommand) -> Result<Answer> {
    match command {
        StrategyCommand::List(arguments) => list(arguments),
        StrategyCommand::Check(arguments) => strategy_files::check(arguments),
        StrategyCommand::Show(arguments) => strategy_files::show(arguments),
        StrategyCommand::New(arguments) => strategy_files::new(arguments),
        StrategyCommand::Genome(arguments) => strategy_files::genome(arguments),
        StrategyCommand::Schema => strategy_files::schema(),
        StrategyCommand::Indicators(arguments) => indicators::run(arguments),
    }
}

#[derive(Serialize)]
struct Listing {
    schema: &'static str,
    strategies: Vec<Listed>,
}

#[derive(Serialize)]
struct Listed {
    name: &'static str,
    words: &'static str,
    /// Signal columns that it reads.
    reads: Vec<&'static str>,
    parameters: Vec<Number>,
}

#[derive(Serialize)]
struct Number {
    path: Cow<'static, str>,
    /// Null where it is not set.
    default: Option<f64>,
    range: String,
    words: &'static str,
}

impl Listed {
    fn of(kind: &Kind) -> Self {
        let strategy = kind.default_config();
        let number =
            |Parameter { path, default, range, words, .. }| Number { path, default, range: range.to_string(), words };
        Self {
            name: kind.name(),
            words: kind.words(),
            reads: strategy.reads(&Signals::default()).iter().map(|column| column.name()).collect(),
            parameters: strategy.parameters().into_iter().map(number).collect(),
        }
    }
}

fn list(arguments: &StrategyListArguments) -> Result<Answer> {
    let strategies = Registry::installed().kinds().iter().map(Listed::of).collect();
    let listing = Listing { schema: "q50.strategies/1", strategies };
    output::print(arguments.format, &listing, |out| text(out, &listing))?;
    Ok(Answer::Yes)
}

fn text(out: &mut dyn Write, listing: &Listing) -> io::Result<()> {
    for (position, strategy) in listing.strategies.iter().enumerate() {
        if position > 0 {
            writeln!(out)?;
        }
        let reads = if strategy.reads.is_empty() { "bars alone".to_owned() } else { strategy.reads.join(", ") };
        writeln!(out, "{}: {}\nreads {reads}", strategy.name, strategy.words)?;
        let row = |number: &Number| {
            let default = number.default.map_or_else(|| "not set".to_owned(), |value| value.to_string());
            [number.path.to_string(), default, number.range.clone(), number.words.to_owned()]
        };
        let columns =
            [("parameter", Align::Left), ("default", Align::Right), ("range", Align::Left), ("meaning", Align::Left)];
        writeln!(out, "{}", table(columns, strategy.parameters.iter().map(row)))?;
    }
    Ok(())
}
