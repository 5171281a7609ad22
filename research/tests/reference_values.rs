//! Every statistic against values from other packages and from the papers.
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "helpers of tests, not only test functions")]

use q50_engine::units::{AnnualSharpe, PerPeriodSharpe, PeriodsPerYear};
use q50_research::inference::{
    Cscv, MeanBlock, Moments, PredictiveAbilityTest, Resampling, SharpeEstimate, StationaryBootstrap, TrialVariance,
    deflated_sharpe, expected_maximum_sharpe, expected_maximum_z, min_backtest_length, min_track_record,
    optimal_block_length, probabilistic_sharpe,
};
use q50_research::metrics::{
    self, CentralMoments, Ddof, Sample, Undefined, cagr, calmar, max_drawdown, per_period_sharpe, sharpe, sortino,
    total_return, volatility,
};
use q50_testing::real_json;
use serde_json::Value;

fn reference() -> Value {
    real_json("stats/reference_values.json")
}

/// One series with what other packages say of it.
struct Series<'a> {
    name: &'a str,
    sample: Sample,
    periods: PeriodsPerYear,
    expected: &'a Value,
}

fn each_series(reference: &Value) -> Vec<Series<'_>> {
    reference["series"]
        .as_object()
        .unwrap()
        .iter()
        .map(|(name, series)| Series {
            name,
            // NaN is the string "NaN" there.
            sample: Sample::from_rows(series["returns"].as_array().unwrap().iter().map(Value::as_f64)).unwrap(),
            periods: PeriodsPerYear::new(series["periods_per_year"].as_f64().unwrap()),
            expected: &series["expected"],
        })
        .collect()
}

/// Collects every mismatch before failing, so that one run shows them all.
#[derive(Default)]
struct Comparison {
    compared: usize,
    undefined: usize,
    wrong: Vec<String>,
}

impl Comparison {
    fn within(&mut self, what: &str, got: Result<f64, Undefined>, expected: &Value, tolerance: impl Fn(f64) -> f64) {
        match (got, expected.as_f64()) {
            (Ok(got), Some(expected)) => {
                self.compared += 1;
                if (got - expected).abs() > tolerance(expected) {
                    self.wrong.push(format!("{what}: got {got:?}, expected {expected:?}"));
                }
            }
            // NaN, Inf, an error message, or no key at all: no value there, so none here.
            (Err(_), None) => self.undefined += 1,
            (got, _) => self.wrong.push(format!("{what}: got {got:?}, expected {expected}")),
        }
    }

    fn relative(&mut self, what: &str, got: Result<f64, Undefined>, expected: &Value, tolerance: f64) {
        self.within(what, got, expected, |value| tolerance * value.abs());
    }

    fn absolute(&mut self, what: &str, got: Result<f64, Undefined>, expected: &Value, tolerance: f64) {
        self.within(what, got, expected, |_| tolerance);
    }

    fn finish(self, at_least: usize) {
        println!("{} values compared, {} undefined in both", self.compared, self.undefined);
        assert!(self.wrong.is_empty(), "{:#?}", self.wrong);
        assert!(self.compared >= at_least, "only {} values compared", self.compared);
    }
}

#[test]
#[ignore = "reads Q50_TEST_DATA"]
fn metrics_equal_their_written_definitions() {
    let reference = reference();
    let mut comparison = Comparison::default();
    for Series { name, sample, periods, expected } in each_series(&reference) {
        let (returns, drawdown) = (sample.values(), max_drawdown(sample.values()));
        for (key, got) in [
            ("def_total_return", total_return(returns)),
            ("def_max_drawdown", drawdown.map(|drawdown| -drawdown.depth)),
            ("def_cagr", cagr(returns, periods)),
            ("def_calmar", calmar(returns, periods)),
            ("def_sharpe", sharpe(returns, periods).map(AnnualSharpe::get)),
            ("def_sharpe_raw_ddof0", per_period_sharpe(returns, Ddof::Zero).map(PerPeriodSharpe::get)),
            ("def_sortino", sortino(returns, periods)),
            ("def_ann_vol", volatility(returns, periods)),
        ] {
            comparison.relative(&format!("{name} {key}"), got, &expected[key], 1e-12);
        }
        // The reference leaves the shape of two values out; ours is the biased formula's 0 and 1.
        if name == "two_obs" {
            assert_eq!(CentralMoments::of(returns).unwrap().kurtosis_biased(), Ok(1.0));
            assert!(matches!(metrics::kurtosis_unbiased(returns), Err(Undefined::TooFew { found: 2, needed: 4 })));
            continue;
        }
        for (key, got) in [
            ("skew_biased", metrics::skewness_biased(returns)),
            ("skew_unbiased", metrics::skewness_unbiased(returns)),
            ("kurt_biased", metrics::kurtosis_biased(returns)),
            ("kurt_unbiased", metrics::kurtosis_unbiased(returns)),
        ] {
            comparison.relative(&format!("{name} {key}"), got, &expected[key], 1e-12);
        }
    }
    comparison.finish(80);
}

