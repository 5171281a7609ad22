//! How often artefacts are found in honest markets, and in markets that were tampered with.
//!
//! `cargo run --release -p q50-datasets --example artefacts -- 100 200`: so many honest markets of each kind, and so many
//! of each that was tampered with, of 8,760 bars.

#[path = "../tests/artefacts/markets.rs"]
#[expect(unreachable_pub, reason = "a test has these markets too")]
mod markets;

use std::io::{self, Write};

use markets::{HONEST, Kind, market, pasted, stilled, straightened, straightened_logarithms, to_float32, to_tick};
use q50_datasets::artefacts::{Artefact, artefacts};

const BARS: usize = 8_760;
/// Share of the bars from which on `data_sound` fails.
const LIMIT: f64 = 0.01;

const TAMPERED: [Kind; 13] = [
    ("pasted six times", |seed, bars| pasted(&market(seed, bars, 0.005))),
    ("pasted, to a cent", |seed, bars| to_tick(&pasted(&market(seed, bars, 0.005)), 0.01)),
    ("pasted, 32-bit floats", |seed, bars| to_float32(&pasted(&market(seed, bars, 0.005)))),
    ("pasted, noise of 1e-5", |seed, bars| {
        let pasted = pasted(&market(seed, bars, 0.005));
        pasted.iter().enumerate().map(|(t, price)| price * (1.0 + 1e-5 * (t as f64).sin())).collect()
    }),
    ("10 % interpolated, one by one", |seed, bars| straightened(&market(seed, bars, 0.005), 1, seed)),
    ("10 % interpolated, five at a time", |seed, bars| straightened(&market(seed, bars, 0.005), 5, seed)),
    ("10 % interpolated, to a cent", |seed, bars| to_tick(&straightened(&market(seed, bars, 0.005), 5, seed), 0.01)),
    ("10 % interpolated, in logarithms", |seed, bars| straightened_logarithms(&market(seed, bars, 0.005), 5, seed)),
    ("10 % interpolated, 32-bit floats", |seed, bars| to_float32(&straightened(&market(seed, bars, 0.005), 5, seed))),
    ("5 % stale, one by one", |seed, bars| stilled(&market(seed, bars, 0.005), 1, seed)),
    ("5 % stale, twelve at a time", |seed, bars| stilled(&market(seed, bars, 0.005), 12, seed)),
    ("5 % stale, to a cent", |seed, bars| to_tick(&stilled(&market(seed, bars, 0.005), 3, seed), 0.01)),
    ("5 % stale, minutes, to a cent", |seed, bars| to_tick(&stilled(&market(seed, bars, 0.000_5), 3, seed), 0.01)),
];

fn main() -> io::Result<()> {
    let mut numbers = std::env::args().skip(1).map(|text| text.parse().unwrap_or(10));
    let (honest, tampered) = (numbers.next().unwrap_or(10), numbers.next().unwrap_or(10));
    let mut out = io::stdout();
    writeln!(out, "| honest | markets | with an artefact | over the limit |\n|---|---:|---:|---:|")?;
    for kind in HONEST {
        row(&mut out, kind, honest)?;
    }
    writeln!(out, "\n| tampered with | markets | with an artefact | over the limit |\n|---|---:|---:|---:|")?;
    for kind in TAMPERED {
        row(&mut out, kind, tampered)?;
    }
    Ok(())
}

fn row(out: &mut impl Write, (name, make): Kind, markets: u64) -> io::Result<()> {
    let (mut any, mut over) = (0, 0);
    for seed in 0..markets {
        let close = make(seed, BARS);
        let found = artefacts(&close, &close, &close, &close, None);
        let share = |artefact: &Artefact| artefact.bars as f64 / BARS as f64;
        any += u64::from(!found.is_empty());
        over += u64::from(found.iter().any(|artefact| share(artefact) > LIMIT));
    }
    writeln!(out, "| {name} | {markets} | {any} | {over} |")
}
