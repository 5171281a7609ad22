//! Results of other tools, judged as a user does it.

#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]

mod util;

use serde_json::Value;
use util::Workspace;

fn near(value: &Value, expected: f64) {
    let found = value.as_f64().unwrap_or_else(|| panic!("{value} is no number, expected {expected}"));
    assert!((found - expected).abs() <= 1e-9 * expected.abs().max(1.0), "{found} is not {expected}");
}

fn check<'a>(summary: &'a Value, name: &str) -> &'a Value {
    let checks = summary["checks"].as_array().unwrap();
    checks.iter().find(|check| check["name"] == name).unwrap()
}

const RETURNS: &str = "date,strategy\n2024-01-01,\n2024-01-02,0.1\n2024-01-03,-0.05\n2024-01-04,0.02\n";
const EQUITY: &str = "date,equity\n2024-01-02,110\n2024-01-03,104.5\n2024-01-04,106.59\n";

/// Three returns, 10 %, -5 % and 2 %: their mean is 0.07 / 3, and the squares of the distances from it add up to
/// 0.0129 - 0.0049 / 3 = 0.01126667, so that the variance is 0.00563333.
fn by_hand(summary: &Value, capital: f64) {
    let (mean, variance) = (0.07 / 3.0, (0.0129 - 0.0049 / 3.0) / 2.0_f64);
    let replay = &summary["replay"];
    near(&replay["sharpe"], mean / variance.sqrt() * 365_f64.sqrt());
    near(&replay["total_return"], 1.1 * 0.95 * 1.02 - 1.0);
    near(&replay["final_equity"], capital * 1.1 * 0.95 * 1.02);
    near(&replay["max_drawdown"], 0.05);
    assert_eq!(replay["bars"], 3);
    for unknown in ["fills", "fees", "exposure", "turnover", "rejections", "spread_cost"] {
        assert_eq!(replay[unknown], Value::Null, "{unknown} is not known from equity");
    }
}

#[test]
fn returns_are_judged_as_worked_by_hand() {
    let w = Workspace::new();
    w.write("r.csv", RETURNS);
    let summary = w.json("verify --returns {dir}/r.csv --out {dir}/out", 0);
    by_hand(&summary, 1.0);
    assert_eq!(summary["settings"]["periods_per_year"], 365.0);
    assert_eq!(summary["benchmark"]["name"], "none");
    for (name, reason) in [
        ("data_sound", "no bars"),
        ("causal", "not replayed"),
        ("beats_holding", "--bars"),
        ("survives_costs", "--trades"),
        ("robust", "no settings"),
    ] {
        let check = check(&summary, name);
        assert_eq!((check["state"].as_str(), check["value"].is_null()), (Some("not_run"), true), "{check}");
        assert!(check["evidence"].as_str().unwrap().contains(reason), "{check}");
    }
    assert_eq!(summary["conditions"][0]["name"], "result_origin");
    assert_eq!(
        w.listing("out"),
        ["decisions.parquet", "equity.parquet", "fills.parquet", "report.html", "summary.json"]
    );
}

#[test]
fn equity_is_judged_as_worked_by_hand() {
    let w = Workspace::new();
    w.write("e.csv", EQUITY);
    by_hand(&w.json("verify --equity {dir}/e.csv --capital 100", 0), 100.0);
    // Without capital the first value is it: one return of nothing instead of 10 %.
    let summary = w.json("verify --equity {dir}/e.csv", 0);
    near(&summary["replay"]["total_return"], 106.59 / 110.0 - 1.0);
}

#[test]
fn daily_returns_are_held_against_hourly_bars_by_their_days() {
    let w = Workspace::new();
    w.write("r.csv", RETURNS);
    // Days that close at 100 (before), 110, 99 and 108.9.
    let mut bars = String::from("datetime,open,high,low,close\n");
    for (day, close) in [(1, 100), (2, 110), (3, 99)] {
        for hour in 0..24 {
            bars += &format!("2024-01-0{day} {hour:02}:00:00,{close},{close},{close},{close}\n");
        }
    }
    for hour in 0..24 {
        bars += &format!("2024-01-04 {hour:02}:00:00,99,108.9,99,108.9\n");
    }
    w.write("b.csv", bars);
    let summary = w.json("verify --returns {dir}/r.csv --bars {dir}/b.csv", 0);
    by_hand(&summary, 1.0);
    assert_eq!(summary["data"]["bars"], 72, "those of the three days");
    let held = &summary["benchmark"];
    assert_eq!(held["name"], "buy_and_hold");
    near(&held["total_return"], 1.1 * 0.9 * 1.1 - 1.0);
    near(&held["max_drawdown"], 0.1);
    assert_eq!(check(&summary, "data_sound")["state"], "pass");
}

