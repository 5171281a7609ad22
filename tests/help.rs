//! What `--help` promises.

#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]

mod util;

use std::{collections::BTreeSet, process::Command};

use q50_engine::strategy::sizing::Method;
use q50_testing::real;
use util::{Workspace, bars_csv};

/// Examples that need what a test has not got: a part of the line, and why.
const NEEDS_MORE: [(&str, &str); 14] = [
    ("solana account ADDRESS", "an address, a network and another program"),
    ("--producer", "a program of the user's own"),
    ("trials forget 12", "an import of the user's own that is entry 12"),
    ("--cluster", "a chain with this coin, and a key"),
    ("--bars session", "a session"),
    ("q50 compare", "a session"),
    ("q50 promote", "a run that is confirmed on a pool, and a key"),
    ("q50 doctor", "a chain, and a key"),
    ("q50-cluster", "another program"),
    ("--url-env", "a PostgreSQL server"),
    ("q50 kill", "a journal of trading"),
    ("q50 resume", "a journal of trading"),
    ("data watch", "the API of GeckoTerminal"),
    ("watch.sqlite", "a collection"),
];

/// Commands of the feature `live`.
const LIVE: [&str; 11] =
    ["localnet", "chain", "collect", "promote", "doctor", "live", "compare", "positions", "kill", "resume", "close"];

/// The words of every command: `["data", "synth"]`.
fn commands(w: &Workspace, above: &[String]) -> Vec<Vec<String>> {
    let help = w.words(&[above, &["-h".to_owned()]].concat());
    assert_eq!(help.code, 0, "{above:?}: {}", help.stderr);
    let listed = help.stdout.split("Commands:\n").nth(1).unwrap_or_default();
    let names = listed.lines().take_while(|line| !line.is_empty()).filter(|line| !line.starts_with("   "));
    let names = names.filter_map(|line| line.split_whitespace().next()).filter(|name| *name != "help");
    let below: Vec<Vec<String>> = names.map(|name| [above, &[name.to_owned()]].concat()).collect();
    let deeper = below.iter().flat_map(|command| commands(w, command));
    deeper.chain(below.iter().cloned()).chain(above.is_empty().then(Vec::new)).collect()
}