#[test]
#[ignore = "reads Q50_TEST_DATA"]
fn missing_rows_are_counted() {
    let reference = reference();
    for Series { name, sample, expected, .. } in each_series(&reference) {
        let rows = reference["series"][name]["returns"].as_array().unwrap().len();
        assert_eq!(Some(sample.n() as u64), expected["n"].as_u64(), "{name}");
        assert_eq!(sample.n() + sample.dropped(), rows, "{name}");
    }
    let dropped: Vec<usize> = each_series(&reference)
        .iter()
        .filter(|series| series.name == "nan_200")
        .map(|series| series.sample.dropped())
        .collect();
    assert_eq!(dropped, [5]);
}

#[test]
#[ignore = "reads Q50_TEST_DATA"]
fn probabilistic_sharpe_follows_both_conventions() {
    let reference = reference();
    let mut comparison = Comparison::default();
    for Series { name, sample, expected, .. } in each_series(&reference) {
        let psr = |convention, benchmark| {
            let estimate = SharpeEstimate::from_returns(sample.values(), convention)?;
            probabilistic_sharpe(&estimate, PerPeriodSharpe::new(benchmark))
        };
        for benchmark in [0.0, 0.02, 0.1] {
            let key = format!("psr_{benchmark:?}");
            let got = psr(Moments::Unbiased, benchmark);
            comparison.absolute(&format!("{name} {key}"), got, &expected["purgedcv"][&key], 1e-10);
        }
        for benchmark in [0.0, 0.02] {
            let key = format!("psr_paper_b1_{benchmark:?}");
            // Left out of the reference for two values.
            if name != "two_obs" {
                comparison.absolute(&format!("{name} {key}"), psr(Moments::Paper, benchmark), &expected[&key], 1e-10);
            }
        }
    }
    comparison.finish(30);
}

#[test]
#[ignore = "reads Q50_TEST_DATA"]
fn deflated_sharpe_equals_purgedcv() {
    let reference = reference();
    let mut comparison = Comparison::default();
    for Series { name, sample, expected, .. } in each_series(&reference) {
        for (trials, variance) in [(1, 0.0004), (10, 0.0004), (100, 0.0004), (1000, 0.0004), (100, 0.0025)] {
            let key = format!("dsr_N{trials}_V{variance}");
            let got = SharpeEstimate::from_returns(sample.values(), Moments::Unbiased)
                .and_then(|estimate| deflated_sharpe(&estimate, trials, TrialVariance::given(variance)?))
                .map(|deflated| deflated.probability);
            comparison.absolute(&format!("{name} {key}"), got, &expected["purgedcv"][&key], 1e-10);
        }
    }
    comparison.finish(35);
}

#[test]
#[ignore = "reads Q50_TEST_DATA"]
fn minimum_track_record_rounded_up_equals_purgedcv() {
    let reference = reference();
    let mut comparison = Comparison::default();
    for Series { name, sample, expected, .. } in each_series(&reference) {
        for alpha in [0.05, 0.01] {
            let key = format!("mintrl_{alpha}");
            let got = SharpeEstimate::from_returns(sample.values(), Moments::Unbiased)
                .and_then(|estimate| min_track_record(&estimate, PerPeriodSharpe::new(0.0), 1.0 - alpha))
                .map(|observations| 1.0 + (observations - 1.0).ceil());
            comparison.absolute(&format!("{name} {key}"), got, &expected["purgedcv"][&key], 0.0);
        }
    }
    comparison.finish(8);
}

#[test]
#[ignore = "reads Q50_TEST_DATA"]
fn optimal_block_length_equals_arch() {
    let reference = reference();
    let mut comparison = Comparison::default();
    for Series { name, sample, expected, .. } in each_series(&reference) {
        let both = optimal_block_length(sample.values());
        for (key, got) in [
            ("opt_block_stationary", both.map(|both| both.stationary)),
            ("opt_block_circular", both.map(|both| both.circular)),
        ] {
            comparison.relative(&format!("{name} {key}"), got, &expected[key], 1e-9);
        }
    }
    comparison.finish(12);
}