#[test]
fn another_benchmark_takes_the_place_of_holding() {
    let w = Workspace::new();
    w.write("r.csv", RETURNS);
    let bars: String = (1..=4).map(|day| format!("2024-01-0{day},1,2,1,{}\n", 1.0 + 0.2 * f64::from(day))).collect();
    w.write("b.csv", format!("date,open,high,low,close\n{bars}"));
    let summary = w.json("verify --returns {dir}/r.csv --benchmark {dir}/b.csv", 0);
    assert_eq!(summary["benchmark"]["name"], "benchmark");
    // From the close of the first day, 1.2, to that of the last.
    near(&summary["benchmark"]["total_return"], 1.8 / 1.2 - 1.0);
    // A steady gain of 0.2 % a day beats an index that falls, and not one that rises as much with less risk.
    w.write("r.csv", returns(200, |_| true));
    for (slope, noise, state) in [(-0.4, 0.1, "pass"), (0.4, 0.01, "fail")] {
        let row = |day: u32| {
            let price = 200.0 + slope * f64::from(day) + noise * f64::from(day * day % 17);
            format!("{},{price},{price},{price},{price}\n", date(day))
        };
        w.write("b.csv", format!("date,open,high,low,close\n{}", (0..200).map(row).collect::<String>()));
        let summary = w.json("verify --returns {dir}/r.csv --benchmark {dir}/b.csv", 0);
        assert_eq!(check(&summary, "beats_holding")["state"], state, "{}", check(&summary, "beats_holding"));
    }
    w.refused("verify --benchmark {dir}/b.csv", &["--benchmark", "no meaning"]);
}

#[test]
fn every_judged_result_is_a_trial_and_the_same_one_is_the_same_trial() {
    let w = Workspace::new();
    w.write("r.csv", RETURNS);
    w.write("s.csv", RETURNS.replace("0.1\n", "0.2\n"));
    let bars: String =
        (1..=4).map(|day| format!("2024-01-0{day},1,{0},1,{0}\n", 1.0 + 0.1 * f64::from(day % 3))).collect();
    w.write("b.csv", format!("date,open,high,low,close\n{bars}"));
    let trials = |file: &str| {
        w.json(&format!("verify --returns {{dir}}/{file} --bars {{dir}}/b.csv"), 0)["inference"]["trials"].clone()
    };
    assert_eq!([trials("r.csv"), trials("r.csv"), trials("s.csv")], [1, 1, 2]);
    let admitted = w.json("verify --returns {dir}/r.csv --bars {dir}/b.csv --trials 40", 0);
    assert_eq!(admitted["inference"]["trials"], 40);
}

#[test]
fn what_is_no_result_is_refused_with_the_reason() {
    let w = Workspace::new();
    w.write("r.csv", RETURNS);
    w.write("e.csv", EQUITY);
    w.write("n.csv", "0.01\n-0.02\n0.03\n");
    w.write("b.csv", "date,open,high,low,close\n2023-01-01,1,1,1,1\n2023-01-02,1,1,1,1\n");
    for (line, needles) in [
        ("verify --returns {dir}/e.csv", ["fractions", "--equity"]),
        ("verify --equity {dir}/r.csv", ["above zero", "--returns"]),
        ("verify --returns {dir}/n.csv", ["n.csv", "without times"]),
        ("verify --returns {dir}/r.csv --bars {dir}/b.csv", ["2024-01-02", "whole period"]),
        ("verify --returns {dir}/r.csv --equity {dir}/e.csv", ["--returns", "--equity"]),
        ("verify --returns {dir}/r.csv --strategy side", ["--returns", "--strategy"]),
        ("verify --time-zone UTC", ["--time-zone", "no meaning"]),
        ("verify --returns {dir}/r.csv --time-zone Moon", ["--time-zone", "Europe/Berlin"]),
    ] {
        w.refused(&format!("{line} --out {{dir}}/out"), &needles);
    }
    assert!(w.listing("out").is_empty());
}

#[test]
fn a_result_is_confirmed_on_a_condition_only() {
    let w = Workspace::new();
    let day = |i: u32| q50_datasets::time::rfc3339(1_704_067_200_000 + i64::from(i) * 86_400_000)[..10].to_owned();
    let steady: String =
        (0..400).map(|i| format!("{},{}\n", day(i), if i % 3 == 0 { -0.004 } else { 0.005 })).collect();
    w.write("r.csv", format!("date,r\n{steady}"));
    let outcome = w.q50("verify --returns {dir}/r.csv --expect confirmed");
    assert_eq!(outcome.code, 1, "{}{}", outcome.stdout, outcome.stderr);
    assert!(outcome.stderr.contains("--accept result_origin"), "{}", outcome.stderr);
    assert!(outcome.stdout.contains("confirmed, on a condition"), "{}", outcome.stdout);
    assert_eq!(w.q50("verify --returns {dir}/r.csv --expect confirmed --accept result_origin").code, 0);
    let losing = steady.replace("0.005", "0.001");
    w.write("l.csv", format!("date,r\n{losing}"));
    assert_eq!(w.json("verify --returns {dir}/l.csv", 0)["verdict"], "refuted");
}

