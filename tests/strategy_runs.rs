//! Strategies in files wherever a strategy is named: `q50 verify`, `sweep`, `overfit` and `validate`.

#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]

mod util;

use q50_datasets::{
    bars::Bars,
    frame::{Frame, Wanted},
};
use q50_testing::{real, real_json};
use serde_json::{Value, json};
use util::{Workspace, bars_csv};

/// Enters when a fast average crosses a slow one, with a stop.
const CROSS: &str = "
name: cross
timeframe: 1h
indicators:
  fast: {type: EMA, period: 3}
  slow: {type: EMA, period: 8}
entry_conditions: {long: [fast crosses_above slow]}
exit_conditions: {long: [fast crosses_below slow]}
stop_loss: {type: fixed_pct, percent: 2}
take_profit: {type: none}
";

/// A workspace with swinging hourly bars and `text` as a strategy.
fn with_strategy(text: &str) -> Workspace {
    let w = Workspace::new();
    w.write("b.csv", bars_csv(400));
    w.write("s.yaml", text);
    w
}

/// What `q50 verify` filled.
#[derive(Debug, PartialEq)]
struct Fills {
    /// Time, side and reason of each.
    said: Vec<(i64, String, String)>,
    units: Vec<f64>,
    prices: Vec<f64>,
}

fn fills(w: &Workspace, folder: &str) -> Fills {
    let wanted =
        Wanted { time: true, numbers: vec!["units", "price"], texts: vec!["side", "reason"], ..Wanted::default() };
    let frame = Frame::read(&w.path(&format!("{folder}/fills.parquet")), &wanted).unwrap();
    let text = |name| frame.text(name).unwrap().to_vec();
    let said = frame.time().iter().copied().zip(text("side")).zip(text("reason"));
    let number = |name| frame.number(name).unwrap().to_vec();
    let said = said.map(|((time, side), reason)| (time, side, reason)).collect();
    Fills { said, units: number("units"), prices: number("price") }
}

fn near(found: f64, expected: f64) -> bool {
    (found / expected - 1.0).abs() < 1e-9
}

/// Runs `q50 verify` on the workspace's `s.yaml` and the bars `bars`, and compares it with what a case states.
fn compare(w: &Workspace, name: &str, times: &[i64], case: &Value, bars: &str, cost: &Value, capital: &Value) {
    let line = format!(
        "verify --strategy {{dir}}/s.yaml --bars {{dir}}/{bars} --sizing full --shorting free --cost-bps {cost} --capital \
         {capital} --out {{dir}}/out --quiet"
    );
    let summary = w.json(&line, 0);
    let Fills { said, units, prices } = fills(w, "out");
    let expected = case["fills"].as_array().unwrap();
    assert_eq!(said.len(), expected.len(), "{name}: {said:?}");
    for (i, expected) in expected.iter().enumerate() {
        let text = |key: &str| expected[key].as_str().unwrap().to_owned();
        let time = times[expected["row"].as_u64().unwrap() as usize];
        assert_eq!(said[i], (time, text("side"), text("reason")), "{name}");
        for (key, found) in [("price", prices[i]), ("units", units[i])] {
            assert!(expected[key].as_f64().is_none_or(|expected| near(found, expected)), "{name} {i}: {key} {found}");
        }
    }
    let equity = summary["replay"]["final_equity"].as_f64().unwrap();
    assert!(near(equity, case["final_equity"].as_f64().unwrap()), "{name}: {equity}");
}

#[test]
#[ignore = "reads Q50_TEST_DATA"]
fn verify_fills_the_thirteen_cases_as_they_were_worked_by_hand() {
    let file = real_json("dsl/replay/hand_worked.json");
    let cases = file["cases"].as_array().unwrap();
    assert_eq!(cases.len(), 13);
    for case in cases {
        let w = Workspace::new();
        w.write("s.yaml", case["strategy"].as_str().unwrap());
        w.write("b.json", case["bars"].to_string());
        let times: Vec<i64> =
            case["bars"]["ts_ms"].as_array().unwrap().iter().map(|time| time.as_i64().unwrap()).collect();
        let name = case["name"].as_str().unwrap();
        compare(&w, name, &times, case, "b.json", &case["cost_bps_per_fill"], &case["capital"]);
    }
}

