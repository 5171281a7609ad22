//! Several records under one account, as a user sees it.

#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]

mod util;

use std::collections::BTreeMap;

use q50_datasets::frame::{Frame, Wanted};
use q50_testing::real;
use serde_json::Value;
use util::{Outcome, Workspace, bars_csv};

const HOUR: i64 = 3_600_000;

/// Bars that open and close at one price, with a signal each.
fn flat_bars(bars: &[(f64, f64)]) -> String {
    let mut text = String::from("ts_ms,open,high,low,close,alpha\n");
    for (at, (price, alpha)) in (0_i64..).zip(bars) {
        text += &format!("{},{price},{price},{price},{price},{alpha}\n", at * HOUR);
    }
    text
}

/// A column of a Parquet file that the command wrote.
fn texts(w: &Workspace, file: &str, name: &'static str) -> Vec<String> {
    let wanted = Wanted { texts: vec![name], ..Wanted::default() };
    Frame::read(&w.path(file), &wanted).unwrap().text(name).unwrap().to_vec()
}

fn numbers(w: &Workspace, file: &str, name: &'static str) -> Vec<f64> {
    let wanted = Wanted { numbers: vec![name], ..Wanted::default() };
    Frame::read(&w.path(file), &wanted).unwrap().number(name).unwrap().to_vec()
}

fn succeeds(outcome: &Outcome) {
    assert_eq!(outcome.code, 0, "{}\n{}", outcome.stdout, outcome.stderr);
}

/// Two instruments whose trades compete for the cash: both buy at the first close for all of it, and the first gets it.
fn competing(w: &Workspace) {
    w.write("a.csv", flat_bars(&[(100.0, 1.0), (100.0, 1.0), (110.0, 0.0), (120.0, 0.0)]));
    w.write("b.csv", flat_bars(&[(50.0, 1.0), (50.0, 1.0), (50.0, 1.0), (60.0, 1.0)]));
}

const COMPETING: &str = "--strategy threshold --signal-column alpha --capital 1000 --cost-bps 0";

#[test]
fn two_records_are_traded_under_one_account_and_told_in_sum_and_each() {
    let w = Workspace::new();
    competing(&w);
    let line = format!("verify --bars {{dir}}/a.csv --bars {{dir}}/b.csv {COMPETING} --out {{dir}}/out");
    let summary = w.json(&line, 0);
    // All of the 1,000 in the first at 100; sold at 120 for 1,200. The second had no cash, and nothing to buy at the end.
    assert_eq!(summary["replay"]["final_equity"], 1_200.0);
    let instruments = summary["instruments"].as_array().unwrap();
    let of = |name: &str| instruments.iter().map(|one| one[name].clone()).collect::<Vec<Value>>();
    assert_eq!(of("name"), ["a", "b"]);
    assert_eq!((of("gain"), of("fills")), (vec![200.0.into(), 0.0.into()], vec![2.into(), 0.into()]));
    assert_eq!(of("rejections"), [0, 4]);
    // The mean of 110/100 and 50/50, then of 120/100 and 60/50.
    assert_eq!(numbers(&w, "out/equity.parquet", "equity"), [1_000.0, 1_000.0, 1_100.0, 1_200.0]);
    let holding = numbers(&w, "out/equity.parquet", "buy_and_hold");
    assert!(
        holding.iter().zip([1.0, 1.0, 1.05, 1.2]).all(|(found, by_hand)| (found - by_hand).abs() < 1e-12),
        "{holding:?}"
    );
    assert_eq!(texts(&w, "out/fills.parquet", "instrument"), ["a", "a"]);
    let decided = texts(&w, "out/decisions.parquet", "instrument");
    assert_eq!(decided.iter().filter(|name| *name == "b").count(), 4, "one decision a bar: {decided:?}");

    let page = std::fs::read_to_string(w.path("out/report.html")).unwrap();
    assert!(page.contains("<h2>Instruments</h2>") && page.contains("The line is the basket"));
    assert!(page.contains("the counts add up to the 8 bars replayed"), "four of each");
    let said = w.q50(&line.replace("{dir}/out", "{dir}/text"));
    succeeds(&said);
    assert!(said.stdout.contains("instrument"), "{}", said.stdout);
}

