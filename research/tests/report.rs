//! What a reader of the report can rely on.

#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]

use q50_datasets::{
    dataset::Dataset,
    synth::{Edge, SynthConfig},
};
use q50_engine::units::{AnnualSharpe, Fraction, PeriodsPerYear};
use q50_research::{
    claim::{Check, Claim, DataFacts, Request, State, Verdict, Verification, verify},
    inference::{MeanBlock, StationaryBootstrap},
    report,
    run::{PriceVenue, RunSettings, VenueSettings},
    trials::TrialLedger,
};

const PICTURES: usize = 8;

/// A claim judged on a generated market of `bars` hours.
fn judged(bars: usize) -> Verification {
    let claim = Claim::demonstration();
    let edge = Edge::NetSharpe { sharpe: AnnualSharpe::new(3.0), cost: Fraction::from_bps(5.0) };
    let market = SynthConfig { bars, edge, ..SynthConfig::default() }.generate().unwrap();
    let data = Dataset::new(market.bars, &market.signals, None).unwrap();
    let replay = claim.replay.as_ref().unwrap();
    let request = Request {
        market: data.market(),
        pool: None,
        facts: DataFacts::of(&data, true),
        next_close: None,
        data_settings: serde_json::json!({ "signal_column": null, "crossing": "hold" }),
        claim: &claim,
        settings: RunSettings {
            strategy: replay.strategy,
            venue: VenueSettings::NextOpen(PriceVenue {
                cost: Fraction::from_bps(replay.cost_bps),
                spread: Some(Fraction::from_bps(1.0)),
                lot: None,
                fill_timing: q50_engine::venue::FillTiming::NextOpen,
            }),
            capital: replay.capital,
            periods_per_year: PeriodsPerYear::from_interval_ms(3_600_000),
        },
        trials: Some(30),
        bootstrap: StationaryBootstrap { mean_block: MeanBlock::Given(24.0), draws: 100, ..Default::default() },
        cuts: 2,
        on_step: &|_| {},
    };
    verify(&request, &mut TrialLedger::in_memory().unwrap()).unwrap()
}

/// The same run as if it had ended after `bars` bars without a trade.
fn cut(verification: &Verification, bars: usize) -> Verification {
    let mut v = verification.clone();
    v.curves.open_time.truncate(bars);
    v.curves.equity = vec![1.0; bars];
    v.curves.holding.truncate(bars);
    v.curves.exposure = vec![0.0; bars];
    v.journal.equity = vec![v.journal.capital; bars];
    v.journal.exposure = vec![0.0; bars];
    v.journal.decisions.truncate(bars);
    v.journal.fills.clear();
    v.decisions = if bars == 0 { Default::default() } else { [("no_signal", bars)].into() };
    let (replay, inference) = (&mut v.replay, &mut v.inference);
    (replay.bars, replay.fills) = (bars, 0);
    (replay.total_return, replay.final_equity, replay.fees, replay.spread_cost) = (0.0, v.journal.capital, 0.0, 0.0);
    for figure in [
        &mut replay.sharpe,
        &mut replay.sharpe_per_period,
        &mut replay.max_drawdown,
        &mut replay.sortino,
        &mut replay.cagr,
        &mut replay.volatility,
        &mut replay.skew,
        &mut replay.kurtosis,
        &mut replay.turnover,
        &mut replay.exposure,
        &mut replay.hit_rate,
        &mut replay.profit_factor,
        &mut inference.psr_zero,
        &mut inference.dsr,
        &mut inference.trial_variance,
        &mut inference.noise_maximum,
        &mut inference.min_track_record_years,
        &mut inference.mean_block,
        &mut inference.holding_difference,
        &mut inference.holding_p_value,
        &mut v.benchmark.sharpe,
        &mut v.benchmark.max_drawdown,
    ] {
        *figure = None;
    }
    (inference.sharpe_ci95, inference.holding_difference_ci95) = (None, None);
    v
}

/// Everything between each `open` and the next `close`.
fn between<'a>(html: &'a str, open: &str, close: &str) -> Vec<&'a str> {
    html.split(open).skip(1).map(|rest| rest.split_once(close).unwrap().0).collect()
}

