//! `q50 validate` and `q50 verify --second-engine` as a user sees them.

#![cfg(feature = "nautilus")]
#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]

mod util;

use q50_datasets::frame::{Frame, Wanted};
use q50_testing::real;
use serde_json::Value;
use util::{Workspace, bars_csv};

/// Bought at 10 at the open of the second bar, sold at 11 at that of the fourth.
const FOUR_BARS: &str = "ts_ms,open,high,low,close,alpha\n0,10,10,10,10,0.9\n3600000,10,10,10,10,0.5\n\
                         7200000,12,12,12,12,0.1\n10800000,11,11,11,11,0.5\n";

/// The columns of NautilusTrader's own reports, less the first's random `event_id` and both's empty `info`.
const FILLS: [&str; 18] = [
    "client_order_id",
    "trader_id",
    "strategy_id",
    "instrument_id",
    "venue_order_id",
    "account_id",
    "trade_id",
    "position_id",
    "order_side",
    "order_type",
    "last_qty",
    "last_px",
    "currency",
    "liquidity_side",
    "commission",
    "ts_event",
    "ts_init",
    "reconciliation",
];

const NOT_TEXT: [&str; 5] = ["last_qty", "last_px", "ts_event", "ts_init", "reconciliation"];

fn numbers(pair: &Value) -> [f64; 2] {
    [0, 1].map(|i| pair[i].as_f64().unwrap())
}

/// The v1 record, by extra arguments.
fn on_the_record(w: &Workspace, arguments: &str) -> Value {
    let (bars, signals) = (real("claim/btcusdt_1h.parquet"), real("claim/q50_signals_v1_model_2024.parquet"));
    w.json(&format!("validate --bars {} --signals {} {arguments}", bars.display(), signals.display()), 0)
}

#[test]
fn without_arguments_it_compares_on_the_demonstration_and_says_so() {
    let w = Workspace::new();
    let outcome = w.q50("validate");
    assert_eq!(outcome.code, 0, "{}", outcome.stderr);
    assert!(outcome.stdout.starts_with("DEMONSTRATION"), "{}", outcome.stdout);
    assert!(outcome.stdout.contains("Both engines did the same."), "{}", outcome.stdout);
    assert_eq!(outcome.stderr, "", "the second engine keeps its log to itself");
    assert_eq!(w.listing(""), ["ledger"], "nothing is written without --out");
}

#[test]
fn the_object_keeps_its_contract() {
    let w = Workspace::new();
    let validation = w.json("validate --out {dir}/out", 0);
    assert_eq!(validation["schema"], "q50.validate/1");
    assert_eq!(validation["engine"], serde_json::json!({ "name": "nautilus_trader", "version": "0.57.0" }));
    assert_eq!((&validation["data"]["demonstration"], &validation["agrees"]), (&true.into(), &true.into()));
    let run = &validation["runs"][0];
    for path in ["/data/hash", "/data/bars", "/data/from", "/data/to", "/elapsed_ms"] {
        assert!(validation.pointer(path).is_some_and(|v| !v.is_null()), "{path} is missing");
    }
    for line in ["intents", "landings", "amounts", "rejections", "fills", "commissions", "equity", "account"] {
        assert!(run[line]["compared"].is_u64() && run[line]["differing"] == 0, "{line}: {}", run[line]);
    }
    assert_eq!(run["intents"]["compared"], validation["data"]["bars"]);
    assert!(run["max_equity_difference"].as_f64().unwrap() < 1e-6);
    assert_eq!((&run["agrees"], &run["differences"]), (&true.into(), &serde_json::json!([])));
    assert!(run.get("index").is_none() && run.get("degradation").is_none(), "those are finalists'");
    let [ours, theirs] = numbers(&run["sharpe"]);
    assert!((ours - theirs).abs() < 1e-9 && ours > 1.0, "{run}");
    let written: Value = serde_json::from_slice(&std::fs::read(w.path("out/validate.json")).unwrap()).unwrap();
    assert_eq!(written, validation);
    assert_eq!(w.listing("out"), ["fills.parquet", "positions.parquet", "validate.json"]);
}