#[test]
#[ignore = "reads Q50_TEST_DATA"]
fn the_expected_maximum_and_the_minimum_backtest_length_equal_their_tables() {
    let reference = reference();
    let mut comparison = Comparison::default();
    for (trials, expected) in reference["expected_max_z"].as_object().unwrap() {
        comparison.absolute(
            &format!("expected maximum of {trials}"),
            expected_maximum_z(trials.parse().unwrap()),
            expected,
            1e-10,
        );
    }
    for (key, expected) in reference["minimum_backtest_length"].as_object().unwrap() {
        let (trials, target) = key.trim_start_matches('N').split_once("_sr").unwrap();
        let got = min_backtest_length(trials.parse().unwrap(), AnnualSharpe::new(target.parse().unwrap()));
        comparison.absolute(key, got, expected, 1e-10);
    }
    comparison.finish(15);
}

#[test]
#[ignore = "reads Q50_TEST_DATA"]
fn published_examples_hold_to_the_digits_printed() {
    let reference = reference();
    let published = &reference["published"];
    let mut comparison = Comparison::default();
    let zero = PerPeriodSharpe::new(0.0);

    let fund = |key: &str| {
        let inputs = &published[key]["inputs"];
        SharpeEstimate {
            sharpe: PerPeriodSharpe::new(inputs["sr"].as_f64().unwrap()),
            n: inputs["n"].as_u64().unwrap() as usize,
            skewness: inputs["skew"].as_f64().unwrap(),
            kurtosis: inputs["kurt"].as_f64().unwrap(),
        }
    };
    let two_years = fund("PSR_2012_hedge_fund");
    let normal = SharpeEstimate::normal(two_years.sharpe, two_years.n);
    let values = &published["PSR_2012_hedge_fund"];
    comparison.absolute("normal fund", probabilistic_sharpe(&normal, zero), &values["paper_normal"], 5e-4);
    comparison.absolute("fund", probabilistic_sharpe(&two_years, zero), &values["paper_nonnormal"], 5e-4);
    comparison.absolute("fund", probabilistic_sharpe(&two_years, zero), &values["computed_nonnormal"], 1e-10);
    // The paper truncates 0.95351 to 0.953.
    let three_years = probabilistic_sharpe(&fund("PSR_2012_three_years"), zero);
    let truncated = three_years.map(|value| (value * 1000.0).floor() / 1000.0);
    comparison.absolute("three years", truncated, &published["PSR_2012_three_years"]["paper"], 0.0);

    let years = &published["MinTRL_2012"];
    for (key, per_year, skewness, kurtosis) in [
        ("daily", 250.0, 0.0, 3.0),
        ("weekly", 52.0, 0.0, 3.0),
        ("monthly", 12.0, 0.0, 3.0),
        ("monthly_nonnormal", 12.0, -0.72, 5.78),
    ] {
        let periods = PeriodsPerYear::new(per_year);
        let sharpe = AnnualSharpe::new(2.0).per_period(periods);
        let estimate = SharpeEstimate { sharpe, n: 0, skewness, kurtosis };
        let benchmark = AnnualSharpe::new(1.0).per_period(periods);
        let got = min_track_record(&estimate, benchmark, 0.95).map(|observations| observations / per_year);
        comparison.absolute(key, got, &years["paper_years"][key], 5e-3);
        comparison.absolute(key, got, &years["computed_years"][key], 1e-9);
    }

    let (values, year) = (&published["DSR_2014"], PeriodsPerYear::new(250.0));
    let daily = AnnualSharpe::new(2.5).per_period(year);
    let variance = TrialVariance::given(0.5 / 250.0).unwrap();
    let skewed = SharpeEstimate { sharpe: daily, n: 1250, skewness: -3.0, kurtosis: 10.0 };
    let benchmark = expected_maximum_sharpe(100, variance).map(PerPeriodSharpe::get);
    comparison.absolute("sr0", benchmark, &values["paper"]["sr0"], 5e-5);
    for (key, estimate, trials) in [
        ("dsr_N100", skewed, 100),
        ("dsr_N46", skewed, 46),
        ("dsr_N88_normal", SharpeEstimate::normal(daily, 1250), 88),
    ] {
        let got = deflated_sharpe(&estimate, trials, variance).map(|deflated| deflated.probability);
        comparison.absolute(key, got, &values["paper"][key], 5e-5);
        comparison.absolute(key, got, &values["computed"][key], 1e-10);
    }
    comparison.finish(19);
}