fn figures(html: &str) -> Vec<&str> {
    between(html, "<figure>", "</figure>")
}

#[test]
fn the_page_needs_nothing_from_outside() {
    let html = report::html(&judged(3_000)).unwrap();
    for reference in ["http", "src=", "href", "url(", "@import", "<script", "<link", "<iframe", "<object", "<image"] {
        assert!(!html.contains(reference), "{reference}");
    }
}

#[test]
fn the_same_run_gives_the_same_bytes() {
    let verification = judged(3_000);
    assert_eq!(report::html(&verification).unwrap(), report::html(&verification.clone()).unwrap());
}

#[test]
fn a_hostile_name_is_text() {
    let hostile = "</title></style><script>alert('x')</script>\"onload=\"x&";
    let mut verification = judged(500);
    verification.claim.name = hostile.to_owned();
    verification.claim.source = hostile.to_owned();
    verification.worth = hostile.to_owned();
    verification.checks[0].evidence = hostile.to_owned();
    verification.settings["data"] = serde_json::json!({ hostile: hostile });
    let html = report::html(&verification).unwrap();
    assert!(!html.contains("<script") && !html.contains("\"onload=\"x"));
    assert_eq!(html.matches("&lt;script&gt;").count(), 9, "title, heading, source, worth, evidence, four in settings");
    assert_eq!((html.matches("</title>").count(), html.matches("</style>").count()), (1, 1));
}

#[test]
fn every_check_shows_state_value_threshold_and_evidence() {
    let verification = judged(3_000);
    let html = report::html(&verification).unwrap();
    assert_eq!(verification.checks.len(), 10);
    for Check { name, state, value, evidence, .. } in &verification.checks {
        let row = between(&html, &format!("data-check=\"{}\"", name.name()), "</tr>")[0];
        let (mark, word) = match state {
            State::Pass => ('\u{2713}', "pass"),
            State::Fail => ('\u{2717}', "fail"),
            State::NotRun => ('\u{25cb}', "not run"),
        };
        assert!(row.contains(mark) && row.contains(word), "{row}");
        assert!(row.contains(evidence.as_str()), "{row}");
        assert_eq!(row.matches("\u{2013}</td>").count(), if value.is_some() { 0 } else { 2 }, "{row}");
    }
    for threshold in ["at most 1\u{a0}%", "at least 0.95", "below 0.05", "above 0<", "at least 50\u{a0}%"] {
        assert!(html.contains(threshold), "{threshold}");
    }
}

#[test]
fn every_verdict_is_a_word_and_a_symbol() {
    let mut verification = judged(500);
    for (verdict, shown) in [
        (Verdict::Confirmed, "\u{2713}</span> Confirmed"),
        (Verdict::Refuted, "\u{2717}</span> Refuted"),
        (Verdict::Undetermined, "?</span> Undetermined"),
    ] {
        verification.verdict = verdict;
        assert!(report::html(&verification).unwrap().contains(shown), "{shown}");
    }
}

#[test]
fn every_picture_says_what_it_shows() {
    let html = report::html(&judged(3_000)).unwrap();
    let figures = figures(&html);
    assert_eq!(figures.len(), PICTURES);
    for figure in figures {
        assert!(
            figure.contains("<h3>") && figure.contains("role=\"img\"") && figure.contains("<figcaption>"),
            "{figure}"
        );
        assert!(between(figure, "aria-label=\"", "\"")[0].len() > 20);
        let svg = between(figure, "<svg", "</svg>")[0];
        assert!(!svg.split_once('>').unwrap().0.contains("width"), "the size is the reader's");
        assert!(svg.matches("<text").count() >= 4, "axes have titles and labels");
    }
}

#[test]
fn every_colour_of_a_picture_follows_the_scheme() {
    let html = report::html(&judged(3_000)).unwrap();
    let style = between(&html, "<style>", "</style>")[0];
    for svg in between(&html, "<svg", "</svg>") {
        for attribute in ["fill", "stroke"] {
            for color in between(svg, &format!(" {attribute}=\""), "\"") {
                let mapped = style.contains(&format!("[{attribute}=\"{color}\"]"));
                assert!(mapped || color == "none", "{attribute} {color} stays the same in the dark");
            }
        }
    }
}