#[test]
fn four_bars_by_hand() {
    let w = Workspace::new();
    w.write("b.csv", FOUR_BARS);
    let line = "validate --bars {dir}/b.csv --strategy threshold --signal-column alpha --cost-bps 0 --capital 1000";
    let validation = w.json(&format!("{line} --out {{dir}}/out"), 0);
    let run = &validation["runs"][0];
    assert_eq!(numbers(&run["final_equity"]), [1_100.0; 2]);
    assert_eq!((&run["landings"]["compared"], &validation["settings"]["latency_ms"]), (&2.into(), &0.into()));
    let late = w.json(&format!("{line} --latency 3600001"), 0);
    // A millisecond after the third bar opened: bought at 12, and the sale of the third bar's close finds no bar.
    assert_eq!(numbers(&late["runs"][0]["final_equity"]), [1_000.0 / 12.0 * 11.0; 2]);
    assert_eq!(late["runs"][0]["rejections"], serde_json::json!({ "compared": 1, "differing": 0 }));
    assert_eq!(late["settings"]["latency_ms"], 3_600_001);

    let wanted = Wanted {
        numbers: vec!["run", "last_qty", "last_px", "ts_event", "ts_init"],
        texts: FILLS.into_iter().filter(|name| !NOT_TEXT.contains(name)).collect(),
        ..Wanted::default()
    };
    let fills = Frame::read(&w.path("out/fills.parquet"), &wanted).unwrap();
    assert_eq!(fills.text("order_side").unwrap(), ["BUY", "SELL"]);
    assert_eq!(
        (fills.number("last_px").unwrap(), fills.number("last_qty").unwrap()),
        (&[10.0, 11.0][..], &[100.0; 2][..])
    );
    assert_eq!(fills.number("ts_event").unwrap(), [3.6e12, 10.8e12]);
    assert_eq!(fills.text("instrument_id").unwrap(), ["BASE/USDT.NEXTOPEN"; 2]);
    let wanted = Wanted {
        numbers: vec!["run", "peak_qty", "avg_px_open", "avg_px_close", "realized_pnl", "ts_closed", "duration_ns"],
        texts: vec!["entry", "side", "opening_order_id", "closing_order_id", "commissions"],
        ..Wanted::default()
    };
    let positions = Frame::read(&w.path("out/positions.parquet"), &wanted).unwrap();
    assert_eq!(
        (positions.text("entry").unwrap(), positions.text("side").unwrap()),
        (&["BUY".to_owned()][..], &["FLAT".to_owned()][..])
    );
    assert_eq!(positions.number("duration_ns").unwrap(), [7.2e12]);
    assert!((positions.number("realized_pnl").unwrap()[0] - 100.0).abs() < 1e-9, "NautilusTrader's own sum");
}

#[test]
#[ignore = "reads Q50_TEST_DATA"]
fn the_real_record_agrees_with_no_extra_arguments() {
    let w = Workspace::new();
    let validation = on_the_record(&w, "");
    assert_eq!((&validation["agrees"], &validation["data"]["bars"]), (&true.into(), &6_600.into()));
    let run = &validation["runs"][0];
    assert!(run["amounts"]["compared"].as_u64().unwrap() > 100, "{run}");
    let strategies = [("--strategy side", 0), ("--strategy side --latency retail", 200), ("--crossing keep", 0)];
    for (arguments, ms) in strategies {
        let validation = on_the_record(&w, arguments);
        assert_eq!((&validation["agrees"], &validation["settings"]["latency_ms"]), (&true.into(), &ms.into()));
    }
}

#[test]
#[ignore = "reads Q50_TEST_DATA"]
fn the_real_record_agrees_on_a_pool_to_the_lamport() {
    let w = Workspace::new();
    for (arguments, ms) in [
        ("", 400),
        ("--strategy side --failure-rate 0.1 --latency slots:3", 1_200),
        ("--impact-half-life 7200 --sandwich 0.2 --latency 5000", 5_000),
    ] {
        let pool = format!("--venue pumpswap --capital 10 --pool-depth 2000 {arguments}");
        let validation = on_the_record(&w, &pool);
        let run = &validation["runs"][0];
        assert_eq!((&run["agrees"], &validation["settings"]["latency_ms"]), (&true.into(), &ms.into()), "{run}");
        assert!(
            run["amounts"]["compared"].as_u64().unwrap() > 100 && run["max_equity_difference"].as_f64().unwrap() < 1e-9
        );
    }
}

