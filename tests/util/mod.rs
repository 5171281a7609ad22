//! A directory of its own and a command for every end-to-end test.

#![allow(clippy::unwrap_used, clippy::panic, dead_code, unreachable_pub, reason = "test helpers")]

use std::path::PathBuf;

use assert_cmd::Command;
use serde_json::Value;

/// Where one test works: everything that it writes, the trial ledger too, is below it.
pub struct Workspace {
    dir: tempfile::TempDir,
}

/// What a command left.
pub struct Outcome {
    pub code: i32,
    pub stdout: String,
    pub stderr: String,
}

impl From<std::process::Output> for Outcome {
    fn from(output: std::process::Output) -> Self {
        Self {
            code: output.status.code().unwrap(),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }
}

impl Workspace {
    pub fn new() -> Self {
        Self { dir: tempfile::tempdir().unwrap() }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// Where commands keep what is temporary.
    fn temporary(&self) -> PathBuf {
        let folder = self.path("tmp");
        std::fs::create_dir_all(&folder).unwrap();
        folder
    }

    pub fn write(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(name);
        std::fs::write(&path, content).unwrap();
        path
    }

    /// Runs `q50` with words split at blanks; `{dir}` is the workspace.
    pub fn q50(&self, line: &str) -> Outcome {
        let dir = self.dir.path().display().to_string();
        let words: Vec<String> = line.split_whitespace().map(|word| word.replace("{dir}", &dir)).collect();
        self.words(&words)
    }

    /// Runs `q50` with these words.
    pub fn words(&self, words: &[impl AsRef<std::ffi::OsStr>]) -> Outcome {
        Command::cargo_bin("q50")
            .unwrap()
            .current_dir(self.dir.path())
            .env("Q50_DATA_DIR", self.path("ledger"))
            .env("TMPDIR", self.temporary())
            .args(words)
            .output()
            .unwrap()
            .into()
    }

    /// Runs `q50 ... --format json`, expects `code`, and parses the one object.
    pub fn json(&self, line: &str, code: i32) -> Value {
        let outcome = self.q50(&format!("{line} --format json"));
        assert_eq!(outcome.code, code, "{line}\n{}\n{}", outcome.stdout, outcome.stderr);
        serde_json::from_str(&outcome.stdout).unwrap()
    }

    /// Runs what cannot be done: exit 2, nothing on stdout, and every one of `needles` in the message.
    pub fn refused(&self, line: &str, needles: &[&str]) {
        let outcome = self.q50(line);
        assert_eq!((outcome.code, outcome.stdout.as_str()), (2, ""), "{line}\n{}", outcome.stderr);
        for needle in needles {
            assert!(
                outcome.stderr.contains(needle),
                "`{needle}` is not in the message of `{line}`:\n{}",
                outcome.stderr
            );
        }
    }

    /// Names of what is in a folder of the workspace, but for what is temporary; empty where there is no such folder.
    pub fn listing(&self, folder: &str) -> Vec<String> {
        let Ok(entries) = std::fs::read_dir(self.path(folder)) else { return Vec::new() };
        let mut names: Vec<String> =
            entries.map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned()).collect();
        names.retain(|name| !folder.is_empty() || name != "tmp");
        names.sort();
        names
    }
}

/// Hourly bars as CSV, with a forecast on each: enough to run everything on.
pub fn bars_csv(rows: usize) -> String {
    let mut text = String::from("ts_ms,open,high,low,close,q10,q50,q90\n");
    for i in 0..rows {
        let price = 100.0 + 5.0 * (i as f64 / 9.0).sin() + (i % 7) as f64 * 0.1;
        let median = if (i / 9) % 2 == 0 { 0.004 } else { -0.004 };
        text += &format!(
            "{},{price},{},{},{price},{},{median},{}\n",
            i as i64 * 3_600_000,
            price + 1.0,
            price - 1.0,
            median - 0.01,
            median + 0.01
        );
    }
    text
}
