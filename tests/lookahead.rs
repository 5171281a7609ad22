//! `q50 lookahead` and `q50 verify --producer` as a user sees them.
//!
//! This program is the tests, and the producer that they examine: `produce RECIPE FORM BARS OUT` reads bars and writes
//! signals.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a panic is how a test fails")]

mod util;

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
    time::{Duration, Instant},
};

use libtest_mimic::{Arguments, Trial};
use nix::{sys::signal::Signal, unistd::Pid};
use q50_datasets::{
    Bars,
    frame::Frame,
    input::Input,
    synth::SynthConfig,
    write::{Column, write_parquet},
};
use q50_research::lookahead::planted::Recipe;
use util::Workspace;

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().collect();
    if let [_, produce, recipe, form, bars, out] = words.as_slice()
        && produce == "produce"
    {
        return producer(recipe, form, Path::new(bars), Path::new(out));
    }
    let tests: [(&str, fn()); 10] = [
        ("every_kind_of_foresight_is_found_and_no_honest_producer_is", every_kind_of_foresight_is_found),
        ("a_file_that_its_producer_does_not_make_is_a_finding_of_its_own", a_file_of_another_making),
        ("a_producer_that_copies_its_file_is_found", a_producer_that_copies_its_file),
        ("a_producer_that_does_not_repeat_itself_is_found", a_producer_that_does_not_repeat_itself),
        ("a_producer_that_remembers_its_last_run_is_found", a_producer_that_remembers),
        ("a_signal_stamped_when_it_was_known_is_compared_up_to_the_close", stamps_of_the_moment),
        ("the_producer_is_given_the_columns_of_the_bars_up_to_the_cut", columns_of_the_bars),
        ("a_producer_that_does_not_do_its_work_is_exit_2_and_leaves_nothing", producers_that_fail),
        ("a_stopped_examination_leaves_no_process_and_no_file", a_stopped_examination),
        ("verify_runs_the_producer_and_drops_the_condition", verify_with_a_producer),
    ];
    let run = |test: fn()| {
        move || {
            test();
            Ok(())
        }
    };
    let trials = tests.map(|(name, test)| Trial::test(name, run(test))).into();
    libtest_mimic::run(&Arguments::from_args(), trials).exit_code()
}

/// Signals from bars, as somebody's program makes them.
fn producer(recipe: &str, form: &str, bars: &Path, out: &Path) -> ExitCode {
    let bars = Bars::read(bars).unwrap();
    let (name, memory) = recipe.split_once('@').unwrap_or((recipe, ""));
    let mut values = match name {
        // Fresh in every process.
        "random" => {
            use std::hash::{BuildHasher, RandomState};
            bars.close.iter().map(|close| close * (RandomState::new().hash_one(1) % 7 + 1) as f64).collect()
        }
        _ => Recipe::named(name).unwrap().signal(&bars.close),
    };
    if !memory.is_empty() {
        values = remembered(&values, Path::new(memory));
    }
    write(out, &bars.open_time, &values, form);
    ExitCode::SUCCESS
}

/// What the longest run so far said, where there was a longer one.
fn remembered(values: &[f64], memory: &Path) -> Vec<f64> {
    let known: Vec<f64> = std::fs::read(memory).map_or_else(|_| Vec::new(), |b| serde_json::from_slice(&b).unwrap());
    if known.len() > values.len() {
        return known[..values.len()].to_vec();
    }
    let finite: Vec<f64> = values.iter().map(|v| if v.is_nan() { 0.0 } else { *v }).collect();
    std::fs::write(memory, serde_json::to_vec(&finite).unwrap()).unwrap();
    finite
}

