//! Discovery on markets without an edge and with a planted rule: ten of each. `examples/discoveries.rs` has more.

#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]

use std::sync::atomic::AtomicBool;

use q50_datasets::{
    dataset::Dataset,
    synth::{Edge, SynthConfig},
};
use q50_engine::{
    units::{Fraction, PeriodsPerYear},
    venue::FillTiming,
};
use q50_language::{Timeframe, genome::Direction};
use q50_research::{
    discovery::{Breed, Discovery, Evolution, Markets, Measured, Settings, State, example},
    overfit::Lengths,
    run::{PriceVenue, RunSettings, VenueSettings},
    trials::TrialLedger,
};
use rayon::prelude::*;

fn settings() -> Settings {
    Settings {
        evolution: Evolution { population: 20, generations: 15, patience: 15 },
        seed: 1,
        seeds: 1,
        holdout: 0.2,
        judged: 3,
        walk_forward: Lengths { train: 270 * 24, test: 90 * 24, step: 30 * 24 },
    }
}

#[test]
fn without_an_edge_nothing_is_promoted_and_a_planted_rule_is_found() {
    let run = |planted| {
        let markets = Markets { bars: 20_000, planted, settings: settings() };
        (1..=10_u64).into_par_iter().map(|seed| markets.search(seed).unwrap()).collect::<Vec<_>>()
    };
    let (noise, planted) = (run(false), run(true));
    let promoted = noise.iter().filter(|outcome| outcome.findings > 0).count();
    let found = planted.iter().filter(|outcome| outcome.is_found()).count();
    assert!(promoted == 0, "{noise:?}");
    assert!(found >= 8, "{planted:?}");
    // The planted rule is not found where it was not planted.
    assert!(noise.iter().filter(|outcome| outcome.is_found()).count() <= 5, "{noise:?}");
}

#[test]
fn every_component_of_fitness_varies_over_a_population() {
    let bars = SynthConfig { bars: 8_000, edge: Edge::None, ..SynthConfig::default() }.generate().unwrap().bars;
    let data = Dataset::without_signals(bars).unwrap();
    let venue = VenueSettings::NextOpen(PriceVenue {
        cost: Fraction::from_bps(5.0),
        spread: None,
        lot: None,
        fill_timing: FillTiming::NextOpen,
    });
    let year = PeriodsPerYear::new(8_760.0);
    let base = RunSettings { strategy: example().unwrap(), venue, capital: 1_000.0, periods_per_year: year };
    let breed = Breed::new(Timeframe::H1, &[Direction::Long, Direction::Both], false);
    let evolution = Evolution { population: 60, generations: 1, patience: 1 };
    let discovery = Discovery::new(&data, None, &base, breed, Settings { evolution, ..settings() }).unwrap();
    let (mut state, mut ledger) = (State::in_memory().unwrap(), TrialLedger::in_memory().unwrap());
    let found = discovery.search(&mut state, &mut ledger, &AtomicBool::new(false), &|_| {}).unwrap();
    assert_eq!(discovery.tried(&found, 0, &ledger).unwrap().trials, 60, "every candidate is a trial");
    let different = |what: &str, least: usize, of: &dyn Fn(&Measured) -> f64| {
        let mut values: Vec<f64> = found.candidates().map(|(_, one)| of(&one.measured)).collect();
        values.sort_by(f64::total_cmp);
        values.dedup();
        assert!(values.len() >= least, "{what}: {values:?}");
    };
    for window in 0..3 {
        different("Sharpe ratio", 30, &|one| one.windows[window].sharpe.unwrap_or(0.0));
        different("drawdown", 30, &|one| one.windows[window].max_drawdown);
        different("return", 30, &|one| one.windows[window].total_return);
    }
    different("profit factor", 30, &|one| one.statistics.profit_factor.unwrap_or(0.0));
    different("complexity", 3, &|one| one.fitness.penalties.complexity);
    different("overtrading", 2, &|one| one.fitness.penalties.overtrading);
    different("lopsided exits", 5, &|one| one.fitness.penalties.lopsided);
    different("score", 30, &|one| one.fitness.score);
}
