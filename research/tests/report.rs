//! What a reader of the report can rely on.

#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]

use q50_datasets::{
    dataset::Dataset,
    synth::{Edge, SynthConfig},
};
use q50_engine::{
    units::{AnnualSharpe, Fraction, Lamports, PeriodsPerYear},
    venue::{PumpSwapConfig, pump_swap::PoolFees},
};
use q50_research::{
    capacity::{CapacityCell, DepthRow},
    claim::{
        Check, Claim, Condition, ConditionName, DataFacts, Request, SignalsOrigin, State, Verdict, Verification, verify,
    },
    inference::{MeanBlock, StationaryBootstrap},
    report,
    run::{PoolVenue, PriceVenue, RunSettings, VenueSettings},
    spec::DataSpec,
    trials::TrialLedger,
};

const PICTURES: usize = 12;

/// A claim judged on a generated market of `bars` hours.
fn judged(bars: usize) -> Verification {
    judged_at(bars, None)
}

/// The same on a pool, whose reserves are rebuilt from 5,000 SOL on.
fn judged_on_a_pool(bars: usize) -> Verification {
    let config = PumpSwapConfig { fees: PoolFees::Uniform(5), ..PumpSwapConfig::default() };
    judged_at(bars, Some(PoolVenue { depth: Lamports(5_000_000_000_000), config }))
}

fn judged_at(bars: usize, pool: Option<PoolVenue>) -> Verification {
    let claim = Claim::demonstration();
    let edge = Edge::NetSharpe { sharpe: AnnualSharpe::new(3.0), cost: Fraction::from_bps(5.0) };
    let market = SynthConfig { bars, edge, ..SynthConfig::default() }.generate().unwrap();
    let data = Dataset::new(market.bars, &market.signals, None).unwrap();
    let replay = claim.replay.as_ref().unwrap();
    let request = Request {
        market: data.market(),
        pool: None,
        contract: None,
        instruments: &[],
        names: &[],
        facts: DataFacts::of(&data, true),
        next_close: None,
        data: DataSpec::of(&data, &replay.strategy),
        origin: SignalsOrigin::Causal,
        claim: Some(&claim),
        settings: RunSettings {
            strategy: replay.strategy.clone(),
            venue: pool.map_or(
                VenueSettings::NextOpen(PriceVenue {
                    cost: Fraction::from_bps(replay.cost_bps),
                    spread: Some(Fraction::from_bps(1.0)),
                    lot: None,
                    fill_timing: q50_engine::venue::FillTiming::NextOpen,
                }),
                VenueSettings::PumpSwap,
            ),
            capital: pool.map_or(replay.capital, |_| 10.0),
            periods_per_year: PeriodsPerYear::from_interval_ms(3_600_000),
        },
        trials: Some(30),
        bootstrap: StationaryBootstrap { mean_block: MeanBlock::Given(24.0), draws: 100, ..Default::default() },
        cuts: 2,
        accepted: &[],
        second_engine: None,
        on_step: &|_| {},
    };
    verify(&request, &mut TrialLedger::in_memory().unwrap()).unwrap()
}

/// The same run as if it had ended after `bars` bars without a trade.
fn cut(verification: &Verification, bars: usize) -> Verification {
    let mut v = verification.clone();
    v.curves.open_time.truncate(bars);
    v.curves.close.truncate(bars);
    v.curves.equity = vec![1.0; bars];
    v.curves.holding.truncate(bars);
    v.curves.exposure = vec![0.0; bars];
    v.journal.equity = vec![v.journal.capital; bars];
    v.journal.exposure = vec![0.0; bars];
    v.journal.decisions.truncate(bars);
    v.journal.fills.clear();
    v.decisions = if bars == 0 { Default::default() } else { [("no_signal", bars)].into() };
    let (replay, inference) = (&mut v.replay, &mut v.inference);
    (replay.bars, replay.fills) = (bars, Some(0));
    (replay.total_return, replay.final_equity, replay.fees, replay.spread_cost) =
        (0.0, v.journal.capital, Some(0.0), Some(0.0));
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
    between(html, "<figure", "</figure>")
}