#[test]
#[ignore = "reads Q50_TEST_DATA"]
fn verify_fills_the_replays_of_real_bars_as_another_engine_did() {
    for name in ["ema_cross", "rsi_reversion", "multi_timeframe"] {
        let expected = real_json(&format!("dsl/replay/golden_{name}.json"));
        let from = expected["bars"]["from"].as_str().unwrap();
        let from = q50_datasets::time::parse_ms(from).unwrap();
        let all = Bars::read(&real(expected["bars"]["file"].as_str().unwrap())).unwrap();
        let first = all.open_time.partition_point(|time| *time < from);
        let rows = first..first + expected["bars"]["rows"].as_u64().unwrap() as usize;
        let line = |row: usize| {
            format!(
                "{},{:?},{:?},{:?},{:?}\n",
                all.open_time[row], all.open[row], all.high[row], all.low[row], all.close[row]
            )
        };
        let w = Workspace::new();
        w.write("b.csv", "ts_ms,open,high,low,close\n".to_owned() + &rows.clone().map(line).collect::<String>());
        w.write("s.yaml", std::fs::read(real(&format!("dsl/replay/golden_{name}.yaml"))).unwrap());
        let settings = &expected["settings"];
        let (cost, capital) = (&settings["cost_bps_per_fill"], &settings["capital"]);
        compare(&w, name, &all.open_time[rows], &expected, "b.csv", cost, capital);
    }
}

#[test]
#[ignore = "reads Q50_TEST_DATA"]
fn q50_in_the_language_orders_what_the_native_strategy_orders_on_the_published_record() {
    let w = Workspace::new();
    w.write("q50.yaml", include_str!("../examples/q50.yaml"));
    let record = format!(
        "--bars {} --signals {}",
        real("claim/btcusdt_1h.parquet").display(),
        real("claim/q50_signals_v1_model_2024.parquet").display()
    );
    let native = "--strategy q50 --set gate.significance=threshold --set gate.threshold=published --set sizing.method=full \
                  --set sizing.max_position=1";
    let [native, written] = [(native, "native"), ("--strategy {dir}/q50.yaml", "written")].map(|(strategy, out)| {
        let summary = w.json(&format!("verify {record} {strategy} --out {{dir}}/{out} --quiet"), 0);
        (summary, fills(&w, out))
    });
    let (summary, fills) = &native;
    assert_eq!(*fills, written.1);
    assert!(fills.said.len() > 300, "{}", fills.said.len());
    assert_eq!(summary["replay"], written.0["replay"]);
}

#[test]
fn spelling_makes_no_other_trial_and_every_number_does() {
    let w = with_strategy(CROSS);
    let hypotheses = |text: &str| {
        w.write("s.yaml", text);
        let summary = w.json("verify --strategy {dir}/s.yaml --bars {dir}/b.csv --out {dir}/out --quiet", 0);
        summary["ledger"]["entries"].as_u64().unwrap();
        w.json("trials list", 0)["markets"][0]["candidates"].as_u64().unwrap()
    };
    assert_eq!(hypotheses(CROSS), 1);
    let spelled = "
# The same rule.
stop_loss: {percent: 2.0, type: FIXED_PCT}
take_profit: {type: none}
timeframe: 1h
description: another day
version: 7
exit_conditions: {long: [quick crosses_below lazy]}
entry_conditions: {long: ['quick  crosses_above lazy']}
indicators:
  lazy: {period: 8, type: ema, source: close, seeding: sma, shift: 0}
  unused: {type: RSI}
  quick: {period: 3, type: Ema}
name: something_else
";
    assert_eq!(hypotheses(spelled), 1);
    for (changes, text) in [
        CROSS.replace("period: 3", "period: 4"),
        CROSS.replace("period: 8", "period: 8, shift: 1"),
        CROSS.replace("percent: 2", "percent: 2.5"),
        CROSS.replace("{type: none}", "{type: fixed_pct, percent: 50}"),
        CROSS.replace("crosses_above slow]", "crosses_above slow, close > 1]"),
        CROSS.replace("crosses_above slow]", "crosses_above slow, close > 2]"),
    ]
    .iter()
    .enumerate()
    {
        assert_eq!(hypotheses(text), changes as u64 + 2, "{text}");
    }
}

