//! What a folder of results holds after failures, kills and runs at the same time.

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a panic is how a test fails")]

mod util;

use std::{
    fs,
    os::unix::fs::symlink,
    path::Path,
    process::{Child, Command, Stdio},
    time::Duration,
};

use q50_datasets::run_folder::{RunFolder, run_id};
use q50_testing::program;
use serde_json::Value;
use util::{Workspace, bars_csv};

const TABLES: [&str; 3] = ["decisions.parquet", "equity.parquet", "fills.parquet"];
const FILES: [&str; 5] = ["decisions.parquet", "equity.parquet", "fills.parquet", "report.html", "summary.json"];

/// A workspace with a market of 300 bars.
fn small() -> Workspace {
    let w = Workspace::new();
    w.write("bars.csv", bars_csv(300));
    w
}

fn verify(cost: u32) -> String {
    format!("verify -q --strategy q50 --bars {{dir}}/bars.csv --capital 1000 --cost-bps {cost} --out {{dir}}/out")
}

fn start(w: &Workspace, cost: u32) -> Child {
    let line = verify(cost).replace("{dir}", &w.path("").display().to_string());
    Command::new(env!("CARGO_BIN_EXE_q50"))
        .args(line.split_whitespace())
        .env("Q50_DATA_DIR", w.path("ledger"))
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

/// The run that the folder holds; `None` where no file stands for one. Every other file must be of the same run.
fn whole_run(folder: &Path) -> Option<String> {
    let summary: Value = serde_json::from_slice(&fs::read(folder.join("summary.json")).ok()?).unwrap();
    let id = summary["run_id"].as_str().unwrap();
    for table in TABLES {
        assert_eq!(run_id(&folder.join(table)).unwrap().as_deref(), Some(id), "{table} is of another run");
    }
    assert!(fs::read_to_string(folder.join("report.html")).unwrap().contains(id), "the report is of another run");
    Some(id.to_owned())
}

#[test]
fn every_file_of_a_run_carries_its_id() {
    let w = small();
    let summary = w.json(&verify(5), 0);
    assert_eq!(whole_run(&w.path("out")).as_deref(), summary["run_id"].as_str());
    w.write("grid.toml", "[grid]\n\"sizing.max_position\" = [0.2, 0.5]\n");
    let sweep = w.json("sweep -q --grid {dir}/grid.toml --bars {dir}/bars.csv --out {dir}/out", 0);
    assert_eq!(run_id(&w.path("out/results.parquet")).unwrap().as_deref(), sweep["run_id"].as_str());
    assert!(whole_run(&w.path("out")).is_some(), "runs of two kinds have a folder together");
}

/// Twenty kills; `Q50_KILLS=200 cargo test --test files kills` makes more.
#[test]
fn kills_of_a_rerun_never_leave_files_of_two_runs() {
    let w = small();
    let out = w.path("out");
    w.json(&verify(5), 0);
    let kills: u64 = std::env::var("Q50_KILLS").map_or(20, |n| n.parse().unwrap());
    let (mut moment, mut whole, mut without) = (7_u64, 0, 0);
    for kill in 0..kills {
        let mut child = start(&w, if kill % 2 == 0 { 7 } else { 5 });
        // The first table is begun when the replay is done; the folder changes within some milliseconds from then on.
        while child.try_wait().unwrap().is_none() && !out.join(".equity.parquet.q50-tmp").exists() {
            std::thread::sleep(Duration::from_micros(200));
        }
        // A linear congruential step is random enough for a moment.
        moment = moment.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        std::thread::sleep(Duration::from_micros((moment >> 33) % 60_000));
        child.kill().unwrap();
        child.wait().unwrap();
        match whole_run(&out) {
            Some(_) => whole += 1,
            None => {
                without += 1;
                w.json(&verify(5), 0);
            }
        }
    }
    println!("{kills} kills: {whole} left a whole run, {without} none");
    w.json(&verify(5), 0);
    assert!(whole_run(&out).is_some());
    assert_eq!(w.listing("out"), FILES, "what dead runs left is removed");
}

#[test]
fn of_runs_at_the_same_time_one_has_the_folder() {
    let w = small();
    let children: Vec<Child> = (1..=4).map(|cost| start(&w, cost)).collect();
    let codes: Vec<i32> = children.into_iter().map(|mut child| child.wait().unwrap().code().unwrap()).collect();
    assert!(codes.contains(&0) && codes.iter().all(|code| [0, 2].contains(code)), "{codes:?}");
    assert!(whole_run(&w.path("out")).is_some());
    let _held = RunFolder::open(&w.path("out"), &["summary.json"]).unwrap();
    w.refused(&verify(5), &["/out", "another process is at work"]);
}

#[test]
fn what_somebody_else_put_there_is_not_replaced() {
    type Plant = fn(&Path);
    let plants: [(&str, Plant, &str); 6] = [
        ("report.html", |at| fs::write(at, "<html>my own</html>").unwrap(), "not written by a run"),
        ("summary.json", |at| fs::write(at, "{\"schema\": \"mine\"}").unwrap(), "not written by a run"),
        ("fills.parquet", |at| fs::write(at, "PAR1 mine PAR1").unwrap(), "not written by a run"),
        ("report.html", |at| symlink("/dev/null", at).unwrap(), "a symbolic link"),
        ("equity.parquet", |at| symlink("/no/such/file", at).unwrap(), "a symbolic link"),
        ("summary.json", |at| fs::create_dir(at).unwrap(), "a folder is there"),
    ];
    for (name, plant, why) in plants {
        let w = small();
        fs::create_dir(w.path("out")).unwrap();
        plant(&w.path("out").join(name));
        let kept = fs::symlink_metadata(w.path("out").join(name)).unwrap().modified().unwrap();
        w.refused(&verify(5), &[name, why, "nothing was replaced"]);
        assert_eq!(w.listing("out"), [name]);
        assert_eq!(fs::symlink_metadata(w.path("out").join(name)).unwrap().modified().unwrap(), kept);
        assert!(w.listing("ledger").is_empty(), "it is refused before anything is run");
    }
}

#[test]
#[ignore = "mounts a small disk, which needs Linux and its namespaces"]
fn a_full_disk_leaves_the_old_run_whole() {
    let w = small();
    let out = w.path("out");
    fs::create_dir(&out).unwrap();
    let words = |cost| verify(cost).replace("{dir}", &w.path("").display().to_string());
    let script = format!(
        "mount -t tmpfs -o size=4m tmpfs {out} || exit; {q50} {first} > /dev/null || exit 3; cp -r {out} {before}; \
         cat /dev/zero > {out}/fill 2> /dev/null; {q50} {second}; code=$?; rm {out}/fill; \
         diff -r {out} {before} || exit 4; exit $code",
        out = out.display(),
        before = w.path("before").display(),
        q50 = env!("CARGO_BIN_EXE_q50"),
        first = words(5),
        second = words(7),
    );
    let mut unshare = Command::new(program(&["unshare"]));
    let output = unshare.args(["-rm", "sh", "-c", &script]).env("Q50_DATA_DIR", w.path("ledger")).output().unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{stderr}");
    assert!(stderr.contains("No space left"), "{stderr}");
}

#[test]
fn a_file_that_was_named_is_whole_and_neither_a_link_nor_a_device() {
    let w = small();
    w.json(&verify(5), 0);
    symlink("/dev/null", w.path("null")).unwrap();
    w.refused("trials export --out {dir}/null", &["null", "a symbolic link"]);
    w.refused("trials export --out /dev/null", &["/dev/null", "a device"]);
    w.refused("trials export --out {dir}/out", &["a folder is there"]);
    assert!(fs::symlink_metadata(w.path("null")).unwrap().is_symlink());
    assert_eq!(w.q50("trials export --out {dir}/t.parquet").code, 0);
    assert_eq!(w.q50("trials export --out {dir}/t.parquet").code, 0, "a file of one's own is replaced");
}
