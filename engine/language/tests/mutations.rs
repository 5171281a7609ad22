//! Files with random faults: each is understood or refused with a line that it has, and nothing panics or hangs. What is
//! understood is written and read again, and runs.

#![allow(clippy::unwrap_used, reason = "helpers of tests, not only test functions")]

mod world;

use std::collections::BTreeMap;

use q50_engine::{
    record::Journal,
    replay::replay,
    strategy::{Shared, StrategyConfig},
    units::Fraction,
    venue::NextOpen,
};
use q50_language::{Catalog, FileStrategy, Program};
use rand::{RngExt as _, SeedableRng as _, seq::IndexedRandom as _};
use rand_chacha::ChaCha8Rng;
use world::World;

const FILES: usize = 10_000;

const STRATEGY: &str = r#"name: mutated
description: 'rsi < 30: not a condition'
version: 3
timeframe: 15m
additional_timeframes: [1h, 4h]
indicators:
  rsi: {type: RSI, period: 14, source: hlc3}
  macd: {type: MACD, timeframe: 1h, seeding: first}
  channel:
    type: DONCHIAN
    period: 20
    shift: 1
  atr: {type: ATR}
entry_conditions:
  long:
    - rsi crosses_above 30
    - any: [close > channel.upper, all: [macd.histogram > -1.5e-1, rsi between 20 40]]
  short: [signals.q50 < 0, "volume >= 10"]
exit_conditions:
  long: [rsi > 70]
time_filters:
  allowed_sessions:
    - {start: "08:00", end: 16:30, timezone: Europe/London}
  blocked_days: [Saturday, Sunday]
  avoid_around_funding: {enabled: true, minutes_before: 10}
stop_loss: {type: atr_trailing, atr_multiplier: 2, indicator: atr}
take_profit: {type: risk_reward, risk_reward_ratio: 1.5}
take_profit_short: {type: fixed_pct, percent: 4}
position_management: {scale_in: {enabled: false}, reverse: true}
sweep:
  rsi.period: [7, 14, 21]
  macd.fast_period: [8, 12]
  entry_conditions.long[1].any[1].all[1].low: [10, 20, 50]
parameters_schema:
  rsi.period: {type: int, min: 2, max: 50, default: 14}
"#;

/// Words and signs that mean something.
const PIECES: [&str; 42] = [
    "{",
    "}",
    "[",
    "]",
    ":",
    ": ",
    ",",
    "- ",
    "\n",
    "\n  ",
    "\t",
    "#",
    "'",
    "\"",
    "|",
    ">",
    "&a ",
    "*a",
    "!!int ",
    "---\n",
    "? ",
    "<<: ",
    "~",
    ".nan",
    "-.inf",
    "1e999",
    "0x7f",
    "99999999999999999999",
    "-0",
    "14.0",
    "true",
    "é",
    "\u{feff}",
    "\0",
    "\u{2028}",
    "crosses_above",
    "between",
    "signals.",
    "type: ",
    "none",
    "atr",
    "rsi",
];

fn mutated(rng: &mut ChaCha8Rng) -> String {
    let mut text: Vec<char> = STRATEGY.chars().collect();
    for _ in 0..rng.random_range(1..=2) {
        let from = rng.random_range(0..=text.len());
        let length = rng.random_range(0..=12_usize).min(text.len() - from);
        match rng.random_range(0..5) {
            0 => {
                text.drain(from..from + length);
            }
            1 => {
                let piece: Vec<char> = PIECES.choose(rng).copied().unwrap_or_default().chars().collect();
                text.splice(from..from, piece);
            }
            2 => {
                let copied: Vec<char> = text[from..from + length].to_vec();
                let to = rng.random_range(0..=text.len());
                text.splice(to..to, copied);
            }
            3 => {
                let piece: Vec<char> = PIECES.choose(rng).copied().unwrap_or_default().chars().collect();
                text.splice(from..from + length, piece);
            }
            _ => {
                let lines: Vec<String> = text.iter().collect::<String>().lines().map(str::to_owned).collect();
                let (from, to) = (rng.random_range(0..lines.len().max(1)), rng.random_range(0..lines.len().max(1)));
                let mut lines = lines;
                if from < lines.len() && to < lines.len() {
                    lines.swap(from, to);
                }
                text = lines.join("\n").chars().collect();
            }
        }
    }
    text.into_iter().collect()
}

#[test]
fn ten_thousand_files_with_faults_are_understood_or_refused_at_a_line_that_they_have() {
    let catalog = Catalog::default();
    assert!(Program::read(STRATEGY, &catalog).is_ok(), "{:?}", Program::read(STRATEGY, &catalog));
    let mut rng = ChaCha8Rng::seed_from_u64(50);
    let (mut codes, mut accepted) = (BTreeMap::new(), BTreeMap::new());
    for _ in 0..FILES {
        let text = mutated(&mut rng);
        let code = match Program::read(&text, &catalog) {
            Ok(program) => {
                assert!((1..=18).contains(&program.extent().sets));
                for written in [program.canonical(), program.understood()] {
                    let again = Program::read(&written, &catalog).unwrap_or_else(|error| panic!("{error}\n{written}"));
                    assert_eq!(again.canonical(), program.canonical(), "{text}");
                }
                accepted.entry(program.canonical()).or_insert(program);
                "accepted"
            }
            Err(error) => {
                let lines = text.split('\n').count() + text.matches(['\r', '\u{85}', '\u{2028}', '\u{2029}']).count();
                assert!(error.line >= 1 && error.line <= lines + 1, "line {} of {lines}: {error}\n{text}", error.line);
                assert!(!error.message.is_empty());
                error.code.word()
            }
        };
        *codes.entry(code).or_insert(0) += 1;
    }
    println!("{codes:?}");
    // A mutation that never got past the reader would show nothing.
    assert!(codes.len() >= 12, "{codes:?}");
    // Most faults that are understood change a word or a comment; the same program runs once.
    assert!(accepted.len() >= 5, "{}", accepted.len());
    let filled = accepted.values().filter(|program| is_filled(program)).count();
    assert!(2 * filled > accepted.len(), "{filled} of {}", accepted.len());
}

/// Whether a program ever trades on a market; its stream and its columns do the same.
fn is_filled(program: &Program) -> bool {
    let world = World::new(1, 3_000, program.timeframe.ms());
    let market = world.market(0);
    let config = StrategyConfig::new(FileStrategy::new(program.clone()));
    let venue = || NextOpen::new(Fraction::from_bps(5.0)).with_free_shorting();
    let (mut stream, mut columns) = (Journal::default(), Journal::default());
    replay(&market, &mut config.stream().unwrap(), &mut venue(), 1_000.0, &mut stream);
    replay(&market, &mut config.prepare_with(&market, &Shared::default()), &mut venue(), 1_000.0, &mut columns);
    assert!(stream == columns, "{}", program.understood());
    !stream.fills.is_empty()
}