#[test]
fn a_sweep_varies_any_number_of_the_file_and_leaves_out_sets_that_break_a_rule() {
    let w = with_strategy(
        "
name: band
timeframe: 1h
indicators:
  macd: {type: MACD, fast_period: 3, slow_period: 6, signal_period: 3}
  rsi: {type: RSI, period: 5}
entry_conditions: {long: [macd.histogram > 0, {any: [rsi between 20 60, rsi > 90]}]}
exit_conditions: {long: [macd.histogram < 0]}
stop_loss: {type: fixed_pct, percent: 2}
take_profit: {type: risk_reward, risk_reward_ratio: 2}
",
    );
    let paths = [
        "\"macd.fast_period\" = [7, 3]",
        "\"indicators.rsi.shift\" = [0, 1]",
        "\"entry_conditions.long[1].any[0].low\" = [20.0, 70.0]",
        "\"entry_conditions.long[1].any[1].value\" = [90, 95]",
        "\"stop_loss.percent\" = [1.5, 2.0]",
        "\"take_profit.risk_reward_ratio\" = [2.0, 3.0]",
        "size = [0.5, 1.0]",
    ];
    w.write("grid.toml", format!("[grid]\n{}\n", paths.join("\n")));
    let sweep = "sweep --strategy {dir}/s.yaml --bars {dir}/b.csv --grid {dir}/grid.toml --out {dir}/out --quiet";
    let report = w.json(sweep, 0);
    // 128 sets; a fast period of 7 is above the slow one of 6 in the first half, and a band from 70 to 60 is none.
    assert_eq!(report["sets"], 128);
    let failures = report["failures"].as_object().unwrap();
    let left_out = |needle: &str| {
        let of = failures.iter().filter(|(reason, _)| reason.contains(needle));
        of.map(|(_, sets)| sets.as_u64().unwrap()).sum::<u64>()
    };
    assert_eq!((left_out("left out: `macd`"), left_out("left out: between 70 and 60")), (64, 32), "{failures:?}");
    // What is left out is no trial.
    let candidates = w.json("trials list", 0)["markets"][0]["candidates"].as_u64().unwrap();
    assert_eq!(candidates, 128 - 64 - 32);
    w.write("grid.toml", "[grid]\n\"rsi.perod\" = [5]\n");
    w.refused(
        &sweep.replace("--out {dir}/out", "--out {dir}/other"),
        &[
            "rsi.perod",
            "its numbers are macd.fast_period, macd.slow_period, macd.signal_period, rsi.period",
            "stop_loss.percent",
        ],
    );
    // A value that its number cannot have fails by itself.
    w.write("grid.toml", "[grid]\n\"rsi.period\" = [5, 1]\n");
    let report = w.json(&sweep.replace("--out {dir}/out", "--out {dir}/bounds"), 0);
    assert_eq!(report["failures"], json!({"rsi.period = 1: expected a whole number from 2 to 2000": 1}));
}

#[test]
fn the_section_sweep_of_a_file_is_its_grid() {
    let w = with_strategy(&format!("{CROSS}sweep:\n  fast.period: [3, 4, 5]\n  stop_loss.percent: [1, 2.5]\n"));
    let line = "--strategy {dir}/s.yaml --bars {dir}/b.csv --quiet";
    let report = w.json(&format!("sweep {line} --out {{dir}}/out"), 0);
    assert_eq!((&report["sets"], &report["failed"]), (&json!(6), &json!(0)));
    assert_eq!(report["parameters"], json!(["fast.period", "stop_loss.percent"]));
    let overfit = w.q50(&format!("overfit {line} --train-days 5 --test-days 3 --step-days 3"));
    assert!(overfit.code < 2, "{}", overfit.stderr);
    w.write("s.yaml", CROSS);
    w.refused(&format!("sweep {line} --out {{dir}}/other"), &["there is no grid", "--grid", "sweep"]);
}

#[test]
fn a_file_that_was_edited_is_another_search() {
    let w = with_strategy(&format!("{CROSS}sweep:\n  fast.period: [3, 4, 5]\n"));
    let line = "sweep --strategy {dir}/s.yaml --bars {dir}/b.csv --quiet --out {dir}/out --resume";
    w.json(line, 0);
    w.write("s.yaml", format!("{}sweep:\n  fast.period: [3, 4, 5]\n", CROSS.replace("percent: 2", "percent: 3")));
    w.refused(line, &["out"]);
}