#[test]
fn limits_of_the_account_hold_over_all_records_and_the_report_says_what_they_did() {
    let w = Workspace::new();
    competing(&w);
    let line = format!("verify --bars {{dir}}/a.csv --bars {{dir}}/b.csv {COMPETING} --set size=0.4");
    let replayed = |limits: &str, out: &str| w.json(&format!("{line} {limits} --out {{dir}}/{out}"), 0);
    let fills = |out: &str| {
        let file = format!("{out}/fills.parquet");
        let instruments = texts(&w, &file, "instrument");
        instruments.into_iter().zip(numbers(&w, &file, "units")).collect::<Vec<(String, f64)>>()
    };
    let told = |summary: &Value| summary["replay"]["limits"].clone();
    let of = |name: &str, units: f64| (name.to_owned(), units);

    // Without limits 400 of each: 4 at 100 and 8 at 50; the first is sold at 120.
    let free = replayed("", "free");
    assert_eq!((fills("free"), told(&free)), (vec![of("a", 4.0), of("b", 8.0), of("a", 4.0)], Value::Null));
    assert!(free["settings"]["run"]["strategy"]["risk"].is_null(), "trials on record have no such section");
    // Of 500 there are 100 left for the second: 2 at 50.
    let line_of = "--set risk.total_exposure=0.5";
    let total = replayed(line_of, "total");
    assert_eq!(fills("total")[..2], [of("a", 4.0), of("b", 2.0)]);
    assert_eq!(told(&total), serde_json::json!({ "total_exposure": { "refused": 0, "cut": 1 } }));
    assert_eq!(total["settings"]["run"]["strategy"]["risk"]["total_exposure"], 0.5);
    let page = std::fs::read_to_string(w.path("total/report.html")).unwrap();
    assert!(page.contains("Entries at risk.total_exposure") && page.contains("0 refused, 1 cut"));
    let said = w.q50(&format!("{line} {line_of} --out {{dir}}/text"));
    assert!(said.stdout.contains("Of the entries risk.total_exposure refused 0 and cut 1"), "{}", said.stdout);
    // One at a time. The second asks at every close, and has its turn at the open at which the first is sold: 0.4 of the 600
    // that were there when it asked.
    let one = replayed("--set risk.max_positions=1", "one");
    assert_eq!(fills("one"), [of("a", 4.0), of("a", 4.0), of("b", 4.0)]);
    assert_eq!(told(&one), serde_json::json!({ "max_positions": { "refused": 2, "cut": 0 } }));
    let wrong = w.q50(&format!("{line} --set risk.total_exposure=50"));
    assert_eq!(wrong.code, 2);
    assert!(wrong.stderr.contains("risk.total_exposure = 50: expected a finite number above 0 and at most 1"));
}

#[test]
fn a_folder_is_its_records_by_name_and_the_order_of_instruments_is_that_of_the_options() {
    let w = Workspace::new();
    std::fs::create_dir(w.path("records")).unwrap();
    competing(&w);
    for name in ["a.csv", "b.csv"] {
        std::fs::copy(w.path(name), w.path("records").join(name)).unwrap();
    }
    let judged = |bars: &str, out: &str| w.json(&format!("verify {bars} {COMPETING} --out {{dir}}/{out}"), 0);
    let listed = judged("--bars {dir}/a.csv --bars {dir}/b.csv", "listed");
    let folder = judged("--bars {dir}/records", "folder");
    assert_eq!(folder["run_id"], listed["run_id"]);
    let turned = judged("--bars {dir}/b.csv --bars {dir}/a.csv", "turned");
    // The second is bought at 50 and never sold: 60 at the end.
    assert_eq!(
        (turned["replay"]["fills"].clone(), turned["replay"]["final_equity"].clone()),
        (1.into(), 1_200.0.into())
    );
    assert_ne!(turned["run_id"], listed["run_id"]);
}

#[test]
fn a_sweep_of_several_records_files_what_verify_replays() {
    let w = Workspace::new();
    w.write("a.csv", bars_csv(400));
    w.write("b.csv", bars_csv(380));
    w.write("grid.toml", "[grid]\n\"gate.min_tier\" = [0, 1]\n");
    let bars = "--bars {dir}/a.csv --bars {dir}/b.csv --capital 1000";
    for threads in [1, 2] {
        succeeds(&w.q50(&format!(
            "sweep --grid {{dir}}/grid.toml {bars} --threads {threads} --out {{dir}}/sweep{threads} --ledger {{dir}}/l{threads}"
        )));
    }
    let table = |threads: u8| std::fs::read(w.path(&format!("sweep{threads}/results.parquet"))).unwrap();
    assert!(table(1) == table(2), "the same bytes for any number of threads");
    let sharpes = numbers(&w, "sweep1/results.parquet", "sharpe");
    let returns = numbers(&w, "sweep1/results.parquet", "total_return");
    for (index, tier) in [0, 1].into_iter().enumerate() {
        let summary =
            w.json(&format!("verify {bars} --set gate.min_tier={tier} --out {{dir}}/v{tier} --ledger {{dir}}/lv"), 0);
        assert_eq!(summary["replay"]["total_return"].as_f64().unwrap(), returns[index]);
        let sharpe = summary["replay"]["sharpe"].as_f64().unwrap();
        assert!((sharpe - sharpes[index]).abs() < 1e-9 * sharpe.abs(), "{sharpe} {}", sharpes[index]);
        assert!(summary["replay"]["fills"].as_u64().unwrap() > 4, "it trades");
        let causal = &summary["checks"][1];
        assert_eq!((causal["name"].clone(), causal["state"].clone()), ("causal".into(), "pass".into()), "{causal}");
    }
}