#[test]
fn a_crossed_forecast_on_the_last_bar_is_no_end_of_the_signals() {
    let w = Workspace::new();
    let good = bars_csv(60);
    let last = good.lines().last().unwrap();
    let mut cells: Vec<&str> = last.split(',').collect();
    (cells[5], cells[7]) = ("0.1", "-0.1");
    w.write("b.csv", good.replace(last, &cells.join(",")));
    let validation = w.json("validate --bars {dir}/b.csv", 0);
    assert_eq!((&validation["data"]["bars"], &validation["agrees"]), (&60.into(), &true.into()));
}

#[test]
fn every_run_is_filed_and_a_finalist_elsewhere_is_not_counted_again() {
    let w = Workspace::new();
    w.write("b.csv", bars_csv(400));
    w.write("g.toml", "[grid]\n\"sizing.max_position\" = [0.3, 0.5]\n\"gate.min_expected_value\" = [0.0005, 0.001]\n");
    let filed = |line: &str| {
        assert_eq!(w.q50(line).code, 0, "{line}: {}", w.q50(line).stderr);
        let listing = w.json("trials list", 0);
        let scope = &listing["markets"][0];
        (scope["candidates"].as_u64().unwrap(), scope["probes"].as_u64().unwrap())
    };
    assert_eq!(filed("validate --bars {dir}/b.csv"), (1, 0));
    assert_eq!(filed("validate --bars {dir}/b.csv --latency 0"), (1, 0), "the venue's own latency is the same trial");
    assert_eq!(filed("validate --bars {dir}/b.csv --latency 5"), (1, 0), "another latency is no other hypothesis");
    let searched = filed("sweep --bars {dir}/b.csv --grid {dir}/g.toml --strategy q50 --out {dir}/s");
    assert_eq!(filed("validate --bars {dir}/b.csv --from-sweep {dir}/s --top 1"), searched, "the set's own trial");
    assert_eq!(filed("validate --bars {dir}/b.csv --from-sweep {dir}/s --top 1 --latency 9"), searched);
}

#[test]
fn finalists_of_a_search_are_validated_with_their_degradation() {
    let w = Workspace::new();
    w.write("g.toml", "[grid]\n\"sizing.max_position\" = [0.2, 0.4]\n\"gate.min_expected_value\" = [0.0005, 0.0006]\n");
    let search = w.json("sweep --grid {dir}/g.toml --strategy q50 --capital 10 --from 2024-01-01 --out {dir}/s", 0);
    let pareto = search["pareto"].as_array().unwrap();
    assert!(!pareto.is_empty(), "{search}");
    let line = "validate --from-sweep {dir}/s --top 2";
    let same = w.json(&format!("{line} --out {{dir}}/v"), 0);
    let runs = same["runs"].as_array().unwrap();
    assert_eq!(runs.len(), pareto.len().min(2));
    assert_eq!(same["data"]["from"], "2024-01-01T00:00:00Z", "the window is the search's own");
    for (run, finalist) in runs.iter().zip(pareto) {
        assert_eq!((&run["index"], &run["parameters"]), (&finalist["index"], &finalist["parameters"]));
        assert_eq!(run["sharpe_sweep"], finalist["sharpe"]);
        assert!(run["degradation"].as_f64().unwrap().abs() < 1e-9, "{run}");
        assert_eq!((&run["execution_sensitive"], &run["agrees"]), (&false.into(), &true.into()));
    }
    let fills = Frame::read(&w.path("v/fills.parquet"), &Wanted { numbers: vec!["run"], ..Wanted::default() }).unwrap();
    let expected: u64 = runs.iter().map(|run| run["fills"]["compared"].as_u64().unwrap()).sum();
    assert_eq!(fills.number("run").unwrap().len() as u64, expected);

    let pool = w.json(&format!("{line} --validate-venue pumpswap --pool-depth 20 --latency slots:2"), 0);
    assert_eq!((&pool["settings"]["run"]["venue"]["kind"], &pool["agrees"]), (&"pumpswap".into(), &true.into()));
    let run = &pool["runs"][0];
    let (searched, validated) = (run["sharpe_sweep"].as_f64().unwrap(), numbers(&run["sharpe"])[1]);
    assert!((run["degradation"].as_f64().unwrap() - (1.0 - validated / searched)).abs() < 1e-12);
    assert_eq!(run["execution_sensitive"], true, "10 SOL in a pool of 20: {run}");
    let told = w.q50(&format!("{line} --validate-venue pumpswap --pool-depth 20"));
    assert!(
        told.stdout.contains("EXECUTION SENSITIVE") && told.stdout.contains("Sharpe in the search"),
        "{}",
        told.stdout
    );
}