#[test]
fn numbers_of_the_file_can_be_set_and_are_what_robust_moves() {
    let w = with_strategy(CROSS);
    let line = "verify --strategy {dir}/s.yaml --bars {dir}/b.csv --out {dir}/out --quiet";
    let plain = w.json(line, 0);
    let set = w.json(
        &format!("{line} --sizing full --set fast.period=5 --set stop_loss.percent=4 --set exits.max_hours=3"),
        0,
    );
    let program = set["settings"]["run"]["strategy"]["program"].as_str().unwrap();
    assert!(program.contains("fast: {type: EMA, timeframe: 1h, period: 5"), "{program}");
    assert!(program.contains("percent: 4"), "{program}");
    assert!(set["decisions"]["timeout"].as_u64().unwrap() > 0, "{}", set["decisions"]);
    assert!(plain["decisions"]["timeout"].is_null());
    // 3 is 2 and 4, 8 is 6 and 10, 2 % is 1.6 and 2.4 %, and all of the equity is four fifths of it.
    let robust = plain["checks"].as_array().unwrap().iter().find(|check| check["name"] == "robust").unwrap();
    assert!(robust["evidence"].as_str().unwrap().contains("7 neighbouring settings"), "{robust}");
    // A strategy that is all in its file is no program of somebody's own.
    let conditions: Vec<&Value> = plain["conditions"].as_array().unwrap().iter().collect();
    assert!(conditions.iter().all(|condition| condition["name"] != "strategy_origin"), "{conditions:?}");
    for (option, needle) in [
        ("--set fast.period=0", "expected a whole number from 1 to 2000"),
        ("--set fast.period=2.5", "expected a whole number from 1 to 2000"),
        ("--set fast.period=few", "expected a whole number from 1 to 2000"),
        ("--set stop_loss.percent=1e300", "expected a finite number from 0.1 to 50"),
        ("--set quick.period=3", "its numbers are fast.period, slow.period, stop_loss.percent"),
    ] {
        w.refused(&format!("{line} {option}"), &["--set", needle]);
    }
}

#[test]
fn entries_of_any_strategy_are_sized_by_a_method_and_every_cap_is_in_the_record() {
    let w = with_strategy(CROSS);
    let line = "verify --strategy {dir}/s.yaml --bars {dir}/b.csv --cost-bps 0 --capital 1000 --out {dir}/out --quiet";
    // 1 % of the equity is lost at the file's stop of 2 %: half of it is bought, of which a cap leaves 30 %.
    let sized = format!("{line} --sizing fixed_fractional --set sizing.risk_per_trade=0.01");
    for (set, share, binding) in [("", 0.5, "none"), (" --set sizing.max_position=0.3", 0.3, "max_position")] {
        let summary = w.json(&format!("{sized}{set}"), 0);
        assert_eq!(summary["settings"]["run"]["strategy"]["sizing"]["method"], "fixed_fractional");
        let bought = fills(&w, "out").units[0] * fills(&w, "out").prices[0];
        assert!(near(bought, share * 1_000.0), "{bought}");
        let (numbers, texts) = (vec!["base_size", "raw_size", "size", "cap_max_position"], vec!["binding_cap"]);
        let wanted = Wanted { numbers, texts, ..Wanted::default() };
        let frame = Frame::read(&w.path("out/decisions.parquet"), &wanted).unwrap();
        let number = |name: &str| frame.number(name).unwrap().iter().copied().find(|value| !value.is_nan()).unwrap();
        assert!(near(number("base_size"), 0.5) && near(number("raw_size"), 0.5) && near(number("size"), share));
        let named = frame.text("binding_cap").unwrap().iter().find(|name| !name.is_empty()).unwrap().clone();
        assert_eq!(named, binding);
    }
    // Volatilities and their regimes come from closes where there are no signals.
    let by_regime = w.json(&format!("{line} --sizing inverse_variance --set sizing.by_regime=true"), 0);
    assert_eq!(by_regime["settings"]["run"]["strategy"]["sizing"]["by_regime"], true);
    let decisions = &by_regime["decisions"];
    assert!(decisions["warm_up"].as_u64() > Some(0) && decisions["enter_long"].as_u64() > Some(0), "{decisions}");
    // The same by a strategy file in TOML, for a strategy by name.
    let signal = |i: usize| if i % 40 < 20 { 0.9 } else { 0.1 };
    let bars = bars_csv(400);
    let with_signal = |(i, line): (usize, &str)| match i {
        0 => format!("{line},alpha\n"),
        i => format!("{line},{}\n", signal(i)),
    };
    w.write("signal.csv", bars.lines().enumerate().map(with_signal).collect::<String>());
    w.write("t.toml", "kind = \"threshold\"\n[sizing]\nmethod = \"kelly\"\nwin_rate = 0.6\npayoff = 1.0\n");
    let toml = "verify --strategy {dir}/t.toml --bars {dir}/signal.csv --signals {dir}/signal.csv --signal-column alpha \
                --cost-bps 0 --capital 1000 --out {dir}/out --quiet";
    w.json(toml, 0);
    let bought = fills(&w, "out").units[0] * fills(&w, "out").prices[0];
    assert!(near(bought, 100.0), "half of 0.6 - 0.4: {bought}");
    for (options, needles) in [
        ("--sizing enhanced", &["sizing.method is enhanced", "full, own, inverse_variance"][..]),
        ("--sizing kelly", &["sizing.win_rate or sizing.payoff is absent"]),
        ("--sizing fixed_fractional --strategy threshold --signal-column alpha", &["exits.stop_loss is absent"]),
        ("--sizing half", &["invalid value 'half'"]),
        ("--set sizing.max_position=5", &["sizing.max_position", "from 0 to 1"]),
        ("--set sizing.kelly=5", &["--set", "sizing.kelly"]),
    ] {
        let strategy = if options.contains("--strategy") { "" } else { "--strategy {dir}/s.yaml" };
        w.refused(
            &format!("verify {strategy} --bars {{dir}}/signal.csv --signals {{dir}}/signal.csv {options}"),
            needles,
        );
    }
}