fn write(out: &Path, stamps: &[i64], values: &[f64], form: &str) {
    let known = |value: &f64| !value.is_nan();
    let side: Vec<Option<i64>> = values.iter().map(|v| known(v).then(|| i64::from(*v > 0.0))).collect();
    let closes: Vec<i64> = stamps.iter().map(|open| open + 3_600_000).collect();
    match form {
        "side" => write_parquet(out, &[("ts_ms", Column::I64(stamps)), ("side", Column::OptionI64(&side))]),
        "at_close" => write_parquet(out, &[("ts_ms", Column::I64(&closes)), ("side", Column::OptionI64(&side))]),
        _ => write_parquet(out, &[("ts_ms", Column::I64(stamps)), (form, Column::F64(values))]),
    }
    .unwrap();
}

/// A workspace with 1,500 generated bars.
fn with_bars() -> (Workspace, Bars) {
    let w = Workspace::new();
    let bars = SynthConfig { bars: 1_500, ..SynthConfig::default() }.generate().unwrap().bars;
    write_parquet(&w.path("bars.parquet"), &columns(&bars)).unwrap();
    std::fs::create_dir(w.path("tmp")).unwrap();
    (w, bars)
}

fn columns(bars: &Bars) -> Vec<(&str, Column<'_>)> {
    let prices = [("open", &bars.open), ("high", &bars.high), ("low", &bars.low), ("close", &bars.close)];
    let prices = prices.map(|(name, values)| (name, Column::F64(values)));
    [("ts_ms", Column::I64(&bars.open_time))].into_iter().chain(prices).collect()
}

/// This program as a producer.
fn command(recipe: &str, form: &str) -> String {
    format!("'{}' produce {recipe} {form} {{bars}} {{out}}", std::env::current_exe().unwrap().display())
}

/// `q50` with the producer's command as one word.
fn q50(w: &Workspace, producer: &str, line: &str) -> util::Outcome {
    let dir = w.path("").display().to_string();
    let (name, rest) = line.split_once(' ').unwrap();
    let mut words = vec![name.to_owned(), "--producer".to_owned(), producer.to_owned()];
    words.extend(rest.split_whitespace().map(|word| word.replace("{dir}/", &dir)));
    w.words(&words)
}

fn lookahead(w: &Workspace, producer: &str, line: &str, code: i32) -> serde_json::Value {
    let outcome = q50(w, producer, &format!("lookahead --bars {{dir}}/bars.parquet {line} --format json"));
    assert_eq!(outcome.code, code, "{producer}\n{}\n{}", outcome.stdout, outcome.stderr);
    serde_json::from_str(&outcome.stdout).unwrap()
}

fn every_kind_of_foresight_is_found() {
    let (w, bars) = with_bars();
    for (name, recipe) in Recipe::ALL {
        // A file's only column needs no name.
        for form in ["side", "alpha"] {
            write(&w.path("s.parquet"), &bars.open_time, &recipe.signal(&bars.close), form);
            let line = "--signals {dir}/s.parquet --cuts 10";
            let found = lookahead(&w, &command(name, form), line, i32::from(!recipe.is_honest()));
            assert_eq!(found["cuts"], 10);
            assert_eq!(found["changed"].as_u64().unwrap() > 0, !recipe.is_honest(), "{name} {form}: {found}");
            assert_eq!(found["first"].is_null(), recipe.is_honest(), "{found}");
            assert_eq!(
                (&found["file"]["differing"], &found["repeats"], &found["reads_bars"]),
                (&0.into(), &true.into(), &true.into())
            );
        }
    }
    // Every cut shows a look ahead of 24 bars where the signal is a number, and how far it reaches.
    write(&w.path("s.parquet"), &bars.open_time, &Recipe::Ahead(24).signal(&bars.close), "alpha");
    let line = "--signals {dir}/s.parquet --signal-column alpha";
    let found = lookahead(&w, &command("24_bars_ahead", "alpha"), line, 1);
    assert_eq!((&found["cuts"], &found["changed"], &found["reach_bars"]), (&20.into(), &20.into(), &24.into()));
    assert_eq!(w.listing("tmp"), Vec::<String>::new());
}