/// A folder with every file that the examples name.
fn stocked() -> Workspace {
    let w = Workspace::new();
    for (name, record) in [
        ("btcusdt_1h.parquet", "claim/btcusdt_1h.parquet"),
        ("bars.parquet", "claim/btcusdt_1h.parquet"),
        ("signals.parquet", "claim/q50_signals_v1_model_2024.parquet"),
        ("q50.parquet", "claim/q50_signals_v1_model_2024.parquet"),
        ("s.parquet", "claim/q50_signals_v1_model_2024.parquet"),
        ("trades.parquet", "claim/published_trades_ledger.parquet"),
        ("published_runs.csv", "claim/published_runs.csv"),
        ("recorded_swaps.json", "chain/recorded_swaps.json"),
        ("accounts.json", "chain/accounts.json"),
        ("pool_trades.parquet", "pools/pool_trades.parquet"),
        ("scenarios.json", "perp/scenarios.json"),
        ("exports", "ingest/geckoterminal"),
        ("gecko_data.db", "ingest/geckoterminal/gecko_data.db"),
    ] {
        std::os::unix::fs::symlink(real(record), w.path(name)).unwrap();
    }
    // Two years of hours that have a column `alpha` among others. The content decides what a file is, not its name.
    let alpha = |(row, line): (usize, &str)| {
        if row == 0 { format!("{line},alpha\n") } else { format!("{line},{}\n", (row / 9) % 2) }
    };
    let year_2023 = 1_672_531_200_000_i64;
    let bars: String = bars_csv(17_520).lines().enumerate().map(alpha).collect();
    let moved = bars.lines().enumerate().map(|(row, line)| match line.split_once(',') {
        Some((ms, rest)) if row > 0 => format!("{},{rest}\n", ms.parse::<i64>().unwrap() + year_2023),
        _ => format!("{line}\n"),
    });
    w.write("b.parquet", moved.collect::<String>());
    w.write("grid.toml", "[grid]\n\"sizing.max_position\" = [0.5, 1.0]\n");
    w.write("threshold.toml", "[grid]\nentry = [0.6, 0.9]\n");
    let numbers = |row: usize| ((row * 7919 % 101) as f64 / 101.0 - 0.48) / 100.0;
    let column =
        |name: &str| format!("{name}\n{}", (0..500).map(|row| format!("{}\n", numbers(row))).collect::<String>());
    for (name, title) in [("returns.csv", "r"), ("r.csv", "r"), ("r.parquet", "strategy")] {
        w.write(name, column(title));
    }
    let days = (1..=31).map(|day| format!("2024-01-{day:02},{}\n", numbers(day)));
    w.write("daily.csv", format!("date,strategy\n{}", days.collect::<String>()));
    w.write(
        "trades.csv",
        "Order Id,Column,Timestamp,Size,Price,Fees,Side\n0,close,2023-01-01 01:00:00,10,100.6,1,Buy\n\
         1,close,2023-01-01 09:00:00,10,104.4,1,Sell\n",
    );
    let matrix = (0..500).map(|row| format!("{},{},{}\n", numbers(row), numbers(row + 1), numbers(3 * row)));
    let matrix = format!("a,b,holding\n{}", matrix.collect::<String>());
    for name in ["returns_of_all_sets.parquet", "returns_of_all_sets.csv", "m.parquet"] {
        w.write(name, &matrix);
    }
    w.write(
        "swaps.jsonl",
        r#"{"op":"buy","amount":"1000","base_reserve":"10000","quote_vault":"10000","supply":"10000","base":"1000"}"#,
    );
    w.write("pools.toml", "[[pool]]\nbase_reserve = 206900000000000\nquote_reserve = 84990359078\n");
    // A day of minutes as data.binance.vision publishes it, alone and in its folders, and what becomes of it.
    let minute = |n: i64| {
        let open = 1_704_067_200_000 + n * 60_000;
        format!("{open},100,{},99,100.5,1,{},100,3,0.5,50,0\n", 101 + n % 5, open + 59_999)
    };
    let day: String = (0..1_440).map(minute).collect();
    let folder = "data/futures/um/daily/klines/BTCUSDT/1m";
    std::fs::create_dir_all(w.path(folder)).unwrap();
    w.write("BTCUSDT-1m-2024-01-01.csv", &day);
    w.write(&format!("{folder}/BTCUSDT-1m-2024-01-01.csv"), &day);
    w.json("data ingest binance {dir}/data --out {dir}/binance", 0);
    w.write("mine.yaml", w.q50("strategy new ema_cross").stdout);
    let gene = |threshold: i32| {
        let measure = r#""indicator": "RSI", "params": {"period": 14}, "output": "value""#;
        format!(r#"[{{{measure}, "op": "crosses_above", "threshold": {threshold}}}]"#)
    };
    let rest = r#""ma_entry": [], "ma_exit": [], "stop_pct": 2, "target_pct": 4"#;
    let head = r#""name": "found", "timeframe": "1h", "direction": "long""#;
    w.write("genome.json", format!(r#"{{{head}, "entry": {}, "exit": {}, {rest}}}"#, gene(30), gene(70)));
    w.write("found.yaml", w.q50("strategy genome {dir}/genome.json").stdout);
    let with_volume = |(row, line): (usize, &str)| format!("{line},{}\n", if row == 0 { "volume" } else { "900" });
    w.write("perp.parquet", bars_csv(400).lines().enumerate().map(with_volume).collect::<String>());
    let settlements = (0..=50).map(|i| format!("{},0.0001\n", i * 28_800_000_i64));
    w.write("funding.csv", format!("ts_ms,rate\n{}", settlements.collect::<String>()));
    w.write("tiers.json", r#"[{"above": 0, "rate": 0.004, "deduction": 0, "max_leverage": 125}]"#);
    w.write("faults.toml", "[[fault]]\nkind = \"dropped\"\nshare = 0.2\n");
    w.write("reserves.parquet", "ts_ms,base_reserve,quote_reserve\n0,100000000,100000000\n1000,99000000,101010101\n");
    // A ledger that has been used, and the folder that its run wrote: examples name both.
    w.json("verify -q --out {dir}/q50-verify", 0);
    w
}

#[test]
#[ignore = "reads Q50_TEST_DATA"]
fn every_example_of_the_help_runs() {
    let w = stocked();
    let q50 = std::path::Path::new(env!("CARGO_BIN_EXE_q50")).parent().unwrap();
    let path = format!("{}:{}", q50.display(), std::env::var("PATH").unwrap());
    let mut ran = BTreeSet::new();
    for command in commands(&w, &[]) {
        let missing = (command.first().is_some_and(|name| name == "validate") && !cfg!(feature = "nautilus"))
            || (command.first().is_some_and(|name| LIVE.contains(&name.as_str())) && !cfg!(feature = "live"))
            || (command.last().is_some_and(|name| name == "query") && !cfg!(feature = "query"));
        if missing {
            continue;
        }
        let help = Command::new(env!("CARGO_BIN_EXE_q50")).args(&command).arg("-h").env("COLUMNS", "1000").output();
        let help = String::from_utf8(help.unwrap().stdout).unwrap();
        let examples = help.split("Example").nth(1).unwrap_or_default();
        for line in examples.lines().skip(1).take_while(|line| line.starts_with("  ")) {
            if NEEDS_MORE.iter().any(|(part, _)| line.contains(part)) {
                continue;
            }
            if !ran.insert(line.trim().to_owned()) {
                continue;
            }
            // Words behind three blanks say what the example does.
            let line = line.trim().split("   ").next().unwrap();
            let line =
                if line.contains("threshold") { line.replace("grid.toml", "threshold.toml") } else { line.to_owned() };
            // It serves until it is asked to end.
            let line = line.replace("q50 localnet", "timeout --preserve-status --signal INT 5 q50 localnet --port 0");
            let output = Command::new("sh")
                .args(["-c", &line])
                .current_dir(w.path(""))
                .env("PATH", &path)
                .env("Q50_DATA_DIR", w.path("ledger"))
                .output()
                .unwrap();
            let said = String::from_utf8_lossy(&output.stderr);
            assert!(matches!(output.status.code(), Some(0 | 1)) && !output.stdout.is_empty(), "{line}\n{said}");
        }
    }
    assert!(ran.len() >= 25, "{ran:?}");
}

#[test]
fn every_sizing_method_is_listed_and_accepted() {
    let w = Workspace::new();
    w.write("b.csv", bars_csv(60));
    let help = w.q50("verify --help").stdout;
    for method in Method::ALL {
        let line = help.lines().find(|line| line.split_whitespace().next() == Some(method.name()));
        assert!(line.is_some_and(|line| line.len() > 40), "{} is not explained", method.name());
        let out = format!("verify -q --bars {{dir}}/b.csv --set sizing.method={} --out {{dir}}/o", method.name());
        let outcome = w.q50(&out);
        assert!(!outcome.stderr.contains("sizing.method"), "{}", outcome.stderr);
    }
}

#[test]
fn a_negative_number_is_a_value_and_no_option() {
    let w = Workspace::new();
    for (line, expected) in [
        ("verify --cost-bps -5", "from 0 to below 10000"),
        ("verify --capital -5", "above 0"),
        ("stats --returns r.csv --periods-per-year -5", "above 0"),
        ("sweep --grid g.toml --min-profit-factor -5", "0 or more"),
    ] {
        w.refused(line, &["'-5'", expected]);
    }
}

#[cfg(not(feature = "query"))]
#[test]
fn a_build_without_sql_says_how_to_get_it() {
    Workspace::new().refused("data query SELECT", &["without SQL", "cargo build --release --features query"]);
}

#[test]
fn the_same_thing_is_not_said_twice() {
    let w = Workspace::new();
    w.write("r.json", "[1,2,");
    w.write(
        "ledger.sqlite",
        "no database, but long enough to have the header of one: 0123456789 0123456789 0123456789",
    );
    for (line, once) in [
        ("verify --bars {dir}/none.csv", "No such file"),
        ("stats --returns {dir}/r.json --periods-per-year 5", "EOF while parsing"),
        ("verify --ledger {dir}/ledger.sqlite", "not a database"),
    ] {
        let said = w.q50(line).stderr;
        assert_eq!(said.matches(once).count(), 1, "{said}");
    }
}
