//! Prints how often the check of a producer finds foresight, as `docs/METHODS.md` quotes it: each kind in 20 runs of 20
//! cuts, on generated markets of 3,000 hourly bars, and honest producers beside them.
//!
//! `cargo run --release -p q50-research --example producer_check`. The program is its own producer, a process a run:
//! `producer_check produce RECIPE FORM BARS OUT`.

use std::{error::Error, path::Path, time::Duration};

use q50_datasets::{
    Bars,
    synth::SynthConfig,
    write::{Column, write_parquet},
};
use q50_research::lookahead::{Examination, Producer, examine, planted::Recipe};

const RUNS: u64 = 20;
const CUTS: usize = 20;
const BARS: usize = 3_000;

fn main() -> Result<(), Box<dyn Error>> {
    let words: Vec<String> = std::env::args().collect();
    if let [_, _, recipe, form, bars, out] = words.as_slice() {
        let recipe = Recipe::named(recipe).ok_or("no such recipe")?;
        return write(recipe, form, &Bars::read(Path::new(bars))?, Path::new(out));
    }
    eprintln!(
        "{:<28} {:<8} {:>9} {:>17} {:>13}",
        "producer", "signal", "found in", "cuts that changed", "fewest a run"
    );
    for (name, recipe) in Recipe::ALL {
        for form in ["side", "value"] {
            let changed = (1..=RUNS).map(|seed| changed(name, recipe, form, seed)).collect::<Result<Vec<_>, _>>()?;
            eprintln!(
                "{name:<28} {form:<8} {:>3} of {RUNS} {:>10} of {} {:>13}",
                changed.iter().filter(|cuts| **cuts > 0).count(),
                changed.iter().sum::<usize>(),
                RUNS as usize * CUTS,
                changed.iter().min().unwrap_or(&0)
            );
        }
    }
    Ok(())
}

/// Cuts of one run that changed an earlier signal.
fn changed(name: &str, recipe: Recipe, form: &str, seed: u64) -> Result<usize, Box<dyn Error>> {
    let folder = tempfile::tempdir()?;
    let (bars, signals) = (folder.path().join("bars.parquet"), folder.path().join("signals.parquet"));
    let market = SynthConfig { bars: BARS, seed, ..SynthConfig::default() }.generate()?.bars;
    let prices = [("open", &market.open), ("high", &market.high), ("low", &market.low), ("close", &market.close)];
    let mut columns = vec![("ts_ms", Column::I64(&market.open_time))];
    columns.extend(prices.map(|(name, values)| (name, Column::F64(values))));
    write_parquet(&bars, &columns)?;
    write(recipe, form, &market, &signals)?;
    let program = std::env::current_exe()?;
    let command = format!("'{}' produce {name} {form} {{bars}} {{out}}", program.display());
    let producer = Producer::new(&command, Duration::from_secs(60), std::sync::Arc::default())?;
    let setup = Examination {
        bars: &bars,
        signals: &signals,
        column: (form == "value").then_some("value"),
        delay_ms: None,
        window: None,
        cuts: CUTS,
        seed,
    };
    let found = examine(&setup, &producer, &mut |_| {})?;
    assert!(found.repeats && found.reads_bars && found.file.differing == 0 && found.cuts == CUTS);
    Ok(found.changed)
}

fn write(recipe: Recipe, form: &str, bars: &Bars, out: &Path) -> Result<(), Box<dyn Error>> {
    let values = recipe.signal(&bars.close);
    let side: Vec<Option<i64>> = values.iter().map(|v| (!v.is_nan()).then(|| i64::from(*v > 0.0))).collect();
    let signal = if form == "side" { ("side", Column::OptionI64(&side)) } else { ("value", Column::F64(&values)) };
    Ok(write_parquet(out, &[("ts_ms", Column::I64(&bars.open_time)), signal])?)
}