fn a_file_of_another_making() {
    let (w, bars) = with_bars();
    let mut values = Recipe::Momentum(24).signal(&bars.close);
    values[700] *= 1.0 + 2e-9;
    write(&w.path("s.parquet"), &bars.open_time, &values, "alpha");
    let line = "--signals {dir}/s.parquet --signal-column alpha --cuts 3";
    let found = lookahead(&w, &command("honest_momentum", "alpha"), line, 1);
    assert_eq!((&found["changed"], &found["file"]["differing"]), (&0.into(), &1.into()));
    assert_eq!(found["file"]["first"], "2022-01-30T04:00:00Z", "700 hours after the first bar");

    // Signals that were dropped from the file are as telling as other ones.
    let kept: Vec<usize> = (0..values.len()).filter(|row| row % 10 != 5).collect();
    let stamps: Vec<i64> = kept.iter().map(|&row| bars.open_time[row]).collect();
    let honest = Recipe::Momentum(24).signal(&bars.close);
    write(&w.path("s.parquet"), &stamps, &kept.iter().map(|&row| honest[row]).collect::<Vec<_>>(), "alpha");
    let found = lookahead(&w, &command("honest_momentum", "alpha"), line, 1);
    assert_eq!(found["file"]["differing"], 148, "150 were dropped, two of them before the first value");
    let outcome =
        q50(&w, &command("honest_momentum", "alpha"), &format!("lookahead --bars {{dir}}/bars.parquet {line}"));
    assert!(outcome.stdout.contains("the file is not what the producer makes"), "{}", outcome.stdout);
}

fn a_producer_that_copies_its_file() {
    let (w, bars) = with_bars();
    write(&w.path("s.parquet"), &bars.open_time, &Recipe::Ahead(24).signal(&bars.close), "side");
    let copy = format!("sh -c 'cp {} {{out}}' {{bars}}", w.path("s.parquet").display());
    let found = lookahead(&w, &copy, "--signals {dir}/s.parquet --cuts 5", 1);
    assert_eq!((&found["changed"], &found["reads_bars"]), (&0.into(), &false.into()));
    let line = "verify --bars {dir}/bars.parquet --signals {dir}/s.parquet --strategy side --cuts 3 --format json";
    let outcome = q50(&w, &copy, line);
    let summary: serde_json::Value = serde_json::from_str(&outcome.stdout).unwrap();
    assert_eq!(
        (&summary["checks"][10]["name"], &summary["checks"][10]["state"]),
        (&"lookahead".into(), &"not_run".into())
    );
    assert_eq!(summary["conditions"][0]["name"], "signals_origin", "nothing was shown, so that it stays");
}

fn a_producer_that_does_not_repeat_itself() {
    let (w, bars) = with_bars();
    write(&w.path("s.parquet"), &bars.open_time, &bars.close, "alpha");
    let line = "--signals {dir}/s.parquet --signal-column alpha --cuts 3";
    let outcome = q50(&w, &command("random", "alpha"), &format!("lookahead --bars {{dir}}/bars.parquet {line}"));
    assert_eq!(outcome.code, 1);
    assert!(outcome.stdout.contains("fix its random seed"), "{}", outcome.stdout);
}

fn a_producer_that_remembers() {
    let (w, bars) = with_bars();
    let recipe = format!("24_bars_ahead@{}", w.path("memory").display());
    // What it says once it has seen everything.
    let finite: Vec<f64> = Recipe::Ahead(24).signal(&bars.close);
    write(&w.path("s.parquet"), &bars.open_time, &finite, "alpha");
    let line = "--signals {dir}/s.parquet --signal-column alpha --cuts 10";
    let found = lookahead(&w, &command(&recipe, "alpha"), line, 1);
    assert_eq!(found["changed"], 10, "{found}");
}

