//! `q50 localnet` as a command: what it prints, how it ends, what it refuses. Its protocol is tested in its own crate.

mod util;

use util::Workspace;

#[cfg(not(feature = "live"))]
#[test]
fn a_build_without_the_chain_says_how_to_get_one() {
    Workspace::new().refused("localnet", &["built without a local chain", "--features live"]);
}

#[cfg(feature = "live")]
mod live {
    #![allow(clippy::unwrap_used, reason = "an integration test")]

    use super::Workspace;
    use serde_json::Value;
    use std::io::{BufRead, BufReader, Read, Write};
    use std::net::TcpStream;
    use std::process::{Child, Command, Stdio};
    use std::time::{Duration, Instant};

    /// A running command, and the line that it printed.
    struct Served {
        child: Child,
        ready: Value,
    }

    impl Served {
        fn start(space: &Workspace, options: &[&str]) -> Self {
            let mut command = Command::new(env!("CARGO_BIN_EXE_q50"));
            command.args(["localnet", "--port", "0", "--slot-ms", "0"]).args(options).current_dir(space.path(""));
            let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
            let mut line = String::new();
            BufReader::new(child.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
            Self { child, ready: serde_json::from_str(&line).unwrap() }
        }

        /// Asks it to end; its exit status.
        fn end(mut self, signal: &str) -> i32 {
            let id = self.child.id().to_string();
            assert!(Command::new("kill").args([signal, &id]).status().unwrap().success());
            self.child.wait().unwrap().code().unwrap()
        }
    }

    impl Drop for Served {
        fn drop(&mut self) {
            let _ = self.child.kill();
        }
    }

    fn port(url: &Value) -> u16 {
        url.as_str().unwrap().rsplit(':').next().unwrap().parse().unwrap()
    }

    #[test]
    fn it_prints_one_line_when_it_serves_and_ends_at_ctrl_c() {
        let space = Workspace::new();
        let served = Served::start(&space, &["--keypair-out", "wallet.json", "--state", "chain"]);
        let (rpc, ws) = (port(&served.ready["rpc"]), port(&served.ready["ws"]));
        assert_eq!(ws, rpc + 1);
        assert_eq!(served.ready["pools"].as_array().unwrap().len(), 2);
        assert_eq!(served.ready["keypair"], "wallet.json");
        let key: Vec<u8> = serde_json::from_slice(&std::fs::read(space.path("wallet.json")).unwrap()).unwrap();
        assert_eq!(key.len(), 64);
        let mode = std::os::unix::fs::MetadataExt::mode(&std::fs::metadata(space.path("wallet.json")).unwrap());
        assert_eq!(mode & 0o777, 0o600);
        let mut stream = TcpStream::connect(("127.0.0.1", rpc)).unwrap();
        stream.write_all(b"GET /health HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n").unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        assert!(answer.starts_with("HTTP/1.1 200 OK") && answer.ends_with("ok"), "{answer}");
        assert_eq!(served.end("-INT"), 0);
        assert!(space.path("chain/chain.bin").is_file());
    }

    #[test]
    fn a_taken_port_and_files_of_another_kind_are_refused_before_anything_is_served() {
        let space = Workspace::new();
        let served = Served::start(&space, &[]);
        let taken = port(&served.ready["rpc"]);
        space.refused(&format!("localnet --port {taken}"), &[&format!("127.0.0.1:{taken}"), "--port"]);
        // Whoever is connected does not keep it.
        let _connected = TcpStream::connect(("127.0.0.1", taken)).unwrap();
        let since = Instant::now();
        assert_eq!(served.end("-TERM"), 0);
        assert!(since.elapsed() < Duration::from_secs(5));
        space.write("pools.toml", "[[pool]]\nbase_reserve = 0\nquote_reserve = 5\n");
        space.refused("localnet --port 0 --pools pools.toml", &["pools.toml: pool 1", "a reserve is 0"]);
        space.write("pools.toml", "[[pool]]\nbase_reserves = 7\n");
        space.refused("localnet --port 0 --pools pools.toml", &["pools.toml", "unknown field `base_reserves`"]);
        space.write("faults.toml", "[[fault]]\nkind = \"stale\"\n");
        space.refused("localnet --port 0 --faults faults.toml", &["faults.toml", "needs `slots`"]);
        space.write("wallet.json", "my notes");
        space.refused("localnet --port 0 --keypair-out wallet.json", &["wallet.json", "holds no keypair"]);
        assert_eq!(std::fs::read_to_string(space.path("wallet.json")).unwrap(), "my notes");
    }

    #[test]
    fn a_demonstration_that_runs_keeps_its_files_whoever_else_wants_one() {
        let space = Workspace::new();
        let served = Served::start(&space, &["--demonstration", "demo"]);
        let files = ["bars.parquet", "pool.parquet", "signals.parquet", "wallet.json"];
        let read = || files.map(|file| std::fs::read(space.path("demo").join(file)).unwrap());
        let written = read();
        let taken = port(&served.ready["rpc"]);
        // Of the same folder, and of the same port.
        space.refused("localnet --demonstration demo --port 0", &["another process is at work in this folder"]);
        space.refused(&format!("localnet --demonstration other --port {taken}"), &["the port and the one above it"]);
        assert_eq!(read(), written);
        assert!(space.listing("other").is_empty(), "nothing is written for a chain that is not there");
        assert_eq!(served.end("-TERM"), 0);
        let served = Served::start(&space, &[]);
        let taken = port(&served.ready["rpc"]);
        space.refused(&format!("localnet --demonstration demo --port {taken}"), &["the port and the one above it"]);
        assert_eq!(read(), written, "what could not start has not touched the files of the last one");
    }

    /// The clients' packages are installed outside the checkout.
    #[test]
    #[ignore = "installs solana-py and web3.js"]
    fn other_clients_trade_and_every_command_of_the_page_runs() {
        let ran = Command::new("scripts/localnet").env("Q50", env!("CARGO_BIN_EXE_q50")).output().unwrap();
        let said = [ran.stdout, ran.stderr].map(|said| String::from_utf8_lossy(&said).into_owned()).join("\n");
        assert!(ran.status.success(), "{said}");
    }
}