#[test]
fn a_claim_names_its_strategy_by_its_file() {
    let w = with_strategy(CROSS);
    let line = "verify --bars {dir}/b.csv --out {dir}/out --quiet";
    let plain = w.json(&format!("{line} --strategy {{dir}}/s.yaml --cost-bps 5 --capital 1000"), 0);
    let claim = |strategy: &str| {
        let figures = "sharpe = 1.0\nbars = 400\nperiods_per_year = 8760\ntrials = 3\n";
        let replay = "[replay]\ncapital = 1000\ncost_bps = 5\n[replay.strategy]\n";
        let claim = format!("schema = \"q50.claim/1\"\nname = \"cross\"\nsource = \"me\"\n{figures}{replay}{strategy}");
        w.write("claim.toml", claim);
    };
    claim("file = \"s.yaml\"\n");
    let claimed = w.json(&format!("{line} --claim {{dir}}/claim.toml"), 0);
    assert_eq!(claimed["replay"], plain["replay"]);
    assert_eq!(claimed["settings"]["run"]["strategy"], plain["settings"]["run"]["strategy"]);
    assert_eq!(claimed["claim"]["trials"], 3);
    claim("file = \"s.yaml\"\nsize = 0.5\n[replay.strategy.sizing]\nmethod = \"atr\"\n");
    let claimed = w.json(&format!("{line} --claim {{dir}}/claim.toml"), 0);
    let strategy = &claimed["settings"]["run"]["strategy"];
    assert_eq!((&strategy["size"], &strategy["sizing"]["method"]), (&json!(0.5), &json!("atr")));
    claim("file = \"gone.yaml\"\n");
    w.refused(&format!("{line} --claim {{dir}}/claim.toml"), &["claim.toml", "replay.strategy.file", "gone.yaml"]);
    w.write("bad.yaml", CROSS.replace("timeframe: 1h", "timeframe: 2h"));
    claim("file = \"bad.yaml\"\n");
    w.refused(&format!("{line} --claim {{dir}}/claim.toml"), &["claim.toml", "line 3", "timeframe"]);
}

#[test]
fn stops_of_the_file_hold_inside_exits_around_it() {
    // Bought at 100, stopped at 98 within the third bar, whatever the time limit around it says.
    let w = Workspace::new();
    w.write(
        "b.csv",
        "ts_ms,open,high,low,close\n0,100,100,100,100\n3600000,100,100,100,100\n7200000,100,101,90,95\n10800000,95,95,95,95\n",
    );
    let text = "name: a\ntimeframe: 1h\nentry_conditions: {long: [close >= 100]}\nstop_loss: {type: fixed_pct, percent: \
                2}\ntake_profit: {type: none}\n";
    w.write("s.yaml", text);
    for around in ["", "--set exits.max_hours=50", "--set exits.stop_loss=0.05 --set exits.trigger=intrabar"] {
        let line =
            format!("verify --strategy {{dir}}/s.yaml --bars {{dir}}/b.csv --cost-bps 0 --out {{dir}}/out {around}");
        w.json(&line, 0);
        let Fills { said, prices, .. } = fills(&w, "out");
        assert_eq!(said[1], (7_200_000, "sell".to_owned(), "stop_loss".to_owned()), "{around}");
        assert_eq!(prices, [100.0, 98.0], "{around}");
    }
}