#[test]
fn the_page_needs_nothing_from_outside() {
    for verification in [judged(3_000), judged_on_a_pool(3_000)] {
        let html = report::html(&verification).unwrap();
        for reference in ["http", "src=", "href", "url(", "@import", "<script", "<link", "<iframe", "<object", "<image"]
        {
            assert!(!html.contains(reference), "{reference}");
        }
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
    let claim = verification.claim.as_mut().unwrap();
    (claim.name, claim.source) = (hostile.to_owned(), hostile.to_owned());
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
    for Check { name, state, value, threshold, evidence, .. } in &verification.checks {
        let row = between(&html, &format!("data-check=\"{}\"", name.name()), "</tr>")[0];
        let (mark, word) = match state {
            State::Pass => ('\u{2713}', "pass"),
            State::Fail => ('\u{2717}', "fail"),
            State::NotRun => ('\u{25cb}', "not run"),
        };
        assert!(row.contains(mark) && row.contains(word), "{row}");
        assert!(row.contains(evidence.as_str()), "{row}");
        let unknown = usize::from(value.is_none()) + usize::from(threshold.is_none());
        assert_eq!(row.matches("\u{2013}</td>").count(), unknown, "{row}");
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
fn a_condition_stands_in_the_box_of_the_verdict() {
    let mut verification = judged(500);
    assert!(!report::html(&verification).unwrap().contains("data-condition"), "a generated market has none");
    verification.verdict = Verdict::Confirmed;
    for (accepted, title, words) in [
        (vec![], "Confirmed, on a condition: ", "(not accepted)"),
        (vec![ConditionName::SignalsOrigin], "Confirmed, on an accepted condition: ", "(accepted by name)"),
    ] {
        let condition = Condition::new(ConditionName::SignalsOrigin, "nobody <looked>", &accepted);
        verification.conditions = vec![condition];
        let html = report::html(&verification).unwrap();
        assert!(between(&html, "<title>", "</title>")[0].starts_with(title));
        let verdict = between(&html, "aria-label=\"Verdict\"", "</section>")[0];
        for part in ["data-condition=\"signals_origin\"", "nobody &lt;looked&gt;", words] {
            assert!(verdict.contains(part), "{part} is not in {verdict}");
        }
    }
}

#[test]
fn every_picture_says_what_it_shows() {
    let (price, pool) = (judged(3_000), judged_on_a_pool(3_000));
    let [price, pool] = [price, pool].map(|verification| report::html(&verification).unwrap());
    assert_eq!((figures(&price).len(), figures(&pool).len()), (PICTURES, PICTURES + 1), "capacity is a pool's");
    for figure in figures(&price).into_iter().chain(figures(&pool)) {
        assert!(
            figure.contains("<h3>") && figure.contains("role=\"img\"") && figure.contains("<figcaption>"),
            "{figure}"
        );
        assert!(between(figure, "aria-label=\"", "\"")[0].len() > 20);
        // The samples of a legend have a class.
        let svg = between(figure, "<svg viewBox", "</svg>")[0];
        assert!(!svg.split_once('>').unwrap().0.contains("width"), "the size is the reader's");
        assert!(svg.matches("<text").count() >= 4, "axes have titles and labels");
    }
}

#[test]
fn every_colour_of_a_picture_follows_the_scheme() {
    let html = report::html(&judged_on_a_pool(3_000)).unwrap();
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

#[test]
fn capacity_is_a_picture_and_a_table_that_say_where_the_edge_is_gone() {
    let mut verification = judged_on_a_pool(3_000);
    let row = |depth, sharpes: [Option<f64>; 3], edge_gone_at| {
        let cells = [1.0, 10.0, 100.0].into_iter().zip(sharpes);
        let cells = cells.map(|(capital, sharpe)| CapacityCell { capital, sharpe, total_return: -0.25 }).collect();
        DepthRow { depth, cells, edge_gone_at }
    };
    verification.capacity = Some(vec![
        row(50.0, [Some(-1.25), None, None], None),
        row(500.0, [Some(1.5), Some(-0.5), None], Some(5.62)),
        row(5_000.0, [Some(1.75), Some(1.5), Some(0.25)], None),
    ]);
    let html = report::html(&verification).unwrap();
    let figure = *figures(&html).last().unwrap();
    let rows = between(between(figure, "<tbody>", "</tbody>")[0], "<tr>", "</tr>");
    let ends: Vec<&str> = rows.iter().map(|row| between(row, "<td class=\"number\">", "</td>")[3]).collect();
    assert_eq!(ends, ["below 1", "5.6", "above 100"]);
    for ratio in ["1.50<span", "\u{2212}0.50<span", "\u{2013}<span"] {
        assert!(rows[1].contains(ratio), "{ratio}");
    }
    assert_eq!(rows[0].matches("\u{2212}25\u{a0}%").count(), 3, "every cell has its return");
    let svg = between(figure, "<svg viewBox", "</svg>")[0];
    assert_eq!(svg.matches("<polygon").count(), 6, "a mark for each ratio, none for a cell without one");
    assert!(between(svg, "<text", "</text>").iter().any(|text| text.trim_end().ends_with("5.6")));
    assert!(figure.contains("fees of the network are left out") && figure.contains("rebuilt from the bars"));
    verification.capacity = None;
    assert_eq!(figures(&report::html(&verification).unwrap()).len(), PICTURES);
}

#[test]
fn a_capacity_without_any_ratio_is_a_sentence_and_its_returns() {
    let mut verification = judged_on_a_pool(500);
    for row in verification.capacity.iter_mut().flatten() {
        row.cells.iter_mut().for_each(|cell| cell.sharpe = None);
        row.edge_gone_at = None;
    }
    let html = report::html(&verification).unwrap();
    let figure = *figures(&html).last().unwrap();
    assert!(figure.contains("undefined at every capital") && figure.contains("<table") && !figure.contains("NaN"));
}

#[test]
fn costs_of_a_pool_are_split_and_are_shares_of_the_capital() {
    let mut verification = judged_on_a_pool(3_000);
    let costs = verification.replay.pool_costs.as_mut().unwrap();
    (costs.lp, costs.protocol, costs.creator) = (1.2, 0.35, 0.0);
    (costs.impact, costs.sandwich, costs.network) = (0.25, 0.05, 0.000_005);
    let html = report::html(&verification).unwrap();
    let figure = figures(&html).into_iter().find(|figure| figure.contains("<h3>Costs</h3>")).unwrap();
    let label = between(figure, "aria-label=\"", "\"")[0];
    for part in [
        "liquidity providers 1.20 (12.00\u{a0}%)",
        "protocol 0.35 (3.50\u{a0}%)",
        "coin creator 0,",
        "own impact 0.25 (2.50\u{a0}%)",
        "sandwiches 0.05 (0.50\u{a0}%)",
        "network 0.000005 (&lt;0.01\u{a0}%)",
    ] {
        assert!(label.contains(part), "{part}: {label}");
    }
    assert!(figure.contains("Trading cost 1.85 SOL, 18.50\u{a0}% of the capital of 10 SOL"));
}

#[test]
fn money_has_a_unit() {
    let html = report::html(&judged_on_a_pool(3_000)).unwrap();
    assert!(!html.contains("quote units"));
    for money in ["Capital, SOL", "Final equity, SOL", "Fees of pool and network, SOL", "Lost to own impact, SOL"] {
        assert!(html.contains(&format!("<th scope=\"row\">{money}</th>")), "{money}");
    }
    for setting in ["10.0 SOL", "5000000000000 lamports (5,000 SOL)", "5000 lamports (0.000005 SOL)"] {
        assert!(html.contains(&format!("<td>{setting}</td>")), "{setting}");
    }
    let html = report::html(&judged(3_000)).unwrap();
    assert!(html.contains("Capital, quote units") && html.contains("Spread, quote units") && !html.contains("SOL"));
}

#[test]
fn the_page_says_where_the_reserves_of_a_pool_come_from() {
    let mut verification = judged_on_a_pool(500);
    for (source, sentence) in [
        ("rebuilt_from_bars", "rebuilt from the prices of the bars, at an assumed depth of 5,000\u{a0}SOL"),
        ("recorded", "Reserves of the pool: recorded, one row a bar."),
        ("swap_events", "the last recorded swap before the close of each bar"),
    ] {
        verification.settings["pool_path"] = source.into();
        let html = report::html(&verification).unwrap();
        assert!(html.contains(sentence), "{sentence}");
        assert_eq!(html.contains("not used, reserves are recorded"), source != "rebuilt_from_bars", "{source}");
    }
    assert!(!report::html(&judged(500)).unwrap().contains("Reserves of the pool"));
}
