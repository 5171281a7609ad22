//! Every check on both sides of its threshold.

use q50_datasets::artefacts::ArtefactKind;
use q50_engine::{
    strategy::{StrategyConfig, q50::Q50Config},
    units::{Fraction, Lamports, PerPeriodSharpe, PeriodsPerYear},
    venue::PumpSwapConfig,
};

use super::*;
use crate::{
    claim::{State, facts::ArtefactFacts, reproduction::Value},
    run::{PoolVenue, PriceVenue},
};

fn facts() -> DataFacts {
    DataFacts {
        hash: String::new(),
        bars: 990,
        signals: 990,
        from: String::new(),
        to: String::new(),
        gaps: 1,
        missing_bars: 10,
        closed_bars: 0,
        marks_off: 0,
        holidays: 0,
        off_grid: 0,
        inconsistent: 0,
        crossed: 0,
        pool_correlation: None,
        unexplained: None,
        collected: None,
        artefacts: Vec::new(),
        files: Vec::new(),
        stale: Vec::new(),
        codes: Vec::new(),
        signal_column: None,
        minus_one: None,
        each: Vec::new(),
        demonstration: false,
    }
}

fn stale(bars: usize) -> ArtefactFacts {
    let (first, detail) = ("2024-01-01T00:00:00Z".to_owned(), format!("{bars} bars stand still"));
    ArtefactFacts { kind: ArtefactKind::Stale, bars, first, longest: 1, detail }
}

#[test]
fn bars_that_nobody_could_have_traded_count_like_missing_ones() {
    let with = |bars| data_sound(&DataFacts { bars: 1_000, missing_bars: 0, artefacts: vec![stale(bars)], ..facts() });
    let (sound, unsound) = (with(10), with(11));
    assert_eq!((sound.state, sound.value), (State::Pass, Some(0.01)));
    assert_eq!((unsound.state, unsound.value), (State::Fail, Some(0.011)));
    assert!(unsound.evidence.ends_with("; 11 bars stand still, from 2024-01-01T00:00:00Z"), "{}", unsound.evidence);
}

fn settings(timing: FillTiming) -> RunSettings {
    RunSettings {
        strategy: StrategyConfig::new(Q50Config::default()),
        venue: VenueSettings::NextOpen(PriceVenue {
            cost: Fraction::from_bps(5.0),
            spread: None,
            lot: None,
            fill_timing: timing,
        }),
        capital: 1_000.0,
        periods_per_year: PeriodsPerYear::new(8_760.0),
    }
}

fn on_a_pool() -> RunSettings {
    let venue = PoolVenue { depth: Lamports(5_000_000_000), config: PumpSwapConfig::default() };
    RunSettings { venue: VenueSettings::PumpSwap(venue), ..settings(FillTiming::NextOpen) }
}

fn inference() -> Inference {
    Inference {
        psr_zero: Some(0.99),
        variance_inflation: Some(1.0),
        sharpe_standard_error: Some(0.6),
        dsr: Some(0.95),
        trials: 20,
        forgotten_trials: 0,
        effective_trials: None,
        dsr_effective_trials: None,
        trial_variance: Some(0.001),
        trial_variance_source: "without_skill",
        noise_maximum: Some(1.2),
        min_track_record_years: Some(2.0),
        sharpe_ci95: Some([0.01, 3.0]),
        mean_block: Some(1.0),
        holding_difference: Some(0.5),
        holding_difference_ci95: Some([0.1, 0.9]),
        holding_p_value: Some(0.049),
    }
}

fn probes(double_cost: Option<f64>, neighbours: &[Option<f64>]) -> Probes {
    let neighbours = neighbours.iter().enumerate().map(|(i, sharpe)| (format!("neighbour {i}"), *sharpe)).collect();
    Probes { double_cost, neighbours }
}