#[test]
fn what_is_no_portfolio_is_refused() {
    let w = Workspace::new();
    competing(&w);
    w.write("minutes.csv", flat_bars(&[(1.0, 1.0), (1.0, 1.0)]).replace("3600000", "60000"));
    w.write("grid.toml", "[grid]\nentry = [0.5, 0.6]\n");
    let two = format!("--bars {{dir}}/a.csv --bars {{dir}}/b.csv {COMPETING}");
    let out = "--out {dir}/out";
    w.refused(
        &format!("verify --bars {{dir}}/a.csv --bars {{dir}}/minutes.csv {COMPETING} {out}"),
        &["--bars", "3600000", "60000 ms", "one length"],
    );
    w.refused(
        &format!("verify {two} --signals {{dir}}/a.csv {out}"),
        &["--signals was given 1 times for 2 records", "one for each"],
    );
    w.refused(&format!("overfit --grid {{dir}}/grid.toml {two} {out}"), &["q50 overfit takes one record, and 2"]);
    w.refused(&format!("verify {two} --producer true {out}"), &["--producer takes one record"]);
    w.refused(
        &format!("verify {two} --set size=0.5 --bars {{dir}}/a.csv {out}"),
        &["two of the records hold the same bars", "give each market once"],
    );
    w.write("shorts.csv", "ts_ms,open,high,low,close,side\n0,1,1,1,1,1\n3600000,2,2,2,2,0\n");
    w.write("shorts2.csv", "ts_ms,open,high,low,close,side\n0,2,2,2,2,1\n3600000,1,1,1,1,0\n");
    w.refused(
        &format!(
            "verify --bars {{dir}}/shorts.csv --bars {{dir}}/shorts2.csv --strategy side --set allow_short=true {out}"
        ),
        &["allow_short = true has no meaning for several records", "give one record"],
    );
    std::fs::create_dir(w.path("empty")).unwrap();
    w.refused(&format!("verify --bars {{dir}}/empty {COMPETING} {out}"), &["an empty folder"]);
    assert!(!w.path("out").join("summary.json").exists());
}

/// The price of a walk that repeats nothing, at a bar.
fn walk(seed: u64, at: usize) -> f64 {
    // SplitMix64's mixing (Steele et al. 2014), a step for each bar.
    let step = |n: usize| {
        let mut z = seed.wrapping_add((n as u64 + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15));
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((z ^ (z >> 31)) >> 11) as f64 / (1_u64 << 53) as f64 - 0.5
    };
    100.0 * (0..=at).map(|n| 0.01 * step(n)).sum::<f64>().exp()
}

/// A thousand hours of a walk, some left out; the signal never changes.
fn hours(seed: u64, keep: impl Fn(usize) -> bool, alpha: f64) -> String {
    let mut text = String::from("ts_ms,open,high,low,close,alpha\n");
    for at in (0..1_000).filter(|at| keep(*at)) {
        let price = walk(seed, at);
        text += &format!("{},{price},{price},{price},{price},{alpha}\n", at as i64 * HOUR);
    }
    text
}

fn check<'a>(summary: &'a Value, name: &str) -> &'a Value {
    summary["checks"].as_array().unwrap().iter().find(|check| check["name"] == name).unwrap()
}

#[test]
fn sound_records_beside_it_do_not_make_a_broken_one_sound() {
    let w = Workspace::new();
    w.write("gap.csv", hours(0, |at| !(400..480).contains(&at), 1.0));
    let mut line = String::from("verify --bars {dir}/gap.csv");
    for n in 0..9 {
        w.write(&format!("q{n}.csv"), hours(n + 1, |_| true, 0.0));
        line += &format!(" --bars {{dir}}/q{n}.csv");
    }
    let summary = w.json(&format!("{line} --strategy threshold --signal-column alpha --out {{dir}}/out"), 0);
    let sound = check(&summary, "data_sound");
    // 80 of 1,000 bars are missing, and 80 of 10,000 of all.
    assert_eq!((sound["state"].as_str(), sound["value"].as_f64()), (Some("fail"), Some(0.08)), "{sound}");
    let conditions = summary["conditions"].as_array().unwrap();
    let untraded = conditions.iter().find(|condition| condition["name"] == "untraded_instruments").unwrap();
    let text = untraded["text"].as_str().unwrap();
    assert!(
        text.contains("9 of 10 instruments were never or hardly traded (q0, q1") && untraded["accepted"] == false,
        "{text}"
    );
}