fn stamps_of_the_moment() {
    let (w, bars) = with_bars();
    for (name, code) in [("honest_momentum", 0), ("one_bar_leak", 1)] {
        write(&w.path("s.parquet"), &bars.open_time, &Recipe::named(name).unwrap().signal(&bars.close), "at_close");
        let line = "--signals {dir}/s.parquet --signal-delay 0 --cuts 10";
        lookahead(&w, &command(name, "at_close"), line, code);
    }
}

fn columns_of_the_bars() {
    let w = Workspace::new();
    let mut text = String::from("Datetime,open,high,low,close,trades,venue,side\n");
    for day in 1..=28 {
        text += &format!("2024-02-{day:02},1.5,2,1,1.5,{day},x,{}\n", day % 2);
    }
    w.write("bars.csv", text);
    let kept = w.path("kept.parquet");
    let keep = format!("sh -c 'cp {{bars}} {}; exit 7' {{out}}", kept.display());
    let bars = w.path("bars.csv").display().to_string();
    let outcome = w.words(&["lookahead", "--producer", &keep, "--bars", &bars, "--cuts", "1"]);
    assert_eq!(outcome.code, 2, "{}", outcome.stderr);
    let names = Frame::column_names(&Input::open(&kept).unwrap()).unwrap();
    assert_eq!(
        names,
        ["Datetime", "open", "high", "low", "close", "trades", "venue"],
        "not the signals that are judged"
    );
    let rows = Bars::read(&kept).unwrap().len();
    assert!((1..28).contains(&rows), "{rows} of 28");
}

fn producers_that_fail() {
    let (w, bars) = with_bars();
    write(&w.path("s.parquet"), &bars.open_time, &Recipe::Momentum(24).signal(&bars.close), "side");
    let honest = command("honest_momentum", "side");
    let other = command("honest_momentum", "alpha");
    for (producer, extra, needles) in [
        (
            "sh -c 'echo no such column: volume >&2; exit 3' {bars} {out}",
            "",
            &["exit status: 3", "no such column: volume", "cut 1 of 3"][..],
        ),
        ("true {bars} {out}", "", &["wrote nothing to {out}"]),
        ("sh -c 'echo hello > {out}' {bars}", "", &["output cannot be used", "-signals.parquet"]),
        ("sh -c 'sleep 30' {bars} {out}", "--timeout 1", &["ended after 1 s", "--timeout"]),
        ("/no/such/program {bars} {out}", "", &["/no/such/program", "cannot be started"]),
        ("true {bars}", "", &["{out}"]),
        ("true '{bars} {out}", "", &["quote"]),
        (&other, "", &["`side`"]),
        (&honest, "--cuts 0", &["--cuts"]),
        (&honest, "--signal-column beta", &["beta"]),
    ] {
        let line = format!("lookahead --bars {{dir}}/bars.parquet --signals {{dir}}/s.parquet --cuts 3 {extra}");
        let line = if extra.contains("--cuts") { line.replace("--cuts 3 ", "") } else { line };
        let outcome = q50(&w, producer, &line);
        assert_eq!((outcome.code, outcome.stdout.as_str()), (2, ""), "{producer} {extra}: {}", outcome.stderr);
        for needle in needles {
            assert!(outcome.stderr.contains(needle), "`{needle}` is not in: {}", outcome.stderr);
        }
        assert_eq!(w.listing("tmp"), Vec::<String>::new(), "{producer}");
    }
}