/// Checks and the state each must have.
fn assert_states(cases: impl IntoIterator<Item = (&'static str, Check, State)>) {
    for (case, check, state) in cases {
        assert_eq!(check.state, state, "{case}: {check:?}");
    }
}

#[test]
fn data_are_sound_with_one_bar_in_a_hundred_missing_and_no_other_defect() {
    assert_states([
        ("10 of 1,000 missing", data_sound(&facts()), State::Pass),
        ("11 of 1,001 missing", data_sound(&DataFacts { missing_bars: 11, ..facts() }), State::Fail),
        ("a pool of another market", data_sound(&DataFacts { pool_correlation: Some(0.49), ..facts() }), State::Fail),
        ("a pool of this market", data_sound(&DataFacts { pool_correlation: Some(0.5), ..facts() }), State::Pass),
        ("a collection", data_sound(&DataFacts { unexplained: Some(0), ..facts() }), State::Pass),
        ("a step of it that is missing", data_sound(&DataFacts { unexplained: Some(1), ..facts() }), State::Fail),
        ("one off the grid", data_sound(&DataFacts { off_grid: 1, ..facts() }), State::Fail),
        ("one inconsistent", data_sound(&DataFacts { inconsistent: 1, ..facts() }), State::Fail),
    ]);
}

#[test]
fn a_replay_is_causal_where_no_cut_and_both_shifts_change_something() {
    let report = CausalityReport {
        cuts: 24,
        broken_cuts: 0,
        first_changed: None,
        signals: true,
        changed_by_delay: 1,
        changed_by_peek: 1,
    };
    let (next, same) = (settings(FillTiming::NextOpen), settings(FillTiming::SameClose));
    assert_states([
        ("no cut", is_causal(&report, &next), State::Pass),
        ("one cut", is_causal(&CausalityReport { broken_cuts: 1, ..report.clone() }, &next), State::Fail),
        (
            "reading no signals",
            is_causal(&CausalityReport { signals: false, changed_by_delay: 0, ..report.clone() }, &next),
            State::Pass,
        ),
        ("blind to a delay", is_causal(&CausalityReport { changed_by_delay: 0, ..report.clone() }, &next), State::Fail),
        ("blind to a peek", is_causal(&CausalityReport { changed_by_peek: 0, ..report.clone() }, &next), State::Fail),
        ("filled at the same close", is_causal(&report, &same), State::Fail),
    ]);
}

#[test]
fn a_claim_is_reproduced_where_all_of_its_figures_are_and_each_is_named() {
    let figure = |name, state| ClaimedFigure {
        name,
        claimed: Value::Number(500.0),
        replayed: Some(Value::Number(4.6)),
        state,
        tolerance: 0.1,
    };
    let (good, bad) = (figure("sharpe", State::Pass), figure("total_return", State::Fail));
    let both = reproduced(&[good.clone(), bad]);
    assert!(both.evidence.contains("not reproduced: total_return 4.600 (claimed 500)"), "{}", both.evidence);
    assert_eq!((both.value, both.threshold), (Some(1.0), Some(0.0)));
    let none = reproduced(&[]);
    assert!(!none.applies && !none.objects(), "nothing is claimed");
    assert_states([("both", both, State::Fail), ("all", reproduced(&[good]), State::Pass)]);
}

#[test]
fn significant_is_an_interval_above_zero_whatever_the_psr() {
    let inferred = |low, psr| Inference { sharpe_ci95: Some([low, 3.0]), psr_zero: Some(psr), ..inference() };
    let with = |low, psr| significant(&inferred(low, psr), 0.1);
    assert_eq!(with(0.01, 0.9).value, Some(0.9), "the value is the PSR");
    assert_states([
        ("above", with(0.01, 0.9), State::Pass),
        ("at zero", with(0.0, 0.999), State::Fail),
        ("below", with(-0.01, 0.999), State::Fail),
        ("undefined", significant(&Inference { sharpe_ci95: None, ..inference() }, 0.1), State::Fail),
        ("a loss", significant(&inferred(0.01, 0.9), -0.9997), State::Fail),
    ]);
    assert!(significant(&inferred(0.01, 0.9), -0.9997).evidence.ends_with("but the account lost 99.97 %"));
}

#[test]
fn deflated_asks_for_ninety_five_per_cent() {
    let with = |dsr| deflated(&Inference { dsr, ..inference() });
    assert_states([
        ("at", with(Some(0.95)), State::Pass),
        ("below", with(Some(0.9499)), State::Fail),
        ("undefined", with(None), State::Fail),
    ]);
    assert!(with(Some(0.5)).evidence.contains("1.20, which the best of 20 trials"), "{}", with(Some(0.5)).evidence);
}

#[test]
fn a_record_is_long_enough_from_the_length_that_its_ratio_needs() {
    let estimate = Ok(SharpeEstimate::normal(PerPeriodSharpe::new(0.01), 8_760));
    let loss = Inference { min_track_record_years: None, ..inference() };
    assert_states([
        ("as long", long_enough(&estimate, &inference(), 2.0), State::Pass),
        ("shorter", long_enough(&estimate, &inference(), 1.99), State::Fail),
        ("a loss", long_enough(&estimate, &loss, 1_000.0), State::Fail),
        ("undefined", long_enough(&Err(Undefined::NoVariance { n: 9 }), &loss, 2.0), State::Fail),
    ]);
}

#[test]
fn holding_is_beaten_where_chance_does_it_less_than_once_in_twenty() {
    let with = |p| beats_holding(&Inference { holding_p_value: p, ..inference() }, "buy and hold");
    assert_states([
        ("below", with(Some(0.049)), State::Pass),
        ("at", with(Some(1.0 - CONFIDENCE)), State::Fail),
        ("undefined", with(None), State::Fail),
    ]);
}

#[test]
fn costs_are_survived_with_a_ratio_above_zero() {
    let settings = settings(FillTiming::NextOpen);
    let with = |sharpe| survives_costs(&settings, &probes(sharpe, &[]), 100.0, 0.0);
    let insured = |losses| survives_costs(&settings, &probes(Some(1.0), &[]), 100.0, losses);
    assert_states([
        ("above", with(Some(0.01)), State::Pass),
        ("at", with(Some(0.0)), State::Fail),
        ("undefined", with(None), State::Fail),
        ("borne by others in part", insured(99.0), State::Pass),
        ("borne by others", insured(100.0), State::Fail),
    ]);
}

#[test]
fn depth_is_survived_in_pools_only() {
    let with = |sharpe| survives_depth(&on_a_pool(), PathSource::Recorded, sharpe);
    let price = survives_depth(&settings(FillTiming::NextOpen), PathSource::Recorded, Some(1.0));
    assert!(!price.applies);
    assert_states([
        ("above", with(Some(0.01)), State::Pass),
        ("at", with(Some(0.0)), State::Fail),
        ("undefined", with(None), State::Fail),
        ("a price venue", price, State::NotRun),
    ]);
}

#[test]
fn one_bad_neighbour_is_not_robust() {
    let with = |base, neighbours: &[Option<f64>]| robust(base, &probes(None, neighbours));
    assert_states([
        ("half", with(Some(2.0), &[Some(3.0), Some(1.0), Some(2.0)]), State::Pass),
        ("the worst is below half", with(Some(2.0), &[Some(3.0), Some(0.99), Some(2.0)]), State::Fail),
        ("the worst has none", with(Some(2.0), &[Some(3.0), None]), State::Fail),
        ("a loss has nothing to be robust", with(Some(-1.0), &[Some(-0.4)]), State::Fail),
        ("undefined", with(None, &[Some(1.0)]), State::Fail),
        ("no neighbour", with(Some(2.0), &[]), State::NotRun),
    ]);
}

#[test]
fn a_second_engine_may_differ_as_often_as_was_allowed() {
    let with = |value| second_engine(&SecondOpinion { value, threshold: 2.0, evidence: String::new() });
    assert_states([("at", with(2.0), State::Pass), ("above", with(3.0), State::Fail)]);
}