/// Sixty days whose returns are -5.9 %, -5.7 % .. 5.9 % in some order, and a market that moves twice as much.
#[test]
fn a_tear_sheet_has_years_tails_and_the_benchmark_as_worked_by_hand() {
    let w = Workspace::new();
    let (mut returns, mut bars) = ("date,strategy\n".to_owned(), "date,open,high,low,close\n".to_owned());
    let mut price = 100.0;
    bars += "2023-11-30,100,100,100,100\n";
    let days = (1..=31).map(|day| format!("2023-12-{day:02}")).chain((1..=29).map(|day| format!("2024-01-{day:02}")));
    for (row, day) in days.enumerate() {
        let change = ((row * 37 % 60) as f64 - 29.5) / 500.0;
        let close = price * (1.0 + 2.0 * change);
        returns += &format!("{day},{change}\n");
        bars += &format!("{day},{price},{},{},{close}\n", close.max(price), close.min(price));
        price = close;
    }
    w.write("r.csv", returns);
    w.write("b.csv", bars);
    w.json("verify --returns {dir}/r.csv --bars {dir}/b.csv --out {dir}/out", 0);
    let page = std::fs::read_to_string(w.path("out/report.html")).unwrap();
    let row = |name: &str| {
        let cell = page.split(&format!(">{name}</th>")).nth(1).unwrap_or_else(|| panic!("no {name}"));
        cell.split("</td>").next().unwrap().split('>').nth(1).unwrap().replace('\u{a0}', "").replace('\u{2212}', "-")
    };
    for (name, value) in [
        ("Best bar", "5.90%"),
        ("Worst bar", "-5.90%"),
        ("Bars that gained, of those that moved", "50.00%"),
        // Place 0.05 * 59 = 2.95: between -5.5 and -5.3; below it are -5.9, -5.7 and -5.5.
        ("Value at risk: one bar in twenty is worse", "-5.31%"),
        ("Expected shortfall: the mean of those", "-5.70%"),
        ("Correlation with the benchmark", "1.000"),
        ("Beta to the benchmark", "0.500"),
        ("Alpha a year beside it", "0.00%"),
    ] {
        assert_eq!(row(name), value, "{name}");
    }
    let december: f64 = (0..31).map(|row| 1.0 + ((row * 37 % 60) as f64 - 29.5) / 500.0).product();
    assert_eq!(row("2023"), format!("{:.2}%", (december - 1.0) * 100.0));
    assert!(row("2024").ends_with('%'));
    for picture in ["Rolling volatility, 30 days", "Distribution of returns", "Monthly returns"] {
        assert!(page.contains(&format!("<h3>{picture}</h3>")), "{picture}");
    }
    assert!(!page.contains("<h2>Trades</h2>"), "equity alone tells of no trades");
}

#[test]
fn a_tear_sheet_without_a_benchmark_says_why_there_is_no_beta() {
    let w = Workspace::new();
    w.write("r.csv", RETURNS);
    w.json("verify --returns {dir}/r.csv --out {dir}/out", 0);
    let page = std::fs::read_to_string(w.path("out/report.html")).unwrap();
    assert!(page.contains("there is no benchmark: give --bars"));
    assert!(page.contains("where at least 40 are needed"), "three days have no tail");
}

fn date(day: u32) -> String {
    q50_datasets::time::rfc3339(1_704_067_200_000 + i64::from(day) * 86_400_000)[..10].to_owned()
}

/// Returns of the days from Monday, 1 January 2024, that `keep` leaves.
fn returns(days: u32, keep: impl Fn(u32) -> bool) -> String {
    let row = |day: u32| format!("{},{}\n", date(day), if day.is_multiple_of(3) { -0.004 } else { 0.005 });
    format!("date,r\n{}", (0..days).filter(|day| keep(*day)).map(row).collect::<String>())
}

fn daily_bars(days: u32) -> String {
    let row = |day: u32| {
        let price = 100.0 + f64::from(day * day % 17);
        format!("{},{price},{price},{price},{price}\n", date(day))
    };
    format!("date,open,high,low,close\n{}", (0..days).map(row).collect::<String>())
}