#[test]
#[ignore = "reads Q50_TEST_DATA"]
fn the_bootstrap_interval_agrees_with_arch_within_its_monte_carlo_error() {
    let reference = reference();
    let case = &reference["bootstrap_sharpe_ci"];
    let all = each_series(&reference);
    let series = all.iter().find(|series| Some(series.name) == case["series"].as_str()).unwrap();
    for seed in 0..5 {
        let bootstrap = StationaryBootstrap {
            mean_block: MeanBlock::Given(case["block"].as_f64().unwrap()),
            draws: 2_000,
            seed,
            coverage: case["size"].as_f64().unwrap(),
        };
        let interval = bootstrap.sharpe(series.sample.values(), PeriodsPerYear::new(1.0)).unwrap();
        assert_eq!(interval.undefined_draws, 0);
        for (end, got) in [interval.low.get(), interval.high.get()].into_iter().enumerate() {
            let (mean, sd) = (case["mean"][end].as_f64().unwrap(), case["sd"][end].as_f64().unwrap());
            println!("seed {seed} end {end}: {got:.5}, arch {mean:.5} +- {sd:.5}");
            assert!((got - mean).abs() <= 4.0 * sd, "seed {seed}, end {end}: {got}, arch {mean} +- {sd}");
        }
    }
}

fn columns(matrix: &Value) -> Vec<Vec<f64>> {
    let column = |values: &Value| values.as_array().unwrap().iter().map(|value| value.as_f64().unwrap()).collect();
    matrix.as_array().unwrap().iter().map(column).collect()
}

#[test]
#[ignore = "reads Q50_TEST_DATA"]
fn the_probability_of_backtest_overfitting_equals_the_reference_combination_by_combination() {
    let reference = reference();
    let mut comparison = Comparison::default();
    for (name, case) in reference["pbo_cases"].as_object().unwrap() {
        let matrix = columns(&case["matrix_configs_by_obs"]);
        for (key, expected) in case["pbo"].as_object().unwrap() {
            let what = format!("{name} {key}");
            let cscv = Cscv::new(key.trim_start_matches('S').parse().unwrap()).unwrap();
            let got = cscv.pbo_of_columns(&matrix).unwrap();
            assert_eq!(Some(got.logits.len() as u64), expected["n_combos"].as_u64(), "{what}");
            comparison.absolute(&what, Ok(got.pbo), &expected["pbo"], 0.0);
            comparison.relative(
                &what,
                got.degradation_slope.ok_or(Undefined::NotRepresentable),
                &expected["slope"],
                1e-9,
            );
            comparison.absolute(&what, Ok(got.logit_mean), &expected["logits_mean"], 1e-12);
            // The reference enumerates the blocks left out of sample first.
            for (logit, expected) in got.logits.iter().rev().zip(expected["logits_first5"].as_array().unwrap()) {
                comparison.absolute(&what, Ok(*logit), expected, 1e-12);
            }
        }
    }
    comparison.finish(64);
}

#[test]
#[ignore = "reads Q50_TEST_DATA"]
fn superior_predictive_ability_agrees_with_arch_within_its_monte_carlo_error() {
    let reference = reference();
    for (name, case) in reference["spa_cases"].as_object().unwrap() {
        let matrix = columns(&case["matrix_models_by_obs"]);
        assert_eq!((case["benchmark"].as_str(), case["studentize"].as_bool()), (Some("zeros"), Some(true)), "{name}");
        for seed in 0..6 {
            let resampling = Resampling {
                mean_block: case["block_size"].as_f64().unwrap(),
                draws: case["reps"].as_u64().unwrap() as usize,
                seed,
            };
            let got = PredictiveAbilityTest::new(matrix[0].len(), resampling).unwrap().of_columns(&matrix).unwrap();
            for (key, p) in
                [("lower", got.plain.lower), ("consistent", got.plain.consistent), ("upper", got.plain.upper)]
            {
                let expected = case["pvalue_mean"][key].as_f64().unwrap();
                println!("{name} seed {seed} {key}: {p:.4}, arch {expected:.4}");
                let tolerance = 4.0 * (expected * (1.0 - expected) / resampling.draws as f64).sqrt() + 0.01;
                assert!((p - expected).abs() <= tolerance, "{name} {key}: {p}, arch {expected} +- {tolerance}");
            }
            let best = case["mean_excess"].as_array().unwrap()[got.best].as_f64().unwrap();
            assert!((got.best_mean - best).abs() < 1e-15, "{name}");
        }
    }
}
