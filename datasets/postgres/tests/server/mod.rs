//! A PostgreSQL server of a test's own, without privileges: in a temporary folder, reached by a socket there.

#![allow(dead_code, clippy::panic, reason = "test helpers: not every test uses all of them")]

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// How long a server may take to start, recovery after a crash included.
const STARTS_WITHIN: Duration = Duration::from_secs(60);

/// A server that ends with the value.
#[derive(Debug)]
pub(crate) struct Postgres {
    dir: tempfile::TempDir,
    programs: PathBuf,
    as_root: bool,
    /// Where it listens: the socket in its folder, or a port with TLS alone.
    listens: String,
}

impl Postgres {
    /// Makes and starts one. Panics where Debian's package `postgresql` is not installed.
    pub(crate) fn start() -> Self {
        // Not below a home folder, which the server's user may not enter.
        let dir = tempfile::Builder::new().prefix("q50-pg").tempdir_in("/tmp").unwrap_or_else(|e| panic!("{e}"));
        let as_root = output("id", &["-u"]).trim() == "0";
        if as_root {
            // initdb refuses root.
            output("chown", &["postgres", &dir.path().display().to_string()]);
        }
        let server = Self { dir, programs: programs(), as_root, listens: "-c listen_addresses=''".to_owned() };
        let arguments =
            ["-U", "postgres", "-A", "trust", "--no-sync", "-E", "UTF8", "--locale=C.UTF-8", "-D", &server.data()];
        assert!(server.tried("initdb", &arguments), "initdb failed");
        server.restart();
        server
    }

    /// Starts again on a port, with a certificate for `localhost` by an authority of its own: its port and the authority's
    /// certificate.
    pub(crate) fn with_tls(&mut self) -> (u16, PathBuf) {
        let file = |name: &str| self.dir.path().join(name).display().to_string();
        let [authority, by, key, request, certificate] =
            ["ca.crt", "ca.key", "server.key", "server.csr", "server.crt"].map(file);
        let make = ["req", "-nodes", "-newkey", "rsa:2048", "-keyout"];
        output(
            "openssl",
            &[&make[..], &[&by, "-x509", "-days", "2", "-subj", "/CN=an authority", "-out", &authority]].concat(),
        );
        output("openssl", &[&make[..], &[&key, "-subj", "/CN=localhost", "-out", &request]].concat());
        let names = file("names");
        std::fs::write(&names, "subjectAltName=DNS:localhost").unwrap_or_else(|e| panic!("{e}"));
        let sign = ["x509", "-req", "-days", "2", "-CA", &authority, "-CAkey", &by, "-CAcreateserial"];
        output("openssl", &[&sign[..], &["-extfile", &names, "-in", &request, "-out", &certificate]].concat());
        output("chmod", &["600", &key]);
        if self.as_root {
            output("chown", &["postgres", &key, &certificate]);
        }
        let port = std::net::TcpListener::bind("127.0.0.1:0").and_then(|free| free.local_addr());
        let port = port.unwrap_or_else(|e| panic!("{e}")).port();
        self.tried("pg_ctl", &["-D", &self.data(), "-m", "fast", "-w", "stop"]);
        std::fs::write(
            self.dir.path().join("data/pg_hba.conf"),
            "local all all trust\nhostssl all all 127.0.0.1/32 trust\n",
        )
        .unwrap_or_else(|e| panic!("{e}"));
        self.listens = format!(
            "-c listen_addresses=127.0.0.1 -c port={port} -c ssl=on -c ssl_cert_file={certificate} -c ssl_key_file={key}"
        );
        self.restart();
        (port, authority.into())
    }

    /// A connection string.
    pub(crate) fn url(&self) -> String {
        format!("host={} user=postgres dbname=postgres", self.dir.path().display())
    }

    /// Runs statements, as the user of the database.
    pub(crate) fn sql(&self, statements: &str) -> String {
        let url = self.url();
        output(
            &self.programs.join("psql").display().to_string(),
            &["-qAtX", "-v", "ON_ERROR_STOP=1", "-d", &url, "-c", statements],
        )
    }

    /// Copies a CSV file with a header into a table.
    pub(crate) fn copy(&self, table: &str, file: &Path) {
        let copy = format!("\\copy {table} FROM '{}' CSV HEADER", file.display());
        self.sql(&copy);
    }

    /// Ends the server as a power cut would.
    pub(crate) fn kill(&self) {
        let pid = std::fs::read_to_string(self.dir.path().join("data/postmaster.pid")).unwrap_or_default();
        output("kill", &["-9", pid.lines().next().unwrap_or_else(|| panic!("no server runs"))]);
    }

    /// Starts it again. What was killed leaves processes that end a moment later, and is waited for.
    pub(crate) fn restart(&self) {
        let folder = self.dir.path().display();
        let options = format!("{} -c unix_socket_directories='{folder}' -c fsync=off", self.listens);
        let begun = Instant::now();
        while !self.tried("pg_ctl", &["-D", &self.data(), "-w", "-o", &options, "-l", &self.log(), "start"]) {
            let log = std::fs::read_to_string(self.log()).unwrap_or_default();
            assert!(begun.elapsed() < STARTS_WITHIN, "PostgreSQL does not start: {log}");
            std::thread::sleep(Duration::from_millis(200));
        }
    }

    fn data(&self) -> String {
        self.dir.path().join("data").display().to_string()
    }

    fn log(&self) -> String {
        self.dir.path().join("log").display().to_string()
    }

    fn tried(&self, program: &str, arguments: &[&str]) -> bool {
        let program = self.programs.join(program);
        let mut command = match self.as_root {
            true => {
                let mut command = Command::new("setpriv");
                command.args(["--reuid=postgres", "--regid=postgres", "--clear-groups"]).arg(program);
                command
            }
            false => Command::new(program),
        };
        // The server outlives pg_ctl and would hold a pipe open.
        let command = command.args(arguments).current_dir(self.dir.path()).stdout(Stdio::null()).stderr(Stdio::null());
        command.status().is_ok_and(|status| status.success())
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        self.tried("pg_ctl", &["-D", &self.data(), "-m", "immediate", "-w", "stop"]);
    }
}

/// The folder with the programs of the newest version.
fn programs() -> PathBuf {
    let versions = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let number = |path: &Path| path.file_name().and_then(|name| name.to_str()?.parse::<u32>().ok());
    let mut folders: Vec<(u32, PathBuf)> =
        versions.filter_map(|entry| Some((number(&entry.path())?, entry.path().join("bin")))).collect();
    folders.retain(|(_, folder)| folder.join("initdb").is_file());
    folders.sort();
    folders.pop().unwrap_or_else(|| panic!("install Debian's package postgresql")).1
}

fn output(program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program).args(arguments).output().unwrap_or_else(|e| panic!("{program}: {e}"));
    assert!(output.status.success(), "{program} {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).into_owned()
}