#[test]
fn what_cannot_be_compared_is_refused_and_nothing_is_written() {
    let w = Workspace::new();
    w.write("b.csv", bars_csv(60));
    w.write("other.csv", bars_csv(61));
    w.write("four.csv", FOUR_BARS);
    let bars: String =
        bars_csv(60).lines().map(|l| l.split(',').take(5).collect::<Vec<_>>().join(",") + "\n").collect();
    w.write("bars.csv", bars);
    let signals = |rows: usize| -> String {
        let column = |l: &str| {
            l.split(',').enumerate().filter(|(i, _)| !(1..5).contains(i)).map(|(_, c)| c.to_owned()).collect::<Vec<_>>()
        };
        bars_csv(60).lines().take(rows + 1).map(|l| column(l).join(",") + "\n").collect()
    };
    w.write("signals.csv", signals(40));
    let reserves = |missing: usize| -> String {
        let rows = (0..60)
            .filter(|row| *row != missing)
            .map(|row| format!("{},1000000000000,500000000000\n", row * 3_600_000));
        "ts_ms,base_reserve,quote_reserve\n".to_owned() + &rows.collect::<String>()
    };
    w.write("gap.csv", reserves(30));
    w.write("whole.csv", reserves(60));
    w.write("g.toml", "[grid]\n\"sizing.max_position\" = [0.3, 0.5]\n");
    w.write("short.toml", "[grid]\nallow_short = [true]\n");
    assert_eq!(w.q50("sweep --bars {dir}/b.csv --grid {dir}/g.toml --strategy q50 --out {dir}/s").code, 0);
    assert_eq!(w.q50("sweep --bars {dir}/b.csv --grid {dir}/short.toml --strategy q50 --out {dir}/short").code, 0);
    assert_eq!(
        w.q50("sweep --bars {dir}/b.csv --grid {dir}/g.toml --strategy q50 --min-trades 999 --out {dir}/none").code,
        0
    );
    std::fs::create_dir(w.path("empty")).unwrap();
    std::fs::create_dir(w.path("broken")).unwrap();
    w.write("broken/sweep.json", "{\"schema\": \"q50.sweep/1\"}");
    for (arguments, needles) in [
        ("--bars {dir}/b.csv --venue pumpswap --set allow_short=true", &["allow_short", "pumpswap"][..]),
        ("--bars {dir}/b.csv --venue pumpswap --set exits.trigger=intrabar", &["intrabar"]),
        (
            "--bars {dir}/bars.csv --signals {dir}/signals.csv --to 1970-01-03",
            &["signals end before the bars", "--to 1970-01-02T15:00:00Z"],
        ),
        ("--bars {dir}/b.csv --venue pumpswap --capital 1 --pool {dir}/gap.csv", &["gap.csv", "1970-01-02T06:00:00Z"]),
        ("--bars {dir}/b.csv --latency mars", &["--latency", "mars", "slots:N"]),
        ("--bars {dir}/b.csv --latency 5 --fill-timing same-close", &["--latency", "leave it out"]),
        ("--bars {dir}/b.csv --capital 1e11", &["capital", "10000000000"]),
        ("--bars {dir}/b.csv --strategy side", &["'side'", "--strategy q50"]),
        ("--bars {dir}/nowhere.csv", &["nowhere.csv"]),
        ("--bars {dir}/other.csv --from-sweep {dir}/s", &["s/sweep.json", "dataset", "--bars"]),
        ("--from-sweep {dir}/s", &["s/sweep.json", "dataset"]),
        ("--bars {dir}/b.csv --from-sweep {dir}/empty", &["empty/sweep.json", "q50 sweep --out"]),
        ("--bars {dir}/b.csv --from-sweep {dir}/nowhere", &["nowhere/sweep.json", "q50 sweep --out"]),
        ("--bars {dir}/b.csv --from-sweep {dir}/broken", &["broken/sweep.json", "run q50 sweep again"]),
        ("--bars {dir}/b.csv --from-sweep {dir}/none", &["none/sweep.json", "no finalists"]),
        ("--bars {dir}/b.csv --from-sweep {dir}/s --to 1970-01-02", &["to_ms"]),
        ("--bars {dir}/b.csv --from-sweep {dir}/s --crossing keep", &["crossing", "\"hold\""]),
        ("--bars {dir}/b.csv --from-sweep {dir}/s --cost-bps 1", &["--cost-bps", "--validate-venue"]),
        ("--bars {dir}/b.csv --from-sweep {dir}/s --sandwich 0.5", &["--sandwich", "--validate-venue"]),
        ("--bars {dir}/b.csv --from-sweep {dir}/s --strategy side", &["--strategy", "--from-sweep"]),
        ("--bars {dir}/b.csv --from-sweep {dir}/short --validate-venue pumpswap", &["set 0", "allow_short"]),
        ("--bars {dir}/b.csv --from-sweep {dir}/s --top 0", &["--top"]),
        ("--bars {dir}/b.csv --top 3", &["--from-sweep"]),
        ("--bars {dir}/b.csv --validate-venue pumpswap", &["--from-sweep"]),
    ] {
        w.refused(&format!("validate {arguments} --out {{dir}}/out"), needles);
        assert!(w.listing("out").is_empty(), "`{arguments}` left {:?}", w.listing("out"));
    }
    let whole = "validate --bars {dir}/b.csv --venue pumpswap --capital 1 --pool {dir}/whole.csv";
    assert_eq!(w.json(whole, 0)["agrees"], true, "without the gap it runs");
}

