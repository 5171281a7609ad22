//! `q50 perp`: the cash of perpetual futures, event by event.

use std::io::{self, Write};

use anyhow::{Context, Result};
use q50_datasets::input::read_bytes;
use q50_engine::venue::perpetual::scenario;
use serde_json::Value;

use crate::{
    Answer,
    args::{PerpCommand, PerpScenarioArguments},
    output,
    table::{Align, table},
};

/// Most bytes of a file of scenarios: 64 MiB.
const MOST: u64 = 64 << 20;

pub(crate) fn run(command: &PerpCommand) -> Result<Answer> {
    match command {
        PerpCommand::Scenario(arguments) => scenarios(arguments),
    }
}

fn scenarios(arguments: &PerpScenarioArguments) -> Result<Answer> {
    let named = || arguments.file.display().to_string();
    let mut document: Value = serde_json::from_slice(&read_bytes(&arguments.file, MOST).with_context(named)?)
        .with_context(|| format!("{}: expected scenarios in JSON", named()))?;
    scenario::compute(&mut document).with_context(named)?;
    output::print(arguments.format, &document, |out| text(out, &document))?;
    Ok(Answer::Yes)
}

fn text(out: &mut dyn Write, document: &Value) -> io::Result<()> {
    for scenario in list(document, "scenarios") {
        writeln!(out, "{}\n{}\n", word(scenario, "name"), table(EVENTS, list(scenario, "events").map(event)))?;
    }
    for (name, key, columns) in [("Inside a bar", "bar_order", BARS), ("Slippage", "slippage", ORDERS)] {
        if list(document, key).next().is_some() {
            let row = |one| columns.map(|(column, _)| word(one, column));
            writeln!(out, "{name}\n{}\n", table(columns, list(document, key).map(row)))?;
        }
    }
    Ok(())
}

const EVENTS: [(&str, Align); 10] = [
    ("time", Align::Left),
    ("event", Align::Left),
    ("", Align::Left),
    ("wallet", Align::Right),
    ("free", Align::Right),
    ("position", Align::Right),
    ("margin", Align::Right),
    ("equity", Align::Right),
    ("maintenance", Align::Right),
    ("liquidation", Align::Right),
];
const BARS: [(&str, Align); 6] = [
    ("name", Align::Left),
    ("side", Align::Left),
    ("size", Align::Right),
    ("expect", Align::Left),
    ("price", Align::Right),
    ("wallet", Align::Right),
];
const ORDERS: [(&str, Align); 6] = [
    ("side", Align::Left),
    ("size", Align::Right),
    ("mid", Align::Right),
    ("volatility", Align::Right),
    ("slippage", Align::Right),
    ("price", Align::Right),
];

fn list<'a>(of: &'a Value, key: &str) -> impl Iterator<Item = &'a Value> {
    of.get(key).and_then(Value::as_array).into_iter().flatten()
}

fn event(event: &Value) -> [String; 10] {
    let after = &event["after"];
    let [wallet, free, position, margin, equity, maintenance, liquidation] =
        ["wallet", "free", "position", "margin", "equity", "maintenance", "liquidation_price"]
            .map(|key| word(after, key));
    let [time, kind, expect] = ["time", "kind", "expect"].map(|key| word(event, key));
    [time, kind, expect, wallet, free, position, margin, equity, maintenance, liquidation]
}

/// A value as a cell: what is not there as a dash, numbers with eight digits at most.
fn word(of: &Value, key: &str) -> String {
    match of.get(key) {
        None | Some(Value::Null) => "-".to_owned(),
        Some(Value::String(text)) => text.clone(),
        Some(Value::Number(number)) => number.as_f64().map_or_else(|| number.to_string(), significant),
        Some(other) => other.to_string(),
    }
}

fn significant(number: f64) -> String {
    let text = format!("{number:.7e}");
    text.parse::<f64>().map_or(text, |rounded| rounded.to_string())
}