#[test]
fn the_volume_of_the_bars_is_read_where_the_file_names_it_and_makes_another_trial() {
    let rows = |volume: fn(i64) -> i64| {
        let line = |i: i64| {
            let price = 100.0 + (i as f64 / 3.0).sin();
            format!("{},{price},{price},{price},{price},{}\n", i * 3_600_000, volume(i))
        };
        "ts_ms,open,high,low,close,volume\n".to_owned() + &(0..60).map(line).collect::<String>()
    };
    let w = Workspace::new();
    w.write(
        "s.yaml",
        "name: a\ntimeframe: 1h\nentry_conditions: {long: [volume > 5]}\nexit_conditions: {long: [volume < 3]}\nstop_loss: \
         {type: none}\ntake_profit: {type: none}\n",
    );
    let line = "verify --strategy {dir}/s.yaml --bars {dir}/b.csv --out {dir}/out --quiet";
    w.write("b.csv", rows(|i| i % 10));
    let summary = w.json(line, 0);
    assert!(summary["replay"]["fills"].as_u64().unwrap() > 4, "{}", summary["replay"]);
    // It belongs to the bars: nobody is asked where it comes from.
    assert!(!summary["conditions"].to_string().contains("signals_origin"), "{}", summary["conditions"]);
    assert_eq!(w.json("trials list", 0)["markets"][0]["candidates"], 1);
    w.write("b.csv", rows(|i| i % 7));
    w.json(line, 0);
    assert_eq!(w.json("trials list", 0)["markets"][0]["candidates"], 2, "the same bars with another volume");
    w.write("b.csv", bars_csv(60));
    w.refused(line, &["needs the volume", "--bars"]);
}

#[test]
fn short_entries_trade_where_shorting_is_free_and_not_where_there_is_none() {
    let w = with_strategy(&CROSS.replace(
        "entry_conditions: {long: [fast crosses_above slow]}",
        "entry_conditions: {long: [fast crosses_above slow], short: [fast crosses_below slow]}",
    ));
    let run = |option: &str| {
        let line = format!("verify --strategy {{dir}}/s.yaml --bars {{dir}}/b.csv --out {{dir}}/out --quiet {option}");
        w.json(&line, 0)["decisions"]["enter_short"].as_u64().unwrap_or(0)
    };
    assert!(run("--shorting free") > 3);
    assert_eq!(run("--shorting none"), 0);
    w.refused(
        "verify --strategy threshold --signal-column close --bars {dir}/b.csv --shorting free",
        &["--shorting free", "threshold", "never sells short"],
    );
    w.refused("verify --strategy q50 --bars {dir}/b.csv --sizing full", &["--sizing full", "q50", "leave it out"]);
}

#[test]
fn what_no_strategy_can_be_made_of_is_refused() {
    let w = with_strategy(CROSS);
    let verify = |strategy: &str| format!("verify --strategy {{dir}}/{strategy} --bars {{dir}}/b.csv --quiet");
    let deep = format!("{CROSS}x: {}", "[".repeat(100_000));
    let faults: [(&str, &[u8], &[&str]); 9] = [
        ("typo.yaml", b"name: a\ntimeframe: 2h\n", &["typo.yaml", "line 2", "timeframe"]),
        ("empty.yaml", b"", &["empty.yaml", "line 1"]),
        ("text.yaml", b"buy low, sell high", &["text.yaml", "line 1"]),
        ("binary.yaml", b"name: \xff\xfe\x00", &["binary.yaml", "UTF-8"]),
        ("deep.yaml", deep.as_bytes(), &["deep.yaml", "line"]),
        ("large.yaml", &[b'#'; 300 << 10], &["large.yaml", "262144"]),
        ("broken.toml", b"kind = ", &["broken.toml"]),
        ("unknown.toml", b"kind = 'file'\n", &["unknown.toml", "program"]),
        ("bad.toml", b"kind = 'file'\nsize = 1.0\nallow_short = false\nprogram = 'x'\n", &["bad.toml", "line 1"]),
    ];
    for (name, content, needles) in faults {
        w.write(name, content);
        w.refused(&verify(name), needles);
    }
    w.refused(&verify("missing.yaml"), &["missing.yaml", "neither q50, threshold nor side"]);
    std::fs::create_dir(w.path("folder.yaml")).unwrap();
    w.refused(&verify("folder.yaml"), &["folder.yaml"]);
    w.refused("verify --strategy file --bars {dir}/b.csv", &["neither q50, threshold nor side"]);
    assert_eq!(w.listing("q50-verify"), [""; 0]);
}