#[test]
fn a_generated_market_is_marked_everywhere() {
    let mut verification = judged(3_000);
    for version in [verification.clone(), cut(&verification, 1)] {
        let html = report::html(&version).unwrap();
        assert!(between(&html, "<title>", "</title>")[0].contains("generated market"));
        assert!(html.contains("Demonstration: this market is generated."));
        assert!(figures(&html).iter().all(|figure| figure.contains("Generated market.")));
    }
    verification.data.demonstration = false;
    let html = report::html(&verification).unwrap().to_lowercase();
    assert!(!html.contains("generated market") && !html.contains("market is generated"));
}

#[test]
fn reasons_add_up_to_the_bars() {
    let mut verification = judged(3_000);
    let html = report::html(&verification).unwrap();
    assert!(html.contains("the counts add up to the 3,000 bars replayed"));
    for (reason, count) in &verification.decisions {
        assert!(html.contains(&reason.replace('_', " ")), "{reason}");
        assert!(*count > 0);
    }
    verification.decisions.insert("halted", 7);
    assert!(report::html(&verification).unwrap().contains("add up to 3,007, which is NOT the 3,000 bars"));
}

#[test]
fn what_is_undefined_is_a_dash_with_its_reason() {
    let html = report::html(&cut(&judged(3_000), 2_000)).unwrap();
    let row = between(&html, "<th scope=\"row\">Sharpe ratio, annual</th>", "</tr>")[0];
    assert!(row.contains("\u{2013}<sup>1</sup>") && !row.contains("0.000"), "{row}");
    assert!(html.contains("<li>returns of the replay: all 1999 values are equal: no variance</li>"));
    assert!(html.contains("No order was filled"));
    assert!(html.contains("Returns did not vary within any 30 days"));
    assert!(!html.contains("NaN") && !html.contains("inf<"));
}

#[test]
fn empty_and_one_bar_runs_have_sentences_for_pictures() {
    let verification = judged(500);
    for (bars, sentences) in [
        (0, ["No bar was replayed, so that there is no equity", "no drawdown", "nothing was decided"]),
        (1, ["one point makes no line", "Fewer than two bars", "no month has a return"]),
    ] {
        let html = report::html(&cut(&verification, bars)).unwrap();
        for sentence in sentences {
            assert!(html.contains(sentence), "{bars} bars: {sentence}");
        }
        assert_eq!(figures(&html).len(), PICTURES);
        assert!(!html.contains("NaN"));
    }
}

#[test]
fn ruin_and_values_that_are_no_numbers_render() {
    let mut verification = judged(3_000);
    for (at, value) in [(1_000, f64::NAN), (2_000, 0.0), (2_001, -0.5)] {
        verification.curves.equity[at] = value;
    }
    verification.curves.exposure[1_500] = f64::INFINITY;
    verification.curves.holding.clear();
    verification.inference.sharpe_ci95 = Some([f64::NEG_INFINITY, f64::INFINITY]);
    let html = report::html(&verification).unwrap();
    assert!(between(&html, "<svg", "</svg>").iter().all(|svg| !svg.contains("NaN") && svg.len() < 200_000));
}

#[test]
fn seventy_thousand_bars_stay_below_six_hundred_kilobytes() {
    let mut verification = judged(3_000);
    let bars = 70_000;
    let curves = &mut verification.curves;
    curves.open_time = (0..bars).map(|i| 1_500_000_000_000 + i * 3_600_000).collect();
    let noise = |i: i64| ((i * 7_919 % 10_007) as f64 / 10_007.0 - 0.5) * 0.02;
    let walk = |offset: i64| {
        (0..bars)
            .scan(1.0, |value, i| {
                *value *= 1.0 + noise(i + offset);
                Some(*value)
            })
            .collect::<Vec<f64>>()
    };
    (curves.equity, curves.holding) = (walk(0), walk(5_000));
    curves.exposure = (0..bars).map(|i| (noise(i) * 50.0 + 0.5).clamp(0.0, 1.0)).collect();
    let html = report::html(&verification).unwrap();
    println!("{} bytes", html.len());
    assert!(html.len() < 600_000, "{} bytes", html.len());
}