#[test]
fn reserves_of_another_market_are_noticed_in_a_portfolio() {
    let w = Workspace::new();
    for (name, seed) in [("a", 1), ("b", 2)] {
        w.write(&format!("{name}.csv"), hours(seed, |_| true, 1.0));
        let mut pool = String::from("ts_ms,base_reserve,quote_reserve\n");
        for at in 0..1_000 {
            let quote = (walk(seed, at) * 1e9) as i64;
            pool += &format!("{},1000000000,{quote}\n", at as i64 * HOUR);
        }
        w.write(&format!("{name}_pool.csv"), pool);
    }
    let with = |pools: [&str; 2]| {
        let [first, second] = pools.map(|pool| format!("--pool {{dir}}/{pool}_pool.csv"));
        let summary = w.json(
            &format!(
                "verify --bars {{dir}}/a.csv --bars {{dir}}/b.csv {first} {second} --venue pumpswap --capital 1 \
                 --strategy threshold --signal-column alpha --out {{dir}}/out"
            ),
            0,
        );
        check(&summary, "data_sound").clone()
    };
    assert_eq!(with(["a", "b"])["state"], "pass");
    let swapped = with(["b", "a"]);
    assert_eq!(swapped["state"], "fail", "{swapped}");
    assert!(swapped["evidence"].as_str().unwrap().contains("those of another market"), "{swapped}");
}

#[test]
fn instruments_have_the_names_that_they_are_given_and_files_go_to_them_by_name() {
    let w = Workspace::new();
    competing(&w);
    w.write("of_b.csv", "ts_ms,alpha\n0,0\n3600000,1\n7200000,1\n10800000,1\n");
    let line = |signals: &str| {
        format!("verify --bars x.1=a.csv --bars y=b.csv {signals} {COMPETING} --signal-delay 0 --out {{dir}}/out")
    };
    let summary = w.json(&line("--signals y=of_b.csv"), 0);
    let instruments = summary["instruments"].as_array().unwrap();
    assert_eq!((&instruments[0]["name"], &instruments[1]["name"]), (&"x.1".into(), &"y".into()));
    assert_eq!(instruments[0]["fills"], 2, "x.1 has the signals of its own bars: {instruments:?}");
    assert!(instruments[1]["rejections"].as_u64().unwrap() > 0, "y has those of the file: {instruments:?}");
    let by_order = w.json(&line("--signals a.csv --signals of_b.csv").replace("x.1=", "").replace("y=", ""), 0);
    assert_eq!(by_order["run_id"], summary["run_id"], "a name is no part of the run");
    w.refused(&line("--signals z=of_b.csv"), &["--signals z=... belongs to no record", "--bars z=PATH"]);
    w.refused(&line("--signals y=a.csv --signals y=of_b.csv"), &["--signals y=... was given twice"]);
    w.refused(&line("--signals a.csv --signals y=of_b.csv"), &["--signals a.csv has no name"]);
    w.refused(&line("").replace("y=", "x.1="), &["--bars x.1=... was given twice", "its own name"]);
    w.refused(&line("").replace("y=", ""), &["1 of 2 --bars have no name"]);
    w.refused(&line("").replace("y=", "="), &["expected PATH, or NAME=PATH"]);
}

#[test]
fn a_folder_that_earlier_runs_lie_in_is_read_again() {
    let w = Workspace::new();
    std::fs::create_dir(w.path("records")).unwrap();
    competing(&w);
    for name in ["a.csv", "b.csv"] {
        std::fs::copy(w.path(name), w.path("records").join(name)).unwrap();
    }
    let line = format!("verify --bars {{dir}}/records {COMPETING} --out {{dir}}/records/q50-verify");
    let first = w.json(&line, 0);
    assert_eq!(w.json(&line, 0)["run_id"], first["run_id"]);
    w.write("records/notes.txt", "no record");
    w.refused(&line, &["records: a folder of records", "notes.txt"]);
}

