//! `q50 perp` and `--venue perpetual`, as a user sees them.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a panic is how a test fails")]

mod util;

use q50_testing::{real, real_json};
use serde_json::{Value, json};
use util::Workspace;

#[test]
#[ignore = "reads Q50_TEST_DATA"]
fn the_reference_scenarios_are_printed_as_they_stand() {
    let w = Workspace::new();
    let file = real("perp/scenarios.json");
    let printed = w.json(&format!("perp scenario {}", file.display()), 0);
    let expected = real_json("perp/scenarios.json");
    assert_eq!(printed["scenarios"][1]["events"][3]["expect"], json!("liquidated"));
    let wallets = |of: &serde_json::Value| -> Vec<f64> {
        of["scenarios"].as_array().unwrap().iter().map(|scenario| scenario["final_wallet"].as_f64().unwrap()).collect()
    };
    for (found, expected) in wallets(&printed).iter().zip(wallets(&expected)) {
        assert!((found - expected).abs() <= 1e-9 * expected, "{found}, not {expected}");
    }
    let text = w.q50(&format!("perp scenario {}", file.display())).stdout;
    assert!(text.contains("long_liquidated_on_the_mark") && text.contains("95.381526"), "{text}");
}

#[test]
fn a_scenario_that_cannot_be_computed_is_refused_with_its_place() {
    let w = Workspace::new();
    let tiers = r#""tiers": [{"above": 0, "rate": 0.004, "deduction": 0}]"#;
    w.write("t.json", r#"{"tiers": [{"above": 5, "rate": 0.004, "deduction": 0}]}"#);
    w.refused("perp scenario {dir}/t.json", &["t.json", "tiers", "tier 1: above is 5, expected 0"]);
    w.write(
        "k.json",
        format!(
            r#"{{{tiers}, "scenarios": [{{"capital": 1, "leverage": 2, "fee_taker": 0, "fee_maker": 0,
        "events": [{{"kind": "mark", "mark": 1}}, {{"kind": "split"}}]}}]}}"#
        ),
    );
    w.refused("perp scenario {dir}/k.json", &["k.json", "scenarios[0].events[1]", "split", "funding"]);
    for (number, found) in [
        ("\"leverage\": -5", "leverage of 1 or more, found -5"),
        ("\"capital\": -1000", "above 0, found -1000"),
        ("\"fee_taker\": 1.5", "the rate 1.5"),
        ("\"price\": -100", "above 0, found -100"),
    ] {
        let terms = r#""capital": 1, "leverage": 2, "fee_taker": 0, "fee_maker": 0"#;
        let event = r#"{"kind": "fill", "size": 1, "price": 100, "role": "taker"}"#;
        let text = format!(r#"{{{tiers}, "scenarios": [{{{terms}, "events": [{event}]}}]}}"#);
        let key = number.split(':').next().unwrap();
        let from = text.find(key).unwrap();
        let end = from + text[from..].find([',', '}']).unwrap();
        w.write("n.json", format!("{}{number}{}", &text[..from], &text[end..]));
        w.refused("perp scenario {dir}/n.json", &["n.json", "scenarios[0]", found]);
    }
    w.write("l.json", format!(r#"{{{tiers}, "scenaros": []}}"#));
    w.refused("perp scenario {dir}/l.json", &["l.json", "expected one of the lists scenarios, bar_order, slippage"]);
    w.write("b.json", b"PAR1");
    w.refused("perp scenario {dir}/b.json", &["b.json", "expected scenarios in JSON"]);
}

/// Enters both ways when a fast average crosses a slow one, with a stop and a target.
const CROSS: &str = "
name: cross
timeframe: 1h
indicators:
  fast: {type: EMA, period: 3}
  slow: {type: EMA, period: 8}
entry_conditions: {long: [fast crosses_above slow], short: [fast crosses_below slow]}
exit_conditions: {long: [fast crosses_below slow], short: [fast crosses_above slow]}
stop_loss: {type: fixed_pct, percent: 3}
take_profit: {type: fixed_pct, percent: 6}
position_management: {reverse: true}
sweep: {fast.period: [2, 3]}
";

const HOUR_MS: i64 = 3_600_000;
const RUN: &str = "verify -q --bars {dir}/b.csv --strategy {dir}/s.yaml --venue perpetual --leverage 20 --funding \
                   {dir}/f.csv --tiers {dir}/t.json --spread-bps 2";

/// Hourly bars that swing by 5 %, with volume, and mark prices a thousandth above them.
fn world() -> Workspace {
    let w = Workspace::new();
    let bars = |basis: f64| -> String {
        let bar = |row: i64| {
            let price = |row: i64| (100.0 + 5.0 * (row as f64 / 9.0).sin() + (row % 7) as f64 * 0.1) * basis;
            let (open, close) = (price(row), price(row + 1));
            let (high, low) = (open.max(close) + 0.2, open.min(close) - 0.2);
            format!("{},{open},{high},{low},{close},{}\n", row * HOUR_MS, 800 + row % 5 * 100)
        };
        "ts_ms,open,high,low,close,volume\n".to_owned() + &(0..400).map(bar).collect::<String>()
    };
    w.write("b.csv", bars(1.0));
    w.write("m.csv", bars(1.001));
    w.write("s.yaml", CROSS);
    w.write("f.csv", funding(0.0003));
    w.write("t.json", r#"[{"above": 0, "rate": 0.004, "deduction": 0, "max_leverage": 125}]"#);
    w
}

fn funding(rate: f64) -> String {
    "ts_ms,rate\n".to_owned() + &(0..=50).map(|i| format!("{},{rate}\n", i * 8 * HOUR_MS)).collect::<String>()
}

fn number(of: &Value, path: &str) -> f64 {
    of.pointer(path).and_then(Value::as_f64).unwrap_or_else(|| panic!("{path} is no number in {of}"))
}

#[test]
fn the_report_says_what_moved_the_equity_and_what_it_is_without_each_part() {
    let w = world();
    let summary = w.json(&format!("{RUN} --mark {{dir}}/m.csv --capital 10000 --out {{dir}}/o"), 0);
    let part = |name: &str| number(&summary, &format!("/replay/perpetual/{name}"));
    let costs: f64 = ["fees", "funding", "spread", "slippage", "liquidation_cost"].into_iter().map(part).sum();
    let final_equity = number(&summary, "/replay/final_equity");
    assert!((final_equity - (10_000.0 + part("price_result") - costs)).abs() < 1e-6, "{summary}");
    assert!(part("fees") > 10.0 && part("slippage") > 0.1 && part("settlements") > 10.0);
    assert_eq!(summary.pointer("/replay/perpetual/marked_at"), Some(&json!("mark_price")));
    assert_eq!(summary.pointer("/settings/run/venue/kind"), Some(&json!("perpetual")));
    assert_eq!(summary.pointer("/settings/run/venue/leverage"), Some(&json!(20.0)));
    assert_eq!(summary.pointer("/settings/data/contract/tiers/0/rate"), Some(&json!(0.004)));
    assert!(summary.pointer("/settings/data/contract/marks").is_some_and(Value::is_string));
    let fills = summary["replay"]["fills"].as_u64().unwrap();
    assert!(fills > 20, "{fills}");

    // Each ablation is the run that a user makes by hand.
    for (named, by_hand) in [
        ("leverage", RUN.replace("--leverage 20", "--leverage 1")),
        ("spread", RUN.replace("--spread-bps 2", "--spread-bps 0")),
        ("slippage", format!("{RUN} --slippage-coefficient 0")),
        ("fees", format!("{RUN} --cost-bps 0")),
    ] {
        let parts = summary.pointer("/replay/perpetual/without").unwrap().as_array().unwrap();
        let found = parts.iter().find(|one| one["part"] == named).unwrap();
        let line = format!("{by_hand} --mark {{dir}}/m.csv --capital 10000 --out {{dir}}/o2");
        let equity = number(&w.json(&line, 0), "/replay/final_equity");
        assert!((number(found, "/final_equity") - equity).abs() < 1e-6, "{named}");
        let sum = number(found, "/cost") + number(found, "/remainder");
        assert!((sum - (equity - final_equity)).abs() < 1e-6, "{named}");
    }
    let robust = summary["checks"].as_array().unwrap().iter().find(|check| check["name"] == "robust").unwrap();
    assert!(robust["evidence"].as_str().unwrap().len() > 10, "{robust}");
}

#[test]
fn last_prices_stand_in_for_mark_prices_and_the_report_says_so() {
    let w = world();
    let summary = w.json(&format!("{RUN} --out {{dir}}/o"), 0);
    assert_eq!(summary.pointer("/replay/perpetual/marked_at"), Some(&json!("last_price")));
    assert_eq!(summary.pointer("/settings/data/contract/marks"), Some(&Value::Null));
    let text = w.q50(&format!("{RUN} --out {{dir}}/o")).stdout;
    assert!(text.contains("look at last prices, because no mark prices were given"), "{text}");
    let html = std::fs::read_to_string(w.path("o/report.html")).unwrap();
    assert!(html.contains("Funding, quote units") && html.contains("because no mark prices were given"));
}

#[test]
fn another_record_of_funding_is_another_run() {
    let w = world();
    let id = |w: &Workspace, more: &str| {
        w.json(&format!("{RUN}{more} --out {{dir}}/o"), 0)["run_id"].as_str().unwrap().to_owned()
    };
    let first = id(&w, "");
    assert_eq!(id(&w, ""), first);
    w.write("f.csv", funding(0.0004));
    let mut ids = vec![first, id(&w, ""), id(&w, " --maintenance-on entry"), id(&w, " --mark {dir}/m.csv")];
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), 4);
}

/// The world's mark prices times what `factor` makes of a row.
fn marks(w: &Workspace, factor: impl Fn(usize) -> f64) -> String {
    let bars = std::fs::read_to_string(w.path("b.csv")).unwrap();
    let rows = bars.lines().enumerate().map(|(row, line)| {
        let mut cells: Vec<String> = line.split(',').map(str::to_owned).collect();
        for price in cells[1..5].iter_mut().filter(|_| row > 0) {
            *price = (price.parse::<f64>().unwrap() * factor(row)).to_string();
        }
        cells.join(",")
    });
    rows.collect::<Vec<_>>().join("\n")
}

#[test]
fn mark_prices_of_another_instrument_are_refused_and_those_beside_the_bars_fail() {
    let w = world();
    let line = format!("{RUN} --mark {{dir}}/m.csv --out {{dir}}/o");
    let sound = |w: &Workspace| {
        let summary = w.json(&line, 0);
        let check = summary["checks"].as_array().unwrap().iter().find(|check| check["name"] == "data_sound").cloned();
        let conditions: Vec<String> = summary["conditions"]
            .as_array()
            .unwrap()
            .iter()
            .map(|condition| condition["name"].as_str().unwrap().to_owned())
            .collect();
        (check.unwrap()["state"].clone(), summary["data"]["marks_off"].clone(), conditions)
    };
    // A thousandth beside the last prices, as exchanges have them.
    assert_eq!(sound(&w), (json!("pass"), Value::Null, vec!["contract_origin".to_owned()]));
    // Ten of 400 closes are 2 % off.
    w.write("m.csv", marks(&w, |row| if row % 40 == 0 { 1.02 } else { 1.0 }));
    assert_eq!(sound(&w), (json!("fail"), json!(10), vec!["contract_origin".to_owned()]));
    let bars = std::fs::read_to_string(w.path("b.csv")).unwrap();
    let (head, rows) = bars.split_once('\n').unwrap();
    let rows: Vec<(&str, &str)> = rows.lines().map(|row| row.split_once(',').unwrap()).collect();
    let early = (0..rows.len()).map(|row| format!("{},{}\n", rows[row].0, rows[(row + 1).min(rows.len() - 1)].1));
    w.write("m.csv", format!("{head}\n{}", early.collect::<String>()));
    w.refused(&line, &["m.csv", "a bar early"]);
    w.write("m.csv", marks(&w, |_| 0.1));
    w.refused(&line, &["m.csv", "more than 90 % from the last prices", "another instrument"]);
    let marked = funding(0.0003).replace("rate\n", "rate,mark\n").replace(",0.0003\n", ",0.0003,1\n");
    w.write("f.csv", marked);
    w.refused(&format!("{RUN} --out {{dir}}/o"), &["--funding", "f.csv", "another instrument"]);
}

#[test]
fn rates_in_per_cent_are_refused_and_a_profit_of_funding_is_a_condition() {
    let w = world();
    w.write("f.csv", funding(0.01));
    w.refused(RUN, &["f.csv", "half of its rates are 0.01", "divide them by 100"]);
    // Held short, it is paid three times a day, on prices that go nowhere.
    let short = "name: short\ntimeframe: 1h\nentry_conditions: {short: [close > 0]}\nstop_loss: {type: none}\n\
                 take_profit: {type: none}\n";
    w.write("s.yaml", short);
    w.write("f.csv", funding(0.001));
    let summary = w.json(&format!("{RUN} --leverage 1 --out {{dir}}/o").replace("--leverage 20 ", ""), 0);
    let profit = number(&summary, "/replay/final_equity") - number(&summary, "/settings/run/capital");
    let received = -number(&summary, "/replay/perpetual/funding");
    assert!(received > 0.5 * profit, "{received} of {profit}");
    let conditions = summary["conditions"].as_array().unwrap();
    let condition = conditions.iter().find(|condition| condition["name"] == "contract_origin").unwrap();
    assert!(condition["text"].as_str().unwrap().contains("received as funding"), "{condition}");
}

/// Whatever the rule, each gap against it costs the margin at most, and each gap for it is earned whole.
#[test]
fn gaps_that_an_insurance_fund_bears_are_no_profit() {
    let w = world();
    // The price jumps by 3 % at each seventh open, one way and the other, and stands still between.
    let price = |row: i64| if (row / 7) % 2 == 0 { 100.0 } else { 103.0 };
    let bar = |row: i64| format!("{},{p},{p},{p},{p},1000\n", row * HOUR_MS, p = price(row));
    w.write("b.csv", "ts_ms,open,high,low,close,volume\n".to_owned() + &(0..400).map(bar).collect::<String>());
    let rule = "name: always\ntimeframe: 1h\nindicators: {a: {type: SMA, period: 3}, b: {type: SMA, period: 11}}\n\
                entry_conditions: {long: [a > b], short: [a < b]}\nexit_conditions: {long: [a < b], short: [a > b]}\n\
                stop_loss: {type: none}\ntake_profit: {type: none}\n";
    w.write("s.yaml", rule);
    let line = format!("{RUN} --slippage-coefficient 0 --out {{dir}}/o").replace("--leverage 20", "--leverage 125");
    let summary = w.json(&line, 0);
    // At the mark price the account would owe 2.2 % of each position.
    assert!(number(&summary, "/replay/perpetual/insured") > 0.0, "{summary}");
    assert!(number(&summary, "/replay/perpetual/liquidations") > 5.0, "{summary}");
    let check =
        |name: &str| summary["checks"].as_array().unwrap().iter().find(|check| check["name"] == name).cloned().unwrap();
    assert_eq!(check("survives_costs")["state"], "fail");
    assert!(check("survives_costs")["evidence"].as_str().unwrap().contains("only an insurance fund bears"));
    let conditions = summary["conditions"].to_string();
    assert!(
        conditions.contains("contract_origin") && conditions.contains("borne by an insurance fund"),
        "{conditions}"
    );
    assert!(!check("robust")["evidence"].as_str().unwrap().contains("leverage = 150"), "the tier ends at 125");
}

#[test]
fn a_leverage_that_was_picked_is_a_trial_and_so_are_mark_prices() {
    let w = world();
    let trials = |more: &str| {
        let line = format!("{RUN} {more} --ledger {{dir}}/l.sqlite --out {{dir}}/o").replace("--leverage 20 ", "");
        w.json(&line, 0)["inference"]["trials"].as_u64().unwrap()
    };
    assert_eq!(["--leverage 1", "--leverage 5", "--leverage 20", "--leverage 5"].map(&trials), [1, 2, 3, 3]);
    // A cost is none, and leverage 1 is what a venue without margin has.
    assert_eq!(trials("--leverage 1 --cost-bps 9"), 3);
    assert_eq!(trials("--leverage 1 --mark {dir}/m.csv"), 4);
}

#[test]
fn free_short_sales_are_dearer_here() {
    let w = world();
    let free =
        w.json("verify -q --bars {dir}/b.csv --strategy {dir}/s.yaml --cost-bps 4 --spread-bps 2 --out {dir}/o", 0);
    let here = w.json(&format!("{RUN} --out {{dir}}/o"), 0);
    assert_ne!(number(&free, "/replay/final_equity"), number(&here, "/replay/final_equity"));
    let long_only = w.json(&format!("{RUN} --shorting none --out {{dir}}/o"), 0);
    assert!(number(&long_only, "/replay/fills") < number(&here, "/replay/fills"));
    w.refused(&format!("{RUN} --shorting free"), &["--shorting free", "margin and funding"]);
}

#[test]
fn searches_run_at_this_venue() {
    let w = world();
    let rest = RUN.strip_prefix("verify -q").unwrap();
    let sweep = w.json(&format!("sweep -q {rest} --out {{dir}}/o"), 0);
    assert_eq!((&sweep["completed"], &sweep["failed"]), (&json!(2), &json!(0)));
    assert_eq!(sweep.pointer("/settings/venue/kind"), Some(&json!("perpetual")));
    let alone = w.json(&format!("{RUN} --set fast.period=2 --out {{dir}}/v"), 0);
    let best = sweep["pareto"].as_array().unwrap().iter().find(|set| set["index"] == 0).cloned();
    if let Some(set) = best {
        let returned = number(&alone, "/replay/total_return");
        assert!((number(&set, "/total_return") - returned).abs() < 1e-9, "a set is the run of its own");
    }
    let judged = w.q50(&format!(
        "overfit -q {rest} --train-days 5 --test-days 2 --step-days 2 --skip combinatorial --out {{dir}}/f"
    ));
    assert!(matches!(judged.code, 0 | 1) && judged.stdout.contains("walk_forward"), "{}", judged.stderr);
}

#[test]
fn what_is_not_recorded_is_refused_with_time_and_file() {
    let w = world();
    let with = |change: &[(&str, &str)]| change.iter().fold(RUN.to_owned(), |line, (from, to)| line.replace(from, to));
    w.refused(&with(&[("--funding {dir}/f.csv", "")]), &["needs the recorded rates of its funding", "--funding"]);
    w.refused(&with(&[("--tiers {dir}/t.json", "")]), &["needs the tiers", "--tiers"]);
    let all = funding(0.0001);
    let hole = all.replace(&format!("{},0.0001\n", 160 * HOUR_MS), "");
    w.write("f.csv", &hole);
    w.refused(RUN, &["f.csv", "1970-01-07T16:00:00Z", "no rate is recorded", "--from"]);
    w.write("f.csv", all);
    let marks = std::fs::read_to_string(w.path("m.csv")).unwrap();
    w.write(
        "m.csv",
        marks
            .lines()
            .filter(|line| !line.starts_with("720000000,"))
            .map(|line| format!("{line}\n"))
            .collect::<String>(),
    );
    w.refused(&format!("{RUN} --mark {{dir}}/m.csv"), &["m.csv", "1970-01-09T08:00:00Z", "no mark prices"]);
    w.write("t.json", r#"[{"above": 0, "rate": 0.004, "deduction": 0, "max_leverage": 10}]"#);
    w.refused(RUN, &["--leverage is 20", "t.json", "permits 10"]);
    w.write("t.json", r#"[{"above": 0, "rate": 0.004}]"#);
    w.refused(RUN, &["t.json", "deduction"]);
}

#[test]
fn what_has_no_meaning_is_refused() {
    let w = world();
    let next_open = "verify -q --bars {dir}/b.csv --strategy {dir}/s.yaml";
    w.refused(&format!("{next_open} --leverage 3"), &["--leverage", "without --venue perpetual"]);
    w.refused(&format!("{next_open} --venue pumpswap --funding x"), &["--funding", "without --venue perpetual"]);
    w.refused(&format!("{RUN} --pool-depth 5"), &["--pool-depth", "--venue perpetual"]);
    w.refused(&format!("{RUN} --fill-timing same-close"), &["same-close", "--venue perpetual"]);
    w.refused(&format!("{next_open} --venue perpetual --leverage 0.5"), &["1 or more"]);
    w.refused(&format!("{RUN} --funding-hours 5"), &["--funding-hours", "8, 12 or 24 hours"]);
    let around = format!("{CROSS}time_filters: {{avoid_around_funding: {{enabled: true}}}}\n");
    w.write("around.yaml", around);
    let four_hours = RUN.replace("s.yaml", "around.yaml").replace("--leverage", "--funding-hours 4 --leverage");
    w.write(
        "f4.csv",
        "ts_ms,rate\n".to_owned() + &(0..=100).map(|i| format!("{},0.0001\n", i * 4 * HOUR_MS)).collect::<String>(),
    );
    w.refused(
        &four_hours.replace("f.csv", "f4.csv"),
        &["avoid_around_funding", "every 8 hours", "--funding-hours is 4"],
    );
    let several = RUN.replace("--bars {dir}/b.csv", "--bars {dir}/b.csv --bars {dir}/m.csv");
    w.refused(&several, &["one record", "--bars"]);
    let bare = std::fs::read_to_string(w.path("b.csv")).unwrap();
    let bare: String = bare.lines().map(|line| format!("{}\n", line.rsplit_once(',').unwrap().0)).collect();
    w.write("b.csv", bare);
    w.refused(RUN, &["volume", "--slippage-coefficient 0"]);
    w.json(&format!("{RUN} --slippage-coefficient 0 --out {{dir}}/o"), 0);
}

#[test]
fn prices_that_move_without_volume_are_refused_because_no_stop_could_be_priced() {
    let w = world();
    let bars = std::fs::read_to_string(w.path("b.csv")).unwrap();
    let without = |(row, line): (usize, &str)| match row {
        101..=125 => format!("{},0\n", line.rsplit_once(',').unwrap().0),
        _ => format!("{line}\n"),
    };
    w.write("b.csv", bars.lines().enumerate().map(without).collect::<String>());
    // The twentieth bar without volume is the one in row 119.
    w.refused(&format!("{RUN} --out {{dir}}/o"), &["1970-01-05T23:00:00Z", "volume is 0", "--slippage-coefficient 0"]);
    w.json(&format!("{RUN} --slippage-coefficient 0 --out {{dir}}/o"), 0);
}

#[test]
fn orders_that_a_tier_refuses_are_told() {
    let w = world();
    w.write(
        "t.json",
        r#"[{"above": 0, "rate": 0.004, "deduction": 0, "max_leverage": 125},
            {"above": 5000, "rate": 0.005, "deduction": 5, "max_leverage": 10}]"#,
    );
    let told = w.q50(&format!("{RUN} --capital 10000 --out {{dir}}/o"));
    assert!(told.stdout.contains("No order was filled"), "{}", told.stdout);
    let summary: Value = serde_json::from_slice(&std::fs::read(w.path("o/summary.json")).unwrap()).unwrap();
    let refused = number(&summary, "/replay/perpetual/not_filled/leverage_of_tier");
    let sentence = format!("Orders that were not filled: {refused} leverage_of_tier");
    assert!(refused > 10.0 && told.stdout.contains(&sentence), "{}", told.stdout);
    assert!(std::fs::read_to_string(w.path("o/report.html")).unwrap().contains(&sentence));
}

#[test]
fn what_is_found_on_a_perpetual_future_is_what_verify_says_there() {
    let w = world();
    let venue = "--venue perpetual --leverage 5 --funding {dir}/f.csv --tiers {dir}/t.json --mark {dir}/m.csv";
    let line = "discover -q --bars {dir}/b.csv --population 8 --generations 3 --judged 2 --holdout 0.3 --out {dir}/o";
    let report = w.json(&format!("{line} {venue}"), 0);
    assert_eq!(report.pointer("/venue/kind"), Some(&json!("perpetual")));
    for candidate in report["candidates"].as_array().unwrap() {
        let file = candidate["file"].as_str().unwrap();
        let verify = "verify -q --bars {dir}/b.csv --to 1970-01-12T15:00:00Z --out {dir}/v";
        let replay = &w.json(&format!("{verify} {venue} --strategy {{dir}}/o/{file}"), 0)["replay"];
        for figure in ["total_return", "max_drawdown", "sharpe"] {
            let [found, verified] = [candidate, replay].map(|of| of[figure].as_f64().unwrap());
            assert!((found - verified).abs() <= 1e-9 * verified.abs().max(1.0), "{file} {figure}: {found} {verified}");
        }
    }
    // Funding is charged: without it the same strategies fare otherwise.
    w.write("f.csv", funding(0.0));
    let free = w.json(&format!("{line} {venue}"), 0);
    assert_ne!(free["candidates"], report["candidates"]);
    w.refused(line.replace("--population", "--venue perpetual --population").as_str(), &["--tiers FILE"]);
}