#[test]
fn a_verdict_asks_the_second_engine_only_where_it_was_told_to() {
    let w = Workspace::new();
    let without = w.json("verify --out {dir}/a", 0);
    let with = w.json("verify --second-engine --out {dir}/b --expect confirmed", 0);
    let checks = |summary: &Value| summary["checks"].as_array().unwrap().clone();
    let (without, with) = (checks(&without), checks(&with));
    assert_eq!((without.len(), with.len()), (10, 11));
    assert_eq!(with[..10], without[..], "the ten stay as they are");
    let check = &with[10];
    assert_eq!((&check["name"], &check["state"]), (&"second_engine".into(), &"pass".into()));
    assert_eq!((&check["value"], &check["threshold"]), (&0.0.into(), &0.0.into()));
    assert!(check["evidence"].as_str().unwrap().starts_with("NautilusTrader 0.57.0: 26280 decisions"), "{check}");
    let page = std::fs::read_to_string(w.path("b/report.html")).unwrap();
    assert!(page.contains("data-check=\"second_engine\""));
}

#[test]
#[ignore = "reads Q50_TEST_DATA"]
fn the_claim_on_the_real_record_keeps_its_verdict_with_a_second_engine() {
    let (bars, signals) = (real("claim/btcusdt_1h.parquet"), real("claim/q50_signals_v1_model_2024.parquet"));
    let w = Workspace::new();
    let line = format!("verify --claim q50-1327 --bars {} --signals {}", bars.display(), signals.display());
    let (alone, asked) = (w.json(&line, 0), w.json(&format!("{line} --second-engine"), 0));
    assert_eq!((&asked["verdict"], &asked["checks"][10]["state"]), (&alone["verdict"], &"pass".into()));
    let message = w.q50(&format!("{line} --second-engine --to 2024-12-31 --out {{dir}}/late"));
    assert_eq!(message.code, 2, "{}", message.stdout);
    assert!(message.stderr.contains("--to 2024-09-30T23:00:00Z") && w.listing("late").is_empty(), "{}", message.stderr);
}