#[test]
fn data_that_a_file_is_not_made_for_are_refused() {
    let w = with_strategy(&CROSS.replace("timeframe: 1h", "timeframe: 4h"));
    w.refused(
        "verify --strategy {dir}/s.yaml --bars {dir}/b.csv",
        &["the bars are 60 minutes apart", "bars of 240 minutes", "`timeframe`"],
    );
    w.write("s.yaml", CROSS.replace("crosses_above slow]", "crosses_above slow, signals.prob_up > 0.5]"));
    w.refused(
        "verify --strategy {dir}/s.yaml --bars {dir}/b.csv",
        &["'cross' needs the column 'prob_up'", "--signals"],
    );
    w.write("s.yaml", CROSS.replace("crosses_above slow]", "crosses_above slow, signals.value > 0.5]"));
    w.refused("verify --strategy {dir}/s.yaml --bars {dir}/b.csv", &["--signal-column"]);
    w.write("s.yaml", CROSS);
    w.refused(
        "verify --strategy {dir}/s.yaml --bars {dir}/b.csv --venue pumpswap --capital 1",
        &["stop_loss", "--venue pumpswap", "--venue next-open"],
    );
}

#[test]
#[cfg(feature = "nautilus")]
fn the_second_engine_hosts_a_file() {
    let both = CROSS.replace(
        "entry_conditions: {long: [fast crosses_above slow]}",
        "entry_conditions: {long: [fast crosses_above slow], short: [fast crosses_below slow]}\nposition_management: \
         {reverse: true}",
    );
    let w = with_strategy(&both);
    let report = w.json("validate --strategy {dir}/s.yaml --bars {dir}/b.csv", 0);
    assert_eq!(report["agrees"], true, "{report}");
    let trailing = both
        .replace("slow: {type: EMA, period: 8}", "slow: {type: EMA, period: 8}\n  range: {type: ATR, period: 5}")
        .replace("{type: fixed_pct, percent: 2}", "{type: atr_trailing, atr_multiplier: 1, indicator: range}")
        .replace("take_profit: {type: none}", "take_profit: {type: risk_reward, risk_reward_ratio: 3}");
    w.write("trailing.yaml", trailing);
    let line =
        "validate --strategy {dir}/trailing.yaml --bars {dir}/b.csv --sizing full --shorting free --out {dir}/second";
    let report = w.json(line, 0);
    assert_eq!(report["agrees"], true, "{report}");
    w.refused(
        &format!("{line} --venue pumpswap --capital 1"),
        &["allow_short", "--shorting none", "--venue next-open"],
    );
    w.refused(
        &format!("{} --venue pumpswap --capital 1", line.replace("--shorting free", "--shorting none")),
        &["a stop_loss or take_profit of the strategy", "exits.stop_loss"],
    );
    w.write("grid.toml", "[grid]\n\"fast.period\" = [3, 4]\n\"stop_loss.percent\" = [1, 2]\n");
    let sweep = "sweep --strategy {dir}/s.yaml --bars {dir}/b.csv --grid {dir}/grid.toml --out {dir}/search --quiet";
    w.json(sweep, 0);
    let report = w.json("validate --from-sweep {dir}/search --top 2 --bars {dir}/b.csv", 0);
    assert_eq!((&report["agrees"], report["runs"].as_array().unwrap().len()), (&json!(true), 2), "{report}");
}

fn conditions(summary: &Value) -> Vec<&str> {
    summary["conditions"].as_array().unwrap().iter().map(|condition| condition["name"].as_str().unwrap()).collect()
}

#[test]
fn a_file_that_remembers_prices_has_a_condition() {
    let remembers = "
name: remembers
timeframe: 1h
entry_conditions: {long: [any: [close between 100.1 100.2, close between 101.3 101.4]]}
exit_conditions: {long: [close between 103.3 103.9]}
stop_loss: {type: none}
take_profit: {type: none}
";
    let w = with_strategy(remembers);
    let summary = w.json("verify --strategy s.yaml --bars b.csv", 0);
    assert_eq!(conditions(&summary), ["fitted_constants"]);
    // Averages that cross compare with no number, and closes are what says which market it is.
    let w = with_strategy(CROSS);
    let summary = w.json("verify --strategy s.yaml --bars b.csv", 0);
    assert_eq!(conditions(&summary), Vec::<&str>::new());
}