#[test]
fn a_portfolio_has_campaigns_and_imports() {
    let w = Workspace::new();
    w.write("a.csv", hours(1, |_| true, 1.0));
    w.write("b.csv", hours(2, |_| true, 1.0));
    w.write("runs.csv", "id,sharpe\nR1,1.5\nR2,0.5\n");
    let bars = "--bars {dir}/a.csv --bars {dir}/b.csv";
    succeeds(&w.q50(&format!("trials campaign carry --idea words {bars}")));
    w.refused(&format!("trials campaign carry --idea again {bars}"), &["has a campaign 'carry'"]);
    succeeds(&w.q50(&format!("trials import {{dir}}/runs.csv {bars} --signal-column alpha")));
    // Another stretch of the same instruments is the same portfolio, and the basket of it another record.
    let line = format!(
        "verify {bars} --from 1970-01-03 --strategy threshold --signal-column alpha --campaign carry --out {{dir}}/out"
    );
    let summary = w.json(&line, 0);
    assert_eq!(summary["campaign"]["name"], "carry", "{}", summary["campaign"]);
    w.refused(&line.replace("b.csv", "a.csv").replacen("--bars {dir}/a.csv", "", 1), &["has no campaign 'carry'"]);
}

#[test]
fn one_pool_under_two_names_is_refused() {
    let w = Workspace::new();
    w.write("a.csv", hours(1, |_| true, 1.0));
    // The same market in other units, one bar shorter.
    w.write("b.csv", hours(1, |at| at > 0, 0.5));
    let run = "--venue pumpswap --capital 1 --strategy threshold --signal-column alpha --out {dir}/out";
    let two = "verify --bars {dir}/a.csv --bars {dir}/b.csv";
    w.refused(
        &format!("{two} {run}"),
        &["two of the records are of one market", "depth twice", "give each market once"],
    );
    let mut pool = String::from("ts_ms,base_reserve,quote_reserve\n");
    for at in 0..1_000 {
        pool += &format!("{},1000000000,{}\n", at as i64 * HOUR, (walk(1, at) * 1e9) as i64);
    }
    w.write("pool.csv", pool);
    w.refused(&format!("{two} --pool {{dir}}/pool.csv --pool {{dir}}/pool.csv {run}"), &["--pool: the same reserves"]);
}

/// Open, high, low and close of one pool by time.
type Bars = BTreeMap<i64, [f64; 4]>;

/// The ten pools of the record with most bars, each a file.
fn ten_pools(w: &Workspace) -> Vec<String> {
    let wanted = Wanted {
        time: true,
        numbers: vec!["open", "high", "low", "close"],
        texts: vec!["pool_id"],
        ..Wanted::default()
    };
    let frame = Frame::read(&real("pools/pools_ohlcv_1h.parquet"), &wanted).unwrap();
    let prices = ["open", "high", "low", "close"].map(|name| frame.number(name).unwrap());
    let mut pools: BTreeMap<&String, Bars> = BTreeMap::new();
    for (row, (time, pool)) in frame.time().iter().zip(frame.text("pool_id").unwrap()).enumerate() {
        pools.entry(pool).or_default().insert(*time, prices.map(|price| price[row]));
    }
    let mut pools: Vec<(&String, Bars)> = pools.into_iter().collect();
    pools.sort_by_key(|(name, bars)| (usize::MAX - bars.len(), (*name).clone()));
    let write = |(name, bars): &(&String, Bars)| {
        let mut text = String::from("ts_ms,open,high,low,close\n");
        for (time, [open, high, low, close]) in bars {
            text += &format!("{time},{open:e},{high:e},{low:e},{close:e}\n");
        }
        let file = format!("{name}.csv");
        w.write(&file, text);
        file
    };
    pools[..10].iter().map(write).collect()
}

#[test]
#[ignore = "reads Q50_TEST_DATA"]
fn ten_real_pools_are_one_portfolio() {
    let w = Workspace::new();
    let bars: String = ten_pools(&w).iter().map(|file| format!(" --bars {{dir}}/{file}")).collect();
    let summary = w.json(
        &format!(
            "verify{bars} --strategy threshold --signal-column close --set entry=0 --set exit=-1 --set size=0.1 \
                  --venue pumpswap --pool-depth 500 --capital 10 --out {{dir}}/out"
        ),
        0,
    );
    let instruments = summary["instruments"].as_array().unwrap();
    let sum = |name: &str| instruments.iter().map(|one| one[name].as_f64().unwrap()).sum::<f64>();
    assert_eq!(instruments.len(), 10);
    assert_eq!(sum("fills"), 10.0, "each is bought once: {instruments:?}");
    let gain = summary["replay"]["final_equity"].as_f64().unwrap() - 10.0;
    assert!((sum("gain") - gain).abs() < 1e-8, "{} {gain}", sum("gain"));
}
