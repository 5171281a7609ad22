//! A folder with a market and a grid, and the processes of a cluster, which end with the test.

#![allow(clippy::panic, clippy::unwrap_used, unreachable_pub, reason = "test helpers")]

use std::{
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
    thread,
    time::Duration,
};

use serde_json::Value;

const PROGRAM: &str = env!("CARGO_BIN_EXE_q50-cluster");

/// What every sweep here is.
pub const SWEEP: &str =
    "sweep -q --strategy threshold --signal-column alpha --grid grid.toml --bars bars.csv --capital 1000";

/// Where one test works.
pub struct Folder {
    dir: tempfile::TempDir,
}

/// A scheduler or a worker.
pub struct Process {
    child: Child,
    pub address: String,
}

impl Drop for Process {
    fn drop(&mut self) {
        // SIGKILL: nothing is tidied up.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Folder {
    /// Hourly bars with a forecast that swings, and this grid.
    pub fn new(bars: usize, grid: &str) -> Self {
        let folder = Self { dir: tempfile::tempdir().unwrap() };
        let mut text = String::from("ts_ms,open,high,low,close,alpha\n");
        for i in 0..bars {
            let price = 100.0 + 5.0 * (i as f64 / 9.0).sin() + (i % 7) as f64 * 0.1;
            let alpha = 0.5 + 0.5 * (i as f64 / 13.0).sin();
            text += &format!("{},{price},{},{},{price},{alpha}\n", i as i64 * 3_600_000, price + 1.0, price - 1.0);
        }
        folder.write("bars.csv", &text);
        folder.write("grid.toml", grid);
        folder
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    pub fn write(&self, name: &str, text: &str) {
        std::fs::write(self.path(name), text).unwrap();
    }

    pub fn bytes(&self, name: &str) -> Vec<u8> {
        std::fs::read(self.path(name)).unwrap()
    }

    /// The command, with a trial ledger of this name.
    pub fn command(&self, line: &str, ledger: &str) -> Command {
        let mut command = Command::new(PROGRAM);
        command.args(line.split_whitespace()).current_dir(self.dir.path()).env("Q50_DATA_DIR", self.path(ledger));
        command.env("TMPDIR", self.dir.path());
        command
    }

    pub fn run(&self, line: &str, ledger: &str) -> Output {
        self.command(line, ledger).output().unwrap()
    }

    /// Runs what succeeds; its JSON.
    pub fn json(&self, line: &str, ledger: &str) -> Value {
        json(&self.run(&format!("{line} --format json"), ledger))
    }

    /// Starts a scheduler (on a free port: `127.0.0.1:0`), or a worker in a folder below this one, and waits for the line that
    /// it prints.
    fn start(&self, line: &str, folder: &Path, name: &str) -> Process {
        let mut command = self.command(line, "other");
        let mut child = command.current_dir(folder).stdout(Stdio::piped()).spawn().unwrap();
        let mut said = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut said).unwrap();
        let said: Value = serde_json::from_str(&said).unwrap();
        Process { child, address: said[name].as_str().unwrap().to_owned() }
    }

    pub fn scheduler(&self, bind: &str) -> Process {
        self.start(&format!("scheduler --bind {bind}"), self.dir.path(), "scheduler")
    }

    pub fn worker(&self, scheduler: &str) -> Process {
        self.worker_in(scheduler, self.dir.path())
    }

    pub fn worker_in(&self, scheduler: &str, folder: &Path) -> Process {
        self.start(&format!("worker --slots 1 --scheduler {scheduler}"), folder, "worker")
    }

    /// Candidates in a ledger, whoever writes to it meanwhile.
    pub fn announced(&self, ledger: &str) -> u64 {
        self.json("trials list", ledger)["markets"][0]["candidates"].as_u64().unwrap_or(0)
    }

    /// Waits for more candidates than so many.
    pub fn wait_for_more_than(&self, candidates: u64, ledger: &str) -> u64 {
        for _ in 0..600 {
            let announced = self.announced(ledger);
            if announced > candidates {
                return announced;
            }
            thread::sleep(Duration::from_millis(100));
        }
        panic!("no more than {candidates} candidates in a minute");
    }

    /// Candidates in a ledger, which must be sound.
    pub fn candidates(&self, ledger: &str) -> u64 {
        assert!(self.run("trials check", ledger).status.success());
        self.announced(ledger)
    }
}

/// What a command that succeeded has printed.
pub fn json(output: &Output) -> Value {
    assert!(output.status.success(), "{}", told(output));
    serde_json::from_slice(&output.stdout).unwrap()
}

pub fn told(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// What a sweep has found: all that it prints but what it took, where that was written down, and when.
pub fn found(mut sweep: Value) -> Value {
    let fields = sweep.as_object_mut().unwrap();
    for field in ["cpu_s", "wall_s", "ns_per_bar_set", "process_cpu_s", "peak_rss_mib", "resumed_sets", "ledger"] {
        fields.remove(field).unwrap();
    }
    sweep
}