#[test]
fn the_columns_of_a_file_are_trials() {
    let w = Workspace::new();
    let rows: String = (0..30).map(|day| format!("{},{1},{1},{1}\n", date(day), 100 + day * day % 7)).collect();
    w.write("grid.csv", format!("date,slow,fast,other\n{rows}"));
    let summary = w.json("verify --equity {dir}/grid.csv --column fast", 0);
    assert_eq!((&summary["inference"]["trials"], &summary["tool"]["alternatives"]), (&3.into(), &3.into()));
    let evidence = check(&summary, "deflated")["evidence"].as_str().unwrap();
    assert!(evidence.contains("the file holds 3 to choose from"), "{evidence}");
    // What stands beside a column of the usual name is no other run.
    w.write("one.csv", format!("date,equity,exposure,cash\n{rows}"));
    let summary = w.json("verify --equity {dir}/one.csv --column equity --ledger {dir}/other.sqlite", 0);
    assert_eq!((&summary["inference"]["trials"], &summary["tool"]["alternatives"]), (&1.into(), &Value::Null));
}

#[test]
fn days_taken_out_of_a_result_are_missing() {
    let w = Workspace::new();
    // Every tenth of 100 days, which is 9 of them between the first and the last.
    w.write("r.csv", returns(99, |day| day % 10 != 9));
    w.write("b.csv", daily_bars(99));
    for bars in ["", "--bars {dir}/b.csv"] {
        let summary = w.json(&format!("verify --returns {{dir}}/r.csv {bars}"), 0);
        let sound = check(&summary, "data_sound");
        assert_eq!(sound["state"], "fail", "{sound}");
        near(&sound["value"], 9.0 / 99.0);
        assert!(sound["evidence"].as_str().unwrap().contains("the result has 90 rows and lacks 9"), "{sound}");
        assert_ne!(summary["verdict"], "confirmed");
    }
    w.write("whole.csv", returns(99, |_| true));
    let whole = w.json("verify --returns {dir}/whole.csv --bars {dir}/b.csv", 0);
    assert_eq!(check(&whole, "data_sound")["state"], "pass", "{}", check(&whole, "data_sound"));
}

/// 52 weeks of five days, from a Monday to a Friday: 260 days in 362.
#[test]
fn a_record_of_weekdays_has_a_year_of_its_own() {
    let w = Workspace::new();
    w.write("r.csv", returns(364, |day| day % 7 < 5));
    let summary = w.json("verify --returns {dir}/r.csv", 0);
    near(&summary["settings"]["periods_per_year"], 260.0 * 365.0 / 362.0);
    let notes = summary["tool"]["notes"].to_string();
    assert!(notes.contains("262.2 periods a year, the record's own"), "{notes}");
    let sound = check(&summary, "data_sound")["evidence"].as_str().unwrap();
    assert!(sound.contains("lacks 0"), "{sound}");
    let typed = w.json("verify --returns {dir}/r.csv --periods-per-year 252", 0);
    assert_eq!(typed["settings"]["periods_per_year"], 252.0);
    let of = |summary: &Value| summary["replay"]["sharpe"].as_f64().unwrap();
    near(&typed["replay"]["sharpe"], of(&summary) * (252.0 * 362.0 / 365.0 / 260.0_f64).sqrt());
    w.refused("verify --returns {dir}/r.csv --periods-per-year 300", &["--periods-per-year", "262.2"]);
}

/// Holding itself, read at the end of each month and each week as pandas labels them, is no better or worse than holding.
#[test]
fn rows_by_their_last_day_are_held_against_their_own_period() {
    let w = Workspace::new();
    w.write("b.csv", daily_bars(182));
    let close = |day: u32| 100.0 + f64::from(day * day % 17);
    let row = |day: u32| format!("{},{}\n", date(day), close(day));
    // 31 January to 30 June 2024; and the Sundays.
    let months: String = [30, 59, 90, 120, 151, 181].map(row).concat();
    let weeks: String = (0..26).map(|week| row(7 * week + 6)).collect();
    for (rows, year) in [(months, 12.0), (weeks, 365.0 / 7.0)] {
        w.write("e.csv", format!("date,equity\n{rows}"));
        let summary = w.json("verify --equity {dir}/e.csv --bars {dir}/b.csv --capital 100", 0);
        near(&summary["settings"]["periods_per_year"], year);
        for figure in ["sharpe", "total_return", "max_drawdown"] {
            near(&summary["benchmark"][figure], summary["replay"][figure].as_f64().unwrap());
        }
        assert!(summary["tool"]["notes"].to_string().contains("by their last day"), "{}", summary["tool"]);
    }
}

#[test]
fn a_capital_that_the_equity_does_not_begin_with_is_refused() {
    let w = Workspace::new();
    let rows: String = (0..40).map(|day| format!("{},{}\n", date(day), 10_000 + 20 * (day % 3))).collect();
    w.write("e.csv", format!("date,equity\n{rows}"));
    w.refused("verify --equity {dir}/e.csv --capital 9000", &["10000", "9000", "11.11 %", "leave --capital out"]);
    w.json("verify --equity {dir}/e.csv --capital 10010", 0);
}