fn a_stopped_examination() {
    let (w, bars) = with_bars();
    write(&w.path("s.parquet"), &bars.open_time, &Recipe::Momentum(24).signal(&bars.close), "side");
    for signal in [Signal::SIGINT, Signal::SIGTERM] {
        let mark = w.path("pid");
        let _ = std::fs::remove_file(&mark);
        let producer = format!("sh -c 'echo $$ > {} && sleep 60' {{bars}} {{out}}", mark.display());
        let mut q50 = std::process::Command::new(assert_cmd::cargo::cargo_bin("q50"))
            .args(["lookahead", "--quiet", "--producer", &producer])
            .args([Path::new("--bars"), &w.path("bars.parquet"), Path::new("--signals"), &w.path("s.parquet")])
            .env("TMPDIR", w.path("tmp"))
            .stderr(std::process::Stdio::null())
            .spawn()
            .unwrap();
        let child = wait_for(|| std::fs::read_to_string(&mark).ok()?.trim().parse::<i32>().ok());
        nix::sys::signal::kill(Pid::from_raw(i32::try_from(q50.id()).unwrap()), signal).unwrap();
        assert_eq!(q50.wait().unwrap().code(), Some(2));
        wait_for(|| nix::sys::signal::kill(Pid::from_raw(child), None).is_err().then_some(()));
        assert_eq!(w.listing("tmp"), Vec::<String>::new());
    }
}

fn wait_for<T>(mut ready: impl FnMut() -> Option<T>) -> T {
    let started = Instant::now();
    loop {
        if let Some(value) = ready() {
            return value;
        }
        assert!(started.elapsed() < Duration::from_secs(30), "it never came");
        std::thread::sleep(Duration::from_millis(10));
    }
}

fn verify_with_a_producer() {
    let (w, bars) = with_bars();
    let check = |name: &str, made: &str, code: i32| -> serde_json::Value {
        write(&w.path("s.parquet"), &bars.open_time, &Recipe::named(made).unwrap().signal(&bars.close), "side");
        let line = "verify --bars {dir}/bars.parquet --signals {dir}/s.parquet --strategy side --cuts 8 --format json";
        let outcome = q50(&w, &command(name, "side"), line);
        assert_eq!(outcome.code, code, "{}", outcome.stderr);
        let mut summary: serde_json::Value = serde_json::from_str(&outcome.stdout).unwrap();
        assert_eq!(summary["conditions"], serde_json::json!([]), "it was checked");
        assert_eq!(summary["lookahead"]["cuts"], 8);
        summary["checks"].as_array_mut().unwrap().pop().unwrap()
    };
    for (producer, file, state, words) in [
        ("honest_momentum", "honest_momentum", "pass", "none of 8 cuts"),
        ("centred_mean", "centred_mean", "fail", "8 cuts changed what the producer had said"),
        ("honest_momentum", "centred_mean", "fail", "the file is not what the producer makes"),
    ] {
        let check = check(producer, file, 0);
        assert_eq!((&check["name"], &check["state"]), (&"lookahead".into(), &state.into()), "{check}");
        assert!(check["evidence"].as_str().unwrap().contains(words), "{check}");
    }
    let report = std::fs::read_to_string(w.path("q50-verify/report.html")).unwrap();
    assert!(report.contains("data-check=\"lookahead\""));

    // Signals that stand in the bars' own file are not handed to their producer; those of another file are, and stay a
    // condition.
    let values = Recipe::Momentum(24).signal(&bars.close);
    let side: Vec<f64> = values.iter().map(|value| f64::from(u8::from(*value > 0.0))).collect();
    let both = [columns(&bars), vec![("side", Column::F64(&side))]].concat();
    write_parquet(&w.path("both.parquet"), &both).unwrap();
    write(&w.path("s.parquet"), &bars.open_time, &values, "side");
    let line = "verify --bars {dir}/both.parquet --signals {dir}/s.parquet --strategy side --cuts 3 --format json";
    let outcome = q50(&w, &command("honest_momentum", "side"), line);
    let summary: serde_json::Value = serde_json::from_str(&outcome.stdout).unwrap();
    assert_eq!(summary["lookahead"]["signals_given"], serde_json::json!(["side"]));
    assert_eq!(summary["conditions"][0]["name"], "signals_origin");

    let alone = w.words(&[PathBuf::from("verify"), "--producer".into(), "x {bars} {out}".into()]);
    assert_eq!(alone.code, 2, "a producer of the demonstration's signals: {}", alone.stderr);
}