#[test]
fn wicks_that_conditions_read_are_a_condition_and_part_of_the_trial() {
    let wicks = CROSS.replace("{type: EMA, period: 3}", "{type: EMA, period: 3, source: hl2}");
    let w = with_strategy(&wicks);
    let verify = || w.json("verify --strategy s.yaml --bars b.csv --ledger l.sqlite", 0);
    assert_eq!(conditions(&verify()), ["bars_origin"]);
    assert_eq!(verify()["inference"]["trials"], 1, "the same once more");
    // The same market by its closes, with longer wicks: another trial.
    let longer: String = bars_csv(400)
        .lines()
        .enumerate()
        .map(|(row, line)| {
            let mut cells: Vec<String> = line.split(',').map(str::to_owned).collect();
            if row > 0 && row % 5 == 0 {
                cells[2] = (cells[2].parse::<f64>().unwrap() * 1.01).to_string();
            }
            cells.join(",") + "\n"
        })
        .collect();
    w.write("b.csv", longer);
    assert_eq!(verify()["inference"]["trials"], 2);
}

#[test]
fn another_strategy_than_the_claimed_one_is_a_condition() {
    let w = with_strategy(CROSS);
    w.write(
        "c.toml",
        "schema = \"q50.claim/1\"\nname = \"c\"\nsource = \"s\"\nsharpe = 1.0\nbars = 400\nperiods_per_year = 8760\ntrials = 1\n\
         [replay]\ncapital = 10000.0\ncost_bps = 5.0\n[replay.strategy]\nkind = \"threshold\"\nentry = 1.0\nexit = 0.5\n",
    );
    let verify = |more: &str| w.json(&format!("verify --claim c.toml --bars b.csv {more}"), 0);
    assert_eq!(conditions(&verify("--signal-column close")), Vec::<&str>::new());
    assert_eq!(conditions(&verify("--strategy s.yaml")), ["other_strategy"]);
    let other = verify("--strategy threshold --signal-column close");
    assert_eq!(conditions(&other), ["other_strategy"], "with other numbers");
}

/// Whoever leaves out the Mondays of a market that never closes has a condition, and the count of what was left out.
#[test]
fn days_that_a_record_never_has_are_a_condition() {
    let w = with_strategy(CROSS);
    let bars = bars_csv(24 * 42);
    let is_monday = |line: &&str| {
        let time: i64 = line.split(',').next().unwrap().parse().unwrap_or(0);
        (time.div_euclid(86_400_000) + 3).rem_euclid(7) == 0
    };
    let kept: Vec<&str> = bars.lines().filter(|line| !is_monday(line)).collect();
    w.write("b.csv", kept.join("\n"));
    let summary = w.json("verify --strategy s.yaml --bars b.csv", 0);
    assert_eq!(conditions(&summary), ["market_hours"]);
    let missing = bars.lines().count() - kept.len();
    assert_eq!((missing, &summary["data"]["closed_bars"]), (6 * 24, &json!(missing)));
    w.write("b.csv", &bars);
    assert_eq!(conditions(&w.json("verify --strategy s.yaml --bars b.csv", 0)), Vec::<&str>::new());
}

/// Whoever may choose between a file and its long side alone has tried two strategies.
#[test]
fn a_file_without_its_short_side_is_another_trial() {
    let both = CROSS
        .replace("long: [fast crosses_above slow]", "long: [fast crosses_above slow], short: [fast crosses_below slow]")
        .replace("exit_conditions: {", "exit_conditions: {short: [fast crosses_above slow], ");
    let w = with_strategy(&both);
    w.write("long.yaml", CROSS);
    let candidates = |file: &str, options: &str| {
        w.json(&format!("verify -q --strategy {{dir}}/{file} --bars {{dir}}/b.csv {options} --out {{dir}}/o"), 0);
        let listed = w.json("trials list", 0);
        listed["markets"][0]["candidates"].as_u64().unwrap()
    };
    assert_eq!(candidates("s.yaml", "--shorting free"), 1);
    assert_eq!(candidates("s.yaml", "--shorting none"), 2);
    // Which is what a file without that side says, too.
    assert_eq!(candidates("long.yaml", ""), 2);
    assert_eq!(candidates("long.yaml", "--shorting none"), 2);
}
